//! The refresh grant (rule O6).

use serde_json::Value;
use tests::{Answer, Client, Service, TENANT};
use tokio::task::JoinSet;

async fn start() -> (Service, Client, String) {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read users:write".parse().unwrap(), true).await;
    let token = client
        .token_for(&[("grant_type", "client_credentials")])
        .await
        .is(200)
        .field("refresh_token");
    (service, client, token)
}

fn refresh(client: &Client, token: &str) -> tests::Call {
    client.token_for(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}

#[track_caller]
fn refused(answer: &Answer, error: &str) {
    assert_eq!(
        (answer.code(), answer.json()["error"].as_str()),
        (400, Some(error)),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn o6_each_use_rotates_the_token() {
    let (service, client, first) = start().await;
    let answer = refresh(&client, &first).await.is(200);
    let second = answer.field("refresh_token");
    assert_ne!(second, first);
    assert_eq!(answer.field("scope"), "users:read users:write");
    service.call("GET", "/identity/users/x").token(&answer.field("access_token")).await.is(404);
    let third = refresh(&client, &second).await.is(200).field("refresh_token");
    assert_ne!(third, second);
}

#[tokio::test]
async fn o6_a_replay_within_ten_seconds_gets_the_same_successor() {
    let (service, client, first) = start().await;
    let second = refresh(&client, &first).await.is(200).field("refresh_token");
    service.clock.advance(9);
    let elsewhere = Client { service: service.instance(), ..client.clone() };
    assert_eq!(refresh(&elsewhere, &first).await.is(200).field("refresh_token"), second);
    refresh(&client, &second).await.is(200);
}

#[tokio::test]
async fn o6_a_later_replay_ends_the_family() {
    let (service, client, first) = start().await;
    let second = refresh(&client, &first).await.is(200).field("refresh_token");
    service.clock.advance(10);
    refused(&refresh(&client, &first).await, "invalid_grant");
    refused(&refresh(&client, &second).await, "invalid_grant");
}

#[tokio::test]
async fn o6_a_replay_from_before_the_last_rotation_ends_the_family_at_once() {
    let (_, client, first) = start().await;
    let second = refresh(&client, &first).await.is(200).field("refresh_token");
    let third = refresh(&client, &second).await.is(200).field("refresh_token");
    refused(&refresh(&client, &first).await, "invalid_grant");
    refused(&refresh(&client, &third).await, "invalid_grant");
}

#[tokio::test]
async fn o6_a_forged_token_changes_nothing() {
    let (service, client, first) = start().await;
    let second = refresh(&client, &first).await.is(200).field("refresh_token");
    let before = service.items().await;
    let (content, mac) = second.rsplit_once('.').unwrap();
    let (family, _) = content.split_once('.').unwrap();
    let flipped = if mac.starts_with('A') { 'B' } else { 'A' };
    for forged in [
        format!("{content}.{flipped}{}", &mac[1..]),
        format!("{family}.1.{mac}"),
        format!("{family}.9.{mac}"),
        format!("{content}."),
        content.to_owned(),
        "x".to_owned(),
        format!("{second} "),
    ] {
        refused(&refresh(&client, &forged).await, "invalid_grant");
    }
    assert_eq!(service.items().await, before);
    refresh(&client, &second).await.is(200);
}

#[tokio::test]
async fn o6_nothing_that_is_stored_can_be_replayed() {
    let (service, _, first) = start().await;
    let mac = first.rsplit('.').next().unwrap();
    assert!(mac.len() >= 43, "256 bits");
    assert!(!service.items().await.concat().contains(mac));
}

#[tokio::test]
async fn o6_a_token_belongs_to_its_client() {
    let (service, client, first) = start().await;
    let other = service.register(TENANT, "users:read users:write".parse().unwrap(), true).await;
    refused(&refresh(&other, &first).await, "invalid_grant");
    refresh(&client, &first).await.is(200);
}

#[tokio::test]
async fn o6_a_client_without_the_grant_gets_none_and_may_not_use_one() {
    let (service, _, token) = start().await;
    let plain = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    let answer = plain.token_for(&[("grant_type", "client_credentials")]).await.is(200);
    assert_eq!(answer.json().get("refresh_token"), None::<&Value>);
    refused(&refresh(&plain, &token).await, "unauthorized_client");
}

#[tokio::test]
async fn o6_scope_can_only_shrink() {
    let (_, client, _) = start().await;
    let narrow = [("grant_type", "client_credentials"), ("scope", "users:read")];
    let token = client.token_for(&narrow).await.is(200).field("refresh_token");
    let ask = |scope: &'static str, token: &str| {
        client.token_for(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("scope", scope),
        ])
    };
    refused(&ask("users:read users:write", &token).await, "invalid_scope");
    // Too much asked for changed nothing.
    let answer = ask("users:read", &token).await.is(200);
    assert_eq!(answer.field("scope"), "users:read");
    let (_, client, token) = start().await;
    let answer = client
        .token_for(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", &token),
            ("scope", "users:write"),
        ])
        .await
        .is(200);
    assert_eq!(answer.field("scope"), "users:write");
}

#[tokio::test]
async fn o6_a_family_ends_after_30_days_however_often_it_was_used() {
    let (service, client, mut token) = start().await;
    for _ in 0..5 {
        service.clock.advance(5 * 24 * 3600);
        token = refresh(&client, &token).await.is(200).field("refresh_token");
    }
    service.clock.advance(5 * 24 * 3600 - 1);
    token = refresh(&client, &token).await.is(200).field("refresh_token");
    service.clock.advance(1);
    refused(&refresh(&client, &token).await, "invalid_grant");
}

#[tokio::test]
async fn o1_a_refresh_needs_its_token() {
    let (_, client, _) = start().await;
    refused(&client.token_for(&[("grant_type", "refresh_token")]).await, "invalid_request");
    refused(&refresh(&client, "").await, "invalid_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o6_many_racing_uses_make_one_rotation() {
    let (service, client, first) = start().await;
    let mut calls = JoinSet::new();
    for i in 0..16 {
        let service = if i % 2 == 0 { service.clone() } else { service.instance() };
        calls.spawn(refresh(&Client { service, ..client.clone() }, &first).into_future());
    }
    let answers = calls.join_all().await;
    let second = answers[0].clone().is(200).field("refresh_token");
    for answer in answers {
        assert_eq!(answer.is(200).field("refresh_token"), second);
    }
    refresh(&client, &second).await.is(200);
}

#[tokio::test]
async fn o6_what_the_client_lost_since_cannot_be_asked_for_and_asking_changes_nothing() {
    let (service, client, first) = start().await;
    let id = client.id.parse().unwrap();
    service
        .table
        .change_client(&id, |client| client.scopes = "users:read".parse().unwrap())
        .await
        .unwrap();
    service.clock.advance(31);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first.as_str()),
        ("scope", "users:write"),
    ];
    refused(&client.token_for(&form).await, "invalid_scope");
    let answer = refresh(&client, &first).await.is(200);
    assert_eq!(answer.field("scope"), "users:read");
}
