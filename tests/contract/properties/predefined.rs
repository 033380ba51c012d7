//! The predefined attributes as definitions of the system (rules A3, P3, H4, H7, D6).

use serde_json::{Value, json};
use tests::{Client, Service};

use crate::formats::{USERS, said};

const PATH: &str = "/identity/config/attribute-definitions";
const NAMES: [&str; 6] =
    ["username", "id_at_customer", "family_name", "given_name", "ui_locales", "preferred_email"];

/// The definition of a predefined attribute: its path and its content.
async fn predefined(crm: &Client, name: &str) -> (String, Value) {
    let found = crm.read(&format!("{PATH}?name={name}")).await;
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{name}");
    let definition = tests::without_tag(found["items"][0].clone());
    (format!("{PATH}/{}", definition["id"].as_str().unwrap()), definition)
}

#[tokio::test]
async fn a3_each_is_a_definition_of_the_system_with_the_same_id_in_every_tenant() {
    let service = Service::start().await;
    service.create_tenant("globex").await;
    let crm = service.crm().await;
    let globex = service.client("globex", "config:read").await;
    for (name, format, search, unique, required) in [
        ("username", "TEXT", "exact", true, true),
        ("id_at_customer", "TEXT", "exact", true, false),
        ("family_name", "TEXT", "prefix", false, false),
        ("given_name", "TEXT", "prefix", false, false),
        ("ui_locales", "TEXT", "none", false, false),
        ("preferred_email", "EMAIL", "exact", false, false),
    ] {
        let (path, definition) = predefined(&crm, name).await;
        let due = json!({
            "id": definition["id"], "category": "common", "name": name, "display_name": null,
            "description": null,
            "data_format": format, "enumeration_values": [], "deprecated_values": [],
            "json_schema": null, "scopes": [], "search": search, "effective_search": search,
            "single_value": true, "required": required, "read_only": false, "hidden": false,
            "override": false, "system": true,
            "unique": unique, "derived": null, "approval_policy": null, "consent": null,
            "deprecated": false,
        });
        assert_eq!(definition, due);
        let read = crm.get(&path).await.is(200);
        assert_eq!(read.json(), due);
        assert_eq!(predefined(&globex, name).await.0, path);
        let fresh = crm.get(&path).if_none_match(&read.tag()).await.is(304);
        assert_eq!(fresh.tag(), read.tag());
        crm.call("HEAD", &path).await.is(200);
    }
}

#[tokio::test]
async fn h4_one_is_patched_under_its_tag_and_only_in_its_own_tenant() {
    let service = Service::start().await;
    service.create_tenant("globex").await;
    let crm = service.crm().await;
    let (path, mut definition) = predefined(&crm, "family_name").await;
    let tag = crm.tag_of(&path).await;
    let changes = json!({
        "display_name": "Surname", "description": "of the family", "required": true,
        "read_only": true, "hidden": true,
        "override": true, "scopes": ["openid"],
        "approval_policy": { "statements": [{ "client_scope": "administrator" }] },
    });
    crm.patch(&path, changes.clone()).await.is(428);
    crm.patch(&path, changes.clone()).if_match("\"stale\"").await.is(412);
    let same = crm.patch(&path, json!({ "display_name": null })).if_match(&tag).await.is(200);
    assert_eq!((same.tag(), same.cost().1), (tag.clone(), 0.0));
    let whole = crm.put(&path, definition.clone()).if_match(&tag).await.is(200);
    assert_eq!((whole.tag(), whole.cost().1), (tag.clone(), 0.0));

    let changed = crm.patch(&path, changes.clone()).if_match(&tag).await.is(200);

    for (name, value) in changes.as_object().unwrap() {
        definition[name] = value.clone();
    }
    assert_eq!(changed.json(), definition);
    assert_ne!(changed.tag(), tag);
    crm.patch(&path, json!({ "hidden": false })).if_match(&tag).await.is(412);
    for reader in [crm.clone(), crm.on(&service.instance())] {
        let read = reader.get(&path).await.is(200);
        assert_eq!((read.json(), read.tag()), (definition.clone(), changed.tag()));
        assert_eq!(predefined(&reader, "family_name").await.1, definition);
    }
    let globex = service.client("globex", "config:read").await;
    assert_eq!(predefined(&globex, "family_name").await.1["display_name"], Value::Null);
    // And back again, as it was at first.
    let back = json!({
        "display_name": null, "description": null, "required": false, "read_only": false,
        "hidden": false, "override": false,
        "scopes": [], "approval_policy": null,
    });
    let restored = crm.patch(&path, back).if_match(&changed.tag()).await.is(200);
    assert_ne!(restored.tag(), tag, "there and back moves the tag");
    assert_eq!(crm.delete(&path).await.is(409).slug(), "in-use");
    assert_eq!(crm.read(PATH).await["items"].as_array().map(Vec::len), Some(6));
}

