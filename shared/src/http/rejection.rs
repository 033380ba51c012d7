//! The refusals of requests: faults before the use case, and errors of the use case.

use axum::response::{IntoResponse, Response};
use http::HeaderName;
use http::header::{ACCEPT_ENCODING, ETAG, RETRY_AFTER};

use super::problem::{Cause, Challenge, Header, ProblemKind, RETRY_SECONDS, respond};
use crate::auth::AuthError;
use crate::auth::caller::RECENT_SECONDS;
use crate::auth::user_token::UNKNOWN;
use crate::domain::Scope;
use crate::domain::error::{Error, Violation};
use crate::domain::string_enum::one_of;

/// Why a request is refused.
#[derive(Debug)]
pub enum Rejection {
    /// No such path.
    NoRoute,
    /// The path exists, the method does not; the methods that do are in the `Allow` header.
    WrongMethod,
    /// No credentials came with the request.
    NoCredentials,
    /// The cookie names no session, or one that has ended.
    NoSession,
    /// The token is invalid. The text names the fault, never the content of the token.
    BadToken(&'static str),
    /// A token that was sent with a proof of possession is invalid. The text names the fault.
    BadBoundToken(&'static str),
    /// The proof of possession is missing or invalid. The text names the fault.
    BadProof(&'static str),
    /// The token lacks a scope.
    InsufficientScope {
        /// The scope.
        scope: Scope,
        /// Whether the token is bound to a key, and is therefore sent with a proof.
        bound: bool,
    },
    /// No persona of the person grants this scope now.
    MissingRight(Scope),
    /// The caller accepts no JSON.
    NotAcceptable,
    /// The body is larger than this many bytes.
    TooLarge(usize),
    /// The route does not accept the body's media type.
    UnsupportedMediaType {
        /// The media types that it accepts.
        expected: &'static [&'static str],
        /// Whether the request was a PATCH, whose answer says so in a header of its own.
        patch: bool,
    },
    /// The body is encoded, for example compressed.
    UnsupportedEncoding,
    /// The error of the use case.
    Domain(Error),
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        match error {
            Error::Untrusted => Self::BadToken(UNKNOWN),
            Error::SignedOut => Self::BadToken("the person has signed out since; get a new token"),
            error => Self::Domain(error),
        }
    }
}

impl From<AuthError> for Rejection {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::BadToken(detail) => Self::BadToken(detail),
            AuthError::BadProof(detail) => Self::BadProof(detail),
            AuthError::Unchecked(error) => error.into(),
        }
    }
}

const MALFORMED: ProblemKind =
    ProblemKind::new(400, "malformed-request", "The request cannot be read");
const UNSUPPORTED_FILTER: ProblemKind =
    ProblemKind::new(400, "unsupported-filter", "The filter is not supported");
const NO_CREDENTIALS: ProblemKind = ProblemKind::new(401, "unauthenticated", "No access token");
const NO_SESSION: ProblemKind = ProblemKind::new(401, "unauthenticated", "The session has ended");
const BAD_TOKEN: ProblemKind =
    ProblemKind::new(401, "unauthenticated", "The access token is invalid");
const BAD_PROOF: ProblemKind =
    ProblemKind::new(401, "unauthenticated", "The proof of possession is invalid");
const INSUFFICIENT_SCOPE: ProblemKind =
    ProblemKind::new(403, "insufficient-scope", "The token lacks a scope");
const MISSING_RIGHT: ProblemKind =
    ProblemKind::new(403, "insufficient-scope", "The person lacks a right");
const REAUTHENTICATE: ProblemKind =
    ProblemKind::new(403, "reauthenticate", "The sign-in is too long ago");
const NOT_ALLOWED: ProblemKind = ProblemKind::new(403, "not-allowed", "The caller may not do this");
const BLOCKED: ProblemKind = ProblemKind::new(403, "user-blocked", "The user is blocked");
const NOT_FOUND: ProblemKind = ProblemKind::new(404, "not-found", "Not found");
const WRONG_METHOD: ProblemKind = ProblemKind::new(405, "method-not-allowed", "Method not allowed");
const NOT_ACCEPTABLE: ProblemKind = ProblemKind::new(406, "not-acceptable", "Not acceptable");
const TAKEN: ProblemKind = ProblemKind::new(409, "already-exists", "Already exists");
const IN_USE: ProblemKind = ProblemKind::new(409, "in-use", "It is in use");
const SEVERAL: ProblemKind = ProblemKind::new(409, "several-found", "Several users match");
const CONFLICT: ProblemKind =
    ProblemKind::new(409, "conflict", "The state of the resource does not allow this");
const AUDIT_ENDED: ProblemKind =
    ProblemKind::new(410, "audit-ended", "The audit does not reach back that far");
