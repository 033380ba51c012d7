//! Outgoing fetches of documents that other servers publish (rule S2): https alone, with a time
//! limit, a size limit and no redirects, from addresses of the public internet.
//!
//! A name is resolved once, every address that it has is checked, and the connection is made to one
//! of these: a name that resolves differently the next time gains nothing. Literal addresses pass
//! the same check. There is no proxy, no pool of connections and nothing that is remembered but TLS
//! sessions.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::domain::address;
use crate::domain::https_url::HttpsUrl;
use crate::https;

/// The longest body that is read, in bytes.
pub const MAX_BODY: usize = 128 * 1024;
/// How long a fetch may take from the name to the last byte.
pub const TIME_LIMIT: Duration = Duration::from_secs(3);
/// How long one address may take to accept a connection, so that the next one has its turn.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// How much of the answer's header is held.
const MAX_HEADER: usize = 32 * 1024;

const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/json, application/jwk-set+json");
const AGENT: HeaderValue = HeaderValue::from_static("Kith");

/// Why a fetch failed. Its text is short, for the log and for the caller who registered the URL. It
/// contains no part of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The URL is none that is fetched.
    Url(&'static str),
    /// The host has no address.
    Unresolved,
    /// An address of the host is not one of the public internet.
    NotPublic,
    /// No connection, no TLS, or no HTTP; names the fault.
    Connection(String),
    /// Another status than 200; redirects are not followed.
    Status(u16),
    /// The body is longer than [`MAX_BODY`].
    TooLarge,
    /// It took longer than [`TIME_LIMIT`].
    TooSlow,
    /// The fetched document is not of the expected kind.
    Content(&'static str),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) | Self::Content(why) => f.write_str(why),
            Self::Unresolved => f.write_str("the host has no address"),
            Self::NotPublic => f.write_str("the host has an address that is not public"),
            Self::Connection(why) => write!(f, "the connection failed: {why}"),
            Self::Status(status @ 300..=399) => {
                write!(f, "the server answered {status}; redirects are not followed")
            }
            Self::Status(status) => write!(f, "expected status 200, found {status}"),
            Self::TooLarge => write!(f, "the answer is longer than {MAX_BODY} bytes"),
            Self::TooSlow => f.write_str("the answer took too long"),
        }
    }
}

impl std::error::Error for FetchError {}

fn connection(error: impl fmt::Display) -> FetchError {
    FetchError::Connection(error.to_string())
}

/// Resolves a host name to addresses.
pub type Resolver = Arc<dyn Fn(&str) -> Vec<IpAddr> + Send + Sync>;

/// The network of a fetcher. Functions always use the default; tests use their own.
#[derive(Clone)]
pub struct Network {
    /// The roots that are trusted; without any, the system's, which are read at the first fetch.
    pub roots: Option<Vec<CertificateDer<'static>>>,
    /// Where names are resolved; without it, in the system.
    pub resolve: Option<Resolver>,
    /// Which addresses may be reached.
    pub reachable: fn(IpAddr) -> bool,
    /// How long a fetch may take.
    pub time_limit: Duration,
}

impl Default for Network {
    fn default() -> Self {
        Self { roots: None, resolve: None, reachable: address::is_public, time_limit: TIME_LIMIT }
    }
}

/// Fetches what others publish; clones share what was read from the system.
#[derive(Clone, Default)]
pub struct Fetcher(Arc<FetcherState>);

#[derive(Default)]
struct FetcherState {
    network: Network,
    tls: OnceCell<Arc<ClientConfig>>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A fetcher in another network than the functions'.
    #[must_use]
    pub fn within(network: Network) -> Self {
        Self(Arc::new(FetcherState { network, tls: OnceCell::new() }))
    }

    /// The body behind an https URL, at most [`MAX_BODY`] long.
    pub async fn get(&self, url: &str) -> Result<Bytes, FetchError> {
        let target = FetchTarget::read(url)?;
        timeout(self.0.network.time_limit, self.exchange(target))
            .await
            .unwrap_or(Err(FetchError::TooSlow))
    }

    async fn exchange(&self, target: FetchTarget) -> Result<Bytes, FetchError> {
        let addresses = self.addresses(&target).await?;
        let tcp = connect(&addresses, target.url.port).await?;
        let tls = TlsConnector::from(self.tls().await?)
            .connect(target.name.clone(), tcp)
            .await
            .map_err(connection)?;
        let (mut sender, driver) = http1::Builder::new()
            .max_buf_size(MAX_HEADER)
            .handshake(TokioIo::new(tls))
            .await
            .map_err(connection)?;
        // Ends with this function, and when its caller stops waiting.
        let mut driving = JoinSet::new();
        driving.spawn(driver);
        let answer = sender.send_request(target.request()?).await.map_err(connection)?;
        match answer.status() {
            StatusCode::OK => read(answer.into_body()).await,
            status => Err(FetchError::Status(status.as_u16())),
        }
    }

    /// The addresses of a host, each of which may be reached.
    async fn addresses(&self, target: &FetchTarget) -> Result<Vec<IpAddr>, FetchError> {
        let network = &self.0.network;
        let addresses: Vec<_> = match (target.url.address(), &network.resolve) {
            (Some(literal), _) => vec![literal],
            (None, Some(resolve)) => resolve(&target.url.host),
            (None, None) => {
                let found = lookup_host((target.url.host.as_str(), target.url.port)).await;
                found.map_err(|_| FetchError::Unresolved)?.map(|address| address.ip()).collect()
            }
        };
        if addresses.is_empty() {
            return Err(FetchError::Unresolved);
        }
        if !addresses.iter().all(|address| (network.reachable)(*address)) {
            return Err(FetchError::NotPublic);
        }
        Ok(addresses)
    }

    async fn tls(&self) -> Result<Arc<ClientConfig>, FetchError> {
        let load = async || {
            let mut roots = RootCertStore::empty();
            match &self.0.network.roots {
                Some(given) => roots.add_parsable_certificates(given.iter().cloned()),
                None => roots.add_parsable_certificates(https::system_roots()),
            };
            if roots.is_empty() {
                return Err(connection("there are no root certificates"));
            }
            https::tls(roots, &[&TLS13, &TLS12]).map(Arc::new).map_err(connection)
        };
        self.0.tls.get_or_try_init(load).await.cloned()
    }
}

/// Connects to the first address that accepts.
async fn connect(addresses: &[IpAddr], port: u16) -> Result<TcpStream, FetchError> {
    let mut failure = FetchError::Unresolved;
    for address in addresses {
        match timeout(CONNECT_LIMIT, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = connection(error.kind()),
            Err(_) => failure = FetchError::TooSlow,
        }
    }
    Err(failure)
}

async fn read(body: Incoming) -> Result<Bytes, FetchError> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(FetchError::TooLarge),
        Err(error) => Err(connection(error)),
    }
}

/// The target of a URL.
struct FetchTarget {
    url: HttpsUrl,
    /// The host as its certificate names it.
    name: ServerName<'static>,
}

impl FetchTarget {
    fn read(url: &str) -> Result<Self, FetchError> {
        let url = HttpsUrl::parse(url).map_err(FetchError::Url)?;
        let name = ServerName::try_from(url.host.clone())
            .map_err(|_| FetchError::Url("expected the host to be a name"))?;
        Ok(Self { url, name })
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, FetchError> {
        Request::get(self.url.path.as_str())
            .header(HOST, self.url.authority.as_str())
            .header(ACCEPT, ACCEPTED)
            .header(USER_AGENT, AGENT)
            .body(Empty::new())
            .map_err(connection)
    }
}
