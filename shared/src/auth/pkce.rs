//! Proof keys of code exchange (RFC 7636), with the method `S256` alone (rule G4).

use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use super::claims::{base64url, decode};

/// The lengths of a verifier (RFC 7636 §4.1).
const VERIFIER_LENGTHS: std::ops::RangeInclusive<usize> = 43..=128;

/// Whether a text can be the challenge of a verifier: a SHA-256 in base64url. The thumbprint of a
/// key has the same form.
#[must_use]
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && decode(text).is_some_and(|bytes| bytes.len() == 32)
}

/// Whether a text is a verifier, and its challenge is this one.
#[must_use]
pub fn fits(verifier: &str, challenge: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let computed = base64url(digest(&SHA256, verifier.as_bytes()).as_ref());
    VERIFIER_LENGTHS.contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && computed.as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g4_the_example_of_rfc_7636_fits_and_others_do_not() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_challenge(challenge) && fits(verifier, challenge));
        assert!(!fits(challenge, challenge) && !fits(verifier, verifier));
        for wrong in ["", &verifier.replacen('d', "", 1), &format!("{verifier}="), &"a".repeat(129)]
        {
            assert!(
                !fits(wrong, &base64url(digest(&SHA256, wrong.as_bytes()).as_ref())),
                "{wrong}"
            );
        }
        for wrong in [
            "",
            &challenge.replacen('E', "", 1),
            &format!("{challenge}A"),
            &challenge.replace('-', "+"),
        ] {
            assert!(!is_challenge(wrong), "{wrong}");
        }
    }
}
