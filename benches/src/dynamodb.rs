//! DynamoDB as a function meets it: the embedded engine behind HTTPS on loopback, with a
//! certificate made for the run.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::Listener;
use http::StatusCode;
use local::embedded::Embedded;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto};
use tokio_rustls::server::TlsStream;

use crate::Measurement;

/// Where the engine is reached.
pub(crate) struct Endpoint {
    /// Its URL.
    pub url: String,
    /// The file with the certificate to trust.
    pub certificate: PathBuf,
}

/// Serves an engine until the program ends; the certificate goes into `folder`.
pub(crate) async fn serve(engine: Embedded, folder: &Path) -> Measurement<Endpoint> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let certificate = folder.join("certificate.pem");
    std::fs::write(&certificate, made.cert.pem())?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let tcp = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("https://localhost:{}", tcp.local_addr()?.port());
    let listener = Tls { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) };
    let router = Router::new().fallback(answer).with_state(engine);
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(Endpoint { url, certificate })
}

/// Accepts connections one after the other: one function at a time is measured.
struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            // Without this, answers wait for acknowledgements that the kernel delays.
            let _ = stream.set_nodelay(true);
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

async fn answer(State(engine): State<Embedded>, request: Request) -> Result<Response, StatusCode> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| StatusCode::BAD_REQUEST)?;
    let request = http::Request::from_parts(parts, SdkBody::from(body));
    let request = HttpRequest::try_from(request).map_err(|_| StatusCode::BAD_REQUEST)?;
    let response = engine.call(request).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let response = response.try_into_http1x().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(response.map(|body| Body::from(body.bytes().unwrap_or_default().to_vec())))
}
