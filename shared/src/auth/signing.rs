//! Signing keys: made, published and retired by the service itself (rule O8).
//!
//! The public half of each key stands with absolute times in one item that every function reads; the private half stands in a
//! partition that the token function alone may read. A key is published long enough before it signs that every cache has it, and
//! stays published until the last token that it signed has expired.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::signer::Es256Key;
use crate::domain::error::{Error, Result};
use crate::domain::versioned::Versioned;
use crate::store::{Condition, Failed, Item, Key, Table, Write};
use crate::world::Timestamp;

/// How long clients may cache the JWKS, in seconds.
pub const JWKS_MAX_AGE: i64 = 300;
/// How long a function trusts the public keys it has read, in seconds.
const CACHE_SECONDS: i64 = 300;
/// How soon an unknown key id may cause another read, in seconds.
const UNKNOWN_KID_SECONDS: i64 = 30;
/// How long a key signs, in seconds: 30 days.
const SIGN_SECONDS: i64 = 30 * 24 * 3600;
/// How long before its turn a key is published, in seconds.
const PUBLISH_SECONDS: i64 = JWKS_MAX_AGE + CACHE_SECONDS + 60;
/// How far the clock of another instance may be behind when the first key is made, in seconds.
const SKEW_SECONDS: i64 = 60;
/// How long before the end of a key's turn its successor is made, in seconds: a day.
const SUCCEED_SECONDS: i64 = 24 * 3600;
/// The longest life of an access token, in seconds: a day.
pub const LONGEST_TOKEN: i64 = 24 * 3600;

/// One published key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// The id.
    pub kid: String,
    /// The x coordinate, base64url.
    pub x: String,
    /// The y coordinate, base64url.
    pub y: String,
    /// It signs from this time on.
    pub sign_from: Timestamp,
    /// It signs until this time.
    pub sign_until: Timestamp,
    /// It is published until this time.
    pub drop_at: Timestamp,
}

/// All published keys, as they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    keys: Vec<PublicKey>,
    /// How many of [`OTHERS`] there are.
    #[serde(default = "two")]
    others: usize,
}

/// The service's other keys, in the order in which the service came to need them: a table from before gets what it lacks.
const OTHERS: [fn() -> Key; 3] = [Key::refresh_key, Key::cursor_key, Key::hash_key];

const fn two() -> usize {
    2
}

impl State {
    fn published(&self, now: Timestamp) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter().filter(move |key| key.drop_at > now)
    }

    fn signing(&self, now: Timestamp) -> Option<&PublicKey> {
        self.keys.iter().filter(|key| key.sign_from <= now && now < key.sign_until).max_by_key(|key| key.sign_from)
    }

    /// Whether a successor of the key that signs now is due.
    fn is_due(&self, now: Timestamp) -> bool {
        let last = self.keys.iter().map(|key| key.sign_until).max();
        last.is_none_or(|last| last <= now.plus_seconds(SUCCEED_SECONDS))
    }
}

/// The published keys as a function that verifies knows them.
#[derive(Clone)]
pub struct PublicKeys {
    table: Table,
    known: Arc<RwLock<Option<Known>>>,
}

/// What was read, and when.
type Known = (Timestamp, Arc<State>);

impl PublicKeys {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, known: Arc::default() }
    }

    /// The key with this id, read again when it is not known; of unknown ids only one in 30 seconds causes a read.
    pub async fn find(&self, kid: &str) -> Result<Option<PublicKey>> {
        let now = self.table.world().clock.now();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read_at, state)) = known {
            let found = state.published(now).find(|key| key.kid == kid).cloned();
            let age = now.seconds() - read_at.seconds();
            let trusted = if found.is_some() { CACHE_SECONDS } else { UNKNOWN_KID_SECONDS };
            // Before the first key exists there is nothing to protect from repeated reads.
            if age < trusted && !state.keys.is_empty() {
                return Ok(found);
            }
        }
        let state = self.read(now).await?;
        Ok(state.published(now).find(|key| key.kid == kid).cloned())
    }

    /// All keys that are published now.
    pub async fn all(&self) -> Result<Vec<PublicKey>> {
        let now = self.table.world().clock.now();
        let state = self.read(now).await?;
        Ok(state.published(now).cloned().collect())
    }

    async fn read(&self, now: Timestamp) -> Result<Arc<State>> {
        let item = self.table.get(&Key::public_keys()).await?;
        let state = item.map(|item| item.read::<State>()).transpose()?.map(|stored| stored.value).unwrap_or_default();
        let state = Arc::new(state);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some((now, state.clone()));
        Ok(state)
    }
}

/// The signing keys as the token function holds them.
#[derive(Clone)]
pub struct SigningKeys {
    table: Table,
    held: Arc<Mutex<Option<Held>>>,
}

struct Held {
    read_at: Timestamp,
    state: Versioned<State>,
    key: Arc<Es256Key>,
    signs_until: Timestamp,
    refresh: Arc<[u8; 32]>,
}

