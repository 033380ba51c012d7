//! What an erasure leaves of consents.

use serde_json::json;

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
    office.agree(json!({ "guardian": "Zeemeermin" })).await;
    office.service.clock.advance(60);
    office.withdraw().await.is(200);
    let receipt = office.crm.read(&office.jan.below("consents/news/receipt")).await;
    let claims = super::receipts::claims(receipt["receipt"].as_str().unwrap());
    let digest = claims["evidence_sha256"].as_str().unwrap().to_owned();
    office.crm.delete(&office.jan.path).await.is(204);
    let tenant = tests::TENANT.parse().unwrap();
    let proof = office.service.table.consent_proof(&tenant, &digest).await.unwrap().unwrap();
    assert_eq!(proof.to_string(), "2026-11-21T10:01:00.000Z");
    let left = office.service.items().await;
    let about: Vec<_> = left.iter().filter(|item| item.contains(&digest)).collect();
    assert_eq!(about.len(), 1);
    for word in [office.jan.id.as_str(), "news", "Zeemeermin"] {
        assert!(!about[0].contains(word), "{word}");
    }
    assert_eq!(about[0].matches("S(").count(), 3, "key, key, time: {}", about[0]);
    office.service.check().await;
}
