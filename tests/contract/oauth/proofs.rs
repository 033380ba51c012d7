//! Proofs of possession at the token endpoint (RFC 9449 §4 to §6).

use serde_json::{Value, json};
use tests::{
    ALGORITHMS, Answer, BASE, Client, Fault, KeyPair, START, Service, TENANT, fresh, part,
};
use tokio::task::JoinSet;

use super::{CREDENTIALS, TOKEN, refused};

const NOW: i64 = START.seconds();

async fn start() -> (Service, Client, KeyPair) {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read config:read".parse().unwrap(), true).await;
    (service, client, KeyPair::es256())
}

async fn send(client: &Client, proof: &str) -> Answer {
    client.token_for(&[CREDENTIALS]).header("dpop", proof).await
}

#[tokio::test]
async fn a_token_that_comes_with_a_proof_is_bound_to_its_key() {
    let (service, client, _) = start().await;
    for alg in ALGORITHMS {
        let key = KeyPair::of(alg);
        let answer = send(&client, &key.proof("POST", TOKEN, json!({}), json!({}))).await.is(200);
        assert_eq!(answer.json()["token_type"], "DPoP");
        let claims = part(&answer.field("access_token"), 1);
        assert_eq!(claims["cnf"], json!({ "jkt": key.thumbprint() }), "{alg}");
    }
    let answer = client.token_for(&[CREDENTIALS]).await.is(200);
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(part(&answer.field("access_token"), 1).get("cnf"), None::<&Value>);
    let metadata =
        service.call("GET", "/idhub/oidc/.well-known/openid-configuration").await.is(200).json();
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(ALGORITHMS));
}

#[tokio::test]
async fn o5_what_a_proof_may_say() {
    let (_, client, key) = start().await;
    for (header, claims) in [
        (json!({}), json!({ "iat": NOW - 60 })),
        (json!({}), json!({ "iat": NOW + 60 })),
        (json!({}), json!({ "iat": 1_795_255_200.5 })),
        (json!({}), json!({ "htu": format!("{BASE}{TOKEN}?x=y#z") })),
        (json!({}), json!({ "htu": format!("HTTPS://KITH.example:443{TOKEN}") })),
        (json!({}), json!({ "htu": format!("{BASE}:{TOKEN}") })),
        (json!({}), json!({ "htu": format!("{BASE}/idhub/%6Fidc/v1/%74oken") })),
        (json!({}), json!({ "nonce": "x", "exp": 1, "unknown": {} })),
        (json!({ "typ": "DPoP+jwt" }), json!({})),
        (json!({ "kid": "x" }), json!({})),
        (json!({ "jwk": key.jwk() }), json!({})),
    ] {
        let answer = send(&client, &key.proof("POST", TOKEN, header.clone(), claims.clone())).await;
        assert_eq!(answer.code(), 200, "{header} {claims}: {}", answer.text());
    }
}

