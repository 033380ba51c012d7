//! What somebody changes who can write the table, before and after an hour is exported (rules AU-15,
//! AU-21).

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::domain::Version;
use shared::domain::audit::{Chain, LedgerChain};
use shared::store::Key;
use shared::store::audit::AuditFault;
use shared::store::keys::Walk;
use tests::{TENANT, person};

use super::{Attributes, HOUR, Scene, digest_key, tenant};
use crate::edge::logs;

const USERS: &str = "/identity/users";
const C: Chain = Chain::Ledger(LedgerChain::Configuration);

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn entry_key(sequence: u64) -> Key {
    Key::audit_entry(&tenant(), C, Version(sequence))
}

/// The faults that the export has logged: `<chain> <sequence> <fault>`.
fn logged() -> Vec<String> {
    let lines = logs::own_lines_with("\"fault\":").into_iter();
    let own = lines.filter(|line| line["operation"] == "audit_export");
    own.map(|line| {
        let word = |name: &str| line[name].as_str().unwrap().to_owned();
        format!("{} {} {}", word("chain"), line["sequence"], word("fault"))
    })
    .collect()
}

/// How many faults the metric has counted.
fn counted() -> u64 {
    let lines = logs::own_lines_with("\"audit_faults\":").into_iter();
    let own = lines.filter(|line| line["operation"] == "audit_export");
    own.map(|line| line["audit_faults"].as_u64().unwrap()).sum()
}

/// An export whose ledger has so many entries of definitions.
async fn with_definitions(names: &[&str]) -> Scene {
    logs::keep();
    let scene = Scene::open().await;
    let crm = scene.service.crm().await;
    for name in names {
        crm.define(name, json!({})).await;
    }
    scene.next_hour().await;
    assert_eq!((scene.faults().await, counted()), (vec![], 0));
    scene
}

#[tokio::test]
async fn au21_an_exported_entry_that_was_taken_back_shows_though_the_ledger_goes_on() {
    let scene = with_definitions(&["one"]).await;
    let key = Key::ledger_head(&tenant(), LedgerChain::Configuration);
    let head = scene.item(&key).await;
    scene.service.crm().await.define("two", json!({})).await;
    scene.next_hour().await;
    // The head of the state before, whole: no key is needed for that.
    scene.put(head).await;
    scene.delete(&entry_key(2)).await;
    let crm = scene.service.crm().await;
    for name in ["three", "four"] {
        crm.define(name, json!({})).await;
    }
    let heads = scene.verify().await.heads;
    let lost = scene.service.table.lost_of_ledger(&tenant(), &heads).await.unwrap();
    assert_eq!(lost, [(C, Version(2), AuditFault::EntryChanged)]);
    scene.next_hour().await;
    assert!(logged().contains(&"C 2 entry-changed".to_owned()), "{:?}", logged());
    assert!(counted() > 0);
    // The digests of that time keep it, so it shows for good.
    scene.next_hour().await;
    let mut report = scene.verify().await;
    let lost = scene.service.table.lost_of_ledger(&tenant(), &report.heads).await.unwrap();
    report.lost(&tenant(), &lost);
    assert_eq!(report.faults[0].key, format!("{TENANT}/C/2"));
}

#[tokio::test]
async fn au21_an_exported_entry_may_be_gone_once_its_time_is_over() {
    let scene = Scene::open().await;
    scene.service.set_audit(json!({ "retention_days": 1 })).await;
    scene.service.clock.advance(61);
    scene.service.crm().await.define("one", json!({})).await;
    scene.next_hour().await;
    let heads = scene.verify().await.heads;
    scene.delete(&entry_key(1)).await;
    let lost = scene.service.table.lost_of_ledger(&tenant(), &heads).await.unwrap();
    assert_eq!(lost, [(C, Version(1), AuditFault::EntryMissing)]);
    scene.service.clock.advance(25 * HOUR);
    assert_eq!(scene.service.table.lost_of_ledger(&tenant(), &heads).await.unwrap(), []);
}

