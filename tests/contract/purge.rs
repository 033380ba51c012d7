//! `kith definition purge`: a definition that was assigned once goes when nobody holds it any more
//! (rule D6).

use std::time::Duration;

use maintenance::purge::{PurgeOutcome, SETTLED, purge};
use serde_json::json;
use shared::domain::error::{Error, Result};
use shared::domain::id::UserId;
use shared::store::keys::{listing, listing_shard};
use tests::{Client, Resource, Service, TENANT, person};

use crate::approvals::{by_administrators, common, request_of};

const USERS: &str = "/identity/users";

async fn purged(service: &Service, definition: &Resource) -> Result<PurgeOutcome> {
    purge(&service.table, &TENANT.parse().unwrap(), &definition.id, Duration::ZERO).await
}

/// The reason why a definition was not purged.
fn reason(outcome: Result<PurgeOutcome>) -> String {
    match outcome {
        Err(Error::InUse(why) | Error::Conflict(why)) => why,
        other => panic!("no reason in {other:?}"),
    }
}

fn badge(username: &str) -> serde_json::Value {
    let mut body = person(username);
    body["attributes"] = json!({ "common": { "badge": ["1"] } });
    body
}

/// An attribute and a persona definition, and a user who holds both.
async fn held() -> (Service, Client, Vec<Resource>, Resource) {
    let service = Service::start().await;
    let crm = service.crm().await;
    let definitions =
        vec![crm.define("badge", json!({})).await, crm.define_persona("role", json!({})).await];
    let mut body = badge("jan");
    body["personas"] = json!([{ "name": "role" }]);
    let jan = crm.create(USERS, body).await;
    (service, crm, definitions, jan)
}

#[tokio::test]
async fn d6_what_is_held_stays_and_is_deprecated() {
    let (service, crm, definitions, jan) = held().await;
    for definition in &definitions {
        let found = purged(&service, definition).await.unwrap();
        assert_eq!(found, PurgeOutcome::InUse(1, vec![jan.id.parse().unwrap()]));
        assert_eq!(crm.read(&definition.path).await["deprecated"], true);
        // Said once more it is the same, and changes nothing.
        let tag = crm.tag_of(&definition.path).await;
        assert!(matches!(purged(&service, definition).await, Ok(PurgeOutcome::InUse(1, _))));
        assert_eq!(crm.tag_of(&definition.path).await, tag);
    }
    service.clock.advance(30);
    assert_eq!(crm.read(&jan.path).await, jan.body);
    crm.post(USERS, badge("els")).await.is(422);
    crm.patch(&jan.path, json!({ "given_name": "Johan" })).if_match("*").await.is(200);
}

#[tokio::test]
async fn d6_what_nobody_holds_any_more_goes_and_its_name_is_free() {
    let (service, crm, definitions, jan) = held().await;
    crm.delete(&jan.path).await.is(204);
    for definition in &definitions {
        // The API does not delete what was ever assigned.
        crm.delete(&definition.path).await.is(409);
        assert_eq!(purged(&service, definition).await.unwrap(), PurgeOutcome::Gone);
        crm.get(&definition.path).await.is(404);
        assert_eq!(purged(&service, definition).await.unwrap(), PurgeOutcome::Unknown);
    }
    // By now, no function remembers them: the command waits that long before it deletes.
    service.clock.advance(SETTLED.as_secs().try_into().unwrap());
    let again = crm.define("badge", json!({ "unique": true })).await;
    assert_ne!(again.id, definitions[0].id);
    crm.define_persona("role", json!({ "scoped": true })).await;
    let els = crm.create(USERS, badge("els")).await;
    crm.add_persona(&els, json!({ "name": "role", "scope": ["a"] })).await;
    assert_eq!(
        purged(&service, &again).await.unwrap(),
        PurgeOutcome::InUse(1, vec![els.id.parse().unwrap()])
    );
    service.check().await;
}

#[tokio::test]
async fn d6_a_value_that_only_a_persona_holds_is_held_too() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let role = crm.define_persona("role", json!({ "attributes": [badge.id] })).await;
    let jan = crm.create_user("jan").await;
    let mut body = common(&json!({ "badge": ["1"] }));
    body["name"] = json!("role");
    let persona = crm.add_persona(&jan, body).await;
    // An attribute that a persona definition lists cannot be purged.
    assert!(reason(purged(&service, &badge).await).contains(&role.id));
    crm.patch(&role.path, json!({ "attributes": [] })).if_match("*").await.is(200);
    assert!(matches!(purged(&service, &badge).await, Ok(PurgeOutcome::InUse(1, _))));
    crm.delete(&persona.path).await.is(204);
    assert_eq!(purged(&service, &badge).await.unwrap(), PurgeOutcome::Gone);
}

