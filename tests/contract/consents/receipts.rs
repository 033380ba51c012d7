//! Receipts: signed, complete, and the person's own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared::auth::jose::verify;
use shared::domain::Json;
use shared::domain::jwk::Jwk;

use super::{CONSENTS, Office};

/// What a receipt says, unverified.
pub(super) fn claims(receipt: &str) -> Value {
    let payload = receipt.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn header(receipt: &str) -> Value {
    let header = receipt.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

/// What has to be there (Kantara Consent Receipt 1.1 §4, ISO/IEC TS 27560 §6).
fn schema() -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    let purpose = json!({
        "type": "object",
        "required": ["purpose", "purposeCategory", "consentType", "piiCategory", "primaryPurpose",
                     "termination", "thirdPartyDisclosure", "thirdPartyName"],
        "properties": { "consentType": { "enum": ["EXPLICIT", "IMPLICIT"] } }
    });
    let service = json!({
        "type": "object", "required": ["service", "purposes"],
        "properties": { "purposes": { "type": "array", "minItems": 1, "items": purpose } }
    });
    let controller = json!({
        "type": "object", "required": ["piiController", "contact", "address", "email", "phone"]
    });
    json!({
        "type": "object",
        "required": ["version", "jurisdiction", "consentTimestamp", "collectionMethod",
                     "consentReceiptID", "language", "piiPrincipalId", "piiControllers",
                     "policyUrl", "services", "sensitive", "spiCat", "record"],
        "properties": {
            "version": { "const": "KI-CR-v1.1.0" }, "jurisdiction": text,
            "consentTimestamp": { "type": "integer", "minimum": 1 }, "collectionMethod": text,
            "consentReceiptID": text, "language": text, "piiPrincipalId": text,
            "piiControllers": { "type": "array", "minItems": 1, "items": controller },
            "policyUrl": { "type": "string", "pattern": "^https://" },
            "services": { "type": "array", "minItems": 1, "items": service },
            "sensitive": { "type": "boolean" }, "spiCat": { "type": "array" },
            "record": {
                "type": "object",
                "required": ["schema_version", "record_id", "pii_principal_id", "notices",
                             "processing", "parties", "events"],
                "properties": {
                    "notices": { "type": "array", "minItems": 1, "items": {
                        "required": ["id", "version", "language", "uri", "sha256", "purposes"]
                    } },
                    "events": { "type": "array", "minItems": 1, "items": {
                        "required": ["id", "time", "states", "method", "entity"]
                    } }
                }
            }
        }
    })
}

async fn verified(office: &Office, receipt: &str) -> bool {
    let keys = office.service.call("GET", "/idhub/oidc/v1/jwks").await.is(200).json();
    let keys = keys["keys"].as_array().unwrap();
    let kid = header(receipt)["kid"].clone();
    let key = keys.iter().find(|key| key["kid"] == kid).expect("a published key");
    let Json::Object(key) = Json::parse(key.to_string().as_bytes()).unwrap() else { panic!() };
    let key = Jwk::read(&key).expect("a key");
    let (message, signature) = receipt.rsplit_once('.').unwrap();
    verify(&key, message.as_bytes(), signature).is_some()
}

#[tokio::test]
async fn co09_a_receipt_verifies_and_is_complete() {
    let office = Office::open().await;
    office.agree(json!({ "denied": ["calls"] })).await;
    let path = office.jan.below("consents/news/receipt");
    let receipt = office.crm.get(&path).await.is(200).field("receipt");
    assert!(verified(&office, &receipt).await);
    assert_eq!(header(&receipt)["alg"], "ES256");
    assert_eq!(header(&receipt)["typ"], "consent-receipt+jwt");
    let claims = claims(&receipt);
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let wrong: Vec<_> = validator.iter_errors(&claims).map(|error| error.to_string()).collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(claims["consentTimestamp"], json!(office.service.now()));
    assert_eq!(claims["piiPrincipalId"], office.jan.id.as_str());
    let notices = claims["record"]["notices"].as_array().unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0]["sha256"], office.digest(1).await.as_str());
    assert_eq!(notices[0]["purposes"], json!(["calls", "letter"]));
    // Kantara's fields name what was agreed to, and nothing else.
    let granted = claims["services"][0]["purposes"].as_array().unwrap();
    assert_eq!((granted.len(), &granted[0]["purpose"]), (1, &json!("LETTER")));
    let url = claims["policyUrl"].as_str().unwrap();
    let path = url.split_once("/identity").unwrap().1;
    office.crm.get(&format!("/identity{path}")).await.is(200);
    let states = claims["record"]["processing"]["purposes"].as_array().unwrap();
    let states: Vec<_> = states.iter().map(|purpose| (&purpose["id"], &purpose["state"])).collect();
    let [calls, letter, offers] = ["calls", "letter", "offers"].map(|id| json!(id));
    let [denied, granted, open] = ["DENIED", "GRANTED", "UNDECIDED"].map(|state| json!(state));
    assert_eq!(states, [(&calls, &denied), (&letter, &granted), (&offers, &open)]);
    // A receipt opens nothing.
    office.service.call("GET", "/identity/me").token(&receipt).await.is(401);
    office.service.call("GET", &office.jan.path).token(&receipt).await.is(401);
}

