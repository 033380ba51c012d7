//! Sign-ins that a CRM or an IAM system makes for people.

use serde_json::{Value, json};
use shared::domain::client::Integration;
use tests::{Client, Service, TENANT, person, profiles};

use super::{base_id, by_base, service, told};

async fn marked(service: &Service, integration: Option<Integration>) -> Client {
    service
        .register_as(TENANT, "users:read users:write", |client| client.integration = integration)
        .await
        .with_token()
        .await
}

#[tokio::test]
async fn only_a_client_that_is_marked_crm_or_iam_makes_system_profiles() {
    let service = service().await;
    let crm = service.crm().await;
    let jan = crm.create("/identity/users", person("jan")).await;
    let body = json!({ "user_id": jan.id });
    assert_eq!(
        told(&crm.post(&profiles("shop"), body.clone()).await),
        (403, "not-allowed".to_owned())
    );
    // Before the body is looked at.
    assert_eq!(
        told(&crm.call("POST", &profiles("shop")).body("application/json", "{").await),
        (403, "not-allowed".to_owned())
    );
    let ids = [Integration::Crm, Integration::Iam]
        .map(|mark| (mark, if mark == Integration::Crm { "shop" } else { "fleet" }));
    for (mark, system) in ids {
        let client = marked(&service, Some(mark)).await;
        let made = client.create(&profiles(system), body.clone()).await;
        assert_eq!(
            (made.body["given_name"].as_str(), made.path),
            (Some("Jan"), format!("{}/{}", profiles(system), made.id))
        );
        assert_eq!(client.post(&profiles(system), body.clone()).await.is(200).field("id"), made.id);
    }
    let narrow = service
        .register_as(TENANT, "users:read", |client| client.integration = Some(Integration::Crm))
        .await
        .with_token()
        .await;
    assert_eq!(
        told(&narrow.post(&profiles("shop"), body).await),
        (403, "insufficient-scope".to_owned())
    );
    service.check().await;
}

#[tokio::test]
async fn a_person_is_brought_by_issuer_and_subject_and_is_the_same_who_signs_in_later() {
    let service = service().await;
    let idp = service.issuer("idp", "predefined").await;
    let iam = marked(&service, Some(Integration::Iam)).await;
    let body = json!({ "issuer": idp.url, "subject": "1" });
    let made = iam.create(&profiles("shop"), body.clone()).await;
    let user = iam.read(&by_base("1", &idp.url)).await;
    assert_eq!(
        (user["username"].as_str(), &user["last_login_at"]),
        (Some(&*base_id("1", &idp.url)), &Value::Null),
        "not a login"
    );
    let signed_in = idp.person("1", json!({ "given_name": "Jan" })).sign_in("shop").await.is(200);
    assert_eq!(
        (signed_in.field("id"), signed_in.field("given_name")),
        (made.id.clone(), "Jan".to_owned())
    );
    assert_eq!(iam.post(&profiles("shop"), body).await.is(200).field("id"), made.id);
    // The base profile id names the user here too.
    let by_base = json!({ "user_id": base_id("1", &idp.url) });
    iam.post(&profiles("fleet"), by_base).await.is(201);
    service.check().await;
}

