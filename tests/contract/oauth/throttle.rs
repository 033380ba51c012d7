//! Failed authentications are slowed down, and honest callers are not (rule O2).

use serde_json::json;
use tests::{Answer, Client, Fault, KeyPair, Service, TENANT};

use super::{CREDENTIALS, TOKEN, refused};

/// A service whose clock stands at the start of a minute, and a client that is known.
async fn start() -> (Service, Client) {
    let service = Service::start().await;
    assert_eq!(service.now() % 60, 0);
    let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    client.token_for(&[CREDENTIALS]).await.is(200);
    (service, client)
}

/// An attempt with a wrong secret.
async fn fail(service: &Service, id: &str, address: &str) -> Answer {
    service.token(&[CREDENTIALS, ("client_id", id), ("client_secret", "wrong")]).from(address).await
}

#[track_caller]
fn slowed(answer: &Answer, seconds: &str) {
    refused(answer, 429, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), Some(seconds));
}

#[tokio::test]
async fn o2_after_ten_failures_in_a_minute_the_answer_is_429_until_its_end() {
    let (service, client) = start().await;
    service.clock.advance(10);
    for i in 0..10 {
        let service = if i % 2 == 0 { service.clone() } else { service.instance() };
        refused(&fail(&service, &client.id, "a").await, 401, "invalid_client");
    }
    slowed(&fail(&service, &client.id, "a").await, "50");
    slowed(&fail(&service.instance(), &client.id, "a").await, "50");
    // The right secret is accepted meanwhile, and other clients and addresses are not slowed down.
    client.token_for(&[CREDENTIALS]).from("a").await.is(200);
    refused(&fail(&service, &client.id, "b").await, 401, "invalid_client");
    let other = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    refused(&fail(&service, &other.id, "a").await, 401, "invalid_client");
    other.token_for(&[CREDENTIALS]).from("a").await.is(200);
    service.clock.advance(49);
    slowed(&fail(&service, &client.id, "a").await, "1");
    service.clock.advance(1);
    for _ in 0..10 {
        refused(&fail(&service, &client.id, "a").await, 401, "invalid_client");
    }
    slowed(&fail(&service, &client.id, "a").await, "60");
}

#[tokio::test]
async fn o2_after_a_hundred_failures_of_one_address_every_further_one_is_429() {
    let (service, client) = start().await;
    for i in 0..100 {
        let id = format!("{TENANT}.{i:032x}");
        refused(&fail(&service, &id, "a").await, 401, "invalid_client");
    }
    slowed(&fail(&service, &client.id, "a").await, "60");
    slowed(&fail(&service, "x", "a").await, "60");
    client.token_for(&[CREDENTIALS]).from("a").await.is(200);
    refused(&fail(&service, &client.id, "b").await, 401, "invalid_client");
    service.clock.advance(60);
    refused(&fail(&service, &client.id, "a").await, 401, "invalid_client");
}

#[tokio::test]
async fn o2_an_unknown_client_is_slowed_down_as_a_known_one() {
    let (service, client) = start().await;
    let absent = format!("{TENANT}.{}", "0".repeat(32));
    for round in 0..13 {
        let known = fail(&service, &client.id, "a").await;
        let unknown = fail(&service, &absent, "a").await;
        let shown = |answer: &Answer| (answer.code(), answer.body.clone(), answer.cost());
        assert_eq!(shown(&known), shown(&unknown), "{round}");
        assert_eq!(known.code(), if round < 10 { 401 } else { 429 });
    }
}

#[tokio::test]
async fn o3_failed_assertions_count_for_the_client_that_they_name() {
    let service = Service::start().await;
    let (key, stranger) = (KeyPair::es256(), KeyPair::es256());
    let client = service.register_keys(TENANT, &[&key]).await;
    let other = service.register_keys(TENANT, &[&key]).await;
    let send = async |key: &KeyPair, client: &Client, claims| {
        let assertion = key.assertion(&client.id, json!({ "kid": null }), claims);
        service.asserted(TOKEN, &assertion, &[CREDENTIALS]).from("a").await
    };
    for i in 0..10 {
        let answer = match i % 2 {
            0 => send(&stranger, &client, json!({})).await,
            _ => send(&key, &client, json!({ "aud": "x" })).await,
        };
        refused(&answer, 401, "invalid_client");
    }
    slowed(&send(&stranger, &client, json!({})).await, "60");
    slowed(&fail(&service, &client.id, "a").await, "60");
    send(&key, &client, json!({})).await.is(200);
    refused(&send(&stranger, &other, json!({})).await, 401, "invalid_client");
    refused(&service.asserted(TOKEN, "x", &[CREDENTIALS]).from("a").await, 401, "invalid_client");
}

#[tokio::test]
async fn o2_every_endpoint_counts_and_honest_calls_write_nothing() {
    let (service, client) = start().await;
    let before = service.items().await;
    for _ in 0..20 {
        let answer = client.token_for(&[CREDENTIALS]).from("a").await.is(200);
        assert_eq!(answer.cost(), (0.0, 0.0, 0.0));
    }
    assert_eq!(service.items().await, before);
    let wrong = Client { secret: "wrong".to_owned(), ..client.clone() };
    for i in 0..10 {
        let endpoint = ["introspect", "revoke"][i % 2];
        refused(&super::about(&wrong, endpoint, "x").from("a").await, 401, "invalid_client");
    }
    slowed(&fail(&service, &client.id, "a").await, "60");
    slowed(&super::about(&wrong, "introspect", "x").from("a").await, "60");
    let items = service.items().await.concat();
    assert!(!items.contains("wrong"), "a secret that was tried is stored");
    let basic = "Basic eDp5";
    let answer = service.token(&[CREDENTIALS]).header("authorization", basic).from("c").await;
    refused(&answer, 401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o2_of_many_failures_at_once_ten_are_answered() {
    let (service, client) = start().await;
    let mut calls = tokio::task::JoinSet::new();
    for i in 0..24 {
        let service = if i % 2 == 0 { service.clone() } else { service.instance() };
        let id = client.id.clone();
        calls.spawn(async move { fail(&service, &id, "a").await });
    }
    let codes: Vec<_> = calls.join_all().await.iter().map(Answer::code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 401).count(), 10, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 429).count(), 14, "{codes:?}");
}

#[tokio::test(start_paused = true)]
async fn i3_a_failure_that_cannot_be_counted_is_a_failure_still() {
    for fault in
        [Fault::ServerError, Fault::Unreachable, Fault::Throttled, Fault::Lost, Fault::Conflict(0)]
    {
        let (service, client) = start().await;
        fail(&service, &client.id, "a").await;
        service.faults.reset();
        for _ in 0..20 {
            service.faults.next("UpdateItem", fault.clone());
        }
        let answer = fail(&service, &client.id, "a").await;
        service.faults.reset();
        refused(&answer, 401, "invalid_client");
    }
}