const LAST_ADMINISTRATOR: ProblemKind =
    ProblemKind::new(409, "last-administrator", "The tenant needs an administrator");
const LEGAL_HOLD: ProblemKind =
    ProblemKind::new(409, "legal-hold", "The tenant is under legal hold");
const PRECONDITION_FAILED: ProblemKind =
    ProblemKind::new(412, "precondition-failed", "A precondition does not hold");
const TOO_LARGE: ProblemKind = ProblemKind::new(413, "too-large", "The body is too large");
const UNSUPPORTED_MEDIA_TYPE: ProblemKind =
    ProblemKind::new(415, "unsupported-media-type", "Unsupported media type");
const INVALID: ProblemKind = ProblemKind::new(422, "invalid-content", "The content is not valid");
const UNCONDITIONAL: ProblemKind =
    ProblemKind::new(428, "precondition-required", "If-Match is required");
const UNEXPECTED: ProblemKind = ProblemKind::new(500, "unexpected", "Unexpected error");
const UNAVAILABLE: ProblemKind = ProblemKind::new(503, "unavailable", "Temporarily unavailable");

/// Every kind of problem. The function `site` has a page for each slug.
pub const KINDS: [ProblemKind; 28] = [
    MALFORMED,
    UNSUPPORTED_FILTER,
    NO_CREDENTIALS,
    NO_SESSION,
    BAD_TOKEN,
    BAD_PROOF,
    INSUFFICIENT_SCOPE,
    MISSING_RIGHT,
    REAUTHENTICATE,
    NOT_ALLOWED,
    BLOCKED,
    NOT_FOUND,
    WRONG_METHOD,
    NOT_ACCEPTABLE,
    TAKEN,
    IN_USE,
    SEVERAL,
    CONFLICT,
    LAST_ADMINISTRATOR,
    LEGAL_HOLD,
    AUDIT_ENDED,
    PRECONDITION_FAILED,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID,
    UNCONDITIONAL,
    UNEXPECTED,
    UNAVAILABLE,
];

/// Which problem an error of the domain is.
const fn kind_of(error: &Error) -> ProblemKind {
    match error {
        Error::Malformed(_) => MALFORMED,
        Error::UnsupportedFilter(_) => UNSUPPORTED_FILTER,
        Error::Untrusted | Error::SignedOut => BAD_TOKEN,
        Error::NotAllowed(_) => NOT_ALLOWED,
        Error::Blocked => BLOCKED,
        Error::NotFound | Error::NoProfile => NOT_FOUND,
        Error::NotUnique(_) => TAKEN,
        Error::InUse(_) => IN_USE,
        Error::Several(_) => SEVERAL,
        Error::Conflict(_) => CONFLICT,
        Error::Reauthenticate => REAUTHENTICATE,
        Error::LastAdministrator => LAST_ADMINISTRATOR,
        Error::LegalHold => LEGAL_HOLD,
        Error::AuditEnded(_) => AUDIT_ENDED,
        Error::PreconditionFailed { .. } => PRECONDITION_FAILED,
        Error::Invalid(_) => INVALID,
        Error::Unconditional => UNCONDITIONAL,
        Error::Unexpected(_) => UNEXPECTED,
        Error::Unavailable(_) | Error::Outdated | Error::AlreadyRecorded => UNAVAILABLE,
    }
}

/// The message for an error of the domain: its own text, unless that is not for the caller. If a
/// header or a member holds the details, the message points to it.
fn detail_of(error: &Error) -> String {
    match error {
        Error::Invalid(violations) => {
            format!("{} in the content; correct every field of `errors`", count(violations.len()))
        }
        Error::NotUnique(_) => {
            "another resource has a unique value of this one; see `errors`".to_owned()
        }
        Error::Unconditional => "send the ETag that you read as `If-Match`, so \
                                 that no update is lost"
            .to_owned(),
        Error::Unavailable(_) => {
            "the service cannot do this now; try again after the time in `Retry-After`".to_owned()
        }
        Error::Unexpected(_) => {
            "the service failed; report the `request_id`, under which the error is logged"
                .to_owned()
        }
        error => error.to_string(),
    }
}

fn count(violations: usize) -> String {
    if violations == 1 { "one violation".to_owned() } else { format!("{violations} violations") }
}

const BEARER: &str = "Bearer realm=\"kith\"";
const DPOP: &str = "DPoP realm=\"kith\", algs=\"ES256 RS256 PS256 EdDSA Ed25519\"";

