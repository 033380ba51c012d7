//! Making RSA keys (FIPS 186-5 A.1.3), which `ring` does not do (ADR 0019); `ring` checks them and
//! signs with them.

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto_bigint::rand_core::{TryCryptoRng, TryRng};
use crypto_bigint::{Encoding, NonZero, U1024, U2048, Uint};
use crypto_primes::hazmat::{SetBits, SmallFactorsSieveFactory};
use crypto_primes::{Flavor, is_prime, sieve_and_find};
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::{Deserialize, Serialize};

use crate::domain::error::{Error, Result};
use crate::domain::jwk::KeyParameters;
use crate::env::Random;

/// The size of each prime in bits: half of the modulus.
const PRIME_BITS: u32 = 1024;
/// The public exponent.
const EXPONENT: u32 = 65537;

/// A private key as it is stored: the members of its JWK (RFC 7518 §6.3), base64url.
#[derive(Serialize, Deserialize)]
pub(super) struct RsaKey {
    n: String,
    e: String,
    d: String,
    p: String,
    q: String,
    dp: String,
    dq: String,
    qi: String,
}

impl RsaKey {
    /// Makes a key of 2048 bits, and signs once with it: `ring` verifies what it signs, and with it
    /// the key. Takes some 60 ms of a processor, at times 300.
    pub(super) fn generate(random: &Random) -> Result<Self> {
        // One in thirty thousand pairs of primes does not fit the exponent.
        let made = (0..8).find_map(|_| Self::of(&prime(random)?, &prime(random)?));
        let key = made.ok_or_else(|| Error::unexpected("cannot make an RSA key"))?;
        sign(&key.pair()?, random, b"")?;
        Ok(key)
    }

    fn of(one: &U1024, other: &U1024) -> Option<Self> {
        let (p, q) = if one > other { (one, other) } else { (other, one) };
        let (less_p, less_q) = (p.wrapping_sub(&U1024::ONE), q.wrapping_sub(&U1024::ONE));
        let n: U2048 = p.concatenating_mul(q);
        let phi: U2048 = less_p.concatenating_mul(&less_q);
        let exponent = U1024::from_u32(EXPONENT);
        Some(Self {
            n: text(&n),
            e: "AQAB".to_owned(),
            d: text(&inverse(&U2048::from_u32(EXPONENT), phi)?),
            p: text(p),
            q: text(q),
            dp: text(&inverse(&exponent, less_p)?),
            dq: text(&inverse(&exponent, less_q)?),
            qi: text(&inverse(q, *p)?),
        })
    }

    /// The key in the form that signs.
    pub(super) fn pair(&self) -> Result<RsaKeyPair> {
        let bytes = |text: &str| {
            URL_SAFE_NO_PAD
                .decode(text)
                .map_err(|_| Error::unexpected("a stored signing key is not in base64url"))
        };
        let components = KeyPairComponents {
            public_key: PublicKeyComponents { n: bytes(&self.n)?, e: bytes(&self.e)? },
            d: bytes(&self.d)?,
            p: bytes(&self.p)?,
            q: bytes(&self.q)?,
            dP: bytes(&self.dp)?,
            dQ: bytes(&self.dq)?,
            qInv: bytes(&self.qi)?,
        };
        RsaKeyPair::from_components(&components)
            .map_err(|_| Error::unexpected("cannot read a stored signing key"))
    }

    /// The public half.
    pub(super) fn numbers(self) -> KeyParameters {
        KeyParameters::Rsa { n: self.n, e: self.e }
    }
}

/// Signs by RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
pub(super) fn sign(pair: &RsaKeyPair, random: &Random, content: &[u8]) -> Result<Vec<u8>> {
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, random.generator(), content, &mut signature)
        .map_err(Error::unexpected)?;
    Ok(signature)
}

/// A prime whose two highest bits are set, so that the product of two has all its bits.
fn prime(random: &Random) -> Option<U1024> {
    let candidates =
        SmallFactorsSieveFactory::new(Flavor::Any, PRIME_BITS, SetBits::TwoMsb).ok()?;
    sieve_and_find(&mut Generator(random), candidates, |_, candidate| {
        is_prime(Flavor::Any, candidate)
    })
    .ok()?
}

fn inverse<const N: usize>(number: &Uint<N>, modulus: Uint<N>) -> Option<Uint<N>> {
    let modulus: Option<_> = NonZero::new(modulus).into();
    number.invert_mod(&modulus?).into()
}

/// A number without zero bytes in front, base64url.
fn text<const N: usize>(number: &Uint<N>) -> String
where
    Uint<N>: Encoding,
{
    let bytes = number.to_be_bytes();
    let bytes = bytes.as_ref();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    URL_SAFE_NO_PAD.encode(bytes.get(zeros..).unwrap_or_default())
}

/// The service's source of randomness in the form that the search for primes takes.
struct Generator<'r>(&'r Random);

impl TryRng for Generator<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.0.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.0.bytes()))
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        for part in target.chunks_mut(32) {
            for (byte, random) in part.iter_mut().zip(self.0.bytes::<32>()) {
                *byte = random;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Generator<'_> {}
