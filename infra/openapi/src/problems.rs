//! The errors that answers share: problem details, and those of the OAuth endpoints.

use utoipa::openapi::Content;
use utoipa::openapi::response::ResponseBuilder;

use super::shapes::named;

/// An error that operations refer to by its name in `components`.
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) name: &'static str,
    about: &'static str,
    pub(super) headers: &'static [&'static str],
    media: &'static str,
    schema: &'static str,
}

impl Problem {
    /// The answer, without its headers.
    pub(super) fn answer(&self) -> ResponseBuilder {
        ResponseBuilder::new()
            .description(self.about)
            .content(self.media, Content::new(Some(named(self.schema))))
    }
}

const fn problem(
    status: u16,
    name: &'static str,
    headers: &'static [&'static str],
    about: &'static str,
) -> Problem {
    let (media, schema) = ("application/problem+json", "Problem");
    Problem { status, name, about, headers, media, schema }
}

const fn oauth(
    status: u16,
    name: &'static str,
    headers: &'static [&'static str],
    about: &'static str,
) -> Problem {
    Problem { status, name, about, headers, media: "application/json", schema: "OAuthError" }
}

/// The problem details of each status.
pub(super) const PROBLEMS: [Problem; 15] = [
    problem(
        400,
        "MalformedRequest",
        &[],
        "The request cannot be read (`malformed-request`): invalid JSON, a duplicate member, an \
         unknown, repeated or empty query parameter, an invalid header or cursor. Or the field \
         cannot be filtered by (`unsupported-filter`).",
    ),
    problem(
        401,
        "Unauthenticated",
        &["WWW-Authenticate"],
        "There is no valid token, and no live session (`unauthenticated`).",
    ),
    problem(
        403,
        "Forbidden",
        &["WWW-Authenticate"],
        "The token lacks a scope, or the person a right (`insufficient-scope`), the caller may not \
         do this, whichever scopes it has (`not-allowed`), the person signed in too long ago \
         (`reauthenticate`, with `max_age`), or is blocked (`user-blocked`).",
    ),
    problem(
        404,
        "NotFound",
        &[],
        "There is no such resource (`not-found`). Resources of other tenants, and ids of the wrong \
         shape, are not found either.",
    ),
    problem(406, "NotAcceptable", &[], "`Accept` excludes JSON (`not-acceptable`)."),
    problem(
        409,
        "Conflict",
        &[],
        "Another resource holds a unique value (`already-exists`), the definition is in use \
         (`in-use`), several match where one is expected (`several-found`, with `count`), the \
         tenant would be without an administrator (`last-administrator`), or the state of the \
         resource does not allow it (`conflict`).",
    ),
    problem(410, "Gone", &[], "The audit does not reach back that far (`audit-ended`)."),
    problem(
        412,
        "PreconditionFailed",
        &["ETag"],
        "The resource has changed since you read it (`precondition-failed`). `ETag` has its \
         current tag.",
    ),
    problem(
        413,
        "TooLarge",
        &[],
        "The body is larger than 256 KB, or 4 MB for an import (`too-large`).",
    ),
    problem(
        415,
        "UnsupportedMediaType",
        &["Accept-Patch", "Accept-Encoding"],
        "The body has another media type than the route takes, or a content encoding \
         (`unsupported-media-type`).",
    ),
    problem(
        422,
        "InvalidContent",
        &[],
        "The content breaks a rule or a definition (`invalid-content`). `errors` has every \
         violation.",
    ),
    problem(
        428,
        "PreconditionRequired",
        &[],
        "The header `If-Match` is missing (`precondition-required`).",
    ),
    problem(
        429,
        "TooManyRequests",
        &["Retry-After"],
        "Too many requests. API Gateway answers `{\"message\": \"Too Many Requests\"}` as \
         `application/json` before a request reaches the service.",
    ),
    problem(500, "Unexpected", &[], "An error that was logged with the request id (`unexpected`)."),
    problem(
        503,
        "Unavailable",
        &["Retry-After"],
        "Try again after the time in `Retry-After` (`unavailable`).",
    ),
];

/// The errors that are other ones at the OAuth endpoints.
pub(super) const OAUTH: [Problem; 5] = [
    oauth(400, "OAuthRefused", &[], "The request is refused. `error` says why."),
    oauth(
        401,
        "OAuthInvalidClient",
        &["WWW-Authenticate"],
        "The client is unknown, or its credentials are wrong (`invalid_client`).",
    ),
    oauth(
        429,
        "OAuthTooMany",
        &["Retry-After"],
        "Too many failed authentications (`temporarily_unavailable`). Wait for `Retry-After`.",
    ),
    oauth(500, "OAuthFault", &[], "An error that was logged with the request id (`server_error`)."),
    oauth(
        503,
        "OAuthUnavailable",
        &["Retry-After"],
        "Try again after the time in `Retry-After` (`temporarily_unavailable`).",
    ),
];
