//! Definitions themselves: what fits together, what never changes, and what a whole document means
//! (rules A3, E1, P3, P4, H4).

use serde_json::{Value, json};
use tests::{Client, Service};

const PATH: &str = "/identity/config/attribute-definitions";

fn body(name: &str, more: &Value) -> Value {
    let mut body = json!({ "category": "common", "name": name, "data_format": "TEXT" });
    for (member, value) in more.as_object().unwrap() {
        body[member] = value.clone();
    }
    body
}

#[tokio::test]
async fn a3_properties_that_mean_nothing_for_a_format_are_refused() {
    let crm = Service::start().await.crm().await;
    for (more, due) in [
        (json!({ "data_format": "HASH", "unique": true }), "/unique not-allowed"),
        (json!({ "data_format": "HASH", "search": "exact" }), "/search not-allowed"),
        (json!({ "data_format": "HASH", "search": "prefix" }), "/search not-allowed"),
        (json!({ "data_format": "JSON", "unique": true }), "/unique not-allowed"),
        (json!({ "data_format": "JSON", "search": "exact" }), "/search not-allowed"),
        (json!({ "data_format": "JSON", "search": "prefix" }), "/search not-allowed"),
        (json!({ "data_format": "SEARCHABLE_HASH", "search": "prefix" }), "/search not-allowed"),
        (json!({ "data_format": "ENUMERATION" }), "/enumeration_values required"),
        (
            json!({ "data_format": "ENUMERATION", "enumeration_values": [] }),
            "/enumeration_values required",
        ),
        (json!({ "enumeration_values": ["a"] }), "/enumeration_values not-allowed"),
        (json!({ "json_schema": {} }), "/json_schema not-allowed"),
        (
            json!({
                "data_format": "ENUMERATION", "enumeration_values": ["a"], "json_schema": true
            }),
            "/json_schema not-allowed",
        ),
        (json!({ "system": true }), "/system not-editable"),
        (json!({ "id": "0192f3c1-0000-7000-8000-000000000001" }), "/id immutable"),
        (json!({ "source": "elsewhere" }), "/source not-in-enumeration"),
        (json!({ "derived": { "workflow_id": "nothing" } }), "/derived/workflow_id not-found"),
        (
            json!({ "approval_policy": { "statements": [] } }),
            "/approval_policy/statements required",
        ),
        (json!({ "data_format": "text" }), "/data_format not-in-enumeration"),
        (json!({ "data_format": "DATE" }), "/data_format not-in-enumeration"),
        (json!({ "scopes": ["no thing"] }), "/scopes/0 wrong-format"),
        (json!({ "name": "with_underscore" }), "/name wrong-format"),
        (json!({ "name": "1st" }), "/name wrong-format"),
        (json!({ "name": "a.b" }), "/name wrong-format"),
        (json!({ "name": "a".repeat(64) }), "/name wrong-format"),
        (json!({ "category": "nothing" }), "/category not-found"),
    ] {
        assert_eq!(crm.post(PATH, body("x", &more)).await.is(422).violations(), [due], "{more}");
    }
    for (i, more) in [
        json!({ "data_format": "SEARCHABLE_HASH", "unique": true, "search": "exact" }),
        json!({ "data_format": "NUMERIC", "unique": true, "search": "prefix" }),
        json!({ "data_format": "EMAIL", "unique": true, "search": "prefix", "single_value": true }),
        json!({ "data_format": "SMS", "search": "prefix" }),
        json!({
            "data_format": "HASH", "required": true, "read_only": true, "hidden": true,
            "override": true
        }),
        json!({
            "data_format": "JSON", "json_schema": null, "enumeration_values": [], "derived": null,
            "approval_policy": null
        }),
        json!({ "source": "repository", "system": false }),
        json!({ "name": "a".repeat(63) }),
    ]
    .iter()
    .enumerate()
    {
        crm.post(PATH, body(&format!("ok{i}"), more)).await.is(201);
    }
}

async fn definitions(crm: &Client) -> Vec<(Value, &'static str)> {
    crm.create("/identity/config/attribute-categories", json!({ "name": "work" })).await;
    vec![
        (json!({ "category": "work" }), "category"),
        (json!({ "name": "other" }), "name"),
        (json!({ "data_format": "SMS" }), "data_format"),
        (json!({ "single_value": false }), "single_value"),
        (json!({ "unique": false }), "unique"),
        (json!({ "id": "0192f3c1-0000-7000-8000-000000000001" }), "id"),
    ]
}

#[tokio::test]
async fn a3_what_never_changes_is_immutable_in_put_and_in_patch() {
    let crm = Service::start().await.crm().await;
    let made = crm.define("x", json!({ "single_value": true, "unique": true })).await;
    for (change, name) in definitions(&crm).await {
        let due = [format!("/{name} immutable")];
        assert_eq!(
            crm.patch(&made.path, change.clone()).if_match("*").await.is(422).violations(),
            due
        );
        let mut whole = made.body.clone();
        whole[name] = change[name].clone();
        assert_eq!(crm.put(&made.path, whole).if_match("*").await.is(422).violations(), due);
    }
    for (change, due) in [
        (json!({ "system": true }), "/system not-editable"),
        (json!({ "name": null }), "/name immutable"),
        (json!({ "data_format": null }), "/data_format immutable"),
        (json!({ "category": null }), "/category immutable"),
        (json!({ "nothing": null }), "/nothing unknown"),
        (json!({ "nothing": 1 }), "/nothing unknown"),
    ] {
        assert_eq!(
            crm.patch(&made.path, change.clone()).if_match("*").await.is(422).violations(),
            [due],
            "{change}"
        );
    }
    assert_eq!(crm.tag_of(&made.path).await, made.tag);
}

