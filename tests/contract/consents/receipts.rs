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
                "required": ["schema_version", "record_id", "pii_principal_id", "notice",
                             "processing", "parties", "events"],
                "properties": {
                    "notice": { "required": ["id", "version", "language", "uri", "sha256"] },
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
    assert_eq!(claims["record"]["notice"]["sha256"], office.digest(1).await.as_str());
    let states = claims["record"]["processing"]["purposes"].as_array().unwrap();
    let states: Vec<_> = states.iter().map(|purpose| purpose["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["GRANTED", "DENIED", "UNDECIDED"]);
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
    let shop = office.bound(&["shop"]).await;
    shop.get(&office.jan.below("consents/news/receipt")).await.is(403);
    let other = issuer.person("nobody", json!({}));
    other.get(path).await.is(404);
}
