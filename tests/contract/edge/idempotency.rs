//! Idempotency-Key (rule I1).

use serde_json::json;
use tests::{Service, TENANT, person};
use tokio::task::JoinSet;

const USERS: &str = "/identity/users";

#[tokio::test]
async fn i1_a_repeat_is_answered_byte_for_byte_and_has_no_effect() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let first = crm.post(USERS, person("jan")).key("k1").await.is(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    let path = first.header("location").unwrap().to_owned();
    let changed =
        crm.patch(&path, json!({ "given_name": "Piet" })).if_match("*").await.is(200).tag();

    // An hour later, at another instance, with another token.
    service.clock.advance(3600);
    let crm = crm.on(&service.instance()).with_token().await;
    let again = crm.post(USERS, person("jan")).key("k1").await.is(201);

    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
    for name in ["etag", "location", "content-type", "cache-control", "vary"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_eq!(again.cost().1, 0.0);
    assert_eq!(crm.tag_of(&path).await, changed);
    assert_eq!(service.check().await.users, 1);
}

#[tokio::test]
async fn i1_the_same_key_with_another_body_is_refused() {
    let crm = Service::start().await.crm().await;
    crm.post(USERS, person("jan")).key("k1").await.is(201);
    let refused = crm.post(USERS, person("piet")).key("k1").await.is(422);
    assert_eq!(refused.slug(), "invalid-content");
    crm.post(USERS, person("piet")).key("k2").await.is(201);
}

#[tokio::test]
async fn i1_only_success_is_recorded() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    crm.post(USERS, person("jan")).key("k1").await.is(409);
    crm.post(USERS, json!({})).key("k2").await.is(422);
    crm.delete(&jan.path).await.is(204);
    let made = crm.post(USERS, person("jan")).key("k1").await.is(201);
    assert_eq!(made.header("idempotency-replayed"), None);
    crm.post(USERS, person("piet")).key("k2").await.is(201);
}

#[tokio::test]
async fn i1_a_key_is_scoped_to_tenant_client_and_path() {
    let service = Service::start().await;
    service.create_tenant("globex").await;
    let crm = service.crm().await;
    let scopes = "users:read users:write config:read config:write";
    let stranger = service.client("globex", scopes).await;
    let colleague = service.client(TENANT, "users:write").await;
    crm.define_persona("employee", json!({})).await;
    let jan = crm.post(USERS, json!({ "username": "jan" })).key("k").await.created();

    stranger.post(USERS, json!({ "username": "jan" })).key("k").await.is(201);
    colleague.post(USERS, json!({ "username": "jan" })).key("k").await.is(409);
    colleague.post(USERS, json!({ "username": "els" })).key("k").await.is(201);
    let blocked = crm.act(&jan.below("block")).key("k").await.is(200);
    assert_eq!(blocked.field("status"), "BLOCKED");
    crm.post(&jan.below("personas"), json!({ "name": "employee" })).key("k").await.is(201);
}

#[tokio::test]
async fn i1_a_record_is_kept_for_24_hours() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.post(USERS, json!({ "username": "jan" })).key("k").await.is(201);

    service.clock.advance(24 * 3600 - 1);
    let crm = crm.with_token().await;
    crm.post(USERS, json!({ "username": "jan" })).key("k").await.is(201);
    crm.post(USERS, json!({ "username": "piet" })).key("k").await.is(422);

    // Past its time the record is gone, whether or not the table has removed it (rule D8).
    service.clock.advance(1);
    crm.post(USERS, json!({ "username": "piet" })).key("k").await.is(201);
    crm.post(USERS, json!({ "username": "piet" })).key("k").await.is(201);
}

