//! What a token of a person has to be (rule O5, RFC 8725).

use ring::hmac;
use serde_json::{Value, json};
use tests::{ALGORITHMS, BASE, KeyPair, Service, TENANT, base64url, jwks, part, profiles, with};

use super::{Home, ME, SERVERS, refused};
use crate::edge::logs;

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
                // One RSA key signs both ways here, so what names the other one honestly is a
                // forgery of nobody's.
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
    // Somebody who never signed in is nobody yet.
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
        // The time of the sign-in is told, not checked.
        (json!({ "auth_time": now - 86_400 }), 200),
        (json!({ "auth_time": now + 3600 }), 200),
    ] {
        let answer = home.me_with(&home.issuer.token_with("jan", json!({}), claims.clone())).await;
        assert_eq!(answer.code(), due, "{claims}: {}", answer.text());
    }
    // What is remembered of a token does not make it last.
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

#[tokio::test]
async fn o5_routes_take_the_tokens_of_those_whom_they_are_for() {
    let home = Home::open().await;
    for (method, path) in
        [("GET", ME), ("PATCH", ME), ("DELETE", ME), ("GET", "/idhub/oidc/v1/userinfo")]
    {
        let administrator = home.service.client(TENANT, "administrator openid").await;
        for token in [&home.crm.token, &administrator.token] {
            let answer = home
                .service
                .call(method, path)
                .token(token)
                .if_match("*")
                .json(json!({}))
                .await
                .is(403);
            assert_eq!(answer.slug(), "not-allowed", "{method} {path}");
        }
        let bare = home.service.call(method, path).await.is(401);
        assert!(!bare.header("www-authenticate").unwrap().contains("error"), "{method} {path}");
    }
    home.jan.get(ME).await.is(200);
    for typ in [json!("JWT"), json!("at+jwt"), Value::Null] {
        let scope = json!({ "scope": "openid users:read users:write config:read administrator" });
        let token = home.issuer.token_with("jan", json!({ "typ": typ }), scope);
        // A token that was taken elsewhere is not taken here.
        home.me_with(&token).await.is(200);
        for path in [
            &home.user.path,
            "/identity/config/systems",
            "/config/clients",
            &home.user.below("personas"),
            "/api/v1/sso/applications",
            "/identity/change-requests/x/y",
            &format!("{}?filter=x", profiles("shop")),
        ] {
            let answer = home.service.call("GET", path).token(&token).await;
            if answer.code() != 404 {
                refused(&answer, path);
            }
        }
        refused(
            &home.service.call("GET", &home.user.path).token(&token).await,
            "a machine's route",
        );
    }
    // What a person's token says of itself makes no machine of it, whatever scopes it names.
    let posing = home.issuer.token_with(
        "jan",
        json!({ "typ": "at+jwt" }),
        json!({ "client_id": home.crm.id, "scope": "users:read", "aud": BASE, "jti": "x" }),
    );
    refused(&home.service.call("GET", &home.user.path).token(&posing).await, "posing as a machine");
}

#[tokio::test]
async fn o5_an_issuer_is_trusted_by_the_tenants_that_say_so() {
    let home = Home::open().await;
    home.service.create_tenant("globex").await;
    let globex = home.service.client("globex", "config:write users:write users:read").await;
    let key = KeyPair::es256();
    let keys: Value = serde_json::from_str(&jwks(&[&key])).unwrap();
    let url = "https://theirs.example/realm";
    let server = json!({
        "id": "theirs", "name": "theirs", "subject_type": "predefined", "issuer": url,
        "audience": "kith", "jwks": keys,
    });
    globex.post(SERVERS, server.clone()).await.is(201);
    let now = home.service.now();
    let token = |tenant: &str, more: Value| {
        let claims = json!({
            "iss": url, "sub": "jan", "aud": "kith", "tenant": tenant, "iat": now, "exp": now + 300
        });
        key.jws(&json!({ "alg": "ES256", "kid": key.kid }), &with(claims, more))
    };
    // Theirs is good at home, where nobody has signed in, and nowhere else.
    home.me_with(&token("globex", json!({}))).await.is(404);
    refused(&home.me_with(&token(TENANT, json!({}))).await, "trusted by another tenant alone");
    // Nor do they make tokens of our issuer: their key, our name.
    let posing = token(TENANT, json!({ "iss": home.issuer.url }));
    refused(&home.me_with(&posing).await, "signed by another tenant's issuer");
    let kid = json!({ "alg": "ES256", "kid": home.issuer.key.kid });
    refused(&home.me_with(&key.jws(&kid, &part(&posing, 1))).await, "with our key's id");
    // When they trust an issuer of our name with keys of their own, those are good for themselves
    // alone.
    let path = format!("{SERVERS}/theirs");
    globex.patch(&path, json!({ "issuer": home.issuer.url })).if_match("*").await.is(200);
    home.service.clock.advance(31);
    refused(&home.me_with(&posing).await, "our issuer's name, their key, our tenant");
    home.me_with(&token("globex", json!({ "iss": home.issuer.url }))).await.is(404);
    home.me_with(&home.issuer.token_with("jan", json!({}), json!({}))).await.is(200);
    // What they read out of another claim does not stand in our way.
    globex.patch(&path, json!({ "tenant_claim": "org" })).if_match("*").await.is(200);
    home.service.clock.advance(31);
    let both = json!({ "org": "globex", "team": TENANT });
    home.me_with(&home.issuer.token_with("jan", json!({}), both.clone())).await.is(200);
    // Where neither claim is the usual one, a token that means two tenants means none.
    let ours = format!("{SERVERS}/{}", home.issuer.id);
    home.crm.patch(&ours, json!({ "tenant_claim": "team" })).if_match("*").await.is(200);
    home.service.clock.advance(31);
    let usual = with(both.clone(), json!({ "tenant": null }));
    refused(
        &home.me_with(&home.issuer.token_with("jan", json!({}), usual)).await,
        "names two tenants",
    );
}

