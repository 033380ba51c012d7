//! The requirements on a person's token (rule O5, RFC 8725).

use ring::hmac;
use serde_json::{Value, json};
use tests::{ALGORITHMS, BASE, KeyPair, TENANT, base64url, jwks, part};

use super::{Home, ME, SERVERS, refused};

/// A JWS of these texts.
fn signed(key: &KeyPair, header: &str, claims: &str) -> String {
    let content = format!("{}.{}", base64url(header), base64url(claims));
    format!("{content}.{}", base64url(key.sign(content.as_bytes())))
}

/// Makes the issuer publish these keys and no others.
async fn publish(home: &Home, keys: &[&KeyPair]) {
    let keys: Value = serde_json::from_str(&jwks(keys)).unwrap();
    let path = format!("{SERVERS}/{}", home.issuer.id);
    home.crm.patch(&path, json!({ "jwks": keys })).if_match("*").await.is(200);
    home.service.clock.advance(30);
}

#[tokio::test]
async fn o5_a_token_signed_with_any_of_the_algorithms_is_taken() {
    let mut home = Home::open().await;
    for alg in ALGORITHMS {
        home.issuer.key = KeyPair::of(alg);
        publish(&home, &[&home.issuer.key]).await;
        home.me_with(&home.issuer.token_with("jan", json!({}), json!({}))).await.is(200);
        // Without a `kid` every key of the algorithm is tried.
        home.me_with(&home.issuer.token_with("jan", json!({ "kid": null }), json!({})))
            .await
            .is(200);
        let forged = KeyPair::of(alg);
        let header = json!({ "alg": alg, "kid": home.issuer.key.kid });
        let claims = part(&home.issuer.token_with("jan", json!({}), json!({})), 1);
        if !matches!(alg, "RS256" | "PS256") {
            refused(&home.me_with(&forged.jws(&header, &claims)).await, alg);
        }
        let good = forged.jws(&header, &claims);
        let (content, _) = good.rsplit_once('.').unwrap();
        for signature in ["", "AA", &base64url([0; 64]), &base64url([0; 256])] {
            refused(&home.me_with(&format!("{content}.{signature}")).await, alg);
        }
    }
}

#[tokio::test]
async fn o5_the_algorithm_is_that_of_the_key_and_never_that_of_the_token() {
    let home = Home::open().await;
    let [es, rs, ps, ed] = ["ES256", "RS256", "PS256", "EdDSA"].map(KeyPair::of);
    let keys = [&es, &rs, &ps, &ed];
    publish(&home, &keys).await;
    let claims = part(&home.issuer.token_with("jan", json!({}), json!({})), 1);
    for key in keys {
        home.me_with(&key.jws(&json!({ "alg": key.alg, "kid": key.kid }), &claims)).await.is(200);
        for other in keys.into_iter().filter(|other| other.alg != key.alg) {
            // The algorithm of another key, the id of another key, and both.
            for header in [
                json!({ "alg": other.alg, "kid": key.kid }),
                json!({ "alg": key.alg, "kid": other.kid }),
                json!({ "alg": other.alg, "kid": other.kid }),
            ] {
                // The RSA key can sign with both algorithms, so a token that names the other
                // algorithm is not a forgery.
                let token = key.jws(&header, &claims);
                refused(&home.me_with(&token).await, &format!("{} {header}", key.alg));
            }
        }
    }
    let content = |alg: &str| {
        let header = json!({ "alg": alg, "typ": "JWT", "kid": es.kid });
        format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()))
    };
    for alg in ["none", "None", "NONE", "", "HS256", "ES384", "es256", "RS512"] {
        refused(&home.me_with(&format!("{}.", content(alg))).await, alg);
        let signature = base64url(es.sign(content(alg).as_bytes()));
        refused(&home.me_with(&format!("{}.{signature}", content(alg))).await, alg);
    }
    // HS256 with what everybody can read of the public key.
    let public = [es.jwk().to_string(), es.jwk()["x"].as_str().unwrap().to_owned(), jwks(&[&es])];
    for secret in public {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            content("HS256").as_bytes(),
        );
        refused(&home.me_with(&format!("{}.{}", content("HS256"), base64url(tag))).await, &secret);
    }
}

