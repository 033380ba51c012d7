//! The key of the audit: it authenticates all chains of the service, and seals the values of
//! entries.
//!
//! The first process that needs the key makes it. It is stored as private keys are: sealed with the
//! KMS key where there is one. Each process keeps it.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::hmac;
use tokio::sync::OnceCell;

use crate::auth::signing::{self, Sealing, sealing};
use crate::domain::audit::Chain;
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::domain::versioned::{Version, WriteLog};
use crate::store::item::Item;
use crate::store::keys::Key;
use crate::store::table::Table;
use crate::store::write::{CommitError, Condition, Write};

/// How often the key is read again after it was made, here or elsewhere.
const TURNS: u32 = 4;
/// The name of the key that links entries.
const CHAIN: &[u8] = b"chain";
/// The name of what the keys of entries' values are derived from.
const VALUES: &[u8] = b"entry";
/// The name of what tells the key from others.
const FINGERPRINT: &[u8] = b"fingerprint";

/// The key of the audit.
pub struct AuditKey {
    root: hmac::Key,
    chain: hmac::Key,
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey")
    }
}

impl AuditKey {
    fn of(secret: &[u8]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let chain = hmac::Key::new(hmac::HMAC_SHA256, &tag(&root, &[CHAIN]));
        Self { root, chain }
    }

    /// What tells the key from others without telling it: 16 hex digits. Each load of the key is
    /// logged with it, outside the table.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = digest(&SHA256, &tag(&self.root, &[FINGERPRINT]));
        let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
        format!("{:016x}", u64::from_be_bytes(first))
    }

    /// The code of the content of an item that verification keeps for itself.
    #[must_use]
    pub fn code_of(&self, item: &str, content: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.authenticate(&[b"item", item.as_bytes(), content]))
    }

    /// The code of these parts under the key that links entries.
    pub(super) fn authenticate(&self, parts: &[&[u8]]) -> [u8; 32] {
        tag(&self.chain, parts)
    }

    /// The key that seals the values of the entry with this salt.
    pub(super) fn of_values(&self, tenant: &TenantId, chain: Chain, salt: &[u8]) -> [u8; 32] {
        let chain = chain.to_string();
        tag(&self.root, &[VALUES, tenant.as_str().as_bytes(), chain.as_bytes(), salt])
    }
}

/// The code of these parts: each is preceded by its length, so no two lists have the same bytes.
fn tag(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.sign().as_ref().first_chunk::<32>().copied().unwrap_or_default()
}

/// The key as a process holds it, and how it opens the stored one.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct AuditKeys {
    sealing: Option<Sealing>,
    loaded: Arc<OnceCell<AuditKey>>,
}

impl Table {
    /// The table with the audit's key sealed, and opened, by this KMS key.
    #[must_use]
    pub fn with_sealing(self, sealing: &Sealing) -> Self {
        let sealing = Some(sealing.for_audit());
        Self { audit: AuditKeys { sealing, loaded: Arc::default() }, ..self }
    }

    /// The key of the audit; made if there is none.
    pub async fn audit_key(&self) -> Result<&AuditKey> {
        self.audit.loaded.get_or_try_init(|| self.load_audit_key()).await
    }

    /// The key of the audit if this process has it.
    #[must_use]
    pub fn loaded_audit_key(&self) -> Option<&AuditKey> {
        self.audit.loaded.get()
    }

    /// Stores the key of the audit with a seal, if there is a key and it has none. The token function
    /// does so before it notes that private keys are sealed: from then on a key without a seal is
    /// refused.
    pub(crate) async fn seal_audit_key(&self, sealing: &Sealing) -> Result<()> {
        let key = Key::audit_key();
        let Some(by) = sealing.key() else { return Ok(()) };
        let Some(item) = self.get(&key).await? else { return Ok(()) };
        if item.get_text("sealed").is_some() {
            return Ok(());
        }
        let sealing = sealing.for_audit();
        let secret = sealing::secret(Some(&sealing), &key, &item).await?;
        self.put_audit_key(Some(&sealing), &item, Some(by), &secret).await
    }

    /// Stores the key of the audit without a seal; whether it had one. A process that is to seal
    /// it does so at its next start.
    pub async fn unseal_audit_key(&self) -> Result<bool> {
        let key = Key::audit_key();
        let Some(item) = self.get(&key).await? else { return Ok(false) };
        if item.get_text("sealed").is_none() {
            return Ok(false);
        }
        let sealing = self.audit.sealing.as_ref();
        let secret = sealing::secret(sealing, &key, &item).await?;
        self.put_audit_key(sealing, &item, None, &secret).await.map(|()| true)
    }

    async fn load_audit_key(&self) -> Result<AuditKey> {
        let key = Key::audit_key();
        let sealing = self.audit.sealing.as_ref();
        let wanted = sealing.and_then(Sealing::key).map(str::to_owned);
        let mut made = false;
        for _ in 0..TURNS {
            if let Some(item) = self.get(&key).await? {
                if item.get_text("sealed").is_none() {
                    self.refuse_planted_key().await?;
                }
                let secret = sealing::secret(sealing, &key, &item).await?;
                if wanted.is_some()
                    && item.get_text("sealed_by") != wanted.as_deref()
                    && let Err(error) =
                        self.put_audit_key(sealing, &item, wanted.as_deref(), &secret).await
                {
                    // The next process tries again.
                    tracing::error!(operation = "seal", cause = %error, "cannot seal a key now");
                }
                let key = AuditKey::of(&secret);
                // A comparison of this line with earlier ones shows another key.
                tracing::info!(operation = "audit_key", fingerprint = key.fingerprint(), made);
                return Ok(key);
            }
            // Where private keys are sealed, this one is never stored as it is.
            let by = match &wanted {
                Some(by) => Some(by.clone()),
                None => signing::sealed_by(self).await?,
            };
            let secret: [u8; 32] = self.env.random.bytes();
            let item = sealing::item(sealing, by.as_deref(), &key, &secret, &self.env).await?;
            let item = item.guarded(Version::FIRST, &WriteLog::default());
            match self.commit(vec![Write::Put(item, Condition::Absent)]).await {
                Ok(()) => made = true,
                // Another process's: the stored one holds.
                Err(CommitError::Conditions(_) | CommitError::Contended) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Error::Unavailable("the key of the audit cannot be stored".to_owned()))
    }

    /// Refuses a key without a seal where private keys are sealed: somebody put it there.
    async fn refuse_planted_key(&self) -> Result<()> {
        match signing::sealed_by(self).await? {
            None => Ok(()),
            Some(by) => Err(Error::unexpected(format_args!(
                "the key of the audit (`K#audit`) has no seal, but the private keys are sealed with \
                 `{by}`; somebody has put it there: see docs/operating/keys.md"
            ))),
        }
    }

    /// Stores the key in another form, unless another process has.
    async fn put_audit_key(
        &self,
        sealing: Option<&Sealing>,
        read: &Item,
        by: Option<&str>,
        secret: &[u8],
    ) -> Result<()> {
        let item = sealing::item(sealing, by, &Key::audit_key(), secret, &self.env).await?;
        let version = read.version().unwrap_or(Version::FIRST);
        let item = item.guarded(version.next(), &read.log());
        match self.commit(vec![Write::Put(item, Condition::Version(version))]).await {
            Ok(()) | Err(CommitError::Conditions(_) | CommitError::Contended) => Ok(()),
            Err(failed) => Err(failed.into()),
        }
    }
}
