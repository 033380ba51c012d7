//! Argon2id (RFC 9106) in the PHC string format.

use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use shared::domain::error::{Error, Result};
use shared::domain::hashing::{ARGON2_MEMORY, ARGON2_PASSES};
use subtle::ConstantTimeEq as _;

/// The memory that hashes are made in. It is kept for the next one, as the memory for HASH
/// attributes is.
static MEMORY: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// The parameters of new hashes: 19 MiB, two passes, one lane (rule G31).
const PARAMS: Params = Params::DEFAULT;

/// A hash of Argon2id.
pub(super) struct Argon2idHash {
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Argon2idHash {
    /// A hash of no password, which costs what a real one costs.
    pub(super) fn dummy() -> Self {
        Self { params: PARAMS, salt: vec![0; 16], hash: vec![0; 32] }
    }

    /// Reads a hash, if this function can compute it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('$').collect();
        let ["", "argon2id", "v=19", params, salt, hash] = *parts else { return None };
        let mut params = params.split(',');
        let mut number =
            |name: &str| params.next()?.strip_prefix(name)?.strip_prefix('=')?.parse::<u32>().ok();
        let (memory, passes, lanes) = (number("m")?, number("t")?, number("p")?);
        if params.next().is_some() || memory > ARGON2_MEMORY || passes > ARGON2_PASSES {
            return None;
        }
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        let hash = STANDARD_NO_PAD.decode(hash).ok().filter(|hash| hash.len() >= 16)?;
        let params = Params::new(memory, passes, lanes, Some(hash.len())).ok()?;
        Some(Self { params, salt, hash })
    }

    /// Whether it has the parameters of new hashes. Heavier ones are replaced too: if all hashes cost
    /// the same, the time of an answer tells nothing (rule G39).
    pub(super) fn is_present(&self) -> bool {
        let of = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        of(&self.params) == of(&PARAMS) && self.salt.len() == 16 && self.hash.len() == 32
    }

    /// Whether it is the hash of this password.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        let mut made = vec![0; self.hash.len()];
        fill(password, &self.salt, &self.params, &mut made).is_ok() && made.ct_eq(&self.hash).into()
    }
}

/// Makes the hash of a new password.
pub(super) fn hash(password: &[u8], salt: &[u8; 16]) -> Result<String> {
    let mut hash = [0; 32];
    fill(password, salt, &PARAMS, &mut hash).map_err(Error::unexpected)?;
    let (m, t, p) = (PARAMS.m_cost(), PARAMS.t_cost(), PARAMS.p_cost());
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}"))
}

fn fill(password: &[u8], salt: &[u8], params: &Params, hash: &mut [u8]) -> argon2::Result<()> {
    let blocks = params.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    if blocks > PARAMS.block_count() {
        // A hash from elsewhere, once: its memory is given back.
        let mut memory = vec![Block::default(); blocks];
        return argon2.hash_password_into_with_memory(password, salt, hash, &mut memory);
    }
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    if memory.len() < blocks {
        memory.resize(PARAMS.block_count(), Block::default());
    }
    argon2.hash_password_into_with_memory(password, salt, hash, &mut *memory)
}
