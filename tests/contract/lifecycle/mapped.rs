//! Sign-ins of subjects that are mapped to a user

use serde_json::{Value, json};
use shared::domain::client::Integration;
use tests::{Call, Client, Issuer, TENANT, person, profiles};

use super::{by_base, service, told};

const USERS: &str = "/identity/users";

fn map(crm: &Client, server: &str, subject: &str, user: &str) -> Call {
    let body = json!({ "authentication_server_id": server, "subject": subject, "user_id": user });
    crm.post("/api/v1/sso/authentication-server-subjects", body)
}

async fn user_of(crm: &Client, idp: &Issuer, subject: &str) -> Value {
    crm.read(&by_base(subject, &idp.url)).await["id"].clone()
}

#[tokio::test]
async fn s6_a_mapping_counts_before_the_subject_type_at_a_sign_in() {
    let service = service().await;
    let crm = service.crm().await;
    let other = crm.create(USERS, person("other")).await;
    for kind in ["email", "userid", "username", "predefined"] {
        let idp = service.issuer(kind, kind).await;
        let jan = crm.create(USERS, person(&format!("jan-{kind}"))).await;
        // By its type each server would find somebody else, or nobody.
        let subject = match kind {
            "userid" => other.id.clone(),
            "username" => "other".to_owned(),
            _ => "s-1".to_owned(),
        };
        map(&crm, kind, &subject, &jan.id).await.is(201);
        let claims = json!({ "email": "other@example.org", "email_verified": true });
        // A subject that is not mapped is found by the type.
        if kind == "email" {
            idp.person("s-2", claims.clone()).sign_in("shop").await.is(201);
            assert_eq!(user_of(&crm, &idp, "s-2").await, other.id);
        }
        idp.person(&subject, claims).sign_in("shop").await.is(201);
        assert_eq!(user_of(&crm, &idp, &subject).await, jan.id, "{kind}");
    }
    service.check().await;
}

#[tokio::test]
async fn s6_a_client_brings_the_user_to_whom_the_subject_is_mapped() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "email").await;
    let jan = crm.create(USERS, person("jan")).await;
    map(&crm, "idp", "s-1", &jan.id).await.is(201);
    let integration = service
        .register_as(TENANT, "users:write", |client| client.integration = Some(Integration::Crm))
        .await
        .with_token()
        .await;
    let brought = json!({ "issuer": idp.url, "subject": "s-1" });
    integration.post(&profiles("shop"), brought).await.is(201);
    assert_eq!(user_of(&crm, &idp, "s-1").await, jan.id);
}

#[tokio::test]
async fn s6_a_subject_by_which_another_user_signed_in_is_not_mapped() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "email").await;
    let jan = crm.create(USERS, person("jan")).await;
    idp.person("s-1", json!({})).sign_in("shop").await.is(201);
    let refused = map(&crm, "idp", "s-1", &jan.id).await;
    assert_eq!(told(&refused), (409, "already-exists".to_owned()));
    assert_eq!(refused.violations(), ["/subject not-unique"]);
    let holder = user_of(&crm, &idp, "s-1").await;
    let holder = holder.as_str().unwrap();
    // The subject may be mapped to the user who signed in, and to another user once that user is
    // deleted.
    map(&crm, "idp", "s-1", holder).await.is(201);
    crm.delete(&format!("{USERS}/{holder}")).await.is(204);
    map(&crm, "idp", "s-1", &jan.id).await.is(201);
    idp.person("s-1", json!({})).sign_in("shop").await.is(201);
    assert_eq!(user_of(&crm, &idp, "s-1").await, jan.id);
    service.check().await;
}

#[tokio::test]
async fn s6_a_mapping_at_a_server_with_an_issuer_costs_a_check_more() {
    let service = service().await;
    service.end_audit().await;
    let crm = service.crm().await;
    service.issuer("idp", "email").await;
    let jan = crm.create(USERS, person("jan")).await;
    map(&crm, "idp", "s-0", &jan.id).await.is(201);
    crm.get(&jan.path).await.is(200);
    let (_, write, index) = map(&crm, "idp", "s-1", &jan.id).await.is(201).cost();
    assert_eq!(
        (write, index),
        (8.0, 0.0),
        "the mapping, its look-up, and the checks of the user and of the base profile id"
    );
}

/// Of a mapping and a first sign-in at once one sees the other: the mapping is never stored and
/// ignored.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s6_a_mapping_and_the_first_sign_in_at_once_agree() {
    let service = service().await;
    let crm = service.crm().await;
    for kind in ["email", "username"] {
        let idp = service.issuer(kind, kind).await;
        let mut mapped = 0;
        for round in 0..12 {
            let name = format!("{kind}{round}");
            let jan = crm.create(USERS, json!({ "username": format!("jan-{name}") })).await;
            let arrives = idp.person(&name, json!({}));
            let mapping = map(&crm, kind, &name, &jan.id);
            let (signed_in, stored) = tokio::join!(
                tokio::spawn(async move { arrives.sign_in("shop").await }),
                tokio::spawn(async move { mapping.await })
            );
            signed_in.unwrap().is(201);
            let is_jan = user_of(&crm, &idp, &name).await == jan.id;
            assert_eq!(stored.unwrap().code(), if is_jan { 201 } else { 409 }, "{name}");
            mapped += usize::from(is_jan);
        }
        println!("{kind}: of 12 the mapping was first {mapped} times");
    }
    service.check().await;
}
