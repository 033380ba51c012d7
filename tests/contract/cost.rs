//! What requests cost, in the units that the table reports: the table "Cost" of the architecture (users of at most 1 KB, warm
//! definitions). Read units / write units of the table + of the index.

use serde_json::{Value, json};
use tests::{Client, Resource, Service, TENANT, person};

const USERS: &str = "/identity/users";

/// A client whose functions know the definitions, and a user with username, e-mail and both names.
async fn warm() -> (Service, Client, Resource) {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("note", json!({})).await;
    crm.define("badge", json!({ "unique": true })).await;
    crm.define("tag", json!({ "search": "exact" })).await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let attributes = json!({ "common": { "note": ["x"], "badge": ["0"], "tag": ["x"] } });
    let persona = json!({ "name": "employee", "scope": ["a"] });
    let body = json!({ "username": "warm", "attributes": attributes, "personas": [persona] });
    let warm = crm.create(USERS, body).await;
    let persona = warm.below(&format!("personas/{}", warm.body["personas"][0]["id"].as_str().unwrap()));
    crm.patch(&persona, json!({ "scope": ["b"] })).if_match("*").await.is(200);
    let jan = crm.create(USERS, person("jan")).await;
    (service, crm, jan)
}

#[tokio::test]
async fn a_get_costs_one_read_unit_found_or_not_modified() {
    let (_, crm, jan) = warm().await;
    assert_eq!(crm.get(&jan.path).await.is(200).cost(), (1.0, 0.0, 0.0));
    assert_eq!(crm.get(&jan.path).if_none_match(&jan.tag).await.is(304).cost(), (1.0, 0.0, 0.0));
    assert_eq!(crm.call("HEAD", &jan.path).await.is(200).cost(), (1.0, 0.0, 0.0));
    assert_eq!(crm.get(&jan.below("personas")).await.is(200).cost(), (1.0, 0.0, 0.0));
}

#[tokio::test]
async fn finding_by_a_unique_attribute_or_an_email_costs_two_read_units() {
    let (_, crm, _) = warm().await;
    // The first search by an attribute learns that values of it are stored, and that how it is searched therefore stays.
    let first = crm.post("/identity/users/query", json!({ "filter": { "attributes.common.tag": "x" } })).await.is(200);
    assert_eq!(first.cost(), (5.0, 0.0, 0.0));
    for filter in [
        json!({ "username": "jan" }),
        json!({ "preferred_email": "jan@example.org" }),
        json!({ "attributes.common.badge": "0" }),
        json!({ "attributes.common.tag": "x" }),
        json!({ "family_name": "Janssen" }),
    ] {
        let found = crm.post("/identity/users/query", json!({ "filter": filter })).await.is(200);
        assert_eq!(found.json()["items"].as_array().unwrap().len(), 1, "{filter}");
        assert_eq!(found.cost(), (2.0, 0.0, 0.0), "{filter}");
    }
}

#[tokio::test]
async fn a_patch_of_a_plain_attribute_costs_one_and_two() {
    let (_, crm, jan) = warm().await;
    let patch = |value: Value| crm.patch(&jan.path, value).if_match("*");
    let plain = json!({ "attributes": { "common": { "note": ["y"] } }, "ui_locales": "nl-BE" });
    assert_eq!(patch(plain).await.is(200).cost(), (1.0, 1.0, 2.0));
    assert_eq!(patch(json!({})).await.is(200).cost(), (1.0, 0.0, 0.0));
    assert_eq!(crm.patch(&jan.path, json!({})).if_match("\"old\"").await.is(412).cost(), (1.0, 0.0, 0.0));
    assert_eq!(crm.act(&jan.below("block")).await.is(200).cost(), (1.0, 1.0, 2.0));
    let keyed = crm.act(&jan.below("unblock")).key("k").await.is(200);
    assert_eq!(keyed.cost(), (2.0, 4.0, 2.0), "a look for the record, and the record in the user's transaction");
}

#[tokio::test]
async fn a_patch_of_an_indexed_attribute_costs_six_and_two() {
    let (_, crm, jan) = warm().await;
    for indexed in [
        json!({ "username": "jan2" }),
        json!({ "family_name": "Peeters" }),
        json!({ "preferred_email": "jan2@example.org" }),
    ] {
        let patched = crm.patch(&jan.path, indexed.clone()).if_match("*").await.is(200);
        assert_eq!(patched.cost(), (1.0, 6.0, 2.0), "{indexed}");
    }
}