#[tokio::test]
async fn o5_a_header_that_is_not_an_issuers_is_refused() {
    let home = Home::open().await;
    let jwk = home.issuer.key.jwk();
    for header in [
        json!({ "kid": "unknown" }),
        json!({ "kid": "" }),
        json!({ "kid": "../../../etc/passwd" }),
        json!({ "kid": "' OR 1=1 --" }),
        json!({ "kid": "x".repeat(4000) }),
        json!({ "kid": 7 }),
        json!({ "kid": [home.issuer.key.kid] }),
        json!({ "kid": { "a": "b" } }),
        json!({ "alg": 7 }),
        json!({ "alg": null }),
        json!({ "crit": [] }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "jku": "https://evil.example/jwks" }),
        json!({ "x5u": "https://evil.example/cert" }),
        json!({ "x5c": ["AA"] }),
        json!({ "jwk": jwk }),
        json!({ "typ": "logout+jwt" }),
        json!({ "typ": "dpop+jwt" }),
        json!({ "typ": "secevent+jwt" }),
        json!({ "typ": "application/secevent+jwt" }),
        json!({ "typ": "token-introspection+jwt" }),
        json!({ "typ": "userinfo+jwt" }),
        json!({ "typ": "oauth-authz-req+jwt" }),
        json!({ "typ": "client-authentication+jwt" }),
        json!({ "typ": "JOSE" }),
        json!({ "typ": "" }),
        json!({ "typ": 7 }),
        json!({ "typ": ["JWT"] }),
    ] {
        let token = home.issuer.token_with("jan", header.clone(), json!({}));
        refused(&home.me_with(&token).await, &header.to_string());
    }
    for typ in [
        Value::Null,
        json!("JWT"),
        json!("jwt"),
        json!("at+jwt"),
        json!("AT+JWT"),
        json!("application/at+jwt"),
    ] {
        home.me_with(&home.issuer.token_with("jan", json!({ "typ": typ }), json!({})))
            .await
            .is(200);
    }
}

