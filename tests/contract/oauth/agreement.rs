//! The service's reader of signed tokens and that of the `jsonwebtoken` crate accept and refuse the
//! same tokens (ADR 0039). The differences are listed here with their reasons; everything else
//! agrees.

use std::collections::HashSet;

use jsonwebtoken::{DecodingKey, Validation};
use proptest::test_runner::TestRunner;
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Map, Value, json};
use shared::auth::{jose::Jws, provider};
use shared::domain::json::Json;
use shared::domain::jwk::Jwk;
use tests::{ALGORITHMS, KeyPair, base64url, with};

use super::damage::case;
use crate::model::config;

const CLAIMS: &str = r#"{"iss":"https://idp.example","sub":"jan","exp":4102444800}"#;

/// Whether the service takes a token for one of this key.
fn ours(token: &str, key: &KeyPair) -> bool {
    let text = key.jwk().to_string();
    let key = Json::parse(text.as_bytes()).unwrap();
    let key = Jwk::read(key.as_object().unwrap()).unwrap();
    Jws::open(token).is_some_and(|jws| {
        jws.strict_claims().is_some() && jws.claims::<Map<String, Value>>(&key).is_some()
    })
}

/// Whether `jsonwebtoken` does, by the same key and algorithm and without a look at the claims.
fn theirs(token: &str, key: &KeyPair) -> bool {
    provider::install();
    let jwk = with(key.jwk(), json!({ "alg": null }));
    let decoding_key = DecodingKey::from_jwk(&serde_json::from_value(jwk).unwrap()).unwrap();
    let alg = if key.alg == "Ed25519" { "EdDSA" } else { key.alg };
    let mut validation = Validation::new(alg.parse().unwrap());
    validation.required_spec_claims = HashSet::new();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    jsonwebtoken::decode::<Map<String, Value>>(token, &decoding_key, &validation).is_ok()
}

/// A token of these texts.
fn signed(key: &KeyPair, header: &str, claims: &str) -> String {
    let content = format!("{}.{}", base64url(header), base64url(claims));
    format!("{content}.{}", base64url(key.sign(content.as_bytes())))
}

