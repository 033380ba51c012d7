//! A `search` that is raised although values are stored (rule A13).

use serde_json::json;
use tests::{Client, Service, person};

use super::USERS;
use super::held::{change, next_day, settle, with};
use crate::approvals::common;

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
    // Callers may send back the `effective_search` that they read, also if it has changed since. It
    // has no effect.
    let mut read = early;
    read["search"] = json!("exact");
    let crm = settle(&service, &crm).await;
    crm.put(&nick.path, read).if_match("*").await.is(200);
    let set = change(&crm, &nick, json!({ "effective_search": "prefix" })).await.is(422);
    assert_eq!(set.violations(), ["/effective_search not-editable"]);
}
