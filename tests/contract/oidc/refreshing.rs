//! Refresh tokens of people (rule G14).

use serde_json::json;
use shared::domain::people::SessionCookie;
use tests::{Client, GiveCode, TENANT};

use super::{Scene, claims, refused};

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn g14_oidcc_refresh_token_the_new_id_token_is_of_the_same_sign_in() {
    let scene = Scene::open().await;
    for app in [scene.app.clone(), scene.service.confidential_client(|_| {}).await] {
        let give = GiveCode {
            nonce: Some("n".to_owned()),
            ..app.code_of(&scene.jan.id, "openid email offline_access")
        };
        let first = app.sign_in_with(&give).await;
        assert_eq!(first.json()["scope"], "openid email offline_access");
        scene.service.clock.advance(120);
        let second = app.refresh(&first.field("refresh_token")).await.is(200);
        assert_ne!(second.field("refresh_token"), first.field("refresh_token"));
        assert_eq!(second.json()["scope"], "openid email offline_access");
        let (old, new) = (claims(&first, "id_token"), claims(&second, "id_token"));
        for same in ["iss", "sub", "aud", "auth_time", "amr", "acr", "sid"] {
            assert_eq!(old[same], new[same], "{same}");
        }
        assert_eq!(new["iat"], scene.service.now());
        // OpenID Connect Core §12.2: it should not have a nonce.
        assert!(new.get("nonce").is_none());
        assert_ne!(old["at_hash"], new["at_hash"]);
        assert_eq!(claims(&second, "access_token")["scope"], "openid email");
        app.userinfo(&second.field("access_token")).await.is(200);
    }
}

#[tokio::test]
async fn g14_a_refresh_token_comes_with_offline_access_and_the_grant_alone() {
    let scene = Scene::open().await;
    assert!(scene.sign_in("openid").await.json().get("refresh_token").is_none());
    let without = scene.service.person_client(|client| client.refresh_token = false).await;
    let answer = without.sign_in(&scene.jan.id, "openid offline_access").await;
    assert!(answer.json().get("refresh_token").is_none());
    let token = scene.sign_in("openid offline_access").await.field("refresh_token");
    refused(&without.refresh(&token).await, "unauthorized_client");
    refused(&scene.app.refresh("x").await, "invalid_grant");
    // A token of the client that acts for itself is another one.
    let other = scene.service.person_client(|_| {}).await;
    refused(&other.refresh(&token).await, "invalid_grant");
    scene.app.refresh(&token).await.is(200);
}

#[tokio::test]
async fn g14_refresh_tokens_rotate_and_reuse_ends_the_family() {
    let scene = Scene::open().await;
    let first = scene.sign_in("openid offline_access").await.field("refresh_token");
    let second = scene.app.refresh(&first).await.is(200).field("refresh_token");
    // An answer that was lost is given again, for a while.
    let again = scene.app.refresh(&first).await.is(200).field("refresh_token");
    assert_eq!(again, second);
    let third = scene.app.refresh(&second).await.is(200).field("refresh_token");
    refused(&scene.app.refresh(&first).await, "invalid_grant");
    refused(&scene.app.refresh(&third).await, "invalid_grant");
    // Nothing of the family is left, at the person neither.
    let items = scene.service.items().await;
    let of_jan = |item: &&String| item.contains("R#") && item.contains(&scene.jan.id);
    assert_eq!(items.iter().find(of_jan), None);
    scene.service.check().await;
}

