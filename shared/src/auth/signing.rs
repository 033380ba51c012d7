//! Signing keys: made, published and retired by the service itself, on schedule and on command
//! (rule O8).
//!
//! The public half of each key stands with absolute times in one item that every function reads;
//! the private half stands in a partition that the token function alone may read.

mod change;
pub(crate) mod sealing;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::sync::Mutex;

pub use self::change::{KeyRevocation, KeyRotation};
pub use self::sealing::{CONTEXT, Sealing};
use super::signer::PrivateKey;
use super::succession::{ALGORITHMS, PublishedKey, PublishedKeys};
use crate::domain::error::{Error, Result};
use crate::domain::jwk::Algorithm;
use crate::domain::versioned::Versioned;
use crate::env::Timestamp;
use crate::store::{Key, Table};

/// How long a token function signs by what it has read, in seconds: so long, it may sign with a key
/// that was revoked.
const SIGNER_SECONDS: i64 = 60;

/// How often the keys are read again because the signing key was revoked meanwhile.
const RELOADS: u32 = 8;

/// The published keys.
pub(super) async fn read(table: &Table) -> Result<Option<Versioned<PublishedKeys>>> {
    table.get(&Key::public_keys()).await?.map(|item| item.read()).transpose()
}

/// The signing keys as the token function loads them, and as the operator's commands change them.
#[derive(Clone)]
pub struct SigningKeys {
    table: Table,
    loaded: Arc<[KeySlot; ALGORITHMS.len()]>,
    refresh: Arc<OnceLock<Arc<[u8; 32]>>>,
    sealing: Option<Sealing>,
}

/// The loaded key of one algorithm; one call at a time loads it.
#[derive(Default)]
struct KeySlot {
    loaded: RwLock<Option<LoadedKey>>,
    loading: Mutex<()>,
}

/// A private key that has been loaded, and until when it signs.
#[derive(Clone)]
struct LoadedKey {
    read_at: Timestamp,
    signs_until: Timestamp,
    key: Arc<PrivateKey>,
}

impl KeySlot {
    /// The loaded key, if it may sign now and was read in the last `seconds`.
    fn loaded(&self, now: Timestamp, seconds: i64) -> Option<LoadedKey> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded
            .as_ref()
            .filter(|loaded| {
                now < loaded.signs_until && now.seconds() - loaded.read_at.seconds() < seconds
            })
            .cloned()
    }
}

