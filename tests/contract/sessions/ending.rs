//! What ends sessions: the next request is refused (rule G23).

use std::future::IntoFuture as _;

use serde_json::json;
use shared::domain::definition::BuiltInPersona::{Administrator, Helpdesk};
use shared::domain::people::FamilyName;
use shared::store::people::put_family_name;
use tests::{Client, Resource, SignedIn, TENANT};
use tokio::task::JoinSet;

use super::{House, ME, OWN, items, over};

/// The system authentication server's principal of a user.
fn principal(user: &Resource, act: &str) -> String {
    user.below(&format!("principals/system/{act}"))
}

async fn block(admin: &Client, user: &Resource) {
    admin.act(&user.below("block")).await.is(200);
}

#[tokio::test]
async fn g23_a_block_ends_every_session_for_good() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let other = house.service.signed_in(&jan.id).await;
    let elsewhere = browser.on(&house.service.instance());
    elsewhere.get(ME).await.is(200);
    block(&house.admin, &jan).await;
    for browser in [&browser, &other, &elsewhere] {
        over(browser).await;
    }
    house.admin.act(&jan.below("unblock")).await.is(200);
    for browser in [&browser, &other, &elsewhere] {
        over(browser).await;
    }
    house.service.signed_in(&jan.id).await.get(ME).await.is(200);
}

#[tokio::test]
async fn g23_a_deleted_person_is_signed_out_at_once() {
    let house = House::open().await;
    let paths = |user: &Resource| {
        let name = user.body["username"].as_str().unwrap();
        [
            user.path.clone(),
            format!("/identity/users/by/username/{name}"),
            format!("/identity/users/by/preferred_email/{name}@example.org"),
        ]
    };
    for i in 0..3 {
        let (user, browser) = house.guest(&format!("jan{i}")).await;
        house.admin.delete(&paths(&user)[i]).await.is(204);
        over(&browser).await;
    }
    let (_, browser) = house.guest("me").await;
    browser.delete(ME).await.is(204);
    over(&browser).await;
    house.service.check().await;
}

#[tokio::test]
async fn g23_unlinking_from_the_built_in_server_signs_out() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let principals = jan.below("principals");
    house.admin.act(&principal(&jan, "unlink")).await.is(200);
    over(&browser).await;
    let status = |list: serde_json::Value| list["items"][0]["status"].clone();
    assert_eq!(status(house.admin.get(&principals).await.is(200).json()), "UNLINKED");
    house.admin.act(&principal(&jan, "link")).await.is(200);
    over(&browser).await;
    assert_ne!(status(house.admin.get(&principals).await.is(200).json()), "UNLINKED");
    house.service.signed_in(&jan.id).await.get(ME).await.is(200);
    house.service.check().await;
}

#[tokio::test]
async fn g23_a_temporary_password_ends_every_session() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    house.admin.act(&jan.below("temporary-password")).await.is(200);
    over(&browser).await;
}

#[tokio::test]
async fn g23_sign_out_everywhere_leaves_the_session_of_the_request() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let others = [house.service.signed_in(&jan.id).await, house.service.signed_in(&jan.id).await];
    let token = house.admin.local_person(&jan.id, "userdata").await;
    token.get(ME).await.is(200);
    browser.delete(OWN).await.is(204);
    for other in &others {
        over(other).await;
    }
    browser.get(ME).await.is(200);
    assert_eq!(house.sessions(&browser).await.len(), 1);
    assert_eq!(token.get(ME).await.is(401).slug(), "unauthenticated", "what was issued before");
    // Again, with nobody else there.
    browser.delete(OWN).await.is(204);
    browser.get(ME).await.is(200);
    house.service.check().await;
}

#[tokio::test]
async fn g23_an_administrator_ends_all_sessions_of_a_person() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let (_, els) = house.guest("els").await;
    let path = jan.below("sessions");
    assert_eq!(super::items(&house.admin.get(&path).await.is(200).json()).len(), 1);
    house.admin.delete(&path).await.is(204);
    over(&browser).await;
    els.get(ME).await.is(200);
    assert_eq!(house.admin.get(&path).await.is(200).json(), json!({ "items": [] }));
    house.admin.delete(&path).await.is(204);
    let nobody = "/identity/users/0192f3c1-0000-7000-8000-00000000dead/sessions";
    house.admin.get(nobody).await.is(404);
    house.admin.delete(nobody).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g23_after_a_block_no_cookie_call_is_served_however_many_race_it() {
    let house = House::open().await;
    for round in 0..8 {
        let (jan, browser) = house.guest(&format!("jan{round}")).await;
        let instances = [browser.clone(), browser.on(&house.service.instance())];
        let mut racing = JoinSet::new();
        let mut writes = JoinSet::new();
        for i in 0..24 {
            let browser: &SignedIn = &instances[i % 2];
            racing.spawn(browser.get(ME).into_future());
            let patch = browser.patch(ME, json!({ "ui_locales": format!("nl-BE-x-r{i}") }));
            writes.spawn(patch.if_match("*").into_future());
            if i == 12 {
                let (admin, jan) = (house.admin.clone(), jan.clone());
                racing.spawn(async move { admin.act(&jan.below("block")).await });
            }
        }
        for answer in racing.join_all().await {
            assert!(matches!(answer.code(), 200 | 401), "{}", answer.text());
        }
        // The block is answered; of the writes some may still be under way.
        for browser in &instances {
            over(browser).await;
        }
        let blocked = house.admin.read(&jan.path).await;
        assert_eq!(blocked["status"], "BLOCKED");
        for answer in writes.join_all().await {
            assert!(matches!(answer.code(), 200 | 401 | 403), "{}", answer.text());
        }
        assert_eq!(house.admin.read(&jan.path).await["status"], "BLOCKED");
    }
    house.service.check().await;
}

