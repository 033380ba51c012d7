//! The state of a page and the checks of its form (rules G13, G19).

use tests::{Browser, Page, REDIRECT_URI};

use super::{PASSWORD, asks_to_sign_in, request, session_of, sign_in, start};

const ACTION: &str = "/idhub/login/password";

/// The fields of the sign-in page, filled.
fn filled(page: &Page) -> Vec<(&str, &str)> {
    let form = page.form(ACTION);
    let hidden = |name: &'static str| (name, form.value(name).unwrap());
    vec![hidden("state"), hidden("form_token"), ("username", "jan"), ("password", PASSWORD)]
}

#[tokio::test]
async fn g13_three_tabs_each_end_at_their_own_client() {
    let (service, _, client) = start().await;
    let other = service
        .person_client(|client| {
            client.first_party = true;
            client.redirect_uris = vec!["https://other.example/callback".to_owned()];
        })
        .await;
    let browser = Browser::new(&service);
    let first = browser.get(&request(&client, &[("state", "1")])).await.is(200);
    let ask = [("redirect_uri", "https://other.example/callback"), ("state", "2")];
    let second = browser.get(&request(&other, &ask)).await.is(200);
    let third = browser.get("/idhub/login/acme").await.is(200);
    let second = browser.enter(&second, "jan", PASSWORD).await;
    assert!(second.sent_to().starts_with("https://other.example/callback?code="));
    assert_eq!(second.parameter("state").as_deref(), Some("2"));
    let third = browser.enter(&third, "jan", PASSWORD).await.is(200);
    assert_eq!(third.url, "/idhub/account");
    let first = browser.enter(&first, "jan", PASSWORD).await;
    assert_eq!(first.parameter("state").as_deref(), Some("1"));
    client.exchange(&first.code()).await.is(200);
    service.check().await;
}

#[tokio::test]
async fn g13_back_and_a_double_submit_end_signed_in() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let ask = request(&client, &[]);
    let page = browser.get(&ask).await.is(200);
    let (one, two) =
        tokio::join!(browser.enter(&page, "jan", PASSWORD), browser.enter(&page, "jan", PASSWORD));
    assert_ne!(one.code(), two.code());
    for page in [one, two] {
        client.exchange(&page.code()).await.is(200);
    }
    // Back: the browser asks for the page again, because it has not stored it.
    browser.get(&ask).await.code();
}

#[tokio::test]
async fn u16_a_form_that_is_refused_leads_to_the_page_that_shows_it() {
    let (service, ..) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    for (path, next) in [
        ("/idhub/account/address/cancel", "/idhub/account"),
        ("/idhub/login/forgot?tenant=acme", "/idhub/login/forgot?tenant=acme"),
        ("/idhub/login/link", "/idhub/login/link"),
    ] {
        let page = browser.post(path, &[("form_token", "AAAA")]).await.is(400);
        assert!(page.text().contains(&format!("<a href=\"{next}\">")), "{path}: {}", page.text());
    }
}

#[tokio::test]
async fn g13_a_page_that_is_too_old_leads_to_a_new_one() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get(&request(&client, &[])).await.is(200);
    service.clock.advance(30 * 60);
    let old = browser.enter(&page, "jan", PASSWORD).await.is(400);
    assert_eq!(old.location, None);
    assert_eq!(browser.cookie("session"), None);
    let link = old.text().split("href=\"").find(|part| part.starts_with("/idhub/oidc"));
    let link = link.and_then(|part| part.split('"').next()).expect("a link to start again");
    let page = browser.get(&link.replace("&amp;", "&")).await.is(200);
    browser.enter(&page, "jan", PASSWORD).await.code();
}

#[tokio::test]
async fn g13_the_service_stores_nothing_before_the_sign_in() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    // The keys of pages are made by the first one.
    browser.get(&request(&client, &[])).await.is(200);
    let before = service.items().await.len();
    let page = browser.get(&request(&client, &[])).await.is(200);
    assert_eq!(page.answer.cost().1, 0.0);
    assert_eq!(service.items().await.len(), before);
}

#[tokio::test]
async fn g13_a_state_is_sealed_and_bound_to_the_browser() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get(&request(&client, &[("state", "zandloper")])).await.is(200);
    let state = page.form(ACTION).value("state").unwrap().to_owned();
    assert!(!state.contains("zandloper"));
    let mut damaged = state.clone();
    damaged.replace_range(20..21, if &state[20..21] == "A" { "B" } else { "A" });
    for wrong in [damaged.as_str(), "x", &state[..20]] {
        let answer = browser.submit(&page, &[("state", wrong)]).await.is(400);
        assert_eq!((answer.location, browser.cookie("session")), (None, None));
    }
    // Another browser with the page of this one.
    let other = Browser::new(&service);
    other.get("/idhub/login/acme").await.is(200);
    let answer = other.post(ACTION, &filled(&page)).await.is(400);
    assert_eq!((answer.location, other.cookie("session")), (None, None));
}

