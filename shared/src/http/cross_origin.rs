//! Requests of web pages of other origins (Fetch standard §3.3). API Gateway or `kith serve --cors`
//! decides which origins may call. The parts that every deployment shares are here: everybody may
//! read what is published, and the pages of a public client may read the answers of the token
//! endpoint and of userinfo (rule G19).

use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderName, Method, StatusCode};

use crate::domain::client::Client;

/// The path of the token endpoint.
pub const TOKEN: &str = "/idhub/oidc/v1/token";
/// The path of userinfo.
pub const USERINFO: &str = "/idhub/oidc/v1/userinfo";

/// Whether a browser asks if it may send a request (a preflight request).
#[must_use]
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    let asks = |name: &HeaderName| headers.contains_key(name);
    method == Method::OPTIONS && asks(&ORIGIN) && asks(&ACCESS_CONTROL_REQUEST_METHOD)
}

/// Lets pages of every origin read an answer. It must be the same for every caller.
pub fn open_to_all(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// The answer to a preflight request. It says nothing of CORS, because API Gateway adds that,
/// except for the endpoints that public clients call: which client calls is known from the request
/// itself, and its answer is shown to the client's own pages alone.
#[must_use]
pub fn answer_preflight(path: &str, headers: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let Some(origin) = headers.get(ORIGIN).filter(|_| [TOKEN, USERINFO].contains(&path)) else {
        return response;
    };
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET,POST"));
    let allowed = HeaderValue::from_static("authorization,content-type,dpop");
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    answer.append(VARY, HeaderValue::from_static("origin"));
    response
}

/// Lets a page that sent a request read the answer, if it is a page of the public client that
/// calls: its origin is that of one of the client's redirect URIs. `origin` is the header of the
/// request.
pub fn open_to_client(
    answer: &mut HeaderMap,
    origin: Option<&HeaderValue>,
    client: Option<&Client>,
) {
    let Some(origin) = origin else { return };
    answer.append(VARY, HeaderValue::from_static("origin"));
    let own = |client: &Client| {
        client.is_public() && origin.to_str().is_ok_and(|origin| client.has_origin(origin))
    };
    if client.is_some_and(own) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let readable = HeaderValue::from_static("retry-after,www-authenticate,x-request-id");
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, readable);
    }
}
