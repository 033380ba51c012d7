//! How the signing keys change: succession in time, rotation and revocation on command.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Sealing, SigningKeys, read, sealing};
use crate::auth::signer::PrivateKey;
use crate::auth::succession::{ALGORITHMS, MAX_PUBLISHED, PublishedKey, PublishedKeys};
use crate::domain::error::{Error, Result};
use crate::domain::jwk::Algorithm;
use crate::domain::versioned::Versioned;
use crate::env::Timestamp;
use crate::store::{CommitError, Condition, Item, Key, Retry, Write};

/// The service's other keys, in the order in which the service came to need them: a table from
/// before gets what it lacks.
const OTHERS: [fn() -> Key; 3] = [Key::refresh_key, Key::cursor_key, Key::hash_key];

/// A new key that is not yet published.
struct NewKey {
    algorithm: Algorithm,
    stored: Vec<u8>,
    key: PrivateKey,
}

/// The result of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    /// The new key.
    pub new: PublishedKey,
    /// The key that signs until the turn of the new one; `None` if no key signed.
    pub old: Option<PublishedKey>,
}

/// The result of a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRevocation {
    /// The revoked key, with its times.
    pub key: PublishedKey,
    /// The key of its algorithm that signs now.
    pub signing: Option<PublishedKey>,
}

impl SigningKeys {
    /// Publishes a new key of this algorithm, which signs as soon as every cache has it; the one
    /// that signs now ends then. The first key of an algorithm signs at once. While a successor
    /// waits for such a turn, nothing changes.
    pub async fn rotate(&self, algorithm: Algorithm) -> Result<KeyRotation> {
        self.slot(algorithm)?;
        let made = self.make(algorithm).await?;
        self.change(|state, now| {
            let signing = state.signing(algorithm, now).map(|key| key.kid.clone());
            let find = |state: &PublishedKeys, kid: &str| {
                state.published(now).find(|key| key.kid == kid).cloned()
            };
            // A key that was just published and waits for its turn is already the successor.
            if let Some(new) = state.waiting_key(algorithm, now).cloned() {
                let old = signing.and_then(|kid| find(state, &kid));
                return Ok((KeyRotation { new, old }, Vec::new(), Vec::new()));
            }
            if state.count(algorithm, now) >= MAX_PUBLISHED {
                return Err(Error::Conflict(format!(
                    "{MAX_PUBLISHED} keys for {algorithm} are published, which is the most; rotate \
                     again when one of them has ended"
                )));
            }
            let never =
                state.add(&made.key, algorithm, state.earliest_sign_from(algorithm, now), now);
            let new = find(state, made.key.kid())
                .ok_or_else(|| Error::unexpected("published a new signing key"))?;
            let old = signing.and_then(|kid| find(state, &kid));
            Ok((KeyRotation { new, old }, vec![&made], never))
        })
        .await
    }

    /// Revokes a leaked key: its public half is no longer published and its private half is
    /// deleted, at once. If it was the signing key, the next key signs from now on, or a new key if
    /// there is none.
    pub async fn revoke(&self, kid: &str) -> Result<KeyRevocation> {
        let known = self.list().await?;
        let algorithm = known.iter().find(|key| key.kid == kid).ok_or(Error::NotFound)?.algorithm;
        let made = self.make(algorithm).await?;
        self.change(|state, now| {
            let key = state.remove(kid, now).ok_or(Error::NotFound)?;
            let due = state.is_due(algorithm, now);
            let mut gone = vec![kid.to_owned()];
            if due {
                gone.extend(state.add(
                    &made.key,
                    algorithm,
                    state.next_sign_from(algorithm, now),
                    now,
                ));
            }
            let signing = state.signing(algorithm, now).cloned();
            Ok((KeyRevocation { key, signing }, due.then_some(&made).into_iter().collect(), gone))
        })
        .await
    }