#[tokio::test]
async fn o5_what_a_proof_may_not_say() {
    let (service, client, key) = start().await;
    let mut private = key.jwk();
    private["d"] = json!("AAAA");
    let stranger = KeyPair::es256();
    let (rsa, ed) = (KeyPair::of("RS256").jwk(), KeyPair::of("EdDSA").jwk());
    let secret = json!({ "kty": "oct", "k": "AAAA" });
    for (header, claims) in [
        (json!({}), json!({ "htm": "GET" })),
        (json!({}), json!({ "htm": "post" })),
        (json!({}), json!({ "htm": null })),
        (json!({}), json!({ "htu": null })),
        (json!({}), json!({ "htu": "" })),
        (json!({}), json!({ "htu": BASE })),
        (json!({}), json!({ "htu": TOKEN })),
        (json!({}), json!({ "htu": format!("{BASE}{TOKEN}/") })),
        (json!({}), json!({ "htu": format!("{BASE}/idhub/oidc/v1/introspect") })),
        (json!({}), json!({ "htu": format!("http://kith.example{TOKEN}") })),
        (json!({}), json!({ "htu": format!("https://evil.example{TOKEN}") })),
        (json!({}), json!({ "htu": format!("https://kith.example.evil.example{TOKEN}") })),
        (json!({}), json!({ "htu": format!("https://kith.example@evil.example{TOKEN}") })),
        (json!({}), json!({ "htu": format!("https://x@kith.example{TOKEN}") })),
        (json!({}), json!({ "htu": format!("{BASE}:444{TOKEN}") })),
        (json!({}), json!({ "htu": format!("{BASE}:99999{TOKEN}") })),
        (json!({}), json!({ "htu": format!("{BASE}:65979{TOKEN}") })),
        (json!({}), json!({ "iat": NOW - 61 })),
        (json!({}), json!({ "iat": NOW + 61 })),
        (json!({}), json!({ "iat": null })),
        (json!({}), json!({ "iat": "now" })),
        (json!({}), json!({ "iat": -9e15 })),
        (json!({}), json!({ "jti": null })),
        (json!({}), json!({ "jti": "" })),
        (json!({}), json!({ "jti": 7 })),
        (json!({}), json!({ "pad": "x".repeat(6200) })),
        (json!({ "typ": null }), json!({})),
        (json!({ "typ": "JWT" }), json!({})),
        (json!({ "typ": "at+jwt" }), json!({})),
        (json!({ "alg": "none" }), json!({})),
        (json!({ "alg": "HS256" }), json!({})),
        (json!({ "alg": "ES384" }), json!({})),
        (json!({ "alg": "RS256" }), json!({})),
        (json!({ "alg": null }), json!({})),
        (json!({ "crit": ["iat"] }), json!({})),
        (json!({ "jwk": null }), json!({})),
        (json!({ "jwk": "x" }), json!({})),
        (json!({ "jwk": {} }), json!({})),
        (json!({ "jwk": private }), json!({})),
        (json!({ "jwk": stranger.jwk() }), json!({})),
        (json!({ "jwk": rsa }), json!({})),
        (json!({ "jwk": rsa, "alg": "RS256" }), json!({})),
        (json!({ "jwk": ed, "alg": "EdDSA" }), json!({})),
        (json!({ "jwk": secret, "alg": "HS256" }), json!({})),
        (json!({ "jwk": secret }), json!({})),
        (json!({ "jwk": null, "jku": "https://evil.example/jwks" }), json!({})),
    ] {
        let answer = send(&client, &key.proof("POST", TOKEN, header.clone(), claims.clone())).await;
        assert_eq!(answer.code(), 400, "{header} {claims}");
        refused(&answer, 400, "invalid_dpop_proof");
    }
    assert!(!service.items().await.iter().any(|item| item.contains("#N#")), "something was stored");
}

