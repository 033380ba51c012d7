//! Races: one challenge, one passkey, the last way in.

use shared::domain::people::PasskeyFacts;
use tests::{Authenticator, Browser, Page};

use super::{ACCOUNT, ADD, Home, OPTIONS, PASSKEY, REMOVE, SIGN_IN, signed_in};

/// The answers of so many requests that are under way at once.
async fn together<F: Future>(requests: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    futures_util::future::join_all(requests).await
}

#[tokio::test]
async fn g53_of_fifty_uses_of_one_challenge_one_signs_in() {
    let (home, mut phone) = Home::with(Authenticator::synced()).await;
    let browser = home.stranger();
    let page = browser.get(SIGN_IN).await.is(200);
    let answer = phone.get(&browser.call("POST", OPTIONS).await.is(200).json());
    let fields = [("credential", &*answer)];
    let pages = together((0..50).map(|_| browser.submit_form(&page, PASSKEY, &fields))).await;
    let count = |code| pages.iter().filter(|page| page.answer.code() == code).count();
    assert_eq!((count(200), count(422)), (1, 49));
}

#[tokio::test]
async fn g53_of_fifty_uses_of_one_challenge_one_adds_a_passkey() {
    let home = Home::open().await;
    let options = home.creation_options().await;
    let page = home.browser.get(ACCOUNT).await.is(200);
    let answers: Vec<_> = (0..50).map(|_| Authenticator::new("ES256").create(&options)).collect();
    let (browser, page) = (&home.browser, &page);
    let send = |answer: &'_ String| {
        let answer = answer.clone();
        async move {
            let fields = [("credential", &*answer), ("name", "phone")];
            browser.submit_form(page, ADD, &fields).await
        }
    };
    let pages = together(answers.iter().map(send)).await;
    assert_eq!(pages.iter().filter(|page| page.answer.code() == 422).count(), 49);
    assert_eq!(home.passkeys().await.len(), 1);
    home.service.check().await;
}

#[tokio::test]
async fn g53_two_sign_ins_with_one_counter_are_one() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let mut requests = Vec::new();
    for _ in 0..8 {
        let browser = home.stranger();
        let page = browser.get(SIGN_IN).await.is(200);
        phone.counter = Some(0);
        let answer = phone.get(&browser.call("POST", OPTIONS).await.is(200).json());
        requests.push((browser, page, answer));
    }
    let send = |(browser, page, answer): (Browser, Page, String)| async move {
        browser.submit_form(&page, PASSKEY, &[("credential", &answer)]).await
    };
    let pages = together(requests.into_iter().map(send)).await;
    let good = pages.iter().filter(|page| page.answer.code() == 200).count();
    assert_eq!(good, 1);
}

#[tokio::test]
async fn g55_two_removals_at_once_leave_a_way_in() {
    let home = Home::open().await;
    home.add(&mut Authenticator::new("ES256"), "phone").await;
    home.add(&mut Authenticator::new("EdDSA"), "key").await;
    let page = home.browser.get(ACCOUNT).await.is(200);
    let passkeys = home.passkeys().await;
    let remove = |passkey: &PasskeyFacts| {
        let (page, browser, id) = (page.clone(), home.browser.clone(), passkey.id.to_string());
        async move { browser.submit_form(&page, REMOVE, &[("id", &id)]).await }
    };
    let pages = together(passkeys.iter().map(remove)).await;
    let mut codes: Vec<_> = pages.iter().map(|page| page.answer.code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [200, 422]);
    assert_eq!(home.passkeys().await.len(), 1);
    home.service.check().await;
}

#[tokio::test]
async fn g53_one_passkey_that_two_people_add_at_once_has_one_holder() {
    let home = Home::open().await;
    let an = home.service.crm().await.create(super::USERS, tests::person("an")).await;
    let other = signed_in(&home.service, &an.id).await;
    let mut phone = Authenticator::new("ES256");
    let mine = phone.create(&home.creation_options().await);
    let theirs = phone.create(&other.call("POST", super::ADD_OPTIONS).await.is(200).json());
    let sends =
        [(home.browser.clone(), mine), (other, theirs)].map(|(browser, answer)| async move {
            let page = browser.get(ACCOUNT).await.is(200);
            let fields = [("credential", &*answer), ("name", "phone")];
            browser.submit_form(&page, ADD, &fields).await
        });
    let sent = together(sends).await;
    let mut codes: Vec<_> = sent.iter().map(|page| page.answer.code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [200, 422]);
    home.service.check().await;
}
