//! Definitions that change although users have had values: a raised `search`, deprecated values, and
//! the deletion of what nobody holds any more (rules A13, A40, A44).

use serde_json::{Value, json};
use tests::{Client, Resource, Service, person};

use super::USERS;
use crate::approvals::common;
use crate::derived::settle;

fn with(username: &str, attribute: &str, value: &str) -> Value {
    let mut body = person(username);
    body["attributes"] = json!({ "common": { attribute: [value] } });
    body
}

fn colours() -> Value {
    json!({ "data_format": "ENUMERATION", "enumeration_values": ["red", "blue", "green"] })
}

async fn change(crm: &Client, definition: &Resource, change: Value) -> tests::Answer {
    crm.patch(&definition.path, change).if_match("*").await
}

/// The names of the users that a filter finds.
async fn found(crm: &Client, filter: &str) -> Vec<String> {
    let items = crm.find(json!(filter)).await;
    let mut names: Vec<_> =
        items.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

async fn refused(crm: &Client, filter: &str) -> String {
    crm.post("/identity/users/query", json!({ "filter": filter })).await.is(400).field("detail")
}

#[tokio::test]
async fn a13_a_searchable_hash_is_searched_if_its_definition_does_not_say_otherwise() {
    let crm = Service::start().await.crm().await;
    let national = crm.define("national", json!({ "data_format": "SEARCHABLE_HASH" })).await;
    assert_eq!(national.body["search"], "exact");
    crm.create(USERS, with("jan", "national", "85.07.30-033 61")).await;
    let filter = r#"attributes.common.national eq "85.07.30-033 61""#;
    assert_eq!(found(&crm, filter).await, ["jan"]);
    let hidden = json!({ "data_format": "SEARCHABLE_HASH", "search": "none" });
    assert_eq!(crm.define("hidden", hidden).await.body["search"], "none");
    assert_eq!(crm.define("salted", json!({ "data_format": "HASH" })).await.body["search"], "none");
}

#[tokio::test]
async fn a13_a_raised_search_finds_those_who_had_a_value_before() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for (format, value) in [("TEXT", "Blue"), ("SEARCHABLE_HASH", "Blue")] {
        let name = if format == "TEXT" { "nick" } else { "secret" };
        let definition = json!({ "data_format": format, "search": "none" });
        let definition = crm.define(name, definition).await;
        let before = crm.create(USERS, with(&format!("{name}-before"), name, value)).await;
        let filter = format!(r#"attributes.common.{name} eq "Blue""#);

        let raised = change(&crm, &definition, json!({ "search": "exact" })).await.is(200).json();
        assert_eq!(
            (&raised["search"], &raised["effective_search"]),
            (&json!("exact"), &json!("none"))
        );
        assert!(
            refused(&crm, &filter).await.contains("are being made"),
            "no answer is better than half"
        );
        crm.create(USERS, with(&format!("{name}-meanwhile"), name, value)).await;
        service.sweep().await;
        assert!(refused(&crm, &filter).await.contains("are being made"));
        let tag = crm.tag_of(&before.path).await;
        settle(&service).await;

        let now = crm.read(&definition.path).await;
        assert_eq!(now["effective_search"], "exact");
        assert_eq!(
            found(&crm, &filter).await,
            [format!("{name}-before"), format!("{name}-meanwhile")]
        );
        assert_eq!(crm.tag_of(&before.path).await, tag, "no profile has changed");
        // No function knows the configuration of before: nothing is left to do.
        settle(&service).await;
        let tag = crm.tag_of(&definition.path).await;
        settle(&service).await;
        assert_eq!(crm.tag_of(&definition.path).await, tag);
        service.check().await;
    }
}

#[tokio::test]
async fn a13_a_search_by_equality_finds_everybody_while_it_is_raised_to_prefixes() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let nick = crm.define("nick", json!({ "search": "exact" })).await;
    let (equal, start) =
        (r#"attributes.common.nick eq "blue""#, r#"attributes.common.nick sw "blu""#);
    let mut names = vec!["a".to_owned()];
    crm.create(USERS, with("a", "nick", "Blue")).await;
    let stale = crm.on(&service.instance());
    assert_eq!(found(&stale, equal).await, names);
    change(&crm, &nick, json!({ "search": "prefix" })).await.is(200);
    // Functions that know the change and such that do not write and search, at every step.
    for step in 0..8 {
        for (writer, crm) in [("x", &crm), ("y", &stale)] {
            let name = format!("{writer}{step}");
            crm.create(USERS, with(&name, "nick", "Blue")).await;
            names.push(name);
            names.sort();
            assert_eq!(found(&stale, equal).await, names, "step {step}");
            assert_eq!(found(crm, equal).await, names, "step {step}");
        }
        let raised = crm.read(&nick.path).await["effective_search"] == "prefix";
        if raised {
            assert_eq!(found(&crm, start).await, names, "step {step}");
        } else {
            refused(&crm, start).await;
        }
        service.clock.advance(if step % 2 == 0 { 5 } else { 61 });
        service.sweep().await;
    }
    assert_eq!(crm.read(&nick.path).await["effective_search"], "prefix");
    service.check().await;
}

#[tokio::test]
async fn a13_a_search_that_values_were_stored_for_is_not_lowered() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let nick = crm.define("nick", json!({ "search": "exact" })).await;
    crm.create(USERS, with("jan", "nick", "Blue")).await;
    let refused = change(&crm, &nick, json!({ "search": "none" })).await.is(409);
    assert_eq!(refused.slug(), "in-use");
    assert!(refused.field("detail").contains("not lowered to `none`"));
    change(&crm, &nick, json!({ "search": "prefix" })).await.is(200);
    change(&crm, &nick, json!({ "search": "exact" })).await.is(409);
    // What callers read they may send back; what the service decides they do not set.
    let read = crm.read(&nick.path).await;
    crm.put(&nick.path, read).if_match("*").await.is(200);
    let set = change(&crm, &nick, json!({ "effective_search": "prefix" })).await.is(422);
    assert_eq!(set.violations(), ["/effective_search not-editable"]);
}

