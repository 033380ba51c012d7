//! HTTPS to services of AWS: HTTP/1.1 over rustls with `ring`, and a small trust store.
//!
//! The SDK's own client brings HTTP/2, which DynamoDB does not speak, and reads its roots from PEM:
//! 1 MB and a fifth of the instructions of a cold start. Loading a system's store of some 150 roots
//! would take 4 ms of each.

use std::sync::Arc;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::store::table::ATTEMPT;

/// Amazon's root certificates, to which its services' endpoints chain.
const AMAZON: [&[u8]; 6] = [
    include_bytes!("roots/amazon-root-ca-1.der"),
    include_bytes!("roots/amazon-root-ca-2.der"),
    include_bytes!("roots/amazon-root-ca-3.der"),
    include_bytes!("roots/amazon-root-ca-4.der"),
    include_bytes!("roots/starfield-services-root-g2.der"),
    include_bytes!("roots/starfield-class-2.der"),
];

/// Which roots are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Amazon's.
    Amazon,
    /// The system's.
    System,
}

/// Connections that are used again; a plain `http` endpoint is reached too.
pub(crate) type Connections = Client<HttpsConnector<connect::HttpConnector>, SdkBody>;

/// The connections as a client of the SDK has them.
#[derive(Clone, Debug)]
struct Https(Connections);

/// Makes the HTTP client of an SDK client for DynamoDB, whose endpoints all speak TLS 1.3.
pub fn client(trust: Trust) -> Result<SharedHttpClient, rustls::Error> {
    client_in(trust, &[&TLS13])
}

/// Makes the HTTP client of an SDK client for another service, in TLS 1.2 or 1.3.
pub fn client_of_any(trust: Trust) -> Result<SharedHttpClient, rustls::Error> {
    client_in(trust, &[&TLS13, &TLS12])
}

fn client_in(
    trust: Trust,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<SharedHttpClient, rustls::Error> {
    Ok(SharedHttpClient::new(Https(connections_in(trust, versions)?)))
}

/// Connections to services of AWS, in TLS 1.2 or 1.3; none is opened yet.
pub(crate) fn connections(trust: Trust) -> Result<Connections, rustls::Error> {
    connections_in(trust, &[&TLS13, &TLS12])
}

fn connections_in(
    trust: Trust,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<Connections, rustls::Error> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::Amazon => {
            for root in AMAZON {
                roots.add(CertificateDer::from_slice(root))?;
            }
        }
        Trust::System => {
            // A system's store may hold certificates that rustls cannot read; the others still
            // count.
            roots.add_parsable_certificates(system_roots());
        }
    }
    let config = tls(roots, versions)?;
    let mut tcp = connect::HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(ATTEMPT));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https))
}

/// TLS in these versions on `ring`, without a certificate of our own.
pub(crate) fn tls(
    roots: RootCertStore,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The system's roots, as far as they can be read.
pub(crate) fn system_roots() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

impl HttpClient for Https {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let response =
                client.request(request).await.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_roots_are_readable() {
        assert!(client(Trust::Amazon).is_ok());
    }
}
