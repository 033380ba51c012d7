//! Errors of the OAuth endpoints, in the form that RFC 6749 §5.2 gives them.

use std::borrow::Cow;

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;
use shared::auth::AuthError;
use shared::axum::Json;
use shared::axum::response::{IntoResponse, Response};
use shared::domain::Error;
use shared::http::Rejection;
use shared::http::problem::{Cause, LoggedError, RETRY_SECONDS};

/// The description of every failed client authentication. It is the same for known and unknown
/// clients (rule O2).
const UNKNOWN: &str = "the client is unknown or its credentials are wrong";

/// The description for a body that is not a form.
const UNREADABLE: OAuthError = OAuthError::Refused(
    "invalid_request",
    Cow::Borrowed("the body is too large, or not as long as Content-Length says"),
);

/// An error of an OAuth endpoint.
#[derive(Debug)]
pub(crate) enum OAuthError {
    /// One of the codes of RFC 6749 §5.2, RFC 8707 §2 or RFC 9449 §5, with a sentence for the
    /// developer.
    Refused(&'static str, Cow<'static, str>),
    /// `invalid_client`: 401, and a challenge when Basic was tried.
    InvalidClient {
        /// Whether Basic was tried.
        basic: bool,
        /// The cause. It says more than [`UNKNOWN`] only after the client has authenticated.
        detail: &'static str,
    },
    /// Authentication failed too often: 429, to be tried again after these seconds.
    TooMany(i64),
    /// A fault of the service.
    Fault(Error),
}

impl OAuthError {
    /// `invalid_request`
    pub(crate) fn invalid_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused("invalid_request", detail.into())
    }

    /// `invalid_client`
    pub(crate) const fn invalid_client(basic: bool) -> Self {
        Self::InvalidClient { basic, detail: UNKNOWN }
    }

    /// `invalid_client` for a client with a valid signature and an invalid assertion.
    pub(crate) const fn bad_assertion(detail: &'static str) -> Self {
        Self::InvalidClient { basic: false, detail }
    }
}

impl From<Error> for OAuthError {
    fn from(error: Error) -> Self {
        match error {
            Error::Malformed(_) => UNREADABLE,
            error => Self::Fault(error),
        }
    }
}

impl From<AuthError> for OAuthError {
    fn from(error: AuthError) -> Self {
        match error {
            // RFC 9449 §5.
            AuthError::BadProof(detail) => Self::Refused("invalid_dpop_proof", detail.into()),
            AuthError::BadToken(detail) => Self::Fault(Error::unexpected(detail)),
            AuthError::Unchecked(error) => error.into(),
        }
    }
}

impl From<Rejection> for OAuthError {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Domain(error) => error.into(),
            _ => UNREADABLE,
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::Refused(code, detail) => refusal(StatusCode::BAD_REQUEST, code, &detail),
            Self::InvalidClient { basic, detail } => {
                let mut response = refusal(StatusCode::UNAUTHORIZED, "invalid_client", detail);
                if basic {
                    let challenge = HeaderValue::from_static("Basic realm=\"kith\"");
                    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                }
                response
            }
            Self::TooMany(seconds) => {
                let detail =
                    "authentication failed too often; try again after the time in Retry-After";
                let mut response =
                    refusal(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", detail);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                response
            }
            Self::Fault(error) => fault(&error),
        };
        no_store(&mut response);
        response
    }
}

fn refusal(status: StatusCode, code: &'static str, detail: &str) -> Response {
    let content = Json(json!({ "error": code, "error_description": detail }));
    let mut response = (status, content).into_response();
    response.extensions_mut().insert(LoggedError(code));
    response
}

/// A fault of the service in the form of the endpoint; the codes are those of RFC 6749 §4.1.2.1,
/// since §5.2 has none for it.
fn fault(error: &Error) -> Response {
    let mut response = if error.is_temporary() {
        let detail = "the service cannot do this now; try again after the time in Retry-After";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut response = refusal(status, "temporarily_unavailable", detail);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(u16::from(RETRY_SECONDS)));
        response
    } else {
        let detail = "the service failed; report the X-Request-Id, under which the error is logged";
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error", detail)
    };
    if let Some(cause) = Cause::of(error) {
        response.extensions_mut().insert(cause);
    }
    response
}

/// A text of the request, with only the characters that an `error_description` may contain (RFC
/// 6749 §5.2).
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).take(64).collect()
}

/// Forbids caches to store tokens and answers about them (RFC 6749 §5.1).
pub(crate) fn no_store(response: &mut Response) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
}