#[tokio::test]
async fn g23_a_write_that_was_let_in_before_the_block_is_refused_after_it() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let gate = house.service.faults.hold("TransactWriteItems");
    let write = browser.patch(ME, json!({ "given_name": "Late" })).if_match("*");
    let late = tokio::spawn(write.into_future());
    gate.reached().await;
    block(&house.admin, &jan).await;
    gate.open();
    assert_eq!(late.await.unwrap().is(403).slug(), "user-blocked");
    assert_eq!(house.admin.read(&jan.path).await["given_name"], "Jan");
    house.service.check().await;
}

/// The id of the session of a browser.
async fn id_of(house: &House, browser: &SignedIn) -> String {
    let sessions = house.sessions(browser).await;
    let current = sessions.iter().find(|session| session["current"] == true).unwrap();
    current["id"].as_str().unwrap().to_owned()
}

/// Asserts that a person has no session of this id.
async fn none_of(house: &House, user: &Resource, id: &str) {
    let left = house.admin.get(&user.below("sessions")).await.is(200).json();
    assert!(items(&left).iter().all(|session| session["id"] != id), "{left}");
}

/// The calls of the table between which the person authenticates again: the request reads the
/// account, lists the sessions, and writes.
const CALLS: [&str; 3] = ["BatchGetItem", "Query", "TransactWriteItems"];

#[tokio::test]
async fn g24_a_session_ends_although_the_person_authenticates_again_meanwhile() {
    let house = House::open().await;
    for (round, (call, own)) in
        CALLS.into_iter().flat_map(|call| [(call, true), (call, false)]).enumerate()
    {
        let (jan, browser) = house.guest(&format!("jan{round}")).await;
        let other = house.service.signed_in(&jan.id).await;
        let id = id_of(&house, &browser).await;
        let end = if own {
            other.delete(&format!("{OWN}/{id}"))
        } else {
            house.admin.delete(&jan.below(&format!("sessions/{id}")))
        };
        let gate = house.service.faults.hold(call);
        let ending = tokio::spawn(end.into_future());
        gate.reached().await;
        let cookie = house.service.renew_session(&browser.cookie).await.unwrap();
        gate.open();
        ending.await.unwrap().is(204);
        over(&SignedIn { cookie, ..browser.clone() }).await;
        over(&browser).await;
        other.get(ME).await.is(200);
        none_of(&house, &jan, &id).await;
    }
    house.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g24_a_session_that_ends_is_not_left_under_another_secret_however_both_race() {
    let house = House::open().await;
    for round in 0..16 {
        let (jan, browser) = house.guest(&format!("jan{round}")).await;
        let id = id_of(&house, &browser).await;
        let end = house.admin.delete(&jan.below(&format!("sessions/{id}")));
        let (service, cookie) = (house.service.clone(), browser.cookie.clone());
        let renewing = tokio::spawn(async move { service.renew_session(&cookie).await });
        let ending = tokio::spawn(end.into_future());
        ending.await.unwrap().is(204);
        if let Some(cookie) = renewing.await.unwrap() {
            over(&SignedIn { cookie, ..browser.clone() }).await;
        }
        over(&browser).await;
        none_of(&house, &jan, &id).await;
    }
    house.service.check().await;
}

#[tokio::test]
async fn g24_an_end_that_is_refused_ends_no_refresh_tokens() {
    let house = House::open().await;
    let (boss, of_boss) = house.official("boss", Administrator).await;
    let (_, of_hugo) = house.official("hugo", Helpdesk).await;
    let (tenant, user) = (TENANT.parse().unwrap(), boss.id.parse().unwrap());
    let (sid, now) = (id_of(&house, &of_boss).await, house.service.clock.now());
    let (client, ends_at) = (house.admin.id.parse().unwrap(), now.plus_seconds(3600));
    let path = boss.below(&format!("sessions/{sid}"));
    let name = FamilyName { client, sid, created_at: now, ends_at };
    let table = &house.service.table;
    table.commit(vec![put_family_name(&tenant, user, "family", &name)]).await.unwrap();
    assert_eq!(of_hugo.delete(&path).await.is(403).slug(), "not-allowed");
    assert_eq!(table.family_names(&tenant, user).await.unwrap().len(), 1);
    of_boss.get(ME).await.is(200);
    house.admin.delete(&path).await.is(204);
    assert_eq!(table.family_names(&tenant, user).await.unwrap(), []);
}
