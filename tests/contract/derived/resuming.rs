//! The sweeper is interrupted at each of its calls of the table, and the next one goes on (rules
//! D7, I3).

use serde_json::json;
use tests::{Fault, Gate, Service, person};

use super::sweeping::{people, settle};
use super::{USERS, answering, found, full_names, held, rewrite};

/// Runs a sweeper that ends before its call `n`, as a function does that is killed. Whether it came
/// so far.
pub async fn crash(service: &Service, n: usize) -> bool {
    let gate = Gate::closed();
    service.faults.reset();
    service.faults.at(n, Fault::Held(gate.clone()));
    let sweeper = service.clone();
    let mut sweep = tokio::spawn(async move { sweeper.sweep().await });
    let reached = tokio::select! {
        () = gate.reached() => true,
        _ = &mut sweep => false,
    };
    sweep.abort();
    service.faults.reset();
    reached
}

#[tokio::test]
async fn i3_a_walk_goes_on_where_a_crash_at_any_call_stopped_it() {
    let (service, crm, workflow) = full_names().await;
    let users = people(&crm, 6).await;
    settle(&service).await;
    let mut crm = crm;
    let mut n = 0;
    loop {
        let script = answering(&format!("{{ fullname: ['round {n} of ' + p.username] }}"));
        rewrite(&crm, &workflow, &script).await;
        service.sweep().await;
        service.clock.advance(61);
        crm = crm.with_token().await;
        let reached = crash(&service, n).await;
        let report = service.sweep().await;
        assert_eq!(report.failed, 0, "a crash at call {n}");
        for (i, user) in users.iter().enumerate() {
            let now = crm.read(&user.path).await;
            assert_eq!(
                held(&now, "fullname"),
                json!([format!("round {n} of jan{i}")]),
                "a crash at call {n}"
            );
        }
        assert_eq!(found(&crm, "fullname", &format!("round {n} of jan3")).await, 1);
        if !reached {
            break;
        }
        n += 1;
    }
    assert!(n > 40, "{n} calls are too few for 16 shards");
    assert_eq!(
        service.version_of(&users[0].id).await,
        u64::try_from(n).unwrap() + 2,
        "one write for each script"
    );
    service.check().await;
}

#[tokio::test]
async fn i3_noticing_a_changed_workflow_survives_a_crash_at_any_call() {
    let (service, crm, workflow) = full_names().await;
    let users = people(&crm, 2).await;
    let mut crm = crm;
    for n in 0.. {
        let script = answering(&format!("{{ fullname: ['round {n} of ' + p.username] }}"));
        rewrite(&crm, &workflow, &script).await;
        let reached = crash(&service, n).await;
        settle(&service).await;
        crm = crm.with_token().await;
        let now = crm.read(&users[1].path).await;
        assert_eq!(
            held(&now, "fullname"),
            json!([format!("round {n} of jan1")]),
            "a crash at call {n}"
        );
        if !reached {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn d7_an_erasure_that_was_interrupted_is_finished_by_the_sweeper() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.create(
        "/api/v1/sso/applications",
        json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" }),
    )
    .await;
    crm.define("salary", crate::approvals::by_administrators()).await;
    let mut finished = 0;
    for n in 0.. {
        let jan = crm.create(USERS, person(&format!("jan{n}"))).await;
        let subject = json!({
            "application_id": "shop", "subject": format!("zwaardvis{n}"), "user_id": jan.id
        });
        crm.create("/api/v1/sso/application-subjects", subject).await;
        let raise = json!({ "attributes": { "common": { "salary": [format!("meerpaal{n}")] } } });
        crm.patch(&jan.path, raise).if_match("*").await.is(202);
        service.faults.reset();
        service.faults.from(n, Fault::Unreachable);
        let answer = crm.delete(&jan.path).await;
        service.faults.reset();
        let decided = crm.get(&jan.path).await.code() == 404;
        let report = service.sweep().await;
        finished += report.erasures;
        assert_eq!(
            report.erasures,
            u64::from(decided && answer.code() != 204),
            "a crash at call {n}"
        );
        let left = service
            .items()
            .await
            .iter()
            .filter(|i| i.contains("zwaardvis") || i.contains("meerpaal"))
            .count();
        if decided {
            assert_eq!(left, 0, "a crash at call {n}");
            assert_eq!(service.check().await.unfinished, 0);
        } else {
            assert_eq!(answer.code(), 503);
            crm.delete(&jan.path).await.is(204);
        }
        assert_eq!(service.sweep().await.erasures, 0);
        if answer.code() == 204 {
            break;
        }
    }
    assert!(finished >= 3, "{finished} erasures were interrupted after F1");
}

#[tokio::test(start_paused = true)]
async fn d7_a_sweeper_that_crashes_at_any_call_leaves_the_erasure_to_the_next() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.create(
        "/api/v1/sso/applications",
        json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" }),
    )
    .await;
    for n in 0.. {
        let jan = crm.create(USERS, person("jan")).await;
        let subject =
            json!({ "application_id": "shop", "subject": "zwaardvis", "user_id": jan.id });
        crm.create("/api/v1/sso/application-subjects", subject).await;
        // The erasure stops right after F1, its first write.
        service.faults.reset();
        let gate = service.faults.hold_naming("Query", &format!("#U#{}", jan.id));
        let erasure = tokio::spawn(crm.delete(&jan.path).into_future());
        gate.reached().await;
        erasure.abort();
        let reached = crash(&service, n).await;
        service.sweep().await;
        let left = service.items().await.iter().filter(|item| item.contains("zwaardvis")).count();
        assert_eq!((left, service.check().await.unfinished), (0, 0), "a crash at call {n}");
        if !reached {
            break;
        }
    }
}
