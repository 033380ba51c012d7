//! An assertion is good once (rule O3), wherever it is sent, whatever the table does.

use serde_json::json;
use shared::domain::client::KeySource;
use tests::{Answer, Fault, KeyPair, START, TENANT, fresh, jwks};
use tokio::task::JoinSet;

use super::{CREDENTIALS, TOKEN, refused, send, signing as start};

const NOW: i64 = START.seconds();

#[track_caller]
fn replayed(answer: &Answer) {
    refused(answer, 401, "invalid_client");
    assert!(answer.field("error_description").contains("jti"), "{}", answer.text());
}

#[tokio::test]
async fn o3_an_assertion_is_good_once_at_every_instance_and_endpoint() {
    let (service, client, key) = start().await;
    let assertion = key.assertion(&client.id, json!({}), json!({}));
    send(&service, &assertion).await.is(200);
    replayed(&send(&service, &assertion).await);
    replayed(&send(&service.instance(), &assertion).await);
    for endpoint in ["introspect", "revoke"] {
        let path = format!("/idhub/oidc/v1/{endpoint}");
        let form = [("token", "x")];
        replayed(&service.asserted(&path, &assertion, &form).await);
        let other = key.assertion(&client.id, json!({}), json!({}));
        service.asserted(&path, &other, &form).await.is(200);
        replayed(&send(&service, &other).await);
    }
    // An assertion with the same `jti` is a replay, also with a new signature.
    let claims = json!({ "jti": "one" });
    send(&service, &key.assertion(&client.id, json!({}), claims.clone())).await.is(200);
    replayed(&send(&service, &key.assertion(&client.id, json!({}), claims)).await);
}

#[tokio::test]
async fn o3_a_jti_is_the_clients_own() {
    let (service, client, key) = start().await;
    let other = service.register_keys(TENANT, &[&key]).await;
    for id in [&client.id, &other.id] {
        send(&service, &key.assertion(id, json!({}), json!({ "jti": "same" }))).await.is(200);
    }
    // Nor does the separator of what is stored lead from one to another.
    let odd = format!("{}\nsame", client.id);
    send(&service, &key.assertion(&client.id, json!({}), json!({ "jti": odd }))).await.is(200);
}

/// Rule D8: the item ends with the assertion, whether or not DynamoDB has removed it.
#[tokio::test]
async fn d8_a_jti_is_free_again_once_its_assertion_has_ended() {
    let (service, client, key) = start().await;
    let at = |now: i64| {
        key.assertion(&client.id, json!({}), json!({ "jti": "again", "iat": now, "exp": now + 60 }))
    };
    send(&service, &at(NOW)).await.is(200);
    // Until the first one has ended for every clock there is, the `jti` stays used.
    for (later, due) in [(60, 401), (119, 401), (179, 401), (180, 200)] {
        service.clock.advance(NOW + later - service.now());
        assert_eq!(send(&service, &at(NOW + later)).await.code(), due, "{later} seconds later");
    }
    replayed(&send(&service, &at(NOW + 180)).await);
}

#[tokio::test]
async fn o3_what_is_refused_uses_no_jti_up() {
    let (service, client, key) = start().await;
    let stranger = KeyPair::es256();
    let named = |header, claims| {
        key.assertion(&client.id, header, tests::with(json!({ "jti": "kept" }), claims))
    };
    let before = service.items().await.len();
    for wrong in [
        stranger.assertion(&client.id, json!({ "kid": key.kid }), json!({ "jti": "kept" })),
        named(json!({}), json!({ "aud": "https://evil.example" })),
        named(json!({}), json!({ "exp": NOW + 301 })),
        named(json!({}), json!({ "exp": NOW - 60 })),
        named(json!({}), json!({ "nbf": NOW + 61 })),
        named(json!({ "typ": "at+jwt" }), json!({})),
    ] {
        let answer = send(&service, &wrong).await;
        refused(&answer, 401, "invalid_client");
    }
    let spent = service.items().await.iter().filter(|item| item.contains("#N#")).count();
    assert_eq!(spent, 0);
    assert!(service.items().await.len() > before, "failures are counted");
    send(&service, &named(json!({}), json!({}))).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o3_of_many_at_once_one_gets_a_token() {
    let (service, client, key) = start().await;
    send(&service, &key.assertion(&client.id, json!({}), json!({}))).await.is(200);
    for _ in 0..4 {
        let assertion = key.assertion(&client.id, json!({}), json!({}));
        let mut calls = JoinSet::new();
        for i in 0..16 {
            let service = if i % 2 == 0 { service.clone() } else { service.instance() };
            let call = service.asserted(TOKEN, &assertion, &[CREDENTIALS]).from(&fresh("address"));
            calls.spawn(call.into_future());
        }
        let answers = calls.join_all().await;
        let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.code() == 200);
        assert_eq!((good.len(), bad.len()), (1, 15));
        bad.into_iter().for_each(replayed);
    }
}

