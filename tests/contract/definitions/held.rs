//! Definitions that change although users have had values: a raised `search`, deprecated values, and
//! the deletion of what nobody holds any more (rules A13, A40, A44).

use serde_json::{Value, json};
use tests::{Client, Resource, Service, person};

use super::USERS;
use crate::approvals::common;
use crate::derived::{answering, crash, workflow};

fn with(username: &str, attribute: &str, value: &str) -> Value {
    let mut body = person(username);
    body["attributes"] = json!({ "common": { attribute: [value] } });
    body
}

/// Sweeps until what changed is applied: to notice it, to walk when no function remembers what was
/// before, and to walk once more.
async fn settle(service: &Service, crm: &Client) -> Client {
    for seconds in [61, sweeper::SECOND_LOOK_SECONDS, 61] {
        service.sweep().await;
        service.clock.advance(seconds);
    }
    service.sweep().await;
    crm.clone().with_token().await
}

/// What a sweep of the next day finds.
async fn next_day(service: &Service, crm: &Client) -> (u64, Client) {
    let mut unused = 0;
    for seconds in [sweeper::LOOK_AGAIN_SECONDS, sweeper::SECOND_LOOK_SECONDS] {
        service.clock.advance(seconds);
        unused += service.sweep().await.unused;
    }
    (unused, crm.clone().with_token().await)
}

fn colours() -> Value {
    json!({ "data_format": "ENUMERATION", "enumeration_values": ["red", "blue", "green"] })
}

/// Changes a definition, and lets every function hear of it.
async fn change(crm: &Client, definition: &Resource, change: Value) -> tests::Answer {
    let answer = crm.patch(&definition.path, change).if_match("*").await;
    crm.service.clock.advance(30);
    answer
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
    for format in ["TEXT", "SEARCHABLE_HASH"] {
        let service = Service::start().await;
        let crm = service.crm().await;
        let definition = json!({ "data_format": format, "search": "none" });
        let definition = crm.define("nick", definition).await;
        let before = crm.create(USERS, with("before", "nick", "Blue")).await;
        let filter = r#"attributes.common.nick eq "Blue""#;

        let raised = change(&crm, &definition, json!({ "search": "exact" })).await.is(200).json();
        let states = (&raised["search"], &raised["effective_search"]);
        assert_eq!(states, (&json!("exact"), &json!("none")));
        assert!(refused(&crm, filter).await.contains("are being made"));
        crm.create(USERS, with("meanwhile", "nick", "Blue")).await;
        let tag = crm.tag_of(&before.path).await;
        for seconds in [61, sweeper::SECOND_LOOK_SECONDS] {
            service.sweep().await;
            assert!(refused(&crm, filter).await.contains("are being made"));
            service.clock.advance(seconds);
        }
        service.sweep().await;

        assert_eq!(crm.read(&definition.path).await["effective_search"], "exact");
        assert_eq!(found(&crm, filter).await, ["before", "meanwhile"]);
        assert_eq!(crm.tag_of(&before.path).await, tag, "no profile has changed");
        // No function knows the configuration of before: nothing is left to do.
        let crm = settle(&service, &crm).await;
        let tag = crm.tag_of(&definition.path).await;
        let crm = settle(&service, &crm).await;
        assert_eq!(crm.tag_of(&definition.path).await, tag);
        service.check().await;
    }
}

