//! Faults at each call of the store: a decision is recorded whole or not at all, and a repeat makes
//! it once.

use serde_json::{Value, json};
use tests::Fault;

use super::Office;

/// Decides under a fault at one call of the store, then again without: what the history has then.
async fn under(fault: Fault, call: usize, granted: bool) -> Option<Vec<Value>> {
    let office = Office::open().await;
    let yes = office.yes(1, json!({})).await;
    if granted {
        office.decide(yes.clone()).await.is(200);
    }
    let act = || if granted { office.withdraw() } else { office.decide(yes.clone()) };
    office.service.faults.reset();
    office.service.faults.at(call, fault);
    let answer = act().await;
    if office.service.faults.operations().len() <= call {
        return None;
    }
    office.service.faults.reset();
    assert!([200, 503].contains(&answer.code()), "{}", answer.text());
    if answer.code() == 200 {
        assert_eq!(answer.json()["already"], false);
    }
    act().await.is(200);
    office.service.check().await;
    Some(office.history().await)
}

async fn at_each_call(granted: bool) {
    for fault in
        [Fault::Unreachable, Fault::Lost, Fault::Silent, Fault::Throttled, Fault::Conflict(0)]
    {
        let mut call = 0;
        while let Some(history) = under(fault.clone(), call, granted).await {
            let due = if granted { 2 } else { 1 };
            assert_eq!(history.len(), due, "{fault:?} at call {call}");
            call += 1;
        }
        assert!(call > 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn co05_a_grant_survives_each_fault_at_each_store_call() {
    at_each_call(false).await;
}

#[tokio::test(start_paused = true)]
async fn co05_a_withdrawal_survives_each_fault_at_each_store_call() {
    at_each_call(true).await;
}

#[tokio::test(start_paused = true)]
async fn co02_a_version_survives_each_fault_at_each_store_call() {
    for call in 0.. {
        let office = Office::open().await;
        let path = format!("{}/news/versions", super::CONSENTS);
        let body = json!({ "locales": { "en": { "title": "x", "text": "x" } } });
        let post = || office.crm.post(&path, body.clone()).key("k");
        office.service.faults.reset();
        office.service.faults.at(call, Fault::Lost);
        post().await;
        if office.service.faults.operations().len() <= call {
            return;
        }
        office.service.faults.reset();
        let made = post().await.is(201);
        assert_eq!(made.json()["version"], 2, "call {call}");
        let list = office.crm.read(&path).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 2, "call {call}");
        office.crm.read(made.header("location").unwrap()).await;
    }
}
