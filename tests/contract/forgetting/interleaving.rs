//! A forget and another request, interleaved call by call, and all of them at once.

use tests::{Answer, Call, Everything, Fault, Gate, Service, Setting};

use super::Stage;
use super::operations::Operation;
use crate::races::at_once;

/// The call that writes the tombstone, and the first write of a forget.
const WRITE: &str = "TransactWriteItems";

/// How many store calls a request makes.
pub async fn calls_of(call: Call, service: &Service) -> usize {
    operations_of(call, service).await.len()
}

/// The store calls that a request makes.
async fn operations_of(call: Call, service: &Service) -> Vec<String> {
    service.faults.reset();
    call.await;
    service.faults.operations()
}

/// Lets `first` stop before its call `i`, then `second` run to its end, then `first` go on.
pub async fn around(service: &Service, first: Call, i: usize, second: Call) -> (Answer, Answer) {
    let gate = Gate::closed();
    service.faults.reset();
    service.faults.at(i, Fault::Held(gate.clone()));
    let mut first = tokio::spawn(first.into_future());
    // A request that makes fewer calls is at its end.
    let ended = tokio::select! {
        () = gate.reached() => None,
        ended = &mut first => Some(ended.unwrap()),
    };
    let second = second.await;
    gate.open();
    let first = match ended {
        Some(ended) => ended,
        None => first.await.unwrap(),
    };
    service.faults.reset();
    (first, second)
}

async fn verify(
    setting: &Setting,
    person: &Everything,
    forgotten: &Answer,
    other: &Answer,
    what: &str,
) {
    // The one of two erasures that comes last finds nothing.
    assert!(
        [204, 404].contains(&forgotten.code()),
        "{what}: {} {}",
        forgotten.code(),
        forgotten.text()
    );
    assert!(other.code() < 500 && other.code() != 400, "{what}: {} {}", other.code(), other.text());
    setting.gone(person, what).await;
}

/// Another request runs between any two store calls of a forget.
async fn during_the_forget(operations: &[Operation]) {
    let stage = Stage::set().await;
    let person = &stage.person;
    let setting = stage.setting().await;
    let due = operations_of(stage.forget(&setting), &setting.service).await;
    let calls = due.len();
    assert!(calls >= 6, "{calls}");
    let tombstone = due.iter().position(|call| call == WRITE).unwrap();
    let setting = stage.setting().await;
    assert_eq!(operations_of(stage.forget(&setting), &setting.service).await, due);
    for operation in operations {
        for call in 0..calls {
            let setting = stage.setting().await;
            let other = operation.call(&setting.elsewhere(), person);
            let (forgotten, other) =
                around(&setting.service, stage.forget(&setting), call, other).await;
            let what = format!("{operation:?} before call {call} of the forget");
            if *operation != Operation::Forget {
                assert_eq!(forgotten.code(), 204, "{what}");
            }
            if call > tombstone && *operation != Operation::Forget && *operation != Operation::Find
            {
                let nothing =
                    [404, 422].contains(&other.code()) || other.text().contains(r#""items":[]"#);
                assert!(
                    nothing,
                    "{what}: the person is invisible: {} {}",
                    other.code(),
                    other.text()
                );
            }
            verify(&setting, person, &forgotten, &other, &what).await;
        }
    }
}

/// A whole forget runs between any two store calls of another request.
async fn around_the_forget(operations: &[Operation]) {
    let stage = Stage::set().await;
    let person = &stage.person;
    for operation in operations {
        let setting = stage.setting().await;
        let calls = calls_of(operation.call(&setting.elsewhere(), person), &setting.service).await;
        assert!(calls >= 1, "{operation:?}");
        for call in 0..calls {
            let setting = stage.setting().await;
            let other = operation.call(&setting.elsewhere(), person);
            let (other, forgotten) =
                around(&setting.service, other, call, stage.forget(&setting)).await;
            let what = format!("forgotten before call {call} of {operation:?}");
            verify(&setting, person, &forgotten, &other, &what).await;
        }
    }
}

macro_rules! for_each_group {
    ($($name:ident: $operations:expr;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn d1_d7_between_any_two_calls_of_a_forget() {
                during_the_forget(&$operations).await;
            }

            #[tokio::test]
            async fn d1_d7_a_forget_between_any_two_of_their_calls() {
                around_the_forget(&$operations).await;
            }
        }
    )*};
}

for_each_group! {
    reads: Operation::READING;
    writes: Operation::WRITING;
    personas: Operation::OF_PERSONAS;
    subjects: Operation::OF_SUBJECTS;
    change_requests: Operation::OF_REQUESTS;
    another_forget: [Operation::Forget];
}

#[tokio::test]
async fn d7_the_sweeper_between_any_two_calls_of_a_forget() {
    let stage = Stage::set().await;
    let setting = stage.setting().await;
    let calls = calls_of(stage.forget(&setting), &setting.service).await;
    for call in 0..calls {
        let setting = stage.setting().await;
        let gate = Gate::closed();
        setting.service.faults.at(call, Fault::Held(gate.clone()));
        let forget = tokio::spawn(stage.forget(&setting).into_future());
        gate.reached().await;
        let begun = setting.service.faults.operations().iter().take(call).any(|call| call == WRITE);
        let swept = setting.service.sweep().await;
        assert_eq!(swept.erasures, u64::from(begun), "at call {call}");
        gate.open();
        forget.await.unwrap().is(204);
        setting.gone(&stage.person, &format!("swept before call {call}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_d7_everything_at_once_and_two_erasures() {
    let stage = Stage::set().await;
    for round in 0..12 {
        let setting = stage.setting().await;
        let places = [setting.clone(), setting.elsewhere()];
        let mut operations = Operation::all();
        let turn = round * 7 % operations.len();
        operations.rotate_left(turn);
        operations.push(Operation::Forget);
        let calls = operations
            .iter()
            .enumerate()
            .map(|(i, operation)| operation.call(&places[i % 2], &stage.person));
        let (answers, _) = tokio::join!(at_once(calls), setting.service.sweep());
        assert!(answers.iter().all(|answer| answer.code() < 500), "round {round}");
        assert!(answers.iter().any(|answer| answer.code() == 204), "round {round}");
        setting.gone(&stage.person, &format!("round {round}")).await;
    }
}
