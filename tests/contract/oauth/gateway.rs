//! The share that tokens, proofs and cursors of the service take of the 10 240 bytes that API
//! Gateway accepts as request line and header values (rule S1, docs/reference/limits.md).

use serde_json::json;
use shared::domain::jwk::Algorithm;
use tests::{KeyPair, Service};

/// The bytes that API Gateway accepts.
const GATEWAY: usize = 10_240;
/// The bytes that clients, proxies and a CDN add: Host, User-Agent, Accept, Via, X-Forwarded-…,
/// traceparent.
const OTHERS: usize = 1024;
/// A token that limits.md plans with.
const TOKEN: usize = 4096;
/// The tests' RSA key has 2048 bits. A key of 4096 bits has 341 characters more as `n`, which are
/// encoded again, and as signature.
const OF_4096_BITS: usize = 341 * 4 / 3 + 341;
const LIST: &str = "/identity/users?updated_since=2026-11-21T10:00:00.000Z&limit=100&cursor=";

#[tokio::test]
async fn s1_a_large_token_proof_and_cursor_pass_the_gateway_together() {
    let service = Service::start().await;
    // The longest names that a tenant, a system and an audience may have.
    let longest = "t".repeat(63);
    service.create_tenant(&longest).await;
    let key = KeyPair::of("RS256");
    let scopes = "users:read users:write config:read config:write";
    let client = service.register_as(&longest, scopes, |client| {
        client.access_token_signing_alg = Algorithm::Rs256;
        client.systems = (0..50).map(|n| format!("s{n:x<62}").parse().unwrap()).collect();
        client.audience = (0..2).map(|n| format!("https://{n}{}", "a".repeat(503))).collect();
    });
    let client = client.await.bound_to(&key).await;
    let crm = service.client(&longest, "users:read users:write").await;
    // Each of the sixteen shards of the listing has users, so a cursor names a place in each.
    for n in 0..200 {
        crm.post("/identity/users", json!({ "username": format!("person.{n}") })).await.is(201);
    }
    let cursor = crm.get(LIST.trim_end_matches("&cursor=")).await.is(200).field("next_cursor");
    let proof = key.proof_with("GET", "/identity/users", &client.token, json!({}));
    let line = format!("GET {LIST}{cursor} HTTP/1.1").len();
    let proof = proof.len() + OF_4096_BITS;
    println!("line {line}, proof {proof}, largest token of a client {}", client.token.len());
    assert!(cursor.len() <= 1800 && proof <= 2400, "limits.md: {} {proof}", cursor.len());
    let sum = line + "DPoP ".len() + TOKEN + proof + OTHERS;
    assert!(sum <= GATEWAY, "{sum}");
    // The largest token of a client leaves room for a proof with ES256.
    let small = KeyPair::es256().proof_with("GET", "/identity/users", &client.token, json!({}));
    assert!(client.token.len() > 5000, "no large token: {}", client.token.len());
    let sum = "GET /identity/users HTTP/1.1".len() + client.token.len() + small.len() + OTHERS;
    assert!(sum <= GATEWAY, "{sum}");
}
