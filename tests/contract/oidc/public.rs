//! Public clients: they name themselves, and get nothing for that alone.

use serde_json::json;
use tests::{PersonClient, TENANT};

use super::{Scene, refused};

#[tokio::test]
async fn g4_a_public_client_has_no_credentials_to_use() {
    let scene = Scene::open().await;
    let grant = [("grant_type", "client_credentials")];
    refused(&scene.app.token_for(&grant).await, "unauthorized_client");
    // A secret that it does not have is a wrong one.
    let guess = PersonClient { secret: Some("kith_0".to_owned()), ..scene.app.clone() };
    assert_eq!(guess.token_for(&grant).await.is(401).json()["error"], "invalid_client");
    let unknown = PersonClient { id: format!("{TENANT}.{}", "0".repeat(32)), ..scene.app.clone() };
    let refused_unknown = unknown.exchange("x").await.is(401);
    let confidential = scene.service.confidential_client(|_| {}).await;
    let nameless = PersonClient { secret: None, ..confidential };
    // Rule O2: known and unknown clients look the same.
    assert_eq!(refused_unknown.json(), nameless.exchange("x").await.is(401).json());
}

#[tokio::test]
async fn o7_a_public_client_revokes_its_tokens_and_introspects_none() {
    let scene = Scene::open().await;
    let answer = scene.sign_in("openid offline_access").await;
    let (access, refresh) = (answer.field("access_token"), answer.field("refresh_token"));
    let inspect = scene.app.post("/idhub/oidc/v1/introspect", &[("token", &access)]).await;
    assert_eq!(inspect.is(401).json()["error"], "invalid_client");
    let seen = scene.app.introspected(&scene.admin, &access).await;
    assert_eq!((&seen["active"], &seen["user_id"]), (&json!(true), &json!(scene.jan.id)));
    // Another client cannot revoke them.
    let other = scene.service.person_client(|_| {}).await;
    for token in [&access, &refresh] {
        other.post("/idhub/oidc/v1/revoke", &[("token", token)]).await.is(200);
    }
    scene.app.userinfo(&access).await.is(200);
    let refresh = scene.app.refresh(&refresh).await.is(200).field("refresh_token");
    for token in [&access, &refresh] {
        scene.app.post("/idhub/oidc/v1/revoke", &[("token", token)]).await.is(200);
    }
    assert_eq!(scene.app.introspected(&scene.admin, &access).await["active"], false);
    scene.app.userinfo(&access).await.is(401);
    refused(&scene.app.refresh(&refresh).await, "invalid_grant");
    scene.service.check().await;
}

#[tokio::test]
async fn g6_an_endpoint_that_takes_a_form_refuses_a_repeated_parameter() {
    let scene = Scene::open().await;
    let code = scene.service.give_code(&scene.app.code_of(&scene.jan.id, "openid")).await;
    let twice = scene.app.token_for(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("code", &code),
    ]);
    refused(&twice.await, "invalid_request");
    scene.app.exchange(&code).await.is(200);
}