#[tokio::test]
async fn a13_a_search_by_equality_finds_everybody_while_it_is_raised_to_prefixes() {
    let service = Service::start().await;
    let mut crm = service.crm().await;
    let nick = crm.define("nick", json!({ "search": "exact" })).await;
    let (equal, start) =
        (r#"attributes.common.nick eq "blue""#, r#"attributes.common.nick sw "blu""#);
    let mut names = vec!["a".to_owned()];
    crm.create(USERS, with("a", "nick", "Blue")).await;
    let stale = service.instance();
    assert_eq!(found(&crm.on(&stale), equal).await, names);
    crm.patch(&nick.path, json!({ "search": "prefix" })).if_match("*").await.is(200);
    let mut built = 0;
    // Functions that know the change and such that do not write and search, at every step; a sweep
    // may come twice.
    for (step, seconds) in [1, 61, 1, 301, 1, 1, 29, 61, 1, 61].into_iter().enumerate() {
        crm = crm.with_token().await;
        for (writer, crm) in [("x", crm.clone()), ("y", crm.on(&stale))] {
            let name = format!("{writer}{step}");
            crm.create(USERS, with(&name, "nick", "Blue")).await;
            names.push(name);
            names.sort();
            for crm in [&crm.on(&stale), &crm] {
                assert_eq!(found(crm, equal).await, names, "step {step}");
            }
        }
        if crm.read(&nick.path).await["effective_search"] == "prefix" {
            built += 1;
            assert_eq!(found(&crm, start).await, names, "step {step}");
        } else {
            refused(&crm, start).await;
        }
        service.clock.advance(seconds);
        service.sweep().await;
    }
    assert!(built > 2, "{built}");
    service.check().await;
}

#[tokio::test]
async fn a13_a_raised_search_finds_what_systems_override() {
    let service = Service::start().await;
    service.system("shop", &["points"]).await;
    let crm = service.crm().await;
    let nick = crm.define("nick", json!({ "search": "none" })).await;
    let jan = crm.create_user("jan").await;
    let profile = service.profile(&jan.id, "shop").await;
    crm.patch(&profile, common(&json!({ "nick": ["Blue"] }))).if_match("*").await.is(200);
    change(&crm, &nick, json!({ "search": "exact" })).await.is(200);
    let crm = settle(&service, &crm).await;
    let filter = tests::escape(r#"attributes.common.nick eq "blue""#);
    let found = crm.get(&format!("{}?filter={filter}", tests::profiles("shop"))).await.is(200);
    assert!(profile.ends_with(&found.field("id")), "{}", found.text());
    service.check().await;
}

#[tokio::test]
async fn a13_who_has_more_values_than_index_entries_stands_in_the_way_of_no_other_change() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let tags = crm.define("tags", json!({ "search": "none" })).await;
    let values = |count: usize| -> Vec<_> { (0..count).map(|n| format!("value {n}")).collect() };
    let mut body = person("jan");
    body["attributes"] = json!({ "common": { "tags": values(70) } });
    let jan = crm.create(USERS, body).await;
    change(&crm, &tags, json!({ "search": "exact" })).await.is(200);
    crm.act(&jan.below("block")).await.is(200);
    let crm = settle(&service, &crm).await;
    assert_eq!(crm.read(&tags.path).await["effective_search"], "exact");
    assert_eq!(found(&crm, r#"attributes.common.tags eq "value 69""#).await, ["jan"]);
    crm.patch(&jan.path, json!({ "given_name": "Jo" })).if_match("*").await.is(200);
    let more = common(&json!({ "tags": values(71) }));
    let more = crm.patch(&jan.path, more).if_match("*").await.is(422);
    assert_eq!(more.violations(), [" too-many"]);
    crm.patch(&jan.path, common(&json!({ "tags": values(30) }))).if_match("*").await.is(200);
    service.check().await;
    crm.delete(&jan.path).await.is(204);
    assert_eq!(service.check().await.lookups, 0);
}

#[tokio::test]
async fn a13_who_needs_more_index_entries_than_can_be_made_keeps_a_search_from_being_raised() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let tags = crm.define("tags", json!({ "search": "none" })).await;
    let values: Vec<_> = (0..100).map(|n| format!("value {n}")).collect();
    let mut body = person("jan");
    body["attributes"] = json!({ "common": { "tags": values } });
    let jan = crm.create(USERS, body).await;
    crm.create(USERS, with("els", "tags", "value 7")).await;
    change(&crm, &tags, json!({ "search": "exact" })).await.is(200);
    let mut crm = settle(&service, &crm).await;
    let filter = r#"attributes.common.tags eq "value 7""#;
    assert!(refused(&crm, filter).await.contains("are being made"));
    crm.patch(&jan.path, common(&json!({ "tags": ["value 7"] }))).if_match("*").await.is(200);
    (_, crm) = next_day(&service, &crm).await;
    assert_eq!(found(&crm, filter).await, ["els", "jan"]);
    service.check().await;
}

#[tokio::test]
async fn a13_a_search_that_values_were_stored_for_is_not_lowered() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let nick = crm.define("nick", json!({ "search": "none" })).await;
    crm.create(USERS, with("jan", "nick", "Blue")).await;
    let early = crm.read(&nick.path).await;
    change(&crm, &nick, json!({ "search": "exact" })).await.is(200);
    let refused = change(&crm, &nick, json!({ "search": "none" })).await.is(409);
    assert_eq!(refused.slug(), "in-use");
    assert!(refused.field("detail").contains("not lowered to `none`"));
    // What callers read they may send back, also when the service went on; they do not decide.
    let mut read = early;
    read["search"] = json!("exact");
    let crm = settle(&service, &crm).await;
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
    service.system("shop", &["points"]).await;
    let crm = service.crm().await;
    let colour = crm.define("colour", colours()).await;
    let role = crm.define_persona("role", json!({ "attributes": [colour.id] })).await;
    let jan = crm.create_user("jan").await;
    let profile = service.profile(&jan.id, "shop").await;
    let red = common(&json!({ "colour": ["red"] }));
    crm.patch(&profile, red).if_match("*").await.is(200);
    let mut persona = common(&json!({ "colour": ["green"] }));
    persona["name"] = role.body["name"].clone();
    let persona = crm.add_persona(&jan, persona).await;
    change(&crm, &colour, json!({ "deprecated_values": ["red", "green"] })).await.is(200);
    let removed = json!({ "enumeration_values": ["blue"], "deprecated_values": [] });
    let early = change(&crm, &colour, removed.clone()).await.is(409);
    assert!(early.field("detail").contains("the value `red`"), "{}", early.text());
    let crm = settle(&service, &crm).await;
    change(&crm, &colour, removed.clone()).await.is(409);

    let blue = common(&json!({ "colour": ["blue"] }));
    crm.patch(&profile, blue.clone()).if_match("*").await.is(200);
    let (_, crm) = next_day(&service, &crm).await;
    let refused = change(&crm, &colour, removed.clone()).await.is(409);
    assert!(refused.field("detail").contains("the value `green`"), "{}", refused.text());
    let red = json!({ "enumeration_values": ["blue", "green"], "deprecated_values": ["green"] });
    change(&crm, &colour, red).await.is(200);
    crm.patch(&persona.path, blue).if_match("*").await.is(200);
    let crm = settle(&service, &crm).await;
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
    let crm = settle(&service, &crm).await;
    // Another property does not matter; that the value is given again does.
    change(&crm, &colour, json!({ "display_name": "Colour" })).await.is(200);
    change(&crm, &colour, deprecated(json!([]))).await.is(200);
    crm.create(USERS, with("els", "colour", "red")).await;
    change(&crm, &colour, deprecated(json!(["red"]))).await.is(200);
    let removed = json!({ "enumeration_values": ["blue", "green"], "deprecated_values": [] });
    change(&crm, &colour, removed.clone()).await.is(409);
    let crm = settle(&service, &crm).await;
    change(&crm, &colour, removed).await.is(409);
}

#[tokio::test]
async fn a40_a_workflow_that_answers_a_deprecated_value_leaves_it_to_those_who_have_it() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let workflow = workflow(&crm, &answering("{ colour: ['red'] }")).await;
    let mut definition = colours();
    definition["derived"] = json!({ "workflow_id": workflow.id });
    let colour = crm.define("colour", definition).await;
    service.clock.advance(30);
    let jan = crm.create_user("jan").await;
    assert_eq!(jan.body["attributes"]["common"]["colour"], json!(["red"]));
    change(&crm, &colour, json!({ "deprecated_values": ["red"] })).await.is(200);
    service.clock.advance(30);
    let kept = crm.patch(&jan.path, json!({ "given_name": "Jo" })).if_match("*").await.is(200);
    assert_eq!(kept.json()["attributes"]["common"]["colour"], json!(["red"]));
    let els = crm.create_user("els").await;
    assert!(els.body["attributes"].get("common").is_none(), "{}", els.body);
    assert_eq!(settle_failed(&service).await, 1, "only the workflow of els fails");
}