#[tokio::test]
async fn d6_holders_are_counted_over_all_pages_and_some_are_named() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let definition = crm.define("badge", json!({})).await;
    // All in one shard of the listing, which is read by pages of a hundred.
    let tenant = TENANT.parse().unwrap();
    let mut made = 0;
    while made < 220 {
        let id = service.table.env().new_uuid();
        if listing(&tenant, UserId::new(id)) == listing_shard(&tenant, 7) {
            let name = format!("jan{made}");
            let mut body = if made % 2 == 0 { badge(&name) } else { person(&name) };
            body["id"] = json!(id.to_string());
            crm.create(USERS, body).await;
            made += 1;
        }
    }
    let Ok(PurgeOutcome::InUse(110, named)) = purged(&service, &definition).await else {
        panic!("110 hold it")
    };
    assert_eq!(named.len(), 10);
}

#[tokio::test]
async fn d6_what_the_system_made_or_a_policy_names_is_not_purged() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let role = crm.define_persona("role", json!({})).await;
    let policy = json!({ "approval_policy": { "statements": [{ "persona": "role" }] } });
    crm.define("salary", policy).await;
    assert!(reason(purged(&service, &role).await).contains("policy"));
    assert_eq!(crm.read(&role.path).await["deprecated"], false);
    let given_name =
        crm.read("/identity/config/attribute-definitions?name=given_name").await["items"][0]["id"]
            .clone();
    let tenant = TENANT.parse().unwrap();
    purge(&service.table, &tenant, given_name.as_str().unwrap(), Duration::ZERO).await.unwrap_err();
    let unknown = purge(&service.table, &tenant, "x", Duration::ZERO).await;
    assert_eq!(unknown.unwrap(), PurgeOutcome::Unknown);
    service.create_tenant("globex").await;
    let globex = "globex".parse().unwrap();
    let foreign = purge(&service.table, &globex, &role.id, Duration::ZERO).await;
    assert_eq!(foreign.unwrap(), PurgeOutcome::Unknown);
}

/// Lets `meanwhile` happen while the purge waits for functions to forget the definition.
async fn purged_around(
    service: &Service,
    definition: &Resource,
    meanwhile: impl AsyncFnOnce(),
) -> Result<PurgeOutcome> {
    let (table, id) = (service.table.clone(), definition.id.clone());
    let deprecating = service.faults.hold("TransactWriteItems");
    let purging =
        tokio::spawn(async move { purge(&table, &TENANT.parse().unwrap(), &id, SETTLED).await });
    deprecating.reached().await;
    deprecating.open();
    // The purge sleeps as soon as the definition is deprecated.
    while !service
        .table
        .schema(&TENANT.parse().unwrap())
        .await
        .unwrap()
        .attributes
        .values()
        .any(|a| a.deprecated)
    {
        tokio::task::yield_now().await;
    }
    meanwhile().await;
    purging.await.unwrap()
}

async fn unheld() -> (Service, Client, Resource) {
    let service = Service::start().await;
    let crm = service.crm().await;
    let definition = crm.define("badge", json!({})).await;
    let jan = crm.create(USERS, badge("was")).await;
    crm.delete(&jan.path).await.is(204);
    (service, crm, definition)
}

#[tokio::test(start_paused = true)]
async fn d6_who_takes_a_definition_back_meanwhile_keeps_it() {
    for more in [json!({ "deprecated": false }), json!({ "display_name": "Badge" })] {
        let (service, crm, definition) = unheld().await;
        let refused = purged_around(&service, &definition, async || {
            crm.patch(&definition.path, more.clone()).if_match("*").await.is(200);
        })
        .await;
        assert!(reason(refused).contains("meanwhile"), "{more}");
        crm.get(&definition.path).await.is(200);
        assert_eq!(purged(&service, &definition).await.unwrap(), PurgeOutcome::Gone);
    }
}

#[tokio::test(start_paused = true)]
async fn d6_an_assignment_by_a_stale_cache_during_the_wait_is_found() {
    let (service, crm, definition) = unheld().await;
    let stale = crm.on(&service.instance());
    stale.create_user("warm").await;
    let found = purged_around(&service, &definition, async || {
        stale.post(USERS, badge("jan")).await.is(201);
    })
    .await;
    assert!(matches!(found, Ok(PurgeOutcome::InUse(1, _))), "{found:?}");
    crm.get(&definition.path).await.is(200);
    service.check().await;
}

