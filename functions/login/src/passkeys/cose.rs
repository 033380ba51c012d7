//! Public keys of passkeys (`WebAuthn` Level 3 §6.5.1.1, RFC 9052 §7, RFC 9053 §7), and what they
//! sign.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use shared::domain::json::{Json, Object};
use shared::domain::jwk::Jwk;

use super::cbor::{Map, Value};
use super::refusal::Refusal;

/// The algorithms that are asked for, the preferred one first (RFC 9053 §2, RFC 8812 §2).
pub(super) const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

/// ECDSA on P-256 with SHA-256.
const ES256: i64 = -7;
/// Ed25519.
const EDDSA: i64 = -8;
/// RSASSA-PKCS1-v1_5 with SHA-256.
const RS256: i64 = -257;

/// The labels of a key (RFC 9052 §7.1, RFC 9053 §7, RFC 8230 §4).
mod label {
    pub(super) const TYPE: i64 = 1;
    pub(super) const ALGORITHM: i64 = 3;
    pub(super) const CURVE_OR_MODULUS: i64 = -1;
    pub(super) const X_OR_EXPONENT: i64 = -2;
    pub(super) const Y: i64 = -3;
}

/// A public key that verifies signatures of one algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// A point on P-256, uncompressed.
    Es256(Vec<u8>),
    /// An Ed25519 key.
    EdDsa(Vec<u8>),
    /// An RSA key.
    Rs256 {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads a key. It has the labels of its type and no others; its algorithm is one of
    /// [`ALGORITHMS`], and its numbers are a key.
    pub(super) fn parse(cbor: &[u8]) -> Result<Self, Refusal> {
        let map =
            Value::parse(cbor)?.into_map().ok_or(Refusal::Malformed("the public key is no map"))?;
        let (read, labels) = match map.number(label::ALGORITHM) {
            Some(Value::Integer(ES256)) => (Self::es256(&map), 5),
            Some(Value::Integer(EDDSA)) => (Self::eddsa(&map), 4),
            Some(Value::Integer(RS256)) => (Self::rs256(&map), 4),
            _ => return Err(Refusal::Algorithm),
        };
        read.filter(|_| map.len() == labels).filter(Self::is_valid).ok_or(Refusal::PublicKey)
    }

    fn es256(map: &Map<'_>) -> Option<Self> {
        let (x, y) = (bytes(map, label::X_OR_EXPONENT)?, bytes(map, label::Y)?);
        let is_p256 = is(map, label::TYPE, 2) && is(map, label::CURVE_OR_MODULUS, 1);
        let point = [&[4], x, y].concat();
        (is_p256 && x.len() == 32 && y.len() == 32).then_some(Self::Es256(point))
    }

    fn eddsa(map: &Map<'_>) -> Option<Self> {
        let x = bytes(map, label::X_OR_EXPONENT)?;
        let is_ed25519 = is(map, label::TYPE, 1) && is(map, label::CURVE_OR_MODULUS, 6);
        is_ed25519.then(|| Self::EdDsa(x.to_vec()))
    }

    fn rs256(map: &Map<'_>) -> Option<Self> {
        let n = bytes(map, label::CURVE_OR_MODULUS)?.to_vec();
        let e = bytes(map, label::X_OR_EXPONENT)?.to_vec();
        is(map, label::TYPE, 3).then_some(Self::Rs256 { n, e })
    }

    /// Whether the numbers are a key that can verify anything, by the rules for all keys of others:
    /// a point on the curve, or a modulus of 2048 to 4096 bits.
    fn is_valid(&self) -> bool {
        let number = |bytes: &[u8]| Json::String(URL_SAFE_NO_PAD.encode(bytes));
        let members = match self {
            Self::Es256(point) => {
                let (x, y) =
                    point.get(1..).and_then(|xy| xy.split_at_checked(32)).unwrap_or_default();
                [("kty", "EC".into()), ("crv", "P-256".into()), ("x", number(x)), ("y", number(y))]
                    .to_vec()
            }
            Self::EdDsa(x) => {
                [("kty", "OKP".into()), ("crv", "Ed25519".into()), ("x", number(x))].to_vec()
            }
            Self::Rs256 { n, e } => {
                [("kty", "RSA".into()), ("n", number(n)), ("e", number(e))].to_vec()
            }
        };
        let members: Object =
            members.into_iter().map(|(name, value)| (String::from(name), value)).collect();
        Jwk::read(&members).and_then(|key| key.check_point()).is_ok()
    }

    /// Its algorithm.
    pub(super) const fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => ES256,
            Self::EdDsa(_) => EDDSA,
            Self::Rs256 { .. } => RS256,
        }
    }

    /// Whether a signature over a message is of this key (§6.5.5): of ECDSA it is in DER.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
                .verify(message, signature)
                .is_ok(),
            Self::EdDsa(x) => {
                UnparsedPublicKey::new(&ED25519, x).verify(message, signature).is_ok()
            }
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }
}