impl SigningKeys {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, held: Arc::default() }
    }

    /// The key that signs now; made, or succeeded, when that is due.
    pub async fn current(&self) -> Result<Arc<Es256Key>> {
        self.with_held(|held| held.key.clone()).await
    }

    /// The key under which refresh tokens are authenticated.
    pub async fn refresh_key(&self) -> Result<Arc<[u8; 32]>> {
        self.with_held(|held| held.refresh.clone()).await
    }

    async fn with_held<T>(&self, take: impl FnOnce(&Held) -> T) -> Result<T> {
        let now = self.table.world().clock.now();
        let mut held = self.held.lock().await;
        if let Some(held) = &*held
            && now < held.signs_until
            && now.seconds() - held.read_at.seconds() < CACHE_SECONDS
            && !held.state.value.is_due(now)
        {
            return Ok(take(held));
        }
        let fresh = self.load(now).await?;
        let taken = take(&fresh);
        *held = Some(fresh);
        Ok(taken)
    }

    async fn load(&self, now: Timestamp) -> Result<Held> {
        for turn in 1..=8 {
            let item = self.table.get(&Key::public_keys()).await?;
            let stored = item.map(|item| item.read::<State>()).transpose()?;
            let lacks = stored.as_ref().is_some_and(|stored| stored.value.others < OTHERS.len());
            if lacks || stored.as_ref().is_none_or(|stored| stored.value.is_due(now)) {
                match self.succeed(stored, now).await {
                    // Ours or another's: read what is there now.
                    Ok(()) | Err(Failed::Conditions(_)) => {}
                    Err(Failed::Contended) => self.table.pause(turn).await,
                    Err(failed) => return Err(failed.into()),
                }
                continue;
            }
            let Some(state) = stored else { continue };
            let Some(public) = state.value.signing(now) else {
                return Err(Error::Unavailable("no signing key is in its turn".to_owned()));
            };
            let (private, refresh) =
                tokio::try_join!(self.secret(Key::private_key(&public.kid)), self.secret(Key::refresh_key()))?;
            let key = Arc::new(Es256Key::parse(&private, &self.table.world().random)?);
            let refresh = refresh.try_into().map_err(|_| Error::unexpected("the refresh token key has 32 bytes"))?;
            return Ok(Held { read_at: now, signs_until: public.sign_until, key, refresh: Arc::new(refresh), state });
        }
        Err(Failed::Contended.into())
    }

    /// Makes the next signing key if it is due, the first of which signs at once, and the other keys that the service lacks.
    async fn succeed(&self, stored: Option<Versioned<State>>, now: Timestamp) -> Result<(), Failed> {
        let known = stored.as_ref().map(|s| &s.value);
        let (mut state, private) = if known.is_none_or(|state| state.is_due(now)) {
            let made = self.make(known, now).map_err(|error| Failed::Broken(format!("{error:?}")))?;
            (made.0, Some(made.1))
        } else {
            (known.cloned().unwrap_or_default(), None)
        };
        let mut writes: Vec<_> = private.into_iter().map(|private| Write::Put(private, Condition::Absent)).collect();
        for key in OTHERS.iter().skip(state.others) {
            let secret = STANDARD.encode(self.table.world().random.bytes::<32>());
            writes.push(Write::Put(Item::at(&key()).text("secret", secret), Condition::Absent));
        }
        state.others = OTHERS.len();
        let item = Item::at(&Key::public_keys());
        writes.push(match stored {
            Some(stored) => {
                let version = stored.version();
                Write::Put(item.versioned(&stored.changed_to(state)), Condition::Version(version))
            }
            None => Write::Put(item.versioned(&Versioned::first(state)), Condition::Absent),
        });
        self.table.commit(writes).await
    }

    fn make(&self, state: Option<&State>, now: Timestamp) -> Result<(State, Item)> {
        let random = &self.table.world().random;
        let pkcs8 = Es256Key::generate(random)?;
        let key = Es256Key::parse(&pkcs8, random)?;
        let (x, y) = key.coordinates()?;
        let mut state = state.cloned().unwrap_or_default();
        state.keys.retain(|key| key.drop_at > now);
        let sign_from = if state.signing(now).is_some() {
            now.plus_seconds(PUBLISH_SECONDS)
        } else {
            now.plus_seconds(-SKEW_SECONDS)
        };
        // The key before signs until this one's turn, even if it was asked for its successor late.
        for key in state.keys.iter_mut().filter(|key| key.sign_from <= now && now < key.sign_until) {
            key.sign_until = key.sign_until.max(sign_from);
            key.drop_at = key.sign_until.plus_seconds(LONGEST_TOKEN + 60);
        }
        let sign_from = state.keys.iter().map(|key| key.sign_until).max().map_or(sign_from, |last| last.max(sign_from));
        let sign_until = sign_from.max(now).plus_seconds(SIGN_SECONDS);
        let drop_at = sign_until.plus_seconds(LONGEST_TOKEN + 60);
        let kid = key.kid().to_owned();
        let private = Item::at(&Key::private_key(&kid)).text("secret", STANDARD.encode(pkcs8)).expiring(drop_at);
        state.keys.push(PublicKey { kid, x, y, sign_from, sign_until, drop_at });
        Ok((state, private))
    }

    async fn secret(&self, key: Key) -> Result<Vec<u8>> {
        read_secret(&self.table, &key).await
    }
}

/// Reads a stored secret.
pub async fn read_secret(table: &Table, key: &Key) -> Result<Vec<u8>> {
    let item = table.get(key).await?.ok_or_else(|| Error::unexpected("a key of the service is missing"))?;
    let text = item.get_text("secret").unwrap_or_default();
    STANDARD.decode(text).map_err(|_| Error::unexpected("a key of the service does not read"))
}

/// The JWK of a public key (RFC 7517 §4): no private member.
#[must_use]
pub fn jwk(key: &PublicKey) -> serde_json::Value {
    serde_json::json!({
        "kty": "EC", "crv": "P-256", "x": key.x, "y": key.y, "kid": key.kid, "alg": "ES256", "use": "sig",
    })
}

/// Random bytes as text for ids that nobody guesses.
#[must_use]
pub fn random_id(bytes: [u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