#[tokio::test]
async fn o5_a_server_says_which_claim_and_which_audience_are_due() {
    let service = Service::start().await;
    let issuer = service
        .issuer_with(
            "own",
            json!({ "audience": null, "tenant_claim": "https://kith.example/tenant" }),
        )
        .await;
    let get =
        |claims: Value| service.call("GET", ME).token(&issuer.token_with("jan", json!({}), claims));
    let due = json!({ "tenant": null, "https://kith.example/tenant": TENANT, "aud": BASE });
    get(due.clone()).await.is(404);
    refused(
        &get(with(due.clone(), json!({ "aud": "kith" }))).await,
        "the audience is the service itself",
    );
    let other = with(due, json!({ "https://kith.example/tenant": null, "tenant": TENANT }));
    refused(&get(other).await, "another claim names the tenant");
    // Without keys nothing is verified.
    let keyless = service.issuer_with("keyless", json!({ "jwks": null })).await;
    let token = keyless.token_with("jan", json!({}), json!({}));
    refused(&service.call("GET", ME).token(&token).await, "no keys");
}

#[tokio::test]
async fn o5_a_token_that_is_bound_to_a_key_comes_with_a_proof() {
    let home = Home::open().await;
    let (key, other) = (KeyPair::es256(), KeyPair::es256());
    let token =
        home.issuer.token_with("jan", json!({}), json!({ "cnf": { "jkt": key.thumbprint() } }));
    refused(&home.me_with(&token).await, "bound, sent as Bearer");
    let send = |token: &str, proof: Option<String>| {
        let call = home.service.call("GET", ME).header("authorization", format!("DPoP {token}"));
        if let Some(proof) = proof { call.header("dpop", proof) } else { call }
    };
    let proof = |key: &KeyPair, token: &str| {
        Some(key.proof_with("GET", ME, token, json!({ "iat": home.service.now() })))
    };
    let first = proof(&key, &token);
    assert_eq!(send(&token, first.clone()).await.is(200).field("id"), home.user.id);
    send(&token, first).await.is(401);
    send(&token, None).await.is(401);
    send(&token, proof(&other, &token)).await.is(401);
    send(&token, proof(&key, &home.jan.token)).await.is(401);
    let elsewhere = Some(key.proof_with("PATCH", ME, &token, json!({})));
    send(&token, elsewhere).await.is(401);
    // And one that is not bound is not sent so.
    send(&home.jan.token, proof(&key, &home.jan.token)).await.is(401);
}

#[tokio::test]
async fn s3_a_persons_requests_name_nobody_in_the_log() {
    logs::keep();
    let home = Home::open().await;
    let subject = "mediterraan";
    let user = home.crm.create(super::USERS, json!({ "username": "kwartel" })).await;
    let jan = home.issuer.link(&user.id, subject).await;
    let jan = home
        .issuer
        .person(subject, json!({ "email": "parelhoen@example.org", "given_name": "Tureluur" }))
        .on(&jan.service);
    let answers = [
        jan.get(ME).await.is(200),
        jan.get("/idhub/oidc/v1/userinfo").await.is(200),
        jan.patch(ME, json!({ "family_name": "Grutto" })).if_match("*").await.is(200),
        jan.patch(ME, json!({ "Grutto": 1 })).if_match("*").await.is(422),
        jan.get("/identity/change-requests").await.is(200),
        jan.delete(ME).await.is(204),
        jan.get(ME).await.is(404),
        home.me_with(&format!("{}x", jan.token)).await.is(401),
    ];
    let base = home.issuer.base(subject);
    for answer in &answers {
        let lines = logs::lines(answer);
        assert_eq!(lines.len(), 1, "{lines:?}");
        if answer.code() != 401 {
            assert_eq!(
                (&lines[0]["tenant"], &lines[0]["client"]),
                (&json!(TENANT), &json!("user-token"))
            );
        }
        let text = lines[0].to_string().to_lowercase();
        let token = jan.token.to_lowercase();
        let words =
            [subject, "kwartel", "parelhoen", "tureluur", "grutto", &base, &user.id, &token];
        for word in words.into_iter().chain(token.split('.')) {
            assert!(!text.contains(word), "`{word}`: {text}");
        }
    }
}
