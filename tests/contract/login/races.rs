//! Sign-ins that meet a block, a reset, an unlinking or an erasure (rules G23, G45): no session is
//! left.

use futures_util::future::join_all;
use serde_json::json;
use tests::{Browser, Call, Client, Gate, Page, Resource, Service, TENANT};

use super::{PASSWORD, sessions, start};

/// What happens to the person at the moment of the sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Block,
    Reset,
    Unlink,
    Forget,
}

impl Act {
    const ALL: [Self; 4] = [Self::Block, Self::Reset, Self::Unlink, Self::Forget];

    fn call(self, crm: &Client, jan: &Resource) -> Call {
        match self {
            Self::Block => crm.act(&jan.below("block")),
            Self::Reset => crm.post(&jan.below("temporary-password"), json!({})).if_match("*"),
            Self::Unlink => crm.act(&jan.below("principals/system/unlink")),
            Self::Forget => crm.delete(&jan.path),
        }
    }
}

/// Signs in on a page while the act happens at the gate. Gives the page that comes then.
async fn sign_in_around(gate: &Gate, act: Call, browser: &Browser, page: Page) -> Page {
    let browser = browser.clone();
    let signing_in = tokio::spawn(async move { browser.enter(&page, "jan", PASSWORD).await });
    gate.reached().await;
    let acted = act.await;
    assert!(acted.status.is_success(), "{}", acted.text());
    gate.open();
    signing_in.await.unwrap()
}

/// Asserts that a browser is not signed in, whatever the page says that it has.
async fn is_out(service: &Service, browser: &Browser, jan: &Resource, what: &str) {
    if let Some(cookie) = browser.cookie("session") {
        assert!(cookie.contains(&jan.id), "{what}");
        browser.call("GET", "/identity/me").await.is(401);
        let page = browser.get("/idhub/login/acme").await;
        assert!(page.has_form("/idhub/login/password"), "{what}");
    }
    service.check().await;
}

#[tokio::test]
async fn g23_an_act_between_verification_and_session_leaves_no_session() {
    for act in Act::ALL {
        let (service, jan, _) = start().await;
        let crm = service.crm().await;
        // The person has signed in before: nothing but the session is new.
        let first = service.browser_of("jan", PASSWORD).await;
        let browser = Browser::new(&service);
        let page = browser.get("/idhub/login/acme").await.is(200);
        let gate = service.faults.hold("TransactWriteItems");
        let page = sign_in_around(&gate, act.call(&crm, &jan), &browser, page).await;
        let expected = if act == Act::Block { 403 } else { 422 };
        assert_eq!(page.answer.code(), expected, "{act:?}");
        assert_eq!(browser.cookie("session"), None, "{act:?}");
        is_out(&service, &first, &jan, &format!("{act:?}")).await;
        if act == Act::Forget {
            assert_eq!(sessions(&service, &jan).await, 0);
        }
    }
}

#[tokio::test]
async fn g23_an_act_between_session_and_answer_ends_the_session() {
    for act in Act::ALL {
        let (service, jan, client) = start().await;
        let crm = service.crm().await;
        let browser = Browser::new(&service);
        let page = browser.get(&super::request(&client, &[])).await.is(200);
        // The code is written after the session.
        let gate = service.faults.hold_naming("PutItem", "#OC#");
        let page = sign_in_around(&gate, act.call(&crm, &jan), &browser, page).await;
        is_out(&service, &browser, &jan, &format!("{act:?}")).await;
        // The code is worth nothing either.
        client.exchange(&page.code()).await.is(400);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g23_however_sign_ins_and_acts_interleave_nobody_is_in_afterwards() {
    for (round, act) in (0..8).zip(Act::ALL.into_iter().cycle()) {
        let (service, jan, _) = start().await;
        let crm = service.crm().await;
        let browsers: Vec<_> = (0..4).map(|_| Browser::new(&service)).collect();
        let signing_in = browsers.iter().map(|browser| async {
            let page = browser.get("/idhub/login/acme").await.is(200);
            browser.enter(&page, "jan", PASSWORD).await
        });
        let acting = async {
            for _ in 0..200 * round {
                tokio::task::yield_now().await;
            }
            act.call(&crm, &jan).await
        };
        let (pages, acted) = tokio::join!(join_all(signing_in), acting);
        assert!(acted.status.is_success(), "{act:?}: {}", acted.text());
        for page in pages {
            assert!(matches!(page.answer.code(), 200 | 401 | 403 | 404 | 422), "{}", page.text());
        }
        for browser in &browsers {
            is_out(&service, browser, &jan, &format!("{act:?} in round {round}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g18_many_sign_ins_at_once_each_have_a_session() {
    let (service, jan, _) = start().await;
    let browsers: Vec<_> = (0..5).map(|_| Browser::new(&service)).collect();
    let pages = join_all(browsers.iter().map(|b| b.sign_in(TENANT, "jan", PASSWORD))).await;
    for page in pages {
        page.is(200);
    }
    assert_eq!(sessions(&service, &jan).await, 5);
    for browser in &browsers {
        browser.call("GET", "/identity/me").await.is(200);
    }
    service.check().await;
}

#[tokio::test]
async fn g6_a_code_of_a_person_who_was_blocked_meanwhile_is_worth_nothing() {
    let (service, jan, client) = start().await;
    let page = super::sign_in(&Browser::new(&service), &client, &[]).await;
    service.crm().await.act(&jan.below("block")).await.is(200);
    client.exchange(&page.code()).await.is(400);
}
