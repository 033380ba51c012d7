//! Revocation (RFC 7009, rule O7).

use serde_json::json;
use tests::{Client, Fault, KeyPair, TENANT};

use super::{CREDENTIALS, about, refused, tokens, with_secret as start};

const PATH: &str = "/idhub/oidc/v1/revoke";
const RESOURCE: &str = "/config/persona-definitions";

async fn revoke(client: &Client, token: &str) {
    let answer = about(client, "revoke", token).await.is(200);
    assert_eq!((answer.text(), answer.header("cache-control")), ("", Some("no-store")));
}

async fn is_active(client: &Client, token: &str) -> bool {
    about(client, "introspect", token).await.is(200).json()["active"].as_bool().unwrap()
}

async fn exchange(client: &Client, token: &str) -> u16 {
    client.token_for(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await.code()
}

#[tokio::test]
async fn o7_a_revoked_access_token_is_inactive_everywhere_at_once_and_resources_go_on_taking_it() {
    let (service, client) = start().await;
    let elsewhere = client.on(&service.instance());
    let (token, refresh) = tokens(&client).await;
    let (other, _) = tokens(&client).await;
    for client in [&client, &elsewhere] {
        assert!(is_active(client, &token).await);
    }
    revoke(&client, &token).await;
    for client in [&client, &elsewhere, &client.on(&service.instance())] {
        assert!(!is_active(client, &token).await);
        client.service.call("GET", RESOURCE).token(&token).await.is(200);
        assert!(is_active(client, &other).await, "another token");
    }
    // Twice is as good as once.
    revoke(&client, &token).await;
    revoke(&elsewhere, &token).await;
    assert!(!is_active(&client, &token).await);
    assert_eq!(exchange(&client, &refresh).await, 200, "the refresh token is another one");
    // A bound token is revoked without a proof.
    let bound = client.clone().bound_to(&KeyPair::es256()).await.token;
    revoke(&client, &bound).await;
    assert!(!is_active(&client, &bound).await);
}

#[tokio::test]
async fn o7_a_revoked_refresh_token_ends_its_family_whichever_it_is() {
    let (service, client) = start().await;
    for generation in 0..3 {
        let (_, first) = tokens(&client).await;
        let mut all = vec![first];
        for i in 0..2 {
            let next = client
                .token_for(&[("grant_type", "refresh_token"), ("refresh_token", &all[i])])
                .await
                .is(200);
            all.push(next.field("refresh_token"));
        }
        let (_, unrelated) = tokens(&client).await;
        revoke(&client, &all[generation]).await;
        for token in &all {
            assert!(!is_active(&client, token).await);
            assert_eq!(exchange(&client, token).await, 400);
            assert_eq!(exchange(&client.on(&service.instance()), token).await, 400);
            revoke(&client, token).await;
        }
        assert_eq!(exchange(&client, &unrelated).await, 200);
    }
}

#[tokio::test]
async fn o7_what_is_not_the_callers_own_answers_the_same_and_is_left_alone() {
    let (service, client) = start().await;
    let (access, refresh) = tokens(&client).await;
    service.create_tenant("globex").await;
    let others = [
        service.register(TENANT, "users:read".parse().unwrap(), true).await,
        service.register("globex", "users:read".parse().unwrap(), true).await,
    ];
    let forged = format!("{}.{}", refresh.rsplit_once('.').unwrap().0, "A".repeat(43));
    for other in &others {
        other.token_for(&[CREDENTIALS]).await.is(200);
        let before = service.items().await;
        for token in [&access, &refresh, &forged, "x", "é", &"x".repeat(9000), &other.secret] {
            revoke(other, token).await;
        }
        assert_eq!(service.items().await, before);
    }
    let before = service.items().await;
    revoke(&client, &forged).await;
    assert_eq!(service.items().await, before);
    assert!(is_active(&client, &access).await && is_active(&client, &refresh).await);
    assert_eq!(exchange(&client, &refresh).await, 200);
}

#[tokio::test]
async fn o7_revocation_needs_a_client_and_a_token() {
    let (service, client) = start().await;
    let (access, refresh) = tokens(&client).await;
    for token in [&access, &refresh] {
        refused(&service.call("POST", PATH).form(&[("token", token)]).await, 401, "invalid_client");
        let wrong = Client { secret: "wrong".to_owned(), ..client.clone() };
        refused(&about(&wrong, "revoke", token).await, 401, "invalid_client");
        assert!(is_active(&client, token).await);
    }
    refused(&about(&client, "revoke", "").await, 400, "invalid_request");
    service.call("GET", PATH).await.is(405);
    // An Idempotency-Key has nothing to do where a repeat changes nothing.
    for _ in 0..2 {
        about(&client, "revoke", &access).key("key").await.is(200);
    }
    let hinted = [("token", &*refresh), ("token_type_hint", "unknown"), ("client_id", &client.id)];
    let form = [&hinted[..], &[("client_secret", &client.secret)]].concat();
    service.call("POST", PATH).form(&form).await.is(200);
    assert!(!is_active(&client, &access).await && !is_active(&client, &refresh).await);
    refused(&client.token_for(&[CREDENTIALS]).key("key").await, 400, "invalid_request");

    let key = KeyPair::of("EdDSA");
    let keyed = service.register_keys(TENANT, &[&key]).await;
    let assert = || key.assertion(&keyed.id, json!({}), json!({}));
    let answer = service.asserted("/idhub/oidc/v1/token", &assert(), &[CREDENTIALS]).await.is(200);
    let token = answer.field("access_token");
    service.asserted(PATH, &assert(), &[("token", &token)]).await.is(200);
    assert!(!is_active(&client, &token).await);
}

#[tokio::test]
async fn d8_a_revocation_is_kept_as_long_as_the_token_could_be_active() {
    let (service, client) = start().await;
    let (token, _) = tokens(&client).await;
    revoke(&client, &token).await;
    for later in [899, 1, 59, 1, 3600] {
        service.clock.advance(later);
        assert!(!is_active(&client, &token).await);
    }
    let before = service.items().await;
    revoke(&client, &token).await;
    assert_eq!(service.items().await, before, "an expired one is not noted again");
}

#[tokio::test(start_paused = true)]
async fn i2_a_revocation_is_done_once_it_is_answered_whatever_the_table_does() {
    for fault in Fault::all() {
        for refresh in [false, true] {
            let (service, client) = start().await;
            let tokens = tokens(&client).await;
            let token = if refresh { &tokens.1 } else { &tokens.0 };
            assert!(is_active(&client, token).await);
            service.faults.reset();
            let write = if refresh { "TransactWriteItems" } else { "PutItem" };
            service.faults.next(write, fault.clone());
            let answer = about(&client, "revoke", token).await;
            service.faults.reset();
            assert!(matches!(answer.code(), 200 | 503), "{fault:?}: {}", answer.text());
            if answer.code() == 503 {
                revoke(&client, token).await;
            }
            assert!(!is_active(&client, token).await, "{fault:?}");
        }
    }
}
