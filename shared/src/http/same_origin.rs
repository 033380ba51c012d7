//! Whether a request that carries a cookie comes from a page of this service (rule G19).
//!
//! A browser sends cookies with requests of other sites too. It says in `Origin` and
//! `Sec-Fetch-Site` where a request comes from, and no page can change that.

use http::header::{HeaderMap, HeaderName, ORIGIN};
use http::request::Parts;

use crate::domain::error::{Error, Result};

/// The header that no form can send, and that no page of another origin may send.
pub const PORTAL: HeaderName = HeaderName::from_static("kith-portal");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origin of a base URL: scheme, host and port.
#[must_use]
pub fn origin(base_url: &str) -> &str {
    let host = base_url.find("://").map_or(0, |scheme| scheme + 3);
    let path = base_url.get(host..).and_then(|rest| rest.find('/'));
    path.and_then(|path| base_url.get(..host + path)).unwrap_or(base_url)
}

/// The value of a header that is sent once.
fn once<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?.to_str().ok()?;
    lines.next().is_none().then_some(line)
}

/// Whether a page of this service sent the request: `Origin` is the base URL's, and
/// `Sec-Fetch-Site` is `same-origin` where the browser sends it.
#[must_use]
pub fn is_same_origin(headers: &HeaderMap, base_url: &str) -> bool {
    once(headers, &ORIGIN) == Some(origin(base_url)) && is_fetched_here(headers)
}

/// As [`is_same_origin`], for a form of a page with `Referrer-Policy: no-referrer`: browsers send
/// the `Origin` of such a form as `null`, and then `Sec-Fetch-Site` has to be there.
#[must_use]
pub fn is_form_of_this_origin(headers: &HeaderMap, base_url: &str) -> bool {
    match once(headers, &ORIGIN) {
        Some("null") => once(headers, &FETCH_SITE) == Some("same-origin"),
        _ => is_same_origin(headers, base_url),
    }
}

fn is_fetched_here(headers: &HeaderMap) -> bool {
    !headers.contains_key(FETCH_SITE) || once(headers, &FETCH_SITE) == Some("same-origin")
}

/// Refuses a call with a cookie that a page of another origin may have sent. Only GET and HEAD,
/// which change nothing, are free.
pub(super) fn check_call(parts: &Parts, base_url: &str) -> Result<()> {
    if parts.method.is_safe() {
        return Ok(());
    }
    let portal = once(&parts.headers, &PORTAL) == Some("1");
    if portal && is_same_origin(&parts.headers, base_url) {
        return Ok(());
    }
    Err(Error::NotAllowed(format!(
        "a request with a cookie must come from a page of this service: send `Kith-Portal: 1` from \
         the origin `{}`",
        origin(base_url)
    )))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const BASE: &str = "https://id.example";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn g19_the_origin_of_a_base_url_has_no_path() {
        assert_eq!(origin("https://id.example"), "https://id.example");
        assert_eq!(origin("https://x.amazonaws.com/prod"), "https://x.amazonaws.com");
        assert_eq!(origin("http://localhost:3000"), "http://localhost:3000");
    }

    #[test]
    fn g19_a_request_is_of_this_origin_if_every_header_says_so() {
        let (origin, site) = ("origin", "sec-fetch-site");
        for (sent, same) in [
            (headers(&[(origin, BASE)]), true),
            (headers(&[(origin, BASE), (site, "same-origin")]), true),
            (headers(&[(origin, BASE), (site, "same-site")]), false),
            (headers(&[(origin, BASE), (site, "cross-site")]), false),
            (headers(&[(origin, BASE), (site, "none")]), false),
            (headers(&[(origin, BASE), (site, "same-origin"), (site, "cross-site")]), false),
            (headers(&[(origin, BASE), (origin, BASE)]), false),
            (headers(&[(origin, "https://evil.example"), (site, "same-origin")]), false),
            (headers(&[(origin, "https://id.example.evil.example")]), false),
            (headers(&[(origin, "http://id.example")]), false),
            (headers(&[(origin, "null"), (site, "same-origin")]), false),
            (headers(&[(site, "same-origin")]), false),
            (headers(&[]), false),
        ] {
            assert_eq!(is_same_origin(&sent, BASE), same, "{sent:?}");
        }
        let form = headers(&[(origin, "null"), (site, "same-origin")]);
        assert!(is_form_of_this_origin(&form, BASE));
        for sent in [headers(&[(origin, "null")]), headers(&[(origin, "null"), (site, "none")])] {
            assert!(!is_form_of_this_origin(&sent, BASE), "{sent:?}");
        }
    }
}
