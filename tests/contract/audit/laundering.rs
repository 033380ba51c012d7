//! A later write hides nothing of what was changed in the table before it (rules AU-04, AU-07).

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::domain::audit::{Chain, LedgerChain};
use shared::store::Key;
use shared::store::audit::AuditFault;
use tests::TENANT;

use super::verifying::{Attributes, Scene};
use super::{ledger, tenant};

async fn user_of(scene: &Scene) -> Attributes {
    scene.service.table.get(&scene.user()).await.unwrap().unwrap().into_attributes()
}

fn bytes(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

#[tokio::test]
async fn au07_the_next_write_does_not_hide_a_cut_tail() {
    let scene = Scene::open().await;
    let items = scene.entries().await;
    for item in &items[3..] {
        scene.delete(&item.key()).await;
    }
    // All but the code of the head stands in the clear in the entry that was removed.
    let mut head = [3_u64.to_be_bytes(), 5_u64.to_be_bytes()].concat();
    head.extend(items[2].ends().unwrap().millis().to_be_bytes());
    head.extend(items[2].get_bytes("mac").unwrap());
    head.extend([0; 32]);
    let mut user = user_of(&scene).await;
    user.insert("audit".to_owned(), bytes(head));
    scene.put(user).await;
    for name in ["E", "F"] {
        scene.change(name).await;
        scene.finds(6, AuditFault::Restarted, "a tail was cut").await;
    }
}

#[tokio::test]
async fn au07_the_next_write_does_not_hide_that_everything_was_removed() {
    let scene = Scene::open().await;
    for item in scene.entries().await {
        scene.delete(&item.key()).await;
    }
    let mut user = user_of(&scene).await;
    user.remove("audit");
    scene.put(user).await;
    scene.change("E").await;
    scene.finds(6, AuditFault::Restarted, "everything was removed").await;
    assert_eq!(scene.verify().await.entries, 1);
}

#[tokio::test]
async fn au07_the_next_write_does_not_hide_an_earlier_head() {
    let scene = Scene::open().await;
    let earlier = user_of(&scene).await["audit"].clone();
    scene.change("E").await;
    let newest = scene.entries().await.pop().unwrap();
    scene.delete(&newest.key()).await;
    let mut user = user_of(&scene).await;
    user.insert("audit".to_owned(), earlier);
    scene.put(user).await;
    scene.change("F").await;
    scene.finds(7, AuditFault::Restarted, "an earlier head was put back").await;
}

#[tokio::test]
async fn au07_an_end_that_no_code_covers_is_not_taken_over() {
    let scene = Scene::open().await;
    let newest = scene.entries().await.pop().unwrap();
    let mut ended = newest.clone().into_attributes();
    ended.insert("expires_at".to_owned(), AttributeValue::N("1".to_owned()));
    scene.put(ended).await;
    let mut user = user_of(&scene).await;
    user.remove("audit");
    scene.put(user).await;
    scene.change("E").await;
    // The entry counts as missing: by its code it has not ended.
    scene.finds(5, AuditFault::EntryMissing, "an end was put into the past").await;
}

#[tokio::test]
async fn au07_a_write_of_a_child_is_not_hidden_by_the_head_before_it() {
    let scene = Scene::open().await;
    let server = json!({ "id": "corp", "name": "corp", "subject_type": "predefined" });
    scene.crm.create("/api/v1/sso/authentication-servers", server).await;
    let before = user_of(&scene).await["audit"].clone();
    scene.crm.act(&scene.jan.below("principals/corp/unlink")).await.is(200);
    assert_eq!(scene.verify().await.faults.len(), 0);
    let newest = scene.entries().await.pop().unwrap();
    scene.delete(&newest.key()).await;
    let mut user = user_of(&scene).await;
    user.insert("audit".to_owned(), before);
    scene.put(user).await;
    scene.finds(6, AuditFault::HeadChanged, "an earlier head was put back").await;
}

#[tokio::test]
async fn au07_when_the_audit_was_on_is_not_taken_from_the_settings() {
    let scene = Scene::open().await;
    let key =
        Key::definition(&tenant(), shared::domain::definition::DefinitionKind::Audit, "audit");
    let settings = scene.service.table.get(&key).await.unwrap().unwrap().into_attributes();
    let mut doc: Value = serde_json::from_str(settings["doc"].as_s().unwrap()).unwrap();
    for changed in [json!({ "since": null }), json!({ "level": "off", "since": null })] {
        for (name, value) in changed.as_object().unwrap() {
            doc[name] = value.clone();
        }
        let mut forged = settings.clone();
        forged.insert("doc".to_owned(), AttributeValue::S(doc.to_string()));
        scene.put(forged).await;
        let user = user_of(&scene).await;
        let mut stripped = user.clone();
        stripped.remove("audit");
        scene.put(stripped).await;
        scene.finds(5, AuditFault::HeadMissing, "stripped").await;
        scene.put(user).await;
    }
}

#[tokio::test]
async fn au07_an_entry_that_leaves_the_index_is_found() {
    let scene = Scene::open().await;
    let item = scene.entries().await.remove(2);
    let mut hidden = item.into_attributes();
    hidden.remove("gsi1pk");
    hidden.remove("gsi1sk");
    scene.put(hidden).await;
    scene.finds(3, AuditFault::EntryChanged, "it is not listed").await;
}

#[tokio::test]
async fn au07_a_ledger_whose_head_is_lost_goes_on_above_its_entries() {
    let scene = Scene::open().await;
    scene.crm.define("a", json!({})).await;
    scene.crm.define("b", json!({})).await;
    let chain = LedgerChain::Configuration;
    let before = ledger(&scene.service, chain).await.len();
    assert!(before >= 2);
    scene.delete(&Key::ledger_head(&tenant(), chain)).await;
    scene.crm.define("c", json!({})).await;
    let after = ledger(&scene.service, chain).await;
    assert_eq!(after.len(), before + 1, "nothing was overwritten");
    let report = scene.verify_all().await;
    let due = (Chain::Ledger(chain), after[before].sequence, AuditFault::Restarted);
    let found: Vec<_> = report.faults.iter().map(|(at, n, fault)| (*at, n.0, *fault)).collect();
    assert_eq!(found, [due]);
}

#[tokio::test]
async fn au04_what_an_older_function_wrote_is_not_taken_for_nothing() {
    let scene = Scene::open().await;
    // It leaves no entry, and drops what it does not know.
    let mut user = user_of(&scene).await;
    user.remove("audit");
    user.insert("version".to_owned(), AttributeValue::N("6".to_owned()));
    scene.put(user).await;
    let values = scene.service.client(TENANT, "audit:values").await;
    let at = |version: u64| values.get(&format!("{}?version={version}", scene.jan.below("at")));
    at(6).await.is(200);
    at(5).await.is(409);
    scene.change("E").await;
    assert_eq!(at(7).await.is(200).json()["given_name"], "E");
    assert_eq!(at(6).await.is(200).json()["given_name"], "D");
    assert_eq!(at(5).await.is(409).slug(), "conflict");
}

#[tokio::test]
async fn au04_with_a_cut_tail_there_is_no_answer_instead_of_a_wrong_one() {
    let scene = Scene::open().await;
    let values = scene.service.client(TENANT, "audit:values").await;
    let at = |version: u64| values.get(&format!("{}?version={version}", scene.jan.below("at")));
    at(2).await.is(200);
    let newest = scene.entries().await.pop().unwrap();
    scene.delete(&newest.key()).await;
    let refused = at(2).await.is(409);
    assert!(refused.text().contains("kith audit verify"), "{}", refused.text());
}
