//! How chains end, clocks that go back, and the verification that goes on each day (rules AU-11,
//! AU-15 and AU-21).

use serde_json::json;
use shared::domain::Version;
use shared::domain::audit::Chain;
use shared::store::Key;
use shared::store::audit::{AuditReport, ChainReport, VerifyPosition};
use tests::person;

use super::verifying::{END, Scene, flipped};
use super::{USERS, tenant};
use crate::edge::logs;

#[tokio::test]
async fn au11_entries_that_have_ended_are_not_shown_and_their_absence_is_no_fault() {
    let mut scene = Scene::open().await;
    scene.service.set_audit(json!({ "retention_days": 1 })).await;
    scene.service.clock.advance(31);
    let els = scene.crm.create(USERS, person("els")).await;
    scene.jan = els;
    scene.change("A").await;
    scene.service.clock.advance(20 * 3600);
    scene.crm = scene.crm.clone().with_token().await;
    scene.change("B").await;
    scene.service.clock.advance(10 * 3600);
    let auditor = scene.service.client(tests::TENANT, "audit:read").await;
    let items = async || {
        let list = auditor.read(&scene.jan.below("audit")).await;
        let items = list["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["sequence"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    // DynamoDB has not removed them yet, removes one of them, and then the other.
    assert_eq!(items().await, [3]);
    assert_eq!(scene.verify().await.faults.len(), 0);
    let user = scene.jan.id.parse().unwrap();
    for sequence in [2, 1] {
        scene.delete(&Key::audit_entry(&tenant(), Chain::User(user), Version(sequence))).await;
        assert_eq!(items().await, [3]);
        assert_eq!(scene.verify().await.faults.len(), 0, "{sequence}");
    }
    scene.service.clock.advance(20 * 3600);
    scene.delete(&Key::audit_entry(&tenant(), Chain::User(user), Version(3))).await;
    assert_eq!(scene.verify().await, ChainReport::default(), "all of it has ended");
    scene.crm = scene.crm.clone().with_token().await;
    scene.change("C").await;
    assert_eq!(scene.verify().await.faults.len(), 0);
}

#[tokio::test]
async fn au15_a_clock_that_goes_back_is_no_fault() {
    let scene = Scene::open().await;
    scene.service.clock.advance(-50);
    scene.change("back").await;
    scene.crm.define("note", json!({})).await;
    let report = scene.verify_all().await;
    assert_eq!(report.faults, []);
}

#[tokio::test]
async fn au21_the_sweeper_verifies_each_day_and_logs_what_it_finds() {
    logs::keep();
    let scene = Scene::open().await;
    let lines = || -> Vec<_> {
        let all = logs::lines_with("\"audit_faults\":");
        // Other tests of the process log as well.
        all.into_iter().filter(|line| line["users"] == 17).collect()
    };
    for n in 0..16 {
        scene.crm.create(USERS, json!({ "username": format!("u{n}") })).await;
    }
    scene.service.sweep().await;
    let clean = lines();
    assert_eq!(clean.len(), 1, "{clean:?}");
    assert_eq!((&clean[0]["audit_faults"], &clean[0]["ledgers"]), (&json!(0), &json!(50)));
    let item = scene.entries().await.remove(2);
    let changed = flipped(&item.clone().into_attributes(), "doc", 30).unwrap();
    scene.put(changed).await;
    scene.service.clock.advance(60);
    scene.service.sweep().await;
    assert_eq!(lines().len(), 1, "once a day");
    scene.service.clock.advance(24 * 3600);
    scene.service.sweep().await;
    let found = lines();
    assert_eq!((found.len(), &found[1]["audit_faults"]), (2, &json!(1)));
    let fault = logs::lines_with("\"fault\":\"entry-changed\"");
    let fault = fault.iter().find(|line| line["chain"] == json!(scene.jan.id)).expect("a line");
    assert_eq!((&fault["sequence"], &fault["tenant"]), (&json!(3), &json!(tests::TENANT)));
}

#[tokio::test]
async fn au21_the_verification_of_a_tenant_goes_on_where_it_stopped() {
    let scene = Scene::open().await;
    for n in 0..9 {
        scene.crm.create(USERS, json!({ "username": format!("u{n}") })).await;
    }
    let table = &scene.service.table;
    let (mut position, mut users, mut turns) = (VerifyPosition::default(), 0, 0);
    while !position.is_end() {
        let (report, next) = table.verify_tenant(&tenant(), position, END, 2).await.unwrap();
        assert!(report.users <= 2 && report.faults.is_empty(), "{report:?}");
        users += report.users;
        turns += 1;
        position = next;
    }
    assert!(users == 10 && turns >= 5, "{users} in {turns}");
    // A deadline that has passed does nothing, and loses nothing.
    let now = table.env().clock.now();
    let start = VerifyPosition::default();
    let (report, next) = table.verify_tenant(&tenant(), start.clone(), now, 100).await.unwrap();
    assert_eq!((report, next), (AuditReport::default(), start));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn au21_a_user_who_is_written_meanwhile_is_no_fault() {
    let scene = Scene::open().await;
    let writer = scene.crm.on(&scene.service.instance());
    let path = scene.jan.path.clone();
    let writing = tokio::spawn(async move {
        for n in 0..60 {
            let patch = writer.patch(&path, json!({ "given_name": format!("{n}") }));
            patch.if_match("*").await.is(200);
        }
    });
    while !writing.is_finished() {
        let report = scene.verify().await;
        assert!(report.faults.is_empty(), "{report:?}");
    }
    writing.await.unwrap();
    assert_eq!(scene.verify().await.entries, 65);
}

#[tokio::test]
async fn au21_the_heads_of_the_ledger_are_logged_once_a_day() {
    logs::keep();
    let scene = Scene::open().await;
    scene.service.create_tenant("anchored").await;
    let lines = || {
        let all = logs::lines_with("\"operation\":\"audit_heads\"");
        all.into_iter().filter(|line| line["tenant"] == "anchored").collect::<Vec<_>>()
    };
    for _ in 0..3 {
        scene.service.sweep().await;
    }
    let told = lines();
    assert_eq!(told.len(), 1, "{told:?}");
    let heads = told[0]["heads"].as_str().unwrap();
    assert!(heads.starts_with("S:1:") && heads.len() == 20, "{heads}");
}

#[tokio::test]
async fn au21_a_note_in_the_table_that_all_is_verified_is_not_believed() {
    let scene = Scene::open().await;
    let key = Key::progress(&tenant(), shared::store::keys::Walk::Audit);
    scene.service.sweep().await;
    let today = scene.service.table.get(&key).await.unwrap().unwrap().into_attributes();
    scene.service.clock.advance(24 * 3600);
    scene.service.sweep().await;
    let tomorrow = scene.service.table.get(&key).await.unwrap().unwrap().into_attributes();
    let doc = |attributes: &super::verifying::Attributes| attributes["doc"].as_s().unwrap().clone();
    let day = |text: &str| text.replace("2026-11-22", "2026-11-23");
    let mut forged = tomorrow.clone();
    let text = day(&doc(&tomorrow));
    assert_ne!(text, doc(&tomorrow));
    forged.insert("doc".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(text));
    scene.put(forged).await;
    scene.service.clock.advance(24 * 3600);
    scene.service.sweep().await;
    let after = scene.service.table.get(&key).await.unwrap().unwrap().into_attributes();
    assert!(doc(&after).contains("2026-11-23"));
    assert_ne!(after["version"], tomorrow["version"], "it was verified");
    assert_ne!(doc(&today), doc(&after));
}
