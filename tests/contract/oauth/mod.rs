//! OAuth: assertions, proofs of possession, introspection, revocation, limits, and what an attacker
//! would send.

use tests::{Answer, Call, Client, KeyPair, Service, TENANT};

mod agreement;
mod assertions;
mod bound_tokens;
mod claims;
mod damage;
mod duplicates;
mod fuzz;
mod gateway;
mod introspection;
mod proofs;
mod published_keys;
mod replays;
mod revocation;
mod throttle;
mod wycheproof;

const TOKEN: &str = "/idhub/oidc/v1/token";
const CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");

/// Asserts an error of an OAuth endpoint in the form of RFC 6749 §5.2.
#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(
        (answer.code(), answer.json()["error"].as_str()),
        (status, Some(error)),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let description = answer.field("error_description");
    let legal = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(description.bytes().all(legal), "{description}");
}

/// A request to introspection or revocation by a client with a secret.
pub fn about(client: &Client, endpoint: &str, token: &str) -> Call {
    let form = [
        ("token", token),
        ("client_id", client.id.as_str()),
        ("client_secret", client.secret.as_str()),
    ];
    client.service.call("POST", &format!("/idhub/oidc/v1/{endpoint}")).form(&form)
}

/// A client that authenticates with a new key of ES256.
async fn signing() -> (Service, Client, KeyPair) {
    let service = Service::start().await;
    let key = KeyPair::es256();
    let client = service.register_keys(TENANT, &[&key]).await;
    (service, client, key)
}

/// Sends an assertion to the token endpoint.
async fn send(service: &Service, assertion: &str) -> Answer {
    service.asserted(TOKEN, assertion, &[CREDENTIALS]).await
}

/// A client with a secret and the refresh grant.
async fn with_secret() -> (Service, Client) {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read config:read".parse().unwrap(), true).await;
    (service, client)
}

/// An access token and a refresh token.
async fn tokens(client: &Client) -> (String, String) {
    let answer = client.token_for(&[CREDENTIALS]).await.is(200);
    (answer.field("access_token"), answer.field("refresh_token"))
}
