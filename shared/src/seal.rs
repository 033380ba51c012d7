//! Sealing: bytes that only the holder of a key can read, and only for what they were made.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::domain::error::{Error, Result};
use crate::env::Env;

/// Seals `plain` under `key`, bound to `bound`: a random nonce, then ChaCha20-Poly1305 (RFC 8439).
pub fn seal(key: &[u8; 32], bound: &str, mut plain: Vec<u8>, env: &Env) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = env.random.bytes();
    let key =
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).map_err(Error::unexpected)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut plain)
        .map_err(Error::unexpected)?;
    let mut sealed = nonce.to_vec();
    sealed.append(&mut plain);
    Ok(sealed)
}

/// Opens what [`seal`] made; `None` if it was sealed with another key, for another purpose, or
/// changed.
#[must_use]
pub fn open(key: &[u8; 32], bound: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, cipher) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    let mut cipher = cipher.to_vec();
    let plain = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound), &mut cipher)
        .ok()?;
    Some(plain.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h7_what_is_sealed_opens_only_for_what_it_was_made() {
        let env = Env::default();
        let sealed = seal(&[1; 32], "acme", b"here".to_vec(), &env).unwrap();
        assert_eq!(open(&[1; 32], "acme", &sealed).unwrap(), b"here");
        assert_eq!(open(&[1; 32], "other", &sealed), None);
        assert_eq!(open(&[2; 32], "acme", &sealed), None);
        let mut bytes = sealed;
        for i in 0..bytes.len() {
            bytes[i] ^= 1;
            assert_eq!(open(&[1; 32], "acme", &bytes), None);
            bytes[i] ^= 1;
        }
        for length in 0..bytes.len() {
            assert_eq!(open(&[1; 32], "acme", &bytes[..length]), None);
        }
    }
}