#[tokio::test]
async fn au15_entries_that_the_service_did_not_write_are_not_exported() {
    let scene = with_definitions(&["one"]).await;
    let crm = scene.service.crm().await;
    crm.define("two", json!({})).await;
    crm.define("three", json!({})).await;
    let jan = crm.create(USERS, person("jan")).await;
    let of_jan = |sequence| {
        Key::audit_entry(&tenant(), Chain::User(jan.id.parse().unwrap()), Version(sequence))
    };
    let at = |mut item: Attributes, key: &Key| {
        item.insert("pk".to_owned(), text(key.pk()));
        item.insert("sk".to_owned(), text(key.sk()));
        item
    };
    // An entry of a user that there never was, in the place of the index.
    let mut planted = at(scene.item(&of_jan(1)).await, &of_jan(99));
    let sort = planted["gsi1sk"].as_s().unwrap().replace("0000000001", "0000000099");
    planted.insert("gsi1sk".to_owned(), text(&sort));
    scene.put(planted).await;
    // An entry of the ledger far above its head, and one that is no longer what it was.
    scene.put(at(scene.item(&entry_key(1)).await, &entry_key(9_999_999_999))).await;
    let mut changed = scene.item(&entry_key(2)).await;
    let doc = changed["doc"].as_s().unwrap().replace("config.create", "config.delete");
    changed.insert("doc".to_owned(), text(&doc));
    scene.put(changed).await;
    scene.next_hour().await;
    let digest = scene.digest("2026-11-21T11");
    assert_eq!(digest["unreadable"], 2);
    assert_eq!(scene.operations(&jan.id), ["user.create 1"]);
    let head = |digest: &Value| {
        let heads = digest["heads"].as_array().unwrap();
        heads.iter().find(|head| head["chain"] == "C").unwrap()["sequence"].clone()
    };
    assert_eq!(head(&digest), 3);
    let mut due = vec!["C 2 entry-changed".to_owned(), format!("{} 99 entry-changed", jan.id)];
    due.sort();
    let mut found = logged();
    found.sort();
    assert_eq!((found, counted()), (due, 2));
    // An auditor who has the bucket alone sees that something was left out.
    let named = format!("{}: 2 entries could not be read", digest_key("2026-11-21T11"));
    assert!(scene.faults().await[0].starts_with(&named), "{:?}", scene.faults().await);
    // The chain goes on.
    scene.service.crm().await.define("four", json!({})).await;
    scene.next_hour().await;
    assert_eq!(head(&scene.digest("2026-11-21T12")), 4);
}

#[tokio::test]
async fn au15_an_entry_of_another_tenant_is_not_exported_as_one_of_this() {
    let scene = with_definitions(&["one"]).await;
    scene.service.create_tenant("globex").await;
    let other = scene.service.client("globex", "users:write").await;
    let els = other.create(USERS, person("els")).await;
    let chain = Chain::User(els.id.parse().unwrap());
    let key = Key::audit_entry(&"globex".parse().unwrap(), chain, Version(1));
    let mut item = scene.item(&key).await;
    let shard = item["gsi1pk"].as_s().unwrap().replace("globex", TENANT);
    item.insert("gsi1pk".to_owned(), text(&shard));
    scene.put(item).await;
    scene.service.clock.advance(HOUR);
    scene.sweep().await;
    assert!(scene.operations(&els.id).is_empty());
    assert!(logged().contains(&format!("{} 1 entry-added", els.id)), "{:?}", logged());
}

#[tokio::test]
async fn au21_a_head_that_the_service_did_not_write_ends_no_hour() {
    let scene = with_definitions(&["one"]).await;
    let key = Key::ledger_head(&tenant(), LedgerChain::Configuration);
    let mut head = scene.item(&key).await;
    let mut bytes = head["audit"].as_b().unwrap().clone().into_inner();
    // The sequence, which the code covers.
    bytes[7] = 200;
    head.insert("audit".to_owned(), AttributeValue::B(Blob::new(bytes)));
    scene.put(head).await;
    scene.next_hour().await;
    assert_eq!(logged(), ["C 200 head-changed"]);
}

