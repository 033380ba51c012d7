//! Tokens that are bound to a key, at the routes that take tokens (RFC 9449 §7).

use serde_json::json;
use tests::{Answer, BASE, Client, Fault, KeyPair, Service, TENANT, base64url};

use super::{CREDENTIALS, TOKEN};

const ALGS: &str = "algs=\"ES256 RS256 PS256 EdDSA Ed25519\"";
/// The end of each challenge.
const RESOURCE: &str =
    "resource_metadata=\"https://kith.example/.well-known/oauth-protected-resource\"";
/// A route of each function that takes tokens.
const ROUTES: [&str; 4] = [
    "/identity/users/0192f3c1-0000-7000-8000-000000000001",
    "/identity/users/0192f3c1-0000-7000-8000-000000000001/personas",
    "/config/persona-definitions",
    "/api/v1/sso/applications",
];
const USER: &str = ROUTES[0];

/// A client with a token that is bound to a key.
async fn start() -> (Service, Client, KeyPair) {
    let service = Service::start().await;
    let key = KeyPair::es256();
    let client = service
        .register(TENANT, "users:read config:read".parse().unwrap(), false)
        .await
        .bound_to(&key)
        .await;
    (service, client, key)
}

/// Asserts a 401 with this challenge.
#[track_caller]
fn refused(answer: &Answer, scheme: &str, error: &str, why: &str) {
    assert_eq!((answer.code(), answer.slug().as_str()), (401, "unauthenticated"), "{why}");
    let challenge = answer.header("www-authenticate").unwrap();
    let due = match scheme {
        "DPoP" => format!("DPoP realm=\"kith\", {ALGS}, error=\"{error}\", error_description=\""),
        _ => format!("Bearer realm=\"kith\", error=\"{error}\", error_description=\""),
    };
    assert!(challenge.starts_with(&due), "{why}: {challenge}");
    let said = challenge.strip_prefix(&due).unwrap().strip_suffix(RESOURCE).unwrap();
    let said = said.strip_suffix("\", ").unwrap();
    assert!(
        said.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
        "{said}"
    );
}

#[tokio::test]
async fn a_bound_token_is_taken_with_a_proof_by_every_function_and_each_proof_once() {
    let (service, client, key) = start().await;
    let elsewhere = client.on(&service.instance());
    for path in ROUTES {
        let good = key.proof_with("GET", path, &client.token, json!({}));
        let found = client.proved("GET", path, &good).await.code();
        assert!(matches!(found, 200 | 404), "{path}: {found}");
        refused(&client.proved("GET", path, &good).await, "DPoP", "invalid_dpop_proof", "again");
        refused(
            &elsewhere.proved("GET", path, &good).await,
            "DPoP",
            "invalid_dpop_proof",
            "elsewhere",
        );
        let other = key.proof_with("GET", path, &client.token, json!({}));
        assert_eq!(elsewhere.proved("GET", path, &other).await.code(), found);
    }
    // Schemes are read in any case.
    let proof = key.proof_with("GET", USER, &client.token, json!({}));
    let call = service.call("GET", USER).header("authorization", format!("dpop {}", client.token));
    call.header("dpop", proof).await.is(404);
}

#[tokio::test]
async fn a_proof_is_for_one_request() {
    let (service, client, key) = start().await;
    let token = &client.token;
    let wrong = |claims| key.proof_with("GET", USER, token, claims);
    for (claims, why) in [
        (json!({ "ath": null }), "no ath"),
        (json!({ "ath": "" }), "an empty ath"),
        (json!({ "ath": base64url([0; 32]) }), "another token's ath"),
        (json!({ "ath": 7 }), "a number"),
        (json!({ "htm": "HEAD" }), "another method"),
        (json!({ "htm": "POST" }), "another method"),
        (json!({ "htu": format!("{BASE}{}", ROUTES[1]) }), "another path"),
        (json!({ "htu": format!("https://evil.example{USER}") }), "another host"),
        (json!({ "htu": format!("{BASE}{}", USER.to_uppercase()) }), "another case"),
        (json!({ "iat": service.now() - 61 }), "old"),
        (json!({ "iat": service.now() + 61 }), "early"),
    ] {
        refused(
            &client.proved("GET", USER, &wrong(claims)).await,
            "DPoP",
            "invalid_dpop_proof",
            why,
        );
    }
    let stranger = KeyPair::es256().proof_with("GET", USER, token, json!({}));
    refused(
        &client.proved("GET", USER, &stranger).await,
        "DPoP",
        "invalid_dpop_proof",
        "another key",
    );
    let at_token = key.proof("POST", TOKEN, json!({}), json!({}));
    refused(
        &client.proved("GET", USER, &at_token).await,
        "DPoP",
        "invalid_dpop_proof",
        "the token endpoint's",
    );
    let good = || wrong(json!({}));
    refused(
        &client.proved("GET", USER, &good()).header("dpop", good()).await,
        "DPoP",
        "invalid_dpop_proof",
        "two",
    );
    let bare = service.call("GET", USER).header("authorization", format!("DPoP {token}"));
    refused(&bare.await, "DPoP", "invalid_dpop_proof", "none");

    // The query is not part of it, and a URL has several spellings.
    for htu in [
        format!("{BASE}{USER}?x=y"),
        format!("{BASE}{USER}").replace('-', "%2d"),
        format!("{BASE}{USER}#x"),
    ] {
        client.proved("GET", USER, &wrong(json!({ "htu": htu }))).await.is(404);
    }
    client.proved("GET", &USER.replace('-', "%2D"), &good()).await.is(404);
    let list = "/identity/config/attribute-definitions";
    let queried = key.proof_with("GET", list, token, json!({}));
    client.proved("GET", &format!("{list}?category=common"), &queried).await.is(200);
    let head = key.proof_with("HEAD", list, token, json!({}));
    assert_eq!(client.proved("HEAD", USER, &head).await.code(), 401);
}

