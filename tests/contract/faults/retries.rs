//! A write whose answer was lost meets its own effect when it is repeated (rule I2), and what comes
//! in between does not hide it.

use serde_json::json;
use tests::{Fault, Service, person};

use super::operations::Operation;
use super::scene::Scene;

const USERS: &str = "/identity/users";

/// The store operations by which a request writes.
async fn writes_of(operation: Operation) -> Vec<&'static str> {
    let scene = Box::pin(Scene::set(operation)).await;
    scene.service.faults.reset();
    scene.call(operation).await;
    let seen = scene.service.faults.operations();
    ["UpdateItem", "PutItem", "DeleteItem", "TransactWriteItems"]
        .into_iter()
        .filter(|write| seen.iter().any(|s| s == write))
        .collect()
}

/// The answer of the write is lost. Its repetition gets a conflict with another writer, then a
/// throttle. The next read finds the result of the write itself.
#[tokio::test(start_paused = true)]
async fn i2_a_write_whose_answer_was_lost_is_not_refused_by_its_own_effect() {
    let mut wrong = Vec::new();
    for operation in Operation::ALL {
        for write in writes_of(operation).await {
            for after in [vec![Fault::Conflict(0)], vec![Fault::Exceeded, Fault::Conflict(0)]] {
                let scene = Box::pin(Scene::set(operation)).await;
                scene.service.faults.reset();
                scene.service.faults.next(write, Fault::Lost);
                for fault in &after {
                    scene.service.faults.next(write, fault.clone());
                }
                let answer = scene.call(operation).await;
                scene.service.faults.reset();
                let good = answer.status.is_success() || answer.code() == 503;
                let happened = scene.happened(operation).await;
                if !good || (answer.status.is_success() && !happened) {
                    wrong.push(format!(
                        "{operation:?}: {write} lost, then {after:?}: {}, happened: {happened}",
                        answer.code()
                    ));
                }
                scene.service.check().await;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Another client changes the user after the write took effect and before it is known to have.
#[tokio::test(start_paused = true)]
async fn i2_a_lost_answer_is_found_behind_up_to_15_later_writes_and_behind_more_nobody_knows() {
    for (later, due) in [(0, 200), (1, 200), (15, 200), (16, 503), (40, 503)] {
        let service = Service::start_unaudited().await;
        let crm = service.crm().await;
        let jan = crm.create(USERS, person("jan")).await;
        service.faults.reset();
        service.faults.next("PutItem", Fault::Lost);
        let gate = tests::Gate::closed();
        service.faults.next("PutItem", Fault::Held(gate.clone()));
        let patch = crm.patch(&jan.path, json!({ "ui_locales": "nl-BE" })).if_match(&jan.tag);
        let patch = tokio::spawn(patch.into_future());
        gate.reached().await;
        let other = crm.on(&service.instance());
        for i in 0..later {
            let body = json!({ "ui_locales": format!("fr-x-{i}") });
            other.patch(&jan.path, body).if_match("*").await.is(200);
        }
        gate.open();
        let answer = patch.await.unwrap();
        assert_eq!(answer.code(), due, "{later} writes later: {}", answer.text());
        if later > 0 {
            assert_eq!(
                crm.read(&jan.path).await["ui_locales"],
                json!(format!("fr-x-{}", later - 1))
            );
        }
        assert_eq!(service.version_of(&jan.id).await, 2 + later);
    }
}

#[tokio::test(start_paused = true)]
async fn i2_a_lost_answer_is_never_applied_twice() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    for (n, patch) in
        [json!({ "ui_locales": "nl" }), json!({ "family_name": "Peeters" })].into_iter().enumerate()
    {
        for lost in [Fault::Lost, Fault::Silent, Fault::LostServerError] {
            let before = service.version_of(&jan.id).await;
            let body = if n == 0 {
                json!({ "ui_locales": format!("nl-x-{before}") })
            } else {
                patch.clone()
            };
            let body = if n == 1 {
                json!({ "family_name": format!("{body}{before}").replace(['{', '}', '"', ':'], "") })
            } else {
                body
            };
            service.faults.reset();
            service.faults.next("PutItem", lost.clone());
            service.faults.next("TransactWriteItems", lost);
            crm.patch(&jan.path, body).if_match("*").await.is(200);
            service.faults.reset();
            assert_eq!(service.version_of(&jan.id).await, before + 1);
        }
    }
    service.check().await;
}

#[tokio::test(start_paused = true)]
async fn throttles_are_waited_out_and_conflicts_decided_anew() {
    let mut wrong = Vec::new();
    for operation in Operation::ALL {
        for write in writes_of(operation).await {
            for fault in [Fault::Throttled, Fault::ThrottledMember(0), Fault::Conflict(0)] {
                if write != "TransactWriteItems" && matches!(fault, Fault::ThrottledMember(_)) {
                    continue;
                }
                let scene = Box::pin(Scene::set(operation)).await;
                scene.service.faults.reset();
                (0..3).for_each(|_| scene.service.faults.next(write, fault.clone()));
                let answer = scene.call(operation).await;
                if !answer.status.is_success() {
                    wrong.push(format!(
                        "{operation:?}: {write} meets {fault:?} three times: {}",
                        answer.code()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_on_any_item_of_a_transaction_is_decided_anew() {
    for operation in [
        Operation::CreateUserOnce,
        Operation::PatchIndexed,
        Operation::DeleteUser,
        Operation::CreateSubject,
    ] {
        for item in 0..6 {
            let scene = Box::pin(Scene::set(operation)).await;
            scene.service.faults.reset();
            scene.service.faults.next("TransactWriteItems", Fault::Conflict(item));
            let answer = scene.call(operation).await;
            assert!(
                answer.status.is_success(),
                "{operation:?}, conflict on item {item}: {}",
                answer.text()
            );
            scene.service.check().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn conflicts_and_throttles_without_end_are_unavailable_with_a_time_to_try_again() {
    for operation in Operation::ALL {
        for fault in [Fault::Throttled, Fault::Conflict(0)] {
            let scene = Box::pin(Scene::set(operation)).await;
            scene.service.faults.reset();
            for write in ["UpdateItem", "PutItem", "TransactWriteItems"] {
                (0..200).for_each(|_| scene.service.faults.next(write, fault.clone()));
            }
            let answer = scene.call(operation).await.is(503);
            if operation == Operation::Refresh {
                // The token endpoint answers in its own form (RFC 6749 §5.2).
                assert!(answer.json()["error"].is_string(), "{}", answer.text());
            } else {
                assert_eq!(answer.slug(), "unavailable", "{operation:?} {fault:?}");
            }
            assert!(answer.header("retry-after").is_some(), "{operation:?} {fault:?}");
            scene.service.faults.reset();
            let told = operation == Operation::Refresh;
            assert!(told || !scene.happened(operation).await, "{operation:?} {fault:?}");
        }
    }
}
