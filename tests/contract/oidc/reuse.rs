//! A code that is sent again ends what it was exchanged for (rule G7).

use tests::{PersonClient, REDIRECT_URI, VERIFIER};

use super::{Scene, refused};

/// What a good exchange answered: the access token and the refresh token.
async fn exchanged(scene: &Scene, app: &PersonClient) -> (String, String, String) {
    let give = app.code_of(&scene.jan.id, "openid offline_access");
    let code = scene.service.give_code(&give).await;
    let answer = app.exchange(&code).await.is(200);
    (code, answer.field("access_token"), answer.field("refresh_token"))
}

/// Asserts that both tokens are worth nothing any more.
async fn ended(scene: &Scene, app: &PersonClient, access: &str, refresh: &str) {
    app.userinfo(access).await.is(401);
    refused(&app.refresh(refresh).await, "invalid_grant");
    assert_eq!(app.introspected(&scene.admin, access).await["active"], false);
    scene.service.check().await;
}

#[tokio::test]
async fn g7_oidcc_codereuse_a_second_use_ends_the_family_and_the_access_token() {
    let scene = Scene::open().await;
    for app in [scene.app.clone(), scene.service.confidential_client(|_| {}).await] {
        let (code, access, refresh) = exchanged(&scene, &app).await;
        app.userinfo(&access).await.is(200);
        let second = app.refresh(&refresh).await.is(200);
        refused(&app.exchange(&code).await, "invalid_grant");
        ended(&scene, &app, &access, &second.field("refresh_token")).await;
        // Once more changes nothing.
        refused(&app.exchange(&code).await, "invalid_grant");
    }
}

#[tokio::test]
async fn g7_oidcc_codereuse_30seconds_userinfo_refuses_the_token_from_then_on() {
    let scene = Scene::open().await;
    let (code, access, refresh) = exchanged(&scene, &scene.app).await;
    scene.app.userinfo(&access).await.is(200);
    scene.service.clock.advance(30);
    refused(&scene.app.exchange(&code).await, "invalid_grant");
    ended(&scene, &scene.app, &access, &refresh).await;
}

#[tokio::test]
async fn g7_a_use_after_the_code_has_expired_is_a_second_use_too() {
    let scene = Scene::open().await;
    let (code, access, refresh) = exchanged(&scene, &scene.app).await;
    scene.service.clock.advance(9 * 60);
    refused(&scene.app.exchange(&code).await, "invalid_grant");
    ended(&scene, &scene.app, &access, &refresh).await;
}

#[tokio::test]
async fn g7_strangers_who_saw_a_code_end_nothing() {
    let scene = Scene::open().await;
    let (code, access, refresh) = exchanged(&scene, &scene.app).await;
    let form = |verifier| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", verifier),
        ]
    };
    // Anybody can name a public client: the verifier shows that it is the client.
    let guess = "a".repeat(43);
    refused(&scene.app.token_for(&form(&guess)).await, "invalid_grant");
    refused(&scene.app.token_for(&form("")).await, "invalid_grant");
    // Another client.
    let other = scene.service.person_client(|_| {}).await;
    refused(&other.token_for(&form(VERIFIER)).await, "invalid_grant");
    scene.app.userinfo(&access).await.is(200);
    scene.app.refresh(&refresh).await.is(200);
    // A confidential client has authenticated, so its second use counts without a verifier.
    let app = scene.service.confidential_client(|_| {}).await;
    let (code, access, refresh) = exchanged(&scene, &app).await;
    let again = [("grant_type", "authorization_code"), ("code", code.as_str())];
    let nameless = PersonClient { secret: None, ..app.clone() };
    nameless.token_for(&again).await.is(401);
    app.userinfo(&access).await.is(200);
    refused(&app.token_for(&again).await, "invalid_grant");
    ended(&scene, &app, &access, &refresh).await;
}