#[tokio::test]
async fn o5_what_is_no_proof_at_all() {
    let (service, client, key) = start().await;
    let good = key.proof("POST", TOKEN, json!({}), json!({}));
    let (content, signature) = good.rsplit_once('.').unwrap();
    let unsigned = format!("{content}.");
    let der = format!("{content}.{}", tests::base64url(key.sign_der(content.as_bytes())));
    let twice = format!("{good},{good}");
    let assertion = key.assertion(&client.id, json!({}), json!({}));
    for wrong in [
        "",
        "x",
        "..",
        &unsigned,
        &der,
        &twice,
        &assertion,
        &format!("{content}.{signature}A"),
        &client.id,
    ] {
        refused(&send(&client, wrong).await, 400, "invalid_dpop_proof");
    }
    let call = client.token_for(&[CREDENTIALS]).header("dpop", &good);
    refused(&call.header("dpop", &good).await, 400, "invalid_dpop_proof");
    let bytes = client.token_for(&[CREDENTIALS]).header("dpop", b"\xff\xfe");
    refused(&bytes.await, 400, "invalid_dpop_proof");
    let token = send(&client, &good).await.is(200).field("access_token");
    refused(&send(&client, &token).await, 400, "invalid_dpop_proof");
    refused(&send(&client.on(&service.instance()), &good).await, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_proof_is_looked_at_once_the_client_is_known() {
    let (service, client, key) = start().await;
    let good = key.proof("POST", TOKEN, json!({}), json!({}));
    let wrong = [CREDENTIALS, ("client_id", client.id.as_str()), ("client_secret", "wrong")];
    refused(&service.token(&wrong).header("dpop", "x").await, 401, "invalid_client");
    // A third party who saw a proof cannot use it up.
    refused(&service.token(&wrong).header("dpop", &good).await, 401, "invalid_client");
    send(&client, &good).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_proof_is_good_once_however_many_send_it() {
    let (service, client, key) = start().await;
    client.token_for(&[CREDENTIALS]).await.is(200);
    let proof = key.proof("POST", TOKEN, json!({}), json!({}));
    let mut calls = JoinSet::new();
    for i in 0..16 {
        let client = if i % 2 == 0 { client.clone() } else { client.on(&service.instance()) };
        calls.spawn(client.token_for(&[CREDENTIALS]).header("dpop", &proof).into_future());
    }
    let answers = calls.join_all().await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.code() == 200);
    assert_eq!((good.len(), bad.len()), (1, 15));
    for answer in bad {
        refused(answer, 400, "invalid_dpop_proof");
    }
    // Another key's proof may have the same id.
    let jti = part(&proof, 1)["jti"].clone();
    let other = KeyPair::of("EdDSA").proof("POST", TOKEN, json!({}), json!({ "jti": jti }));
    send(&client, &other).await.is(200);
}

#[tokio::test]
async fn an_old_proof_is_refused_by_its_time_once_nobody_remembers_it() {
    let (service, client, key) = start().await;
    let proof = key.proof("POST", TOKEN, json!({}), json!({ "iat": NOW + 60 }));
    send(&client, &proof).await.is(200);
    for later in [60, 120, 121, 179, 180, 181, 3600] {
        service.clock.advance(NOW + later - service.now());
        let answer = send(&client, &proof).await;
        refused(&answer, 400, "invalid_dpop_proof");
        assert_eq!(
            answer.field("error_description").contains("iat"),
            later > 120,
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_client_that_is_for_bound_tokens_alone_needs_a_proof() {
    let service = Service::start().await;
    let client = service
        .register_as(TENANT, "users:read config:read", |client| {
            client.dpop_bound_access_tokens = true;
            client.refresh_token = true;
        })
        .await;
    let key = KeyPair::es256();
    refused(&client.token_for(&[CREDENTIALS]).await, 400, "invalid_dpop_proof");
    let answer = send(&client, &key.proof("POST", TOKEN, json!({}), json!({}))).await.is(200);
    let token = answer.field("refresh_token");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    refused(&client.token_for(&refresh).await, 400, "invalid_dpop_proof");
    // The refresh token is the authenticated client's and not the key's (RFC 9449 §5).
    let other = KeyPair::of("EdDSA");
    let proof = other.proof("POST", TOKEN, json!({}), json!({}));
    let answer = client.token_for(&refresh).header("dpop", proof).await.is(200);
    assert_eq!(answer.json()["token_type"], "DPoP");
    assert_eq!(part(&answer.field("access_token"), 1)["cnf"], json!({ "jkt": other.thumbprint() }));
    // The other endpoints issue nothing.
    let form = [
        ("token", "x"),
        ("client_id", client.id.as_str()),
        ("client_secret", client.secret.as_str()),
    ];
    service.call("POST", "/idhub/oidc/v1/introspect").form(&form).await.is(200);
}

#[tokio::test(start_paused = true)]
async fn i2_a_lost_answer_is_not_taken_for_a_used_proof() {
    for fault in
        [Fault::Lost, Fault::Silent, Fault::LostServerError, Fault::ServerError, Fault::Throttled]
    {
        let service = Service::start().await;
        let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
        client.token_for(&[CREDENTIALS]).await.is(200);
        service.faults.reset();
        service.faults.next("PutItem", fault.clone());
        let key = KeyPair::es256();
        let proof = key.proof("POST", TOKEN, json!({}), json!({ "jti": fresh("lost") }));
        assert_eq!(send(&client, &proof).await.code(), 200, "{fault:?}");
        service.faults.reset();
        refused(&send(&client, &proof).await, 400, "invalid_dpop_proof");
        service.faults.from(0, Fault::Unreachable);
        let down = send(&client, &key.proof("POST", TOKEN, json!({}), json!({}))).await;
        service.faults.reset();
        refused(&down, 503, "temporarily_unavailable");
    }
}
