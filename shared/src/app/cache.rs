//! The cache of a function: values that it has read and may reuse for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::env::Timestamp;

/// How long read configuration is trusted, in seconds.
pub const CACHE_SECONDS: i64 = 30;
/// The most clients and tenants that one function remembers.
const MAX_CACHED: usize = 1000;

/// Values by their keys, each with the time at which it was read.
pub(super) struct Cache<K, V>(Mutex<HashMap<K, (Timestamp, Arc<V>)>>);

impl<K: std::hash::Hash + Eq + Clone, V> Cache<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    pub(super) fn get(&self, key: &K) -> Option<(Timestamp, Arc<V>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(super) fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(super) fn put(&self, key: &K, value: Arc<V>, now: Timestamp) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_CACHED && !entries.contains_key(key) {
            entries.retain(|_, (read_at, _)| is_young(*read_at, now));
        }
        if entries.len() < MAX_CACHED || entries.contains_key(key) {
            entries.insert(key.clone(), (now, value));
        }
    }
}

impl<K: std::hash::Hash + Eq, V> Cache<K, V> {
    /// Replaces the cached value if `fits` accepts the cached one. This does not extend its time in
    /// the cache.
    pub(super) fn amend(&self, key: &K, value: &Arc<V>, fits: impl FnOnce(&V) -> bool) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cached)) = entries.get_mut(key)
            && fits(cached)
        {
            *cached = value.clone();
        }
    }
}

/// Whether a value that was read at `read_at` may still be used.
pub(super) fn is_young(read_at: Timestamp, now: Timestamp) -> bool {
    (0..CACHE_SECONDS * 1000).contains(&(now.millis() - read_at.millis()))
}
