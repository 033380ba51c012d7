//! The day on which a secret was last used.

use serde_json::{Value, json};
use tests::{Fault, Service};

use super::{CLIENTS, Registered, administered, register};

async fn writes(client: &Registered, service: &Service) -> f64 {
    client.token(service, &client.secret).await.is(200).cost().1
}

#[tokio::test]
async fn o9_the_day_of_use_is_noted_once_a_day_for_each_secret() {
    let (service, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let second = admin.act(&client.secrets()).await.is(201).field("client_secret");
    let days = async || {
        let admin = admin.clone().with_token().await;
        let read = admin.get(&client.path).await.is(200);
        let secrets = read.json()["secrets"].as_array().unwrap().clone();
        (
            secrets.iter().map(|secret| secret["last_used_on"].clone()).collect::<Vec<Value>>(),
            read.tag(),
        )
    };
    let before = days().await;
    assert_eq!(before.0, [json!(null), json!(null)]);
    assert_eq!([writes(&client, &service).await, writes(&client, &service).await], [1.0, 0.0]);
    let after = days().await;
    assert_eq!(after.0, [json!("2026-11-21"), json!(null)]);
    assert_ne!(after.1, before.1, "GET shows it, so the tag moves");
    assert_eq!(client.signs_in(&service, &second).await, 200);
    assert_eq!(days().await.0, [json!("2026-11-21"), json!("2026-11-21")]);

    // The last second of the day, then the next day.
    service.clock.advance(14 * 3600 - 1);
    assert_eq!(writes(&client, &service).await, 0.0);
    service.clock.advance(1);
    assert_eq!([writes(&client, &service).await, writes(&client, &service).await], [1.0, 0.0]);
    assert_eq!(days().await.0, [json!("2026-11-22"), json!("2026-11-21")]);
    client.token(&service, "kith_wrong").await.is(401);
}

#[tokio::test]
async fn o9_another_instance_that_has_read_the_day_does_not_write_it() {
    let (service, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    assert_eq!(writes(&client, &service).await, 1.0);
    service.faults.reset();
    client.token(&service.instance(), &client.secret).await.is(200);
    assert!(service.faults.operations().iter().all(|operation| operation == "GetItem"));
    assert_eq!(client.stored(&service).await.version().0, 2);
}

#[tokio::test]
async fn o9_an_instance_that_has_read_the_client_before_learns_the_day_and_changes_nothing() {
    let (service, admin) = administered().await;
    let elsewhere = service.instance();
    let client = register(&admin, json!({})).await;
    service.clock.advance(14 * 3600 - 10);
    for service in [&service, &elsewhere] {
        client.token(service, &client.secret).await.is(200);
    }
    // Both remember the client as of yesterday; one is first.
    service.clock.advance(10);
    assert_eq!(writes(&client, &service).await, 1.0);
    let version = client.stored(&service).await.version();
    service.faults.reset();
    assert_eq!(writes(&client, &elsewhere).await, 0.0);
    assert_eq!(service.faults.operations(), ["PutItem"], "one write, which finds the stored item");
    assert_eq!(client.stored(&service).await.version(), version);
    service.faults.reset();
    assert_eq!(writes(&client, &elsewhere).await, 0.0);
    assert!(service.faults.operations().is_empty());
}

#[tokio::test]
async fn o9_a_note_that_meets_a_change_loses_against_it() {
    let (service, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let gate = service.faults.hold("PutItem");
    let token = tokio::spawn({
        let (service, client) = (service.clone(), client.clone());
        async move { client.token(&service, &client.secret).await }
    });
    gate.reached().await;
    admin.patch(&client.path, json!({ "name": "next" })).if_match("*").await.is(200);
    gate.open();
    token.await.unwrap().is(200);
    let stored = client.stored(&service).await;
    assert_eq!((stored.value.name.as_str(), stored.version().0), ("next", 2));
    client.token(&service, &client.secret).await.is(200);
    assert_eq!(
        client.stored(&service).await.value.secrets[0].last_used_on.as_deref(),
        Some("2026-11-21")
    );
}

#[tokio::test(start_paused = true)]
async fn o9_no_fault_of_the_note_reaches_whoever_authenticates() {
    for fault in Fault::all() {
        let (service, admin) = administered().await;
        let client = register(&admin, json!({})).await;
        client.token(&service.instance(), "kith_wrong").await.is(401);
        service.faults.reset();
        for _ in 0..20 {
            service.faults.next("PutItem", fault.clone());
        }
        let before = tokio::time::Instant::now();
        client.token(&service, &client.secret).await.is(200);
        let waited = before.elapsed();
        assert!(waited <= std::time::Duration::from_millis(600), "{fault:?}: {waited:?}");
        let tries = service.faults.operations().len();
        client.token(&service, &client.secret).await.is(200);
        assert_eq!(
            service.faults.operations().len(),
            tries,
            "{fault:?}: no request tries again before the client is read again"
        );
        service.faults.reset();
        service.clock.advance(30);
        client.token(&service, &client.secret).await.is(200);
        let stored = client.stored(&service).await;
        assert_eq!(
            stored.value.secrets[0].last_used_on.as_deref(),
            Some("2026-11-21"),
            "{fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn o9_a_note_that_failed_does_not_make_what_is_remembered_younger() {
    let (service, admin) = administered().await;
    let elsewhere = service.instance();
    let client = register(&admin, json!({})).await;
    service.clock.advance(14 * 3600 - 25);
    client.token(&elsewhere, &client.secret).await.is(200);
    let admin = admin.with_token().await;
    admin.delete(&client.path).await.is(204);
    service.clock.advance(25);
    service.faults.reset();
    for _ in 0..20 {
        service.faults.next("PutItem", Fault::ServerError);
    }
    client.token(&elsewhere, &client.secret).await.is(200);
    service.faults.reset();
    service.clock.advance(5);
    client.token(&elsewhere, &client.secret).await.is(401);
    assert!(!admin.get(CLIENTS).await.is(200).text().contains(&client.id));
}
