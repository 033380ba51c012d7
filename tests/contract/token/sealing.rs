//! Private keys that are sealed with a KMS key (ADR 0049). KMS is played by a server on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::app::App;
use shared::auth::SigningKeys;
use shared::auth::signing::{CONTEXT, Sealing};
use shared::aws::Account;
use shared::domain::jwk::Algorithm;
use shared::http::route;
use shared::https::Trust;
use shared::store::{Condition, Key, Table, Write};
use tests::{Call, Service, TENANT};

use super::keys::{DAY, kid_of};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1";
const OTHER: &str = "arn:aws:kms:eu-west-1:123456789012:key/2";

/// A stand-in for KMS. Its ciphertext names the key, and it refuses other contexts.
#[derive(Clone, Default)]
struct Kms {
    made: Arc<AtomicUsize>,
    decrypted: Arc<AtomicUsize>,
    away: Arc<AtomicBool>,
}

impl Kms {
    fn answer(&self, headers: &HeaderMap, body: &str) -> (StatusCode, String) {
        if self.away.load(Ordering::SeqCst) {
            return (StatusCode::BAD_REQUEST, r#"{"__type":"ThrottlingException"}"#.to_owned());
        }
        let refused = |code: &str| (StatusCode::BAD_REQUEST, json!({ "__type": code }).to_string());
        let body: Value = serde_json::from_str(body).unwrap();
        let key = body["KeyId"].as_str().unwrap();
        let context = &body["EncryptionContext"][CONTEXT.0];
        if context != CONTEXT.1 && context != "audit" && context != "digests" {
            return refused("com.amazonaws.kms#InvalidCiphertextException");
        }
        let answer = match headers["x-amz-target"].to_str().unwrap() {
            "TrentService.GenerateDataKey" => {
                let number = u8::try_from(self.made.fetch_add(1, Ordering::SeqCst)).unwrap();
                let blob = STANDARD.encode(format!("{key} {context} {number}"));
                json!({ "CiphertextBlob": blob, "Plaintext": STANDARD.encode([number; 32]) })
            }
            "TrentService.Decrypt" => {
                self.decrypted.fetch_add(1, Ordering::SeqCst);
                let blob = STANDARD.decode(body["CiphertextBlob"].as_str().unwrap()).unwrap();
                let blob = String::from_utf8(blob).unwrap();
                let Some(number) = blob.strip_prefix(&format!("{key} {context} ")) else {
                    return refused("IncorrectKeyException");
                };
                json!({ "Plaintext": STANDARD.encode([number.parse().unwrap(); 32]) })
            }
            other => panic!("{other}"),
        };
        (StatusCode::OK, answer.to_string())
    }

    /// How a process seals, by this key.
    async fn sealing(&self, service: &Service, key: Option<&str>) -> Sealing {
        let kms = self.clone();
        let router = Router::new().route(
            "/",
            post(async move |headers: HeaderMap, body: String| kms.answer(&headers, &body)),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let clock = service.clock.clone();
        let account = Account::new(Trust::Amazon, credentials, clock, Some(url)).unwrap();
        Sealing::new(account, key.map(str::to_owned))
    }

    /// The keys of the service as a process has them that has read nothing yet.
    async fn keys(&self, service: &Service, key: Option<&str>) -> SigningKeys {
        SigningKeys::new(service.table.clone()).with_sealing(self.sealing(service, key).await)
    }

    /// The table as such a process has it.
    async fn table(&self, service: &Service, key: Option<&str>) -> Table {
        process(service).with_sealing(&self.sealing(service, key).await)
    }
}

/// The table as a process has it that has read nothing yet, and that cannot use KMS.
fn process(service: &Service) -> Table {
    let table = &service.table;
    Table::new(table.client().clone(), table.name(), table.env().clone())
}

/// Whether the key of the audit is sealed.
async fn audit_key_is_sealed(service: &Service) -> bool {
    is_sealed(service, &Key::audit_key()).await
}

async fn is_sealed(service: &Service, key: &Key) -> bool {
    let item = service.table.get(key).await.unwrap().expect("the key");
    assert_ne!(item.get_text("sealed").is_some(), item.get_text("secret").is_some());
    item.get_text("sealed").is_some()
}

/// The stored private keys: how many are sealed, and how many are not.
async fn stored(service: &Service) -> (usize, usize) {
    let kids = SigningKeys::new(service.table.clone()).list().await.unwrap();
    let keys = kids.iter().map(|key| Key::private_key(&key.kid)).chain([Key::refresh_key()]);
    let items = service.table.get_many(&keys.collect::<Vec<_>>()).await.unwrap();
    let sealed = items.iter().filter(|item| item.get_text("sealed").is_some());
    let open = items.iter().filter(|item| item.get_text("secret").is_some());
    (sealed.count(), open.count())
}

#[tokio::test]
async fn o8_a_new_table_holds_sealed_keys_from_the_start_and_a_start_asks_kms_once() {
    let (service, kms) = (Service::start().await, Kms::default());
    let keys = kms.keys(&service, Some(KEY)).await;
    let made = keys.current(Algorithm::Es256).await.unwrap();
    keys.prepare(Algorithm::Rs256).await.unwrap();
    assert_eq!(stored(&service).await, (3, 0));
    // And one for the key of the audit.
    assert_eq!(kms.made.load(Ordering::SeqCst), 2);
    let another = kms.keys(&service, Some(KEY)).await;
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::Es256] {
        another.current(algorithm).await.unwrap();
    }
    assert_eq!(another.current(Algorithm::Es256).await.unwrap().kid(), made.kid());
    assert_eq!(another.refresh_key().await.unwrap(), keys.refresh_key().await.unwrap());
    assert_eq!(kms.decrypted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn o8_keys_that_are_there_are_sealed_and_their_tokens_stay_good() {
    let (service, kms) = (Service::start().await, Kms::default());
    let client = service.crm().await;
    assert_eq!(stored(&service).await, (0, 2));
    let keys = kms.keys(&service, Some(KEY)).await;
    let refresh = SigningKeys::new(service.table.clone()).refresh_key().await.unwrap();
    let sealed = keys.current(Algorithm::Es256).await.unwrap();
    assert_eq!(sealed.kid(), kid_of(&client.token));
    assert_eq!(stored(&service).await, (2, 0));
    assert_eq!(keys.refresh_key().await.unwrap(), refresh);
    client.get("/identity/users").await.is(200);
    // The other functions have no rights to KMS; a token function without the parameter says so.
    let error = SigningKeys::new(service.table.clone()).current(Algorithm::Es256).await;
    let error = error.err().unwrap().to_string();
    assert!(error.contains("SealingKeyArn"), "{error}");
}

#[tokio::test]
async fn o8_a_token_function_that_seals_issues_tokens() {
    let (service, kms) = (Service::start().await, Kms::default());
    let client = service.crm().await;
    let keys = kms.keys(&service, Some(KEY)).await;
    let app = App::with_signing_keys(
        service.table.clone(),
        Some(tests::BASE.to_owned()),
        tests::scripts(),
        keys,
    );
    let router = shared::http::serve(
        route::router(local::serve::functions()[0], app),
        service.table.env().clone(),
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client.id.as_str()),
        ("client_secret", client.secret.as_str()),
    ];
    let token = || Call::new(router.clone(), "POST", "/idhub/oidc/v1/token").form(&form);
    let issued = token().await.is(200).json();
    assert_eq!(stored(&service).await, (2, 0));
    let bearer = format!("Bearer {}", issued["access_token"].as_str().unwrap());
    service
        .instance()
        .call("GET", "/identity/users")
        .header("authorization", &bearer)
        .await
        .is(200);
    assert_eq!(TENANT, "acme");
}

#[tokio::test]
async fn o8_operators_rotate_revoke_and_unseal_by_the_key_that_the_table_names() {
    let (service, kms) = (Service::start().await, Kms::default());
    kms.keys(&service, Some(KEY)).await.current(Algorithm::Es256).await.unwrap();
    let operator = kms.keys(&service, None).await;
    let rotated = operator.rotate(Algorithm::Es256).await.unwrap();
    assert_eq!(stored(&service).await, (3, 0));
    operator.revoke(&rotated.old.unwrap().kid).await.unwrap();
    assert_eq!(stored(&service).await, (2, 0));
    service.clock.advance(DAY);
    let function = kms.keys(&service, Some(KEY)).await;
    assert_eq!(function.current(Algorithm::Es256).await.unwrap().kid(), rotated.new.kid);
    assert_eq!(operator.unseal().await.unwrap(), 2);
    assert_eq!(operator.unseal().await.unwrap(), 0);
    assert_eq!(stored(&service).await, (0, 2));
    // A table that is unsealed takes another key.
    kms.keys(&service, Some(OTHER)).await.current(Algorithm::Es256).await.unwrap();
    assert_eq!(stored(&service).await, (2, 0));
}

#[tokio::test]
async fn o8_without_kms_a_warm_function_signs_and_a_cold_one_asks_to_come_back() {
    let (service, kms) = (Service::start().await, Kms::default());
    let warm = kms.keys(&service, Some(KEY)).await;
    warm.current(Algorithm::Es256).await.unwrap();
    kms.away.store(true, Ordering::SeqCst);
    service.clock.advance(DAY);
    warm.current(Algorithm::Es256).await.unwrap();
    let cold = kms.keys(&service, Some(KEY)).await.current(Algorithm::Es256).await;
    let error = cold.err().unwrap();
    assert!(matches!(error, shared::domain::Error::Unavailable(_)), "{error}");
    // Keys that are not sealed yet serve meanwhile.
    let other = Service::start().await;
    other.crm().await;
    kms.keys(&other, Some(KEY)).await.current(Algorithm::Es256).await.unwrap();
    assert_eq!(stored(&other).await, (0, 2));
    kms.away.store(false, Ordering::SeqCst);
    kms.keys(&other, Some(KEY)).await.current(Algorithm::Es256).await.unwrap();
    assert_eq!(stored(&other).await, (2, 0));
}

#[tokio::test]
async fn au06_the_key_of_the_audit_is_sealed_where_a_key_seals() {
    let (service, kms) = (Service::start().await, Kms::default());
    assert!(!audit_key_is_sealed(&service).await);
    kms.table(&service, Some(KEY)).await.audit_key().await.unwrap();
    assert!(audit_key_is_sealed(&service).await);
    let error = process(&service).audit_key().await.unwrap_err().to_string();
    assert!(error.contains("SealingKeyArn"), "{error}");
    let operator = kms.table(&service, None).await;
    operator.audit_key().await.unwrap();
    kms.table(&service, Some(KEY)).await.digest_key().await.unwrap();
    assert_eq!(operator.unseal_audit_keys().await.unwrap(), 2);
    assert_eq!(operator.unseal_audit_keys().await.unwrap(), 0);
    assert!(!audit_key_is_sealed(&service).await);
    process(&service).audit_key().await.unwrap();
    // KMS does not answer: the key that is there serves on.
    kms.away.store(true, Ordering::SeqCst);
    kms.table(&service, Some(OTHER)).await.audit_key().await.unwrap();
    assert!(!audit_key_is_sealed(&service).await);
}

#[tokio::test]
async fn au06_a_new_key_of_the_audit_is_never_in_the_clear_where_private_keys_are_sealed() {
    let (service, kms) = (Service::start().await, Kms::default());
    kms.keys(&service, Some(KEY)).await.current(Algorithm::Es256).await.unwrap();
    let stored = service.table.get(&Key::audit_key()).await.unwrap().unwrap();
    let version = Condition::Version(stored.version().unwrap());
    service.table.commit(vec![Write::Delete(Key::audit_key(), version)]).await.unwrap();
    let error = process(&service).audit_key().await.unwrap_err().to_string();
    assert!(error.contains("SealingKeyArn"), "{error}");
    assert!(service.table.get(&Key::audit_key()).await.unwrap().is_none());
    kms.table(&service, None).await.audit_key().await.unwrap();
    assert!(audit_key_is_sealed(&service).await);
}

#[tokio::test]
async fn au07_where_private_keys_are_sealed_a_key_of_the_audit_without_a_seal_is_refused() {
    let (service, kms) = (Service::start().await, Kms::default());
    let fingerprint = service.table.audit_key().await.unwrap().fingerprint();
    assert_eq!(fingerprint.len(), 16);
    let kid = service.table.digest_key().await.unwrap().kid().to_owned();
    // The token function seals the private keys and both keys of the audit.
    kms.keys(&service, Some(KEY)).await.current(Algorithm::Es256).await.unwrap();
    let table = kms.table(&service, Some(KEY)).await;
    assert_eq!(table.audit_key().await.unwrap().fingerprint(), fingerprint);
    assert_eq!(table.digest_key().await.unwrap().kid(), kid);
    assert!(table.digest_jwk().await.unwrap().is_some(), "the public half stays readable");
    // Somebody puts other keys there.
    for key in [Key::audit_key(), Key::digest_key()] {
        assert!(is_sealed(&service, &key).await, "{key:?}");
        // KMS opens each for those alone who may use its context.
        let context = if key == Key::audit_key() { "audit" } else { "digests" };
        let stored = service.table.get(&key).await.unwrap().unwrap();
        let blob = STANDARD.decode(stored.get_text("data_key").unwrap()).unwrap();
        assert!(String::from_utf8(blob).unwrap().contains(&format!(" \"{context}\" ")), "{key:?}");
        let planted = shared::store::Item::at(&key)
            .guarded(stored.version().unwrap().next(), &stored.log())
            .text("secret", STANDARD.encode([7; 32]));
        let condition = Condition::Version(stored.version().unwrap());
        service.table.commit(vec![Write::Put(planted, condition)]).await.unwrap();
    }
    for table in [kms.table(&service, Some(KEY)).await, kms.table(&service, None).await] {
        let error = table.audit_key().await.unwrap_err().to_string();
        assert!(error.contains("has no seal"), "{error}");
        let error = table.digest_key().await.unwrap_err().to_string();
        assert!(error.contains("has no seal"), "{error}");
    }
    for key in [Key::audit_key(), Key::digest_key()] {
        assert!(!is_sealed(&service, &key).await, "and is not sealed: {key:?}");
    }
}