/// A header with one more member.
fn header(alg: &str, member: &str) -> String {
    format!(r#"{{"alg":"{alg}"{}{member}}}"#, if member.is_empty() { "" } else { "," })
}

#[track_caller]
fn both(token: &str, key: &KeyPair, accept: bool) {
    assert_eq!((ours(token, key), theirs(token, key)), (accept, accept), "{}: {token}", key.alg);
}

#[test]
fn o5_good_tokens_are_accepted_by_both() {
    for alg in ["ES256", "RS256", "PS256", "EdDSA"] {
        let key = KeyPair::of(alg);
        for member in [
            "",
            r#""typ":"JWT""#,
            r#""typ":"at+jwt","kid":"1""#,
            r#""cty":"JWT","x5t":"AA","x5c":["AA"],"jku":"https://x.example""#,
            r#""more":{"deep":[1,2.5,null]}"#,
            r#""jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        ] {
            both(&signed(&key, &header(alg, member), CLAIMS), &key, true);
        }
        both(&signed(&key, &header(alg, ""), "{}"), &key, true);
    }
}

#[test]
fn o5_what_is_no_token_of_the_key_is_refused_by_both() {
    let keys = ["ES256", "RS256", "PS256", "EdDSA"].map(KeyPair::of);
    for key in &keys {
        let alg = key.alg;
        let good = signed(key, &header(alg, ""), CLAIMS);
        let [head, claims, signature] =
            <[&str; 3]>::try_from(good.split('.').collect::<Vec<_>>()).unwrap();
        let content = format!("{head}.{claims}");
        for other in keys.iter().filter(|other| other.alg != alg) {
            both(&signed(other, &header(alg, ""), CLAIMS), key, false);
            both(&signed(key, &header(other.alg, ""), CLAIMS), key, false);
        }
        for name in ["none", "None", "", "HS256", "ES384", "ES512", "PS512", "es256", "ES256K"] {
            both(&signed(key, &header(name, ""), CLAIMS), key, false);
            both(&format!("{}.{claims}.", base64url(header(name, ""))), key, false);
        }
        for text in [
            "{}",
            "[]",
            "null",
            "",
            "{",
            r#""ES256""#,
            r#"{"alg":null}"#,
            r#"{"alg":7}"#,
            r#"{"alg":["ES256"]}"#,
            &header(alg, r#""alg":"none""#),
            &header(alg, r#""kid":"1","kid":"2""#),
            &header(alg, r#""typ":"JWT","typ":"JWT""#),
            &header(alg, r#""more":"\ud800""#),
            &header(alg, r#""more":1,"#),
            &format!("{}x", header(alg, "")),
        ] {
            both(&signed(key, text, CLAIMS), key, false);
        }
        for text in ["", "null", "[]", "7", r#""text""#, "{", r#"{"a":"\ud800"}"#, "{} {}"] {
            both(&signed(key, &header(alg, ""), text), key, false);
        }
        let (_, damaged) = signature.split_at(1);
        let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
        for token in [
            format!("{content}."),
            format!("{content}.AA"),
            format!("{content}.{flipped}{damaged}"),
            format!("{content}.{signature}AAAA"),
            format!("{content}.{signature}=="),
            format!("{content}.{signature}\n"),
            format!("{content}.{signature} "),
            format!(" {content}.{signature}"),
            format!("{content}.{signature}."),
            format!(".{content}.{signature}"),
            format!("{head}..{claims}.{signature}"),
            format!("{head}=.{claims}.{signature}"),
            format!("{head}.{claims}=.{signature}"),
            format!("{claims}.{head}.{signature}"),
            content.clone(),
            head.to_owned(),
            "..".to_owned(),
            String::new(),
            "é.é.é".to_owned(),
        ] {
            both(&token, key, false);
        }
        let der = (alg == "ES256").then(|| base64url(key.sign_der(content.as_bytes())));
        for signature in der.into_iter().chain([base64url([0; 64]), base64url([0; 256])]) {
            both(&format!("{content}.{signature}"), key, false);
        }
    }
}

/// The intended differences between the two: the token, whether the service accepts it, and why.
#[test]
fn o5_the_differences_are_these() {
    let (key, ed) = (KeyPair::es256(), KeyPair::of("Ed25519"));
    let es = |member: &str, claims: &str| (signed(&key, &header("ES256", member), claims), &key);
    let differences = [
        // The name of RFC 9864 for EdDSA, which openid-client and oauth4webapi send.
        ((signed(&ed, &header("Ed25519", ""), CLAIMS), &ed), true),
        // Extensions that have to be understood (RFC 7515 §4.1.11): the service has none.
        (es(r#""crit":["exp"]"#, CLAIMS), false),
        (es(r#""crit":[]"#, CLAIMS), false),
        // Members that occur twice (RFC 8725 §2.4), at any depth.
        (es(r#""more":1,"more":2"#, CLAIMS), false),
        (es(r#""more":{"a":1,"a":2}"#, CLAIMS), false),
        (es("", r#"{"more":1,"more":2}"#), false),
        // More than 8 KB, and more than 64 levels.
        (es("", &format!(r#"{{"pad":"{}"}}"#, "x".repeat(9000))), false),
        (es("", &format!(r#"{{"deep":{}{}}}"#, "[".repeat(70), "]".repeat(70))), false),
        // Members that the service does not read may have any type; those that a kind of token
        // needs are checked where that kind is read.
        (es(r#""cty":7"#, CLAIMS), true),
        (es(r#""typ":7"#, CLAIMS), true),
        (es(r#""kid":7"#, CLAIMS), true),
    ];
    for ((token, key), accept) in differences {
        assert_eq!((ours(&token, key), theirs(&token, key)), (accept, !accept), "{token}");
    }
}

/// Damaged tokens: the service never accepts what `jsonwebtoken` refuses, except where the owner of
/// the key has signed it.
#[test]
fn o5_nothing_damaged_is_accepted_by_the_service_alone() {
    for alg in ALGORITHMS {
        let (key, name) = (KeyPair::of(alg), if alg == "Ed25519" { "EdDSA" } else { alg });
        let good = signed(&key, &header(name, r#""typ":"JWT","kid":"1""#), CLAIMS);
        let tried = TestRunner::new(config(100)).run(&case(), |case| {
            let Ok(token) = String::from_utf8(case.of(&good, &key)) else { return Ok(()) };
            let (ours, theirs) = (ours(&token, &key), theirs(&token, &key));
            prop_assert!(theirs || !ours || case.is_signed(), "{}", token);
            if case.is_whole() {
                prop_assert_eq!((ours, theirs), (true, true));
            }
            Ok(())
        });
        assert_eq!(tried.map_err(|failure| failure.to_string()), Ok(()));
    }
}
