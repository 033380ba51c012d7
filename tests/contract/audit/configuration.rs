//! The ledger: what changed of a tenant's configuration and who exported profiles (rules AU-16,
//! AU-20).

use serde_json::{Value, json};
use shared::domain::audit::LedgerChain;
use tests::{Service, TENANT, person};

use super::{Kept, SETTINGS, USERS, ledger, reads};

async fn told(service: &Service) -> Vec<Kept> {
    ledger(service, LedgerChain::Configuration).await
}

async fn last(service: &Service) -> Kept {
    told(service).await.pop().expect("an entry")
}

fn shown(entry: &Kept) -> (String, String) {
    (entry.operation(), entry.entry.target.clone().unwrap_or_default())
}

#[tokio::test]
async fn au16_a_definition_is_told_with_its_document_before_and_after() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let settings = ledger(&service, LedgerChain::Settings).await;
    assert_eq!(shown(&settings[0]), ("tenant.create".to_owned(), TENANT.to_owned()));
    let note = crm.define("note", json!({ "display_name": "Note" })).await;
    let target = format!("attribute-definitions/{}", note.id);
    let made = last(&service).await;
    assert_eq!(shown(&made), ("config.create".to_owned(), target.clone()));
    assert_eq!(made.values("/display_name"), r#"- "Note""#);
    let patch = json!({ "display_name": "Remark" });
    crm.patch(&note.path, patch.clone())
        .if_match("*")
        .header("kith-reason", "clearer")
        .await
        .is(200);
    let changed = last(&service).await;
    assert_eq!(shown(&changed), ("config.change".to_owned(), target.clone()));
    assert_eq!(changed.pointers(), ["/display_name"]);
    assert_eq!(changed.values("/display_name"), r#""Note" "Remark""#);
    assert_eq!(changed.detail.reason.as_deref(), Some("clearer"));
    assert_eq!(changed.entry.actor.id.as_deref(), Some(crm.id.as_str()));
    let before = told(&service).await.len();
    crm.patch(&note.path, patch).if_match("*").await.is(200);
    crm.patch(&note.path, json!({ "name": "x" })).if_match("*").await.is(422);
    assert_eq!(told(&service).await.len(), before, "nothing has changed");
    crm.delete(&note.path).if_match("*").await.is(204);
    assert_eq!(shown(&last(&service).await), ("config.delete".to_owned(), target));
}

#[tokio::test]
async fn au16_a_change_of_the_settings_of_the_sign_in_is_told() {
    let service = Service::start().await;
    let boss = service.client(TENANT, "administrator").await;
    let change = json!({ "temporary_passwords": false, "minimum_password_length": 20 });
    boss.put("/identity/config/sign-in", change).if_match("*").await.is(200);
    let entry = last(&service).await;
    assert_eq!(shown(&entry), ("config.change".to_owned(), "sign-in".to_owned()));
    assert_eq!(entry.values("/temporary_passwords"), "true false");
    assert_eq!(entry.values("/minimum_password_length"), "15 20");
    assert_eq!(entry.entry.actor.id.as_deref(), Some(boss.id.as_str()));
}

#[tokio::test]
async fn au16_a_client_is_told_without_its_secrets() {
    let service = Service::start().await;
    let boss = service.client(TENANT, "administrator").await;
    let body = json!({ "name": "till", "scopes": ["users:read"] });
    let made = boss.post("/config/clients", body).await.is(201);
    let (id, secret) = (made.field("client_id"), made.field("client_secret"));
    let path = format!("/config/clients/{id}");
    let target = format!("clients/{id}");
    let chain = LedgerChain::of_client(&id.parse().unwrap());
    let last = async || ledger(&service, chain).await.pop().expect("an entry");
    let entry = last().await;
    assert_eq!(shown(&entry), ("client.create".to_owned(), target.clone()));
    assert_eq!(entry.values("/name"), r#"- "till""#);
    assert_eq!(entry.values("/secrets"), "- -");
    boss.patch(&path, json!({ "name": "shop" })).if_match("*").await.is(200);
    assert_eq!(last().await.values("/name"), r#""till" "shop""#);
    let another = boss.act(&format!("{path}/secrets")).if_match("*").await.is(201);
    let entry = last().await;
    assert_eq!(shown(&entry), ("client.secret".to_owned(), target.clone()));
    assert_eq!(entry.pointers(), ["/secrets"]);
    boss.delete(&path).if_match("*").await.is(204);
    assert_eq!(shown(&last().await), ("client.delete".to_owned(), target));
    for secret in [secret, another.field("client_secret")] {
        assert!(
            !ledger(&service, chain)
                .await
                .iter()
                .any(|entry| { serde_json::to_string(&entry.detail).unwrap().contains(&secret) })
        );
    }
}

#[tokio::test]
async fn au16_the_end_of_the_audit_and_its_beginning_are_told() {
    let service = Service::start().await;
    let boss = service.client(TENANT, "administrator").await;
    let set = async |level: &str| {
        boss.patch(SETTINGS, json!({ "level": level })).if_match("*").await.is(200);
    };
    let all = async || ledger(&service, LedgerChain::Settings).await;
    let last = async || all().await.pop().expect("an entry");
    set("off").await;
    let entry = last().await;
    assert_eq!(shown(&entry), ("tenant.settings".to_owned(), "audit".to_owned()));
    assert_eq!(entry.values("/level"), r#""values" "off""#);
    let crm = service.crm().await;
    crm.define("note", json!({})).await;
    let count = all().await.len();
    assert_eq!(shown(&last().await).0, "tenant.settings");
    set("values").await;
    assert_eq!(all().await.len(), count + 1);
    assert_eq!(last().await.values("/level"), r#""off" "values""#);
}

#[tokio::test]
async fn au20_a_list_and_a_query_that_pass_1000_users_are_told_once() {
    let service = Service::start_unaudited().await;
    let crm = service.crm().await;
    let rows: Vec<_> = (0..1010).map(|i| format!("u{i},Janssen")).collect();
    let file = format!("username,family_name\n{}", rows.join("\n"));
    let import = crm.call("POST", "/identity/imports").body("text/csv", file).await.created();
    while crm.read(&import.path).await["state"] != "COMPLETED" {
        service.sweep().await;
    }
    service.set_audit(json!({})).await;
    service.clock.advance(61);
    let crm = crm.with_token().await;
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        let page = crm.read(&format!("{USERS}?limit=100{cursor}")).await;
        pages += 1;
        assert_eq!(reads(&service).await.len(), usize::from(pages >= 10), "page {pages}");
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let entry = reads(&service).await.pop().unwrap();
    assert_eq!(shown(&entry), ("export".to_owned(), "list_users".to_owned()));
    assert_eq!(entry.entry.facts, Some(json!({ "filter": [], "count": 1000 })));
    assert_eq!(entry.entry.actor.id.as_deref(), Some(crm.id.as_str()));

    let filter = "family_name eq \"Janssen\" and not (username eq \"geheim\")";
    let mut query = json!({ "filter": filter, "limit": 100 });
    loop {
        let page = crm.post("/identity/users/query", query.clone()).await.is(200).json();
        match page["next_cursor"].as_str() {
            Some(next) => query["cursor"] = json!(next),
            None => break,
        }
    }
    let told = reads(&service).await;
    let of_query: Vec<_> = told.iter().filter(|entry| shown(entry).1 == "query_users").collect();
    assert_eq!(of_query.len(), 1);
    let facts = of_query[0].entry.facts.clone().unwrap();
    assert_eq!(facts["filter"], json!(["family_name eq", "username eq"]));
    assert!(!serde_json::to_string(&facts).unwrap().contains("geheim"));

    crm.get(&import.below("report")).header("accept", "text/csv").await.is(200);
    crm.get(&import.below("report?limit=10")).await.is(200);
    let of_report = reads(&service).await;
    let of_report = of_report.iter().filter(|entry| shown(entry).1 == "get_import_report");
    let counts: Vec<Value> =
        of_report.map(|entry| entry.entry.facts.clone().unwrap()["count"].clone()).collect();
    assert_eq!(counts, [1010, 1010]);
}

#[tokio::test]
async fn au20_a_few_users_are_no_export() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.create(USERS, person("jan")).await;
    crm.get(USERS).await.is(200);
    crm.find(json!({ "username": "jan" })).await;
    assert!(reads(&service).await.is_empty());
}
