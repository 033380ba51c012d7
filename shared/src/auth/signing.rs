//! Signing keys: made, published and retired by the service itself, on schedule and on command
//! (rule O8).
//!
//! The public half of each key stands with absolute times in one item that every function reads;
//! the private half stands in a partition that the token function alone may read.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Mutex;

use super::signer::PrivateKey;
use super::succession::{ALGORITHMS, MAX_PUBLISHED, PublicKey, State};
use crate::domain::error::{Error, Result};
use crate::domain::jwk::Algorithm;
use crate::domain::versioned::Versioned;
use crate::store::{Condition, Failed, Item, Key, Table, Write};
use crate::world::Timestamp;

/// How long a token function signs by what it has read, in seconds: so long, it may sign with a key
/// that was revoked.
const SIGNER_SECONDS: i64 = 60;
/// How often a change of the keys is tried that others keep getting in the way of.
const TURNS: u32 = 8;

/// The service's other keys, in the order in which the service came to need them: a table from
/// before gets what it lacks.
const OTHERS: [fn() -> Key; 3] = [Key::refresh_key, Key::cursor_key, Key::hash_key];

/// What is published.
pub(super) async fn read(table: &Table) -> Result<Option<Versioned<State>>> {
    table.get(&Key::public_keys()).await?.map(|item| item.read()).transpose()
}

/// The signing keys as the token function holds them, and as the operator's commands change them.
#[derive(Clone)]
pub struct SigningKeys {
    table: Table,
    held: Arc<[Slot; ALGORITHMS.len()]>,
    refresh: Arc<OnceLock<Arc<[u8; 32]>>>,
}

/// What is held of one algorithm; one call at a time loads it.
#[derive(Default)]
struct Slot {
    held: RwLock<Option<Held>>,
    loading: Mutex<()>,
}

#[derive(Clone)]
struct Held {
    read_at: Timestamp,
    signs_until: Timestamp,
    key: Arc<PrivateKey>,
}

impl Slot {
    /// What is held, if its turn is now and it was read in the last so many seconds.
    fn held(&self, now: Timestamp, seconds: i64) -> Option<Held> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.as_ref()
            .filter(|held| {
                now < held.signs_until && now.seconds() - held.read_at.seconds() < seconds
            })
            .cloned()
    }
}

/// A key that is made and not yet published.
struct Made {
    algorithm: Algorithm,
    stored: Vec<u8>,
    key: PrivateKey,
}

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The new key.
    pub new: PublicKey,
    /// The key that signs until the turn of the new one; `None` if nobody signed.
    pub old: Option<PublicKey>,
}

/// What a revocation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The key that is gone, with the times that it had.
    pub key: PublicKey,
    /// The key of its algorithm that signs now.
    pub signing: Option<PublicKey>,
}

