//! Hashes of passwords that other systems made, in the forms in which they are imported.
//!
//! Each form has a floor, below which a stolen table would give the passwords away, and a ceiling,
//! above which one sign-in would keep a processor busy for seconds.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::is_hash;

/// The costs of bcrypt that are taken: 2¹⁰ to 2¹⁴ rounds.
pub const BCRYPT_COSTS: RangeInclusive<u32> = 10..=14;
/// The rounds of PBKDF2 that are taken.
pub const PBKDF2_ROUNDS: RangeInclusive<u32> = 100_000..=2_000_000;
/// The most memory of an Argon2id that is verified at sign-in, in KiB.
pub const ARGON2_MEMORY: u32 = 128 * 1024;
/// The most passes of an Argon2id that is verified at sign-in.
pub const ARGON2_PASSES: u32 = 10;

/// The hash function of a PBKDF2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pbkdf2Function {
    /// HMAC with SHA-256.
    Sha256,
    /// HMAC with SHA-512.
    Sha512,
}

/// A hash made by PBKDF2: `$pbkdf2-sha256$i=600000,l=32$<salt>$<hash>`, in base64 without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pbkdf2 {
    /// The hash function.
    pub function: Pbkdf2Function,
    /// The number of rounds.
    pub rounds: u32,
    /// The salt.
    pub salt: Vec<u8>,
    /// The hash.
    pub hash: Vec<u8>,
}

impl Pbkdf2 {
    /// Reads one. `None` for a text of another form.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('$').collect();
        let ["", name, params, salt, hash] = *parts else { return None };
        let function = match name {
            "pbkdf2-sha256" => Pbkdf2Function::Sha256,
            "pbkdf2-sha512" => Pbkdf2Function::Sha512,
            _ => return None,
        };
        let (rounds, length) = params.split_once(",l=").unwrap_or((params, ""));
        let rounds = number(rounds.strip_prefix("i=")?)?;
        let decode = |text: &str, lengths: RangeInclusive<usize>| {
            let bytes = STANDARD_NO_PAD.decode(text).ok();
            bytes.filter(|bytes| lengths.contains(&bytes.len()))
        };
        let (salt, hash) = (decode(salt, 8..=64)?, decode(hash, 20..=64)?);
        let fits = length.is_empty() || length == hash.len().to_string();
        fits.then_some(Self { function, rounds, salt, hash })
    }
}

/// The cost of a hash of bcrypt: `$2b$12$` and 53 characters. `None` for a text of another form.
fn bcrypt_cost(text: &str) -> Option<u32> {
    let rest = ["$2a$", "$2b$", "$2y$"].into_iter().find_map(|start| text.strip_prefix(start))?;
    let (cost, hash) = rest.split_once('$')?;
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/');
    let whole = cost.len() == 2 && hash.len() == 53 && hash.bytes().all(legal);
    whole.then(|| cost.parse().ok()).flatten()
}

fn number(digits: &str) -> Option<u32> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

/// A parameter of an Argon2id in its PHC string.
fn argon2_parameter(text: &str, name: &str) -> u32 {
    let parameters = text.split('$').nth(3).unwrap_or_default().split(',');
    let value = parameters.filter_map(|parameter| parameter.split_once('='));
    let value = value.into_iter().find(|(found, _)| *found == name);
    value.and_then(|(_, digits)| digits.parse().ok()).unwrap_or(u32::MAX)
}

/// Whether a hash may become the password of a person: of Argon2id, bcrypt or PBKDF2, and neither
/// too weak nor too costly. Returns why not.
pub fn adoptable(text: &str) -> Result<(), &'static str> {
    if let Some(cost) = bcrypt_cost(text) {
        return if BCRYPT_COSTS.contains(&cost) {
            Ok(())
        } else {
            Err("expected a cost of bcrypt from 10 to 14")
        };
    }
    if let Some(hash) = Pbkdf2::read(text) {
        return if PBKDF2_ROUNDS.contains(&hash.rounds) {
            Ok(())
        } else {
            Err("expected 100 000 to 2 000 000 rounds of PBKDF2")
        };
    }
    if !is_hash(text) {
        return Err("expected a hash of Argon2id, bcrypt or PBKDF2");
    }
    let costly =
        argon2_parameter(text, "m") > ARGON2_MEMORY || argon2_parameter(text, "t") > ARGON2_PASSES;
    if costly { Err("expected at most 128 MiB and 10 passes of Argon2id") } else { Ok(()) }
}

/// Whether a text is a hash of bcrypt that may become a password.
pub(super) fn is_bcrypt(text: &str) -> bool {
    bcrypt_cost(text).is_some() && adoptable(text).is_ok()
}

/// Whether a text is a hash of PBKDF2 that may become a password.
pub(super) fn is_pbkdf2(text: &str) -> bool {
    Pbkdf2::read(text).is_some() && adoptable(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    const ARGON2: &str =
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ";
    const SALT_AND_HASH: &str = "c2FsdHNhbHQ$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn g31_hashes_between_floor_and_ceiling_may_become_passwords() {
        let pbkdf2 = |parameters: &str| format!("$pbkdf2-{parameters}${SALT_AND_HASH}");
        for good in [
            BCRYPT.to_owned(),
            BCRYPT.replace("$2b$10", "$2a$14"),
            BCRYPT.replace("$2b$10", "$2y$12"),
            ARGON2.to_owned(),
            pbkdf2("sha256$i=100000,l=32"),
            pbkdf2("sha512$i=210000,l=32"),
            pbkdf2("sha512$i=2000000"),
        ] {
            assert_eq!(adoptable(&good), Ok(()), "{good}");
        }
        for wrong in [
            BCRYPT.replace("$10$", "$09$"),
            BCRYPT.replace("$10$", "$15$"),
            BCRYPT.replace("$2b$", "$2x$"),
            format!("{BCRYPT}x"),
            pbkdf2("sha256$i=99999,l=32"),
            pbkdf2("sha256$i=2000001,l=32"),
            pbkdf2("sha256$i=0100000,l=32"),
            pbkdf2("sha256$i=100000,l=31"),
            pbkdf2("sha1$i=100000,l=32"),
            pbkdf2("sha256$100000"),
            ARGON2.replace("m=65536", "m=131073"),
            ARGON2.replace("t=3", "t=11"),
            ARGON2.replace("m=65536", "m=8"),
            "hunter2".to_owned(),
            String::new(),
        ] {
            assert!(adoptable(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn g31_a_hash_of_pbkdf2_is_taken_apart() {
        let text = format!("$pbkdf2-sha512$i=210000,l=32${SALT_AND_HASH}");
        let hash = Pbkdf2::read(&text).unwrap();
        assert_eq!((hash.function, hash.rounds), (Pbkdf2Function::Sha512, 210_000));
        assert_eq!((hash.salt.as_slice(), hash.hash.len()), (&b"saltsalt"[..], 32));
    }
}
