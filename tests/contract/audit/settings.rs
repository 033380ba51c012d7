//! The settings of the audit, and the reason of a request (rule AU-12).

use serde_json::json;
use tests::{Service, TENANT, person};

use super::{SETTINGS, USERS, complete, entries, tenant};
use crate::edge::logs;

#[tokio::test]
async fn au12_a_reason_is_kept_sealed_and_a_wrong_one_is_refused() {
    logs::keep();
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let patch = || crm.patch(&jan.path, json!({ "given_name": "Piet" })).if_match("*");
    for wrong in ["", " ", &"é".repeat(257), "a\tb", "a\u{80}b"] {
        let refused = patch().header("kith-reason", wrong).await.is(400);
        assert_eq!(refused.slug(), "malformed-request");
        assert!(refused.text().contains("Kith-Reason"), "{}", refused.text());
    }
    patch().header("kith-reason", "one").header("kith-reason", "two").await.is(400);
    let reason = format!("ticket 42: é {}", "x".repeat(242));
    patch().header("kith-reason", &reason).await.is(200);
    let entry = complete(&service, &jan.id).await.pop().unwrap();
    assert_eq!(entry.detail.reason, Some(reason));
    assert!(service.items().await.iter().all(|item| !item.contains("ticket 42")));
    assert!(logs::lines_with("ticket 42").is_empty());
}

#[tokio::test]
async fn au16_the_settings_are_read_by_many_and_changed_by_administrators() {
    let service = Service::start().await;
    let (crm, boss) = (service.crm().await, service.client(TENANT, "administrator").await);
    let there = crm.get(SETTINGS).await.is(200);
    assert_eq!(
        there.json(),
        json!({
            "level": "values", "retention_days": 400, "legal_hold": false, "search": true,
            "since": "2026-11-21T10:00:00.000Z"
        })
    );
    let change = json!({ "level": "names" });
    crm.patch(SETTINGS, change.clone()).if_match("*").await.is(403);
    boss.patch(SETTINGS, change.clone()).await.is(428);
    for (wrong, violation) in [
        (json!({ "level": "all" }), "/level not-in-enumeration"),
        (json!({ "retention_days": 0 }), "/retention_days wrong-format"),
        (json!({ "retention_days": 3651 }), "/retention_days wrong-format"),
        (json!({ "retention_days": 1.5 }), "/retention_days wrong-format"),
        (json!({ "retention_days": "7" }), "/retention_days wrong-type"),
        (json!({ "legal_hold": "yes" }), "/legal_hold wrong-type"),
        (json!({ "since": "2020-01-01T00:00:00.000Z" }), "/since immutable"),
        (json!({ "keep": true }), "/keep unknown"),
    ] {
        let refused = boss.patch(SETTINGS, wrong).if_match("*").await.is(422);
        assert_eq!(refused.violations(), [violation]);
    }
    let changed = boss.patch(SETTINGS, change).if_match(&there.tag()).await.is(200);
    assert_eq!(changed.json()["since"], there.json()["since"]);
    boss.patch(SETTINGS, json!({ "level": "off" })).if_match("*").await.is(200);
    let again = boss.put(SETTINGS, json!({})).if_match("*").await.is(200).json();
    assert_eq!(again["since"], "2026-11-21T10:01:00.000Z", "a function may still write by the old");
    boss.delete(SETTINGS).if_match("*").await.is(405);
}

#[tokio::test]
async fn au09_the_level_names_keeps_no_value() {
    let service = Service::start().await;
    service.set_audit(json!({ "level": "names" })).await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let entry = complete(&service, &jan.id).await.pop().unwrap();
    assert!(entry.pointers().contains(&"/given_name".to_owned()));
    assert!(entry.detail.values.is_empty());
}

#[tokio::test]
async fn au01_the_chain_goes_on_after_a_time_without_an_audit() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    service.set_audit(json!({ "level": "off" })).await;
    let crm = crm.on(&service.instance());
    let patch = async |name: &str| {
        crm.patch(&jan.path, json!({ "given_name": name })).if_match("*").await.is(200);
    };
    patch("Piet").await;
    assert_eq!(entries(&service, &jan.id).await.len(), 1);
    let head = |item: shared::store::Item| item.get_bytes("audit").map(<[u8]>::to_vec);
    let key = shared::store::Key::user(&tenant(), jan.id.parse().unwrap());
    let stored = service.table.get(&key).await.unwrap().unwrap();
    assert!(head(stored).is_some(), "the head is carried over");
    service.set_audit(json!({})).await;
    service.clock.advance(31);
    patch("Joris").await;
    let entries = entries(&service, &jan.id).await;
    let sequences: Vec<_> = entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, [1, 3]);
    assert_eq!(entries[1].entry.previous.as_ref().unwrap().sequence.0, 1);
}
