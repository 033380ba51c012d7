//! Which key signs when (rule O8): the published keys and their turns, as absolute times.
//!
//! Each algorithm has a succession of its own. The turns of its keys follow each other without a
//! gap, and a key is published long enough before its turn that every cache has it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::signer::PrivateKey;
use crate::domain::jwk::{Algorithm, Jwk, KeyParameters};
use crate::env::Timestamp;

/// How long clients may cache the JWKS, in seconds.
pub const JWKS_MAX_AGE: i64 = 300;
/// How long a function trusts the public keys it has read, in seconds.
pub const CACHE_SECONDS: i64 = 300;
/// The longest life of an access token, in seconds: a day.
pub const LONGEST_TOKEN: i64 = 24 * 3600;
/// The algorithms that access tokens are signed with.
pub const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];
/// The most published keys of one algorithm: rotation on command stops here.
pub const MAX_PUBLISHED: usize = 20;
/// How long a key signs, in seconds: 30 days.
const SIGN_SECONDS: i64 = 30 * 24 * 3600;
/// How long before its turn a key is published, in seconds.
const PUBLISH_SECONDS: i64 = JWKS_MAX_AGE + CACHE_SECONDS + 60;
/// How far the clock of another instance may be behind when a key signs at once, in seconds.
const SKEW_SECONDS: i64 = 60;
/// How long before the end of a key's turn its successor is made, in seconds: a day.
const SUCCEED_SECONDS: i64 = 24 * 3600;

/// A published key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedKey {
    /// The id: the key's thumbprint.
    pub kid: String,
    /// The one algorithm that it is used with.
    #[serde(rename = "alg", default = "es256")]
    pub algorithm: Algorithm,
    /// The key itself.
    #[serde(flatten)]
    pub numbers: KeyParameters,
    /// It signs from this time on.
    pub sign_from: Timestamp,
    /// It signs until this time.
    pub sign_until: Timestamp,
    /// It is published until this time.
    pub drop_at: Timestamp,
}

/// Keys from before there was another algorithm do not name theirs.
const fn es256() -> Algorithm {
    Algorithm::Es256
}

impl PublishedKey {
    /// The key in the form that verifies, with its algorithm (rule O5).
    #[must_use]
    pub fn jwk(&self) -> Jwk {
        Jwk { kid: None, algorithm: self.algorithm, numbers: self.numbers.clone() }
    }

    /// The entry of the JWKS (RFC 7517 §4): no private member.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Jwk { kid: Some(self.kid.clone()), ..self.jwk() }.to_json()
    }

    fn signs(&self, now: Timestamp) -> bool {
        self.sign_from <= now && now < self.sign_until
    }

    fn set_end(&mut self, sign_until: Timestamp) {
        self.sign_until = sign_until;
        self.drop_at = sign_until.plus_seconds(LONGEST_TOKEN + 60);
    }
}

/// All published keys, as they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PublishedKeys {
    keys: Vec<PublishedKey>,
    /// How many of the service's other keys there are.
    #[serde(default = "two")]
    pub others: usize,
    /// The KMS key that private keys are sealed with; `None` if they are not sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_by: Option<String>,
}

const fn two() -> usize {
    2
}

impl PublishedKeys {
    /// Whether no key was ever made.
    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that are published now.
    pub(super) fn published(&self, now: Timestamp) -> impl Iterator<Item = &PublishedKey> {
        self.keys.iter().filter(move |key| key.drop_at > now)
    }

    /// How many keys of an algorithm are published now.
    pub(super) fn count(&self, algorithm: Algorithm, now: Timestamp) -> usize {
        self.published(now).filter(|key| key.algorithm == algorithm).count()
    }

    /// The key of an algorithm whose turn it is.
    pub(super) fn signing(&self, algorithm: Algorithm, now: Timestamp) -> Option<&PublishedKey> {
        self.of(algorithm).filter(|key| key.signs(now)).max_by_key(|key| key.sign_from)
    }

    /// Whether an algorithm needs a successor of its last key, or its first key.
    pub(super) fn is_due(&self, algorithm: Algorithm, now: Timestamp) -> bool {
        self.last_sign_until(algorithm).is_none_or(|last| last <= now.plus_seconds(SUCCEED_SECONDS))
    }