#[tokio::test]
async fn g19_a_form_of_another_site_signs_nobody_in() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get(&request(&client, &[])).await.is(200);
    let fields = filled(&page);
    let call = || browser.request("POST", ACTION).form(&fields);
    let base = "https://kith.example";
    for (origin, site, status) in [
        (Some(base), Some("same-origin"), 303),
        (Some(base), None, 303),
        (None, None, 403),
        (None, Some("same-origin"), 403),
        (Some("https://evil.example"), Some("cross-site"), 403),
        (Some("https://evil.example"), None, 403),
        (Some("https://kith.example.evil.example"), None, 403),
        (Some("http://kith.example"), None, 403),
        (Some(base), Some("cross-site"), 403),
        (Some(base), Some("same-site"), 403),
        (Some("null"), None, 403),
    ] {
        let mut call = call();
        for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
            if let Some(value) = value {
                call = call.header(name, value);
            }
        }
        let answer = call.await;
        assert_eq!(answer.code(), status, "{origin:?} {site:?}");
        assert_eq!(answer.headers.get("set-cookie").is_some(), status == 303);
    }
}

#[tokio::test]
async fn g19_the_token_of_a_form_is_bound_to_the_browser() {
    let (service, ..) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get("/idhub/login/acme").await.is(200);
    let token = page.form(ACTION).value("form_token").unwrap().to_owned();
    let other = Browser::new(&service);
    let others = other.get("/idhub/login/acme").await.is(200);
    let others = others.form(ACTION).value("form_token").unwrap().to_owned();
    assert_ne!(token, others);
    for wrong in ["", "x", &others] {
        browser.submit(&page, &[("form_token", wrong)]).await.is(400);
    }
    // A page that lost its cookie says so.
    let tab = browser.copy();
    tab.set_cookie("pre", None);
    let answer = tab.post(ACTION, &filled(&page)).await.is(400);
    assert_eq!((answer.location, tab.cookie("session")), (None, None));
    // An attacker cannot sign the person in as the attacker: a cookie of the attacker's choice has
    // no prefix, and so it is another cookie.
    let call = browser.request("POST", ACTION).without("cookie");
    let call = call.header("cookie", format!("kith-pre={}", browser.cookie("pre").unwrap()));
    let call = call.header("origin", "https://kith.example").form(&filled(&page));
    assert_eq!(call.await.code(), 400);
}

#[tokio::test]
async fn g19_only_forms_are_taken() {
    let (service, ..) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get("/idhub/login/acme").await.is(200);
    let fields = filled(&page);
    let query: Vec<_> = fields.iter().map(|(n, v)| format!("{n}={}", tests::escape(v))).collect();
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        let call = browser.request("POST", ACTION).header("origin", "https://kith.example");
        let answer = call.body(kind, query.join("&")).await;
        assert_eq!((answer.code(), answer.headers.get("set-cookie")), (400, None), "{kind}");
    }
    let large = "x".repeat(70_000);
    browser.submit(&page, &[("username", &large)]).await.is(413);
    // A field that is sent twice.
    let twice = format!("{}&username=eva", query.join("&"));
    let call = browser.request("POST", ACTION).header("origin", "https://kith.example");
    let answer = call.body("application/x-www-form-urlencoded", twice).await;
    assert_eq!((answer.code(), answer.headers.get("set-cookie")), (400, None));
}

#[tokio::test]
async fn g18_a_session_is_not_taken_from_the_request() {
    let (service, jan, client) = start().await;
    let browser = Browser::new(&service);
    // The attacker plants a session of theirs; the sign-in replaces it and ends it.
    let eva = service.member("eva", PASSWORD).await;
    browser.set_cookie("session", Some(&service.give_session(&eva.id).await));
    let planted = browser.copy();
    let page = sign_in(&browser, &client, &[("prompt", "login")]).await;
    assert!(page.sent_to().starts_with(REDIRECT_URI));
    assert_ne!(browser.cookie("session"), planted.cookie("session"));
    assert!(browser.cookie("session").unwrap().contains(&jan.id));
    assert!(session_of(&service, &planted).await.is_none());
    asks_to_sign_in(&planted.get(&request(&client, &[])).await.is(200));
}
