//! Redirect URIs: where the answers of the authorization endpoint and of sign-out go.

use std::fmt;

use http::Uri;
use http::uri::Authority;
use serde::{Deserialize, Serialize};

use super::{ApplicationType, Client, MAX_REDIRECT_URI, MAX_REDIRECT_URIS};
use crate::domain::error::Code;
use crate::domain::field::Fields;

/// The hosts of a native client's loopback URIs (RFC 8252 §7.3).
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];
/// Parameters of an authorization response, which a registered URI may not have.
const RESERVED: [&str; 5] = ["code", "state", "iss", "error", "error_description"];

/// A redirect URI that a client may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// The URI as the request had it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin (RFC 6454), as a browser writes it. `None` for a custom scheme, which has none.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        origin(&self.0)
    }

    /// The URI with these parameters at the end of its query.
    #[must_use]
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut uri = self.0.clone();
        let pairs =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        if pairs.is_empty() {
            return uri;
        }
        match uri.find('?') {
            None => uri.push('?'),
            Some(at) if at + 1 < uri.len() && !uri.ends_with('&') => uri.push('&'),
            Some(_) => {}
        }
        uri + &pairs
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Client {
    /// The redirect URI of an authorization request, if the client may use it: it equals a
    /// registered one as a text. The port of a native client's loopback URI may differ (rule G2).
    #[must_use]
    pub fn redirect_uri(&self, asked: &str) -> Option<RedirectUri> {
        let native = self.application_type == ApplicationType::Native;
        let same = |registered: &String| {
            registered == asked || (native && is_same_but_port(registered, asked))
        };
        self.redirect_uris.iter().any(same).then(|| RedirectUri(asked.to_owned()))
    }

    /// The redirect URI of a sign-out, if it equals a registered one as a text (rule G25). The port
    /// of a native client's loopback URI may differ.
    #[must_use]
    pub fn post_logout_redirect_uri(&self, asked: &str) -> Option<RedirectUri> {
        let native = self.application_type == ApplicationType::Native;
        let same = |registered: &String| {
            registered == asked || (native && is_same_but_port(registered, asked))
        };
        self.post_logout_redirect_uris.iter().any(same).then(|| RedirectUri(asked.to_owned()))
    }

    /// Whether `origin` is that of a page of the client: the origin of one of its redirect URIs.
    #[must_use]
    pub fn has_origin(&self, origin: &str) -> bool {
        self.redirect_uris.iter().any(|uri| self::origin(uri).as_deref() == Some(origin))
    }
}

/// The origin of an http or https URI.
fn origin(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://").filter(|(s, _)| matches!(*s, "http" | "https"))?;
    let authority = rest.split(['/', '?']).next()?.to_ascii_lowercase();
    let usual = if scheme == "https" { ":443" } else { ":80" };
    Some(format!("{scheme}://{}", authority.strip_suffix(usual).unwrap_or(&authority)))
}

/// A loopback URI without its port.
fn without_port(uri: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = LOOPBACK.iter().find_map(|host| Some((*host, uri.strip_prefix(host)?)))?;
    let Some(after) = rest.strip_prefix(':') else {
        return (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest));
    };
    let end = after.find(['/', '?']).unwrap_or(after.len());
    let (port, rest) = after.split_at(end);
    let digits = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    (digits && port.parse::<u16>().is_ok()).then_some((host, rest))
}

fn is_same_but_port(registered: &str, asked: &str) -> bool {
    without_port(registered).is_some_and(|uri| without_port(asked) == Some(uri))
}

/// Takes redirect URIs that a client of this type may register.
pub(super) fn take(
    fields: &mut Fields<'_>,
    name: &'static str,
    kind: ApplicationType,
) -> Vec<String> {
    let uris = fields.texts(name, MAX_REDIRECT_URIS, MAX_REDIRECT_URI).unwrap_or_default();
    for (index, uri) in uris.iter().enumerate() {
        if uris.iter().take(index).any(|other| other == uri) {
            fields.refuse_item(name, index, Code::NotUnique, format!("`{uri}` is listed twice"));
        } else if let Err(detail) = check(uri, kind) {
            fields.refuse_item(name, index, Code::WrongFormat, detail);
        }
    }
    uris
}

/// Checks that a client of this type may register a URI.
fn check(uri: &str, kind: ApplicationType) -> Result<(), &'static str> {
    if !uri.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c)) {
        return Err("expected an absolute URI in ASCII, e.g. https://app.example.com/callback");
    }
    if uri.contains('#') {
        return Err("a redirect URI must not have a fragment");
    }
    if uri.contains('*') {
        return Err("a redirect URI must not have a wildcard; list each URI");
    }
    let query = uri.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    if parameters.any(|(name, _)| RESERVED.contains(&&*name)) {
        return Err("a redirect URI must not have the parameters code, state, iss or error");
    }
    let (scheme, _) = uri
        .split_once(':')
        .ok_or("expected an absolute URI, e.g. https://app.example.com/callback")?;
    match (scheme, kind) {
        ("https", _) => check_host(uri),
        ("http", ApplicationType::Native) if without_port(uri).is_some() => Ok(()),
        ("http", ApplicationType::Native) => {
            Err("expected http://127.0.0.1 or http://[::1]; other hosts need https")
        }
        (_, ApplicationType::Web) => Err("expected an https URI; only clients with \
                                          `application_type` native may use others"),
        (scheme, ApplicationType::Native) => check_scheme(scheme),
    }
}