#[tokio::test]
async fn g14_a_family_of_a_public_client_ends_with_the_session() {
    let scene = Scene::open().await;
    let confidential = scene.service.confidential_client(|_| {}).await;
    let cookie = scene.service.give_session(&scene.jan.id).await;
    let session: SessionCookie = cookie.parse().unwrap();
    let tenant = TENANT.parse().unwrap();
    let stored = scene.service.table.read_session(&tenant, session.user, &session.hash()).await;
    let end = stored.unwrap().unwrap().value.ends_at.seconds();
    // The person authorises both in the second half of the session.
    scene.service.clock.advance(20 * DAY);
    let mut tokens = Vec::new();
    for app in [&scene.app, &confidential] {
        let give = GiveCode {
            session: Some(cookie.clone()),
            ..app.code_of(&scene.jan.id, "openid offline_access")
        };
        let mut token = app.sign_in_with(&give).await.field("refresh_token");
        let seen = app.introspected(&scene.admin, &token).await;
        assert_eq!(seen["active"], false, "refresh tokens are shown to their own client alone");
        for _ in 0..3 {
            token = app.refresh(&token).await.is(200).field("refresh_token");
        }
        tokens.push(token);
    }
    let left = end - scene.service.now();
    scene.service.clock.advance(left - 60);
    // The access token does not outlive the session either.
    let last = scene.app.refresh(&tokens[0]).await.is(200);
    assert_eq!(last.json()["expires_in"], 60);
    scene.service.clock.advance(60);
    refused(&scene.app.refresh(&last.field("refresh_token")).await, "invalid_grant");
    // That of a confidential client lives for 30 days.
    let token = confidential.refresh(&tokens[1]).await.is(200).field("refresh_token");
    scene.service.clock.advance(20 * DAY - left);
    let token = confidential.refresh(&token).await.is(200).field("refresh_token");
    scene.service.clock.advance(10 * DAY);
    refused(&confidential.refresh(&token).await, "invalid_grant");
}

#[tokio::test]
async fn g14_scopes_can_only_shrink() {
    let scene = Scene::open().await;
    let answer = scene.sign_in("openid email offline_access").await;
    let token = answer.field("refresh_token");
    let with = |token: &str, scope: &str| {
        scene.app.token_for(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("scope", scope),
        ])
    };
    for more in ["openid profile", "root", "users:read", " "] {
        refused(&with(&token, more).await, "invalid_scope");
    }
    let less = with(&token, "email").await.is(200);
    assert_eq!(less.json()["scope"], "email");
    assert!(less.json().get("id_token").is_none(), "there is no `openid` in it");
    // The family keeps what it has.
    let all = scene.app.refresh(&less.field("refresh_token")).await.is(200);
    assert_eq!(all.json()["scope"], "openid email offline_access");
}

#[tokio::test]
async fn g14_a_refresh_token_is_introspected_by_its_client() {
    let scene = Scene::open().await;
    let app = scene.service.confidential_client(|_| {}).await;
    let answer = app.sign_in(&scene.jan.id, "openid offline_access").await;
    let token = answer.field("refresh_token");
    let own = Client { secret: app.secret.clone().unwrap(), ..app.as_client() };
    let seen = app.introspected(&own, &token).await;
    assert_eq!((&seen["active"], &seen["sub"]), (&json!(true), &json!(scene.base())));
    assert_eq!(seen["scope"], "openid offline_access");
    scene.act("block").await;
    assert_eq!(app.introspected(&own, &token).await["active"], false);
}

#[tokio::test]
async fn g14_what_the_client_loses_its_tokens_lose() {
    let scene = Scene::open().await;
    let answer = scene.sign_in("openid email offline_access").await;
    let path = format!("/config/clients/{}", scene.app.id);
    let change = async |patch: serde_json::Value| {
        let tag = scene.admin.tag_of(&path).await;
        scene.admin.patch(&path, patch).if_match(&tag).await.is(200);
        scene.service.clock.advance(31);
    };
    change(json!({ "scopes": ["openid", "offline_access"] })).await;
    let less = scene.app.refresh(&answer.field("refresh_token")).await.is(200);
    assert_eq!(less.json()["scope"], "openid offline_access");
    let patch = json!({ "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["client_credentials", "refresh_token"], "redirect_uris": [] });
    change(patch).await;
    assert_eq!(scene.app.refresh(&less.field("refresh_token")).await.code(), 401);
}
