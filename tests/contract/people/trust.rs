//! Which routes take a token of a person, which issuers a tenant trusts, and what is logged (rules
//! O5 and S3).

use serde_json::{Value, json};
use tests::{BASE, KeyPair, Service, TENANT, jwks, part, profiles, with};

use super::{Home, ME, SERVERS, refused};
use crate::edge::logs;

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
    // Claims and scopes in a person's token do not make it a machine token.
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
    // Another tenant's choice of a claim does not block people of this tenant.
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