#[tokio::test]
async fn au15_a_progress_that_was_changed_is_a_fault_and_the_export_begins_anew() {
    let scene = with_definitions(&["one", "two"]).await;
    let table = &scene.service.table;
    assert!(table.last_digest(&tenant()).await.unwrap().is_some());
    let key = Key::progress(&tenant(), Walk::Export);
    let mut item = scene.item(&key).await;
    // The last digest is forgotten, and the entries after this one would be left out.
    let mut kept: Value = serde_json::from_str(item["doc"].as_s().unwrap()).unwrap();
    let mut state: Value = serde_json::from_str(kept["state"].as_str().unwrap()).unwrap();
    state["previous"] = Value::Null;
    state["at"]["ledger"]["C"]["sequence"] = json!(9);
    kept["state"] = json!(state.to_string());
    item.insert("doc".to_owned(), text(&kept.to_string()));
    scene.put(item).await;
    let error = table.last_digest(&tenant()).await.unwrap_err().to_string();
    assert!(error.contains("has not written the progress"), "{error}");
    scene.service.crm().await.define("three", json!({})).await;
    scene.service.clock.advance(HOUR);
    scene.sweep().await;
    assert_eq!(counted(), 1);
    let lines = scene.lines();
    let uids: Vec<_> = lines.iter().map(|line| line["metadata"]["uid"].as_str().unwrap()).collect();
    assert!(uids.contains(&"C/3"), "{uids:?}");
    // The digests say that the export was interrupted.
    assert!(!scene.faults().await.is_empty());
    assert!(table.last_digest(&tenant()).await.unwrap().is_some());
}

#[tokio::test]
async fn au15_a_public_key_that_was_replaced_is_refused() {
    let scene = with_definitions(&["one"]).await;
    let key = Key::digest_key();
    let own = scene.item(&key).await;
    let other = Scene::open().await;
    let mut planted = own.clone();
    planted.insert("public".to_owned(), other.item(&key).await["public"].clone());
    scene.put(planted).await;
    // Another process, which has not loaded the key yet.
    let process = scene.service.snapshot().start();
    let error = process.table.digest_key().await.unwrap_err().to_string();
    assert!(error.contains("not that of the private key"), "{error}");
    scene.put(own).await;
    scene.service.snapshot().start().table.digest_key().await.unwrap();
}

#[test]
fn au15_the_key_of_digests_stands_apart_from_that_of_the_audit() {
    // Rights of DynamoDB are those of partitions.
    assert_ne!(Key::digest_key().pk(), Key::audit_key().pk());
}

#[tokio::test]
async fn au15_an_archive_that_does_not_answer_is_asked_once_and_its_age_is_not_told() {
    logs::keep();
    let scene = Scene::open().await;
    for name in ["globex", "initech", "hooli"] {
        scene.service.create_tenant(name).await;
    }
    let ages = || logs::own_lines_with("\"oldest_export_seconds\":").len();
    let told = ages();
    scene.service.clock.advance(HOUR);
    // Nothing can be stored: a file is in the place of the folder.
    let aside = scene.folder.with_extension("aside");
    std::fs::rename(&scene.folder, &aside).unwrap();
    std::fs::write(&scene.folder, "").unwrap();
    scene.service.faults.reset();
    scene.try_sweep().await.unwrap_err();
    let reads = scene.service.faults.seen();
    let begun = reads
        .iter()
        .filter(|call| call.operation == "GetItem" && call.body["Key"]["sk"]["S"] == "EXPORT");
    assert_eq!(begun.count(), 1);
    assert_eq!(ages(), told, "silence rings");
    std::fs::remove_file(&scene.folder).unwrap();
    std::fs::rename(&aside, &scene.folder).unwrap();
    scene.sweep().await;
    assert_eq!(ages(), told + 1);
}