#[tokio::test]
async fn o3_a_new_key_is_taken_at_once_and_an_old_one_is_gone_within_30_seconds() {
    let (service, client, old) = start().await;
    let elsewhere = service.instance();
    let assert = |key: &KeyPair| {
        let now = service.now();
        key.assertion(&client.id, json!({}), json!({ "iat": now, "exp": now + 60 }))
    };
    for service in [&service, &elsewhere] {
        send(service, &assert(&old)).await.is(200);
    }
    let new = KeyPair::es256();
    let id = client.id.parse().unwrap();
    let keys = KeySource::Jwks(jwks(&[&new]));
    service.table.change_client(&id, |client| client.keys = Some(keys.clone())).await.unwrap();
    for service in [&service, &elsewhere] {
        let answer = send(service, &assert(&new)).await.is(200);
        assert_eq!(answer.cost(), (1.0, 1.0, 0.0), "read once");
        assert_eq!(
            send(service, &assert(&old)).await.code(),
            401,
            "what was read tells of the change"
        );
    }
    let third = service.instance();
    assert_eq!(send(&third, &assert(&old)).await.code(), 401);
}

#[tokio::test]
async fn o3_a_token_by_assertion_costs_one_write() {
    let (service, client, key) = start().await;
    send(&service, &key.assertion(&client.id, json!({}), json!({}))).await.is(200);
    let warm = send(&service, &key.assertion(&client.id, json!({}), json!({}))).await.is(200);
    assert_eq!(warm.cost(), (0.0, 1.0, 0.0));
    let dpop = key.proof("POST", TOKEN, json!({}), json!({}));
    let assertion = key.assertion(&client.id, json!({}), json!({}));
    let bound =
        service.asserted(TOKEN, &assertion, &[CREDENTIALS]).header("dpop", dpop).await.is(200);
    assert_eq!(bound.cost(), (0.0, 2.0, 0.0));
}

/// The write of the `jti` happened and its answer did not come: its repetition finds its own work,
/// and no replay.
#[tokio::test(start_paused = true)]
async fn i2_a_lost_answer_is_not_taken_for_a_replay() {
    for fault in Fault::all() {
        let (service, client, key) = start().await;
        send(&service, &key.assertion(&client.id, json!({}), json!({}))).await.is(200);
        service.faults.reset();
        service.faults.next("PutItem", fault.clone());
        let assertion = key.assertion(&client.id, json!({}), json!({}));
        let answer = send(&service, &assertion).await;
        service.faults.reset();
        let passing = matches!(fault, Fault::Conflict(_));
        assert!(
            answer.code() == 200 || (passing && answer.code() == 503),
            "{fault:?}: {}",
            answer.text()
        );
        if answer.code() == 200 {
            replayed(&send(&service, &assertion).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn i3_a_table_that_is_down_is_503_and_no_failed_authentication() {
    for fault in [Fault::ServerError, Fault::Unreachable, Fault::Throttled] {
        let (service, client, key) = start().await;
        send(&service, &key.assertion(&client.id, json!({}), json!({}))).await.is(200);
        // Warm, the one call is the write of the `jti`; cold, the first is the read of the client.
        for service in [service.clone(), service.instance()] {
            let assertion = key.assertion(&client.id, json!({}), json!({}));
            service.faults.reset();
            service.faults.from(0, fault.clone());
            let answer = send(&service, &assertion).await;
            service.faults.reset();
            refused(&answer, 503, "temporarily_unavailable");
            assert_eq!(answer.header("retry-after"), Some("1"));
            send(&service, &assertion).await.is(200);
        }
        assert!(
            !service.items().await.iter().any(|item| item.contains("\"F#")),
            "a failure was counted"
        );
    }
}