#[tokio::test]
async fn a40_a_deprecated_value_is_kept_and_given_to_nobody() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let colour = crm.define("colour", colours()).await;
    let jan = crm.create(USERS, with("jan", "colour", "red")).await;
    change(&crm, &colour, json!({ "deprecated_values": ["red"] })).await.is(200);
    let refused = crm.post(USERS, with("els", "colour", "red")).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/colour/0 not-allowed"]);
    let els = crm.create(USERS, with("els", "colour", "blue")).await;
    let again = crm.patch(&els.path, common(&json!({ "colour": ["red"] }))).if_match("*").await;
    assert_eq!(again.is(422).violations(), ["/attributes/common/colour/0 not-allowed"]);
    // Who has it keeps it, also beside another one.
    let both = common(&json!({ "colour": ["blue", "red"] }));
    crm.patch(&jan.path, both).if_match("*").await.is(200);
    let read = crm.read(&jan.path).await;
    crm.put(&jan.path, read).if_match("*").await.is(200);
    let unknown = change(&crm, &colour, json!({ "deprecated_values": ["pink"] })).await.is(422);
    assert_eq!(unknown.violations(), ["/deprecated_values/0 not-in-enumeration"]);
    let many: Vec<_> = (0..101).map(|i| i.to_string()).collect();
    let many = change(&crm, &colour, json!({ "deprecated_values": many })).await.is(422);
    assert_eq!(many.violations(), ["/deprecated_values too-many"]);
}

#[tokio::test]
async fn a40_a_deprecated_value_that_nobody_holds_can_be_removed() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let colour = crm.define("colour", colours()).await;
    let role = crm.define_persona("role", json!({ "attributes": [colour.id] })).await;
    let jan = crm.create(USERS, with("jan", "colour", "red")).await;
    let mut persona = common(&json!({ "colour": ["green"] }));
    persona["name"] = role.body["name"].clone();
    let persona = crm.add_persona(&jan, persona).await;
    change(&crm, &colour, json!({ "deprecated_values": ["red", "green"] })).await.is(200);
    let removed = json!({ "enumeration_values": ["blue"], "deprecated_values": [] });
    let early = change(&crm, &colour, removed.clone()).await.is(409);
    assert!(early.field("detail").contains("the value `red`"), "{}", early.field("detail"));
    settle(&service).await;
    change(&crm, &colour, removed.clone()).await.is(409);

    let blue = common(&json!({ "colour": ["blue"] }));
    crm.patch(&jan.path, blue.clone()).if_match("*").await.is(200);
    service.clock.advance(sweeper::LOOK_AGAIN_SECONDS);
    service.sweep().await;
    let crm = crm.with_token().await;
    let refused = change(&crm, &colour, removed.clone()).await.is(409);
    assert!(refused.field("detail").contains("the value `green`"), "{}", refused.field("detail"));
    let red = json!({ "enumeration_values": ["blue", "green"], "deprecated_values": ["green"] });
    change(&crm, &colour, red).await.is(200);
    crm.patch(&persona.path, blue).if_match("*").await.is(200);
    settle(&service).await;
    change(&crm, &colour, removed).await.is(200);
    assert_eq!(crm.read(&colour.path).await["enumeration_values"], json!(["blue"]));
}

