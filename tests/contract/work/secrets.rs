//! Hashes of secrets: how many a request makes, and where.

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::approvals::{Office, by_administrators, common};

async fn with_pins() -> Office {
    let office = Office::open().await;
    let mut guarded = by_administrators();
    guarded["data_format"] = json!("HASH");
    office.crm.define("pin", guarded).await;
    office
}

fn pins(last: usize) -> Value {
    let pins: Vec<_> = (0..9).map(|i| format!("pin-{i}")).chain([format!("last-{last}")]).collect();
    common(&json!({ "pin": pins }))
}

#[tokio::test]
async fn wk4_a_request_that_is_refused_compares_no_secrets_and_others_few() {
    let office = with_pins().await;
    let jan = office.user("jan").await;
    let begun = Instant::now();
    office.ask(&jan, pins(0)).await;
    // Ten hashes.
    let once = begun.elapsed();
    for i in 1..20 {
        office.ask(&jan, pins(i)).await;
    }
    let begun = Instant::now();
    let refused = office.crm.patch(&jan.path, pins(20)).if_match("*").await.is(422);
    assert_eq!(refused.violations(), [" too-many"]);
    // It was twenty times as long.
    assert!(begun.elapsed() < once * 5, "{:?}, {once:?} for the first", begun.elapsed());
}

#[tokio::test]
async fn wk4_a_repeat_of_ten_secrets_is_told_from_another_request() {
    let office = with_pins().await;
    let jan = office.user("jan").await;
    let first = office.ask(&jan, pins(1)).await;
    office.service.clock.advance(1);
    let second = office.ask(&jan, pins(2)).await;
    assert_ne!(first.path, second.path);
    // The newest change request is compared first.
    assert_eq!(office.ask(&jan, pins(2)).await.path, second.path);
}

#[tokio::test]
async fn wk4_nothing_is_hashed_for_a_request_that_is_wrong_elsewhere() {
    let office = with_pins().await;
    let jan = office.user("jan").await;
    let begun = Instant::now();
    office.boss.patch(&jan.path, pins(0)).if_match("*").await.is(200);
    let hashed = begun.elapsed();
    let mut wrong = pins(1);
    wrong["nickname"] = json!("x");
    let begun = Instant::now();
    office.boss.patch(&jan.path, wrong).if_match("*").await.is(422);
    assert!(begun.elapsed() < hashed, "{:?}, {hashed:?} with hashes", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wk4_other_requests_are_answered_while_secrets_are_hashed() {
    let office = with_pins().await;
    let jan = office.user("jan").await;
    let hashing: Vec<_> = (0..6)
        .map(|i| {
            let (boss, path) = (office.boss.clone(), jan.path.clone());
            tokio::spawn(async move { boss.patch(&path, pins(i)).if_match("*").await.code() })
        })
        .collect();
    let mut slowest = std::time::Duration::ZERO;
    while hashing.iter().any(|task| !task.is_finished()) {
        let begun = Instant::now();
        office.service.call("GET", "/idhub/oidc/v1/jwks").await.is(200);
        slowest = slowest.max(begun.elapsed());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // Ten hashes in a row of an unoptimised program on a busy machine take longer.
    assert!(slowest < std::time::Duration::from_secs(3), "{slowest:?}");
    for task in hashing {
        assert_eq!(task.await.unwrap(), 200);
    }
}
