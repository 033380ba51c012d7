//! Many decisions at once.

use serde_json::{Value, json};

use super::Office;
use crate::races::{at_once, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn co15_grants_and_withdrawals_follow_one_another() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    let yes = office.yes(1, json!({ "purposes": ["letter", "calls"] })).await;
    let calls =
        (0..64).map(|i| if i % 2 == 0 { office.decide(yes.clone()) } else { office.withdraw() });
    let answers = at_once(calls).await;
    let [done, later] = count(&answers, &[200, 503])[..] else { panic!() };
    assert_eq!(done + later, 64);
    assert!(done > 0);
    check_history(&office).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn co15_of_withdrawals_by_one_tag_one_wins() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    let tag = office.crm.tag_of(&office.jan.below("consents/news")).await;
    let answers = at_once((0..64).map(|_| office.withdraw().if_match(&tag))).await;
    let [done, stale, later] = count(&answers, &[200, 412, 503])[..] else { panic!() };
    assert_eq!((done, done + stale + later), (1, 64));
    assert_eq!(check_history(&office).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn co14_a_decision_that_meets_an_erasure_leaves_nothing() {
    let office = Office::open().await;
    let yes = office.yes(1, json!({})).await;
    let calls = (0..16).map(|i| {
        if i == 7 { office.crm.delete(&office.jan.path) } else { office.decide(yes.clone()) }
    });
    let answers = at_once(calls).await;
    assert!(answers.iter().all(|answer| [200, 204, 404, 503].contains(&answer.code())));
    office.service.sweep().await;
    let left = office.service.items().await;
    assert!(!left.iter().any(|item| item.contains("COH#") || item.contains("CO#news")));
    office.service.check().await;
}

/// Asserts that the history has no gap, that each entry changes something, and that the record is
/// what the history makes; how many entries there are.
async fn check_history(office: &Office) -> usize {
    let history = office.history().await;
    let mut states = serde_json::Map::new();
    for (i, event) in history.iter().enumerate() {
        assert_eq!(event["sequence"], json!(i + 1));
        let purposes = event["purposes"].as_object().unwrap();
        assert!(!purposes.is_empty());
        for (purpose, state) in purposes {
            assert_ne!(states.insert(purpose.clone(), state.clone()).as_ref(), Some(state));
        }
    }
    let record = office.crm.read(&office.jan.below("consents/news")).await;
    let now: serde_json::Map<String, Value> = record["purposes"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(purpose, decided)| (purpose.clone(), decided["state"].clone()))
        .collect();
    assert_eq!(now, states);
    history.len()
}
