//! ID tokens (rule G8).

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use shared::auth::PublishedKeyCache;
use shared::auth::id_token::IdTokenHint;
use shared::domain::jwk::Algorithm;
use tests::{BASE, GiveCode, base64url, part};

use super::{ISSUER, Scene, claims};

/// The names of the claims, sorted.
fn names(claims: &Value) -> Vec<&str> {
    claims.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn g8_an_id_token_says_who_signed_in_when_and_how() {
    let scene = Scene::open().await;
    let signed_in = scene.service.now();
    let session = scene.service.give_session(&scene.jan.id).await;
    scene.service.clock.advance(40);
    let give = GiveCode {
        nonce: Some("n-0S6".to_owned()),
        session: Some(session),
        ..scene.app.code_of(&scene.jan.id, "openid profile email offline_access")
    };
    let answer = scene.app.sign_in_with(&give).await;
    let token = claims(&answer, "id_token");
    // `azp` is absent, and so is everything that the client did not ask for by `claims`.
    let due =
        ["acr", "amr", "at_hash", "aud", "auth_time", "exp", "iat", "iss", "nonce", "sid", "sub"];
    let mut found = names(&token);
    found.sort_unstable();
    assert_eq!(found, due);
    let now = scene.service.now();
    assert_eq!(token["iss"], ISSUER);
    assert_eq!(token["sub"], scene.base());
    assert_eq!(token["aud"], scene.app.id);
    assert_eq!((&token["iat"], &token["exp"]), (&json!(now), &json!(now + 300)));
    assert_eq!(token["auth_time"], signed_in);
    assert_eq!((&token["amr"], &token["acr"]), (&json!(["pwd"]), &json!("1")));
    assert_eq!(token["nonce"], "n-0S6");
    assert_eq!(token["sid"], claims(&answer, "access_token")["sid"]);
    let hash = digest(&SHA256, answer.field("access_token").as_bytes());
    assert_eq!(token["at_hash"], base64url(&hash.as_ref()[..16]));
    assert_eq!(part(&answer.field("id_token"), 0)["typ"], "JWT");
}

#[tokio::test]
async fn g8_oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let scene = Scene::open().await;
    assert!(claims(&scene.sign_in("openid").await, "id_token").get("nonce").is_none());
}

#[tokio::test]
async fn g8_without_the_scope_openid_there_is_no_id_token() {
    let scene = Scene::open().await;
    let answer = scene.sign_in("userdata").await;
    assert!(answer.json().get("id_token").is_none());
    scene.app.userinfo(&answer.field("access_token")).await.is(403);
}

#[tokio::test]
async fn g8_claims_about_the_person_are_there_if_claims_asked_for_them() {
    let scene = Scene::open().await;
    let with_claims = async |claims_parameter: Value| {
        let give = GiveCode {
            claims: Some(claims_parameter.to_string()),
            ..scene.app.code_of(&scene.jan.id, "openid profile email")
        };
        claims(&scene.app.sign_in_with(&give).await, "id_token")
    };
    let token = with_claims(json!({
        "id_token": { "email": null, "name": { "essential": true }, "picture": null },
        "userinfo": { "given_name": null },
    }))
    .await;
    assert_eq!(
        (&token["email"], &token["name"]),
        (&json!("jan@example.org"), &json!("Jan Janssen"))
    );
    for absent in ["given_name", "picture", "email_verified", "preferred_username"] {
        assert!(token.get(absent).is_none(), "{absent}");
    }
    let token = with_claims(json!({ "userinfo": { "email": { "essential": true } } })).await;
    assert!(token.get("email").is_none(), "never an address unless it is asked for");
    // Hidden attributes stay hidden.
    let path = "/identity/config/attribute-definitions";
    let found = scene.admin.read(&format!("{path}?name=preferred_email")).await;
    let path = format!("{path}/{}", found["items"][0]["id"].as_str().unwrap());
    scene.admin.patch(&path, json!({ "hidden": true })).if_match("*").await.is(200);
    scene.service.clock.advance(31);
    let token = with_claims(json!({ "id_token": { "email": null, "name": null } })).await;
    assert_eq!((token.get("email"), &token["name"]), (None, &json!("Jan Janssen")));
}

