//! Hashes of secret values: Argon2id with a salt for values that are only stored, a keyed hash for
//! values that are searched by equality.

mod imported;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

pub use self::imported::{
    ARGON2_MEMORY, ARGON2_PASSES, BCRYPT_COSTS, PBKDF2_ROUNDS, Pbkdf2, Pbkdf2Function, adoptable,
};
use self::imported::{is_bcrypt, is_pbkdf2};
use super::definition::AttributeDefinition;
use super::error::Code;
use super::id::DefinitionId;
use super::import::HashedValues;
use super::schema::Schema;
use super::text;
use crate::env::Env;

/// The memory that hashes are made in, 19 MiB once the first is made. It is kept: taken and given
/// back each time it would leave the process larger by that much each time (seen with glibc), and
/// the next hash a quarter slower.
static MEMORY: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// The most values of HASH attributes that one request may bring: each costs the time and the
/// memory of an Argon2id.
pub const MAX_HASHES: usize = 10;

/// The most hashes that one request compares with those of waiting change requests.
pub const MAX_COMPARED: usize = 10;

/// The salted hashes that one request made. If another writer was faster, the request is decided
/// again with the same hashes. So the work is done once, and the write stays the same.
///
/// The rules that read a document cannot wait for a hash. They use a placeholder in the form of a
/// hash. If the document has no other fault, the writer computes the missing hashes and reads the
/// document again.
#[derive(Default)]
pub struct Hashes {
    hashes: Mutex<RequestHashes>,
    brought: Brought,
}

/// The kind of values that a request has for HASH attributes.
#[derive(Clone, Copy, Default)]
enum Brought {
    /// The secrets themselves.
    #[default]
    Secrets,
    /// The kind that an import declares, if it declares one.
    Imported(Option<HashedValues>),
}

/// What becomes of a value.
pub(super) enum HashDecision {
    /// It is hashed.
    Hash,
    /// It is a hash, and is kept.
    Keep,
    /// It is refused.
    Refuse(Code, &'static str),
}

/// The hashes of one request, and how many of them the present attempt has used.
#[derive(Default)]
struct RequestHashes {
    /// The hashes of each value of an attribute, one for each of its places: no two have one salt.
    hashes: HashMap<(DefinitionId, String), Vec<String>>,
    /// How many of them the present attempt has used.
    used: HashMap<(DefinitionId, String), usize>,
    /// The values of which the present attempt lacks a hash, each with the salt that it gets.
    lacking: Vec<LackingHash>,
}

/// A hash that is to be made: a value and the salt that it gets.
#[derive(Clone)]
pub(crate) struct LackingHash {
    definition: DefinitionId,
    value: String,
    salt: [u8; 16],
}

impl LackingHash {
    /// Makes the hash, which takes a thread for a while.
    pub(crate) fn make(&self) -> String {
        salted(&self.value, &self.salt)
    }
}

impl Hashes {
    /// The hashes of a row of an import, which declares the kind of its values. No pattern
    /// distinguishes hashes from secrets with certainty. A hash that is hashed again would match no
    /// password.
    #[must_use]
    pub fn imported(hashes: Option<HashedValues>) -> Self {
        Self { brought: Brought::Imported(hashes), ..Self::default() }
    }

    /// How to store a value of a HASH attribute.
    pub(super) fn decide(&self, value: &str) -> HashDecision {
        match self.brought {
            Brought::Imported(None) => HashDecision::Refuse(Code::Required, SAY_HASHES),
            Brought::Imported(Some(HashedValues::Argon2id)) if is_hash(value) => HashDecision::Keep,
            Brought::Imported(Some(HashedValues::Argon2id)) => HashDecision::Refuse(
                Code::WrongFormat,
                "expected a hash of Argon2id, e.g. `$argon2id$v=19$m=…,t=…,p=…$salt$hash`",
            ),
            Brought::Imported(Some(HashedValues::Bcrypt)) if is_bcrypt(value) => HashDecision::Keep,
            Brought::Imported(Some(HashedValues::Bcrypt)) => HashDecision::Refuse(
                Code::WrongFormat,
                "expected a hash of bcrypt with a cost from 10 to 14, e.g. `$2b$12$…`",
            ),
            Brought::Imported(Some(HashedValues::Pbkdf2)) if is_pbkdf2(value) => HashDecision::Keep,
            Brought::Imported(Some(HashedValues::Pbkdf2)) => HashDecision::Refuse(
                Code::WrongFormat,
                "expected a hash of PBKDF2 with 100 000 to 2 000 000 rounds, e.g. \
                 `$pbkdf2-sha256$i=600000,l=32$salt$hash`",
            ),
            Brought::Imported(Some(HashedValues::Plain)) if looks_hashed(value) => {
                HashDecision::Refuse(
                    Code::WrongFormat,
                    "expected a plain value, found a hash; hashes are imported with \
                     `hashes=argon2id`, `hashes=bcrypt` or `hashes=pbkdf2`, others cannot be",
                )
            }
            Brought::Secrets | Brought::Imported(Some(HashedValues::Plain)) => HashDecision::Hash,
        }
    }

