//! Change requests: many decide at once, and the profile changes under them.

use serde_json::json;
use tests::{Answer, Call, Resource, TENANT, person};

use super::{at_once, count};
use crate::approvals::{Office, REQUESTS, USERS, changes, common, salary};

/// The requests of a user.
async fn requests(office: &Office, user: &Resource, query: &str) -> Vec<serde_json::Value> {
    let list = office.boss.read(&format!("{REQUESTS}?user_id={}{query}", user.id)).await;
    list["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a5_of_32_approvals_at_once_one_is_applied_and_all_are_told() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    let mut bosses = Vec::new();
    for _ in 0..4 {
        let boss = office.service.client(TENANT, "administrator").await;
        bosses.push(boss.on(&office.service.instance()));
    }
    let answers = at_once((0..32).map(|i| bosses[i % 4].act(&request.below("approve")))).await;
    assert_eq!(
        count(&answers, &[200]),
        [32],
        "{:?}",
        answers.iter().map(Answer::code).collect::<Vec<_>>()
    );
    let read = office.now(&request).await;
    assert!(answers.iter().all(|answer| answer.tag() == read.tag && answer.json() == read.body));
    assert_eq!(office.service.version_of(&jan.id).await, 2);
    assert_eq!(office.found("salary", "5").await, 1);
    office.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i1_of_16_approvals_at_once_with_one_key_all_have_the_first_ones_answer() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    let here = [office.clone(), office.elsewhere()];
    let answers =
        at_once((0..16).map(|i| here[i % 2].boss.act(&request.below("approve")).key("k"))).await;
    assert_eq!(count(&answers, &[200]), [16]);
    assert!(
        answers
            .iter()
            .all(|answer| answer.body == answers[0].body && answer.tag() == answers[0].tag())
    );
    assert_eq!(office.service.version_of(&jan.id).await, 2);
    let replayed =
        answers.iter().filter(|answer| answer.header("idempotency-replayed").is_some()).count();
    assert_eq!(replayed, 15, "the loser re-reads and replays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a5_approvals_and_rejections_at_once_come_to_one_decision() {
    let office = Office::open().await;
    let mut both = [0, 0];
    for round in 0..6 {
        let jan = office.user(&format!("jan{round}")).await;
        let request = office.ask(&jan, salary("5")).await;
        let decide = |i: usize| if (i + round).is_multiple_of(2) { "approve" } else { "reject" };
        let answers = at_once((0..16).map(|i| office.boss.act(&request.below(decide(i))))).await;
        assert_eq!(count(&answers, &[200, 409]), [8, 8]);
        let approved = office.status(&request).await == "APPROVED";
        let status = if approved { "APPROVED" } else { "REJECTED" };
        assert!(answers.iter().filter(|a| a.code() == 200).all(|a| a.field("status") == status));
        assert_eq!(office.service.version_of(&jan.id).await, if approved { 2 } else { 1 });
        both[usize::from(approved)] += 1;
    }
    assert_eq!(office.found("salary", "5").await, both[1]);
    office.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_an_approval_and_a_change_of_the_same_field_lose_no_update() {
    let office = Office::open().await;
    for round in 0..12 {
        let jan = office.user(&format!("jan{round}")).await;
        let request = office.ask(&jan, salary("5")).await;
        let elsewhere = office.elsewhere();
        let tag = if round % 2 == 0 { "*" } else { &*jan.tag };
        let change = elsewhere.boss.patch(&jan.path, salary("9")).if_match(tag);
        let approval = office.boss.act(&request.below("approve"));
        let calls = if round % 4 < 2 { [change, approval] } else { [approval, change] };
        let answers = at_once(calls).await;

        let (now, status) = (office.now(&jan).await, office.status(&request).await);
        let held = now.body["attributes"]["common"]["salary"][0].clone();
        let version = office.service.version_of(&jan.id).await;
        match status.as_str() {
            // The change came first: the approval is refused with 409, and the change stays.
            "STALE" => {
                assert_eq!(count(&answers, &[200, 409]), [1, 1]);
                assert_eq!((held, version), (json!("9"), 2));
            }
            // The approval came first: the change came on top of it, or was told that the profile
            // had changed.
            "APPROVED" if tag == "*" => {
                assert_eq!(count(&answers, &[200]), [2]);
                assert_eq!((held, version), (json!("9"), 3));
            }
            "APPROVED" => {
                assert_eq!(count(&answers, &[200, 412]), [1, 1]);
                assert_eq!((held, version), (json!("5"), 2));
            }
            other => panic!("{other}"),
        }
    }
    office.service.check().await;
}

/// Holds an approval between what it has read and what it writes.
async fn approved_around(
    office: &Office,
    request: &Resource,
    meanwhile: impl AsyncFnOnce(),
) -> Answer {
    let gate = office.service.faults.hold("TransactWriteItems");
    let approval = tokio::spawn(office.boss.act(&request.below("approve")).into_future());
    gate.reached().await;
    meanwhile().await;
    gate.open();
    approval.await.unwrap()
}

#[tokio::test]
async fn a5_a_change_between_the_steps_of_an_approval_is_seen() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    // The write of a plain field is no transaction, so it passes the gate.
    let plain = || office.crm.patch(&jan.path, json!({ "ui_locales": "nl-BE" })).if_match("*");
    let answer =
        approved_around(&office, &request, async || drop(plain().await.is(200))).await.is(200);
    assert_eq!(answer.field("status"), "APPROVED");
    let now = office.now(&jan).await.body;
    assert_eq!(
        (&now["ui_locales"], &now["attributes"]["common"]["salary"]),
        (&json!("nl-BE"), &json!(["5"]))
    );

    let request = office.ask(&jan, salary("6")).await;
    let change = || office.boss.patch(&jan.path, salary("9")).if_match("*");
    approved_around(&office, &request, async || drop(change().await.is(200))).await.is(409);
    assert_eq!(office.status(&request).await, "STALE");
    assert_eq!(office.found("salary", "9").await, 1);

    let request = office.ask(&jan, salary("7")).await;
    approved_around(&office, &request, async || drop(office.reject(&request).await.is(200)))
        .await
        .is(409);
    assert_eq!(office.status(&request).await, "REJECTED");

    let request = office.ask(&jan, salary("8")).await;
    let forget = || office.crm.delete(&jan.path);
    approved_around(&office, &request, async || drop(forget().await.is(204))).await.is(404);
    office.service.check().await;
}

#[tokio::test]
async fn d7_a_request_that_is_made_while_its_user_is_forgotten_leaves_nothing() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let gate = office.service.faults.hold("TransactWriteItems");
    let asking =
        tokio::spawn(office.crm.patch(&jan.path, salary("Boegspriet")).if_match("*").into_future());
    gate.reached().await;
    office.elsewhere().crm.delete(&jan.path).await.is(204);
    gate.open();
    asking.await.unwrap().is(404);
    assert!(office.service.items().await.iter().all(|item| !item.contains("Boegspriet")));
    office.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d7_decisions_requests_and_a_forget_at_once_leave_nothing() {
    let office = Office::open().await;
    for round in 0..8 {
        let jan = office.user(&format!("jan{round}")).await;
        let request = office.ask(&jan, salary("Boegspriet")).await;
        let other = office.ask(&jan, salary("Boegspriet-2")).await;
        let elsewhere = office.elsewhere();
        let calls: Vec<Call> = vec![
            office.boss.act(&request.below("approve")),
            elsewhere.boss.act(&other.below("reject")).key("k"),
            elsewhere.crm.delete(&jan.path),
            office.crm.patch(&jan.path, salary("Boegspriet-3")).if_match("*"),
        ];
        let answers = at_once(calls).await;
        let good = answers.iter().filter(|a| [200, 202, 204, 404, 409].contains(&a.code())).count();
        assert_eq!(good, 4, "{:?}", answers.iter().map(Answer::text).collect::<Vec<_>>());
        assert_eq!(count(&answers, &[204]), [1]);
        for request in [&request, &other] {
            office.boss.get(&request.path).await.is(404);
        }
        let left: Vec<_> = office
            .service
            .items()
            .await
            .into_iter()
            .filter(|item| item.contains("Boegspriet"))
            .collect();
        assert_eq!(left, Vec::<String>::new());
        assert_eq!(office.service.check().await.unfinished, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn e3_of_two_requests_for_one_unique_value_one_is_applied() {
    let office = Office::open().await;
    let mut definition = crate::approvals::by_administrators();
    definition["unique"] = json!(true);
    office.crm.define("badge", definition).await;
    let mut calls = Vec::new();
    let mut asked = Vec::new();
    for i in 0..8 {
        let user = office.user(&format!("jan{i}")).await;
        let request = office.ask(&user, common(&json!({ "badge": ["7"] }))).await;
        calls.push(office.boss.act(&request.below("approve")));
        asked.push(request);
    }
    let answers = at_once(calls).await;
    assert_eq!(count(&answers, &[200, 409]), [1, 7]);
    let waiting = office.boss.read(&format!("{REQUESTS}?status=PENDING")).await;
    assert_eq!(waiting["items"].as_array().unwrap().len(), 7);
    assert_eq!(office.found("badge", "7").await, 1);
    office.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_approved_requests_for_different_fields_are_all_applied() {
    let office = Office::open().await;
    for i in 0..8 {
        office.crm.define(&format!("g{i}"), crate::approvals::by_administrators()).await;
    }
    let jan = office.boss.create(USERS, person("jan")).await;
    let mut calls = Vec::new();
    for i in 0..8 {
        let request = office.ask(&jan, common(&json!({ format!("g{i}"): [i.to_string()] }))).await;
        calls.push(office.boss.act(&request.below("approve")));
        calls.push(
            office
                .crm
                .patch(&jan.path, common(&json!({ "note": [format!("n{i}")] })))
                .if_match("*"),
        );
    }
    let answers = at_once(calls).await;
    assert_eq!(count(&answers, &[200]), [16]);
    let now = office.now(&jan).await.body;
    assert!(
        (0..8).all(|i| now["attributes"]["common"][format!("g{i}")] == json!([i.to_string()])),
        "{now}"
    );
    assert_eq!(office.service.version_of(&jan.id).await, 17);
    office.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s1_at_most_20_requests_wait_also_when_many_ask_at_once() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let ask = |i: usize| office.crm.patch(&jan.path, salary(&i.to_string())).if_match("*");
    let answers = at_once((0..30).map(ask)).await;
    let waiting = requests(&office, &jan, "&status=PENDING").await.len();
    assert_eq!(count(&answers, &[202]), [waiting]);
    assert!(waiting <= 20, "{waiting} wait");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i2_the_same_asked_many_times_at_once_is_one_request() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let answers =
        at_once((0..8).map(|_| office.crm.patch(&jan.path, salary("5")).if_match("*"))).await;
    assert_eq!(count(&answers, &[202]), [8]);
    let found = requests(&office, &jan, "").await;
    assert_eq!(found.iter().map(changes).collect::<Vec<_>>().len(), 1, "{found:?}");
}