#[tokio::test]
async fn g8_oidcc_idtoken_signature_is_of_the_algorithm_of_the_client() {
    let scene = Scene::open().await;
    let keys = PublishedKeyCache::new(scene.service.table.clone());
    for (alg, name) in [(Algorithm::Es256, "ES256"), (Algorithm::Rs256, "RS256")] {
        let app = scene.service.person_client(|c| c.access_token_signing_alg = alg).await;
        let token = app.sign_in(&scene.jan.id, "openid").await.field("id_token");
        assert_eq!(part(&token, 0)["alg"], name);
        let hint = IdTokenHint::verify(&token, &keys, BASE).await.unwrap().expect("a hint");
        assert_eq!((hint.client_id.as_str(), hint.sub), (app.id.as_str(), scene.base()));
        // An expired one is still a hint; a damaged one, or one of another issuer, is none.
        scene.service.clock.advance(3600);
        assert!(IdTokenHint::verify(&token, &keys, BASE).await.unwrap().is_some());
        let elsewhere = IdTokenHint::verify(&token, &keys, "https://other.example").await;
        assert_eq!(elsewhere.unwrap(), None);
        let damaged = token.replacen('.', ".e", 1);
        for wrong in ["", "x", &damaged, token.rsplit_once('.').unwrap().0] {
            assert_eq!(IdTokenHint::verify(wrong, &keys, BASE).await.unwrap(), None, "{wrong}");
        }
    }
}

#[tokio::test]
async fn g8_no_token_is_taken_for_another() {
    let scene = Scene::open().await;
    let answer = scene.sign_in("openid userdata").await;
    let (id_token, access) = (answer.field("id_token"), answer.field("access_token"));
    for path in ["/identity/me", "/idhub/oidc/v1/userinfo", "/identity/users/x"] {
        let refused = scene.service.call("GET", path).token(&id_token).await.is(401);
        assert_eq!(refused.slug(), "unauthenticated", "{path}");
    }
    let keys = PublishedKeyCache::new(scene.service.table.clone());
    assert_eq!(IdTokenHint::verify(&access, &keys, BASE).await.unwrap(), None);
    let seen = scene.app.introspected(&scene.admin, &id_token).await;
    assert_eq!(seen["active"], false);
}

#[tokio::test]
async fn g8_the_subject_is_not_the_username_and_survives_its_change() {
    let scene = Scene::open().await;
    let before = claims(&scene.sign_in("openid").await, "id_token")["sub"].clone();
    let tag = scene.admin.tag_of(&scene.jan.path).await;
    let change = scene.admin.patch(&scene.jan.path, json!({ "username": "johan" }));
    change.if_match(&tag).await.is(200);
    assert_eq!(claims(&scene.sign_in("openid").await, "id_token")["sub"], before);
    // Somebody else gets the username, and another subject.
    let other = scene.admin.create_user("jan").await;
    let answer = scene.app.sign_in(&other.id, "openid").await;
    assert_ne!(claims(&answer, "id_token")["sub"], before);
}

#[tokio::test]
async fn g8_a_persona_in_which_the_person_signed_in_is_a_claim() {
    let scene = Scene::open().await;
    scene.admin.define_persona("buyer", json!({ "scoped": true })).await;
    let body = json!({ "name": "buyer", "scope": ["shop-1"], "preferred": true });
    let buyer = scene.admin.add_persona(&scene.jan, body).await;
    let give = GiveCode {
        persona: Some(buyer.id.clone()),
        ..scene.app.code_of(&scene.jan.id, "openid offline_access")
    };
    let answer = scene.app.sign_in_with(&give).await;
    let due = json!({ "id": buyer.id, "name": "buyer", "scope": ["shop-1"] });
    assert_eq!(claims(&answer, "id_token")["persona"], due);
    let userinfo = scene.app.userinfo(&answer.field("access_token")).await.is(200).json();
    assert_eq!(userinfo["persona"], due);
    assert!(userinfo.get("personas").is_none(), "all of them need `profile`");
    let again = scene.app.refresh(&answer.field("refresh_token")).await.is(200);
    assert_eq!(claims(&again, "id_token")["persona"], due);
    assert!(claims(&scene.sign_in("openid").await, "id_token").get("persona").is_none());
}

#[tokio::test(start_paused = true)]
async fn g8_keys_that_cannot_be_read_use_no_code_up() {
    let scene = Scene::open().await;
    let give = scene.app.code_of(&scene.jan.id, "openid offline_access");
    let code = scene.service.give_code(&give).await;
    let other = scene.app.on(&scene.service.instance());
    scene.service.faults.cut("GetItem", "K#private");
    let down = other.exchange(&code).await;
    assert_eq!(down.code(), 503, "{}", down.text());
    scene.service.faults.mend("K#private");
    other.exchange(&code).await.is(200);
}
