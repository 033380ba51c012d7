//! What a code is bound to, and that it is exchanged once (rules G4, G6).

use serde_json::json;
use tests::{CHALLENGE, GiveCode, KeyPair, REDIRECT_URI, TENANT, VERIFIER};

use super::{Scene, claims, refused};
use crate::races::{at_once, count};

#[tokio::test]
async fn g4_oidcc_ensure_request_with_valid_pkce_succeeds_with_the_verifier_alone() {
    for confidential in [false, true] {
        let mut scene = Scene::open().await;
        if confidential {
            scene.app = scene.service.confidential_client(|_| {}).await;
        }
        let code = scene.service.give_code(&scene.app.code_of(&scene.jan.id, "openid")).await;
        let base = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT_URI),
        ];
        let with = |verifier: &str| {
            let verifier = ("code_verifier", verifier);
            scene.app.token_for(&[&base[..], &[verifier]].concat())
        };
        refused(&scene.app.token_for(&base).await, "invalid_request");
        refused(&with("").await, "invalid_request");
        let long = "a".repeat(129);
        for wrong in [CHALLENGE, "plain", &VERIFIER.to_lowercase(), &format!("{VERIFIER}x"), &long]
        {
            refused(&with(wrong).await, "invalid_grant");
        }
        // None of these used it up.
        with(VERIFIER).await.is(200);
    }
}

#[tokio::test]
async fn g4_a_code_of_a_plain_challenge_cannot_be_exchanged() {
    let scene = Scene::open().await;
    // The authorization endpoint stores none; it would not do any harm here either.
    let give =
        GiveCode { challenge: VERIFIER.to_owned(), ..scene.app.code_of(&scene.jan.id, "openid") };
    let code = scene.service.give_code(&give).await;
    refused(&scene.app.exchange(&code).await, "invalid_grant");
}

#[tokio::test]
async fn g6_a_code_is_bound_to_its_client_and_its_redirect_uri() {
    let scene = Scene::open().await;
    let other = scene.service.person_client(|_| {}).await;
    let confidential = scene.service.confidential_client(|_| {}).await;
    let code = scene.service.give_code(&scene.app.code_of(&scene.jan.id, "openid")).await;
    refused(&other.exchange(&code).await, "invalid_grant");
    refused(&confidential.exchange(&code).await, "invalid_grant");
    for (uri, error) in [
        ("", "invalid_request"),
        ("https://app.example/callback/", "invalid_grant"),
        ("https://APP.example/callback", "invalid_grant"),
        ("https://evil.example/callback", "invalid_grant"),
    ] {
        let answer = scene.app.token_for(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", uri),
            ("code_verifier", VERIFIER),
        ]);
        refused(&answer.await, error);
    }
    scene.app.exchange(&code).await.is(200);
}

#[tokio::test]
async fn g6_a_code_lives_for_sixty_seconds() {
    let scene = Scene::open().await;
    let give = scene.app.code_of(&scene.jan.id, "openid");
    let (first, second) =
        (scene.service.give_code(&give).await, scene.service.give_code(&give).await);
    scene.service.clock.advance(59);
    scene.app.exchange(&first).await.is(200);
    scene.service.clock.advance(1);
    refused(&scene.app.exchange(&second).await, "invalid_grant");
    let unknown = "A".repeat(43);
    for wrong in ["x", &unknown, &format!("{first}x"), &first[1..]] {
        refused(&scene.app.exchange(wrong).await, "invalid_grant");
    }
    refused(&scene.app.exchange("").await, "invalid_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g6_of_fifty_exchanges_one_gets_tokens() {
    for scope in ["openid", "openid offline_access"] {
        let scene = Scene::open().await;
        let code = scene.service.give_code(&scene.app.code_of(&scene.jan.id, scope)).await;
        let apps: Vec<_> = (0..5).map(|_| scene.app.on(&scene.service.instance())).collect();
        let answers = at_once((0..50).map(|n| apps[n % 5].exchange(&code))).await;
        assert_eq!(count(&answers, &[200, 400]), [1, 49], "{scope}");
        for lost in answers.iter().filter(|answer| answer.code() == 400) {
            refused(lost, "invalid_grant");
        }
        scene.service.check().await;
    }
}

#[tokio::test]
async fn g6_nothing_that_is_stored_can_be_exchanged() {
    let scene = Scene::open().await;
    let code = scene.service.give_code(&scene.app.code_of(&scene.jan.id, "openid")).await;
    let items = scene.service.items().await.concat();
    assert!(!items.contains(&code), "the table has the hash alone");
    scene.app.exchange(&code).await.is(200);
    assert!(!scene.service.items().await.concat().contains(VERIFIER));
}

#[tokio::test]
async fn g6_a_code_with_dpop_jkt_needs_a_proof_with_that_key() {
    let scene = Scene::open().await;
    let (key, other) = (KeyPair::es256(), KeyPair::es256());
    let give = GiveCode {
        dpop_jkt: Some(key.thumbprint()),
        ..scene.app.code_of(&scene.jan.id, "openid offline_access")
    };
    let code = scene.service.give_code(&give).await;
    let proof = |key: &KeyPair| {
        let now = json!({ "iat": scene.service.now() });
        key.proof("POST", "/idhub/oidc/v1/token", json!({}), now)
    };
    refused(&scene.app.exchange(&code).await, "invalid_dpop_proof");
    let wrong = scene.app.exchange(&code).header("dpop", proof(&other));
    refused(&wrong.await, "invalid_dpop_proof");
    let answer = scene.app.exchange(&code).header("dpop", proof(&key)).await.is(200);
    assert_eq!(answer.json()["token_type"], "DPoP");
    assert_eq!(claims(&answer, "access_token")["cnf"]["jkt"], key.thumbprint());
    // The refresh token of a public client needs the same key.
    let token = answer.field("refresh_token");
    refused(&scene.app.refresh(&token).await, "invalid_dpop_proof");
    let wrong = scene.app.refresh(&token).header("dpop", proof(&other));
    refused(&wrong.await, "invalid_dpop_proof");
    scene.app.refresh(&token).header("dpop", proof(&key)).await.is(200);
}

#[tokio::test]
async fn g6_oidcc_server_client_secret_post_and_basic_exchange_codes() {
    let scene = Scene::open().await;
    let app = scene.service.confidential_client(|_| {}).await;
    let secret = app.secret.clone().unwrap();
    let code = async || scene.service.give_code(&app.code_of(&scene.jan.id, "openid")).await;
    // By the form.
    app.exchange(&code().await).await.is(200);
    // By the header.
    let basic = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("{}:{secret}", app.id),
    );
    let second = code().await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", second.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let call = || scene.service.token(&form);
    assert_eq!(call().header("authorization", "Basic YTpi").await.code(), 401);
    call().header("authorization", format!("Basic {basic}")).await.is(200);
    // A confidential client that only names itself is refused, and its code is not used up.
    let third = code().await;
    let mut nameless = app.clone();
    nameless.secret = None;
    assert_eq!(nameless.exchange(&third).await.is(401).json()["error"], "invalid_client");
    app.exchange(&third).await.is(200);
}

#[tokio::test]
async fn g6_clients_without_the_grant_exchange_no_codes() {
    let scene = Scene::open().await;
    let machine = scene.service.client(TENANT, "users:read").await;
    let give = GiveCode::of(&machine.id, &scene.jan.id);
    let code = scene.service.give_code(&give).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    refused(&machine.token_for(&form).await, "unauthorized_client");
}
