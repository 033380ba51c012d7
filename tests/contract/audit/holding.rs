//! Legal hold, the end of entries, and erasures of people with many of them (rules AU-08, AU-11 and
//! AU-19).

use serde_json::{Value, json};
use shared::domain::Version;
use shared::domain::audit::{Chain, LedgerChain};
use shared::domain::author::{Author, Reason};
use shared::domain::id::UserId;
use shared::env::Timestamp;
use shared::store::keys::partition_of_user;
use shared::store::{Item, Key};
use tests::{Service, TENANT, person};

use super::verifying::{END, Scene};
use super::{SETTINGS, USERS, entries, ledger, tenant};

const DAY: i64 = 24 * 3600;

async fn set(service: &Service, settings: Value) {
    let boss = service.client(TENANT, "administrator").await;
    boss.patch(SETTINGS, settings).if_match("*").await.is(200);
    // Functions remember settings for 30 seconds.
    service.clock.advance(31);
}

#[tokio::test]
async fn au19_under_legal_hold_nobody_is_forgotten_in_one_system() {
    let service = Service::start().await;
    let crm = service.crm().await;
    service.system("desk", &[]).await;
    let jan = crm.create(USERS, person("jan")).await;
    let profile = service.profile(&jan.id, "desk").await;
    set(&service, json!({ "legal_hold": true })).await;
    assert_eq!(crm.delete(&profile).await.is(409).slug(), "legal-hold");
    crm.get(&profile).await.is(200);
    set(&service, json!({ "legal_hold": false })).await;
    crm.delete(&profile).await.is(204);
}

#[tokio::test]
async fn au19_a_hold_ends_only_by_name() {
    let service = Service::start().await;
    set(&service, json!({ "legal_hold": true })).await;
    let boss = service.client(TENANT, "administrator").await;
    for put in [json!({}), json!({ "level": "values" }), json!({ "legal_hold": null })] {
        let refused = boss.put(SETTINGS, put).if_match("*").await.is(422);
        assert_eq!(refused.violations(), ["/legal_hold required"]);
    }
    boss.put(SETTINGS, json!({ "legal_hold": false })).if_match("*").await.is(200);
    boss.put(SETTINGS, json!({ "level": "names" })).if_match("*").await.is(200);
}

#[tokio::test]
async fn au19_entries_do_not_end_under_a_hold_and_those_after_it_do() {
    let scene = Scene::open().await;
    set(&scene.service, json!({ "legal_hold": true })).await;
    scene.change("E").await;
    let held = entries(&scene.service, &scene.jan.id).await.pop().unwrap();
    assert_eq!(held.entry.ends, None);
    assert_eq!(scene.entries().await[5].ends(), None);
    set(&scene.service, json!({ "legal_hold": false })).await;
    scene.change("F").await;
    scene.change("G").await;
    let kept = entries(&scene.service, &scene.jan.id).await;
    let shortened: Vec<_> = kept.iter().map(|kept| kept.entry.shortened).collect();
    assert_eq!(shortened, [false, false, false, false, false, false, true, false]);
    assert_eq!(kept[6].entry.ends, Some(kept[6].entry.at.plus_seconds(400 * DAY)));
    assert_eq!(scene.verify().await.faults.len(), 0);
}

#[tokio::test]
async fn au19_what_was_erased_before_a_restore_is_erased_again_under_a_hold() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let user: UserId = jan.id.parse().unwrap();
    set(&service, json!({ "legal_hold": true })).await;
    let author = Author::service(tenant(), Reason::Replay);
    service.table.forget_user(&author, None, user, |_| Ok(())).await.unwrap();
    let told = ledger(&service, LedgerChain::of_forget(user)).await.pop().unwrap();
    assert_eq!(serde_json::to_value(&told.entry.via).unwrap(), json!({ "kind": "replay" }));
    assert_eq!(serde_json::to_value(&told.entry.actor).unwrap(), json!({ "kind": "operator" }));
}

#[tokio::test]
async fn au11_a_shorter_retention_holds_from_the_next_entry_on() {
    let scene = Scene::open().await;
    set(&scene.service, json!({ "retention_days": 3650 })).await;
    scene.change("E").await;
    set(&scene.service, json!({ "retention_days": 30 })).await;
    scene.change("F").await;
    scene.change("G").await;
    let kept = entries(&scene.service, &scene.jan.id).await;
    let days = |n: usize| {
        let entry = &kept[n].entry;
        (entry.ends.unwrap().seconds() - entry.at.seconds()) / DAY
    };
    assert_eq!((days(4), days(5), days(6), days(7)), (400, 3650, 30, 30));
    assert!(kept[6].entry.shortened);
    assert_eq!(scene.verify().await.faults.len(), 0);
    // With the newest entries those before them have ended too.
    scene.service.clock.advance(31 * DAY);
    let auditor = scene.service.client(TENANT, "audit:read").await;
    let list = auditor.read(&scene.jan.below("audit")).await;
    assert_eq!(list, json!({ "items": [] }));
    assert_eq!(scene.verify().await.faults.len(), 0);
}

#[tokio::test]
async fn au11_a_clock_that_is_ahead_does_not_keep_entries() {
    let service = Service::start().await;
    let define = async |name: &str| {
        service.crm().await.define(name, json!({})).await;
        ledger(&service, LedgerChain::Configuration).await.pop().unwrap().entry
    };
    service.clock.advance(1000 * DAY);
    assert!(!define("ahead").await.shortened);
    service.clock.advance(-1000 * DAY);
    let told = define("back").await;
    assert_eq!((told.ends, told.shortened), (Some(told.at.plus_seconds(400 * DAY)), true));
}

/// A user with very many entries.
async fn busy(scene: &Scene, count: u64) {
    let user: UserId = scene.jan.id.parse().unwrap();
    let template = scene.entries().await.remove(0).into_attributes();
    for n in 0..count {
        let key = Key::audit_entry(&tenant(), Chain::User(user), Version(1000 + n));
        let place = Item::at(&key).into_attributes();
        let mut entry = template.clone();
        entry.extend(place);
        scene.put(entry).await;
    }
}

async fn left(scene: &Scene) -> usize {
    let partition = partition_of_user(&tenant(), scene.jan.id.parse().unwrap());
    scene.service.table.query_stored(&partition).await.unwrap().len()
}

#[tokio::test]
async fn au08_a_person_with_very_many_entries_is_erased_page_by_page() {
    let scene = Scene::open().await;
    busy(&scene, 2100).await;
    scene.crm.delete(&scene.jan.path).await.is(204);
    assert_eq!(left(&scene).await, 1, "the tombstone");
}

#[tokio::test]
async fn au08_an_erasure_that_has_no_more_time_goes_on_later() {
    let scene = Scene::open().await;
    busy(&scene, 1500).await;
    scene.service.faults.cut("Query", &scene.jan.id);
    let begun = scene.crm.delete(&scene.jan.path).await;
    assert_eq!(begun.code(), 503);
    scene.service.faults.reset();
    let user = scene.jan.id.parse().unwrap();
    let whole = left(&scene).await;
    let past = Timestamp::from_millis(0);
    let resume =
        async |until| scene.service.table.resume_forget(&tenant(), user, until).await.unwrap();
    assert!(!resume(past).await);
    let after = left(&scene).await;
    assert!(after > 1 && after < whole, "{after} of {whole}");
    assert!(resume(END).await);
    assert_eq!(left(&scene).await, 1);
}
