//! Imports that are interrupted, refused by the table, or worked by several (rules D1, D3, I1, I2,
//! I3).

use serde_json::{Value, json};
use tests::{Client, Fault, Resource, Service, person};

use crate::edge::logs;

use super::{CSV, IMPORTS, NDJSON, USERS, import, only, outcomes, report, service, usernames};

/// Longer than a worker that died holds an import.
const LEASE: i64 = 100;

const FILE: &str = "username,id_at_customer,family_name,preferred_email,attributes.common.badge\n\
    jan,,Peeters,,\n\
    an,C2,,x@example.org,1\n\
    piet,C3,,x@example.org,1\n\
    same,,,,\n\
    els,C5,,,2\n";
const DUE: [&str; 5] =
    ["updated", "created", "error /attributes/common/badge not-unique", "unchanged", "created"];

/// Two users that rows of [`FILE`] name, and a function that has cached the definitions.
async fn scene() -> (Service, Client) {
    let (service, crm) = service().await;
    crm.create(USERS, person("jan")).await;
    crm.create(USERS, json!({ "username": "same" })).await;
    let warm = json!({ "username": "warm", "attributes": { "common": { "badge": ["0"] } } });
    crm.create(USERS, warm).await;
    (service, crm)
}

async fn sent(crm: &Client) -> tests::Answer {
    crm.call("POST", &format!("{IMPORTS}?mode=upsert")).body(CSV, FILE).key("once").await
}

async fn finished(service: &Service, crm: &Client, what: &str) -> Resource {
    service.faults.reset();
    service.clock.advance(LEASE);
    let made = sent(&crm.on(&service.instance())).await.created();
    service.sweep().await;
    let job = crm.read(&made.path).await;
    assert_eq!(job["state"], "COMPLETED", "{what}: {job}");
    made
}

async fn under(what: &str, arrange: impl Fn(&tests::Faults)) {
    let (service, crm) = scene().await;
    service.faults.reset();
    arrange(&service.faults);
    let answer = sent(&crm).await;
    assert!(matches!(answer.code(), 201 | 503), "{what}: {}", answer.text());
    let made = finished(&service, &crm, what).await;
    if answer.code() == 201 {
        assert_eq!(answer.field("id"), made.id, "{what}");
    }
    let rows = report(&crm, &made).await;
    assert_eq!(outcomes(&rows), DUE, "{what}");
    for (row, name) in [(0, "jan"), (1, "an"), (3, "same"), (4, "els")] {
        assert_eq!(only(&crm, json!({ "username": name })).await["id"], rows[row]["id"], "{what}");
    }
    let job = crm.read(&made.path).await;
    let counts = ["done", "created", "updated", "unchanged", "errors"]
        .map(|name| job[name].as_u64().unwrap());
    assert_eq!(counts, [5, 2, 1, 1, 1], "{what}");
    assert_eq!(service.check().await.users, 5, "{what}");
    let jan = only(&crm, json!({ "username": "jan" })).await;
    assert_eq!(
        service.version_of(jan["id"].as_str().unwrap()).await,
        2,
        "{what}: nobody is changed twice"
    );
}

#[tokio::test(start_paused = true)]
async fn i2_the_sweeper_logs_how_many_imports_wait_and_how_long() {
    logs::keep();
    let last = calls().await - 1;
    let (service, crm) = scene().await;
    service.faults.reset();
    service.faults.from(last, Fault::Unreachable);
    sent(&crm).await;
    service.faults.reset();
    service.clock.advance(7263);
    service.sweep().await;
    let lines = logs::lines_with("\"oldest_import_seconds\":7263");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["imports_waiting"], 1);
}

async fn calls() -> usize {
    let (service, crm) = scene().await;
    service.faults.reset();
    sent(&crm).await.is(201);
    service.faults.seen().len()
}

