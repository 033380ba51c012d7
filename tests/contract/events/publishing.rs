//! The events that writes of users publish.

use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tests::{Fault, Service, TENANT, person};

use super::{Told, hand, record, record_of, said};

const NOTHING: [String; 0] = [];

#[tokio::test]
async fn d2_a_user_is_created_updated_and_deleted_at_its_versions() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let told = Told::default();
    let jan = crm.create("/identity/users", person("jan")).await;
    assert_eq!(hand(&service, &[record(1, "INSERT", &jan.id)], &told).await, NOTHING);
    assert_eq!(told.take(), [said("user.created", &jan.id, 1)]);

    crm.patch(&jan.path, json!({ "given_name": "Johan" })).if_match("*").await.is(200);
    assert_eq!(hand(&service, &[record(2, "MODIFY", &jan.id)], &told).await, NOTHING);
    assert_eq!(told.take(), [said("user.updated", &jan.id, service.version_of(&jan.id).await)]);

    // The tombstone is written twice, the second time to file it: both say the version at which the
    // person was forgotten.
    crm.delete(&jan.path).await.is(204);
    for sequence in [3, 4] {
        assert_eq!(hand(&service, &[record(sequence, "MODIFY", &jan.id)], &told).await, NOTHING);
        assert_eq!(told.take(), [said("user.deleted", &jan.id, 3)]);
    }
}

#[tokio::test]
async fn d2_an_erasure_that_was_interrupted_is_told_of_at_the_same_version() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let told = Told::default();
    let jan = crm.create("/identity/users", person("jan")).await;
    service.faults.reset();
    let partition = format!("#U#{}", jan.id);
    let gate = service.faults.hold_naming("Query", &partition);
    let (path, crm) = (jan.path.clone(), crm.clone());
    let erasure = tokio::spawn(async move { crm.delete(&path).await });
    gate.reached().await;
    // The person is forgotten, and what the person owned is not yet looked for.
    assert_eq!(hand(&service, &[record(2, "MODIFY", &jan.id)], &told).await, NOTHING);
    assert_eq!(told.take(), [said("user.deleted", &jan.id, 2)]);
    service.faults.mend(&partition);
    gate.open();
    erasure.await.unwrap().is(204);
    assert_eq!(hand(&service, &[record(3, "MODIFY", &jan.id)], &told).await, NOTHING);
    assert_eq!(told.take(), [said("user.deleted", &jan.id, 2)]);
}

#[tokio::test]
async fn d2_a_batch_tells_once_of_each_user_in_the_order_of_the_last_writes() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let told = Told::default();
    let jan = crm.create_user("jan").await;
    let els = crm.create_user("els").await;
    crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    let gone = crm.create_user("gone").await;
    crm.delete(&gone.path).await.is(204);
    let records = [
        record(1, "INSERT", &jan.id),
        record(2, "INSERT", &els.id),
        record(3, "MODIFY", &jan.id),
        record(4, "INSERT", &gone.id),
        record(5, "MODIFY", &gone.id),
        record(6, "MODIFY", &gone.id),
    ];
    assert_eq!(hand(&service, &records, &told).await, NOTHING);
    let expected = [
        said("user.created", &els.id, 1),
        said("user.created", &jan.id, 2),
        said("user.deleted", &gone.id, 2),
    ];
    assert_eq!(told.take(), expected);
}

#[tokio::test]
async fn i3_what_a_sink_refuses_is_repeated_from_the_first_and_in_order() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let told = Told::default();
    let (mut users, mut records) = (Vec::new(), Vec::new());
    for (sequence, name) in (10..).zip(["ann", "bob", "cor", "dirk"]) {
        let user = crm.create_user(name).await;
        records.push(record(sequence, "INSERT", &user.id));
        users.push(user);
    }
    // Bob's record stands between others, and comes again at the end.
    crm.patch(&users[1].path, json!({ "given_name": "Bob" })).if_match("*").await.is(200);
    records.push(record(14, "MODIFY", &users[1].id));
    told.refuse(&[&users[1].id, &users[2].id]);
    // From Bob's first record on, or it would not be known any more that he was created.
    assert_eq!(hand(&service, &records, &told).await, ["11"]);
    let others = [said("user.created", &users[0].id, 1), said("user.created", &users[3].id, 1)];
    assert_eq!(told.take(), others);

    // Meanwhile Bob is written again; Lambda repeats from the sequence number on.
    crm.patch(&users[1].path, json!({ "given_name": "Robert" })).if_match("*").await.is(200);
    told.refuse(&[]);
    assert_eq!(hand(&service, &records[1..], &told).await, NOTHING);
    let repeated = [
        said("user.created", &users[2].id, 1),
        said("user.created", &users[3].id, 1),
        said("user.created", &users[1].id, 3),
    ];
    assert_eq!(told.take(), repeated);
    assert_eq!(hand(&service, &[record(15, "MODIFY", &users[1].id)], &told).await, NOTHING);
    assert_eq!(told.take(), [said("user.updated", &users[1].id, 3)]);
}

