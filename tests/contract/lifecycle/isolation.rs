//! Other tenants and systems see nothing of a person (rule D5). The tests call every route with
//! every id of another tenant and of another system. Each answer is the same as for an id that
//! never existed.

use serde_json::{Value, json};
use shared::domain::client::Integration;
use shared::http::Route;
use tests::{TENANT, escape, profiles};

use super::service;
use super::strangers::{OTHER, Secrets, Stranger, crawl, neighbour, populated};

#[tokio::test]
async fn d5_every_id_of_another_tenant_is_answered_at_every_route_like_one_that_never_existed() {
    let service = service().await;
    let (ids, secrets) = populated(&service).await;
    let (crm, mina) = neighbour(&service).await;
    let machines = crawl(&Stranger::Machine(&crm), &ids, &secrets, &[], |_| true).await;
    let people = crawl(&Stranger::Person(&mina), &ids, &secrets, &[], |_| true).await;
    assert!(machines > 200 && people > 20, "{machines} {people}");
    // In one's own tenant's path the ids are nobody's as well.
    crm.create("/identity/config/systems", json!({ "id": "shop", "name": "shop" })).await;
    let own = [("tenant_id", OTHER), ("system_id", "shop")];
    let own = crawl(&Stranger::Machine(&crm), &ids, &secrets, &own, |route| {
        route.path.contains("{tenant_id}/") && route.path.contains("{id}")
    })
    .await;
    assert!(own > 20, "{own}");
    service.check().await;
}

#[tokio::test]
async fn d5_what_bodies_and_queries_name_of_another_tenant_is_not_there() {
    let service = service().await;
    let (ids, secrets) = populated(&service).await;
    let (crm, mina) = neighbour(&service).await;
    let of = |name: &str| ids.0.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    crm.create(
        "/api/v1/sso/applications",
        json!({ "id": "erp", "name": "ERP", "subject_type": "userid" }),
    )
    .await;
    crm.create("/identity/config/systems", json!({ "id": "shop", "name": "shop" })).await;
    let shop = profiles("shop").replace(TENANT, OTHER);
    for user in of("user_id") {
        for (path, body) in [
            (
                "/api/v1/sso/application-subjects".to_owned(),
                json!({ "application_id": "erp", "subject": "x", "user_id": user }),
            ),
            (
                "/api/v1/sso/authentication-server-subjects".to_owned(),
                json!({ "authentication_server_id": "own-idp", "subject": "x", "user_id": user }),
            ),
            (
                "/api/v1/sso/application-subjects/resolve".to_owned(),
                json!({ "application_id": "erp", "user_id": user }),
            ),
            (shop.clone(), json!({ "user_id": user })),
        ] {
            let answer = crm.post(&path, body).await.is(422);
            assert_eq!(answer.violations(), ["/user_id not-found"], "{path}");
        }
        for list in [
            "/api/v1/sso/application-subjects",
            "/api/v1/sso/authentication-server-subjects",
            "/identity/change-requests",
        ] {
            let answer = crm.get(&format!("{list}?user_id={user}")).await;
            assert!(matches!(answer.code(), 200 | 400), "{list}: {}", answer.text());
            assert!(
                answer.code() == 400 || answer.json()["items"] == json!([]),
                "{list}: {}",
                answer.text()
            );
        }
    }
    let bulk =
        json!({ "ids": of("id").into_iter().filter(|id| id.len() > 30).collect::<Vec<_>>() });
    let found = crm.post(&format!("{shop}:bulk-search"), bulk).await.is(200);
    assert_eq!(found.json()["items"], json!([]));
    for filter in ["preferred_email eq \"wilhelmina@example.org\"", "family_name eq \"Janssen\""] {
        let found = crm.post("/identity/users/query", json!({ "filter": filter })).await.is(200);
        assert_eq!(found.json()["items"], json!([]));
        let escaped = escape(filter);
        crm.get(&format!("{shop}?filter={escaped}")).await.is(404);
    }
    // The description has people of its own as examples.
    let shows =
        |route: &&Route| route.method == "GET" && !route.name.starts_with("get_description");
    for routes in local::serve::functions() {
        for route in routes.iter().filter(shows).filter(|route| !route.path.contains('{')) {
            for answer in [crm.get(route.path).await, mina.call("GET", route.path).await] {
                secrets.are_kept(route.path, &answer);
            }
        }
    }
    // The neighbour's person is called the same by the same issuer, and is somebody else.
    let arrived = mina.call("POST", &shop).await.created();
    assert_eq!(arrived.body["family_name"], Value::Null);
    service.check().await;
}

#[tokio::test]
async fn a_client_that_is_bound_to_a_system_gets_404_for_everything_of_another() {
    let service = service().await;
    let (ids, secrets) = populated(&service).await;
    let secrets = Secrets(
        secrets
            .0
            .into_iter()
            .filter(|secret| secret != "Janssen" && secret != "wilhelmina")
            .collect(),
    );
    let scopes = "users:read users:write config:read config:write administrator userdata openid";
    let bound = service
        .register_as(TENANT, scopes, |client| {
            client.integration = Some(Integration::Crm);
            client.systems = vec!["depot".parse().unwrap()];
        })
        .await
        .with_token()
        .await;
    service.system("depot", &[]).await;
    let of_systems = |route: &Route| route.within_system;
    for system in ["shop", "fleet"] {
        let fixed = [("system_id", system)];
        let called = crawl(&Stranger::Machine(&bound), &ids, &secrets, &fixed, of_systems).await;
        assert!(called > 20, "{called}");
        for routes in local::serve::functions() {
            for route in
                routes.iter().filter(|route| of_systems(route) && route.callers.granted().is_some())
            {
                for path in ids.paths(route, &fixed) {
                    assert_eq!(
                        Stranger::Machine(&bound).call(route, &path).await.code(),
                        404,
                        "{} {path}",
                        route.method
                    );
                }
            }
        }
    }
    // In its own system the ids of other systems' profiles are nobody's; nor is a base profile id,
    // where the person has no profile.
    let fixed = [("system_id", "depot")];
    let own = |route: &Route| of_systems(route) && route.path.contains("{id}");
    let called = crawl(&Stranger::Machine(&bound), &ids, &secrets, &fixed, own).await;
    assert!(called > 20, "{called}");
    let path = profiles("depot");
    let known: Vec<_> = ids
        .0
        .iter()
        .find(|(name, _)| *name == "id")
        .unwrap()
        .1
        .iter()
        .filter(|id| id.len() > 30)
        .cloned()
        .collect();
    let found = bound.post(&format!("{path}:bulk-search"), json!({ "ids": known })).await.is(200);
    assert_eq!(
        (&found.json()["items"], found.json()["missing"].as_array().unwrap().len()),
        (&json!([]), known.len())
    );
    bound
        .get(&format!("{path}?filter={}", escape("preferred_email eq \"wilhelmina@example.org\"")))
        .await
        .is(404);
    service.check().await;
}
