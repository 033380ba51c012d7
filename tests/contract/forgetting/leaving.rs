//! The state after an erasure, in the table, in the log and for later requests; and its cost.

use serde_json::json;
use shared::domain::id::{BaseId, UserId};
use shared::domain::lookup::Lookup;
use shared::store::keys::{Child, partition_of_user};
use shared::store::{Condition, Item, Key, Write};
use tests::{Answer, Service, TENANT};

use super::operations::Operation;
use crate::edge::logs;

const USERS: &str = "/identity/users";
const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn d7_d8_what_is_past_its_time_and_not_yet_removed_goes_as_well() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    // Requests end after 90 days; that they are removed then is up to DynamoDB.
    setting.service.clock.advance(100 * DAY);
    let crm = setting.crm.clone().with_token().await;
    crm.get(&person.request).await.is(404);
    let in_request: Vec<_> =
        person.words.iter().filter(|word| word.starts_with("Spinnaker")).cloned().collect();
    assert_eq!(setting.service.traces(&in_request).await.len(), 1);

    crm.delete(&person.user.path).await.is(204);

    assert_eq!(setting.service.traces(&person.words).await, []);
    let partition = partition_of_user(&TENANT.parse().unwrap(), person.user.id.parse().unwrap());
    assert_eq!(
        setting.service.table.query_stored(&partition).await.unwrap().len(),
        1,
        "the tombstone"
    );
}

#[tokio::test]
async fn d7_no_log_line_about_a_person_holds_plaintext() {
    logs::keep();
    let (setting, person) = Service::start().await.person_with_everything().await;
    let mut answers: Vec<Answer> = Vec::new();
    for operation in Operation::all() {
        answers.push(operation.call(&setting, &person).await);
    }
    assert_eq!(answers.last().unwrap().code(), 204);
    for operation in Operation::all() {
        answers.push(operation.call(&setting, &person).await);
    }
    for answer in &answers {
        let lines = logs::lines(answer);
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
    // Also what was logged while the person was made, and by nobody's request.
    for word in
        person.words.iter().map(String::as_str).chain(person.bases.iter().map(BaseId::as_str))
    {
        let found = logs::lines_with(word).len() + logs::lines_with(&word.to_lowercase()).len();
        assert_eq!(found, 0, "{word}");
    }
}

#[tokio::test]
async fn d9_ids_of_the_forgotten_are_not_found_for_ever_and_not_taken_while_the_tombstone_stands() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    setting.crm.delete(&person.user.path).await.is(204);
    let again = json!({ "id": person.user.id, "username": "els" });
    setting.crm.post(USERS, again.clone()).await.is(409);
    setting.gone(&person, "at once").await;

    setting.service.clock.advance(90 * DAY - 1);
    let crm = setting.crm.clone().with_token().await;
    crm.post(USERS, again.clone()).await.is(409);

    // Past its time the tombstone is gone: the id is unknown, as one that never was; an import that
    // brings it along makes somebody new.
    setting.service.clock.advance(1);
    for path in &person.paths {
        crm.get(path).await.is(404);
    }
    crm.delete(&person.user.path).await.is(404);
    setting.service.check().await;
    let els = crm.create(USERS, again).await;
    assert_eq!(els.id, person.user.id);
    assert_eq!(els.body["personas"], json!([]));
    for path in person.paths.iter().skip(1) {
        crm.get(path).await.is(404);
    }
    assert_eq!(setting.service.check().await.users, 1);
}

#[tokio::test(start_paused = true)]
async fn d9_every_value_is_free_from_the_first_commit_on() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    setting.service.faults.reset();
    setting.service.faults.cut("Query", &format!("#U#{}", person.user.id));
    setting.crm.delete(&person.user.path).await.is(503);
    setting.service.faults.reset();
    let body = &person.user.body;
    let again = json!({
        "username": body["username"], "id_at_customer": body["id_at_customer"],
        "attributes": { "common": { "badge": body["attributes"]["common"]["badge"] } },
    });
    let els = setting.crm.create(USERS, again).await;
    // The one who comes keeps what the erasure of the one who goes passes by.
    setting.service.sweep().await;
    assert_eq!(setting.crm.tag_of(&els.path).await, els.tag);
    assert_eq!(setting.crm.find(json!({ "username": body["username"] })).await.len(), 1);
    assert_eq!(setting.service.check().await.users, 1);
}

/// A look-up that a child names and somebody else holds by now, or that two children name, stops no
/// erasure.
#[tokio::test]
async fn d7_look_ups_that_are_not_the_persons_are_left_alone() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    let els = setting.crm.create_user("els").await;
    let (tenant, id) = (TENANT.parse().unwrap(), person.user.id.parse().unwrap());
    let foreign = Lookup::unique("web.badge", "els");
    let shared = Lookup::email("shared@example.org");
    let holders = [
        Item::at(&Key::lookup(&tenant, &foreign, id)).text("holder", &els.id),
        Item::at(&Key::lookup(&tenant, &Lookup::unique("web.badge", "own"), id))
            .text("holder", id.to_string()),
    ];
    let children = ["xx", "yy"].map(|system| {
        let lookups = [
            &foreign,
            &shared,
            &Lookup::unique("web.badge", "own"),
            &Lookup::unique("web.badge", "gone"),
        ];
        let item =
            Item::at(&Key::child(&tenant, id, Child::SystemProfile(&system.parse().unwrap())))
                .text("holder", id.to_string());
        item.texts("ix", lookups.map(ToString::to_string))
    });
    let puts = holders.into_iter().chain(children).map(|item| Write::Put(item, Condition::Absent));
    setting.service.table.commit(puts.collect()).await.unwrap();

    setting.crm.delete(&person.user.path).await.is(204);

    let left =
        setting.service.table.get(&Key::lookup(&tenant, &foreign, id)).await.unwrap().unwrap();
    assert_eq!(left.get_text("holder"), Some(&*els.id));
    let own = Key::lookup(&tenant, &Lookup::unique("web.badge", "own"), id);
    assert!(setting.service.table.get(&own).await.unwrap().is_none());
    assert_eq!(setting.service.traces(&person.words).await, []);
    setting.crm.get(&person.user.path).await.is(404);
}

/// A person may own more items than DynamoDB accepts in one transaction.
#[tokio::test]
async fn d7_more_than_one_transaction_of_children_goes() {
    let (setting, person) = Service::start_unaudited().await.person_with_everything().await;
    let id: UserId = person.user.id.parse().unwrap();
    for i in 0..10 {
        let system = format!("large{i}");
        setting.profile(id, &system, "Wimpel-large", 40).await;
    }
    setting.service.faults.reset();
    let cost = setting.crm.delete(&person.user.path).await.is(204).cost();
    let transactions =
        setting.service.faults.operations().iter().filter(|op| *op == "TransactWriteItems").count();
    assert!(transactions >= 6, "F1, and 400 look-ups with their profiles: {transactions}");
    println!("a person with 10 more profiles of 40 found values each: {cost:?}");
    setting.gone(&person, "a large one").await;
    assert!(setting.service.traces(&["Wimpel-large".to_owned()]).await.is_empty());
}
