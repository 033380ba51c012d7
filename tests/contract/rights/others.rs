//! Authentication servers of the tenant and the rights of its people (rule G62).

use serde_json::json;
use shared::domain::definition::BuiltInPersona::Administrator;
use tests::with;

use super::{ME, Tenant, USERS, official, refused};

#[tokio::test]
async fn g62_claims_of_a_trusted_server_do_not_move_the_address_of_an_administrator() {
    let tenant = Tenant::open().await;
    tenant.service.system("shop", &[]).await;
    let mapping = json!({ "claims": { "given_name": "given_name", "email": "preferred_email",
        "email_verified": "email_verified", "preferred_username": "username" } });
    let corp = tenant.service.issuer_with("corp", mapping).await;
    let jan = tenant.user("jan").await;
    for user in [&tenant.boss, &jan] {
        let _ = corp.link(&user.id, &user.id).await;
        tenant.service.clock.advance(61);
        let claims = json!({
            "given_name": "Claimed", "email": "eve@example.org", "email_verified": true,
            "preferred_username": "eve"
        });
        corp.person(&user.id, claims).sign_in("shop").await.is(201);
    }
    let admin = tenant.admin.clone().with_token().await;
    let boss = admin.read(&tenant.boss.path).await;
    assert_eq!(boss["given_name"], "Claimed");
    assert_eq!(boss["preferred_email"], "boss@example.org");
    assert_eq!(boss["email_verified"], false);
    // Of anybody else they do.
    assert_eq!(admin.read(&jan.path).await["preferred_email"], "eve@example.org");
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_a_server_that_vouches_for_an_administrator_opens_self_service_alone() {
    let tenant = Tenant::open().await;
    let corp = tenant.service.issuer("corp", "predefined").await;
    let external = corp.link(&tenant.boss.id, "boss").await;
    external.get(ME).await.is(200);
    external.get(USERS).await.is(401);
    let moved = json!({ "preferred_email": "eve@example.org" });
    let answer = external.patch(ME, moved).if_match("*").await.is(422);
    assert_eq!(answer.violations(), ["/preferred_email not-editable"]);
    external.patch(ME, json!({ "given_name": "B" })).if_match("*").await.is(200);
    let renamed = external.patch(ME, json!({ "username": "eve" })).if_match("*").await.is(422);
    assert_eq!(renamed.violations(), ["/username not-editable"]);
    // Another administrator stays, so it is not for want of one.
    tenant.admin.create(USERS, official("other", Administrator)).await;
    refused(&external.delete(ME).await, "erasing");
    tenant.of_boss.get(ME).await.is(200);
    let jan = tenant.user("jan").await;
    corp.link(&jan.id, "jan").await.delete(ME).await.is(204);
    tenant.of_boss.delete(ME).await.is(204);
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_the_owner_of_an_address_takes_none_from_an_administrator() {
    let tenant = Tenant::open().await;
    // The helpdesk would have to write the administrator's profile for that.
    let verify = json!({ "attribute": "preferred_email", "value": "boss@example.org" });
    let body = with(verify, json!({}));
    let answer = tenant.of_hugo.post(&tenant.boss.below("verify"), body).if_match("*").await;
    assert_eq!(answer.is(403).slug(), "insufficient-scope");
    let same = with(tests::person("eve"), json!({ "preferred_email": "boss@example.org" }));
    let eve = tenant.of_hugo.post(USERS, same).await.created();
    assert_eq!(eve.body["preferred_email"], "boss@example.org");
    tenant.boss_is_unchanged("a shared address").await;
    refused(&tenant.of_hugo.delete(&tenant.boss.path).await, "delete");
}

#[tokio::test]
async fn g62_nobody_says_that_somebody_signs_in_as_an_administrator() {
    let tenant = Tenant::open().await;
    let corp = tenant.service.issuer("corp", "predefined").await;
    let path = "/api/v1/sso/authentication-server-subjects";
    let mapping = |user: &str| {
        let whose = json!({ "authentication_server_id": "corp", "subject": "hugo" });
        with(whose, json!({ "user_id": user }))
    };
    for by in [
        tenant.of_hugo.post(path, mapping(&tenant.boss.id)),
        tenant.clerk.post(path, mapping(&tenant.boss.id)),
    ] {
        refused(&by.await, "create");
    }
    corp.person("hugo", json!({})).get(ME).await.is(404);
    let made = tenant.admin.create(path, mapping(&tenant.boss.id)).await;
    refused(&tenant.clerk.delete(&made.path).await, "delete");
    tenant.admin.delete(&made.path).await.is(204);
    let jan = tenant.user("jan").await;
    let made = tenant.clerk.create(path, mapping(&jan.id)).await;
    tenant.clerk.delete(&made.path).await.is(204);
    tenant.service.check().await;
}
