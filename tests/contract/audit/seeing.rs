//! What readers of the audit see of the configuration, of what is hidden now, and while the audit is
//! off (rules AU-04, AU-06, AU-09, AU-16 and AU-17).

use serde_json::{Value, json};
use shared::domain::audit::LedgerChain;
use shared::domain::author::{Author, Reason};
use shared::domain::definition::{AttributeDefinition, DefinitionKind};
use shared::store::Key;
use shared::store::definitions::DefinitionEdit;
use tests::{Service, TENANT, person};

use super::{SETTINGS, USERS, ledger, reads, tenant};

fn changes_of(list: &Value) -> Vec<Value> {
    let items = list["items"].as_array().unwrap().iter();
    items.flat_map(|item| item["changes"].as_array().unwrap().clone()).collect()
}

#[tokio::test]
async fn au17_who_reads_values_while_the_audit_is_off_is_told() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let boss = service.client(TENANT, "administrator").await;
    boss.patch(SETTINGS, json!({ "level": "off" })).if_match("*").await.is(200);
    service.clock.advance(31);
    boss.get(&jan.below("audit")).await.is(200);
    assert_eq!(reads(&service).await.len(), 1);
    // And what changes of the audit itself.
    let before = ledger(&service, LedgerChain::Settings).await.len();
    boss.patch(SETTINGS, json!({ "legal_hold": true })).if_match("*").await.is(200);
    let told = ledger(&service, LedgerChain::Settings).await;
    assert_eq!(told.len(), before + 1);
    assert_eq!(told[before].entry.facts.as_ref().unwrap()["legal_hold"], true);
    crm.define("note", json!({})).await;
    assert!(ledger(&service, LedgerChain::Configuration).await.is_empty());
}

#[tokio::test]
async fn au07_a_save_of_the_settings_as_they_are_begins_anew() {
    let service = Service::start().await;
    let boss = service.client(TENANT, "administrator").await;
    let since = async || boss.read(SETTINGS).await["since"].as_str().unwrap().to_owned();
    let first = since().await;
    service.clock.advance(60);
    boss.patch(SETTINGS, json!({ "retention_days": 30 })).if_match("*").await.is(200);
    assert_eq!(since().await, first);
    boss.patch(SETTINGS, json!({})).if_match("*").await.is(200);
    assert!(since().await > first);
    let told = ledger(&service, LedgerChain::Settings).await.pop().unwrap();
    assert_eq!(told.pointers(), ["/since"]);
}

#[tokio::test]
async fn au09_people_do_not_learn_the_names_of_hidden_attributes() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("fraud-score", json!({ "hidden": true })).await;
    crm.define("shoe-size", json!({})).await;
    let jan = crm.create(USERS, person("jan")).await;
    let me = crm.local_person(&jan.id, "userdata").await;
    let of = |name: &str| me.get(&format!("/identity/me/audit?attribute=common.{name}"));
    of("shoe-size").await.is(200);
    let (hidden, other) = (of("fraud-score").await.is(400), of("fraud-scorf").await.is(400));
    assert!(!other.text().contains("fraud-score`"), "{}", other.text());
    let told = |text: String| text.replace("fraud-score", "").replace("fraud-scorf", "");
    assert_eq!(hidden.problem()["status"], other.problem()["status"]);
    assert_eq!(
        told(hidden.problem()["detail"].to_string()),
        told(other.problem()["detail"].to_string())
    );
    let auditor = service.client(TENANT, "audit:read").await;
    let path = jan.below("audit?attribute=common.fraud-score");
    auditor.get(&path).await.is(200);
}

#[tokio::test]
async fn au06_values_of_an_attribute_that_is_hidden_now_are_not_shown() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let note = crm.define("note", json!({})).await;
    let with = |value: &str| json!({ "attributes": { "common": { "note": [value] } } });
    let mut body = person("jan");
    body["attributes"] = with("first")["attributes"].clone();
    let jan = crm.create(USERS, body).await;
    crm.patch(&jan.path, with("second")).if_match("*").await.is(200);
    let values = service.client(TENANT, "audit:read audit:values").await;
    let audit = jan.below("audit");
    assert!(values.read(&audit).await.to_string().contains("first"));
    crm.patch(&note.path, json!({ "hidden": true })).if_match("*").await.is(200);
    service.clock.advance(31);
    let list = values.read(&audit).await;
    for value in ["first", "second"] {
        assert!(!list.to_string().contains(value), "{value}: {list}");
    }
    let hidden = json!({ "pointer": "/attributes/common/note", "changed": true });
    assert!(changes_of(&list).contains(&hidden));
    let past = values.read(&format!("{}?version=1", jan.below("at"))).await;
    assert_eq!(past["unknown"], json!(["/attributes/common/note"]));
    assert!(!past.to_string().contains("first"));
}

#[tokio::test]
async fn au04_values_whose_definition_is_gone_are_unknown() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let note = crm.define("note", json!({})).await;
    let mut body = person("jan");
    body["attributes"] = json!({ "common": { "note": ["first"] } });
    let jan = crm.create(USERS, body).await;
    let gone = json!({ "attributes": { "common": { "note": null } } });
    crm.patch(&jan.path, gone).if_match("*").await.is(200);
    let author = Author::service(tenant(), Reason::Operator);
    let purge = |_: Option<&_>, _: &_| Ok(DefinitionEdit::<AttributeDefinition>::Purge);
    service
        .table
        .edit_definition(&author, Some(&note.id), purge, |_| Ok(Vec::new()))
        .await
        .unwrap();
    let key = Key::definition(&tenant(), DefinitionKind::Attribute, &note.id);
    assert!(service.table.get(&key).await.unwrap().is_none());
    service.clock.advance(31);
    let values = service.client(TENANT, "audit:values").await;
    let past = values.read(&format!("{}?version=1", jan.below("at"))).await;
    assert_eq!(past["unknown"], json!([format!("/attributes/{}", note.id)]));
}

#[tokio::test]
async fn au16_values_of_the_configuration_need_the_right_to_read_it() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("note", json!({ "display_name": "Note" })).await;
    let boss = service.client(TENANT, "administrator").await;
    let body = json!({ "name": "till", "scopes": ["users:read"] });
    boss.post("/config/clients", body).await.is(201);
    let values = service.client(TENANT, "audit:read audit:values").await;
    let config = service.client(TENANT, "audit:read audit:values config:read").await;
    for (operation, text, allowed) in
        [("config.create", "Note", vec![&config, &boss]), ("client.create", "till", vec![&boss])]
    {
        for client in [&values, &config, &boss] {
            let list = client.read(&format!("/identity/audit?operation={operation}")).await;
            let shown = list.to_string().contains(&format!("\"{text}\""));
            let due = allowed.iter().any(|allowed| allowed.id == client.id);
            assert_eq!(shown, due, "{operation}: {list}");
        }
    }
}

#[tokio::test]
async fn au16_of_a_script_the_ledger_keeps_the_hash_and_the_length() {
    let (service, _, workflow) = crate::derived::full_names().await;
    let told = ledger(&service, LedgerChain::Configuration).await;
    let target = format!("workflows/{}", workflow.id);
    let told = told.iter().find(|kept| kept.entry.target.as_ref() == Some(&target)).unwrap();
    let script: Value =
        serde_json::from_str(told.values("/script").strip_prefix("- ").unwrap()).unwrap();
    assert!(shared::domain::audit::is_digest(&script), "{script}");
}
