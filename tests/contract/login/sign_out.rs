//! Sign-out (rule G25).

use tests::{Browser, Page, PersonClient, Service};

use super::{PASSWORD, asks_to_sign_in, request, session_of, start};

const LOGOUT: &str = "/idhub/oidc/v1/logout";
const AFTER: &str = "https://app.example/signed-out";

async fn set() -> (Service, PersonClient, Browser, String) {
    let (service, ..) = start().await;
    let client = service
        .person_client(|client| {
            client.first_party = true;
            client.post_logout_redirect_uris = vec![AFTER.to_owned()];
        })
        .await;
    let browser = Browser::new(&service);
    let page = browser.get(&request(&client, &[])).await.is(200);
    let page = browser.enter(&page, "jan", PASSWORD).await;
    let hint = client.exchange(&page.code()).await.is(200).field("id_token");
    (service, client, browser, hint)
}

fn path(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<_> =
        parameters.iter().map(|(name, value)| format!("{name}={}", tests::escape(value))).collect();
    format!("{LOGOUT}?{}", pairs.join("&"))
}

#[tokio::test]
async fn g25_a_hint_signs_out_and_leads_to_the_registered_address_with_state() {
    let (service, client, browser, hint) = set().await;
    let copy = browser.copy();
    let ask =
        [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER), ("state", "a b")];
    let page = browser.get(&path(&ask)).await;
    assert_eq!(page.sent_to(), format!("{AFTER}?state=a+b"));
    assert_eq!(page.answer.header("clear-site-data"), Some("\"cache\", \"storage\""));
    assert_eq!(browser.cookie("session"), None);
    assert!(session_of(&service, &copy).await.is_none());
    copy.call("GET", "/identity/me").await.is(401);
    asks_to_sign_in(&browser.get(&request(&client, &[])).await.is(200));
    // Once more: nobody is signed in, and the way is the same.
    assert!(browser.get(&path(&ask)).await.sent_to().starts_with(AFTER));
    service.check().await;
}

#[tokio::test]
async fn g25_without_a_hint_the_person_is_asked() {
    let (service, client, browser, _) = set().await;
    for more in [&[][..], &[("client_id", client.id.as_str())]] {
        let page = browser.get(&path(more)).await.is(200);
        assert!(page.has_form(LOGOUT), "{}", page.text());
        assert!(session_of(&service, &browser).await.is_some());
        let page = browser.submit(&page, &[("answer", "no")]).await.is(200);
        assert_eq!(page.url, "/idhub/account");
    }
    let ask = [("client_id", client.id.as_str()), ("post_logout_redirect_uri", AFTER)];
    let page = browser.get(&path(&ask)).await.is(200);
    let page = browser.submit(&page, &[("answer", "yes")]).await;
    assert_eq!(page.sent_to(), AFTER);
    assert_eq!(browser.cookie("session"), None);
}

#[tokio::test]
async fn g25_a_page_follows_if_the_client_named_no_address() {
    let (_, _, browser, hint) = set().await;
    let page = browser.get(&path(&[("id_token_hint", &hint)])).await.is(200);
    assert_eq!(browser.cookie("session"), None);
    assert!(page.text().contains("/idhub/login/acme"), "the page has a next step");
}

#[tokio::test]
async fn g25_an_address_that_is_not_registered_is_followed_by_nobody() {
    let (service, client, browser, hint) = set().await;
    let nowhere = async |ask: &[(&str, &str)]| {
        let page: Page = browser.get(&path(ask)).await.is(400);
        assert_eq!(page.location, None);
        assert!(session_of(&service, &browser).await.is_some());
    };
    for uri in [
        "https://evil.example/",
        "https://app.example/signed-out/",
        "https://app.example/signed-out?x",
    ] {
        nowhere(&[("id_token_hint", &hint), ("post_logout_redirect_uri", uri)]).await;
        nowhere(&[("client_id", &client.id), ("post_logout_redirect_uri", uri)]).await;
    }
    nowhere(&[("post_logout_redirect_uri", AFTER)]).await;
    nowhere(&[("id_token_hint", &hint), ("client_id", &service.person_client(|_| {}).await.id)])
        .await;
    nowhere(&[("id_token_hint", "x.y.z"), ("post_logout_redirect_uri", AFTER)]).await;
}

#[tokio::test]
async fn g25_a_hint_about_another_person_asks() {
    let (service, client, browser, _) = set().await;
    service.member("eva", PASSWORD).await;
    let other = Browser::new(&service);
    let page = other.get(&request(&client, &[])).await.is(200);
    let page = other.enter(&page, "eva", PASSWORD).await;
    let hint = client.exchange(&page.code()).await.is(200).field("id_token");
    let page = browser.get(&path(&[("id_token_hint", &hint)])).await.is(200);
    assert!(page.has_form(LOGOUT));
    assert!(session_of(&service, &browser).await.is_some());
}

#[tokio::test]
async fn g25_a_form_that_repeats_a_parameter_or_is_too_long_leads_nowhere() {
    let (_service, _client, browser, hint) = set().await;
    let twice = [("id_token_hint", hint.as_str()), ("state", "a"), ("state", "b")];
    browser.request("POST", LOGOUT).form(&twice).await.is(400);
    let long = "a".repeat(7 * 1024);
    browser.request("POST", LOGOUT).form(&[("state", long.as_str())]).await.is(413);
}

#[tokio::test]
async fn g25_a_client_may_post() {
    let (_, _, browser, hint) = set().await;
    let form = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)];
    let call = browser.request("POST", LOGOUT).without("cookie");
    let call = call.header("origin", "https://app.example").header("sec-fetch-site", "cross-site");
    let answer = call.form(&form).await.is(303);
    let page = browser.get(answer.header("location").unwrap()).await;
    assert_eq!(page.sent_to(), AFTER);
    assert_eq!(browser.cookie("session"), None);
}

#[tokio::test]
async fn g25_nobody_else_signs_a_person_out() {
    let (service, _, browser, _) = set().await;
    let page = browser.get(LOGOUT).await.is(200);
    let form = page.form(LOGOUT);
    let fields = [
        ("state", form.value("state").unwrap()),
        ("form_token", form.value("form_token").unwrap()),
        ("answer", "yes"),
    ];
    let foreign = browser.request("POST", LOGOUT).header("origin", "https://evil.example");
    foreign.form(&fields).await.is(403);
    browser.submit(&page, &[("answer", "yes"), ("form_token", "x")]).await.is(400);
    // A state of another page.
    let start = browser.get("/idhub/login/acme?prompt=login").await.is(200);
    let state = start.form("/idhub/login/password").value("state").unwrap().to_owned();
    browser.submit(&page, &[("answer", "yes"), ("state", &state)]).await.is(400);
    assert!(session_of(&service, &browser).await.is_some());
}

#[tokio::test]
async fn g25_the_refresh_tokens_of_the_session_end_with_it() {
    let (service, client, browser, hint) = set().await;
    let page = browser.get(&request(&client, &[("scope", "openid offline_access")])).await;
    let token = client.exchange(&page.code()).await.is(200).field("refresh_token");
    // Another session of the same person keeps its own.
    let other = Browser::new(&service);
    let page = other.get(&request(&client, &[("scope", "openid offline_access")])).await.is(200);
    let page = other.enter(&page, "jan", PASSWORD).await;
    let kept = client.exchange(&page.code()).await.is(200).field("refresh_token");
    browser.get(&path(&[("id_token_hint", &hint)])).await.is(200);
    client.refresh(&token).await.is(400);
    client.refresh(&kept).await.is(200);
}
