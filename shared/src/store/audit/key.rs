//! The keys of the audit: one authenticates all chains of the service and seals the values of
//! entries, the other signs digests of exports.
//!
//! The first process that needs a key makes it. It is stored as private keys are: sealed with the
//! KMS key where there is one. Each process keeps it.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::hmac;
use tokio::sync::OnceCell;

use crate::auth::signer::PrivateKey;
use crate::auth::signing::{self, Sealing, sealing};
use crate::domain::audit::Chain;
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::domain::json::Json;
use crate::domain::jwk::{Algorithm, Jwk};
use crate::domain::versioned::{Version, WriteLog};
use crate::store::item::Item;
use crate::store::keys::{Key, LoginKey};
use crate::store::people::LoginKeys;
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

    /// The code of the content of an item that the sweeper keeps for itself.
    pub(super) fn code_of(&self, item: &str, content: &[u8]) -> String {
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

/// The keys as a process holds them, and how it opens the stored ones.
#[derive(Debug, Default)]
pub(in crate::store) struct AuditKeys {
    sealing: Option<Sealing>,
    /// Of the key that signs digests: other functions may not open that.
    of_digests: Option<Sealing>,
    loaded: OnceCell<AuditKey>,
    digests: OnceCell<PrivateKey>,
}

/// The attribute with the public half of the key of digests.
const PUBLIC: &str = "public";

/// What KMS binds the seal of the key of the audit to, and that of the key of digests.
const AUDIT: &str = "audit";
const DIGESTS: &str = "digests";

/// A new key: what is secret of it, and what is public.
type NewKey = (Vec<u8>, Option<String>);

/// A key as it is loaded.
struct OwnKey {
    secret: Vec<u8>,
    public: Option<String>,
    /// Whether this process made it.
    made: bool,
}

impl Table {
    /// The table with the keys of the audit and of the login function sealed, and opened, by this
    /// KMS key.
    #[must_use]
    pub fn with_sealing(self, sealing: &Sealing) -> Self {
        let login = Arc::new(LoginKeys::sealed(sealing));
        let of_digests = Some(sealing.bound_to(DIGESTS));
        let sealing = Some(sealing.bound_to(AUDIT));
        let audit = AuditKeys { sealing, of_digests, ..AuditKeys::default() };
        Self { audit: Arc::new(audit), login, ..self }
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

    /// The key that signs digests of exports; made if there is none.
    pub async fn digest_key(&self) -> Result<&PrivateKey> {
        self.audit.digests.get_or_try_init(|| self.load_digest_key()).await
    }

    /// The public half of the key that signs digests, as a JWK; `None` if there is no such key.
    pub async fn digest_jwk(&self) -> Result<Option<Jwk>> {
        let Some(item) = self.get(&Key::digest_key()).await? else { return Ok(None) };
        let json = Json::parse(item.get_text(PUBLIC).unwrap_or_default().as_bytes()).ok();
        let jwk = json.as_ref().and_then(Json::as_object).and_then(|json| Jwk::read(json).ok());
        jwk.map(Some).ok_or_else(|| Error::unexpected("cannot read the public key of digests"))
    }

    /// Stores the keys of the audit with a seal if they have none. The token function does so before
    /// it notes that private keys are sealed: from then on a key without a seal is refused.
    pub(crate) async fn seal_audit_keys(&self, sealing: &Sealing) -> Result<()> {
        let Some(by) = sealing.key() else { return Ok(()) };
        for (key, context) in [(Key::audit_key(), AUDIT), (Key::digest_key(), DIGESTS)] {
            let Some(item) = self.get(&key).await? else { continue };
            if item.get_text("sealed").is_none() {
                let sealing = sealing.bound_to(context);
                let secret = sealing::secret(Some(&sealing), &key, &item).await?;
                self.put_own_key(Some(&sealing), &item, Some(by), &secret).await?;
            }
        }
        Ok(())
    }

    /// Stores the keys of the audit and of the login function without a seal; how many had one. A
    /// process that is to seal them does so at its next start.
    pub async fn unseal_audit_keys(&self) -> Result<usize> {
        let AuditKeys { sealing, of_digests, .. } = &*self.audit;
        let mut unsealed = 0;
        let of_login = LoginKey::ALL.map(|key| (Key::login_key(key), &self.login.sealing));
        let of_audit = [(Key::audit_key(), sealing), (Key::digest_key(), of_digests)];
        for (key, sealing) in of_audit.into_iter().chain(of_login) {
            let sealing = sealing.as_ref();
            let Some(item) = self.get(&key).await? else { continue };
            if item.get_text("sealed").is_some() {
                let secret = sealing::secret(sealing, &key, &item).await?;
                self.put_own_key(sealing, &item, None, &secret).await?;
                unsealed += 1;
            }
        }
        Ok(unsealed)
    }

    async fn load_audit_key(&self) -> Result<AuditKey> {
        let make = || Ok((self.env.random.bytes::<32>().to_vec(), None));
        let sealing = self.audit.sealing.as_ref();
        let OwnKey { secret, made, .. } =
            self.load_own_key(sealing, &Key::audit_key(), make).await?;
        let key = AuditKey::of(&secret);
        // A comparison of this line with earlier ones shows another key.
        tracing::info!(operation = "audit_key", fingerprint = key.fingerprint(), made);
        Ok(key)
    }

    async fn load_digest_key(&self) -> Result<PrivateKey> {
        let (algorithm, random) = (Algorithm::Es256, &self.env.random);
        let public = |key: &PrivateKey| key.jwk(algorithm).to_json().to_string();
        let make = || {
            let secret = PrivateKey::generate(algorithm, random)?;
            let public = public(&PrivateKey::parse(algorithm, &secret, random)?);
            Ok((secret, Some(public)))
        };
        let sealing = self.audit.of_digests.as_ref();
        let own = self.load_own_key(sealing, &Key::digest_key(), make).await?;
        let key = PrivateKey::parse(algorithm, &own.secret, random)?;
        if own.public != Some(public(&key)) {
            return Err(Error::unexpected(
                "the public key of digests in `K#digests` is not that of the private key; somebody \
                 has put it there: see docs/operating/keys.md",
            ));
        }
        Ok(key)
    }

    /// A key of the audit, which `make` makes if there is none.
    async fn load_own_key(
        &self,
        sealing: Option<&Sealing>,
        key: &Key,
        make: impl Fn() -> Result<NewKey> + Send + Sync,
    ) -> Result<OwnKey> {
        let wanted = sealing.and_then(Sealing::key).map(str::to_owned);
        let mut made = false;
        for _ in 0..TURNS {
            if let Some(item) = self.get(key).await? {
                // A key of the login function gets its seal here: the token function cannot read it.
                if item.get_text("sealed").is_none() && key.pk() != Key::LOGIN_KEYS {
                    self.refuse_planted_key(key).await?;
                }
                let secret = sealing::secret(sealing, key, &item).await?;
                if wanted.is_some()
                    && item.get_text("sealed_by") != wanted.as_deref()
                    && let by = wanted.as_deref()
                    && let Err(error) = self.put_own_key(sealing, &item, by, &secret).await
                {
                    // The next process tries again.
                    tracing::error!(operation = "seal", cause = %error, "cannot seal a key now");
                }
                let public = item.get_text(PUBLIC).map(str::to_owned);
                return Ok(OwnKey { secret, public, made });
            }
            // Where private keys are sealed, this one is never stored as it is.
            let by = match &wanted {
                Some(by) => Some(by.clone()),
                None => signing::sealed_by(self).await?,
            };
            let (secret, public) = make()?;
            let item = sealing::item(sealing, by.as_deref(), key, &secret, &self.env).await?;
            let item = with_public(item, public.as_deref());
            let item = item.guarded(Version::FIRST, &WriteLog::default());
            match self.commit(vec![Write::Put(item, Condition::Absent)]).await {
                Ok(()) => made = true,
                // Another process's: the stored one holds.
                Err(CommitError::Conditions(_) | CommitError::Contended) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Error::Unavailable(format!("a key of `{}` cannot be stored", key.pk())))
    }

    /// A secret key that is stored as those of the audit are, and made if there is none.
    pub(in crate::store) async fn load_secret_key(
        &self,
        sealing: Option<&Sealing>,
        key: &Key,
    ) -> Result<Vec<u8>> {
        let make = || Ok((self.env.random.bytes::<32>().to_vec(), None));
        Ok(self.load_own_key(sealing, key, make).await?.secret)
    }

    /// Refuses a key without a seal where private keys are sealed: somebody put it there.
    async fn refuse_planted_key(&self, key: &Key) -> Result<()> {
        match signing::sealed_by(self).await? {
            None => Ok(()),
            Some(by) => Err(Error::unexpected(format_args!(
                "a key of the audit (`{}`) has no seal, but the private keys are sealed with \
                 `{by}`; somebody has put it there: see docs/operating/keys.md",
                key.pk()
            ))),
        }
    }

    /// Stores a key in another form, unless another process has.
    async fn put_own_key(
        &self,
        sealing: Option<&Sealing>,
        read: &Item,
        by: Option<&str>,
        secret: &[u8],
    ) -> Result<()> {
        let version = read.version().unwrap_or(Version::FIRST);
        let item = sealing::item(sealing, by, &read.key(), secret, &self.env).await?;
        let item = with_public(item, read.get_text(PUBLIC));
        let item = item.guarded(version.next(), &read.log());
        match self.commit(vec![Write::Put(item, Condition::Version(version))]).await {
            Ok(()) | Err(CommitError::Conditions(_) | CommitError::Contended) => Ok(()),
            Err(failed) => Err(failed.into()),
        }
    }
}

fn with_public(item: Item, public: Option<&str>) -> Item {
    if let Some(public) = public { item.text(PUBLIC, public) } else { item }
}
