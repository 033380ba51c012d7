//! The base URL of `kith serve`: what tokens, links and passkeys name the service by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::Uri;

use crate::Failure;
use crate::dynamodb::is_this_machine;

/// A base URL, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(pub(crate) String);

impl BaseUrl {
    /// The base URL of a service that listens at an address of this machine. It names `localhost`
    /// and not the address: browsers bind passkeys to names alone.
    pub(crate) fn of(address: SocketAddr) -> Result<Self, Failure> {
        let usual = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let port = address.port();
        match address.ip() {
            ip if ip.is_unspecified() || usual.contains(&ip) => {
                Ok(Self(format!("http://localhost:{port}")))
            }
            ip if ip.is_loopback() => Ok(Self(format!("http://{address}"))),
            _ => Err(format!(
                "people cannot sign in at http://{address}: browsers keep cookies of plain http \
                 apart on this machine alone; name the https address that reaches it by --base-url"
            )
            .into()),
        }
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let expected = "expected https:// and a host, or http:// and a host of this machine, e.g. \
                        http://localhost:3000";
        let origin = text.strip_suffix('/').unwrap_or(text);
        let uri: Uri = origin.parse().map_err(|_| expected)?;
        let authority = uri.authority().ok_or(expected)?;
        let whole = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
        let safe = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_this_machine(authority),
            _ => false,
        };
        if !safe || whole != origin || authority.as_str().contains('@') {
            return Err(expected.into());
        }
        Ok(Self(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g47_the_base_url_of_this_machine_names_localhost() {
        for (address, due) in [
            ("127.0.0.1:3000", Some("http://localhost:3000")),
            ("[::1]:3000", Some("http://localhost:3000")),
            ("0.0.0.0:3000", Some("http://localhost:3000")),
            ("127.0.0.2:3000", Some("http://127.0.0.2:3000")),
            ("192.0.2.1:3000", None),
        ] {
            let url = BaseUrl::of(address.parse().unwrap()).ok();
            assert_eq!(url.as_ref().map(BaseUrl::as_str), due, "{address}");
        }
    }

    #[test]
    fn g17_plain_http_is_for_this_machine_alone() {
        for (text, due) in [
            ("https://id.example.org", Some("https://id.example.org")),
            ("https://id.example.org/", Some("https://id.example.org")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
            ("http://id.example.org", None),
            ("http://localhost.example.org", None),
            ("https://id.example.org/kith", None),
            ("https://id.example.org?x", None),
            ("https://jan@id.example.org", None),
            ("ftp://localhost", None),
            ("localhost:3000", None),
            ("", None),
        ] {
            let url = text.parse::<BaseUrl>().ok();
            assert_eq!(url.as_ref().map(BaseUrl::as_str), due, "{text}");
        }
    }
}
