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
    let record = office.crm.read(&office.jan.below("consents/news")).await;
    // CO-05: the paper is kept, though it changes nothing that holds.
    let older = row("2026-11-21T10:30:00Z", json!({ "evidence_uri": "https://x.example/scan" }));
    assert_eq!(import(&office, &older).await.0, "updated");
    assert_eq!(import(&office, &older).await.0, "unchanged");
    assert!(!office.granted().await);
    let history = office.history().await;
    assert_eq!(history.len(), 3);
    assert_eq!(history[2]["evidence_uri"], "https://x.example/scan");
    assert_eq!(office.crm.read(&office.jan.below("consents/news")).await, record);
    // Of two decisions of one time the first holds, and the other is kept.
    let at = "2026-11-21T13:00:00Z";
    office.later(3 * 3600).await;
    assert_eq!(import(&office, &row(at, json!({}))).await.0, "updated");
    let other = row(at, json!({ "purposes": null, "denied": ["letter"] }));
    assert_eq!(import(&office, &other).await.0, "updated");
    assert!(office.granted().await);
    assert_eq!(office.history().await.len(), 5);
    office.service.check().await;
}

#[tokio::test]
async fn co12_an_import_names_a_version_that_was_in_effect_then() {
    let mut office = Office::with(json!({ "expires_after_days": 1 })).await;
    let digest = office.digest(1).await;
    office.later(3600).await;
    let terms = json!({ "purposes": [super::uses("other", &[])], "expires_after_days": null });
    let path = format!("{}/news", super::CONSENTS);
    office.crm.patch(&path, terms).if_match("*").await.is(200);
    office.version(json!({})).await;
    office.later(3600).await;
    office.version(json!({})).await;
    let during = "2026-11-21T10:30:00Z";
    // At 11 version 2 took its place.
    for (wrong, at) in [
        (row("2026-11-21T11:00:00Z", json!({})), "given_at"),
        (row("2026-11-21T11:30:00Z", json!({})), "given_at"),
        (row(during, json!({ "purposes": ["other"] })), "purposes"),
        (row(during, json!({ "text_sha256": "0".repeat(64) })), "text_sha256"),
        (row(during, json!({ "locale": "nl", "text_sha256": digest })), "text_sha256"),
        (row(during, json!({ "locale": "fr" })), "locale"),
    ] {
        let (status, errors) = import(&office, &wrong).await;
        assert_eq!((status.as_str(), errors), ("error", vec![format!("/consents/0/{at}")]));
    }
    let (status, errors) = import(&office, &row(during, json!({ "text_sha256": digest }))).await;
    assert_eq!((status.as_str(), errors.len()), ("updated", 0), "{errors:?}");
    // By the terms of version 1, which nobody is asked for any more.
    let record = office.crm.read(&office.jan.below("consents/news")).await;
    assert_eq!(record["purposes"]["letter"]["until"], "2026-11-22T10:30:00.000Z");
    // A refusal needs no version in effect.
    let no = row("2026-11-21T11:30:00Z", json!({ "purposes": null, "denied": ["calls"] }));
    assert_eq!(import(&office, &no).await.0, "updated");
    // Retired is over, too.
    office.crm.act(&format!("{path}/versions/3/retire")).await.is(200);
    office.later(60).await;
    let late = json!({ "version": 3, "purposes": ["other"] });
    assert_eq!(import(&office, &row("2026-11-21T12:00:30Z", late)).await.0, "error");
}

#[tokio::test]
async fn co11_an_import_needs_the_age_at_that_time() {
    let mut office = Office::with(json!({ "minimum_age": 16 })).await;
    office.crm.define("birthdate", json!({})).await;
    office.later(3600).await;
    let given = "2026-11-21T10:30:00Z";
    let born = |date: &str, more: Value| {
        let attributes = json!({ "attributes": { "common": { "birthdate": [date] } } });
        super::with(row(given, more), attributes)
    };
    let refused = (String::from("error"), vec!["/consents/0".to_owned()]);
    assert_eq!(import(&office, &row(given, json!({}))).await, refused);
    assert_eq!(import(&office, &born("2017-01-01", json!({}))).await, refused);
    let guarded = born("2017-01-01", json!({ "guardian": "Els Janssen" }));
    assert_eq!(import(&office, &guarded).await.0, "updated");
    let other = json!({ "purposes": ["calls"] });
    assert_eq!(import(&office, &born("2010-11-21", other)).await.0, "updated");
}

#[tokio::test]
async fn co07_a_grant_that_was_over_before_it_came_is_not_told_as_granted() {
    let mut office = Office::with(json!({ "expires_after_days": 1 })).await;
    office.later(3 * super::DAY).await;
    assert_eq!(import(&office, &row("2026-11-21T10:30:00Z", json!({}))).await.0, "updated");
    let items = office.service.items().await;
    assert!(!items.iter().any(|item| item.contains("#granted")));
}

#[tokio::test]
async fn co12_a_column_holds_consents_and_a_dry_run_records_none() {
    let mut office = Office::open().await;
    office.later(60).await;
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
