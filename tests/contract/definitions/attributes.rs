//! `/identity/config/attribute-definitions`

use serde_json::{Value, json};
use tests::Service;

const PATH: &str = "/identity/config/attribute-definitions";
/// The predefined attributes are listed too.
const PREDEFINED: usize = 6;

#[tokio::test]
async fn an_attribute_definition_shows_every_property() {
    let crm = Service::start().await.crm().await;
    let made = crm.define("employee-number", json!({ "display_name": "Number" })).await;
    let due = json!({
        "id": made.id, "category": "common", "name": "employee-number", "display_name": "Number",
        "description": null,
        "data_format": "TEXT", "enumeration_values": [], "deprecated_values": [],
        "json_schema": null, "scopes": [], "search": "none", "effective_search": "none",
        "single_value": false, "required": false, "read_only": false, "hidden": false,
        "override": false, "system": false,
        "unique": false, "derived": null, "approval_policy": null, "consent": null,
        "deprecated": false,
    });
    assert_eq!(made.body, due);
    let back = crm.put(&made.path, due).if_match(&made.tag).await.is(200);
    assert_eq!((back.tag(), back.cost().1), (made.tag, 0.0));
}

#[tokio::test]
async fn lists_are_narrowed_by_category_and_name() {
    let crm = Service::start().await.crm().await;
    crm.create("/identity/config/attribute-categories", json!({ "name": "work" })).await;
    for (category, name) in [("common", "a"), ("common", "b"), ("work", "a")] {
        crm.define(name, json!({ "category": category })).await;
    }
    let count = async |query: &str| {
        crm.read(&format!("{PATH}{query}")).await["items"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, PREDEFINED + 3);
    assert_eq!(count("?name=a").await, 2);
    assert_eq!(count("?category=common").await, PREDEFINED + 2);
    assert_eq!(count("?category=work&name=a").await, 1);
    assert_eq!(count("?category=work&name=b").await, 0);
    crm.post(PATH, json!({ "category": "work", "name": "a", "data_format": "TEXT" })).await.is(409);
}

#[tokio::test]
async fn e1_every_wrong_property_is_named() {
    let crm = Service::start().await.crm().await;
    let body = json!({
        "id": "x", "category": "nothing", "name": "Wrong", "data_format": "DATE",
        "enumeration_values": "x", "scopes": ["ro ot"],
        "search": "fuzzy", "single_value": 1, "system": true, "colour": "red",
        "display_name": "x".repeat(1025),
    });
    let due = [
        "/category not-found",
        "/colour unknown",
        "/data_format not-in-enumeration",
        "/display_name too-long",
        "/enumeration_values wrong-type",
        "/id immutable",
        "/name wrong-format",
        "/scopes/0 wrong-format",
        "/search not-in-enumeration",
        "/single_value wrong-type",
        "/system not-editable",
    ];
    assert_eq!(crm.post(PATH, body).await.is(422).violations(), due);
    let due = ["/category required", "/data_format required", "/name required"];
    assert_eq!(crm.post(PATH, json!({})).await.is(422).violations(), due);
    let none = json!({ "category": "common", "name": "x", "data_format": "ENUMERATION" });
    assert_eq!(crm.post(PATH, none).await.is(422).violations(), ["/enumeration_values required"]);
    let some = json!({
        "category": "common", "name": "x", "data_format": "TEXT", "enumeration_values": ["a"]
    });
    assert_eq!(
        crm.post(PATH, some).await.is(422).violations(),
        ["/enumeration_values not-allowed"]
    );
}

#[tokio::test]
async fn what_never_changes_is_immutable_and_the_rest_is_not() {
    let crm = Service::start().await.crm().await;
    crm.create("/identity/config/attribute-categories", json!({ "name": "work" })).await;
    let made = crm.define("badge", json!({})).await;
    let changes = json!({
        "id": made.path, "category": "work", "name": "other", "data_format": "NUMERIC",
        "single_value": true, "unique": true,
    });
    let due = [
        "/category immutable",
        "/data_format immutable",
        "/id immutable",
        "/name immutable",
        "/single_value immutable",
        "/unique immutable",
    ];
    assert_eq!(crm.patch(&made.path, changes).if_match("*").await.is(422).violations(), due);
    let changes = json!({
        "display_name": "Badge", "description": "worn", "search": "prefix", "required": true,
        "read_only": true, "hidden": true,
        "override": true, "deprecated": true, "scopes": ["openid"],
    });
    let patched = crm.patch(&made.path, changes.clone()).if_match("*").await.is(200).json();
    for (name, value) in changes.as_object().unwrap() {
        assert_eq!(&patched[name], value, "{name}");
    }
}

#[tokio::test]
async fn new_definitions_are_usable_at_once_at_functions_that_know_older_ones() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;
    let other = crm.on(&service.instance());
    other.patch(&jan.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);

    crm.define("badge", json!({})).await;
    let patch = json!({ "attributes": { "common": { "badge": ["1"] } } });
    other.patch(&jan.path, patch).if_match("*").await.is(200);
    // A function that has not heard of the attribute shows it, and does not lose it.
    let third = crm.on(&service.instance());
    third.get(&jan.path).await.is(200);
    crm.define("title", json!({})).await;
    let patch = json!({ "attributes": { "common": { "title": ["Dr"] } } });
    other.patch(&jan.path, patch).if_match("*").await.is(200);
    let due = json!({ "common": { "badge": ["1"], "title": ["Dr"] } });
    assert_eq!(third.read(&jan.path).await["attributes"], due);
    let kept =
        third.patch(&jan.path, json!({ "given_name": "J" })).if_match("*").await.is(200).json();
    assert_eq!(kept["attributes"], due);
}