    /// The key that waits until every cache has it, and then signs.
    pub(super) fn waiting_key(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Option<&PublishedKey> {
        let soon = self.earliest_sign_from(algorithm, now);
        self.of(algorithm).find(|key| key.sign_from > now && key.sign_from <= soon)
    }

    /// When a key that is made on schedule has its turn: after the last key, or at once if no key
    /// signs.
    pub(super) fn next_sign_from(&self, algorithm: Algorithm, now: Timestamp) -> Timestamp {
        let soon = self.earliest_sign_from(algorithm, now);
        self.last_sign_until(algorithm).map_or(soon, |last| last.max(soon))
    }

    /// The first turn that a new key can have: when every cache has it, or at once if no key signs.
    pub(super) fn earliest_sign_from(&self, algorithm: Algorithm, now: Timestamp) -> Timestamp {
        let published =
            if self.signing(algorithm, now).is_some() { PUBLISH_SECONDS } else { -SKEW_SECONDS };
        now.plus_seconds(published)
    }

    /// Adds a key with its turn. The turn of the previous key ends where the new one begins, which
    /// may be sooner or later than planned. Removes keys that were to follow, which never sign, and
    /// returns their ids.
    pub(super) fn add(
        &mut self,
        key: &PrivateKey,
        algorithm: Algorithm,
        sign_from: Timestamp,
        now: Timestamp,
    ) -> Vec<String> {
        self.keys.retain(|key| key.drop_at > now);
        let comes_after = |key: &PublishedKey| key.sign_from > now && key.sign_from >= sign_from;
        let replaced = |key: &PublishedKey| key.algorithm == algorithm && comes_after(key);
        let never =
            self.keys.iter().filter(|key| replaced(key)).map(|key| key.kid.clone()).collect();
        self.keys.retain(|key| !replaced(key));
        let last = self
            .keys
            .iter_mut()
            .filter(|key| key.algorithm == algorithm)
            .max_by_key(|key| key.sign_until);
        if let Some(last) = last.filter(|last| last.sign_until > now) {
            last.set_end(sign_from);
        }
        let mut added = PublishedKey {
            kid: key.kid().to_owned(),
            algorithm,
            numbers: key.numbers().clone(),
            sign_from,
            sign_until: sign_from,
            drop_at: sign_from,
        };
        added.set_end(sign_from.max(now).plus_seconds(SIGN_SECONDS));
        self.keys.push(added);
        never
    }

    /// Removes a key at once and closes the gap in which it would have signed: the previous key
    /// continues, or the next one begins now. The caller then checks whether a new key is needed.
    pub(super) fn remove(&mut self, kid: &str, now: Timestamp) -> Option<PublishedKey> {
        let index = self.keys.iter().position(|key| key.kid == kid && key.drop_at > now)?;
        let removed = self.keys.remove(index);
        let algorithm = removed.algorithm;
        let next = self.of(algorithm).map(|key| key.sign_from).filter(|from| *from > now).min();
        if let Some(next) = next {
            let mut keys = self.keys.iter_mut().filter(|key| key.algorithm == algorithm);
            if removed.signs(now) {
                if let Some(key) = keys.find(|key| key.sign_from == next) {
                    key.sign_from = now.plus_seconds(-SKEW_SECONDS);
                }
            } else if removed.sign_from > now
                && let Some(before) = keys.find(|key| key.sign_until == removed.sign_from)
                && next >= removed.sign_until
            {
                before.set_end(removed.sign_until);
            }
        }
        Some(removed)
    }

    fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &PublishedKey> {
        self.keys.iter().filter(move |key| key.algorithm == algorithm)
    }

    fn last_sign_until(&self, algorithm: Algorithm) -> Option<Timestamp> {
        self.of(algorithm).map(|key| key.sign_until).max()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::env::Random;

    const NOW: Timestamp = Timestamp::from_millis(1_795_255_200_000);

    fn key(algorithm: Algorithm) -> PrivateKey {
        let random = Random::default();
        PrivateKey::parse(algorithm, &PrivateKey::generate(algorithm, &random).unwrap(), &random)
            .unwrap()
    }

    #[test]
    fn o8_a_state_of_before_there_was_rs256_reads() {
        let stored = r#"{"keys":[{"kid":"k","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","sign_from":"2026-11-21T09:59:00.000Z",
            "sign_until":"2026-12-21T10:00:00.000Z","drop_at":"2026-12-22T10:01:00.000Z"}]}"#;
        let state: PublishedKeys = serde_json::from_str(stored).unwrap();
        assert_eq!(state.others, 2);
        let key = state.signing(Algorithm::Es256, NOW).unwrap();
        assert_eq!(key.jwk().algorithm, Algorithm::Es256);
        let entry = json!({ "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "kid": "k", "alg": "ES256", "use": "sig" });
        assert_eq!(key.to_json(), entry);
        assert!(
            state.signing(Algorithm::Rs256, NOW).is_none() && !state.is_due(Algorithm::Es256, NOW)
        );
    }

    #[test]
    fn o8_a_stored_state_of_both_algorithms_reads_again() {
        let mut state = PublishedKeys::default();
        for algorithm in ALGORITHMS {
            state.add(&key(algorithm), algorithm, state.next_sign_from(algorithm, NOW), NOW);
        }
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<PublishedKeys>(&text).unwrap(), state);
    }

    /// Rotations, revocations and the schedule in every order of a few: in each second from the
    /// first key on a key signs.
    #[test]
    fn o8_whatever_is_done_somebody_signs_at_each_moment() {
        let es256 = Algorithm::Es256;
        for history in 0..4_u32.pow(6) {
            let (mut state, mut now) = (PublishedKeys::default(), NOW);
            state.add(&key(es256), es256, state.next_sign_from(es256, now), now);
            for step in 0..6 {
                let kids: Vec<_> = state.published(now).map(|key| key.kid.clone()).collect();
                match history / 4_u32.pow(step) % 4 {
                    0 => {
                        state.add(&key(es256), es256, state.earliest_sign_from(es256, now), now);
                    }
                    1 => {
                        state.remove(kids.last().unwrap(), now).unwrap();
                    }
                    2 => {
                        let signing = state.signing(es256, now).unwrap().kid.clone();
                        state.remove(&signing, now).unwrap();
                    }
                    _ => now = now.plus_seconds(400),
                }
                if state.is_due(es256, now) {
                    state.add(&key(es256), es256, state.next_sign_from(es256, now), now);
                }
                for ahead in [0, 300, 600, 659, 660, 661, 1000, 1400, 24 * 3600] {
                    let signing = state.signing(es256, now.plus_seconds(ahead));
                    assert!(
                        signing.is_some(),
                        "history {history}, step {step}, {ahead} s ahead: {state:?}"
                    );
                }
                now = now.plus_seconds(7);
            }
        }
    }
}