#[tokio::test]
async fn a_token_is_sent_as_what_it_is() {
    let (service, client, key) = start().await;
    let proof = || key.proof_with("GET", USER, &client.token, json!({}));
    refused(&client.get(USER).await, "Bearer", "invalid_token", "bound, as Bearer");
    let with_proof = client.get(USER).header("dpop", proof());
    refused(&with_proof.await, "Bearer", "invalid_token", "bound, as Bearer with a proof");
    let unbound = client.clone().with_token().await;
    unbound.get(USER).await.is(404);
    let own = key.proof_with("GET", USER, &unbound.token, json!({}));
    refused(&unbound.proved("GET", USER, &own).await, "DPoP", "invalid_token", "unbound, as DPoP");
    // A header that the token does not need is not looked at.
    unbound.get(USER).header("dpop", "x").await.is(404);
    // Another client's token, with a proof that is right for both.
    let other =
        service.register(TENANT, "users:read".parse().unwrap(), false).await.bound_to(&key).await;
    let theirs = key.proof_with("GET", USER, &other.token, json!({}));
    refused(
        &client.proved("GET", USER, &theirs).await,
        "DPoP",
        "invalid_dpop_proof",
        "another token's",
    );
    other.proved("GET", USER, &theirs).await.is(404);
}

#[tokio::test]
async fn a_bound_token_that_is_not_good_is_told_so_in_its_scheme() {
    let (service, client, key) = start().await;
    let proof = |token: &str| key.proof_with("GET", USER, token, json!({ "iat": service.now() }));
    for token in ["x", "..", &format!("{}x", client.token)] {
        let call = service.call("GET", USER).header("authorization", format!("DPoP {token}"));
        refused(&call.header("dpop", proof(token)).await, "DPoP", "invalid_token", token);
    }
    service.clock.advance(959);
    client.proved("GET", USER, &proof(&client.token)).await.is(404);
    service.clock.advance(1);
    let answer = client.proved("GET", USER, &proof(&client.token)).await;
    refused(&answer, "DPoP", "invalid_token", "expired");
    let bare = service.call("GET", USER).header("authorization", "DPoP").await.is(401);
    let due = format!("Bearer realm=\"kith\", {RESOURCE}, DPoP realm=\"kith\", {ALGS}, {RESOURCE}");
    assert_eq!(bare.header("www-authenticate"), Some(&*due));
}

#[tokio::test]
async fn h2_401_comes_before_403_which_names_the_scope() {
    let (_, client, key) = start().await;
    let path = "/identity/users";
    let again = key.proof_with("POST", path, &client.token, json!({}));
    let refusal =
        client.proved("POST", path, &again).json(json!({ "username": "jan" })).await.is(403);
    assert_eq!(refusal.slug(), "insufficient-scope");
    let challenge = refusal.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\", scope=\"users:write\""),
        "{challenge}"
    );
    assert!(challenge.starts_with("DPoP realm=\"kith\", algs="), "{challenge}");
    refused(
        &client.proved("POST", path, &again).await,
        "DPoP",
        "invalid_dpop_proof",
        "used up by the 403",
    );
    let wrong = key.proof_with("GET", path, &client.token, json!({}));
    refused(
        &client.proved("POST", path, &wrong).await,
        "DPoP",
        "invalid_dpop_proof",
        "401 before 403",
    );
}

#[tokio::test]
async fn a_proof_costs_one_write() {
    let (service, client, key) = start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;
    let call = || {
        client.proved("GET", &jan.path, &key.proof_with("GET", &jan.path, &client.token, json!({})))
    };
    call().await.is(200);
    let bearer = crm.get(&jan.path).await.is(200).cost();
    let bound = call().await.is(200).cost();
    assert_eq!(bearer, (1.0, 0.0, 0.0));
    assert_eq!(bound, (1.0, 1.0, 0.0));
    let answer = client.token_for(&[CREDENTIALS]).await.is(200);
    assert_eq!(answer.cost(), (0.0, 0.0, 0.0));
}

#[tokio::test(start_paused = true)]
async fn i2_a_lost_answer_of_the_table_uses_up_no_request() {
    let (service, client, key) = start().await;
    let path = ROUTES[2];
    client
        .proved("GET", path, &key.proof_with("GET", path, &client.token, json!({})))
        .await
        .is(200);
    for (fault, due) in [(Fault::Lost, 200), (Fault::Silent, 200), (Fault::LostServerError, 200)] {
        service.faults.reset();
        service.faults.next("PutItem", fault);
        let proof = key.proof_with("GET", path, &client.token, json!({}));
        client.proved("GET", path, &proof).await.is(due);
        service.faults.reset();
        client.proved("GET", path, &proof).await.is(401);
    }
    service.faults.from(0, Fault::Unreachable);
    let proof = key.proof_with("GET", path, &client.token, json!({}));
    client.proved("GET", path, &proof).await.is(503);
}
