//! Requests of web pages of other origins (Fetch standard §3.3). API Gateway or `kith serve --cors`
//! decides which origins may call. The parts that every deployment shares are here.

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN,
};
use http::{HeaderName, Method};

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
