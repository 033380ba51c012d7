//! A forget that crashes at any of its store calls, and everybody who may finish it.

use maintenance::forget::{ErasureOutcome, forget};
use tests::{Everything, Fault, Service, Setting, TENANT};

use super::Stage;
use crate::audit::verifying::END;
use crate::edge::logs;

/// The function that completes the erasure after the crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finisher {
    Repetition,
    Sweeper,
    Operator,
    /// A request that finds the tombstone.
    Visitor,
}

async fn finish(setting: &Setting, person: &Everything, finisher: Finisher, what: &str) {
    let service = &setting.service;
    let begun = service.check().await.unfinished;
    let live = setting.crm.get(&person.user.path).await.code() == 200;
    let nothing = begun == 0 && !live;
    let (tenant, id) = (TENANT.parse().unwrap(), person.user.id.parse().unwrap());
    match finisher {
        Finisher::Repetition => {
            let again = setting.elsewhere().crm.delete(&person.user.path).await;
            assert_eq!(again.code(), if nothing { 404 } else { 204 }, "{what}");
            return;
        }
        Finisher::Sweeper => {
            assert_eq!(service.sweep().await.erasures, u64::try_from(begun).unwrap(), "{what}");
        }
        Finisher::Visitor => {
            assert_eq!(
                service.table.resume_forget(&tenant, id, END).await.unwrap(),
                begun == 1,
                "{what}"
            );
        }
        Finisher::Operator => {
            let done =
                forget(&service.table, &tenant, &person.user.id.parse().unwrap()).await.unwrap();
            let due = if live {
                ErasureOutcome::Forgotten
            } else if nothing {
                ErasureOutcome::Before
            } else {
                ErasureOutcome::Finished
            };
            assert_eq!(done, Some((id, due)), "{what}");
            return;
        }
    }
    if live {
        // The crash came before the first write. So the user still exists.
        assert_eq!(
            setting.crm.read(&person.user.path).await["username"],
            person.user.body["username"],
            "{what}"
        );
        setting.crm.delete(&person.user.path).await.is(204);
    }
}

async fn crash_at_each_call(finisher: Finisher) {
    let stage = Stage::set().await;
    let setting = stage.setting().await;
    stage.forget(&setting).await.is(204);
    let calls = setting.service.faults.seen().len();
    assert!(calls >= 6, "{calls}");
    for call in 0..calls {
        for after in [false, true] {
            let setting = stage.setting().await;
            let service = &setting.service;
            let what = format!(
                "a crash {} call {call}, then {finisher:?}",
                if after { "after" } else { "before" }
            );
            if after {
                service.faults.crash_after(call);
            } else {
                service.faults.from(call, Fault::Unreachable);
            }
            let crashed = stage.forget(&setting).await;
            service.faults.reset();
            assert_eq!(crashed.code(), 503, "{what}");
            finish(&setting, &stage.person, finisher, &what).await;
            setting.gone(&stage.person, &what).await;
            stage.forget(&setting).await.is(404);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn d7_what_crashed_is_finished_when_it_is_repeated() {
    Box::pin(crash_at_each_call(Finisher::Repetition)).await;
}

#[tokio::test(start_paused = true)]
async fn d7_what_crashed_is_finished_by_the_sweeper() {
    Box::pin(crash_at_each_call(Finisher::Sweeper)).await;
}

#[tokio::test(start_paused = true)]
async fn d7_what_crashed_is_finished_by_the_operator() {
    Box::pin(crash_at_each_call(Finisher::Operator)).await;
}

#[tokio::test(start_paused = true)]
async fn d7_what_crashed_is_finished_by_whoever_meets_the_tombstone() {
    Box::pin(crash_at_each_call(Finisher::Visitor)).await;
}

#[tokio::test]
async fn d7_the_sweeper_logs_how_long_an_erasure_has_waited() {
    logs::keep();
    let setting = Service::start().await.setting().await;
    let person = setting.person().await;
    setting.service.faults.reset();
    // The tombstone is written, and what the person owned is not found.
    setting.service.faults.cut("Query", &format!("#U#{}", person.user.id));
    setting.crm.delete(&person.user.path).await.is(503);
    setting.service.faults.reset();
    setting.service.clock.advance(7261);
    assert_eq!(setting.service.sweep().await.erasures, 1);
    let lines = logs::lines_with("\"oldest_erasure_seconds\":7261");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["erasures_waiting"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d7_what_crashed_is_finished_once_by_many_at_once() {
    let stage = Stage::set().await;
    let person = &stage.person;
    for round in 0..8 {
        let setting = stage.setting().await;
        setting.service.faults.from(2, Fault::Unreachable);
        stage.forget(&setting).await.is(503);
        setting.service.faults.reset();
        let places = [setting.elsewhere(), setting.elsewhere()];
        let (tenant, id) = (TENANT.parse().unwrap(), person.user.id.parse().unwrap());
        let (first, second, resumed, _) = tokio::join!(
            places[0].crm.delete(&person.user.path).into_future(),
            places[1].crm.delete(&person.user.path).into_future(),
            setting.service.table.resume_forget(&tenant, id, END),
            setting.service.sweep(),
        );
        assert!(
            [204, 404].contains(&first.code()) && [204, 404].contains(&second.code()),
            "round {round}"
        );
        resumed.unwrap();
        setting.gone(person, &format!("round {round}")).await;
    }
}