#[tokio::test]
async fn a40_a_value_that_is_given_again_in_between_has_to_be_looked_for_again() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let colour = crm.define("colour", colours()).await;
    crm.create(USERS, with("jan", "colour", "blue")).await;
    let deprecated = |values: Value| json!({ "deprecated_values": values });
    change(&crm, &colour, deprecated(json!(["red"]))).await.is(200);
    settle(&service).await;
    // Another property does not matter; that the value is given again does.
    change(&crm, &colour, json!({ "display_name": "Colour" })).await.is(200);
    change(&crm, &colour, deprecated(json!([]))).await.is(200);
    crm.create(USERS, with("els", "colour", "red")).await;
    change(&crm, &colour, deprecated(json!(["red"]))).await.is(200);
    let removed = json!({ "enumeration_values": ["blue", "green"], "deprecated_values": [] });
    change(&crm, &colour, removed.clone()).await.is(409);
    settle(&service).await;
    change(&crm, &colour, removed).await.is(409);
}

#[tokio::test]
async fn a44_a_definition_that_nobody_holds_any_more_is_deleted_over_the_api() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let role = crm.define_persona("role", json!({})).await;
    let mut body = with("jan", "badge", "1");
    body["personas"] = json!([{ "name": "role" }]);
    let jan = crm.create(USERS, body).await;
    for definition in [&badge, &role] {
        change(&crm, definition, json!({ "deprecated": true })).await.is(200);
    }
    settle(&service).await;
    for definition in [&badge, &role] {
        let held = crm.delete(&definition.path).await.is(409);
        assert!(held.field("detail").contains("the sweeper has found"), "{}", held.field("detail"));
    }
    crm.delete(&jan.path).await.is(204);
    assert_eq!(service.sweep().await.unused, 0, "it looks again after a day");
    service.clock.advance(sweeper::LOOK_AGAIN_SECONDS);
    assert_eq!(service.sweep().await.unused, 2);
    let crm = crm.with_token().await;
    for definition in [&badge, &role] {
        crm.delete(&definition.path).await.is(204);
    }
    settle(&service).await;
}

#[tokio::test]
async fn a44_d6_a_definition_that_takes_assignments_again_is_not_deleted() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let jan = crm.create(USERS, with("jan", "badge", "1")).await;
    crm.delete(&jan.path).await.is(204);
    change(&crm, &badge, json!({ "deprecated": true })).await.is(200);
    // A function that has not heard of it gives one more value.
    service.sweep().await;
    crm.on(&service.instance()).post(USERS, with("an", "badge", "1")).await.is(422);
    service.clock.advance(61);
    assert_eq!(service.sweep().await.unused, 1);
    change(&crm, &badge, json!({ "deprecated": false })).await.is(200);
    crm.create(USERS, with("els", "badge", "1")).await;
    crm.delete(&badge.path).await.is(409);
}

#[tokio::test]
async fn a44_d6_a_function_that_has_not_heard_of_the_deprecation_is_waited_for() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let stale = crm.on(&service.instance());
    let jan = stale.create(USERS, with("jan", "badge", "1")).await;
    crm.delete(&jan.path).await.is(204);
    change(&crm, &badge, json!({ "deprecated": true })).await.is(200);
    service.sweep().await;
    let late = stale.post(USERS, with("els", "badge", "1")).await;
    assert!([201, 422].contains(&late.code()), "{}", late.text());
    service.clock.advance(61);
    service.sweep().await;
    let left = if late.code() == 201 { 409 } else { 204 };
    crm.delete(&badge.path).await.is(left);
}