    /// Begins another attempt.
    pub(crate) fn start_again(&self) {
        let mut made = self.lock();
        made.used.clear();
        made.lacking.clear();
    }

    /// The hashes that the present attempt lacks.
    pub(crate) fn take_lacking(&self) -> Vec<LackingHash> {
        std::mem::take(&mut self.lock().lacking)
    }

    /// Adds a hash that was made.
    pub(crate) fn add(&self, lacking: LackingHash, hash: String) {
        let key = (lacking.definition, lacking.value);
        self.lock().hashes.entry(key).or_default().push(hash);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, RequestHashes> {
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Argon2id hash of a value in the PHC string format (RFC 9106; 19 MiB, two passes), or a
    /// placeholder until it is made. `None` if the request has [`MAX_HASHES`] others already.
    pub(super) fn salted(
        &self,
        value: &str,
        definition: &AttributeDefinition,
        env: &Env,
    ) -> Option<String> {
        let mut made = self.lock();
        let key = (definition.id, value.to_owned());
        let used = made.used.entry(key.clone()).or_default();
        let turn = *used;
        *used += 1;
        if let Some(hash) = made.hashes.get(&key).and_then(|hashes| hashes.get(turn)) {
            return Some(hash.clone());
        }
        let made_so_far = made.hashes.values().map(Vec::len).sum::<usize>();
        if made_so_far + made.lacking.len() >= MAX_HASHES {
            return None;
        }
        let salt = env.random.bytes();
        made.lacking.push(LackingHash { definition: definition.id, value: key.1, salt });
        // Of the length of the hash, so that the profile has its size; the salt tells it from
        // others.
        Some(phc_string(&Params::DEFAULT, &salt, &[0; 32]))
    }

    /// The value of a hash that this request made.
    fn value_of(&self, hash: &str) -> Option<String> {
        let made = self.lock();
        let mut of =
            made.hashes.iter().filter(|(_, hashes)| hashes.iter().any(|made| made == hash));
        of.next().map(|((_, value), _)| value.clone())
    }

    /// Whether a text can be another hash of the value of `hash`, which this request made.
    #[must_use]
    pub fn may_be_same_value(&self, hash: &str, other: &str) -> bool {
        salt_of(other).is_some() && self.value_of(hash).is_some()
    }

    /// The check whether `hash`, which this request made, and another one are of one value. It
    /// costs a hash.
    pub(crate) fn comparison(
        &self,
        hash: &str,
        other: &str,
    ) -> Option<impl FnOnce() -> bool + Send + 'static> {
        let (value, salt) = self.value_of(hash).zip(salt_of(other))?;
        let other = other.to_owned();
        Some(move || salted(&value, &salt) == other)
    }
}

/// The salt of a hash as this service makes them.
fn salt_of(hash: &str) -> Option<[u8; 16]> {
    let salt = STANDARD_NO_PAD.decode(hash.rsplit('$').nth(1)?).ok()?;
    salt.first_chunk::<16>().copied()
}

fn phc_string(params: &Params, salt: &[u8; 16], hash: &[u8; 32]) -> String {
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}")
}

/// The error message for values whose kind the import does not declare.
pub const SAY_HASHES: &str = "say what the import brings for attributes of HASH: `hashes=plain` for \
                              plain values, `hashes=argon2id`, `hashes=bcrypt` or `hashes=pbkdf2` \
                              for hashes";

/// Whether the text has the form of a password hash of some system. It protects callers who declare
/// `plain` for a file with hashes. A bare digest is accepted, because it may be a secret.
fn looks_hashed(text: &str) -> bool {
    let named = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:".contains(&b))
    };
    let long =
        |text: &str, least: usize| text.len() >= least && !text.contains(char::is_whitespace);
    let mut parts = text.split('$');
    let first = parts.next().unwrap_or_default();
    let (second, more) = (parts.next(), parts.count());
    // `$2b$10$…`, `$argon2id$v=19$…`; `$P$B…` and `$S$D…` have one part after the name.
    let modular = first.is_empty()
        && second.is_some_and(|name| named(name) && (more >= 2 || more == 1 && long(text, 30)));
    // `pbkdf2_sha256$600000$…`, `scrypt:32768:8:1$…`.
    let django = named(first)
        && first.contains(|c: char| c.is_ascii_alphabetic())
        && second.is_some()
        && more >= 1
        && long(text, 30);
    // `{SSHA}…`, `{PBKDF2_SHA256}…`, `{x-issha, 1024}…`.
    let scheme = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let scheme = scheme.is_some_and(|(name, rest)| {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_, /.".contains(&b);
        name.len() >= 3 && name.bytes().all(legal) && long(rest, 8)
    });
    let mysql = text
        .strip_prefix('*')
        .is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    // ASP.NET Identity: its version and the number of a pseudo-random function, or an older
    // version.
    let base64 =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    let identity = text.starts_with("AQAAAA") && text.len() >= 50 && base64(text)
        || STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 49 && bytes.first() == Some(&0));
    modular || django || scheme || mysql || identity || text.starts_with("$argon2")
}

