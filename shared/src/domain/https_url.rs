//! URLs that the service fetches from (rule S2).

use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use super::address::is_public;

const HTTPS_PORT: u16 = 443;
/// Ports below belong to other protocols.
const FIRST_FREE_PORT: u16 = 1024;

/// An https URL without user information, on a port that may be one of HTTPS.
#[derive(Clone, Debug)]
pub struct HttpsUrl {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Host and port as they were written.
    pub authority: Authority,
    /// The rest of it, without the fragment.
    pub path: PathAndQuery,
}

impl HttpsUrl {
    /// Reads a URL; says why it is none that is fetched.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let parts = text.parse::<Uri>().map_err(|_| "expected a URL")?.into_parts();
        if parts.scheme != Some(Scheme::HTTPS) {
            return Err("expected an https URL");
        }
        let authority = parts.authority.ok_or("expected a URL with a host")?;
        if authority.as_str().contains('@') {
            return Err("expected a URL without user name and password");
        }
        let bracketed = authority.host();
        let port = match authority
            .as_str()
            .strip_prefix(bracketed)
            .and_then(|rest| rest.strip_prefix(':'))
        {
            None => HTTPS_PORT,
            Some(port) => port.parse().map_err(|_| "expected a port below 65536")?,
        };
        if port != HTTPS_PORT && port < FIRST_FREE_PORT {
            return Err("expected port 443, or one from 1024 on");
        }
        let unbracketed = bracketed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = unbracketed.unwrap_or(bracketed).to_owned();
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { host, port, authority, path })
    }

    /// The address, where the host is one and no name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether the URL alone shows that it is not public. The addresses of a host name are only
    /// known when it is fetched.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let name = self.host.trim_end_matches('.').to_ascii_lowercase();
        let localhost = name == "localhost" || name.ends_with(".localhost");
        localhost || self.address().is_some_and(|address| !is_public(address))
    }
}