#[tokio::test]
async fn o5_claims_that_are_not_right_are_refused() {
    let home = Home::open().await;
    home.service.create_tenant("globex").await;
    for claims in [
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": format!("{}/", home.issuer.url) }),
        json!({ "iss": home.issuer.url.to_uppercase() }),
        json!({ "iss": null }),
        json!({ "iss": [home.issuer.url] }),
        json!({ "iss": format!("{BASE}/idhub/oidc") }),
        json!({ "aud": "https://other.example" }),
        json!({ "aud": BASE }),
        json!({ "aud": "Kith" }),
        json!({ "aud": "" }),
        json!({ "aud": [] }),
        json!({ "aud": ["other"] }),
        json!({ "aud": null }),
        json!({ "aud": 7 }),
        json!({ "tenant": "globex" }),
        json!({ "tenant": "nobody" }),
        json!({ "tenant": "ACME" }),
        json!({ "tenant": [TENANT] }),
        json!({ "tenant": null }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": 7 }),
        json!({ "sub": "x".repeat(1025) }),
        json!({ "exp": null }),
        json!({ "exp": "never" }),
        json!({ "exp": 1e300 }),
        json!({ "iat": null }),
        json!({ "iat": "now" }),
        json!({ "nbf": "now" }),
        json!({ "auth_time": "now" }),
        // A security event is no statement that somebody signed in (RFC 8417 §4.5), whatever its
        // type says.
        json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": {} } }),
        // Bound in a way that is not known here: to a certificate.
        json!({ "cnf": { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" } }),
    ] {
        let token = home.issuer.token_with("jan", json!({}), claims.clone());
        refused(&home.me_with(&token).await, &claims.to_string());
    }
    home.me_with(&home.issuer.token_with("jan", json!({}), json!({ "aud": ["other", "kith"] })))
        .await
        .is(200);
    // A person who never signed in has no user yet.
    home.me_with(&home.issuer.token_with(&"x".repeat(1024), json!({}), json!({}))).await.is(404);
    home.me_with(&home.issuer.token_with("Jan", json!({}), json!({}))).await.is(404);
}

#[tokio::test]
async fn o5_sixty_seconds_of_leeway_and_not_one_more() {
    let home = Home::open().await;
    let now = home.service.now();
    for (claims, due) in [
        (json!({ "exp": now - 59 }), 200),
        (json!({ "exp": now - 60 }), 401),
        (json!({ "nbf": now + 60 }), 200),
        (json!({ "nbf": now + 61 }), 401),
        (json!({ "iat": now + 60 }), 200),
        (json!({ "iat": now + 61 }), 401),
        (json!({ "iat": now + 61, "nbf": now }), 401),
        (json!({ "iat": now, "nbf": now + 61 }), 401),
        // `auth_time` is accepted without a check.
        (json!({ "auth_time": now - 86_400 }), 200),
        (json!({ "auth_time": now + 3600 }), 200),
    ] {
        let answer = home.me_with(&home.issuer.token_with("jan", json!({}), claims.clone())).await;
        assert_eq!(answer.code(), due, "{claims}: {}", answer.text());
    }
    // The cache does not extend the life of a token.
    let token = home.issuer.token_with("jan", json!({}), json!({ "exp": now - 50 }));
    home.me_with(&token).await.is(200);
    home.service.clock.advance(9);
    home.me_with(&token).await.is(200);
    home.service.clock.advance(1);
    refused(&home.me_with(&token).await, "expired while it was remembered");
}

#[tokio::test]
async fn o5_a_token_is_ascii_of_at_most_8_kb() {
    let home = Home::open().await;
    let with_length = |length: usize| {
        let token = |padding: usize| {
            home.issuer.token_with("jan", json!({}), json!({ "pad": "x".repeat(padding) }))
        };
        let spare = length - token(0).len();
        let guess = spare * 3 / 4;
        (guess.saturating_sub(4)..guess + 4).map(token).find(|token| token.len() == length)
    };
    let fits = (8180..=8192).rev().find_map(with_length).unwrap();
    home.me_with(&fits).await.is(200);
    let larger = (8193..8200).find_map(with_length).unwrap();
    refused(&home.me_with(&larger).await, "longer than 8 KB");
    let good = &home.jan.token;
    for broken in [
        format!("{good}é"),
        format!("é{good}"),
        format!("{good}="),
        format!("{good}.e30"),
        format!(".{good}"),
        good.replace('.', ".."),
        good.replacen('.', " .", 1),
        good[1..].to_owned(),
        good.rsplit_once('.').unwrap().0.to_owned(),
    ] {
        let answer =
            home.service.call("GET", ME).header("authorization", format!("Bearer {broken}")).await;
        refused(&answer, &broken);
    }
}

#[tokio::test]
async fn o5_a_token_says_each_thing_once() {
    let home = Home::open().await;
    let (header, claims) =
        (part(&home.jan.token, 0).to_string(), part(&home.jan.token, 1).to_string());
    let key = &home.issuer.key;
    home.me_with(&signed(key, &header, &claims)).await.is(200);
    let both_ways = |object: &str, member: &str| {
        let inside = &object[1..object.len() - 1];
        [format!("{{{member},{inside}}}"), format!("{{{inside},{member}}}")]
    };
    let now = home.service.now();
    for member in [
        r#""sub":"els""#.to_owned(),
        r#""sub":"jan""#.to_owned(),
        r#""tenant":"acme""#.to_owned(),
        r#""tenant":"globex""#.to_owned(),
        format!(r#""iss":"{}""#, home.issuer.url),
        r#""aud":"kith""#.to_owned(),
        format!(r#""exp":{}"#, now + 100),
        r#""scope":"openid users:read""#.to_owned(),
        r#""email":"a@example.org","email":"b@example.org""#.to_owned(),
        r#""email_verified":false,"email_verified":true"#.to_owned(),
        r#""deep":{"a":1,"a":2}"#.to_owned(),
    ] {
        for claims in both_ways(&claims, &member) {
            refused(&home.me_with(&signed(key, &header, &claims)).await, &claims);
        }
    }
    for member in [
        r#""alg":"none""#,
        r#""alg":"ES256""#,
        r#""typ":"JWT""#,
        &format!(r#""kid":"{}""#, key.kid),
    ] {
        for header in both_ways(&header, member) {
            refused(&home.me_with(&signed(key, &header, &claims)).await, &header);
        }
    }
    for claims in [
        "[]",
        "null",
        "\"jan\"",
        "",
        &format!("{claims} {claims}"),
        &claims.replace("jan", "\\ud800"),
    ] {
        refused(&home.me_with(&signed(key, &header, claims)).await, claims);
    }
}