/// How many workflows fail when all profiles are derived anew.
async fn settle_failed(service: &Service) -> u64 {
    service.sweep().await;
    service.clock.advance(61);
    // A profile that fails is tried in three walks.
    service.sweep().await.failed / 3
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
    let crm = settle(&service, &crm).await;
    for definition in [&badge, &role] {
        let held = crm.delete(&definition.path).await.is(409);
        assert!(held.field("detail").contains("`deprecated`"), "{}", held.text());
    }
    crm.delete(&jan.path).await.is(204);
    service.clock.advance(3600);
    assert_eq!(service.sweep().await.unused, 0, "it looks again after a day");
    let (unused, crm) = next_day(&service, &crm).await;
    assert_eq!(unused, 2);
    for definition in [&badge, &role] {
        crm.delete(&definition.path).await.is(204);
    }
    settle(&service, &crm).await;
}

#[tokio::test]
async fn a44_what_is_known_to_be_unused_is_not_looked_for_again_beside_what_is_used() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let free = crm.define("free", json!({})).await;
    let kept = crm.define("kept", json!({})).await;
    let jan = crm.create(USERS, with("jan", "free", "1")).await;
    crm.create(USERS, with("els", "kept", "1")).await;
    crm.patch(&jan.path, common(&json!({ "free": null }))).if_match("*").await.is(200);
    for definition in [&free, &kept] {
        change(&crm, definition, json!({ "deprecated": true })).await.is(200);
    }
    // One function sweeps all the time, and another one now and then.
    let (warm, other) = (service.app(), service.app());
    let sweep = async |app| {
        sweeper::sweep(app, shared::env::Timestamp::from_millis(i64::MAX)).await.unwrap().unused
    };
    let mut unused = Vec::new();
    for minute in 0..20 {
        unused.push(sweep(&warm).await);
        if minute % 3 == 0 {
            unused.push(sweep(&other).await);
        }
        service.clock.advance(60);
    }
    assert_eq!(unused.iter().sum::<u64>(), 1, "{unused:?}");
    service.clock.advance(sweeper::LOOK_AGAIN_SECONDS);
    let crm = crm.with_token().await;
    crm.delete(&free.path).await.is(204);
    crm.delete(&kept.path).await.is(409);
}

