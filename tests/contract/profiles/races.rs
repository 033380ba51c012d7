//! Many writers of one profile, and of its base (rules D1, D2).

use serde_json::json;

use super::Shop;
use crate::races::{at_once, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_of_32_changes_with_one_tag_one_wins() {
    let shop = Shop::open().await;
    let tag = shop.crm.tag_of(&shop.path).await;
    let instances = [shop.crm.clone(), shop.crm.on(&shop.service.instance())];
    let patch = |i: usize| match i % 2 {
        0 => json!({ "given_name": format!("Jan {i}") }),
        _ => json!({ "system_attributes": { "points": [i.to_string()] } }),
    };
    let answers =
        at_once((0..32).map(|i| instances[i % 2].patch(&shop.path, patch(i)).if_match(&tag))).await;
    assert_eq!(count(&answers, &[200, 412]), [1, 31]);
    let winner = answers.iter().find(|answer| answer.code() == 200).unwrap();
    assert_eq!(
        (shop.read().await, shop.crm.tag_of(&shop.path).await),
        (winner.json(), winner.tag())
    );
    shop.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_of_the_base_and_one_of_the_profile_with_the_same_tag_are_one_after_the_other() {
    for _ in 0..10 {
        let shop = Shop::open().await;
        let tag = shop.crm.tag_of(&shop.path).await;
        let base =
            shop.crm.patch(&shop.jan.path, json!({ "family_name": "Peeters" })).if_match("*");
        let own = shop.crm.patch(&shop.path, json!({ "given_name": "Johannes" })).if_match(&tag);
        let answers = at_once([base, own]).await;
        let statuses = count(&answers, &[200, 412]);
        let seen = shop.read().await;
        assert_eq!(seen["family_name"], "Peeters");
        // Either the profile was first, or its tag was stale.
        match statuses.as_slice() {
            [2, 0] => assert_eq!(seen["given_name"], "Johannes"),
            [1, 1] => assert_eq!(seen["given_name"], "Jan"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_change_of_the_base_between_reading_and_writing_makes_the_tag_stale() {
    let shop = Shop::open().await;
    let tag = shop.crm.tag_of(&shop.path).await;
    shop.service.faults.reset();
    let gate = shop.service.faults.hold("TransactWriteItems");
    let own = shop.crm.patch(&shop.path, json!({ "ui_locales": "nl" })).if_match(&tag);
    let running = tokio::spawn(std::future::IntoFuture::into_future(own));
    gate.reached().await;
    shop.patch_base(json!({ "ui_locales": "fr" })).await;
    gate.open();
    let answer = running.await.unwrap().is(412);
    assert_eq!(answer.tag(), shop.crm.tag_of(&shop.path).await);
    assert_eq!(shop.read().await["ui_locales"], "fr");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_tag_all_changes_are_there_at_last() {
    let shop = Shop::open().await;
    let names = ["points", "tier", "notes", "risk"];
    let own = |name: &str| shop.patch(json!({ "system_attributes": { name: ["1"] } }));
    let base = (0..4).map(|i| {
        shop.crm.patch(&shop.jan.path, json!({ "ui_locales": format!("nl-x-{i}") })).if_match("*")
    });
    let answers = at_once(names.map(own).into_iter().chain(base)).await;
    assert_eq!(count(&answers, &[200]), [8]);
    assert_eq!(
        shop.read().await["system_attributes"],
        json!({ "points": ["1"], "tier": ["1"], "notes": ["1"], "risk": ["1"] })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_forgetting_a_profile_against_changes_of_it_leaves_all_or_nothing() {
    for _ in 0..5 {
        let shop = Shop::open().await;
        let instances = [shop.crm.clone(), shop.crm.on(&shop.service.instance())];
        let patches = (0..8).map(|i| {
            instances[i % 2]
                .patch(&shop.path, json!({ "given_name": format!("N{i}") }))
                .if_match("*")
        });
        let deletes = (0..2).map(|i| instances[i].delete(&shop.path));
        let answers = at_once(patches.chain(deletes)).await;
        assert!(answers.iter().all(|a| matches!(a.code(), 200 | 204 | 404)), "{answers:?}");
        assert!(answers.iter().any(|a| a.code() == 204));
        shop.crm.get(&shop.path).await.is(404);
        shop.service.check().await;
        shop.crm.get(&shop.jan.path).await.is(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_d7_forgetting_the_person_against_changes_of_the_profile_leaves_nothing() {
    for _ in 0..5 {
        let shop = Shop::open().await;
        let patches = (0..8).map(|i| {
            shop.crm.patch(&shop.path, json!({ "given_name": format!("N{i}") })).if_match("*")
        });
        let forget = shop.crm.delete(&shop.jan.path);
        let answers = at_once(patches.chain([forget])).await;
        assert!(answers.iter().all(|a| matches!(a.code(), 200 | 204 | 404)), "{answers:?}");
        shop.crm.get(&shop.path).await.is(404);
        assert_eq!(shop.service.check().await.lookups, 0);
    }
}