    /// Creates what is missing: a signing key or a successor of each needed algorithm, and the
    /// service's other keys; returns the state after that. Failing to create a successor is no
    /// error while the current key still signs.
    pub(super) async fn with_successors(
        &self,
        now: Timestamp,
        needed: impl Fn(Algorithm, &PublishedKeys) -> bool,
    ) -> Result<PublishedKeys> {
        let mut made: Vec<NewKey> = Vec::new();
        let mut retry = Retry::of(&self.table);
        loop {
            let stored = read(&self.table).await?;
            let state = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            let is_due =
                |algorithm: &Algorithm| needed(*algorithm, &state) && state.is_due(*algorithm, now);
            let due: Vec<_> = ALGORITHMS.into_iter().filter(is_due).collect();
            if due.is_empty() && state.others == OTHERS.len() && self.is_sealed(&state) {
                return Ok(state);
            }
            let can_wait = state.others == OTHERS.len()
                && due.iter().all(|due| state.signing(*due, now).is_some());
            match self.succeed(stored, &due, &mut made, now).await {
                // This function or another one wrote the state: read it again.
                Ok(()) | Err(CommitError::Conditions(_)) => retry.at_once()?,
                Err(CommitError::Contended) => retry.again().await?,
                Err(failed) if can_wait => {
                    tracing::error!(
                        operation = "succession",
                        ?failed,
                        "cannot make the next signing key now"
                    );
                    return Ok(state);
                }
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Whether the private keys are sealed with the configured KMS key.
    fn is_sealed(&self, state: &PublishedKeys) -> bool {
        let wanted = self.sealing.as_ref().and_then(Sealing::key);
        wanted.is_none_or(|wanted| state.sealed_by.as_deref() == Some(wanted))
    }

    /// Stores private keys as they are again. Token functions that are to seal them do so within a
    /// minute, so none may run that is.
    pub async fn unseal(&self) -> Result<usize> {
        let mut retry = Retry::of(&self.table);
        loop {
            let stored = read(&self.table).await?;
            let Some(sealed) = stored.filter(|stored| stored.value.sealed_by.is_some()) else {
                return Ok(0);
            };
            let mut state = sealed.value.clone();
            state.sealed_by = None;
            let (now, mut writes) = (self.now(), Vec::new());
            self.store_again(&state, now, &mut writes).await?;
            let count = writes.len();
            match self.commit_state(Some(sealed), state, writes).await {
                Ok(()) => return Ok(count),
                Err(CommitError::Conditions(_)) => retry.at_once()?,
                Err(CommitError::Contended) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Adds writes of all private keys that are stored, in the form that the state says.
    async fn store_again(
        &self,
        state: &PublishedKeys,
        now: Timestamp,
        writes: &mut Vec<Write>,
    ) -> Result<()> {
        let published =
            state.published(now).map(|key| (Key::private_key(&key.kid), Some(key.drop_at)));
        for (key, drop_at) in published.chain([(Key::refresh_key(), None)]) {
            // The key was revoked, or the table never had one.
            let Some(secret) = self.read_private(&key).await? else { continue };
            let item = self.private_item(state, &key, &secret, drop_at).await?;
            writes.push(Write::Put(item, Condition::Guarded));
        }
        Ok(())
    }

    /// The item of a private key, sealed or not as the state says, with its expiry.
    async fn private_item(
        &self,
        state: &PublishedKeys,
        key: &Key,
        secret: &[u8],
        drop_at: Option<Timestamp>,
    ) -> Result<Item> {
        let (sealing, by) = (self.sealing.as_ref(), state.sealed_by.as_deref());
        let item = sealing::item(sealing, by, key, secret, self.table.env()).await?;
        Ok(match drop_at {
            Some(at) => item.expiring(at),
            None => item,
        })
    }

    /// Makes the next key of each algorithm, unless an earlier attempt has, and adds them and the
    /// other missing keys.
    async fn succeed(
        &self,
        stored: Option<Versioned<PublishedKeys>>,
        due: &[Algorithm],
        made: &mut Vec<NewKey>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let mut state = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
        for algorithm in due {
            if !made.iter().any(|made| made.algorithm == *algorithm) {
                let new = self.make(*algorithm).await;
                made.push(new.map_err(|error| CommitError::Broken(error.to_string()))?);
            }
        }
        let added: Vec<_> = made.iter().filter(|made| due.contains(&made.algorithm)).collect();
        for made in &added {
            state.add(&made.key, made.algorithm, state.next_sign_from(made.algorithm, now), now);
        }
        self.commit(stored, state, &added, Vec::new(), now).await
    }

    /// Changes the state as `decide` says, and repeats if another function changed it meanwhile.
    /// `decide` returns its result, the keys that it added, and the ids of those whose private
    /// halves go.
    async fn change<'m, T>(
        &self,
        decide: impl Fn(&mut PublishedKeys, Timestamp) -> Result<(T, Vec<&'m NewKey>, Vec<String>)>,
    ) -> Result<T> {
        let mut retry = Retry::of(&self.table);
        loop {
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
                Err(CommitError::Conditions(_)) => retry.at_once()?,
                Err(CommitError::Contended) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Writes the state with the private halves of new keys, and other keys that the service lacks.
    async fn commit(
        &self,
        stored: Option<Versioned<PublishedKeys>>,
        mut state: PublishedKeys,
        added: &[&NewKey],
        mut writes: Vec<Write>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let broken = |error: Error| match error {
            Error::Unavailable(why) => CommitError::Unavailable(why),
            other => CommitError::Broken(other.to_string()),
        };
        if let Some(sealing) = self.sealing.as_ref().filter(|_| !self.is_sealed(&state)) {
            self.table.seal_audit_keys(sealing).await.map_err(broken)?;
            state.sealed_by = sealing.key().map(str::to_owned);
            self.store_again(&state, now, &mut writes).await.map_err(broken)?;
        }
        for made in added {
            let kid = made.key.kid();
            let key = Key::private_key(kid);
            let drop_at = state.published(now).find(|key| key.kid == kid).map(|key| key.drop_at);
            let item = self.private_item(&state, &key, &made.stored, drop_at);
            writes.push(Write::Put(item.await.map_err(broken)?, Condition::Absent));
        }
        for key in OTHERS.iter().skip(state.others).map(|key| key()) {
            let secret = self.table.env().random.bytes::<32>();
            // The others are for functions that may not use KMS.
            let item = if key == Key::refresh_key() {
                self.private_item(&state, &key, &secret, None).await.map_err(broken)?
            } else {
                Item::at(&key).text("secret", STANDARD.encode(secret))
            };
            writes.push(Write::Put(item, Condition::Absent));
        }
        state.others = OTHERS.len();
        self.commit_state(stored, state, writes).await
    }

    async fn commit_state(
        &self,
        stored: Option<Versioned<PublishedKeys>>,
        state: PublishedKeys,
        mut writes: Vec<Write>,
    ) -> Result<(), CommitError> {
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
    async fn make(&self, algorithm: Algorithm) -> Result<NewKey> {
        let random = self.table.env().random.clone();
        let make = move || {
            let stored = PrivateKey::generate(algorithm, &random)?;
            let key = PrivateKey::parse(algorithm, &stored, &random)?;
            Ok(NewKey { algorithm, stored, key })
        };
        match algorithm {
            Algorithm::Rs256 => {
                tokio::task::spawn_blocking(make).await.map_err(Error::unexpected)?
            }
            _ => make(),
        }
    }
}
