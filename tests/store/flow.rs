//! The service itself on the engine: users with every kind of look-up, made, found, changed and
//! forgotten, and what it costs.

use serde_json::json;
use shared::env::{Clock, Env, Random};
use tests::{Engine, START, Service, person};

#[tokio::test]
async fn a_person_is_onboarded_found_changed_and_forgotten() {
    let clock = Clock::stopped_at(START);
    let engine = Engine::open(Env { clock: clock.clone(), random: Random::default() }).await;
    let service = Service::on(engine, clock).await;
    let crm = service.crm().await;
    crm.define("badge", json!({ "unique": true })).await;
    crm.define("tag", json!({ "search": "exact" })).await;
    crm.define("title", json!({ "search": "prefix" })).await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let shop = json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" });
    crm.create("/api/v1/sso/applications", shop).await;
    let mut body = person("jan");
    body["attributes"] =
        json!({ "common": { "badge": ["1"], "tag": ["a", "b"], "title": ["Dr"] } });
    let jan = crm.create("/identity/users", body.clone()).await;
    let persona = crm.add_persona(&jan, json!({ "name": "employee", "scope": ["chemco"] })).await;
    let subject = json!({ "application_id": "shop", "subject": "s", "user_id": jan.id });
    crm.create("/api/v1/sso/application-subjects", subject).await;
    for filter in [
        json!({ "username": "JAN" }),
        json!({ "preferred_email": "jan@example.org" }),
        json!({ "family_name": "janssen" }),
        json!({ "attributes.common.badge": "1" }),
        json!({ "attributes.common.tag": "b" }),
        json!({ "attributes.common.title": "dr" }),
        json!({ "personas": { "name": "employee", "scope": "chemco" } }),
    ] {
        assert_eq!(crm.find(filter.clone()).await.len(), 1, "{filter}");
    }
    crm.post("/identity/users", body.clone()).await.is(409);
    let patch =
        json!({ "username": "els", "attributes": { "common": { "tag": ["c"], "badge": null } } });
    let tag = crm.patch(&jan.path, patch).if_match("*").await.is(200).tag();
    crm.patch(&jan.path, json!({})).if_match(&jan.tag).await.is(412);
    crm.delete(&persona.path).await.is(204);
    service.check().await;
    assert!(crm.find(json!({ "attributes.common.badge": "1" })).await.is_empty());
    assert_ne!(tag, jan.tag);
    crm.delete(&jan.path).await.is(204);
    crm.get(&jan.path).await.is(404);
    let report = service.check().await;
    assert_eq!((report.users, report.lookups, report.unfinished), (0, 0, 0));
    crm.create("/identity/users", body).await;
}

#[tokio::test]
async fn requests_cost_what_the_architecture_says() {
    let clock = Clock::stopped_at(START);
    let engine = Engine::open(Env { clock: clock.clone(), random: Random::default() }).await;
    let service = Service::on(engine, clock).await;
    service.end_audit().await;
    let crm = service.crm().await;
    crm.create_user("warm").await;
    let made = crm.post("/identity/users", person("jan")).await.is(201);
    assert_eq!((made.cost().1, made.cost().2), (10.0, 1.0));
    let jan = made.created();
    assert_eq!(crm.get(&jan.path).await.cost(), (1.0, 0.0, 0.0));
    let found =
        crm.post("/identity/users/query", json!({ "filter": { "username": "jan" } })).await.is(200);
    assert_eq!(found.cost(), (2.0, 0.0, 0.0));
    let plain = crm.patch(&jan.path, json!({ "ui_locales": "nl" })).if_match("*").await.is(200);
    assert_eq!(plain.cost(), (1.0, 1.0, 2.0));
    let indexed =
        crm.patch(&jan.path, json!({ "family_name": "Peeters" })).if_match("*").await.is(200);
    assert_eq!(indexed.cost(), (1.0, 6.0, 2.0));
    // One unit reads the settings of the audit, and one the sessions, of which there are none.
    assert_eq!(crm.delete(&jan.path).await.is(204).cost(), (4.0, 13.0, 4.0));
}