#[tokio::test]
async fn co09_one_state_has_one_receipt() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    let path = office.jan.below("consents/news/receipt");
    let claims = async || claims(&office.crm.get(&path).await.is(200).field("receipt"));
    let first = claims().await;
    office.service.clock.advance(60);
    assert_eq!(claims().await, first);
    office.withdraw().await.is(200);
    let next = claims().await;
    assert_ne!(next["evidence_sha256"], first["evidence_sha256"]);
    assert_ne!(next["consentReceiptID"], first["consentReceiptID"]);
    assert_eq!(next["record"]["events"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn co18_people_get_their_receipts_after_a_withdrawal_too() {
    let office = Office::open().await;
    let issuer = office.service.issuer("corp", "predefined").await;
    let jan = issuer.link(&office.jan.id, "jan").await;
    let path = "/identity/me/consents/news/receipt";
    jan.get(path).await.is(404);
    office.agree(json!({})).await;
    office.withdraw().await.is(200);
    office.crm.act(&format!("{CONSENTS}/news/versions/1/retire")).await.is(200);
    office.crm.act(&office.jan.below("block")).await.is(200);
    let receipt = jan.get(path).await.is(200).field("receipt");
    assert!(verified(&office, &receipt).await);
    let claims = claims(&receipt);
    assert_eq!(claims["record"]["processing"]["purposes"][0]["state"], "WITHDRAWN");
    assert_eq!(claims["record"]["notices"][0]["sha256"], office.digest(1).await.as_str());
    let shop = office.bound(&["shop"]).await;
    shop.get(&office.jan.below("consents/news/receipt")).await.is(404);
    let other = issuer.person("nobody", json!({}));
    other.get(path).await.is(404);
}

const KANTARA: [&str; 4] = ["version", "consentTimestamp", "services", "policyUrl"];

#[tokio::test]
async fn co09_a_refusal_and_a_withdrawal_are_no_consent_receipts() {
    let office = Office::open().await;
    let path = office.jan.below("consents/news/receipt");
    let claims = async || claims(&office.crm.get(&path).await.is(200).field("receipt"));
    office
        .decide(office.yes(1, json!({ "purposes": [], "denied": ["calls"] })).await)
        .await
        .is(200);
    let refused = claims().await;
    office.agree(json!({})).await;
    let granted = claims().await;
    office.withdraw().await.is(200);
    let withdrawn = claims().await;
    for name in KANTARA {
        assert!(refused.get(name).is_none() && withdrawn.get(name).is_none(), "{name}");
        assert!(granted.get(name).is_some(), "{name}");
    }
    assert_eq!(refused["record"]["processing"]["purposes"][0]["state"], "DENIED");
}

#[tokio::test]
async fn co09_each_purpose_stands_beside_what_was_read_before() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    office.service.clock.advance(60);
    let nl = office.crm.read("/identity/consents/news/versions/1").await;
    let nl = nl["locales"]["nl"]["sha256"].clone();
    let calls = json!({ "locale": "nl", "text_sha256": nl, "purposes": ["calls"] });
    office.agree(calls).await;
    let terms = json!({ "purposes": [super::uses("offers", &[])] });
    office.crm.patch(&format!("{CONSENTS}/news"), terms).if_match("*").await.is(200);
    office.version(json!({})).await;
    office.service.clock.advance(60);
    let offers = office.yes(2, json!({ "purposes": ["offers"] })).await;
    office.decide(offers).await.is(200);
    let receipt = office.crm.get(&office.jan.below("consents/news/receipt")).await.is(200);
    let claims = claims(&receipt.field("receipt"));
    let notices = claims["record"]["notices"].as_array().unwrap();
    let read: Vec<_> =
        notices.iter().map(|n| json!([n["version"], n["language"], n["purposes"]])).collect();
    assert_eq!(
        read,
        [json!([1, "en", ["letter"]]), json!([1, "nl", ["calls"]]), json!([2, "en", ["offers"]])]
    );
    assert_eq!(notices[1]["sha256"], nl);
    assert_eq!(claims["consentTimestamp"], json!(office.service.now()));
    assert_eq!(claims["services"][0]["purposes"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn co09_a_receipt_invents_no_language_and_no_digest() {
    let mut office = Office::open().await;
    office.later(3600).await;
    let paper = json!({ "username": "jan", "consents": [{
        "consent": "news", "version": 1, "purposes": ["letter"], "given_at": "2026-11-21T10:30:00Z"
    }] });
    let import = paper.to_string();
    crate::imports::done(&office.crm, "mode=upsert", crate::imports::NDJSON, import).await;
    let receipt = office.crm.get(&office.jan.below("consents/news/receipt")).await.is(200);
    let claims = claims(&receipt.field("receipt"));
    let notice = &claims["record"]["notices"][0];
    for name in ["language", "sha256", "title"] {
        assert_eq!(notice[name], json!(null), "{name}");
    }
    assert_eq!(claims["language"], "und");
    assert_eq!(claims["collectionMethod"], "import");
}

#[tokio::test]
async fn co09_the_digest_of_a_receipt_can_be_computed_from_it() {
    let office = Office::open().await;
    office.agree(json!({ "guardian": "Zeemeermin" })).await;
    office.withdraw().await.is(200);
    let receipt = office.crm.get(&office.jan.below("consents/news/receipt")).await.is(200);
    let receipt = receipt.field("receipt");
    let hash = |text: String| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let digits: Vec<_> = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        digits.concat()
    };
    // As it is written, not as this test would write it.
    let payload = URL_SAFE_NO_PAD.decode(receipt.split('.').nth(1).unwrap()).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    assert!(!payload.contains("Zeemeermin"));
    let Json::Object(said) = Json::parse(payload.as_bytes()).unwrap() else { panic!() };
    let Some(Json::Object(record)) = said.get("record") else { panic!() };
    let Some(Json::Array(events)) = record.get("events") else { panic!() };
    let chain = |before: String, event: &Json| hash(before + &event.to_text());
    let digest = events.iter().fold(hash("news\n".to_owned()), chain);
    assert_eq!(claims(&receipt)["evidence_sha256"], digest);
}