#[tokio::test]
async fn a_property_takes_effect_within_the_life_of_a_cache() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let made = crm.define("badge", json!({})).await;
    let body =
        |name: &str| json!({ "username": name, "attributes": { "common": { "badge": ["1"] } } });
    crm.create("/identity/users", body("a")).await;
    let other = service.instance();
    crm.on(&other).patch(&made.path, json!({ "deprecated": true })).if_match("*").await.is(200);
    let meanwhile = crm.post("/identity/users", body("b")).await;
    assert!([201, 422].contains(&meanwhile.code()), "{}", meanwhile.text());
    service.clock.advance(30);
    let refused = crm.post("/identity/users", body("c")).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/badge/0 not-allowed"]);
}

#[tokio::test]
async fn enumeration_values_can_be_added_and_those_in_use_not_removed() {
    let crm = Service::start().await.crm().await;
    let colour = crm
        .define(
            "colour",
            json!({ "data_format": "ENUMERATION", "enumeration_values": ["red", "blue"] }),
        )
        .await;
    let values = |values: Value| {
        crm.patch(&colour.path, json!({ "enumeration_values": values })).if_match("*")
    };
    values(json!(["red"])).await.is(200);
    values(json!(["red", "green"])).await.is(200);
    let body = json!({ "username": "jan", "attributes": { "common": { "colour": ["green"] } } });
    let jan = crm.create("/identity/users", body).await;

    assert_eq!(values(json!(["red"])).await.is(409).slug(), "in-use");
    values(json!(["black", "green", "red"])).await.is(200);
    let patch = json!({ "attributes": { "common": { "colour": ["black"] } } });
    crm.patch(&jan.path, patch).if_match("*").await.is(200);
}

#[tokio::test]
async fn search_is_never_lowered_once_a_value_is_stored() {
    let crm = Service::start().await.crm().await;
    let tag = crm.define("tag", json!({ "search": "none" })).await;
    let search = |how: &str| crm.patch(&tag.path, json!({ "search": how })).if_match("*");
    search("exact").await.is(200);
    crm.create(
        "/identity/users",
        json!({ "username": "jan", "attributes": { "common": { "tag": ["x"] } } }),
    )
    .await;
    assert_eq!(search("none").await.is(409).slug(), "in-use");
    search("exact").await.is(200);
    crm.patch(&tag.path, json!({ "display_name": "Tag" })).if_match("*").await.is(200);
}
