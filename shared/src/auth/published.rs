//! The published signing keys, as a function that verifies tokens reads and remembers them (rule
//! O5).

use std::sync::{Arc, PoisonError, RwLock};

use super::signing::read;
use super::succession::{CACHE_SECONDS, PublicKey, State};
use crate::domain::error::Result;
use crate::store::Table;
use crate::world::Timestamp;

/// How soon an unknown key id may cause another read, in seconds.
const UNKNOWN_KID_SECONDS: i64 = 30;

/// The published keys as a function that verifies knows them.
#[derive(Clone)]
pub struct PublicKeys {
    table: Table,
    known: Arc<RwLock<Option<Known>>>,
}

/// What was read, and when; and when an unknown id last caused a read.
#[derive(Clone)]
struct Known {
    read_at: Timestamp,
    unknown_at: Option<Timestamp>,
    state: Arc<State>,
}

impl PublicKeys {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, known: Arc::default() }
    }

    /// The key with this id, read again when it is not known; of unknown ids only one in 30 seconds
    /// causes a read.
    pub async fn find(&self, kid: &str) -> Result<Option<PublicKey>> {
        let now = self.table.world().clock.now();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut unknown_at = None;
        if let Some(known) = known {
            let since = |time: Timestamp| now.seconds() - time.seconds();
            let found = known.state.published(now).find(|key| key.kid == kid);
            if found.is_some() && since(known.read_at) < CACHE_SECONDS {
                return Ok(found.cloned());
            }
            unknown_at = known.unknown_at;
            // Before the first key exists there is nothing to protect from repeated reads.
            if found.is_none() && !known.state.is_empty() {
                if unknown_at.is_some_and(|at| since(at) < UNKNOWN_KID_SECONDS) {
                    return Ok(None);
                }
                unknown_at = Some(now);
            }
        }
        let state =
            Arc::new(read(&self.table).await?.map(|stored| stored.value).unwrap_or_default());
        let known = Known { read_at: now, unknown_at, state: state.clone() };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(state.published(now).find(|key| key.kid == kid).cloned())
    }
}
