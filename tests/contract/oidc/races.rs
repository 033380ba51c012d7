//! Block, unlink, sign-out and forget race exchanges and refreshes (rules G6, G14, G23): whoever
//! comes first, nothing is left afterwards.

use tests::{Answer, Call, Client, TENANT};

use super::{Scene, closed, refused};
use crate::races::{at_once, count};

/// The acts that end every sign-in of a person.
const ACTS: [&str; 4] = ["block", "unlink", "sign-out", "forget"];

fn act(scene: &Scene, admin: &Client, what: &str) -> Call {
    match what {
        "block" => admin.act(&scene.jan.below("block")),
        "unlink" => admin.act(&scene.jan.below("principals/system/unlink")),
        "sign-out" => admin.delete(&scene.jan.below("sessions")),
        _ => admin.delete(&scene.jan.path).if_match("*"),
    }
}

/// Asserts that tokens that a racing request got are worth nothing.
async fn worthless(scene: &Scene, answer: &Answer, what: &str) {
    if answer.code() == 200 {
        closed(&scene.app.userinfo(&answer.field("access_token")).await);
        refused(&scene.app.refresh(&answer.field("refresh_token")).await, "invalid_grant");
    } else {
        assert_eq!(answer.json()["error"], "invalid_grant", "{what}");
    }
    if what == "forget" {
        scene.service.sweep().await;
        let items = scene.service.items().await;
        let left = |item: &&String| {
            (item.contains("R#") || item.contains("#SE#")) && item.contains(&scene.jan.id)
        };
        assert_eq!(items.iter().find(left), None);
    }
    scene.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g23_after_an_act_that_races_an_exchange_nothing_is_left() {
    for what in ACTS {
        for _ in 0..4 {
            let scene = Scene::open().await;
            let give = scene.app.code_of(&scene.jan.id, "openid offline_access");
            let code = scene.service.give_code(&give).await;
            let other = scene.app.on(&scene.service.instance());
            let calls = [other.exchange(&code), act(&scene, &scene.admin, what)];
            let answers = at_once(calls).await;
            assert!(answers.iter().any(|answer| matches!(answer.code(), 200 | 204)), "{what}");
            let exchanged = answers
                .iter()
                .find(|answer| answer.code() == 400 || answer.text().contains("access_token"));
            worthless(&scene, exchanged.expect("the exchange"), what).await;
        }
    }
}

/// Acts while a request of the app waits with its write, an operation on items whose keys name
/// this. The tokens that the app then gets are worth nothing.
async fn act_before_its_write(
    scene: &Scene,
    request: Call,
    operation: &'static str,
    naming: &str,
    what: &str,
) {
    let gate = scene.service.faults.hold_naming(operation, naming);
    let request = tokio::spawn(request.into_future());
    gate.reached().await;
    let done = act(scene, &scene.admin, what).await;
    assert!(matches!(done.code(), 200 | 204), "{what}: {}", done.text());
    scene.service.faults.mend(naming);
    gate.open();
    worthless(scene, &request.await.unwrap(), what).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g23_an_act_between_the_checks_of_an_exchange_and_its_writes_wins() {
    for what in ACTS {
        let scene = Scene::open().await;
        let give = scene.app.code_of(&scene.jan.id, "openid offline_access");
        let code = scene.service.give_code(&give).await;
        let exchange = scene.app.exchange(&code);
        act_before_its_write(&scene, exchange, "TransactWriteItems", "#OC#", what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g15_a_withdrawal_between_the_checks_of_an_exchange_and_its_writes_wins() {
    let scene = Scene::open().await;
    let (user, client) = (&scene.jan.id, &scene.app.id);
    let code = scene.service.give_code(&scene.app.code_of(user, "openid offline_access")).await;
    let gate = scene.service.faults.hold_naming("TransactWriteItems", "#OC#");
    let exchange = tokio::spawn(scene.app.exchange(&code).into_future());
    gate.reached().await;
    assert!(scene.service.withdraw_from_client(user, client).await);
    scene.service.faults.mend("#OC#");
    gate.open();
    refused(&exchange.await.unwrap(), "invalid_grant");
    let (tenant, user) = (TENANT.parse().unwrap(), user.parse().unwrap());
    assert_eq!(scene.service.table.family_names(&tenant, user).await.unwrap(), []);
    scene.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g15_after_a_withdrawal_that_races_an_exchange_no_refresh_token_is_left() {
    for _ in 0..4 {
        let scene = Scene::open().await;
        let (user, client) = (scene.jan.id.clone(), scene.app.id.clone());
        let give = scene.app.code_of(&user, "openid offline_access");
        let code = scene.service.give_code(&give).await;
        let exchange = scene.app.on(&scene.service.instance()).exchange(&code);
        let exchanging = tokio::spawn(exchange.into_future());
        let service = scene.service.clone();
        let withdrawing =
            tokio::spawn(async move { service.withdraw_from_client(&user, &client).await });
        let exchanged = exchanging.await.unwrap();
        assert!(withdrawing.await.unwrap());
        if exchanged.code() == 200 {
            let token = exchanged.field("refresh_token");
            refused(&scene.app.refresh(&token).await, "invalid_grant");
        } else {
            refused(&exchanged, "invalid_grant");
        }
        scene.service.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g23_an_act_between_the_checks_of_a_refresh_and_its_write_wins() {
    for what in ACTS {
        let scene = Scene::open().await;
        let token = scene.sign_in("openid offline_access").await.field("refresh_token");
        let refresh = scene.app.refresh(&token);
        act_before_its_write(&scene, refresh, "PutItem", "R#", what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g14_of_fifty_uses_of_one_refresh_token_all_get_the_same_successor() {
    let scene = Scene::open().await;
    let token = scene.sign_in("openid offline_access").await.field("refresh_token");
    let apps: Vec<_> = (0..5).map(|_| scene.app.on(&scene.service.instance())).collect();
    let answers = at_once((0..50).map(|n| apps[n % 5].refresh(&token))).await;
    // Within the time of grace each is an answer that may have been lost.
    assert_eq!(count(&answers, &[200]), [50]);
    let mut next: Vec<_> = answers.iter().map(|answer| answer.field("refresh_token")).collect();
    next.dedup();
    assert_eq!(next.len(), 1);
    scene.app.refresh(&next[0]).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g7_a_second_use_that_races_refreshes_ends_the_family() {
    for _ in 0..4 {
        let scene = Scene::open().await;
        let give = scene.app.code_of(&scene.jan.id, "openid offline_access");
        let code = scene.service.give_code(&give).await;
        let token = scene.app.exchange(&code).await.is(200).field("refresh_token");
        let other = scene.app.on(&scene.service.instance());
        let answers = at_once([other.exchange(&code), scene.app.refresh(&token)]).await;
        for answer in answers.iter().filter(|answer| answer.code() == 200) {
            let next = answer.field("refresh_token");
            refused(&scene.app.refresh(&next).await, "invalid_grant");
        }
        refused(&scene.app.refresh(&token).await, "invalid_grant");
        scene.service.check().await;
    }
}
