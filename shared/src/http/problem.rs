//! Problem details (RFC 9457): the one place that knows which status an error becomes.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::{HeaderName, StatusCode};
use serde::Serialize;

use super::edge::Cause;
use crate::domain::error::{Error, Violation};

/// The body of an error, before the request's id is known.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Violation>,
}

impl Problem {
    /// Writes the body with the request's id.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Vec<u8> {
        self.request_id = Some(id.to_owned());
        serde_json::to_vec(&self).unwrap_or_default()
    }
}

type Header = (HeaderName, String);

impl Error {
    fn problem(self) -> (StatusCode, Problem, Vec<Header>, Option<Cause>) {
        let mut headers: Vec<_> =
            self.challenge().map(|challenge| (WWW_AUTHENTICATE, challenge)).into_iter().collect();
        let mut errors = Vec::new();
        let mut cause = None;
        let mut several = None;
        let (status, slug, title, detail) = match self {
            Self::Malformed(detail) => {
                (400, "malformed-request", "The request cannot be read", detail)
            }
            Self::UnsupportedFilter(detail) => {
                (400, "unsupported-filter", "The filter is not allowed", detail)
            }
            Self::NoCredentials => (
                401,
                "unauthenticated",
                "No access token",
                "send an access token as `Authorization: Bearer …`".to_owned(),
            ),
            Self::BadToken(detail) | Self::BadBoundToken(detail) => {
                (401, "unauthenticated", "The access token is not good", detail.to_owned())
            }
            Self::BadProof(detail) => {
                (401, "unauthenticated", "The proof of possession is not good", detail.to_owned())
            }
            Self::InsufficientScope { scope, .. } => (
                403,
                "insufficient-scope",
                "The token's scope is not enough",
                format!("the scope `{scope}` is needed"),
            ),
            Self::NotAllowed(detail) => (403, "not-allowed", "The caller may not do this", detail),
            Self::Blocked => {
                (403, "user-blocked", "The user is blocked", "the user may not sign in".to_owned())
            }
            Self::NotFound => {
                (404, "not-found", "Not found", "there is no such resource".to_owned())
            }
            Self::NoRoute => (404, "not-found", "Not found", "there is no such path".to_owned()),
            Self::WrongMethod => (
                405,
                "method-not-allowed",
                "Method not allowed",
                "the header `Allow` lists the methods".to_owned(),
            ),
            Self::NotAcceptable => (
                406,
                "not-acceptable",
                "Not acceptable",
                "answers are `application/json`".to_owned(),
            ),
            Self::TooLarge(most) => (
                413,
                "too-large",
                "The body is too large",
                format!("at most {most} bytes are allowed"),
            ),
            Self::UnsupportedMediaType { due, patch } => {
                if patch {
                    headers.push((HeaderName::from_static("accept-patch"), due.to_owned()));
                }
                (
                    415,
                    "unsupported-media-type",
                    "Unsupported media type",
                    format!("the content type {due} is due"),
                )
            }
            Self::PreconditionRequired => (
                428,
                "precondition-required",
                "If-Match is required",
                "send the ETag of the resource that you read as `If-Match`, so that no update is \
                 lost"
                    .to_owned(),
            ),
            Self::PreconditionFailed(tag) => {
                headers.extend(tag.map(|tag| (ETAG, tag.to_string())));
                let detail =
                    "the resource is not as the request expects; read it again and decide anew";
                (412, "precondition-failed", "The resource has changed", detail.to_owned())
            }
            Self::Invalid(violations) => {
                let detail = format!("{} in the content; see `errors`", count(violations.len()));
                errors = violations;
                (422, "invalid-content", "The content is not valid", detail)
            }
            Self::Taken(violations) => {
                errors = violations;
                (
                    409,
                    "already-exists",
                    "It already exists",
                    "a unique value is held by another resource; see `errors`".to_owned(),
                )
            }
            Self::InUse(detail) => (409, "in-use", "The definition is in use", detail),
            Self::Several(found) => {
                several = Some(found);
                (
                    409,
                    "several-found",
                    "Several were found",
                    format!("{found} were found where one is due"),
                )
            }
            Self::Conflict(detail) => (409, "conflict", "The state does not allow it", detail),
            Self::Unavailable(what) => {
                headers.push((RETRY_AFTER, "1".to_owned()));
                cause = Some(Cause(what));
                (
                    503,
                    "unavailable",
                    "Not available now",
                    "try again after the time in `Retry-After`".to_owned(),
                )
            }
            Self::Outdated | Self::AlreadyRecorded => {
                headers.push((RETRY_AFTER, "1".to_owned()));
                (
                    503,
                    "unavailable",
                    "Not available now",
                    "another request changes the same at this moment; try again".to_owned(),
                )
            }
            Self::Unexpected(what) => {
                cause = Some(Cause(what));
                (
                    500,
                    "unexpected",
                    "Unexpected error",
                    "the error was logged under the request id".to_owned(),
                )
            }
        };
        let kind = format!("/problems/{slug}");
        let problem =
            Problem { kind, title, status, detail, request_id: None, count: several, errors };
        (
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            problem,
            headers,
            cause,
        )
    }
}

const BEARER: &str = "Bearer realm=\"kith\"";
const DPOP: &str = "DPoP realm=\"kith\", algs=\"ES256 RS256 PS256 EdDSA Ed25519\"";

impl Error {
    /// How the caller is told what credentials are due (RFC 6750 §3, RFC 9449 §7.1); without any
    /// there is no error code.
    fn challenge(&self) -> Option<String> {
        let with = |scheme: &str, code: &str, detail: &str| {
            Some(format!("{scheme}, error=\"{code}\", error_description=\"{detail}\""))
        };
        match self {
            Self::NoCredentials => Some(format!("{BEARER}, {DPOP}")),
            Self::BadToken(detail) => with(BEARER, "invalid_token", detail),
            Self::BadBoundToken(detail) => with(DPOP, "invalid_token", detail),
            Self::BadProof(detail) => with(DPOP, "invalid_dpop_proof", detail),
            Self::InsufficientScope { scope, bound } => {
                let scheme = if *bound { DPOP } else { BEARER };
                Some(format!("{scheme}, error=\"insufficient_scope\", scope=\"{scope}\""))
            }
            _ => None,
        }
    }
}

fn count(violations: usize) -> String {
    if violations == 1 { "one violation".to_owned() } else { format!("{violations} violations") }
}

impl IntoResponse for Error {
    /// The edge writes the body, because it knows the request's id.
    fn into_response(self) -> Response {
        let (status, problem, headers, cause) = self.problem();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        let fixed = [
            (CONTENT_TYPE, "application/problem+json"),
            (CACHE_CONTROL, "private, no-cache"),
            (VARY, "Authorization, Accept"),
        ];
        for (name, value) in fixed {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response.extensions_mut().insert(problem);
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}