fn salted(value: &str, salt: &[u8; 16]) -> String {
    let params = Params::DEFAULT;
    let blocks = params.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut hash = [0; 32];
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    memory.resize(blocks, Block::default());
    // INVARIANT: values have at most 16 KB, salt and hash their usual lengths: nothing that Argon2
    // refuses.
    #[expect(
        clippy::expect_used,
        reason = "a value must not be stored under a hash that was not made"
    )]
    argon2
        .hash_password_into_with_memory(value.as_bytes(), salt, &mut hash, &mut *memory)
        .expect("an Argon2id hash");
    phc_string(&params, salt, &hash)
}

/// Whether a text is an Argon2id hash in the PHC string format, with parameters that are strong
/// enough (RFC 9106) and not too costly to verify: 4 MiB to 1 GiB, 1 to 64 passes, 1 to 64 lanes, 8
/// to 64 bytes of salt, 16 to 64 of hash.
fn is_hash(text: &str) -> bool {
    let parts: Vec<_> = text.split('$').collect();
    let ["", "argon2id", "v=19", params, salt, hash] = *parts else { return false };
    let mut params = params.split(',');
    let mut number = |name: &str| {
        let digits = params.next()?.strip_prefix(name)?.strip_prefix('=')?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        digits.parse::<u32>().ok().filter(|_| plain)
    };
    let within = |text: &str, least, most| {
        STANDARD_NO_PAD.decode(text).is_ok_and(|bytes| (least..=most).contains(&bytes.len()))
    };
    let sane = number("m").is_some_and(|m| (4096..=1_048_576).contains(&m))
        && number("t").is_some_and(|t| (1..=64).contains(&t))
        && number("p").is_some_and(|p| (1..=64).contains(&p));
    sane && params.next().is_none() && within(salt, 8, 64) && within(hash, 16, 64)
}

/// The keyed hash of a value in its comparable form, as it is stored and searched. `None` when the
/// configuration was loaded without its key.
#[must_use]
pub fn searchable(
    value: &str,
    definition: &AttributeDefinition,
    schema: &Schema,
) -> Option<String> {
    let key = schema.hash_key.as_ref()?;
    Some(URL_SAFE_NO_PAD.encode(key.hash(definition.id, &text::secret(value))))
}

/// The keyed hash of such a value before texts were composed, if it differs. Only the hash is
/// stored, so it can never be converted to the current form.
#[must_use]
pub fn earlier_searchable(
    value: &str,
    definition: &AttributeDefinition,
    schema: &Schema,
) -> Option<String> {
    let earlier = text::earlier::folded(value);
    let key = schema.hash_key.as_ref()?;
    let differs = earlier != text::secret(value);
    differs.then(|| URL_SAFE_NO_PAD.encode(key.hash(definition.id, &earlier)))
}
