//! A member that occurs twice means one thing to one reader and another to the next (RFC 8725
//! §2.4): what has one is refused.

use serde_json::json;
use tests::{BASE, KeyPair, START, Service, TENANT, base64url, fresh, part};

use super::{CREDENTIALS, TOKEN, refused};

/// A JWS of these texts.
fn signed(key: &KeyPair, header: &str, claims: &str) -> String {
    let content = format!("{}.{}", base64url(header), base64url(claims));
    format!("{content}.{}", base64url(key.sign(content.as_bytes())))
}

/// An object's text with one more member in front, and with one more at its end.
fn both_ways(object: &str, member: &str) -> [String; 2] {
    let inside = object.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
    [format!("{{{member},{inside}}}"), format!("{{{inside},{member}}}")]
}

#[tokio::test]
async fn o3_an_assertion_says_each_thing_once() {
    let service = Service::start().await;
    let key = KeyPair::es256();
    let client = service.register_keys(TENANT, &[&key]).await;
    let other = service.register_keys(TENANT, &[&KeyPair::es256()]).await;
    let texts = || {
        let good = key.assertion(&client.id, json!({}), json!({}));
        (part(&good, 0).to_string(), part(&good, 1).to_string())
    };
    let send = async |header: &str, claims: &str| {
        let assertion = signed(&key, header, claims);
        service.asserted(TOKEN, &assertion, &[CREDENTIALS]).from(&fresh("address")).await
    };
    let (header, claims) = texts();
    send(&header, &claims).await.is(200);
    for member in [
        format!(r#""sub":"{}""#, other.id),
        format!(r#""iss":"{}""#, client.id),
        format!(r#""aud":"{BASE}/idhub/oidc""#),
        format!(r#""exp":{}"#, START.seconds() + 100),
        r#""jti":"x""#.to_owned(),
        r#""nbf":1,"nbf":2"#.to_owned(),
    ] {
        let (header, claims) = texts();
        for claims in both_ways(&claims, &member) {
            refused(&send(&header, &claims).await, 401, "invalid_client");
        }
    }
    for member in [
        r#""alg":"none""#,
        r#""alg":"ES256""#,
        r#""typ":"JWT""#,
        &format!(r#""kid":"{}""#, key.kid),
    ] {
        let (header, claims) = texts();
        for header in both_ways(&header, member) {
            refused(&send(&header, &claims).await, 401, "invalid_client");
        }
    }
}

#[tokio::test]
async fn o5_a_proof_says_each_thing_once() {
    let service = Service::start().await;
    let key = KeyPair::es256();
    let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    let texts = || {
        let good = key.proof("POST", TOKEN, json!({}), json!({}));
        (part(&good, 0).to_string(), part(&good, 1).to_string())
    };
    let send = async |header: &str, claims: &str| {
        client.token_for(&[CREDENTIALS]).header("dpop", signed(&key, header, claims)).await
    };
    let (header, claims) = texts();
    send(&header, &claims).await.is(200);
    for member in [r#""htm":"POST""#, r#""jti":"x""#, r#""iat":1795255200"#, r#""htu":"x""#] {
        let (header, claims) = texts();
        for claims in both_ways(&claims, member) {
            refused(&send(&header, &claims).await, 400, "invalid_dpop_proof");
        }
    }
    let stranger = KeyPair::es256().jwk();
    let inner = header.replace(r#""kty":"EC""#, r#""kty":"EC","kty":"EC""#);
    let unknown = header.replace(r#""kty":"EC""#, r#""kty":"EC","more":1,"more":1"#);
    let mut headers = vec![inner, unknown];
    for member in [
        format!(r#""jwk":{stranger}"#),
        r#""alg":"ES256""#.to_owned(),
        r#""typ":"dpop+jwt""#.to_owned(),
    ] {
        headers.extend(both_ways(&header, &member));
    }
    for header in headers {
        let (_, claims) = texts();
        refused(&send(&header, &claims).await, 400, "invalid_dpop_proof");
    }
}