#[tokio::test(start_paused = true)]
async fn d6_a_function_that_was_frozen_assigns_nothing_after_a_purge() {
    let (service, crm, definition) = unheld().await;
    let frozen = crm.on(&service.instance());
    let jan = frozen.create_user("jan").await;
    assert_eq!(purged(&service, &definition).await.unwrap(), PurgeOutcome::Gone);
    // It thaws when the definition is gone: by the wall's clock its cache is old.
    service.clock.advance(SETTLED.as_secs().try_into().unwrap());
    let refused = frozen.post(USERS, badge("els")).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/badge unknown"]);
    let patch = common(&json!({ "badge": ["1"] }));
    frozen.patch(&jan.path, patch).if_match("*").await.is(422);
    service.check().await;
}

/// An assignment that has read everything stops before its write; it goes on while the purge waits,
/// which is longer than a request takes.
#[tokio::test(start_paused = true)]
async fn d6_an_assignment_under_way_when_the_purge_began_is_found() {
    let (service, crm, definition) = unheld().await;
    let writer = crm.on(&service.instance());
    writer.create_user("warm").await;
    let write = service.faults.hold("TransactWriteItems");
    let assignment = tokio::spawn(writer.post(USERS, badge("jan")).into_future());
    write.reached().await;
    let found = purged_around(&service, &definition, async || {
        write.open();
        assignment.await.unwrap().is(201);
    })
    .await;
    assert!(matches!(found, Ok(PurgeOutcome::InUse(1, _))), "{found:?}");
    service.check().await;
}

#[tokio::test]
async fn d6_a_holder_that_is_written_during_the_walk_is_met() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let definition = crm.define("badge", json!({})).await;
    let jan = crm.create(USERS, badge("jan")).await;
    // Before each page of the walk the holder is written, and moves to the end of its shard.
    service.faults.reset();
    let mut gate = service.faults.hold("Query");
    let (table, id) = (service.table.clone(), definition.id.clone());
    let purging =
        tokio::spawn(
            async move { purge(&table, &TENANT.parse().unwrap(), &id, Duration::ZERO).await },
        );
    for page in 0..18 {
        gate.reached().await;
        service.clock.advance(1);
        crm.patch(&jan.path, json!({ "ui_locales": format!("nl-x-{page}") }))
            .if_match("*")
            .await
            .is(200);
        let next = service.faults.hold("Query");
        gate.open();
        gate = next;
    }
    service.faults.reset();
    gate.open();
    let found = purging.await.unwrap();
    assert!(matches!(found, Ok(PurgeOutcome::InUse(1, _))), "{found:?}");
}

#[tokio::test]
async fn d6_what_only_a_change_request_holds_is_not_written_after_a_purge() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let boss = service.client(TENANT, "administrator").await;
    let definition = crm.define("badge", by_administrators()).await;
    let jan = crm.create_user("jan").await;
    let patch = common(&json!({ "badge": ["Boegspriet"] }));
    let request = request_of(crm.patch(&jan.path, patch).if_match("*").await);
    match purged(&service, &definition).await.unwrap() {
        PurgeOutcome::Unknown => panic!("the definition is there"),
        PurgeOutcome::InUse(..) => drop(boss.act(&request.below("approve")).await.is(422)),
        PurgeOutcome::Gone => {
            // Nobody's any more to approve, and nothing of it is shown: it may have been a secret.
            let answer = boss.act(&request.below("approve")).await;
            assert!([403, 409, 422].contains(&answer.code()), "{}", answer.text());
            assert!(!boss.get(&request.path).await.is(200).text().contains("Boegspriet"));
        }
    }
    assert_eq!(crm.tag_of(&jan.path).await, jan.tag);
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_purges_and_assignments_at_once_leave_nobody_with_what_is_gone() {
    for round in 0..4 {
        let service = Service::start().await;
        let crm = service.crm().await;
        let definition = crm.define("badge", json!({})).await;
        let was = crm.create(USERS, badge("was")).await;
        crm.delete(&was.path).await.is(204);
        // No function remembers the definition: what a remembered one does is a matter of the wait.
        let mut running = tokio::task::JoinSet::new();
        for i in 0..6 {
            let crm = crm.on(&service.instance());
            running.spawn(async move {
                crm.post(USERS, badge(&format!("jan{round}-{i}"))).await.code()
            });
        }
        let outcome = purged(&service, &definition).await.ok();
        let made = running.join_all().await.into_iter().filter(|code| *code == 201).count();
        let gone = crm.get(&definition.path).await.code() == 404;
        // A writer may have read the definition just before it was deprecated, and the purge did
        // not wait here.
        if made == 0 {
            assert_eq!(outcome, Some(PurgeOutcome::Gone), "{round}");
        }
        assert_eq!(gone, outcome == Some(PurgeOutcome::Gone), "{round}");
    }
}
