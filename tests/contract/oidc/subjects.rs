//! The subject by which an application knows a person (rule G9).

use serde_json::{Value, json};
use tests::PersonClient;

use super::{Scene, claims, refused};

/// A client of an application whose subjects have this type.
async fn client_of(scene: &Scene, application: &str, subject_type: &str) -> PersonClient {
    let body = json!({ "id": application, "name": application, "subject_type": subject_type });
    let config = scene.service.client(tests::TENANT, "config:write").await;
    config.post("/api/v1/sso/applications", body).await.is(201);
    let id = application.parse().unwrap();
    scene.service.person_client(|client| client.application_id = Some(id)).await
}

/// The subjects of the ID token and of userinfo, and what the access token has.
async fn subjects(scene: &Scene, app: &PersonClient) -> Value {
    let answer = app.sign_in(&scene.jan.id, "openid").await;
    let userinfo = app.userinfo(&answer.field("access_token")).await.is(200).json();
    let sub = claims(&answer, "id_token")["sub"].clone();
    // OpenID Connect Core §5.3.2: both have to be the same.
    assert_eq!(userinfo["sub"], sub);
    assert_eq!(claims(&answer, "access_token")["sub"], scene.base());
    sub
}

#[tokio::test]
async fn g9_a_client_of_an_application_gets_the_subject_of_the_application() {
    let scene = Scene::open().await;
    let mail = client_of(&scene, "mail", "email").await;
    let portal = client_of(&scene, "portal", "userid").await;
    let intranet = client_of(&scene, "intranet", "username").await;
    assert_eq!(subjects(&scene, &mail).await, "jan@example.org");
    assert_eq!(subjects(&scene, &portal).await, scene.jan.id.as_str());
    assert_eq!(subjects(&scene, &intranet).await, "jan");
    assert_eq!(subjects(&scene, &scene.app).await, scene.base());
}

#[tokio::test]
async fn g9_a_predefined_subject_is_the_mapped_one() {
    let scene = Scene::open().await;
    let payroll = client_of(&scene, "payroll", "predefined").await;
    let give = payroll.code_of(&scene.jan.id, "openid");
    let code = scene.service.give_code(&give).await;
    // Nothing else stands in for it.
    refused(&payroll.exchange(&code).await, "invalid_grant");
    let mapping = json!({
        "application_id": "payroll", "subject": "P-0042", "user_id": scene.jan.id,
    });
    let users = scene.service.client(tests::TENANT, "users:write").await;
    users.post("/api/v1/sso/application-subjects", mapping).await.is(201);
    assert_eq!(subjects(&scene, &payroll).await, "P-0042");
}

#[tokio::test]
async fn g9_an_application_that_no_longer_knows_the_person_gets_nothing() {
    let scene = Scene::open().await;
    let mail = client_of(&scene, "mail", "email").await;
    let answer = mail.sign_in(&scene.jan.id, "openid offline_access").await;
    let (access, refresh) = (answer.field("access_token"), answer.field("refresh_token"));
    let tag = scene.admin.tag_of(&scene.jan.path).await;
    let change = scene.admin.patch(&scene.jan.path, json!({ "preferred_email": null }));
    change.if_match(&tag).await.is(200);
    assert_eq!(mail.userinfo(&access).await.is(403).slug(), "not-allowed");
    refused(&mail.refresh(&refresh).await, "invalid_grant");
    let code = scene.service.give_code(&mail.code_of(&scene.jan.id, "openid")).await;
    refused(&mail.exchange(&code).await, "invalid_grant");
    // Not even if the application is gone.
    let config = scene.service.client(tests::TENANT, "config:read config:write").await;
    let path = "/api/v1/sso/applications/mail";
    let tag = config.tag_of(path).await;
    config.delete(path).if_match(&tag).await.is(204);
    scene.service.clock.advance(31);
    refused(&mail.exchange(&code).await, "invalid_grant");
}
