//! How the audit of a person ends (rules AU-08, AU-19).

use serde_json::json;
use shared::domain::audit::{Chain, LedgerChain};
use shared::store::Key;
use shared::store::audit::Head;
use tests::{Fault, Service, TENANT, person};

use super::{SETTINGS, USERS, entries, ledger, tenant};

#[tokio::test]
async fn au08_after_a_forget_no_entry_is_left_and_the_tombstone_keeps_the_head() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    crm.patch(&jan.path, json!({ "given_name": "Piet" })).if_match("*").await.is(200);
    let user = jan.id.parse().unwrap();
    let key = Key::user(&tenant(), user);
    let head = service.table.get(&key).await.unwrap().unwrap().get_bytes("audit").unwrap().to_vec();
    crm.delete(&jan.path).header("kith-reason", "asked for it").await.is(204);

    assert!(entries(&service, &jan.id).await.is_empty());
    let tombstone = service.table.get(&key).await.unwrap().unwrap();
    assert_eq!(tombstone.get_bytes("audit"), Some(&*head));
    let parsed = Head::parse(&head).unwrap();
    let audit = service.table.audit_key().await.unwrap();
    assert_eq!(parsed.sequence.0, 2);
    assert!(parsed.is_authentic(audit, &tenant(), Chain::User(user)));
    assert!(!parsed.is_authentic(audit, &tenant(), Chain::Ledger(LedgerChain::Configuration)));
    for word in ["jan@example.org", "Janssen", "Piet", "asked for it"] {
        assert!(service.traces(&[word.to_owned()]).await.is_empty(), "{word}");
    }
}

#[tokio::test]
async fn au19_a_forget_is_in_the_ledger_once_and_without_personal_data() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let chain = LedgerChain::of_forget(jan.id.parse().unwrap());
    crm.delete(&jan.path).if_match("\"old\"").await.is(412);
    assert!(ledger(&service, chain).await.is_empty());
    service.faults.next("TransactWriteItems", Fault::Lost);
    crm.delete(&jan.path).header("kith-reason", "asked for it").await.is(204);
    crm.delete(&jan.path).await.is(404);
    service.sweep().await;

    let told = ledger(&service, chain).await;
    assert_eq!(told.len(), 1);
    let entry = &told[0];
    assert_eq!(entry.operation(), "user.forget");
    assert_eq!(entry.entry.target.as_deref(), Some(jan.id.as_str()));
    assert_eq!(entry.entry.actor.id.as_deref(), Some(crm.id.as_str()));
    assert_eq!(entry.detail.reason.as_deref(), Some("asked for it"));
    let facts = entry.entry.facts.clone().unwrap();
    assert_eq!(facts["version"], 1);
    assert!(facts["head"].as_str().unwrap().len() > 100);
    // It never ends.
    service.clock.advance(3650 * 24 * 3600);
    assert_eq!(ledger(&service, chain).await.len(), 1);
}

#[tokio::test]
async fn au19_under_legal_hold_nobody_is_forgotten() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let boss = service.client(TENANT, "administrator").await;
    let jan = crm.create(USERS, person("jan")).await;
    boss.patch(SETTINGS, json!({ "legal_hold": true })).if_match("*").await.is(200);
    let me = crm.local_person(&jan.id, "userdata").await;
    for refused in [crm.delete(&jan.path).await.is(409), me.delete("/identity/me").await.is(409)] {
        assert_eq!(refused.slug(), "legal-hold");
        assert!(refused.text().contains("PATCH /identity/config/audit"), "{}", refused.text());
    }
    let name = shared::domain::id::UserName::User(jan.id.parse().unwrap());
    let by_operator = maintenance::forget::forget(&service.table, &tenant(), &name).await;
    assert!(by_operator.unwrap_err().to_string().contains("legal hold"));
    crm.get(&jan.path).await.is(200);
    boss.patch(SETTINGS, json!({ "legal_hold": false })).if_match("*").await.is(200);
    crm.delete(&jan.path).await.is(204);
}

#[tokio::test]
async fn au08_the_most_look_ups_that_a_user_owns_leave_room_for_the_ledger() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for i in 0..36 {
        crm.define(&format!("b{i}"), json!({ "unique": true })).await;
    }
    let values: serde_json::Value =
        (0..36).map(|i| (format!("b{i}"), json!([format!("v{i}")]))).collect();
    let mut body = person("jan");
    body["attributes"] = json!({ "common": values });
    let jan = crm.create(USERS, body).await;
    let other: serde_json::Value =
        (0..36).map(|i| (format!("b{i}"), json!([format!("w{i}")]))).collect();
    let patch = json!({ "attributes": { "common": other } });
    crm.patch(&jan.path, patch).if_match("*").await.is(200);
    crm.delete(&jan.path).await.is(204);
    service.check().await;
}
