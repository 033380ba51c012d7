//! Errors of the OAuth endpoints, in the form that RFC 6749 §5.2 gives them.

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;
use shared::axum::Json;
use shared::axum::response::{IntoResponse, Response};
use shared::domain::Error;
use shared::http::edge::Cause;

/// What is said of every client that does not authenticate, known or not (rule O2).
const UNKNOWN: &str = "the client is unknown or its credentials are wrong";

/// An error of an OAuth endpoint.
#[derive(Debug)]
pub enum OAuthError {
    /// One of the codes of RFC 6749 §5.2, with a sentence for the developer.
    Refused(&'static str, &'static str),
    /// `invalid_client`: 401, and a challenge when Basic was tried.
    InvalidClient {
        /// Whether Basic was tried.
        basic: bool,
        /// What is wrong; more than [`UNKNOWN`] only when the client has proved who it is.
        detail: &'static str,
    },
    /// Authentication failed too often: 429, to be tried again after these seconds.
    TooMany(i64),
    /// What every route can meet.
    Other(Error),
}

impl OAuthError {
    /// `invalid_request`
    pub const fn invalid_request(detail: &'static str) -> Self {
        Self::Refused("invalid_request", detail)
    }

    /// `invalid_client`
    pub const fn invalid_client(basic: bool) -> Self {
        Self::InvalidClient { basic, detail: UNKNOWN }
    }

    /// `invalid_client` for a client whose signature is good and whose assertion is not.
    pub const fn bad_assertion(detail: &'static str) -> Self {
        Self::InvalidClient { basic: false, detail }
    }
}

impl From<Error> for OAuthError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::Refused(code, detail) => refusal(StatusCode::BAD_REQUEST, code, detail),
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
            Self::Other(Error::TooLarge(_) | Error::Malformed(_)) => refusal(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "the body is too large or broken",
            ),
            // RFC 9449 §5.
            Self::Other(Error::BadProof(detail)) => {
                refusal(StatusCode::BAD_REQUEST, "invalid_dpop_proof", detail)
            }
            Self::Other(error) => fault(error),
        };
        no_store(&mut response);
        response
    }
}

fn refusal(status: StatusCode, code: &str, detail: &str) -> Response {
    (status, Json(json!({ "error": code, "error_description": detail }))).into_response()
}

/// A fault of the service in the form of the endpoint; the codes are those of RFC 6749 §4.1.2.1,
/// since §5.2 has none for it.
fn fault(error: Error) -> Response {
    let problem = error.into_response();
    let unavailable = problem.status() == StatusCode::SERVICE_UNAVAILABLE;
    let mut response = if unavailable {
        refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "try again after the time in Retry-After",
        )
    } else {
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "the error was logged under the request id",
        )
    };
    if let Some(after) = problem.headers().get(RETRY_AFTER) {
        response.headers_mut().insert(RETRY_AFTER, after.clone());
    }
    if let Some(cause) = problem.extensions().get::<Cause>() {
        response.extensions_mut().insert(cause.clone());
    }
    response
}

/// Tokens and what speaks of them are stored nowhere (RFC 6749 §5.1).
pub fn no_store(response: &mut Response) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
}