fn bytes<'b>(map: &Map<'b>, label: i64) -> Option<&'b [u8]> {
    if let Some(Value::Bytes(bytes)) = map.number(label) { Some(*bytes) } else { None }
}

fn is(map: &Map<'_>, label: i64, number: i64) -> bool {
    map.number(label) == Some(&Value::Integer(number))
}

#[cfg(test)]
mod tests {
    use super::super::vectors::hex;
    use super::*;

    /// The base point of P-256, which is a point on it (FIPS 186-4 §D.1.2.3).
    const X: &str = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    const Y: &str = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    /// The base point of Ed25519 (RFC 8032 §5.1): y is 4/5, x is even.
    const ED: &str = "5866666666666666666666666666666666666666666666666666666666666666";

    fn parse(text: &str) -> Result<PublicKey, Refusal> {
        PublicKey::parse(&hex(text))
    }

    fn rsa(modulus: usize, last: u8, e: &str) -> String {
        let n = format!("{}{last:02x}", "c1".repeat(modulus - 1));
        let length =
            if modulus < 256 { format!("58{modulus:02x}") } else { format!("59{modulus:04x}") };
        format!("a4 0103 03390100 20{length}{n} 21{e}")
    }

    #[test]
    fn g52_keys_of_three_algorithms_are_read() {
        assert!(matches!(
            parse(&format!("a5 0102 0326 2001 215820{X} 225820{Y}")),
            Ok(PublicKey::Es256(point)) if point.len() == 65
        ));
        assert!(matches!(
            parse(&format!("a4 0101 0327 2006 215820{ED}")),
            Ok(PublicKey::EdDsa(key)) if key.len() == 32
        ));
        assert!(matches!(parse(&rsa(256, 1, "43010001")), Ok(PublicKey::Rs256 { .. })));
        assert!(matches!(parse(&rsa(512, 1, "4103")), Ok(PublicKey::Rs256 { .. })));
    }

    #[test]
    fn g53_other_algorithms_are_refused() {
        // ES384, PS256, RS1, ES256K, none, a text, an array.
        for algorithm in ["3822", "3824", "39fffe", "382e", "00", "6545533235 36", "8126"] {
            let key = parse(&format!("a5 0102 03{algorithm} 2001 215820{X} 225820{Y}"));
            assert_eq!(key, Err(Refusal::Algorithm), "{algorithm}");
        }
        assert_eq!(parse("a0"), Err(Refusal::Algorithm));
        assert!(matches!(parse("80"), Err(Refusal::Malformed(_))));
        assert!(matches!(parse(""), Err(Refusal::Malformed(_))));
    }

    #[test]
    fn g53_a_key_is_of_the_type_of_its_algorithm_and_nothing_more() {
        let short = |text: &str| text.chars().skip(2).collect::<String>();
        let (short_x, short_ed) = (short(X), short(ED));
        for wrong in [
            // Another type, another curve, no curve, no y, a short x, a label too much.
            format!("a5 0101 0326 2001 215820{X} 225820{Y}"),
            format!("a5 0102 0326 2002 215820{X} 225820{Y}"),
            format!("a4 0102 0326 215820{X} 225820{Y}"),
            format!("a4 0102 0326 2001 215820{X}"),
            format!("a5 0102 0326 2001 21581f{short_x} 225820{Y}"),
            format!("a6 0102 0326 2001 215820{X} 225820{Y} 2300"),
            // A compressed point has a boolean for y.
            format!("a5 0102 0326 2001 215820{X} 22f5"),
            // No point on the curve.
            format!("a5 0102 0326 2001 215820{X} 225820{X}"),
            format!("a4 0101 0327 2001 215820{ED}"),
            format!("a4 0102 0327 2006 215820{ED}"),
            format!("a4 0101 0327 2006 21581f{short_ed}"),
            format!("a5 0101 0327 2006 215820{ED} 225820{ED}"),
            // 2040 bits, an even modulus, exponents 1 and 2, a zero in front, five bytes.
            rsa(255, 1, "43010001"),
            rsa(256, 2, "43010001"),
            rsa(256, 1, "4101"),
            rsa(256, 1, "4102"),
            rsa(256, 1, "4400010001"),
            rsa(256, 1, "450100000001"),
        ] {
            assert_eq!(parse(&wrong), Err(Refusal::PublicKey), "{wrong}");
        }
    }
}