#[tokio::test]
async fn a3_name_format_search_and_uniqueness_never_change() {
    let crm = Service::start().await.crm().await;
    for name in NAMES {
        let (path, definition) = predefined(&crm, name).await;
        let tag = crm.tag_of(&path).await;
        for (change, due) in [
            (json!({ "name": "other" }), "/name immutable"),
            (json!({ "data_format": "NUMERIC" }), "/data_format immutable"),
            (json!({ "single_value": false }), "/single_value immutable"),
            (json!({ "unique": definition["unique"] == json!(false) }), "/unique immutable"),
            (
                json!({
                    "search": if definition["search"] == json!("exact") { "prefix" } else { "exact" }
                }),
                "/search immutable",
            ),
            (json!({ "system": false }), "/system not-editable"),
            (json!({ "deprecated": true }), "/deprecated not-allowed"),
            (json!({ "json_schema": {} }), "/json_schema not-allowed"),
            (json!({ "enumeration_values": ["a"] }), "/enumeration_values not-allowed"),
            (json!({ "id": "0192f3c1-0000-7000-8000-000000000001" }), "/id immutable"),
        ] {
            assert_eq!(
                crm.patch(&path, change.clone()).if_match("*").await.is(422).violations(),
                [due],
                "{name} {change}"
            );
        }
        for if_match in ["*", &tag] {
            let refused = crm.delete(&path).if_match(if_match).await.is(409);
            assert_eq!(refused.slug(), "in-use");
            assert!(refused.text().contains("cannot be deleted"), "{}", refused.text());
        }
        crm.delete(&path).if_match("\"stale\"").await.is(412);
        assert_eq!(crm.tag_of(&path).await, tag);
    }
    let (path, _) = predefined(&crm, "username").await;
    assert_eq!(
        crm.patch(&path, json!({ "required": false })).if_match("*").await.is(422).violations(),
        ["/required not-allowed"]
    );
}

#[tokio::test]
async fn a3_a_predefined_attribute_that_is_required_binds_like_any_other() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;
    let (path, _) = predefined(&crm, "preferred_email").await;
    crm.patch(&path, json!({ "required": true })).if_match("*").await.is(200);
    service.clock.advance(30);
    let due = ["/preferred_email required"];
    let email = "jan@example.org";
    assert_eq!(crm.post(USERS, json!({ "username": "els" })).await.is(422).violations(), due);
    let els = crm.create(USERS, json!({ "username": "els", "preferred_email": email })).await;
    crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    assert_eq!(
        crm.put(&jan.path, json!({ "username": "jan" })).if_match("*").await.is(422).violations(),
        due
    );
    assert_eq!(
        crm.patch(&els.path, json!({ "preferred_email": null }))
            .if_match("*")
            .await
            .is(422)
            .violations(),
        due
    );
    crm.patch(&els.path, json!({ "preferred_email": "other@example.org" }))
        .if_match("*")
        .await
        .is(200);
    crm.put(&jan.path, json!({ "username": "jan", "preferred_email": email }))
        .if_match("*")
        .await
        .is(200);
}

