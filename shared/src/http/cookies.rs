//! The cookies of browsers: their names, how they are read, and how they are set (rule G17).
//!
//! Each name begins with `__Host-Http-`: a browser takes such a cookie only with `Secure`,
//! `HttpOnly` and path `/`, without a domain and from an answer to a request. On this machine, at a
//! base URL of plain `http`, the names have no prefix and the cookies no `Secure`, because Safari
//! refuses `Secure` there.

use http::header::{COOKIE, HeaderMap, HeaderValue};

use crate::domain::error::{Error, Result};

/// The cookies that the service sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The session of a person who is signed in.
    Session,
    /// Random bits to which the forms of the sign-in pages are bound.
    PreSession,
    /// A browser in which a person signed in before.
    Device,
}

/// The name of a cookie at this base URL.
#[must_use]
pub fn name(cookie: Cookie, base_url: &str) -> &'static str {
    match (cookie, is_plain_http(base_url)) {
        (Cookie::Session, false) => "__Host-Http-kith-session",
        (Cookie::Session, true) => "kith-session",
        (Cookie::PreSession, false) => "__Host-Http-kith-pre",
        (Cookie::PreSession, true) => "kith-pre",
        (Cookie::Device, false) => "__Host-Http-kith-device",
        (Cookie::Device, true) => "kith-device",
    }
}

/// Whether the service is at plain `http`, which only a service on this machine is.
fn is_plain_http(base_url: &str) -> bool {
    base_url.starts_with("http://")
}

/// The value of a cookie; `None` if the request has none, or several of this name.
#[must_use]
pub fn read<'h>(headers: &'h HeaderMap, cookie: Cookie, base_url: &str) -> Option<&'h str> {
    let mut values = values(headers, name(cookie, base_url));
    values.next().filter(|_| values.next().is_none())
}

/// Whether the request has a cookie, once or more often.
#[must_use]
pub fn is_sent(headers: &HeaderMap, cookie: Cookie, base_url: &str) -> bool {
    values(headers, name(cookie, base_url)).next().is_some()
}

/// The values of the cookies of this name (RFC 6265 §4.2.1). HTTP/2 may divide the header.
fn values<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim_matches(' ').split_once('='))
        .filter_map(move |(found, value)| (found == name).then_some(value))
}

/// The `Set-Cookie` of a cookie. It dies with the browser if it has no `max_age`, in seconds.
pub fn set(
    cookie: Cookie,
    base_url: &str,
    value: &str,
    max_age: Option<i64>,
) -> Result<HeaderValue> {
    let name = name(cookie, base_url);
    let secure = if is_plain_http(base_url) { "" } else { "; Secure" };
    let age = max_age.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
    HeaderValue::try_from(text).map_err(|_| Error::unexpected("the value of a cookie is no text"))
}

/// The `Set-Cookie` that deletes a cookie.
pub fn clear(cookie: Cookie, base_url: &str) -> Result<HeaderValue> {
    set(cookie, base_url, "", Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTPS: &str = "https://id.example";
    const LOOPBACK: &str = "http://localhost:3000";

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn g17_a_cookie_is_bound_to_the_host_and_hidden_from_scripts() {
        for cookie in [Cookie::Session, Cookie::PreSession, Cookie::Device] {
            let set = set(cookie, HTTPS, "v", None).unwrap();
            let text = set.to_str().unwrap();
            assert!(text.starts_with("__Host-Http-kith-"), "{text}");
            assert!(text.ends_with("=v; Path=/; HttpOnly; SameSite=Lax; Secure"), "{text}");
        }
        let set = set(Cookie::Session, LOOPBACK, "v", Some(60)).unwrap();
        assert_eq!(set, "kith-session=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
        let gone = clear(Cookie::Session, HTTPS).unwrap();
        assert!(gone.to_str().unwrap().ends_with("; Max-Age=0"));
    }

    #[test]
    fn g17_a_cookie_that_is_sent_twice_is_none() {
        let one = headers(&["a=1; kith-session=x.y.z; b=2"]);
        assert_eq!(read(&one, Cookie::Session, LOOPBACK), Some("x.y.z"));
        assert_eq!(read(&one, Cookie::Session, HTTPS), None);
        assert_eq!(read(&one, Cookie::Device, LOOPBACK), None);
        for lines in
            [&["kith-session=a; kith-session=a"][..], &["kith-session=a", "kith-session=b"]]
        {
            let twice = headers(lines);
            assert_eq!(read(&twice, Cookie::Session, LOOPBACK), None);
            assert!(is_sent(&twice, Cookie::Session, LOOPBACK));
        }
        assert!(!is_sent(&headers(&["kith-sessions=a", "x"]), Cookie::Session, LOOPBACK));
    }
}