#[tokio::test]
async fn i1_actions_are_replayed_too() {
    let crm = Service::start().await.crm().await;
    crm.define_persona("employee", json!({})).await;
    let jan = crm.create_user("jan").await;
    let persona = crm.add_persona(&jan, json!({ "name": "employee" })).await;

    for path in [
        jan.below("block"),
        jan.below("unblock"),
        persona.below("prefer"),
        persona.below("suspend"),
    ] {
        let first = crm.act(&path).key("k").await.is(200);
        crm.act(&persona.below("activate")).await.is(200);
        let again = crm.act(&path).key("k").await.is(200);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        assert_eq!((again.tag(), &again.body), (first.tag(), &first.body), "{path}");
    }
    // Repeating an action that changed nothing is recorded as well.
    crm.act(&jan.below("unblock")).key("k2").await.is(200);
    let again = crm.act(&jan.below("unblock")).key("k2").await.is(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}

#[tokio::test]
async fn i1_every_post_that_creates_takes_a_key() {
    let crm = Service::start().await.crm().await;
    crm.define_persona("employee", json!({})).await;
    let jan = crm.create_user("jan").await;
    let server = json!({ "id": "corp", "name": "Corp", "subject_type": "predefined" });
    let application = json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" });
    let sso = "/api/v1/sso";
    for (path, body) in [
        (jan.below("personas"), json!({ "name": "employee" })),
        ("/identity/config/attribute-categories".to_owned(), json!({ "name": "other" })),
        (
            "/identity/config/attribute-definitions".to_owned(),
            json!({ "category": "common", "name": "x", "data_format": "TEXT" }),
        ),
        ("/config/persona-definitions".to_owned(), json!({ "name": "x" })),
        ("/identity/config/persona-definitions".to_owned(), json!({ "name": "y" })),
        (format!("{sso}/authentication-servers"), server),
        (format!("{sso}/applications"), application),
        (
            format!("{sso}/authentication-server-subjects"),
            json!({ "authentication_server_id": "corp", "subject": "s", "user_id": jan.id }),
        ),
        (
            format!("{sso}/application-subjects"),
            json!({ "application_id": "shop", "subject": "s", "user_id": jan.id }),
        ),
    ] {
        let first = crm.post(&path, body.clone()).key("k").await.is(201);
        let again = crm.post(&path, body).key("k").await.is(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        assert_eq!(
            (again.header("location"), &again.body),
            (first.header("location"), &first.body),
            "{path}"
        );
    }
}

#[tokio::test]
async fn i1_routes_that_answer_with_a_secret_refuse_the_key() {
    let crm = Service::start().await.crm().await;
    let refused = crm.token_for(&[("grant_type", "client_credentials")]).key("k").await.is(400);
    assert_eq!(refused.json()["error"], "invalid_request");
}

#[tokio::test]
async fn i1_a_key_is_one_word_of_visible_characters() {
    let crm = Service::start().await.crm().await;
    for wrong in ["", "a b", "é", &"x".repeat(256)] {
        crm.post(USERS, json!({ "username": "jan" })).key(wrong).await.is(400);
    }
    crm.post(USERS, json!({ "username": "jan" })).key("a").key("b").await.is(400);
    crm.post(USERS, json!({ "username": "jan" })).key(&"x".repeat(255)).await.is(201);
}

#[tokio::test]
async fn d7_a_replay_is_not_found_once_the_person_is_forgotten() {
    let crm = Service::start().await.crm().await;
    let jan = crm.post(USERS, person("jan")).key("k").await.created();
    crm.act(&jan.below("block")).key("k").await.is(200);
    crm.delete(&jan.path).await.is(204);

    crm.post(USERS, person("jan")).key("k").await.is(404);
    crm.act(&jan.below("block")).key("k").await.is(404);
}

#[tokio::test]
async fn i1_a_record_cannot_be_read_at_rest() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.post(USERS, person("jan.unmistakable")).key("key-of-the-client").await.is(201);

    let items = service.items().await;
    let records: Vec<_> = items.iter().filter(|item| item.contains("T#acme#I#")).collect();
    assert_eq!(records.len(), 1);
    for plain in ["unmistakable", "Janssen", "key-of-the-client"] {
        assert!(!records[0].contains(plain), "{plain}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i1_of_many_at_once_one_has_the_effect_and_all_get_its_answer() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define_persona("employee", json!({})).await;
    let jan = crm.create_user("jan").await;
    for (path, body) in [
        (USERS.to_owned(), person("piet")),
        (jan.below("personas"), json!({ "name": "employee" })),
        ("/config/persona-definitions".to_owned(), json!({ "name": "guest" })),
    ] {
        let mut calls = JoinSet::new();
        for i in 0..8 {
            let crm = crm.on(&if i % 2 == 0 { service.clone() } else { service.instance() });
            calls.spawn(crm.post(&path, body.clone()).key("k").into_future());
        }
        let answers = calls.join_all().await;
        assert!(
            answers.iter().all(|a| a.code() == 201),
            "{path}: {:?}",
            answers.iter().map(|a| a.text()).collect::<Vec<_>>()
        );
        assert!(answers.iter().all(|a| a.body == answers[0].body), "{path}");
        let effects = answers.iter().filter(|a| a.header("idempotency-replayed").is_none()).count();
        assert_eq!(effects, 1, "{path}");
    }
    assert_eq!(service.check().await.users, 2);
}

/// The loser of two at once looked for the record before the winner wrote it, and decides after:
/// whatever it would decide, it answers as the winner did.
#[tokio::test]
async fn i1_the_loser_replays_whatever_it_would_have_decided() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define_persona("employee", json!({})).await;
    let jan = crm.create_user("jan").await;
    let warm = crm.create_user("warm").await;
    crm.add_persona(&warm, json!({ "name": "employee" })).await;
    let tag = crm.tag_of(&jan.path).await;
    let calls = [
        crm.post(&jan.below("personas"), json!({ "name": "employee" })),
        crm.post("/config/persona-definitions", json!({ "name": "guest" })),
        crm.act(&warm.below("block")).if_match(&crm.tag_of(&warm.path).await),
        crm.post(
            USERS,
            json!({ "username": "piet", "id": "0192f3c1-0000-7000-8000-000000000001" }),
        ),
    ];
    assert_eq!(tag, jan.tag);
    for call in calls {
        let call = call.key("k");
        service.faults.reset();
        // The first look for the record is done, what comes after it waits.
        let gate = tests::Gate::closed();
        service.faults.at(1, tests::Fault::Held(gate.clone()));
        let loser = tokio::spawn(call.clone().into_future());
        gate.reached().await;
        let winner = call.await;
        gate.open();
        let loser = loser.await.unwrap();
        assert_eq!(loser.code(), winner.code(), "{}\n{}", winner.text(), loser.text());
        assert_eq!(loser.body, winner.body);
        assert_eq!(loser.header("idempotency-replayed"), Some("true"));
    }
    service.check().await;
}
