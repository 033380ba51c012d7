//! The cache of the published signing keys in a function that verifies tokens (rule O5).

use std::sync::{Arc, PoisonError, RwLock};

use super::signing::read;
use super::succession::{CACHE_SECONDS, PublishedKey, PublishedKeys};
use crate::domain::error::Result;
use crate::env::Timestamp;
use crate::store::Table;

/// How soon an unknown key id may cause another read, in seconds.
const UNKNOWN_KID_SECONDS: i64 = 30;

/// The cache of the published keys in a function that verifies tokens.
#[derive(Clone)]
pub struct PublishedKeyCache {
    table: Table,
    cached: Arc<RwLock<Option<CachedKeys>>>,
}

/// The keys as last read, when that was, and when an unknown key id last caused a read.
#[derive(Clone)]
struct CachedKeys {
    read_at: Timestamp,
    unknown_at: Option<Timestamp>,
    state: Arc<PublishedKeys>,
}

impl PublishedKeyCache {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, cached: Arc::default() }
    }

    /// The key with this id, read again when it is not known; of unknown ids only one in 30 seconds
    /// causes a read.
    pub async fn find(&self, kid: &str) -> Result<Option<PublishedKey>> {
        let now = self.table.env().clock.now();
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut unknown_at = None;
        if let Some(cached) = cached {
            let since = |time: Timestamp| now.seconds() - time.seconds();
            let found = cached.state.published(now).find(|key| key.kid == kid);
            if found.is_some() && since(cached.read_at) < CACHE_SECONDS {
                return Ok(found.cloned());
            }
            unknown_at = cached.unknown_at;
            // Before the first key exists there is nothing to protect from repeated reads.
            if found.is_none() && !cached.state.is_empty() {
                if unknown_at.is_some_and(|at| since(at) < UNKNOWN_KID_SECONDS) {
                    return Ok(None);
                }
                unknown_at = Some(now);
            }
        }
        let state =
            Arc::new(read(&self.table).await?.map(|stored| stored.value).unwrap_or_default());
        let cached = CachedKeys { read_at: now, unknown_at, state: state.clone() };
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(cached);
        Ok(state.published(now).find(|key| key.kid == kid).cloned())
    }
}
