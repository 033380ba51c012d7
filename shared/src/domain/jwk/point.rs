//! Whether a public key is a point on its curve. The library that verifies signatures says so only
//! by refusing every signature.

use crypto_bigint::{NonZero, U256};

/// The field of P-256 (SP 800-186 §3.2.1.3).
const P256: U256 =
    U256::from_be_hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
const P256_B: U256 =
    U256::from_be_hex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");
/// The field of Curve25519, 2²⁵⁵ - 19 (RFC 8032 §5.1).
const ED: U256 =
    U256::from_be_hex("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
const ED_D: U256 =
    U256::from_be_hex("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");

/// Arithmetic in the field of a prime.
struct Field(NonZero<U256>);

impl Field {
    fn of(prime: U256) -> Option<Self> {
        NonZero::new(prime).into_option().map(Self)
    }

    /// A number of the field, big-endian.
    fn number(&self, bytes: &[u8]) -> Option<U256> {
        let bytes: &[u8; 32] = bytes.try_into().ok()?;
        Some(U256::from_be_slice(bytes)).filter(|number| *number < *self.0.as_ref())
    }

    fn times(&self, one: &U256, other: &U256) -> U256 {
        one.mul_mod(other, &self.0)
    }

    fn plus(&self, one: &U256, other: &U256) -> U256 {
        one.add_mod(other, &self.0)
    }

    fn minus(&self, one: &U256, other: &U256) -> U256 {
        one.sub_mod(other, &self.0)
    }

    /// Whether a number is a square (Euler's criterion).
    fn is_square(&self, number: &U256) -> bool {
        if *number == U256::ZERO {
            return true;
        }
        let exponent = self.0.as_ref().wrapping_sub(&U256::ONE).shr_vartime(1);
        let mut power = U256::ONE;
        for bit in (0..256).rev() {
            power = self.times(&power, &power);
            if exponent.bit_vartime(bit) {
                power = self.times(&power, number);
            }
        }
        power == U256::ONE
    }
}

/// Whether `x` and `y` are on P-256: y² = x³ - 3x + b.
pub(super) fn is_on_p256(x: &[u8], y: &[u8]) -> bool {
    let Some(field) = Field::of(P256) else { return false };
    let Some((x, y)) = field.number(x).zip(field.number(y)) else { return false };
    let cube = field.times(&field.times(&x, &x), &x);
    let thrice = field.plus(&field.plus(&x, &x), &x);
    field.times(&y, &y) == field.plus(&field.minus(&cube, &thrice), &P256_B)
}

/// Whether an encoded point, the coordinate y with the sign of x, is on Ed25519 (RFC 8032 §5.1.3):
/// whether (y² - 1) / (dy² + 1) is a square.
pub(super) fn is_on_ed25519(encoded: &[u8]) -> bool {
    let Some(field) = Field::of(ED) else { return false };
    let mut bytes: Vec<_> = encoded.iter().rev().copied().collect();
    if let Some(sign) = bytes.first_mut() {
        *sign &= 0x7f;
    }
    let Some(y) = field.number(&bytes) else { return false };
    let square = field.times(&y, &y);
    let above = field.minus(&square, &U256::ONE);
    let below = field.plus(&field.times(&ED_D, &square), &U256::ONE);
    // The quotient is a square if and only if the product is.
    field.is_square(&field.times(&above, &below))
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

    use super::*;

    #[test]
    fn wk18_keys_are_points_on_their_curve_and_few_other_bytes_are() {
        #[expect(clippy::disallowed_methods, reason = "keys of a test need no repetition")]
        let random = SystemRandom::new();
        let algorithm = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        for _ in 0..20 {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
            let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
            assert!(is_on_p256(x, y));
            assert!(!is_on_p256(y, x));
            let mut off = y.to_vec();
            off[31] ^= 1;
            assert!(!is_on_p256(x, &off));
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
            assert!(is_on_ed25519(pair.public_key().as_ref()));
        }
        assert!(!is_on_p256(&[0xff; 32], &[0xff; 32]) && !is_on_p256(&[0; 32], &[0; 32]));
        assert!(!is_on_p256(&[], &[]) && !is_on_ed25519(&[]) && !is_on_ed25519(&[0xff; 32]));
        let on = (0..100_u8).filter(|n| is_on_ed25519(&[*n; 32])).count();
        assert!((20..80).contains(&on), "{on} of 100");
    }
}