impl SigningKeys {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, held: Arc::default(), refresh: Arc::default() }
    }

    /// The key that signs with this algorithm now; made, or succeeded, when that is due.
    pub async fn current(&self, algorithm: Algorithm) -> Result<Arc<PrivateKey>> {
        let slot = self.slot(algorithm)?;
        let now = self.now();
        if let Some(held) = slot.held(now, SIGNER_SECONDS) {
            return Ok(held.key);
        }
        // One call reads, and makes a successor if that is due; the others go on with the key that
        // they have.
        let _loading = match (slot.loading.try_lock(), slot.held(now, 2 * SIGNER_SECONDS)) {
            (Ok(loading), _) => loading,
            (Err(_), Some(held)) => return Ok(held.key),
            (Err(_), None) => slot.loading.lock().await,
        };
        if let Some(held) = slot.held(now, SIGNER_SECONDS) {
            return Ok(held.key);
        }
        let fresh = self.load(algorithm, now, slot.held(now, i64::MAX)).await?;
        let key = fresh.key.clone();
        *slot.held.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
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
        self.settled(self.now(), |needed, _| needed == algorithm).await?;
        Ok(())
    }

    /// All keys that are published now; what is due of the algorithms in use is made.
    pub async fn published(&self) -> Result<Vec<PublicKey>> {
        let now = self.now();
        let in_use = |algorithm, state: &State| {
            algorithm == Algorithm::Es256 || state.count(algorithm, now) > 0
        };
        let state = self.settled(now, in_use).await?;
        Ok(state.published(now).cloned().collect())
    }

    /// All keys that are published now, with nothing made.
    pub async fn list(&self) -> Result<Vec<PublicKey>> {
        let state = read(&self.table).await?.map(|stored| stored.value).unwrap_or_default();
        Ok(state.published(self.now()).cloned().collect())
    }

    /// Publishes a new key of this algorithm, which signs as soon as every cache has it; the one
    /// that signs now ends then. The first key of an algorithm signs at once. While a successor
    /// waits for such a turn, nothing changes.
    pub async fn rotate(&self, algorithm: Algorithm) -> Result<Rotated> {
        self.slot(algorithm)?;
        let made = self.make(algorithm).await?;
        self.change(|state, now| {
            let signing = state.signing(algorithm, now).map(|key| key.kid.clone());
            let find =
                |state: &State, kid: &str| state.published(now).find(|key| key.kid == kid).cloned();
            // One that was published a moment ago and waits for its turn is the successor that is
            // asked for.
            if let Some(new) = state.waiting(algorithm, now).cloned() {
                let old = signing.and_then(|kid| find(state, &kid));
                return Ok((Rotated { new, old }, Vec::new(), Vec::new()));
            }
            if state.count(algorithm, now) >= MAX_PUBLISHED {
                return Err(Error::Conflict(format!(
                    "{MAX_PUBLISHED} keys for {algorithm} are published; rotate again when one of \
                     them is dropped"
                )));
            }
            let never = state.add(&made.key, algorithm, state.soon(algorithm, now), now);
            let new = find(state, made.key.kid())
                .ok_or_else(|| Error::unexpected("a new key is published"))?;
            let old = signing.and_then(|kid| find(state, &kid));
            Ok((Rotated { new, old }, vec![&made], never))
        })
        .await
    }

    /// Takes back a key that leaked: its public half is no longer published and its private half is
    /// gone, at once. If it was the one that signs, the next one signs from now on; a new one
    /// if there is none.
    pub async fn revoke(&self, kid: &str) -> Result<Revoked> {
        let known = self.list().await?;
        let algorithm = known.iter().find(|key| key.kid == kid).ok_or(Error::NotFound)?.algorithm;
        let made = self.make(algorithm).await?;
        self.change(|state, now| {
            let key = state.remove(kid, now).ok_or(Error::NotFound)?;
            let due = state.is_due(algorithm, now);
            let mut gone = vec![kid.to_owned()];
            if due {
                gone.extend(state.add(&made.key, algorithm, state.next_turn(algorithm, now), now));
            }
            let signing = state.signing(algorithm, now).cloned();
            Ok((Revoked { key, signing }, due.then_some(&made).into_iter().collect(), gone))
        })
        .await
    }

    fn now(&self) -> Timestamp {
        self.table.world().clock.now()
    }

    fn slot(&self, algorithm: Algorithm) -> Result<&Slot> {
        let index = ALGORITHMS.iter().position(|known| *known == algorithm);
        index.and_then(|index| self.held.get(index)).ok_or_else(|| {
            Error::unexpected(format_args!("access tokens are not signed with {algorithm}"))
        })
    }

    async fn load(&self, algorithm: Algorithm, now: Timestamp, held: Option<Held>) -> Result<Held> {
        for _ in 1..=TURNS {
            let state = self.settled(now, |needed, _| needed == algorithm).await?;
            let Some(public) = state.signing(algorithm, now) else {
                return Err(Error::Unavailable("no signing key is in its turn".to_owned()));
            };
            let (read_at, signs_until) = (now, public.sign_until);
            if let Some(held) = held.as_ref().filter(|held| held.key.kid() == public.kid) {
                return Ok(Held { read_at, signs_until, key: held.key.clone() });
            }
            let private_key = Key::private_key(&public.kid);
            let (private, _) =
                tokio::try_join!(self.table.get(&private_key), self.load_refresh_key())?;
            // It may have been revoked since the state was read.
            if let Some(private) = private {
                let key = PrivateKey::parse(
                    algorithm,
                    &secret_of(&private)?,
                    &self.table.world().random,
                )?;
                return Ok(Held { read_at, signs_until, key: Arc::new(key) });
            }
        }
        Err(Error::unexpected("a signing key of the service is missing"))
    }

    async fn load_refresh_key(&self) -> Result<Arc<[u8; 32]>> {
        if let Some(key) = self.refresh.get() {
            return Ok(key.clone());
        }
        let secret = read_secret(&self.table, &Key::refresh_key()).await?;
        let secret = secret
            .try_into()
            .map_err(|_| Error::unexpected("the refresh token key has 32 bytes"))?;
        Ok(self.refresh.get_or_init(|| Arc::new(secret)).clone())
    }

    /// The state after what is due of the algorithms that are needed, and the other keys that the
    /// service lacks, are made. While a key signs, a successor that cannot be made yet fails
    /// nobody.
    async fn settled(
        &self,
        now: Timestamp,
        needed: impl Fn(Algorithm, &State) -> bool,
    ) -> Result<State> {
        let mut made: Vec<Made> = Vec::new();
        for turn in 1..=TURNS {
            let stored = read(&self.table).await?;
            let state = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            let is_due =
                |algorithm: &Algorithm| needed(*algorithm, &state) && state.is_due(*algorithm, now);
            let due: Vec<_> = ALGORITHMS.into_iter().filter(is_due).collect();
            if due.is_empty() && state.others == OTHERS.len() {
                return Ok(state);
            }
            let can_wait = state.others == OTHERS.len()
                && due.iter().all(|due| state.signing(*due, now).is_some());
            match self.succeed(stored, &due, &mut made, now).await {
                // Ours or another's: read what is there now.
                Ok(()) | Err(Failed::Conditions(_)) => {}
                Err(Failed::Contended) => self.table.pause(turn).await,
                Err(failed) if can_wait => {
                    tracing::error!(
                        operation = "succession",
                        ?failed,
                        "the next signing key cannot be made yet"
                    );
                    return Ok(state);
                }
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }

    /// Makes the next key of each algorithm, unless an attempt before has, and adds them and the
    /// other keys that are missing.
    async fn succeed(
        &self,
        stored: Option<Versioned<State>>,
        due: &[Algorithm],
        made: &mut Vec<Made>,
        now: Timestamp,
    ) -> Result<(), Failed> {
        let mut state = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
        for algorithm in due {
            if !made.iter().any(|made| made.algorithm == *algorithm) {
                let new = self.make(*algorithm).await;
                made.push(new.map_err(|error| Failed::Broken(format!("{error:?}")))?);
            }
        }
        let added: Vec<_> = made.iter().filter(|made| due.contains(&made.algorithm)).collect();
        for made in &added {
            state.add(&made.key, made.algorithm, state.next_turn(made.algorithm, now), now);
        }
        self.commit(stored, state, &added, Vec::new(), now).await
    }

    /// Changes the state as `decide` says, again when somebody else changed it meanwhile. `decide`
    /// returns its result, the keys that it added, and the ids of those whose private halves
    /// go.
    async fn change<'m, T>(
        &self,
        decide: impl Fn(&mut State, Timestamp) -> Result<(T, Vec<&'m Made>, Vec<String>)>,
    ) -> Result<T> {
        for turn in 1..=TURNS {
            let now = self.now();
            let stored = read(&self.table).await?;
            let mut state = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            let (result, added, gone) = decide(&mut state, now)?;
            let mut deletions = Vec::new();
            for key in gone.iter().map(|kid| Key::private_key(kid)) {
                if self.table.get(&key).await?.is_some() {
                    deletions.push(Write::Delete(key, Condition::Guarded));
                }
            }
            match self.commit(stored, state, &added, deletions, now).await {
                Ok(()) => return Ok(result),
                Err(Failed::Conditions(_)) => {}
                Err(Failed::Contended) => self.table.pause(turn).await,
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }

    /// Writes the state with the private halves of what was added, and the other keys that the
    /// service lacks.
    async fn commit(
        &self,
        stored: Option<Versioned<State>>,
        mut state: State,
        added: &[&Made],
        mut writes: Vec<Write>,
        now: Timestamp,
    ) -> Result<(), Failed> {
        for made in added {
            let kid = made.key.kid();
            let item =
                Item::at(&Key::private_key(kid)).text("secret", STANDARD.encode(&made.stored));
            let drop_at = state.published(now).find(|key| key.kid == kid).map(|key| key.drop_at);
            writes.push(Write::Put(
                drop_at.map_or(item.clone(), |at| item.expiring(at)),
                Condition::Absent,
            ));
        }
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

    /// Makes a key. Looking for the primes of RSA takes a processor for a while, which no other
    /// request has to wait for.
    async fn make(&self, algorithm: Algorithm) -> Result<Made> {
        let random = self.table.world().random.clone();
        let make = move || {
            let stored = PrivateKey::generate(algorithm, &random)?;
            let key = PrivateKey::parse(algorithm, &stored, &random)?;
            Ok(Made { algorithm, stored, key })
        };
        match algorithm {
            Algorithm::Rs256 => {
                tokio::task::spawn_blocking(make).await.map_err(Error::unexpected)?
            }
            _ => make(),
        }
    }
}

/// Reads a stored secret.
pub async fn read_secret(table: &Table, key: &Key) -> Result<Vec<u8>> {
    let item = table
        .get(key)
        .await?
        .ok_or_else(|| Error::unexpected("a key of the service is missing"))?;
    secret_of(&item)
}

fn secret_of(item: &Item) -> Result<Vec<u8>> {
    let text = item.get_text("secret").unwrap_or_default();
    STANDARD.decode(text).map_err(|_| Error::unexpected("a key of the service does not read"))
}