#[tokio::test]
async fn i3_a_table_that_cannot_be_read_loses_nothing() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let told = Told::default();
    let jan = crm.create_user("jan").await;
    let records = [record(7, "REMOVE", "unknown"), record(8, "INSERT", &jan.id)];
    service.faults.reset();
    service.faults.from(0, Fault::ServerError);
    tokio::time::pause();
    assert_eq!(hand(&service, &records, &told).await, ["8"]);
    tokio::time::resume();
    service.faults.reset();
    assert_eq!(told.take(), NOTHING);
    assert_eq!(hand(&service, &records, &told).await, NOTHING);
    assert_eq!(told.take(), [said("user.created", &jan.id, 1)]);
}

#[tokio::test]
async fn i3_a_user_that_does_not_read_keeps_nobody_back() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let told = Told::default();
    let (ann, bob, cor) =
        (crm.create_user("ann").await, crm.create_user("bob").await, crm.create_user("cor").await);
    let damage = service.table.client().update_item().table_name(service.table.name());
    let key = |text: String| AttributeValue::S(text);
    let damage = damage
        .key("pk", key(format!("T#{TENANT}#U#{}", bob.id)))
        .key("sk", key("PROFILE".to_owned()));
    damage
        .update_expression("REMOVE #v")
        .expression_attribute_names("#v", "version")
        .send()
        .await
        .unwrap();

    let records = [
        record(1, "INSERT", &ann.id),
        record(2, "INSERT", &bob.id),
        record_of(3, "INSERT", "T#acme#U#not-an-id", "PROFILE"),
        record(4, "INSERT", &cor.id),
    ];
    assert_eq!(hand(&service, &records, &told).await, ["2"]);
    assert_eq!(told.take(), [said("user.created", &ann.id, 1), said("user.created", &cor.id, 1)]);
    // Alone, after the batch was split.
    assert_eq!(hand(&service, &records[2..3], &told).await, ["3"]);
    assert_eq!(told.take(), NOTHING);
    // A record that has no key, and one that says nothing at all.
    let strange = [json!({ "eventName": "INSERT" }), json!({})];
    assert_eq!(hand(&service, &strange, &told).await, NOTHING);
}

#[tokio::test]
async fn d8_what_is_removed_or_past_its_time_or_no_user_is_nobodys_affair() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let told = Told::default();
    let jan = crm.create("/identity/users", person("jan")).await;
    let pk = format!("T#{TENANT}#U#{}", jan.id);
    let others = [
        record(1, "REMOVE", &jan.id),
        record_of(2, "INSERT", &pk, "SYS#shop"),
        record_of(3, "MODIFY", &pk, "B#idp"),
        record_of(4, "INSERT", &format!("T#{TENANT}#D"), "EPOCH"),
    ];
    assert_eq!(hand(&service, &others, &told).await, NOTHING);
    assert_eq!(told.take(), NOTHING);
    crm.delete(&jan.path).await.is(204);
    service.clock.advance(91 * 24 * 3600);
    assert_eq!(hand(&service, &[record(5, "MODIFY", &jan.id)], &told).await, NOTHING);
    assert_eq!(told.take(), NOTHING);
}

#[tokio::test]
async fn a2_d7_nothing_of_the_person_is_read_to_tell_of_one() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create("/identity/users", person("jan")).await;
    service.faults.reset();
    hand(&service, &[record(1, "INSERT", &jan.id)], &Told::default()).await;
    let seen = service.faults.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let asked = &seen[0].body["RequestItems"][service.table.name()];
    assert_eq!(asked["ConsistentRead"], true);
    let mut names: Vec<_> = asked["ExpressionAttributeNames"]
        .as_object()
        .unwrap()
        .values()
        .map(|name| name.as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["deleted_at", "expires_at", "gsi1pk", "pk", "sk", "version"]);
    assert_eq!(asked["ProjectionExpression"].as_str().unwrap().split(',').count(), names.len());
}

#[tokio::test]
async fn d2_the_samples_tell_what_their_names_say() {
    const USER: &str = "0192f3c1-5a00-7000-8000-000000000001";
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.create("/identity/users", json!({ "username": "jan", "id": USER })).await;
    let told = Told::default();
    for (name, kind) in [
        ("created", Some("user.created")),
        ("updated", Some("user.updated")),
        ("batch", Some("user.created")),
        ("removed", None),
    ] {
        let sample =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../events/stream/{name}.json"));
        let sample: Value =
            serde_json::from_str(&std::fs::read_to_string(sample).unwrap()).unwrap();
        assert_eq!(
            hand(&service, sample["Records"].as_array().unwrap(), &told).await,
            NOTHING,
            "{name}"
        );
        let expected: Vec<_> = kind.map(|kind| said(kind, USER, 1)).into_iter().collect();
        assert_eq!(told.take(), expected, "{name}");
    }
}
