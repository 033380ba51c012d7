//! Guesses are slowed down, and nobody is locked out (rules G34 to G36).

use futures_util::future::join_all;
use shared::domain::people::Throttle;
use tests::{Answer, Browser, Page, Service, TENANT};

use super::{PASSWORD, WRONG, start};

const ACTION: &str = "/idhub/login/password";

/// A browser with the sign-in page.
async fn open(service: &Service, address: &str) -> (Browser, Page) {
    let browser = Browser::new(service).from(address);
    let page = browser.get("/idhub/login/acme?prompt=login").await.is(200);
    (browser, page)
}

/// One guess.
async fn guess(browser: &Browser, page: &Page, username: &str, password: &str) -> Answer {
    let form = page.form(ACTION);
    let fields = [
        ("state", form.value("state").unwrap()),
        ("form_token", form.value("form_token").unwrap()),
        ("username", username),
        ("password", password),
    ];
    let call = browser.request("POST", ACTION).header("origin", "https://kith.example");
    call.form(&fields).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g34_a_thousand_guesses_at_once_compute_at_most_six_hashes() {
    let (service, ..) = start().await;
    let (browser, page) = open(&service, "192.0.2.1").await;
    let guesses = (0..1000).map(|i| {
        let browser = browser.clone().from(&format!("198.51.{}.{}", i / 250, i % 250));
        let page = &page;
        async move { guess(&browser, page, "jan", WRONG).await }
    });
    let answers = join_all(guesses).await;
    let hashes: u64 = answers.iter().map(|answer| answer.units.hashes).sum();
    assert!((1..=6).contains(&hashes), "{hashes} hashes");
    assert!(answers.iter().all(|answer| answer.code() == 422));
    assert!(answers.iter().all(|answer| answer.units.hashes <= 1));
}

#[tokio::test]
async fn g35_waits_begin_after_the_sixth_failure_and_double() {
    let (service, ..) = start().await;
    let (browser, page) = open(&service, "192.0.2.1").await;
    for _ in 0..6 {
        assert_eq!(guess(&browser, &page, "jan", WRONG).await.units.hashes, 1);
    }
    for wait in [1, 2, 4, 8] {
        service.clock.advance(wait - 1);
        let early = guess(&browser, &page, "jan", PASSWORD).await;
        assert_eq!((early.code(), early.units.hashes), (422, 0), "G36: it is not tried");
        service.clock.advance(1);
        assert_eq!(guess(&browser, &page, "jan", WRONG).await.units.hashes, 1);
    }
    // Others, and this browser at another username, are not slowed down.
    service.member("eva", PASSWORD).await;
    assert_eq!(guess(&browser, &page, "eva", PASSWORD).await.code(), 303);
    service.clock.advance(16);
    assert_eq!(guess(&browser, &page, "jan", PASSWORD).await.code(), 303);
    // The success clears the counter.
    for _ in 0..6 {
        let (browser, page) = open(&service, "192.0.2.1").await;
        assert_eq!(guess(&browser, &page, "jan", WRONG).await.units.hashes, 1);
    }
}

#[tokio::test]
async fn g35_a_hundred_wrong_passwords_by_strangers_never_stop_a_known_device() {
    let (service, ..) = start().await;
    let known = service.browser_of("jan", PASSWORD).await.from("192.0.2.1");
    known.forget_session();
    // The strangers are in the same network as the person.
    let mut hashes = 0;
    for turn in 0..100 {
        let (stranger, page) = open(&service, "192.0.2.1").await;
        hashes += guess(&stranger, &page, "jan", WRONG).await.units.hashes;
        let wait: i64 = if (5..15).contains(&turn) { 1 << (turn - 5) } else { 900 };
        service.clock.advance(if turn < 5 { 0 } else { wait });
    }
    assert_eq!(hashes, 100);
    // Strangers are closed out, with the right password too, however long they wait.
    service.clock.advance(60 * 24 * 3600);
    let (stranger, page) = open(&service, "203.0.113.9").await;
    let closed = guess(&stranger, &page, "jan", PASSWORD).await;
    assert_eq!((closed.code(), closed.units.hashes), (422, 0));
    // The person is not, in the browser that is known; and that opens the counter.
    known.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    let (stranger, page) = open(&service, "203.0.113.9").await;
    assert_eq!(guess(&stranger, &page, "jan", PASSWORD).await.code(), 303);
}

#[tokio::test]
async fn g35_a_browser_stays_known_when_its_person_signs_the_others_out() {
    let (service, ..) = start().await;
    let new = "seven violet kettles whistle";
    let (known, other) =
        (service.browser_of("jan", PASSWORD).await, service.browser_of("jan", PASSWORD).await);
    let page = known.get("/idhub/account").await.is(200);
    known.submit_form(&page, "/idhub/account/sessions/end", &[("others", "1")]).await.is(200);
    let fields = [("current_password", PASSWORD), ("new_password", new)];
    known.submit_form(&page, "/idhub/account/password", &fields).await.is(200);
    for _ in 0..100 {
        let granted = service.table.reserve_attempt("strangers\nacme\njan", &Throttle::STRANGERS);
        assert!(granted.await.unwrap().is_granted());
        service.clock.advance(900);
    }
    // The other browser has become a stranger's, and strangers are closed out.
    for (browser, status) in [(&other, 422), (&known, 200)] {
        browser.forget_session();
        browser.sign_in(TENANT, "jan", new).await.is(status);
    }
}

#[tokio::test]
async fn g35_a_known_device_has_a_counter_of_its_own() {
    let (service, ..) = start().await;
    let known = service.browser_of("jan", PASSWORD).await;
    let other = service.browser_of("jan", PASSWORD).await;
    for browser in [&known, &other] {
        browser.forget_session();
    }
    for _ in 0..6 {
        let page = known.sign_in(TENANT, "jan", WRONG).await.is(422);
        assert_eq!(page.answer.units.hashes, 1);
    }
    // A stolen device is slowed down too.
    let page = known.sign_in(TENANT, "jan", PASSWORD).await.is(422);
    assert_eq!(page.answer.units.hashes, 0);
    // Another device of the person is not, and strangers are not.
    other.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    let (stranger, page) = open(&service, "203.0.113.9").await;
    assert_eq!(guess(&stranger, &page, "jan", PASSWORD).await.code(), 303);
    service.clock.advance(1);
    known.sign_in(TENANT, "jan", PASSWORD).await.is(200);
}

#[tokio::test]
async fn g36_only_the_network_is_told_to_wait() {
    let (service, ..) = start().await;
    let known = service.browser_of("jan", PASSWORD).await.from("2001:db8:1:100::1");
    let (browser, page) = open(&service, "2001:db8:1:100::2").await;
    for i in 0..100 {
        let answer = guess(&browser, &page, &format!("nobody{i}"), WRONG).await;
        assert_eq!((answer.code(), answer.header("retry-after")), (422, None), "{i}");
    }
    service.clock.advance(60);
    for username in ["jan", "absent"] {
        // Another address of the same subscriber.
        let browser = browser.clone().from("2001:db8:1:1ff::3");
        let answer = guess(&browser, &page, username, PASSWORD).await;
        assert_eq!((answer.code(), answer.header("retry-after")), (429, Some("840")), "{username}");
        assert_eq!(answer.units.hashes, 0);
    }
    // Not another network, not a browser that is known, and not for ever.
    let (elsewhere, other) = open(&service, "2001:db8:1:200::1").await;
    assert_eq!(guess(&elsewhere, &other, "jan", PASSWORD).await.code(), 303);
    known.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    service.clock.advance(840);
    assert_eq!(guess(&browser, &page, "jan", PASSWORD).await.code(), 303);
}

#[tokio::test]
async fn g36_a_refusal_tells_nothing_of_the_counter_or_of_the_account() {
    let (service, ..) = start().await;
    let (browser, page) = open(&service, "192.0.2.1").await;
    for round in 0..8 {
        let known = guess(&browser, &page, "jan", WRONG).await;
        let unknown = guess(&browser, &page, "eva", WRONG).await;
        let hashes = u64::from(round < 6);
        for answer in [&known, &unknown] {
            assert_eq!((answer.code(), answer.units.hashes), (422, hashes), "{round}");
            assert_eq!(answer.header("retry-after"), None);
        }
        assert_eq!(known.body.len(), unknown.body.len());
        assert_eq!(known.cost(), unknown.cost(), "{round}");
    }
}
