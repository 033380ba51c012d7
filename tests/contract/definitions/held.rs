//! Deprecated definitions and values: users keep what they have, and what nobody holds can go
//! (rules A40, A44).

use serde_json::{Value, json};
use tests::{Client, Resource, Service, person};

use super::USERS;
use crate::approvals::common;
use crate::derived::{answering, crash, workflow};

pub(super) fn with(username: &str, attribute: &str, value: &str) -> Value {
    let mut body = person(username);
    body["attributes"] = json!({ "common": { attribute: [value] } });
    body
}

/// Sweeps until what changed is applied: to notice it, to walk when no function remembers what was
/// before, and to walk once more.
pub(super) async fn settle(service: &Service, crm: &Client) -> Client {
    for seconds in [61, sweeper::SECOND_LOOK_SECONDS, 61] {
        service.sweep().await;
        service.clock.advance(seconds);
    }
    service.sweep().await;
    crm.clone().with_token().await
}

/// The findings of a sweep on the next day.
pub(super) async fn next_day(service: &Service, crm: &Client) -> (u64, Client) {
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
pub(super) async fn change(crm: &Client, definition: &Resource, change: Value) -> tests::Answer {
    let answer = crm.patch(&definition.path, change).if_match("*").await;
    crm.service.clock.advance(30);
    answer
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
    // A user who has the value keeps it, also beside another value.
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

/// How many workflows fail when the sweeper derives all profiles again.
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
    // A function sweeps all the time, and another one now and then.
    let (warm, other) = (service.app(), service.app());
    let sweep = async |app| {
        let end = shared::env::Timestamp::from_millis(i64::MAX);
        Box::pin(sweeper::sweep(app, None, end)).await.unwrap().unused
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
