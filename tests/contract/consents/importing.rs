//! Consents that imports bring.

use serde_json::{Value, json};

use super::Office;
use crate::imports::{CSV, NDJSON, done};

fn row(given_at: &str, more: Value) -> Value {
    let consent = json!({
        "consent": "news", "version": 1, "purposes": ["letter"], "given_at": given_at
    });
    json!({ "username": "jan", "consents": [super::with(consent, more)] })
}

/// Imports one row: what became of it, and what is wrong.
async fn import(office: &Office, row: &Value) -> (String, Vec<String>) {
    let (_, rows) = done(&office.crm, "mode=upsert", NDJSON, row.to_string()).await;
    let errors = rows[0]["errors"].as_array().into_iter().flatten();
    let errors = errors.map(|error| error["pointer"].as_str().unwrap().to_owned());
    (rows[0]["status"].as_str().unwrap().to_owned(), errors.collect())
}

#[tokio::test]
async fn co12_an_import_brings_what_was_decided_before() {
    let mut office = Office::open().await;
    office.later(3600).await;
    let paper = json!({ "evidence_uri": "https://scans.example/7", "locale": "nl" });
    let given = "2026-11-21T10:30:00.000Z";
    let (status, errors) = import(&office, &row(given, paper)).await;
    assert_eq!((status.as_str(), errors.len()), ("updated", 0), "{errors:?}");
    let record = office.crm.read(&office.jan.below("consents/news")).await;
    let evidence = &record["evidence"];
    assert_eq!(evidence["method"], "import");
    assert_eq!((&evidence["given_at"], &evidence["locale"]), (&json!(given), &json!("nl")));
    assert!(office.granted().await);
    // A row that is worked again changes nothing.
    assert_eq!(import(&office, &row(given, json!({}))).await.0, "unchanged");
    assert_eq!(office.history().await.len(), 1);
}

#[tokio::test]
async fn co12_what_is_imported_was_decided_in_the_past() {
    let mut office = Office::open().await;
    office.later(3600).await;
    for (given_at, more, at) in [
        ("2026-11-21T11:00:00.001Z", json!({}), "/consents/0/given_at"),
        ("2026-11-21T09:59:59.999Z", json!({}), "/consents/0/given_at"),
        ("soon", json!({}), "/consents/0/given_at"),
        ("2026-11-21T10:30:00Z", json!({ "version": 2 }), "/consents/0/version"),
        ("2026-11-21T10:30:00Z", json!({ "consent": "none" }), "/consents/0/consent"),
        ("2026-11-21T10:30:00Z", json!({ "purposes": ["none"] }), "/consents/0/purposes"),
        ("2026-11-21T10:30:00Z", json!({ "locale": "fr" }), "/consents/0/locale"),
        ("2026-11-21T10:30:00Z", json!({ "audience": "none" }), "/consents/0/audience"),
    ] {
        let wrong = row(given_at, more);
        let (status, errors) = import(&office, &wrong).await;
        assert_eq!((status.as_str(), errors), ("error", vec![at.to_owned()]), "{wrong}");
    }
    office.crm.get(&office.jan.below("consents/news")).await.is(404);
}

#[tokio::test]
async fn co12_an_import_does_not_undo_what_the_person_decided_since() {
    let mut office = Office::open().await;
    office.agree(json!({})).await;
    office.later(3600).await;
    office.withdraw().await.is(200);
    office.later(3600).await;
    assert_eq!(import(&office, &row("2026-11-21T10:30:00Z", json!({}))).await.0, "unchanged");
    assert!(!office.granted().await);
}

#[tokio::test]
async fn co12_a_column_holds_consents_and_a_dry_run_records_none() {
    let office = Office::open().await;
    office.service.clock.advance(60);
    let consents = "[{\"consent\":\"news\",\"version\":1,\"purposes\":[\"letter\"],\
                    \"given_at\":\"2026-11-21T10:00:30Z\"}]";
    let cell = consents.replace('"', "\"\"");
    let file = format!("username,consents\nkim,\"{cell}\"\nan,\nbo,no\n");
    let (_, rows) = done(&office.crm, "dry_run=true", CSV, file.clone()).await;
    assert_eq!(rows[0]["status"], "created");
    let (_, rows) = done(&office.crm, "", CSV, file).await;
    let statuses: Vec<_> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["created", "created", "error"]);
    let kim = rows[0]["id"].as_str().unwrap();
    let record = office.crm.read(&format!("/identity/users/{kim}/consents/news")).await;
    assert_eq!(record["purposes"]["letter"]["state"], "GRANTED");
}
