//! The key of the audit: it authenticates all chains of the service, and seals the values of
//! entries.
//!
//! The first process that needs the key makes it. It is stored as private keys are: sealed with the
//! KMS key where there is one. Each process keeps it.

use std::fmt;
use std::sync::Arc;

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

    /// Stores the key of the audit without a seal; whether it had one. A process that is to seal
    /// it does so at its next start.
    pub async fn unseal_audit_key(&self) -> Result<bool> {
        let key = Key::audit_key();
        let Some(item) = self.get(&key).await? else { return Ok(false) };
        if item.get_text("sealed").is_none() {
            return Ok(false);
        }
        let secret = sealing::secret(self.audit.sealing.as_ref(), &key, &item).await?;
        self.put_audit_key(&item, None, &secret).await.map(|()| true)
    }

    async fn load_audit_key(&self) -> Result<AuditKey> {
        let key = Key::audit_key();
        let sealing = self.audit.sealing.as_ref();
        let wanted = sealing.and_then(Sealing::key).map(str::to_owned);
        for _ in 0..TURNS {
            if let Some(item) = self.get(&key).await? {
                let secret = sealing::secret(sealing, &key, &item).await?;
                if wanted.is_some()
                    && item.get_text("sealed_by") != wanted.as_deref()
                    && let Err(error) = self.put_audit_key(&item, wanted.as_deref(), &secret).await
                {
                    // The next process tries again.
                    tracing::error!(operation = "seal", cause = %error, "cannot seal a key now");
                }
                return Ok(AuditKey::of(&secret));
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
                // This one, or another process's: the stored one holds.
                Ok(()) | Err(CommitError::Conditions(_) | CommitError::Contended) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Error::Unavailable("the key of the audit cannot be stored".to_owned()))
    }

    /// Stores the key in another form, unless another process has.
    async fn put_audit_key(&self, read: &Item, by: Option<&str>, secret: &[u8]) -> Result<()> {
        let key = Key::audit_key();
        let version = read.version().unwrap_or(Version::FIRST);
        let item = sealing::item(self.audit.sealing.as_ref(), by, &key, secret, &self.env).await?;
        let item = item.guarded(version.next(), &read.log());
        match self.commit(vec![Write::Put(item, Condition::Version(version))]).await {
            Ok(()) | Err(CommitError::Conditions(_) | CommitError::Contended) => Ok(()),
            Err(failed) => Err(failed.into()),
        }
    }
}
