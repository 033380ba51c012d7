//! Hashes of secret values: Argon2id with a salt for what is only kept, a keyed hash for what is searched by equality.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::definition::AttributeDefinition;
use super::id::DefinitionId;
use super::schema::Schema;
use super::text;
use crate::world::World;

/// The memory that hashes are made in, 19 MiB once the first is made. It is kept: taken and given back each time it would leave the
/// process larger by that much each time (seen with glibc), and the next hash a quarter slower.
static MEMORY: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// The most values of HASH attributes that one request may bring: each costs the time and the memory of an Argon2id.
pub const MAX_HASHES: usize = 10;

/// The salted hashes that one request made. A request that is decided anew, because another writer was faster, gets the same
/// ones: the work is done once, and the write stays what it was.
#[derive(Default)]
pub struct Hashes(Mutex<Made>);

#[derive(Default)]
struct Made {
    /// The hashes of each value of an attribute, one for each of its places: no two have one salt.
    hashes: HashMap<(DefinitionId, String), Vec<String>>,
    /// How many of them this turn has used.
    used: HashMap<(DefinitionId, String), usize>,
}

impl Hashes {
    /// Begins another turn of deciding.
    pub(crate) fn start_again(&self) {
        self.made().used.clear();
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Argon2id hash of a value in the PHC string format (RFC 9106; 19 MiB, two passes). `None` when the request has brought
    /// [`MAX_HASHES`] others.
    pub(super) fn salted(&self, value: &str, definition: &AttributeDefinition, world: &World) -> Option<String> {
        let mut made = self.made();
        let key = (definition.id, value.to_owned());
        let used = made.used.entry(key.clone()).or_default();
        let turn = *used;
        *used += 1;
        if let Some(hash) = made.hashes.get(&key).and_then(|hashes| hashes.get(turn)) {
            return Some(hash.clone());
        }
        if made.hashes.values().map(Vec::len).sum::<usize>() >= MAX_HASHES {
            return None;
        }
        let hash = salted(value, &world.random.bytes());
        made.hashes.entry(key).or_default().push(hash.clone());
        Some(hash)
    }

    /// Whether `hash`, which this request made, and another one are of the same value.
    #[must_use]
    pub fn made_of_same(&self, hash: &str, other: &str) -> bool {
        let made = self.made();
        let mut values = made.hashes.iter().filter(|(_, hashes)| hashes.iter().any(|made| made == hash));
        let salt = other.rsplit('$').nth(1).and_then(|salt| STANDARD_NO_PAD.decode(salt).ok());
        let salt = salt.and_then(|salt| salt.first_chunk::<16>().copied());
        values.next().zip(salt).is_some_and(|(((_, value), _), salt)| salted(value, &salt) == other)
    }
}

fn salted(value: &str, salt: &[u8; 16]) -> String {
    let params = Params::DEFAULT;
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    let blocks = params.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; 32];
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    memory.resize(blocks, Block::default());
    // INVARIANT: values have at most 16 KB, salt and hash their usual lengths: nothing that Argon2 refuses.
    #[expect(clippy::expect_used, reason = "a value must not be stored under a hash that was not made")]
    argon2.hash_password_into_with_memory(value.as_bytes(), salt, &mut hash, &mut *memory).expect("an Argon2id hash");
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}")
}

/// The keyed hash of a value in its comparable form, as it is stored and searched. `None` when the configuration was loaded
/// without its key.
#[must_use]
pub fn searchable(value: &str, definition: &AttributeDefinition, schema: &Schema) -> Option<String> {
    let comparable = text::folded(value).unwrap_or_else(|| value.to_lowercase());
    let key = schema.hash_key.as_ref()?;
    Some(URL_SAFE_NO_PAD.encode(key.hash(definition.id, &comparable)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a2_a_salted_hash_is_a_phc_string_of_argon2id() {
        // As the reference implementation makes it: argon2-cffi, hash_secret(b"secret", b"0123456789abcdef", 2, 19456, 1, 32, ID).
        let due = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$8qPpaWig0H31wvibKAgpght2Ry2M8rtRQYtZ93ooMus";
        assert_eq!(salted("secret", b"0123456789abcdef"), due);
        assert_ne!(salted("secret", b"0123456789abcdeg"), salted("secret", b"0123456789abcdef"));
    }
}