#[tokio::test]
async fn a_creation_costs_ten_and_one_and_two_for_each_look_up_more() {
    let (_, crm, _) = warm().await;
    let cost = async |body: Value, key: Option<&str>| {
        let call = crm.post(USERS, body);
        let (read, write, index) = key.map_or(call.clone(), |key| call.key(key)).await.is(201).cost();
        assert!(read <= 1.0, "{read} read units");
        (write, index)
    };
    assert_eq!(cost(person("els"), None).await, (10.0, 1.0));
    assert_eq!(cost(person("piet"), Some("k")).await, (12.0, 1.0));
    let mut body = person("an");
    body["id_at_customer"] = json!("1");
    assert_eq!(cost(body, None).await, (12.0, 1.0));
    for (name, attributes) in [("jo", json!({ "badge": ["1"], "note": ["x"] })), ("bo", json!({ "tag": ["y"] }))] {
        let mut body = person(name);
        body["attributes"] = json!({ "common": attributes });
        assert_eq!(cost(body, None).await, (12.0, 1.0), "{name}");
    }
    let body = json!({ "username": "ann", "personas": [{ "name": "employee", "scope": ["a"] }] });
    assert_eq!(cost(body, None).await, (8.0, 1.0), "the user, its name, and a persona with and without its scope");
    let mut body = person("large");
    body["attributes"] = json!({ "common": { "note": ["x".repeat(1000)] } });
    assert_eq!(cost(body, None).await, (12.0, 1.0));
}

#[tokio::test]
async fn a_deletion_costs_ten_and_two_then_one_and_two() {
    let (_, crm, jan) = warm().await;
    assert_eq!(crm.delete(&jan.path).await.is(204).cost(), (2.0, 10.0 + 1.0, 2.0 + 2.0));
}

#[tokio::test]
async fn a_token_costs_nothing_when_warm_and_one_with_a_refresh_token() {
    let service = Service::start().await;
    let plain = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    let refreshing = service.register(TENANT, "users:read".parse().unwrap(), true).await;
    let credentials = [("grant_type", "client_credentials")];
    for client in [&plain, &refreshing] {
        client.token_for(&credentials).await.is(200);
    }
    assert_eq!(plain.token_for(&credentials).await.is(200).cost(), (0.0, 0.0, 0.0));
    let issued = refreshing.token_for(&credentials).await.is(200);
    assert_eq!(issued.cost(), (0.0, 1.0, 0.0));
    let token = issued.field("refresh_token");
    let used = refreshing.token_for(&[("grant_type", "refresh_token"), ("refresh_token", &token)]).await.is(200);
    assert_eq!(used.cost(), (1.0, 1.0, 0.0));
}

#[tokio::test]
async fn what_is_refused_before_the_table_is_asked_costs_nothing() {
    let (service, crm, jan) = warm().await;
    let reader = service.client(TENANT, "config:read").await;
    crm.get(&jan.path).await.is(200);
    for refused in [
        service.call("GET", "/identity/nothing").await,
        service.call("GET", &jan.path).await,
        reader.get(&jan.path).await,
        crm.get("/identity/users/x").await,
        crm.post(USERS, json!({ "username": "" })).await,
    ] {
        assert!(refused.code() >= 400);
        assert!(refused.cost().0 <= 1.0 && refused.cost().1 == 0.0, "{:?}: {}", refused.cost(), refused.text());
    }
    assert_eq!(service.call("GET", &jan.path).await.cost(), (0.0, 0.0, 0.0));
}

#[tokio::test]
async fn definitions_are_read_once_in_30_seconds_and_then_by_their_epoch() {
    let (service, crm, jan) = warm().await;
    let patch =
        async |name: &str| crm.patch(&jan.path, json!({ "ui_locales": name })).if_match("*").await.is(200).cost().0;
    assert_eq!(patch("nl").await, 1.0);
    service.clock.advance(29);
    assert_eq!(patch("fr").await, 1.0);
    service.clock.advance(1);
    assert_eq!(patch("de").await, 2.0);
    assert_eq!(patch("en").await, 1.0);
}
