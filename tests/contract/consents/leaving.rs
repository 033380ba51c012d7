//! What an erasure leaves of consents.

use maintenance::check;
use serde_json::json;
use shared::store::keys::partition_of_user;
use shared::store::{Condition, Key, Write};

use super::Office;

#[tokio::test]
async fn co14_an_erasure_takes_records_and_histories() {
    let office = Office::open().await;
    office.agree(json!({ "guardian": "Zeemeermin" })).await;
    office.withdraw().await.is(200);
    office.crm.delete(&office.jan.path).await.is(204);
    office.crm.get(&office.jan.below("consents")).await.is(404);
    let left = office.service.items().await;
    for word in ["Zeemeermin", "COH#", "CO#news"] {
        assert!(!left.iter().any(|item| item.contains(word)), "{word}");
    }
    assert!(!left.iter().any(|item| item.contains("\"proof\"")));
    assert!(!office.granted().await);
    office.service.check().await;
}

#[tokio::test]
async fn co14_a_proof_is_a_digest_and_a_time() {
    let office = Office::with(json!({ "keep_proof": true })).await;
    let digest = async || {
        let receipt = office.crm.read(&office.jan.below("consents/news/receipt")).await;
        let claims = super::receipts::claims(receipt["receipt"].as_str().unwrap());
        claims["evidence_sha256"].as_str().unwrap().to_owned()
    };
    office.agree(json!({ "guardian": "Zeemeermin" })).await;
    let first = digest().await;
    office.service.clock.advance(60);
    office.withdraw().await.is(200);
    let digest = digest().await;
    office.crm.delete(&office.jan.path).await.is(204);
    let tenant = tests::TENANT.parse().unwrap();
    let proof = async |digest: &str| {
        let proof = office.service.table.consent_proof(&tenant, digest).await.unwrap();
        proof.map(|at| at.to_string())
    };
    // Each receipt that was fetched has a proof.
    assert_eq!(proof(&first).await.unwrap(), "2026-11-21T10:00:00.000Z");
    assert_eq!(proof(&digest).await.unwrap(), "2026-11-21T10:01:00.000Z");
    assert_eq!(proof(&"0".repeat(64)).await, None);
    let left = office.service.items().await;
    let about: Vec<_> = left.iter().filter(|item| item.contains(&digest)).collect();
    assert_eq!(about.len(), 1);
    for word in [office.jan.id.as_str(), "news", "Zeemeermin"] {
        assert!(!about[0].contains(word), "{word}");
    }
    assert_eq!(about[0].matches("S(").count(), 3, "key, key, time: {}", about[0]);
    office.service.check().await;
}

#[tokio::test]
async fn co05_kith_check_finds_a_record_that_its_history_does_not_make() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    office.withdraw().await.is(200);
    let (table, tenant) = (&office.service.table, tests::TENANT.parse().unwrap());
    let user = office.jan.id.parse().unwrap();
    let delete = async |key: Key| {
        table.commit(vec![Write::Delete(key, Condition::Guarded)]).await.unwrap();
        check::verify(table, &tenant).await.unwrap().problems
    };
    let child = |name: &str| Key::stored(&partition_of_user(&tenant, user), name);
    assert_eq!(check::verify(table, &tenant).await.unwrap().problems, Vec::<String>::new());
    let unmade =
        format!("user {user} has a record of the consent `news` that its history does not make");
    let gap = delete(child("COH#news#-#0000000001#granted")).await;
    assert_eq!(gap, std::slice::from_ref(&unmade));
    let orphan = delete(child("CO#news#-")).await;
    assert_eq!(orphan, std::slice::from_ref(&unmade));
    assert_eq!(delete(child("COH#news#-#0000000002#withdrawn")).await, Vec::<String>::new());
    let wordless = delete(Key::consent_text(&tenant, &"news".parse().unwrap(), 1)).await;
    assert_eq!(wordless, ["version 1 of the consent `news` has no texts"]);
}
