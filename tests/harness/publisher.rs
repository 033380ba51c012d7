//! An https server of a third party, on this machine. It publishes the documents that a test sets
//! and counts the requests.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use rustls::{ServerConfig, SupportedProtocolVersion};
use shared::fetch::{Fetcher, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::gate::Gate;

/// The reply of a publisher to a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Sends these bytes, the header included, and closes.
    Raw(Vec<u8>),
    /// Sends these bytes, then more of them without an end.
    Endless(Vec<u8>),
    /// Sends these bytes, then nothing more, and leaves the connection open.
    Stuck(Vec<u8>),
    /// Leaves the connection open and does not even begin with TLS.
    Mute,
    /// Waits at the gate, then replies.
    Held(Arc<Gate>, Box<Reply>),
}

impl Reply {
    /// A status with a body whose length is announced.
    pub fn status(status: u16, body: &str) -> Self {
        let length = body.len();
        Self::Raw(
            format!("HTTP/1.1 {status} .\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes(),
        )
    }

    /// A 200 with a body whose length is announced.
    pub fn ok(body: &str) -> Self {
        Self::status(200, body)
    }

    /// A 200 with a body in chunks, whose length is not announced.
    pub fn chunked(body: &str) -> Self {
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        Self::Raw(format!("{head}{length:x}\r\n{body}\r\n0\r\n\r\n").into_bytes())
    }
}

/// The server, which goes on until the test ends.
#[derive(Clone)]
pub struct Publisher {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    root: CertificateDer<'static>,
    shared: Arc<PublisherState>,
}

struct PublisherState {
    tls: TlsAcceptor,
    reply: Mutex<Reply>,
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    sent: AtomicUsize,
}

impl Publisher {
    /// The name in the certificate, beside 127.0.0.1.
    pub const NAME: &str = "keys.example";

    /// Listens with a certificate of a root of its own; answers 404 until a test sets a reply.
    pub async fn start() -> Self {
        Self::speaking(&TLS13).await
    }

    /// Listens and speaks this version of TLS alone.
    pub async fn speaking(version: &'static SupportedProtocolVersion) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec![Self::NAME.to_owned(), "127.0.0.1".to_owned()];
        let certificate =
            CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let tls =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate.into()], private)
                .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(PublisherState {
            tls: TlsAcceptor::from(Arc::new(tls)),
            reply: Mutex::new(Reply::status(404, "")),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
        });
        tokio::spawn(accept(listener, shared.clone()));
        Self { port, root: authority.der().clone(), shared }
    }

    /// Sets its reply from now on.
    pub fn reply(&self, reply: Reply) {
        *self.shared.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    /// A URL of it.
    pub fn url(&self) -> String {
        format!("https://{}:{}/jwks", Self::NAME, self.port)
    }

    /// The headers of the requests that have arrived, first lines included.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests have arrived.
    pub fn count(&self) -> usize {
        self.requests().len()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many bytes went out.
    pub fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// A network in which it is trusted, every name is its own, and its address may be reached.
    pub fn network(&self) -> Network {
        Network {
            roots: Some(vec![self.root.clone()]),
            resolve: Some(Arc::new(|_| vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])),
            reachable: |address| address == Ipv4Addr::LOCALHOST,
            ..Network::default()
        }
    }

    /// A fetcher in that network.
    pub fn fetcher(&self) -> Fetcher {
        Fetcher::within(self.network())
    }
}

async fn accept(listener: TcpListener, shared: Arc<PublisherState>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        // A connection that breaks is the test's own doing.
        tokio::spawn(answer(stream, shared.clone()));
    }
}

async fn answer(stream: TcpStream, shared: Arc<PublisherState>) -> std::io::Result<()> {
    let mut reply = shared.reply.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if matches!(reply, Reply::Mute) {
        std::future::pending::<()>().await;
    }
    let mut stream = shared.tls.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    shared
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(String::from_utf8(head).unwrap());
    if let Reply::Held(gate, then) = reply {
        gate.pass().await;
        reply = *then;
    }
    let (bytes, again) = match &reply {
        Reply::Raw(bytes) | Reply::Stuck(bytes) => (bytes, false),
        Reply::Endless(bytes) => (bytes, true),
        Reply::Mute | Reply::Held(..) => return Ok(()),
    };
    loop {
        stream.write_all(bytes).await?;
        stream.flush().await?;
        shared.sent.fetch_add(bytes.len(), Ordering::SeqCst);
        if !again {
            break;
        }
    }
    if matches!(reply, Reply::Stuck(_)) {
        std::future::pending::<()>().await;
    }
    stream.shutdown().await
}
