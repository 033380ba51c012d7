//! Keys that others publish at a URL, remembered.
//!
//! A set is fetched again when it is five minutes old, and when a signature names a key that is not
//! in it. An attacker who names keys that do not exist causes at most one fetch in 30 seconds for
//! each URL. So does a server that does not answer. While a server fails, its last set stays in use
//! for a day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::jwk::JwkSet;
use crate::env::{Clock, Timestamp};
use crate::fetch::{FetchError, Fetcher};

/// How long a set is trusted, in seconds.
pub const TRUSTED_SECONDS: i64 = 300;
/// How many seconds after an unknown key, or after a failure, no other unknown key causes a fetch.
pub const REST_SECONDS: i64 = 30;
/// The most age of a set that is used because the server fails, in seconds: a day.
pub const STALE_SECONDS: i64 = 24 * 3600;
/// The most URLs in the cache; the least recently used one is dropped first.
pub const MAX_URLS: usize = 100;

/// The keys of other servers; clones share the cache.
#[derive(Clone)]
pub struct RemoteKeys(Arc<RemoteKeysState>);

struct RemoteKeysState {
    fetcher: Fetcher,
    clock: Clock,
    sets: Mutex<HashMap<String, (Timestamp, Arc<PublishedSet>)>>,
}

/// A URL at which keys are published.
#[derive(Default)]
struct PublishedSet {
    cached: Mutex<CachedSet>,
    /// Locked by the call that fetches.
    fetching: tokio::sync::Mutex<()>,
}

/// The cached state of a URL.
#[derive(Default)]
struct CachedSet {
    /// The last set, and when it was requested.
    set: Option<(Timestamp, Arc<JwkSet>)>,
    /// The last failure.
    failed: Option<(Timestamp, FetchError)>,
    /// When an unknown key last caused a fetch.
    missed: Option<Timestamp>,
}

fn is_within(seconds: i64, since: Timestamp, now: Timestamp) -> bool {
    (0..seconds * 1000).contains(&(now.millis() - since.millis()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CachedSet {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.set.as_ref().is_some_and(|(at, _)| is_within(TRUSTED_SECONDS, *at, now))
    }

    /// The answer from the cache; `None` if a fetch is needed.
    fn answer(&self, kid: Option<&str>, now: Timestamp) -> Option<Result<Arc<JwkSet>, FetchError>> {
        let rests = |since: Timestamp| is_within(REST_SECONDS, since, now);
        if let Some((_, set)) = self.set.as_ref().filter(|_| self.is_fresh(now))
            && (kid.is_none_or(|kid| set.has(kid)) || self.missed.is_some_and(rests))
        {
            return Some(Ok(set.clone()));
        }
        let (_, error) = self.failed.as_ref().filter(|(at, _)| rests(*at))?;
        Some(self.in_place_of(error, now))
    }

    /// The last set, if it is new enough to be used while the server fails.
    fn in_place_of(&self, error: &FetchError, now: Timestamp) -> Result<Arc<JwkSet>, FetchError> {
        let usable = self.set.as_ref().filter(|(at, _)| is_within(STALE_SECONDS, *at, now));
        usable.map(|(_, set)| set.clone()).ok_or_else(|| error.clone())
    }

    /// Stores the result of a fetch that was made for the key `kid`.
    fn store(
        &mut self,
        fetched: Result<JwkSet, FetchError>,
        kid: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<JwkSet>, FetchError> {
        match fetched {
            Ok(set) => {
                if self.is_fresh(now) || kid.is_some_and(|kid| !set.has(kid)) {
                    self.missed = Some(now);
                }
                let (_, set) = self.set.insert((now, Arc::new(set)));
                Ok(set.clone())
            }
            Err(error) => {
                let answer = self.in_place_of(&error, now);
                self.failed = Some((now, error));
                answer
            }
        }
    }
}

impl RemoteKeys {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(fetcher: Fetcher, clock: Clock) -> Self {
        Self(Arc::new(RemoteKeysState { fetcher, clock, sets: Mutex::default() }))
    }

    /// The keys that are published at a URL, fetched if they are old; `kid` is the key that a
    /// signature names, if it names one. Whether it is among them is for the caller to see
    /// ([`JwkSet::candidates`]).
    pub async fn keys_at(&self, url: &str, kid: Option<&str>) -> Result<Arc<JwkSet>, FetchError> {
        let now = self.0.clock.now();
        let published = self.published(url, now);
        if let Some(answer) = lock(&published.cached).answer(kid, now) {
            return answer;
        }
        let (keys, url, kid) = (self.clone(), url.to_owned(), kid.map(str::to_owned));
        // In a task of its own: a caller who leaves neither ends a fetch that others wait for nor
        // causes another.
        let fetching =
            tokio::spawn(async move { keys.fetch(&published, &url, kid.as_deref()).await });
        fetching.await.unwrap_or_else(|error| Err(FetchError::Connection(error.to_string())))
    }

    async fn fetch(
        &self,
        published: &PublishedSet,
        url: &str,
        kid: Option<&str>,
    ) -> Result<Arc<JwkSet>, FetchError> {
        let _fetching = published.fetching.lock().await;
        let now = self.0.clock.now();
        // An earlier caller may have fetched for this one too.
        if let Some(answer) = lock(&published.cached).answer(kid, now) {
            return answer;
        }
        let fetched = self.0.fetcher.get(url).await;
        let read = fetched.and_then(|body| {
            JwkSet::parse(&body).map_err(|_| FetchError::Content("expected a JWK set"))
        });
        if let Err(error) = &read {
            // The rest of a URL may hold a secret.
            let host = url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned));
            tracing::warn!(host, cause = %error, "fetch");
        }
        lock(&published.cached).store(read, kid, now)
    }

    fn published(&self, url: &str, now: Timestamp) -> Arc<PublishedSet> {
        let mut sets = lock(&self.0.sets);
        if let Some((used_at, published)) = sets.get_mut(url) {
            *used_at = now;
            return published.clone();
        }
        if sets.len() >= MAX_URLS {
            let oldest =
                sets.iter().min_by_key(|(_, (used_at, _))| *used_at).map(|(url, _)| url.clone());
            oldest.and_then(|url| sets.remove(&url));
        }
        let published = Arc::<PublishedSet>::default();
        sets.insert(url.to_owned(), (now, published.clone()));
        published
    }
}
