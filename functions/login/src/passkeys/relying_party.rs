//! The relying party: for which host passkeys are made, and from which pages they are used.

use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

use crate::visit::Visit;

/// The relying party (`WebAuthn` Level 3 §5.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RelyingParty {
    /// Its id: the host of the base URL.
    pub(crate) id: String,
    /// The one origin whose pages may use its passkeys.
    pub(crate) origin: String,
}

impl RelyingParty {
    /// The relying party of the service; `None` where no passkeys are offered. They are bound to a
    /// host for ever, so it has to be configured: the name of a request may change with the stack.
    pub(crate) fn of_service(visit: &Visit) -> Option<Self> {
        Self::of(visit.app.base_url()?)
    }

    /// The relying party of a base URL; `None` where browsers offer no passkeys. They demand a name
    /// and not an IP address, and https or the host `localhost`.
    pub(crate) fn of(base_url: &str) -> Option<Self> {
        let uri: Uri = base_url.parse().ok()?;
        let host = uri.host()?.to_ascii_lowercase();
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        let is_local = host == "localhost" && uri.scheme() == Some(&Scheme::HTTP);
        // The host of an IPv6 address is in brackets.
        let is_name = host.parse::<IpAddr>().is_err() && !host.starts_with('[');
        if !is_name || !(is_https || is_local) {
            return None;
        }
        let scheme = uri.scheme_str()?;
        let usual = if is_https { 443 } else { 80 };
        let origin = match uri.port_u16().filter(|port| *port != usual) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Some(Self { id: host, origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g52_the_relying_party_is_the_host_of_the_base_url() {
        for (base_url, id, origin) in [
            ("https://kith.example", "kith.example", "https://kith.example"),
            ("https://kith.example:443/", "kith.example", "https://kith.example"),
            ("https://KITH.example:8443", "kith.example", "https://kith.example:8443"),
            ("http://localhost:3000", "localhost", "http://localhost:3000"),
            ("http://localhost", "localhost", "http://localhost"),
        ] {
            let party = RelyingParty { id: id.to_owned(), origin: origin.to_owned() };
            assert_eq!(RelyingParty::of(base_url), Some(party), "{base_url}");
        }
    }

    #[test]
    fn g52_an_address_and_plain_http_have_no_passkeys() {
        for base_url in [
            "http://127.0.0.1:3000",
            "https://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://[::1]",
            "http://kith.example",
            "http://localhost.example",
            "ftp://localhost",
            "kith.example",
            "/",
            "",
        ] {
            assert_eq!(RelyingParty::of(base_url), None, "{base_url}");
        }
    }
}