#[tokio::test]
async fn p3_put_that_omits_what_never_changes_leaves_it() {
    let crm = Service::start().await.crm().await;
    let made = crm
        .define(
            "x",
            json!({ "single_value": true, "unique": true, "display_name": "X", "required": true }),
        )
        .await;
    let put = json!({ "category": "common", "name": "x", "data_format": "TEXT", "hidden": true });
    let replaced = crm.put(&made.path, put).if_match("*").await.is(200).json();
    let mut due = made.body;
    due["hidden"] = json!(true);
    due["required"] = json!(false);
    due["display_name"] = Value::Null;
    assert_eq!(replaced, due);
}

#[tokio::test]
async fn h4_every_property_that_may_change_does_and_moves_the_tag() {
    let crm = Service::start().await.crm().await;
    let made = crm.define("x", json!({ "data_format": "JSON" })).await;
    let mut tag = made.tag.clone();
    for change in [
        json!({ "display_name": "X" }),
        json!({ "description": "x" }),
        json!({ "json_schema": { "type": "object" } }),
        json!({ "json_schema": { "type": "array" } }),
        json!({ "scopes": ["openid"] }),
        json!({ "required": true }),
        json!({ "read_only": true }),
        json!({ "hidden": true }),
        json!({ "override": true }),
        json!({ "deprecated": true }),
        json!({ "deprecated": false }),
        json!({ "json_schema": null }),
    ] {
        let changed = crm.patch(&made.path, change.clone()).if_match(&tag).await.is(200);
        for (name, value) in change.as_object().unwrap() {
            let merged = name == "json_schema" && value.is_object();
            assert!(merged || changed.json()[name] == *value, "{change}: {}", changed.text());
        }
        assert_ne!(changed.tag(), tag, "{change}");
        crm.patch(&made.path, change.clone()).if_match(&tag).await.is(412);
        tag = changed.tag();
        let again = crm.patch(&made.path, change).if_match(&tag).await.is(200);
        assert_eq!((again.tag(), again.cost().1), (tag.clone(), 0.0));
        let whole = crm.put(&made.path, again.json()).if_match(&tag).await.is(200);
        assert_eq!((whole.tag(), whole.cost().1), (tag.clone(), 0.0));
    }
    crm.patch(&made.path, json!({})).await.is(428);
}

#[tokio::test]
async fn e3_a_name_is_free_in_another_category_and_for_no_field_of_the_profile() {
    let crm = Service::start().await.crm().await;
    crm.create("/identity/config/attribute-categories", json!({ "name": "work" })).await;
    crm.define("x", json!({ "category": "work" })).await;
    crm.define("x", json!({})).await;
    let taken = crm.post(PATH, body("x", &json!({}))).await.is(409);
    assert_eq!(
        (taken.slug(), taken.violations()),
        ("already-exists".to_owned(), vec!["/name not-unique".to_owned()])
    );
    // `username` is predefined; the other predefined names have underscores, which custom ones
    // cannot have.
    let taken = crm.post(PATH, body("username", &json!({}))).await.is(409);
    assert_eq!(taken.violations(), ["/name not-unique"]);
    for name in ["preferred_email", "id_at_customer", "family_name", "given_name", "ui_locales"] {
        assert_eq!(
            crm.post(PATH, body(name, &json!({}))).await.is(422).violations(),
            ["/name wrong-format"]
        );
    }
    // A custom attribute may be named like a field, and stands beside it.
    for (name, category) in
        [("status", "common"), ("id", "common"), ("personas", "common"), ("username", "work")]
    {
        crm.define(name, json!({ "category": category, "unique": true })).await;
    }
    let attributes = json!({
        "common": { "status": ["s"], "id": ["i"], "personas": ["p"] }, "work": { "username": ["u"] }
    });
    let jan =
        crm.create("/identity/users", json!({ "username": "jan", "attributes": attributes })).await;
    assert_eq!((&jan.body["attributes"], &jan.body["status"]), (&attributes, &json!("ACTIVE")));
    assert_eq!(crm.find(json!({ "attributes.work.username": "U" })).await.len(), 1);
    assert!(crm.find(json!({ "username": "u" })).await.is_empty());
    let id =
        crm.read(&format!("{PATH}?category=work&name=username")).await["items"][0]["id"].clone();
    let patch = json!({
        "username": "jan2", "attribute_values": [{ "attribute_definition_id": id, "value": ["v"] }]
    });
    let both = crm.patch(&jan.path, patch).if_match("*").await.is(200).json();
    assert_eq!(
        (&both["username"], &both["attributes"]["work"]["username"]),
        (&json!("jan2"), &json!(["v"]))
    );
}