#[tokio::test]
async fn e1_what_brings_nobody_is_said_by_name() {
    let service = service().await;
    let idp = service.issuer("idp", "predefined").await;
    let crm = marked(&service, Some(Integration::Crm)).await;
    let nobody = "0192f3c1-0000-7000-8000-000000000001";
    for (body, violations) in [
        (json!({}), vec!["/user_id required"]),
        (json!({ "issuer": idp.url }), vec!["/subject required"]),
        (json!({ "subject": "1" }), vec!["/issuer required"]),
        (
            json!({ "issuer": idp.url, "subject": "1", "user_id": nobody }),
            vec!["/user_id not-allowed"],
        ),
        (
            json!({ "issuer": 1, "subject": "", "more": 1 }),
            vec!["/issuer wrong-type", "/more unknown", "/subject wrong-format"],
        ),
        (json!({ "user_id": nobody }), vec!["/user_id not-found"]),
        (json!({ "user_id": "jan" }), vec!["/user_id not-found"]),
        (json!({ "user_id": base_id("1", &idp.url) }), vec!["/user_id not-found"]),
        (json!({ "issuer": "https://unknown.example", "subject": "1" }), vec!["/issuer not-found"]),
    ] {
        assert_eq!(
            crm.post(&profiles("shop"), body.clone()).await.is(422).violations(),
            violations,
            "{body}"
        );
    }
    crm.post(&profiles("nowhere"), json!({})).await.is(404);
    crm.call("POST", &profiles("shop")).body("text/plain", "x").await.is(415);
}

#[tokio::test]
async fn a_client_that_is_bound_to_systems_brings_people_to_those_alone() {
    let service = service().await;
    let crm = service.crm().await;
    let jan = crm.create("/identity/users", person("jan")).await;
    let bound = service
        .register_as(TENANT, "users:read users:write", |client| {
            client.integration = Some(Integration::Crm);
            client.systems = vec!["shop".parse().unwrap()];
        })
        .await
        .with_token()
        .await;
    let body = json!({ "user_id": jan.id });
    bound.post(&profiles("shop"), body.clone()).await.is(201);
    assert_eq!(told(&bound.post(&profiles("fleet"), body).await), (404, "not-found".to_owned()));
}

#[tokio::test]
async fn what_a_client_may_not_see_any_more_is_not_answered_as_it_was_before_by_the_same_key() {
    let service = service().await;
    let admin = service.client(TENANT, "administrator").await;
    let declared = json!([{ "name": "secret", "classifier": "SENSITIVE" }]);
    admin
        .create(
            "/identity/config/systems",
            json!({ "id": "vault", "name": "vault", "attributes_definition": declared }),
        )
        .await;
    let jan = admin.create("/identity/users", person("jan")).await;
    let crm = marked(&service, Some(Integration::Crm)).await;
    let body = json!({ "user_id": jan.id });
    let made = crm.create(&profiles("vault"), body.clone()).await;
    crm.patch(&made.path, json!({ "system_attributes": { "secret": ["x1"] } }))
        .if_match("*")
        .await
        .is(200);
    let seen = crm.post(&profiles("vault"), body.clone()).key("k").await.is(200);
    assert!(seen.text().contains("x1"));
    let path = format!("/config/clients/{}", crm.id);
    admin.patch(&path, json!({ "max_classifier": "LOW" })).if_match("*").await.is(200);
    let crm = crm.with_token().await;
    assert!(
        !crm.post(&profiles("vault"), body.clone()).key("k").await.is(200).text().contains("x1")
    );
    admin
        .patch(&path, json!({ "max_classifier": "SENSITIVE", "systems": ["shop"] }))
        .if_match("*")
        .await
        .is(200);
    let crm = crm.on(&service.instance()).with_token().await;
    crm.post(&profiles("vault"), body).key("k").await.is(404);
}

#[tokio::test]
async fn p17_a_base_profile_id_is_taken_in_upper_case_too() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    let jan = idp.person("1", json!({}));
    jan.sign_in("shop").await.is(201);
    let upper = base_id("1", &idp.url).to_uppercase();
    let found = crm.get(&format!("/identity/users/{upper}")).await.is(200);
    assert_eq!(found.json(), crm.read(&by_base("1", &idp.url)).await);
    let by_filter = crm.find(json!({ "id": upper })).await;
    assert_eq!(by_filter, [found.json()]);
    crm.get(&format!("{}/{upper}", profiles("shop"))).await.is(200);
    let body = json!({ "ids": [upper] });
    let batch = crm.post("/identity/users/batch-get", body).await.is(200).json();
    assert_eq!(batch["missing"], json!([]));
}
