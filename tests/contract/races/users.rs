//! Users: one tag, one username, one address.

use serde_json::{Value, json};
use tests::{Answer, Client, Service, person};
use tokio::task::JoinSet;

use super::{at_once, count};

const USERS: &str = "/identity/users";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_of_64_changes_with_one_tag_one_wins() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let instances = [crm.clone(), crm.on(&service.instance())];

    // Plain and indexed changes mixed, by two instances of the function.
    let patch = |i: usize| match i % 3 {
        0 => json!({ "ui_locales": format!("nl-BE-x-{i}") }),
        1 => json!({ "family_name": format!("Janssen {i}") }),
        _ => json!({ "username": format!("jan{i}") }),
    };
    let answers =
        at_once((0..64).map(|i| instances[i % 2].patch(&jan.path, patch(i)).if_match(&jan.tag)))
            .await;

    assert_eq!(count(&answers, &[200, 412]), [1, 63]);
    let winner = answers.iter().find(|answer| answer.code() == 200).unwrap();
    assert_eq!(crm.get(&jan.path).await.is(200).json(), winner.json());
    assert!(answers.iter().filter(|a| a.code() == 412).all(|a| a.tag() == winner.tag()));
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_one_wins_also_when_all_write_the_same() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let same = json!({ "given_name": "Johannes" });
    let answers =
        at_once((0..64).map(|_| crm.patch(&jan.path, same.clone()).if_match(&jan.tag))).await;
    assert_eq!(count(&answers, &[200, 412]), [1, 63]);
}

/// Reads, changes and writes until nobody was in between.
async fn add(crm: &Client, path: &str, value: String) {
    loop {
        let read = crm.get(path).await.is(200);
        let mut values =
            read.json()["attributes"]["common"]["mark"].as_array().cloned().unwrap_or_default();
        values.push(json!(value));
        let patch = json!({ "attributes": { "common": { "mark": values } } });
        match crm.patch(path, patch).if_match(&read.tag()).await.code() {
            200 => return,
            status => assert_eq!(status, 412),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_with_a_loop_of_reading_and_writing_all_64_changes_are_there() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("mark", json!({})).await;
    let jan = crm.create_user("jan").await;
    let mut running = JoinSet::new();
    for i in 0..64 {
        let (crm, path) = (crm.clone(), jan.path.clone());
        running.spawn(async move { add(&crm, &path, format!("m{i:02}")).await });
    }
    running.join_all().await;

    let read = crm.read(&jan.path).await;
    let mut marks: Vec<_> = read["attributes"]["common"]["mark"]
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect();
    marks.sort();
    assert_eq!(marks, (0..64).map(|i| format!("\"m{i:02}\"")).collect::<Vec<_>>());
    // Each committed write moved the version by one: the creation and 64 changes.
    assert_eq!(service.version_of(&jan.id).await, 65);
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_64_creations_of_one_username_one_wins() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let instances = [crm.clone(), crm.on(&service.instance())];
    let name = |i: usize| if i.is_multiple_of(2) { "jan" } else { "JAN" };
    let answers = at_once((0..64).map(|i| instances[i % 2].post(USERS, person(name(i))))).await;
    assert_eq!(count(&answers, &[201, 409]), [1, 63]);
    let refused = answers.iter().find(|answer| answer.code() == 409).unwrap();
    assert_eq!(refused.violations(), ["/username not-unique"]);
    assert_eq!(service.check().await.users, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_32_changes_to_one_value_one_wins() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("badge", json!({ "unique": true })).await;
    let mut users = Vec::new();
    for i in 0..32 {
        users.push(crm.create_user(&format!("jan{i}")).await);
    }
    let patch = json!({ "attributes": { "common": { "badge": ["1"] } } });
    let answers =
        at_once(users.iter().map(|user| crm.patch(&user.path, patch.clone()).if_match(&user.tag)))
            .await;
    assert_eq!(count(&answers, &[200, 409]), [1, 31]);
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_users_join_and_leave_one_address_at_once() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let mut users = Vec::new();
    for i in 0..16 {
        let email = if i % 2 == 0 { "family@example.org" } else { "own@example.org" };
        users.push(
            crm.create(USERS, json!({ "username": format!("jan{i}"), "preferred_email": email }))
                .await,
        );
    }
    for round in 0..3 {
        let calls = users.iter().enumerate().map(|(i, user)| match (i + round) % 4 {
            0 => crm
                .patch(&user.path, json!({ "preferred_email": "family@example.org" }))
                .if_match("*"),
            1 => {
                crm.patch(&user.path, json!({ "preferred_email": "own@example.org" })).if_match("*")
            }
            2 => crm.patch(&user.path, json!({ "preferred_email": null })).if_match("*"),
            _ => crm.patch(&user.path, json!({ "given_name": format!("J{round}") })).if_match("*"),
        });
        let answers = at_once(calls.collect::<Vec<_>>()).await;
        assert_eq!(
            count(&answers, &[200]),
            [16],
            "{:?}",
            answers.iter().map(Answer::code).collect::<Vec<_>>()
        );
        service.check().await;
    }
    let mut found = 0;
    for email in ["family@example.org", "own@example.org"] {
        found += crm.find(json!({ "preferred_email": email })).await.len();
    }
    let mut holders = 0;
    for user in &users {
        holders += usize::from(!crm.read(&user.path).await["preferred_email"].is_null());
    }
    assert_eq!(found, holders);
    let answers = at_once(users.iter().map(|user| crm.delete(&user.path))).await;
    assert_eq!(count(&answers, &[204]), [16]);
    assert_eq!(service.check().await.lookups, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_a_user_is_changed_blocked_and_forgotten_at_once() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for round in 0..4 {
        let jan = crm.create(USERS, person(&format!("jan{round}"))).await;
        let mut calls = Vec::new();
        for i in 0..4 {
            calls.push(
                crm.patch(&jan.path, json!({ "family_name": format!("F{i}") })).if_match("*"),
            );
            calls.push(crm.act(&jan.below(if i % 2 == 0 { "block" } else { "unblock" })));
            calls.push(crm.delete(&jan.path));
        }
        let answers = at_once(calls).await;
        assert!(
            answers.iter().all(|a| [200, 204, 404].contains(&a.code())),
            "{:?}",
            count(&answers, &[409, 412, 500, 503])
        );
        assert!(count(&answers, &[204])[0] >= 1);
        crm.get(&jan.path).await.is(404);
        let report = service.check().await;
        assert_eq!((report.users, report.lookups, report.unfinished), (0, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_a_name_passes_from_hand_to_hand() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let holder = crm.create(USERS, person("jan")).await;
    let mut calls = vec![crm.delete(&holder.path)];
    calls.extend((0..16).map(|_| crm.post(USERS, person("jan"))));
    let answers = at_once(calls).await;
    assert_eq!(count(&answers, &[204]), [1]);
    let made = count(&answers, &[201])[0];
    assert!(made <= 1 && count(&answers, &[409])[0] == 16 - made);
    assert_eq!(service.check().await.users, made);
    assert_eq!(crm.find(json!({ "username": "jan" })).await.len(), made);
}
