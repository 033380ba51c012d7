//! The state of a function for its whole life: the table, the caches, and where it runs.

mod cache;
mod clients;
mod configuration;
mod sessions;
mod tokens;

use std::sync::Arc;

use tokio::sync::OnceCell;

pub use self::cache::CACHE_SECONDS;
use self::cache::Cache;
pub use self::sessions::SignedIn;
use self::tokens::{Digest, TrustingTenants, VerifiedToken};
use crate::auth::{PublishedKeyCache, RemoteKeys, SigningKeys, signing};
use crate::domain::client::Client;
use crate::domain::error::{Error, Result};
use crate::domain::id::{ClientId, TenantId};
use crate::domain::schema::Schema;
use crate::domain::versioned::Versioned;
use crate::env::Env;
use crate::fetch::Fetcher;
use crate::script::Scripts;
use crate::store::{Key, Table};

/// How long a function may still write by definitions that were changed, in seconds: the life of
/// its cache and of a request.
pub const SETTLED_SECONDS: i64 = CACHE_SECONDS + 30;

/// The state of one function.
#[derive(Clone)]
pub struct App(Arc<AppState>);

struct AppState {
    table: Table,
    base_url: Option<String>,
    public_keys: PublishedKeyCache,
    signing_keys: SigningKeys,
    remote_keys: RemoteKeys,
    cursor_key: OnceCell<[u8; 32]>,
    hash_key: OnceCell<Vec<u8>>,
    scripts: Scripts,
    schemas: Cache<TenantId, Schema>,
    clients: Cache<ClientId, Versioned<Client>>,
    callers: Cache<Digest, VerifiedToken>,
    issuers: Cache<Digest, TrustingTenants>,
}

impl App {
    /// Makes the state of a function. `base_url` has no trailing slash; without it each request's
    /// own domain is the base.
    #[must_use]
    pub fn new(table: Table, base_url: Option<String>, scripts: Scripts) -> Self {
        Self::with_fetcher(table, base_url, scripts, Fetcher::default())
    }

    /// Makes the state of a function that reads private keys in its own way.
    #[must_use]
    pub fn with_signing_keys(
        table: Table,
        base_url: Option<String>,
        scripts: Scripts,
        signing_keys: SigningKeys,
    ) -> Self {
        Self::of(table, base_url, scripts, Fetcher::default(), signing_keys)
    }

    /// Makes the state of a function that fetches what others publish in its own way.
    #[must_use]
    pub fn with_fetcher(
        table: Table,
        base_url: Option<String>,
        scripts: Scripts,
        fetcher: Fetcher,
    ) -> Self {
        let signing_keys = SigningKeys::new(table.clone());
        Self::of(table, base_url, scripts, fetcher, signing_keys)
    }

    fn of(
        table: Table,
        base_url: Option<String>,
        scripts: Scripts,
        fetcher: Fetcher,
        signing_keys: SigningKeys,
    ) -> Self {
        Self(Arc::new(AppState {
            public_keys: PublishedKeyCache::new(table.clone()),
            signing_keys,
            remote_keys: RemoteKeys::new(fetcher, table.env().clock.clone()),
            cursor_key: OnceCell::new(),
            hash_key: OnceCell::new(),
            scripts,
            schemas: Cache::new(),
            clients: Cache::new(),
            callers: Cache::new(),
            issuers: Cache::new(),
            base_url,
            table,
        }))
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.0.table
    }

    /// The clock and the randomness.
    #[must_use]
    pub fn env(&self) -> &Env {
        self.0.table.env()
    }

    /// The base URL that was set, if one was.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.0.base_url.as_deref()
    }

    /// The published signing keys.
    #[must_use]
    pub fn public_keys(&self) -> &PublishedKeyCache {
        &self.0.public_keys
    }

    /// The private signing keys; only the token function has the right to read them.
    #[must_use]
    pub fn signing_keys(&self) -> &SigningKeys {
        &self.0.signing_keys
    }

    /// The keys that others publish.
    #[must_use]
    pub fn remote_keys(&self) -> &RemoteKeys {
        &self.0.remote_keys
    }

    /// Runs the scripts of workflows.
    #[must_use]
    pub fn scripts(&self) -> &Scripts {
        &self.0.scripts
    }

    /// The key under which cursors are sealed.
    pub async fn cursor_key(&self) -> Result<&[u8; 32]> {
        let read = async || {
            let secret = signing::read_secret(self.table(), &Key::cursor_key()).await?;
            secret.try_into().map_err(|_| Error::unexpected("the cursor key has 32 bytes"))
        };
        self.0.cursor_key.get_or_try_init(read).await
    }
}