#[tokio::test]
async fn a44_d6_a_definition_that_takes_assignments_again_is_not_deleted() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let jan = crm.create(USERS, with("jan", "badge", "1")).await;
    crm.delete(&jan.path).await.is(204);
    change(&crm, &badge, json!({ "deprecated": true })).await.is(200);
    let crm = settle(&service, &crm).await;
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
    stale.delete(&jan.path).await.is(204);
    crm.patch(&badge.path, json!({ "deprecated": true })).if_match("*").await.is(200);
    service.sweep().await;
    stale.create(USERS, with("els", "badge", "1")).await;
    let crm = settle(&service, &crm).await;
    crm.delete(&badge.path).await.is(409);
}

#[tokio::test]
async fn a44_i3_a_walk_that_crashes_at_any_call_goes_on() {
    let service = Service::start().await;
    let mut crm = service.crm().await;
    let kept = crm.define("kept", json!({})).await;
    crm.create(USERS, with("els", "kept", "1")).await;
    for n in (0..).step_by(5) {
        let free = crm.define("free", json!({})).await;
        let jan = crm.create(USERS, with("jan", "free", "1")).await;
        crm.delete(&jan.path).await.is(204);
        for definition in [&free, &kept] {
            change(&crm, definition, json!({ "deprecated": true })).await.is(200);
        }
        for seconds in [61, sweeper::SECOND_LOOK_SECONDS] {
            service.sweep().await;
            service.clock.advance(seconds);
        }
        let reached = crash(&service, n).await;
        crm = settle(&service, &crm).await;
        crm.delete(&free.path).await.is(204);
        crm.delete(&kept.path).await.is(409);
        change(&crm, &kept, json!({ "deprecated": false })).await.is(200);
        if !reached {
            assert!(n > 40, "{n} calls are too few");
            break;
        }
    }
}