#[tokio::test(start_paused = true)]
async fn i3_d1_survives_a_crash_before_each_store_call() {
    for call in 0..calls().await {
        let what = format!("a crash before call {call}");
        Box::pin(under(&what, |faults| faults.from(call, Fault::Unreachable))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn i3_d1_survives_a_crash_after_each_store_call() {
    for call in 0..calls().await {
        let what = format!("a crash after call {call}");
        Box::pin(under(&what, |faults| faults.crash_after(call))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn i2_survives_one_fault_at_each_store_call() {
    for call in 0..calls().await {
        let faults = [
            Fault::Lost,
            Fault::Conflict(0),
            Fault::LostServerError,
            Fault::Throttled,
            Fault::Silent,
        ];
        let fault = faults[call % faults.len()].clone();
        let what = format!("{fault:?} at call {call}");
        Box::pin(under(&what, |faults| faults.at(call, fault.clone()))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_the_table_does_not_take_wait() {
    let (service, crm) = service().await;
    let file = usernames(40);
    service.faults.reset();
    import(&crm, "dry_run=true", CSV, file.clone()).await;
    service.faults.reset();
    // Throttled for good after some rows.
    service.faults.from(40, Fault::Throttled);
    let made = import(&crm, "", CSV, file).await;
    service.faults.reset();
    let job = crm.read(&made.path).await;
    assert_eq!(job["state"], "RUNNING");
    assert!(job["done"].as_u64().unwrap() < 40, "{job}");
    let some = report(&crm, &made).await;
    assert!(some.iter().all(|row| row["status"] == "created"));
    service.clock.advance(LEASE);
    service.sweep().await;
    assert_eq!(crm.read(&made.path).await["created"], 40);
    assert_eq!(outcomes(&report(&crm, &made).await), ["created"; 40]);
    assert_eq!(service.check().await.users, 40);
}

#[tokio::test]
async fn a_file_that_took_long_to_store_is_worked_by_the_sweeper() {
    let (service, crm) = service().await;
    let stored = service.faults.hold("PutItem");
    let request = tokio::spawn({
        let crm = crm.clone();
        async move { import(&crm, "", CSV, usernames(40)).await }
    });
    stored.reached().await;
    service.clock.advance(8);
    stored.open();
    let made = request.await.unwrap();
    let job = crm.read(&made.path).await;
    assert!(job["done"].as_u64().unwrap() < 40, "{job}");
    service.clock.advance(LEASE);
    service.sweep().await;
    assert_eq!(crm.read(&made.path).await["created"], 40);
}

#[tokio::test]
async fn two_workers_do_not_work_the_same_rows() {
    let (service, crm) = scene().await;
    let gate = tests::Gate::closed();
    // The import is accepted, and its first worker stands still while it holds the job.
    service.faults.next("Query", Fault::Held(gate.clone()));
    let worker = tokio::spawn({
        let (service, crm) = (service.clone(), crm.clone());
        async move { sent(&crm.on(&service.instance())).await.created() }
    });
    gate.reached().await;
    gate.open();
    let made = worker.await.unwrap();
    let (one, two, three) = tokio::join!(service.sweep(), service.sweep(), service.sweep());
    assert_eq!(one.imported + two.imported + three.imported, 0, "nothing is left to do");
    assert_eq!(outcomes(&report(&crm, &made).await), DUE);
    service.check().await;
}

#[tokio::test(start_paused = true)]
async fn i2_a_worker_whose_lease_has_ended_and_its_successor_agree() {
    let (service, crm) = scene().await;
    let gate = tests::Gate::closed();
    // The transaction that makes a user is the second after the one that accepts the import with
    // its record.
    service.faults.next("TransactWriteItems", Fault::Held(gate.clone()));
    let accepted = tokio::spawn({
        let crm = crm.clone();
        async move { sent(&crm).await.created() }
    });
    gate.reached().await;
    service.faults.next("TransactWriteItems", Fault::Held(gate.clone()));
    gate.open();
    gate.reached().await;
    // Now the first worker writes a user and stands still.
    service.clock.advance(LEASE);
    let other = service.sweep().await;
    assert_eq!(other.imported, 5);
    gate.open();
    let made = accepted.await.unwrap();
    assert_eq!(outcomes(&report(&crm, &made).await), DUE);
    assert_eq!(crm.read(&made.path).await["done"], 5);
    assert_eq!(service.check().await.users, 5);
}

#[tokio::test]
async fn d3_of_an_import_and_a_post_of_one_username_one_makes_the_user() {
    for mode in ["create", "upsert"] {
        let (service, crm) = service().await;
        let other = crm.on(&service.instance());
        let file = (0..8)
            .map(|n| json!({ "username": format!("jan{n}"), "given_name": "Import" }).to_string());
        let file = file.collect::<Vec<_>>().join("\n");
        let posts = async {
            let mut made = 0;
            for n in (0..8).rev() {
                let answer = other
                    .post(USERS, json!({ "username": format!("jan{n}"), "given_name": "Post" }))
                    .await;
                assert!(matches!(answer.code(), 201 | 409), "{}", answer.text());
                made += usize::from(answer.code() == 201);
            }
            made
        };
        let query = format!("mode={mode}");
        let (made, posted) = tokio::join!(import(&crm, &query, NDJSON, file), posts);
        let rows = report(&crm, &made).await;
        let created = rows.iter().filter(|row| row["status"] == "created").count();
        assert_eq!(created + posted, 8, "{mode}: {rows:?}");
        let due = if mode == "create" { "error /username not-unique" } else { "updated" };
        assert!(outcomes(&rows).iter().all(|row| row == "created" || row == due), "{rows:?}");
        assert_eq!(service.check().await.users, 8);
    }
}

#[tokio::test(start_paused = true)]
async fn d8_rows_that_waited_for_a_day_are_gone_and_the_import_fails() {
    let (service, crm) = scene().await;
    service.faults.reset();
    sent(&crm).await.is(201);
    let (service, crm) = scene().await;
    service.faults.reset();
    // Accepted, and nobody begins.
    let gate = tests::Gate::closed();
    service.faults.next("TransactWriteItems", Fault::Held(gate.clone()));
    let accepted = tokio::spawn({
        let crm = crm.clone();
        async move { sent(&crm).await.created() }
    });
    gate.reached().await;
    let so_far = service.faults.seen().len();
    service.faults.from(so_far, Fault::Unreachable);
    gate.open();
    let made = accepted.await.unwrap();
    service.faults.reset();
    service.clock.advance(24 * 3600 + 1);
    let crm = crm.with_token().await;
    service.sweep().await;
    let job = crm.read(&made.path).await;
    assert_eq!((&job["state"], &job["done"]), (&json!("FAILED"), &json!(0)));
    assert_eq!(report(&crm, &made).await, Vec::<Value>::new());
    assert_eq!(service.sweep().await.imported, 0);
    service.clock.advance(7 * 24 * 3600);
    crm.with_token().await.get(&made.path).await.is(404);
}