impl Rejection {
    const fn kind(&self) -> ProblemKind {
        match self {
            Self::NoRoute => NOT_FOUND,
            Self::WrongMethod => WRONG_METHOD,
            Self::NoCredentials => NO_CREDENTIALS,
            Self::NoSession => NO_SESSION,
            Self::BadToken(_) | Self::BadBoundToken(_) => BAD_TOKEN,
            Self::BadProof(_) => BAD_PROOF,
            Self::InsufficientScope { .. } => INSUFFICIENT_SCOPE,
            Self::MissingRight(_) => MISSING_RIGHT,
            Self::NotAcceptable => NOT_ACCEPTABLE,
            Self::TooLarge(_) => TOO_LARGE,
            Self::UnsupportedMediaType { .. } | Self::UnsupportedEncoding => UNSUPPORTED_MEDIA_TYPE,
            Self::Domain(error) => kind_of(error),
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::NoRoute => "there is no such path; see `/openapi.json` for all paths".to_owned(),
            Self::WrongMethod => {
                "this path does not take this method; the header `Allow` lists those that it takes"
                    .to_owned()
            }
            Self::NoCredentials => "send an access token as `Authorization: Bearer …`".to_owned(),
            Self::NoSession => "sign in, and repeat the request".to_owned(),
            Self::BadToken(detail) | Self::BadBoundToken(detail) | Self::BadProof(detail) => {
                (*detail).to_owned()
            }
            Self::InsufficientScope { scope, .. } => {
                format!("the token lacks the scope `{scope}`; request a token with it")
            }
            Self::MissingRight(scope) => format!(
                "no persona of yours grants `{scope}` now; ask an administrator for one that does"
            ),
            Self::NotAcceptable => "expected `Accept` to allow `application/json`".to_owned(),
            Self::TooLarge(most) => format!("expected a body of at most {most} bytes"),
            Self::UnsupportedMediaType { expected, .. } => {
                let expected: Vec<_> = expected.iter().map(|media| format!("`{media}`")).collect();
                format!("expected `Content-Type` {}", one_of(&expected))
            }
            Self::UnsupportedEncoding => {
                "expected a body without `Content-Encoding`; send it uncompressed".to_owned()
            }
            Self::Domain(error) => detail_of(error),
        }
    }

    /// The headers that go with the problem.
    fn headers(&self) -> Vec<Header> {
        let header = match self {
            Self::UnsupportedMediaType { expected, patch: true } => {
                Some((HeaderName::from_static("accept-patch"), expected.join(", ")))
            }
            // RFC 9110 §15.5.16.
            Self::UnsupportedEncoding => Some((ACCEPT_ENCODING, "identity".to_owned())),
            Self::Domain(Error::PreconditionFailed { current, .. }) => {
                current.as_ref().map(|tag| (ETAG, tag.to_string()))
            }
            Self::Domain(error) if error.is_temporary() => {
                Some((RETRY_AFTER, RETRY_SECONDS.to_string()))
            }
            _ => None,
        };
        header.into_iter().collect()
    }

    /// The challenge that names the expected credentials (RFC 6750 §3, RFC 9449 §7.1). It has no
    /// error code if the request had no credentials.
    fn challenge(&self) -> Option<Challenge> {
        let with = |scheme: &str, code: &str, detail: &str| {
            vec![format!("{scheme}, error=\"{code}\", error_description=\"{detail}\"")]
        };
        Some(Challenge(match self {
            Self::NoCredentials | Self::NoSession => vec![BEARER.to_owned(), DPOP.to_owned()],
            Self::BadToken(detail) => with(BEARER, "invalid_token", detail),
            Self::BadBoundToken(detail) => with(DPOP, "invalid_token", detail),
            Self::BadProof(detail) => with(DPOP, "invalid_dpop_proof", detail),
            Self::InsufficientScope { scope, bound } => {
                let scheme = if *bound { DPOP } else { BEARER };
                vec![format!("{scheme}, error=\"insufficient_scope\", scope=\"{scope}\"")]
            }
            _ => return None,
        }))
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let (kind, detail, headers) = (self.kind(), self.detail(), self.headers());
        let challenge = self.challenge();
        let max_age = matches!(self, Self::Domain(Error::Reauthenticate)).then_some(RECENT_SECONDS);
        let (cause, found, errors) = match self {
            Self::Domain(Error::Several(found)) => (None, Some(found), Vec::new()),
            Self::Domain(Error::Invalid(violations) | Error::NotUnique(violations)) => {
                (None, None, violations)
            }
            Self::Domain(error) => (Cause::of(&error), None, Vec::<Violation>::new()),
            _ => (None, None, Vec::new()),
        };
        let problem = kind.problem(detail, found, errors).with_max_age(max_age);
        let mut response = respond(problem, headers);
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        if let Some(challenge) = challenge {
            response.extensions_mut().insert(challenge);
        }
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Rejection::from(self).into_response()
    }
}
