//! What the audit costs, and how large an entry may be (rules AU-13, AU-18).

use serde_json::{Value, json};
use shared::domain::audit::is_digest;
use tests::{Service, TENANT, person};

use super::{USERS, complete};

#[tokio::test]
async fn au13_a_plain_change_costs_one_read_and_at_most_seven_writes() {
    let costs = async |level: &str, search: bool| {
        let service = Service::start().await;
        service.set_audit(json!({ "level": level, "search": search })).await;
        let crm = service.crm().await;
        let jan = crm.create(USERS, person("jan")).await;
        let patch = json!({ "ui_locales": "nl" });
        let (read, write, index) = crm.patch(&jan.path, patch).if_match("*").await.is(200).cost();
        (read, write, index)
    };
    assert_eq!(costs("off", true).await, (1.0, 1.0, 2.0), "as without an audit");
    for level in ["names", "values"] {
        for (search, index) in [(false, 2.0), (true, 3.0)] {
            let (read, write, indexed) = costs(level, search).await;
            assert_eq!((read, indexed), (1.0, index), "{level}");
            assert!(write + indexed <= 7.0, "{level}: {write} + {indexed}");
        }
    }
}

#[tokio::test]
async fn au13_nothing_changes_and_nothing_is_written() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let same = crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    assert_eq!(same.cost(), (1.0, 0.0, 0.0));
}

#[tokio::test]
async fn au18_many_values_are_kept_in_full_up_to_64_kb_and_as_digests_beyond() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for i in 0..200 {
        crm.define(&format!("a{i}"), json!({})).await;
    }
    let values = |length: usize| -> Value {
        (0..200).map(|i| (format!("a{i}"), json!(["x".repeat(length)]))).collect()
    };
    let body = |name: &str, length: usize| {
        let common = values(length);
        json!({ "username": name, "attributes": { "common": common } })
    };
    let small = crm.create(USERS, body("small", 300)).await;
    let entry = complete(&service, &small.id).await.pop().unwrap();
    assert_eq!(
        entry.detail.values.iter().filter(|v| v.to.as_ref().is_some_and(is_digest)).count(),
        0
    );
    let is_digested =
        |value: &&shared::domain::audit::ChangedValue| value.to.as_ref().is_some_and(is_digest);
    // Each longer than 1 KB is a digest.
    let five: Vec<_> = (0..5).map(|i| format!("{i}{}", "y".repeat(16_000))).collect();
    let long = json!({ "a0": ["x".repeat(16_000)], "a1": five, "a2": ["z"] });
    let one = json!({ "username": "one", "attributes": { "common": long } });
    let one = crm.create(USERS, one).await;
    let entry = complete(&service, &one.id).await.pop().unwrap();
    assert_eq!(entry.detail.values.iter().filter(is_digested).count(), 2);
    // The most that a profile holds, changed as a whole: the write does not fail.
    let large = crm.create(USERS, body("large", 960)).await;
    let boss = service.client(TENANT, "administrator").await;
    let patch = json!({ "attributes": { "common":
        (0..200).map(|i| (format!("a{i}"), json!(["y".repeat(960)]))).collect::<Value>()
    } });
    boss.patch(&large.path, patch).if_match("*").await.is(200);
    let entries = complete(&service, &large.id).await;
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].entry.changes.len(), 200);
    service.check().await;
}

#[tokio::test]
async fn au13_the_costs_of_a_tenant_with_an_audit() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let boss = service.client(TENANT, "administrator").await;
    crm.define("note", json!({})).await;
    let note = |value: &str| json!({ "attributes": { "common": { "note": [value] } } });
    let warm = crm.create(USERS, person("warm")).await;
    crm.patch(&warm.path, note("x")).if_match("*").await.is(200);
    let total = |(read, write, index): (f64, f64, f64)| (read, write + index);

    let made = crm.post(USERS, person("jan")).await.is(201);
    let path = format!("{USERS}/{}", made.field("id"));
    let patch = |change: Value| crm.patch(&path, change).if_match("*");
    let plain = patch(note("y")).await.is(200);
    let indexed = patch(json!({ "family_name": "Kok" })).await.is(200);
    let nothing = patch(json!({})).await.is(200);
    let gone = crm.delete(&path).await.is(204);
    let client = |name: &str| json!({ "name": name, "scopes": ["users:read"] });
    let heads = async || {
        let items = service.items().await;
        items.iter().filter(|item| item.contains("HEAD#C")).count()
    };
    let before = heads().await;
    let registered = boss.post("/config/clients", client("till")).await.is(201);
    let begun = heads().await == before;
    let renamed = boss.patch(
        &format!("/config/clients/{}", registered.field("client_id")),
        json!({ "name": "shop" }),
    );
    let renamed = renamed.if_match("*").await.is(200);
    let costs = [&made, &plain, &indexed, &nothing, &gone, &registered, &renamed];
    let costs = costs.map(|answer| total(answer.cost()));
    // The first entry of a chain of the ledger reads a unit more. Clients have 16 chains, by their
    // ids.
    let first = if begun { 3.0 } else { 4.0 };
    assert_eq!(
        costs,
        [(0.0, 14.0), (1.0, 7.0), (1.0, 11.0), (1.0, 0.0), (7.0, 30.0), (first, 8.0), (3.0, 6.0)]
    );
}
