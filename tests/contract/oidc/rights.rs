//! Rights of people in applications (rule G62): an application has no more rights than the person
//! has now, and no more than the client may have.

use serde_json::json;
use shared::domain::definition::BuiltInPersona;
use tests::{PersonClient, Resource};

use super::{Scene, claims, refused};

const ALL: &str = "users:read users:write config:read administrator openid offline_access";

/// A client that may ask for rights, and a person of the help desk.
async fn desk(scene: &Scene) -> (PersonClient, Resource) {
    let app = scene.service.person_client(|client| client.scopes = ALL.parse().unwrap()).await;
    let ada = scene.admin.person_with("ada", &[BuiltInPersona::Helpdesk]).await;
    (app, ada)
}

#[tokio::test]
async fn g62_an_access_token_has_the_rights_that_person_and_client_both_have() {
    let scene = Scene::open().await;
    let (app, ada) = desk(&scene).await;
    let answer = app.sign_in(&ada.id, ALL).await;
    assert_eq!(answer.json()["scope"], "users:read users:write openid offline_access");
    let token = claims(&answer, "access_token");
    assert_eq!(token["scope"], "users:read users:write openid");
    let access = answer.field("access_token");
    scene.service.call("GET", &scene.jan.path).token(&access).await.is(200);
    let refused = scene.service.call("GET", "/config/persona-definitions").token(&access).await;
    assert_eq!(refused.code(), 403);
    // A client that may ask for less gets less.
    let reader = scene.service.person_client(|c| c.scopes = "users:read openid".parse().unwrap());
    let reader = reader.await.sign_in(&ada.id, ALL).await;
    assert_eq!(reader.json()["scope"], "users:read openid");
    // Of somebody without rights it has none.
    assert_eq!(app.sign_in(&scene.jan.id, ALL).await.json()["scope"], "openid offline_access");
}

#[tokio::test]
async fn g62_rights_are_looked_at_again_at_each_exchange() {
    let scene = Scene::open().await;
    let (app, ada) = desk(&scene).await;
    let answer = app.sign_in(&ada.id, ALL).await;
    let code = scene.service.give_code(&app.code_of(&ada.id, "users:read")).await;
    let persona = ada.body["personas"][0]["id"].as_str().unwrap();
    let path = ada.below(&format!("personas/{persona}"));
    scene.admin.act(&format!("{path}/suspend")).await.is(200);
    refused(&app.exchange(&code).await, "invalid_scope");
    let next = app.refresh(&answer.field("refresh_token")).await.is(200);
    assert_eq!(next.json()["scope"], "openid offline_access");
    // The access token of before says more than it is worth.
    let access = answer.field("access_token");
    let call = scene.service.call("GET", &scene.jan.path).token(&access);
    assert_eq!(call.await.code(), 403);
    let seen = app.introspected(&scene.admin, &access).await;
    assert_eq!((&seen["active"], &seen["scope"]), (&json!(true), &json!("openid")));
    // The right comes back with the persona.
    scene.admin.act(&format!("{path}/activate")).await.is(200);
    let again = app.refresh(&next.field("refresh_token")).await.is(200);
    assert_eq!(again.json()["scope"], "users:read users:write openid offline_access");
}

#[tokio::test]
async fn g62_tokens_for_other_services_are_for_userinfo_too() {
    let scene = Scene::open().await;
    let api = "https://api.example";
    let app = scene.service.person_client(|client| client.audience = vec![api.to_owned()]).await;
    let answer = app.sign_in(&scene.jan.id, "openid offline_access").await;
    assert_eq!(claims(&answer, "access_token")["aud"], json!([api, tests::BASE]));
    app.userinfo(&answer.field("access_token")).await.is(200);
    let for_api = app.token_for(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", &answer.field("refresh_token")),
        ("resource", api),
    ]);
    let for_api = for_api.await.is(200);
    assert_eq!(claims(&for_api, "access_token")["aud"], api);
    // It is for that service alone.
    app.userinfo(&for_api.field("access_token")).await.is(401);
}