/// Checks that an https URI has a host that is not of this machine.
fn check_host(uri: &str) -> Result<(), &'static str> {
    let parsed = uri.parse::<Uri>().ok().filter(|_| uri.starts_with("https://"));
    let authority = parsed.and_then(|uri| uri.into_parts().authority);
    let authority = authority.ok_or("expected a URI with a host")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
    if authority.host().is_empty() || !authority.as_str().chars().all(plain) {
        return Err("expected a URI with a host, without user name and password");
    }
    if is_localhost(&authority) {
        return Err("`localhost` may be another program's; a native client may use \
                    http://127.0.0.1");
    }
    Ok(())
}

fn is_localhost(authority: &Authority) -> bool {
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Checks the scheme of an app: a domain name of its maker in reverse order (RFC 8252 §7.1).
fn check_scheme(scheme: &str) -> Result<(), &'static str> {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let named = scheme.split('.').count() > 1 && scheme.split('.').all(|part| !part.is_empty());
    if named && scheme.starts_with(|c: char| c.is_ascii_lowercase()) && scheme.chars().all(lower) {
        Ok(())
    } else {
        Err("expected a scheme like a domain name in reverse order, e.g. com.example.app:/callback")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g2_what_may_be_registered() {
        use ApplicationType::{Native, Web};
        for (uri, web, native) in [
            ("https://app.example/callback", true, true),
            ("https://app.example", true, true),
            ("https://app.example:8443/callback?tenant=1", true, true),
            ("https://127.0.0.1/callback", true, true),
            ("http://app.example/callback", false, false),
            ("http://127.0.0.1/callback", false, true),
            ("http://127.0.0.1:8080/callback", false, true),
            ("http://[::1]/callback", false, true),
            ("http://127.0.0.1", false, true),
            ("http://127.0.0.1.evil.example/", false, false),
            ("http://127.0.0.1:80x/", false, false),
            ("http://127.0.0.1:99999/", false, false),
            ("http://user@127.0.0.1/", false, false),
            ("http://localhost/callback", false, false),
            ("https://localhost/callback", false, false),
            ("https://LOCALHOST./callback", false, false),
            ("https://a.localhost/callback", false, false),
            ("com.example.app:/callback", false, true),
            ("com.example.app://callback", false, true),
            ("myapp:/callback", false, false),
            ("javascript:alert(1)", false, false),
            ("data:text/html,x", false, false),
            (".app:/x", false, false),
            ("https://app.example/callback#x", false, false),
            ("https://*.app.example/callback", false, false),
            ("https://app.example/*", false, false),
            ("https://app.example/?code=1", false, false),
            ("https://app.example/?a=1&state=", false, false),
            ("https://app.example/?%69ss=x", false, false),
            ("https://user:secret@app.example/", false, false),
            ("https://", false, false),
            ("https:///x", false, false),
            ("https:443", false, false),
            ("https://a;b/", false, false),
            ("https://é.example/", false, false),
            ("/callback", false, false),
            ("callback", false, false),
            ("HTTPS://app.example/", false, false),
        ] {
            assert_eq!(check(uri, Web).is_ok(), web, "web {uri}");
            assert_eq!(check(uri, Native).is_ok(), native, "native {uri}");
        }
    }

    #[test]
    fn g2_of_a_loopback_uri_the_port_alone_may_differ() {
        for (registered, asked, same) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1/cb", true),
            ("http://[::1]/cb?x=1", "http://[::1]:9/cb?x=1", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x", false),
            ("http://127.0.0.1/cb", "http://[::1]:51004/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:70000/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://localhost:51004/cb", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false),
            ("https://app.example/cb", "https://app.example:444/cb", false),
        ] {
            assert_eq!(is_same_but_port(registered, asked), same, "{registered} {asked}");
        }
    }

    #[test]
    fn g11_the_origin_is_what_a_browser_compares() {
        for (uri, of) in [
            ("https://App.example/callback?x", Some("https://app.example")),
            ("https://app.example:443/", Some("https://app.example")),
            ("https://app.example:8443", Some("https://app.example:8443")),
            ("http://127.0.0.1:5/cb", Some("http://127.0.0.1:5")),
            ("http://[::1]:80/cb", Some("http://[::1]")),
            ("com.example.app:/cb", None),
            ("com.example.app://cb", None),
        ] {
            assert_eq!(origin(uri).as_deref(), of, "{uri}");
        }
    }

    #[test]
    fn g3_parameters_join_the_query() {
        for (uri, with) in [
            ("https://app.example/cb", "https://app.example/cb?state=a%26b&iss=x"),
            ("https://app.example/cb?", "https://app.example/cb?state=a%26b&iss=x"),
            ("https://app.example/cb?t=1", "https://app.example/cb?t=1&state=a%26b&iss=x"),
            ("https://app.example/cb?t=1&", "https://app.example/cb?t=1&state=a%26b&iss=x"),
        ] {
            let uri = RedirectUri(uri.to_owned());
            assert_eq!(uri.with(&[("state", "a&b"), ("iss", "x")]), with);
            assert_eq!(uri.with(&[]), uri.as_str());
        }
    }
}