impl SigningKeys {
    /// Reads nothing yet. Private keys are stored unsealed, and sealed keys cannot be read.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, loaded: Arc::default(), refresh: Arc::default(), sealing: None }
    }

    /// Reads sealed private keys too, and seals the keys that it stores.
    #[must_use]
    pub fn with_sealing(self, sealing: Sealing) -> Self {
        Self { sealing: Some(sealing), ..self }
    }

    /// The key that signs with this algorithm now; made, or succeeded, when its time has come.
    pub async fn current(&self, algorithm: Algorithm) -> Result<Arc<PrivateKey>> {
        let slot = self.slot(algorithm)?;
        let now = self.now();
        if let Some(loaded) = slot.loaded(now, SIGNER_SECONDS) {
            return Ok(loaded.key);
        }
        // One call reads the state and makes a successor if it is time. The others use the cached
        // key meanwhile.
        let _loading = match (slot.loading.try_lock(), slot.loaded(now, 2 * SIGNER_SECONDS)) {
            (Ok(loading), _) => loading,
            (Err(_), Some(loaded)) => return Ok(loaded.key),
            (Err(_), None) => slot.loading.lock().await,
        };
        if let Some(loaded) = slot.loaded(now, SIGNER_SECONDS) {
            return Ok(loaded.key);
        }
        let fresh = self.load(algorithm, now, slot.loaded(now, i64::MAX)).await?;
        let key = fresh.key.clone();
        *slot.loaded.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        Ok(key)
    }

    /// The key under which refresh tokens are authenticated.
    pub async fn refresh_key(&self) -> Result<Arc<[u8; 32]>> {
        if self.refresh.get().is_none() {
            self.current(Algorithm::Es256).await?;
        }
        self.load_refresh_key().await
    }

    /// Makes sure that there is a key of this algorithm, so that it is published before the first
    /// token is signed with it.
    pub async fn prepare(&self, algorithm: Algorithm) -> Result<()> {
        self.with_successors(self.now(), |needed, _| needed == algorithm).await?;
        Ok(())
    }

    /// All keys that are published now; keys that the algorithms in use lack are made.
    pub async fn published(&self) -> Result<Vec<PublishedKey>> {
        let now = self.now();
        let in_use = |algorithm, state: &PublishedKeys| {
            algorithm == Algorithm::Es256 || state.count(algorithm, now) > 0
        };
        let state = self.with_successors(now, in_use).await?;
        Ok(state.published(now).cloned().collect())
    }

    /// All keys that are published now, with nothing made.
    pub async fn list(&self) -> Result<Vec<PublishedKey>> {
        let state = read(&self.table).await?.map(|stored| stored.value).unwrap_or_default();
        Ok(state.published(self.now()).cloned().collect())
    }

    fn now(&self) -> Timestamp {
        self.table.env().clock.now()
    }

    fn slot(&self, algorithm: Algorithm) -> Result<&KeySlot> {
        let index = ALGORITHMS.iter().position(|known| *known == algorithm);
        index.and_then(|index| self.loaded.get(index)).ok_or_else(|| {
            Error::unexpected(format_args!("cannot sign access tokens with {algorithm}"))
        })
    }

    async fn load(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
        loaded: Option<LoadedKey>,
    ) -> Result<LoadedKey> {
        for _ in 0..RELOADS {
            let state = self.with_successors(now, |needed, _| needed == algorithm).await?;
            let Some(public) = state.signing(algorithm, now) else {
                return Err(Error::Unavailable("no signing key is current".to_owned()));
            };
            let (read_at, signs_until) = (now, public.sign_until);
            if let Some(loaded) = loaded.as_ref().filter(|loaded| loaded.key.kid() == public.kid) {
                return Ok(LoadedKey { read_at, signs_until, key: loaded.key.clone() });
            }
            let private_key = Key::private_key(&public.kid);
            let (private, _) =
                tokio::try_join!(self.read_private(&private_key), self.load_refresh_key())?;
            // It may have been revoked since the state was read.
            if let Some(private) = private {
                let key = PrivateKey::parse(algorithm, &private, &self.table.env().random)?;
                return Ok(LoadedKey { read_at, signs_until, key: Arc::new(key) });
            }
        }
        Err(Error::unexpected("the table has no signing key of the service"))
    }

    async fn load_refresh_key(&self) -> Result<Arc<[u8; 32]>> {
        if let Some(key) = self.refresh.get() {
            return Ok(key.clone());
        }
        let secret = self.read_private(&Key::refresh_key()).await?.ok_or_else(lacking)?;
        let secret = secret
            .try_into()
            .map_err(|_| Error::unexpected("the refresh token key has 32 bytes"))?;
        Ok(self.refresh.get_or_init(|| Arc::new(secret)).clone())
    }

    /// Reads a private key, sealed or not.
    async fn read_private(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        let Some(item) = self.table.get(key).await? else { return Ok(None) };
        sealing::secret(self.sealing.as_ref(), key, &item).await.map(Some)
    }
}

/// The KMS key that seals the private keys, as their state names it.
pub(crate) async fn sealed_by(table: &Table) -> Result<Option<String>> {
    Ok(read(table).await?.and_then(|state| state.value.sealed_by))
}

/// Reads a stored secret that is not sealed.
pub async fn read_secret(table: &Table, key: &Key) -> Result<Vec<u8>> {
    sealing::unsealed(&table.get(key).await?.ok_or_else(lacking)?)
}

fn lacking() -> Error {
    Error::unexpected("the table lacks a key of the service")
}