#[tokio::test]
async fn p3_attribute_values_name_predefined_attributes_by_their_definitions() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create(USERS, tests::person("jan")).await;
    let mut ids = Vec::new();
    for name in NAMES {
        ids.push(predefined(&crm, name).await.1["id"].clone());
    }
    let by_id = |values: &[(usize, Value)]| {
        let values = values
            .iter()
            .map(|(i, value)| json!({ "attribute_definition_id": ids[*i], "value": value }));
        crm.patch(&jan.path, json!({ "attribute_values": values.collect::<Vec<_>>() }))
            .if_match("*")
    };
    let values = ["jan2", "C-1", "Peeters", "Piet", "fr-be nl-be", "piet@example.org"]
        .map(|value| json!([value]));
    let changed = by_id(&values.into_iter().enumerate().collect::<Vec<_>>()).await.is(200).json();
    for (name, due) in
        NAMES.into_iter().zip(["jan2", "C-1", "Peeters", "Piet", "fr-BE nl-BE", "piet@example.org"])
    {
        assert_eq!(changed[name], json!(due));
    }
    let removed = by_id(&[(1, json!([])), (2, Value::Null)]).await.is(200).json();
    assert_eq!((&removed["id_at_customer"], &removed["family_name"]), (&Value::Null, &Value::Null));
    for (values, due) in [
        (vec![(0, json!([]))], "/attribute_values/0/value required"),
        (vec![(0, Value::Null)], "/attribute_values/0/value required"),
        (vec![(0, json!(["a b"]))], "/attribute_values/0/value wrong-format"),
        (vec![(3, json!("Jan"))], "/attribute_values/0/value wrong-type"),
        (vec![(3, json!(["Jan", "Piet"]))], "/attribute_values/0/value wrong-type"),
        (vec![(3, json!([1]))], "/attribute_values/0/value wrong-type"),
        (vec![(2, json!(["x"])), (5, json!(["jan"]))], "/attribute_values/1/value wrong-format"),
        (vec![(2, json!(["x"])), (2, json!(["y"]))], "/attribute_values/1 not-allowed"),
    ] {
        let refused = by_id(&values).await.is(422);
        let named: Vec<_> =
            refused.violations().iter().map(|v| v.replace("/value/0 ", "/value ")).collect();
        assert_eq!(named, [due], "{values:?}");
    }
    let twice = json!({
        "given_name": "A",
        "attribute_values": [{ "attribute_definition_id": ids[3], "value": ["B"] }]
    });
    assert_eq!(
        crm.patch(&jan.path, twice).if_match("*").await.is(422).violations(),
        ["/attribute_values/0 not-allowed"]
    );
}

#[tokio::test]
async fn p4_a_field_is_no_custom_attribute_and_the_refusal_says_what_it_is() {
    let crm = Service::start().await.crm().await;
    let role = crm.define_persona("role", json!({})).await;
    let jan = crm.create_user("jan").await;
    let persona = crm.add_persona(&jan, json!({ "name": "role" })).await;
    for name in NAMES {
        let at = format!("/attributes/common/{name} unknown");
        for value in [json!(["x"]), Value::Null, json!([])] {
            let patch = json!({ "attributes": { "common": { name: value } } });
            let refused = crm.patch(&jan.path, patch).if_match("*").await.is(422);
            assert_eq!(refused.violations(), [&*at], "{value}");
            assert!(
                said(&refused).contains(&format!("`{name}` is a field of the profile")),
                "{}",
                said(&refused)
            );
        }
        let id = predefined(&crm, name).await.1["id"].clone();
        let listed =
            crm.patch(&role.path, json!({ "attributes": [id] })).if_match("*").await.is(422);
        assert_eq!(listed.violations(), ["/attributes/0 not-allowed"]);
        for body in [
            json!({ "attribute_definition_id": id, "value": ["x"] }),
            json!({ "category": "common", "name": name, "value": ["x"] }),
        ] {
            crm.patch(&persona.below("attribute"), body).if_match("*").await.is(422);
        }
        let query = json!({ "filter": { format!("attributes.common.{name}"): "x" } });
        crm.post(&format!("{USERS}/query"), query).await.is(400);
    }
}

#[tokio::test]
async fn h7_lists_show_predefined_ones_first_and_pages_miss_and_repeat_nothing() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let mut due: Vec<_> = NAMES.map(str::to_owned).to_vec();
    for i in 0..7 {
        // Ids of one millisecond have no order.
        service.clock.advance(1);
        crm.define(&format!("a{i}"), json!({})).await;
        due.push(format!("a{i}"));
    }
    for limit in [1, 4, 6, 13, 100] {
        let (mut names, mut query) = (Vec::new(), format!("?limit={limit}"));
        loop {
            let page = crm.read(&format!("{PATH}{query}")).await;
            let items = page["items"].as_array().unwrap();
            assert!(!items.is_empty() && items.len() <= limit);
            names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("?limit={limit}&cursor={cursor}");
        }
        assert_eq!(names, due, "limit {limit}");
    }
    // A change of one does not move it.
    let (path, _) = predefined(&crm, "given_name").await;
    crm.patch(&path, json!({ "display_name": "First name" })).if_match("*").await.is(200);
    let list = crm.read(&format!("{PATH}?category=common&limit=5")).await;
    let names: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(names, due[..5]);
}
