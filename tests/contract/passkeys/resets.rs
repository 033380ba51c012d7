//! A reset of the password that removes the passkeys, among other requests and under faults (rule
//! G49), and sessions that are ended while they change passkeys (rule G24).

use shared::domain::people::LinkKind;
use tests::{Authenticator, Browser, Fault, Page};
use tokio::task::JoinSet;

use super::{
    ACCOUNT, ADD, Home, OPTIONS, PASSKEY, REMOVE, SESSIONS, SIGN_IN, assert_refused,
    assert_signed_in, facts_of, sign_in, signed_in,
};

const LINK: &str = "/idhub/login/link";
/// What the person sends by the page of the link.
const FIELDS: [(&str, &str); 3] =
    [("act", "password"), ("new_password", "wagon lemon orbit thirteen"), ("remove_passkeys", "1")];

/// The page of a new link that resets the password, in a browser that is not signed in.
async fn page_of_link(home: &Home) -> (Browser, Page, String) {
    let link = home.service.give_link(&home.user.id, LinkKind::Reset).await.to_string();
    let browser = home.stranger();
    let page = browser.get(LINK).await.is(200);
    let page = browser.submit_form(&page, LINK, &[("link", &link)]).await.is(200);
    (browser, page, link)
}

/// Resets the password and removes all passkeys.
async fn reset(home: &Home) {
    let (browser, page, _) = page_of_link(home).await;
    browser.submit_form(&page, LINK, &FIELDS).await.is(200);
}

#[tokio::test]
async fn g49_a_passkey_that_a_reset_removed_signs_nobody_in() {
    let home = Home::with_password().await;
    let (mut phone, mut strange) = (Authenticator::new("ES256"), Authenticator::synced());
    home.add(&mut phone, "phone").await;
    home.add(&mut strange, "strange").await;
    let browser = home.stranger();
    assert_signed_in(&sign_in(&browser, &mut strange).await);
    reset(&home).await;
    browser.call("GET", SESSIONS).await.is(401);
    for mut authenticator in [phone, strange] {
        let browser = home.stranger();
        assert_refused(&sign_in(&browser, &mut authenticator).await, &browser);
    }
    home.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g49_a_passkey_that_is_added_during_a_reset_does_not_stay() {
    let home = Home::with_password().await;
    home.add(&mut Authenticator::new("ES256"), "phone").await;
    let answer = Authenticator::new("ES256").create(&home.creation_options().await);
    let page = home.browser.get(ACCOUNT).await.is(200);
    let token = page.form(ADD).value("form_token").unwrap();
    let fields = [("credential", &*answer), ("name", "second"), ("form_token", token)];
    let add = home.browser.call("POST", ADD).form(&fields);
    // The session was good when the request began, and is over when it writes.
    home.service.faults.reset();
    let gate = home.service.faults.hold("TransactWriteItems");
    let adding = tokio::spawn(add.into_future());
    gate.reached().await;
    reset(&home).await;
    gate.open();
    let answer = adding.await.unwrap().is(303);
    let location = answer.header("location").unwrap();
    assert!(location.starts_with("/idhub/login/acme?prompt=login"), "{location}");
    assert!(home.passkeys().await.is_empty());
    home.service.check().await;
}

#[tokio::test]
async fn g24_a_session_that_is_ended_by_itself_adds_no_passkey_and_removes_none() {
    for adds in [true, false] {
        let home = Home::with_password().await;
        home.add(&mut Authenticator::new("ES256"), "phone").await;
        let id = home.passkeys().await[0].id.to_string();
        let answer = Authenticator::new("ES256").create(&home.creation_options().await);
        let owner = signed_in(&home.service, &home.user.id).await;
        let page = home.browser.get(ACCOUNT).await.is(200);
        let token = page.form(ADD).value("form_token").unwrap();
        let added = [("credential", &*answer), ("name", "second"), ("form_token", token)];
        let removed = [("id", &*id), ("form_token", token)];
        let call = if adds {
            home.browser.call("POST", ADD).form(&added)
        } else {
            home.browser.call("POST", REMOVE).form(&removed)
        };
        // The session was good when the request began, and the person ends it alone.
        let gate = home.service.faults.hold("TransactWriteItems");
        let acting = tokio::spawn(call.into_future());
        gate.reached().await;
        let of_owner = owner.get(ACCOUNT).await.is(200);
        owner.submit_form(&of_owner, "/idhub/account/sessions/end", &[]).await.is(200);
        gate.open();
        let answer = acting.await.unwrap().is(303);
        let location = answer.header("location").unwrap();
        assert!(location.starts_with("/idhub/login/acme?prompt=login"), "{adds}: {location}");
        let names: Vec<_> = home.passkeys().await.into_iter().map(|held| held.name).collect();
        assert_eq!(names, ["phone"], "{adds}");
        owner.call("GET", SESSIONS).await.is(200);
        home.service.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g49_sign_ins_that_race_a_reset_leave_nobody_signed_in() {
    for _ in 0..4 {
        let home = Home::with_password().await;
        let mut phone = Authenticator::synced();
        home.add(&mut phone, "phone").await;
        let (browser, page, _) = page_of_link(&home).await;
        let mut running = JoinSet::new();
        for n in 0..4 {
            let browser = home.stranger();
            let page = browser.get(SIGN_IN).await.is(200);
            let options = browser.call("POST", OPTIONS).await.is(200).json();
            let answer = phone.get(&options);
            running.spawn(async move {
                for _ in 0..n {
                    tokio::task::yield_now().await;
                }
                // Too many writers at once is no sign-in.
                browser.submit_form(&page, PASSKEY, &[("credential", &answer)]).await;
                browser
            });
        }
        let resetting = browser.submit_form(&page, LINK, &FIELDS);
        let (browsers, done) = tokio::join!(running.join_all(), resetting);
        done.is(200);
        for browser in browsers {
            browser.call("GET", SESSIONS).await.is(401);
        }
        assert!(home.passkeys().await.is_empty());
        home.service.check().await;
    }
}

#[tokio::test(start_paused = true)]
async fn i3_a_reset_under_a_fault_removes_the_passkeys_with_the_password_or_not_at_all() {
    let home = Home::with_password().await;
    home.add(&mut Authenticator::new("ES256"), "phone").await;
    home.add(&mut Authenticator::new("EdDSA"), "key").await;
    let (browser, page, link) = page_of_link(&home).await;
    let snapshot = home.service.snapshot();
    let calls = {
        let copy = snapshot.start();
        copy.faults.reset();
        browser.copy().on(&copy).submit_form(&page, LINK, &FIELDS).await.is(200);
        copy.faults.operations().len()
    };
    for call in 0..calls {
        for fault in [Fault::Unreachable, Fault::Lost, Fault::Throttled, Fault::Conflict(0)] {
            let what = format!("{fault:?} at {call}");
            let copy = snapshot.start();
            copy.faults.reset();
            copy.faults.at(call, fault);
            let answer = browser.copy().on(&copy).submit_form(&page, LINK, &FIELDS).await;
            copy.faults.reset();
            copy.check().await;
            let left = copy.table.find_link(&link.parse().unwrap()).await.unwrap().is_some();
            let passkeys = facts_of(&copy, &home.user.id).await.len();
            assert_eq!(passkeys, if left { 2 } else { 0 }, "{what}");
            let code = answer.answer.code();
            assert!(matches!((code, left), (200, false) | (503, _)), "{what}: {code} {left}");
        }
    }
}
