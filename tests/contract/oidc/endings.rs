//! Everything that ends a sign-in ends codes, access tokens and refresh tokens too (rule G23).

use serde_json::json;
use shared::domain::people::{FamilyName, SessionCookie};
use tests::{GiveCode, TENANT};

use super::{Scene, closed, refused};

/// A code that waits, and tokens of another code.
struct Held {
    code: String,
    access: String,
    refresh: String,
}

impl Scene {
    async fn hold(&self) -> Held {
        let give = self.app.code_of(&self.jan.id, "openid userdata offline_access");
        let answer = self.app.sign_in_with(&give).await;
        let code = self.service.give_code(&give).await;
        let (access, refresh) = (answer.field("access_token"), answer.field("refresh_token"));
        self.app.userinfo(&access).await.is(200);
        Held { code, access, refresh }
    }

    /// Asserts that nothing of it is worth anything.
    async fn ended(&self, held: &Held, what: &str) {
        closed(&self.app.userinfo(&held.access).await);
        closed(&self.service.call("GET", "/identity/me").token(&held.access).await);
        refused(&self.app.exchange(&held.code).await, "invalid_grant");
        refused(&self.app.refresh(&held.refresh).await, "invalid_grant");
        let seen = self.app.introspected(&self.admin, &held.access).await;
        assert_eq!(seen["active"], false, "{what}");
    }
}

#[tokio::test]
async fn g23_a_block_ends_everything_and_an_unblock_brings_nothing_back() {
    let scene = Scene::open().await;
    let held = scene.hold().await;
    scene.act("block").await;
    scene.ended(&held, "blocked").await;
    scene.act("unblock").await;
    scene.ended(&held, "unblocked").await;
    // The person signs in again.
    scene.hold().await;
    scene.service.check().await;
}

#[tokio::test]
async fn g23_unlinking_the_built_in_server_ends_everything() {
    let scene = Scene::open().await;
    let held = scene.hold().await;
    scene.act("principals/system/unlink").await;
    scene.ended(&held, "unlinked").await;
    scene.act("principals/system/link").await;
    scene.ended(&held, "linked again").await;
}

#[tokio::test]
async fn g23_ending_all_sessions_ends_everything() {
    let scene = Scene::open().await;
    let held = scene.hold().await;
    scene.admin.delete(&scene.jan.below("sessions")).await.is(204);
    scene.ended(&held, "signed out everywhere").await;
    scene.hold().await;
}

#[tokio::test]
async fn g23_a_forget_leaves_nothing_of_codes_and_tokens() {
    let scene = Scene::open().await;
    let held = scene.hold().await;
    scene.admin.delete(&scene.jan.path).if_match("*").await.is(204);
    scene.ended(&held, "forgotten").await;
    scene.service.sweep().await;
    let items = scene.service.items().await;
    let left: Vec<_> = items.iter().filter(|i| i.contains("R#") || i.contains("#SE#")).collect();
    assert!(left.iter().all(|item| !item.contains(&scene.jan.id)), "{left:?}");
    scene.service.check().await;
}

#[tokio::test]
async fn g23_a_sign_out_of_one_session_ends_what_began_in_it() {
    let scene = Scene::open().await;
    let cookie = scene.service.give_session(&scene.jan.id).await;
    let give = GiveCode {
        session: Some(cookie.clone()),
        ..scene.app.code_of(&scene.jan.id, "openid offline_access")
    };
    let token = scene.app.sign_in_with(&give).await.field("refresh_token");
    let code = scene.service.give_code(&give).await;
    let elsewhere = scene.hold().await;
    let session: SessionCookie = cookie.parse().unwrap();
    let (table, tenant) = (&scene.service.table, TENANT.parse().unwrap());
    assert!(table.delete_session(&tenant, session.user, &session.hash()).await.unwrap());
    refused(&scene.app.exchange(&code).await, "invalid_grant");
    refused(&scene.app.refresh(&token).await, "invalid_grant");
    // Another session goes on.
    scene.app.exchange(&elsewhere.code).await.is(200);
    scene.app.refresh(&elsewhere.refresh).await.is(200);
    scene.service.check().await;
}

#[tokio::test]
async fn g23_the_names_of_families_are_at_the_person_while_they_live() {
    let scene = Scene::open().await;
    let held = scene.hold().await;
    let (table, tenant) = (&scene.service.table, TENANT.parse().unwrap());
    let user = scene.jan.id.parse().unwrap();
    let names = table.family_names(&tenant, user).await.unwrap();
    let [(family, FamilyName { client, ends_at, .. })] = names.as_slice() else {
        panic!("{names:?}")
    };
    assert!(held.refresh.starts_with(family.as_str()));
    assert_eq!(client.as_str(), scene.app.id);
    assert!(*ends_at > scene.service.clock.now());
    scene.app.post("/idhub/oidc/v1/revoke", &[("token", &held.refresh)]).await.is(200);
    assert_eq!(table.family_names(&tenant, user).await.unwrap().len(), 0);
}

#[tokio::test]
async fn g23_a_withdrawn_consent_to_a_client_ends_its_tokens() {
    let scene = Scene::open().await;
    let held = scene.hold().await;
    let (user, client) = (&scene.jan.id, &scene.app.id);
    scene.service.give_client_consent(user, client, &["openid"]).await;
    assert!(scene.service.withdraw_from_client(user, client).await);
    refused(&scene.app.refresh(&held.refresh).await, "invalid_grant");
    assert!(!scene.service.withdraw_from_client(user, client).await);
    scene.service.check().await;
}

#[tokio::test]
async fn g23_a_persona_that_is_not_in_force_ends_what_was_authorised_in_it() {
    let scene = Scene::open().await;
    scene.admin.define_persona("buyer", json!({})).await;
    let buyer = scene.admin.add_persona(&scene.jan, json!({ "name": "buyer" })).await;
    let give = GiveCode {
        persona: Some(buyer.id.clone()),
        ..scene.app.code_of(&scene.jan.id, "openid offline_access")
    };
    let answer = scene.app.sign_in_with(&give).await;
    let code = scene.service.give_code(&give).await;
    scene.admin.act(&buyer.below("suspend")).await.is(200);
    refused(&scene.app.exchange(&code).await, "invalid_grant");
    refused(&scene.app.refresh(&answer.field("refresh_token")).await, "invalid_grant");
    let userinfo = scene.app.userinfo(&answer.field("access_token")).await.is(200).json();
    assert!(userinfo.get("persona").is_none());
    // It is the persona that ended, not the sign-in of the person.
    scene.sign_in("openid").await;
}
