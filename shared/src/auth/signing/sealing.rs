//! Private keys as they are stored: as base64, or sealed with a KMS key (ADR 0049).
//!
//! KMS makes a data key and returns it twice: plain, and encrypted with the KMS key. Private keys
//! are sealed with the plain data key. The encrypted data key is stored beside them, and only KMS
//! can decrypt it. A process keeps the data key that it used last, so a start asks KMS once.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::aws::Account;
use crate::domain::error::{Error, Result};
use crate::env::Env;
use crate::seal;
use crate::store::{Item, Key};

/// The encryption context of data keys, as name and value. Logs and policies of KMS can name it.
pub const CONTEXT: (&str, &str) = ("kith", "private-keys");

/// Seals and opens private keys with KMS keys of an account; clones share the last data key.
#[derive(Clone, Debug)]
pub struct Sealing {
    account: Account,
    /// The KMS key that seals; without one what the table says holds.
    key: Option<String>,
    last: Arc<Mutex<Option<DataKey>>>,
    /// The value that KMS binds the data keys to.
    context: &'static str,
}

/// A key that KMS made for sealing.
#[derive(Clone)]
struct DataKey {
    /// The ARN of the KMS key.
    by: String,
    /// As KMS encrypted it, in base64.
    encrypted: String,
    plain: [u8; 32],
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKey").field("by", &self.by).finish_non_exhaustive()
    }
}

impl Sealing {
    /// Sealing with this KMS key, by its ARN; without one, as the table's keys are sealed already.
    #[must_use]
    pub fn new(account: Account, key: Option<String>) -> Self {
        Self { account, key, last: Arc::default(), context: CONTEXT.1 }
    }

    /// The same for a key that other functions may use, with data keys of its own that KMS binds to
    /// this value.
    #[must_use]
    pub fn bound_to(&self, context: &'static str) -> Self {
        let (account, key) = (self.account.clone(), self.key.clone());
        Self { account, key, last: Arc::default(), context }
    }

    /// The ARN of the KMS key that private keys are to be sealed with.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// A data key to seal with: the last one, or a new one.
    async fn data_key(&self, by: &str) -> Result<DataKey> {
        let mut last = self.last.lock().await;
        if let Some(known) = last.as_ref().filter(|known| known.by == by) {
            return Ok(known.clone());
        }
        let made = self.ask("GenerateDataKey", by, json!({ "KeySpec": "AES_256" })).await?;
        let encrypted = text(&made, "CiphertextBlob")?.to_owned();
        let made = DataKey { by: by.to_owned(), encrypted, plain: plain(&made)? };
        Ok(last.insert(made).clone())
    }

    /// The data key that KMS encrypted.
    async fn decrypt(&self, by: &str, encrypted: &str) -> Result<DataKey> {
        let mut last = self.last.lock().await;
        if let Some(known) = last.as_ref().filter(|known| known.encrypted == encrypted) {
            return Ok(known.clone());
        }
        let opened = self.ask("Decrypt", by, json!({ "CiphertextBlob": encrypted })).await?;
        let opened =
            DataKey { by: by.to_owned(), encrypted: encrypted.to_owned(), plain: plain(&opened)? };
        Ok(last.insert(opened).clone())
    }

    async fn ask(&self, operation: &str, by: &str, mut body: Value) -> Result<Value> {
        if let Some(body) = body.as_object_mut() {
            body.insert("KeyId".to_owned(), by.into());
            body.insert("EncryptionContext".to_owned(), json!({ CONTEXT.0: self.context }));
        }
        let kms = self.account.service("kms", by);
        let answer = kms.call("1.1", &format!("TrentService.{operation}"), &body).await;
        answer.map_err(|error| error.of(&format!("KMS {operation} with `{by}`")))
    }
}

fn text<'a>(answer: &'a Value, name: &str) -> Result<&'a str> {
    let text = answer.get(name).and_then(Value::as_str);
    text.ok_or_else(|| Error::unexpected(format_args!("an answer of KMS has no {name}")))
}

fn plain(answer: &Value) -> Result<[u8; 32]> {
    let bytes = STANDARD.decode(text(answer, "Plaintext")?).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Error::unexpected("expected a data key of 32 bytes from KMS"))
}

/// The item of a private key, sealed with a KMS key if one is named.
pub(crate) async fn item(
    sealing: Option<&Sealing>,
    by: Option<&str>,
    key: &Key,
    secret: &[u8],
    env: &Env,
) -> Result<Item> {
    let item = Item::at(key);
    let Some(by) = by else { return Ok(item.text("secret", STANDARD.encode(secret))) };
    let data_key = sealing.ok_or_else(|| lacks_sealing(by))?.data_key(by).await?;
    let sealed = seal::seal(&data_key.plain, key.sk(), secret.to_vec(), env)?;
    Ok(item
        .text("sealed", STANDARD.encode(sealed))
        .text("data_key", data_key.encrypted)
        .text("sealed_by", data_key.by))
}

/// The private key of an item, opened if it is sealed.
pub(crate) async fn secret(sealing: Option<&Sealing>, key: &Key, item: &Item) -> Result<Vec<u8>> {
    let Some(sealed) = item.get_text("sealed") else { return unsealed(item) };
    let by = item.get_text("sealed_by").unwrap_or_default();
    let encrypted = item.get_text("data_key").unwrap_or_default();
    let data_key = sealing.ok_or_else(|| lacks_sealing(by))?.decrypt(by, encrypted).await?;
    let sealed = STANDARD.decode(sealed).ok();
    sealed.and_then(|sealed| seal::open(&data_key.plain, key.sk(), &sealed)).ok_or_else(unreadable)
}

/// The key of an item that is not sealed.
pub(super) fn unsealed(item: &Item) -> Result<Vec<u8>> {
    let text = item.get_text("secret").unwrap_or_default();
    STANDARD.decode(text).map_err(|_| unreadable())
}

fn unreadable() -> Error {
    Error::unexpected("cannot read a stored key of the service")
}

fn lacks_sealing(by: &str) -> Error {
    Error::unexpected(format_args!(
        "the private keys are sealed with `{by}`; set the parameter SealingKeyArn to it"
    ))
}
