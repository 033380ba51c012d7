//! Clients that publish their keys: assertions are verified with what is found at the registered
//! URL (rules O3, S2).

use serde_json::json;
use shared::domain::client::{AuthMethod, KeySource};
use shared::fetch::Fetcher;
use tests::{Answer, Client, KeyPair, Publisher, Reply, Service, TENANT, jwks};

use super::{CREDENTIALS, TOKEN, refused};

/// A service that may reach the publisher, and a client whose keys are there.
async fn start(publisher: &Publisher) -> (Service, Client) {
    let service = Service::start().await.fetching(&publisher.fetcher());
    let client = register(&service, publisher.url()).await;
    (service, client)
}

async fn register(service: &Service, url: String) -> Client {
    let edit = |client: &mut shared::domain::client::Client| {
        client.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        client.keys = Some(KeySource::JwksUri(url));
        client.secrets.clear();
    };
    service.register_as(TENANT, "users:read", edit).await
}

async fn send(service: &Service, client: &Client, key: &KeyPair) -> Answer {
    service.asserted(TOKEN, &key.assertion(&client.id, json!({}), json!({})), &[CREDENTIALS]).await
}

#[tokio::test]
async fn o3_published_keys_are_fetched_once_and_followed_when_they_change() {
    let (old, new) = (KeyPair::es256(), KeyPair::of("RS256"));
    let publisher = Publisher::start().await;
    publisher.reply(Reply::ok(&jwks(&[&old])));
    let (service, client) = start(&publisher).await;
    for _ in 0..3 {
        send(&service, &client, &old).await.is(200);
    }
    assert_eq!(publisher.requests().len(), 1);
    publisher.reply(Reply::ok(&jwks(&[&old, &new])));
    send(&service, &client, &new).await.is(200);
    send(&service, &client, &old).await.is(200);
    assert_eq!(publisher.requests().len(), 2);
    publisher.reply(Reply::ok(&jwks(&[&new])));
    service.clock.advance(301);
    let at = service.clock.now().seconds();
    let late = old.assertion(&client.id, json!({}), json!({ "iat": at, "exp": at + 60 }));
    refused(&service.asserted(TOKEN, &late, &[CREDENTIALS]).await, 401, "invalid_client");
}

#[tokio::test]
async fn o2_keys_that_cannot_be_fetched_answer_as_an_unknown_client_does() {
    let key = KeyPair::es256();
    let publisher = Publisher::start().await;
    publisher.reply(Reply::status(500, "down"));
    let (service, client) = start(&publisher).await;
    let down = send(&service, &client, &key).await;
    refused(&down, 401, "invalid_client");
    let stranger = Client { id: format!("{TENANT}.{}", "0".repeat(32)), ..client.clone() };
    assert_eq!(send(&service, &stranger, &key).await.text(), down.text());
    // The next request does not fetch the keys again. Later the keys are published, and the service
    // finds them.
    send(&service, &client, &key).await.is(401);
    assert_eq!(publisher.requests().len(), 1);
    publisher.reply(Reply::ok(&jwks(&[&key])));
    service.clock.advance(31);
    send(&service, &client, &key).await.is(200);
}

#[tokio::test]
async fn s2_the_functions_fetch_nothing_from_addresses_that_are_not_public() {
    let key = KeyPair::es256();
    let publisher = Publisher::start().await;
    publisher.reply(Reply::ok(&jwks(&[&key])));
    let service = Service::start().await.fetching(&Fetcher::default());
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let client = register(&service, format!("https://{host}:{}/", publisher.port)).await;
        refused(&send(&service, &client, &key).await, 401, "invalid_client");
    }
    assert_eq!(publisher.requests().len(), 0);
}
