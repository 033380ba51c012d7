//! The consent of a person to a client (rule G15).

use shared::domain::client::ApplicationType;
use tests::{Browser, PersonClient, Resource, Service, TENANT};

use super::{PASSWORD, asks_to_sign_in, refused, request};

const ACTION: &str = "/idhub/login/consent";

async fn set() -> (Service, Resource, PersonClient) {
    let service = Service::start().await;
    let jan = service.member("jan", PASSWORD).await;
    let client = service.person_client(|client| "Shop".clone_into(&mut client.name)).await;
    (service, jan, client)
}

/// The scopes that the table remembers.
async fn remembered(service: &Service, jan: &Resource, client: &PersonClient) -> Vec<String> {
    let (tenant, user) = (TENANT.parse().unwrap(), jan.id.parse().unwrap());
    let client = client.id.parse().unwrap();
    let found = service.table.find_client_consent(&tenant, user, &client).await.unwrap();
    found.map(|consent| consent.value.scopes).unwrap_or_default()
}

#[tokio::test]
async fn g15_a_client_that_is_not_first_party_needs_the_consent_of_the_person_once() {
    let (service, jan, client) = set().await;
    let browser = Browser::new(&service);
    let ask = request(&client, &[("scope", "openid email")]);
    let page = browser.get(&ask).await.is(200);
    let page = browser.enter(&page, "jan", PASSWORD).await.is(200);
    assert!(
        page.url.starts_with("/idhub/oidc/v1/authorize?"),
        "{}: Back and reload work",
        page.url
    );
    for shown in ["Shop", "app.example", "jan"] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    assert_eq!(remembered(&service, &jan, &client).await, Vec::<String>::new());
    let done = browser.submit_form(&page, ACTION, &[("decision", "allow")]).await;
    client.exchange(&done.code()).await.is(200);
    assert_eq!(remembered(&service, &jan, &client).await, ["email", "openid"]);
    // It is remembered, also for fewer scopes.
    browser.get(&ask).await.code();
    browser.get(&request(&client, &[])).await.code();
    browser.get(&request(&client, &[("prompt", "none")])).await.code();
    // More scopes, or the client's wish, ask again.
    let more = request(&client, &[("scope", "openid profile")]);
    assert!(browser.get(&more).await.is(200).has_form(ACTION));
    let again = request(&client, &[("prompt", "consent")]);
    let page = browser.get(&again).await.is(200);
    browser.submit_form(&page, ACTION, &[("decision", "allow")]).await.code();
    service.check().await;
}

#[tokio::test]
async fn g15_a_person_may_refuse() {
    let (service, jan, client) = set().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let page = browser.get(&request(&client, &[])).await.is(200);
    refused(&browser.submit_form(&page, ACTION, &[("decision", "deny")]).await, "access_denied");
    assert_eq!(remembered(&service, &jan, &client).await, Vec::<String>::new());
    // Enter in a form without a button is no consent.
    let page = browser.get(&request(&client, &[])).await.is(200);
    let page = browser.submit_form(&page, ACTION, &[]).await.is(400);
    assert_eq!(page.location, None);
}

#[tokio::test]
async fn g15_a_native_client_is_never_approved_without_the_person() {
    let (service, jan, _) = set().await;
    let uri = "http://127.0.0.1/callback";
    let native = service
        .person_client(|client| {
            client.application_type = ApplicationType::Native;
            client.redirect_uris = vec![uri.to_owned()];
        })
        .await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let ask = [("redirect_uri", uri)];
    for _ in 0..2 {
        let page = browser.get(&request(&native, &ask)).await.is(200);
        let done = browser.submit_form(&page, ACTION, &[("decision", "allow")]).await;
        assert!(done.sent_to().starts_with(uri));
    }
    assert_eq!(remembered(&service, &jan, &native).await, Vec::<String>::new());
    let silent = [("redirect_uri", uri), ("prompt", "none")];
    let page = browser.get(&request(&native, &silent)).await;
    assert_eq!(page.parameter("error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn g15_a_native_client_of_the_first_party_gets_nothing_without_an_act_of_the_person() {
    let (service, ..) = set().await;
    let uri = "http://127.0.0.1/callback";
    let native = service
        .person_client(|client| {
            client.application_type = ApplicationType::Native;
            client.first_party = true;
            client.redirect_uris = vec![uri.to_owned()];
        })
        .await;
    let (browser, ask) = (Browser::new(&service), request(&native, &[("redirect_uri", uri)]));
    // The sign-in is an act.
    let page = browser.get(&ask).await.is(200);
    browser.enter(&page, "jan", PASSWORD).await.code();
    // Another program of the device asks in the name of the client, on a port of its own.
    let other = "http://127.0.0.1:51004/callback";
    let silent = [("redirect_uri", other), ("prompt", "none")];
    let page = browser.get(&request(&native, &silent)).await;
    assert_eq!(page.parameter("error").as_deref(), Some("consent_required"));
    assert_eq!(page.parameter("code"), None);
    let page = browser.get(&ask).await.is(200);
    let done = browser.submit_form(&page, ACTION, &[("decision", "allow")]).await;
    assert!(done.sent_to().starts_with(&format!("{uri}?code=")));
    assert!(browser.get(&ask).await.is(200).has_form(ACTION), "it is not remembered");
}

#[tokio::test]
async fn g15_a_consent_is_given_by_the_person_who_saw_the_page() {
    let (service, jan, client) = set().await;
    let eva = service.member("eva", PASSWORD).await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let page = browser.get(&request(&client, &[])).await.is(200);
    // Another person signs in in another tab.
    browser.sign_in(TENANT, "eva", PASSWORD).await.is(200);
    let again = browser.submit_form(&page, ACTION, &[("decision", "allow")]).await.is(200);
    assert!(again.has_form(ACTION) && again.text().contains("eva"));
    for person in [&jan, &eva] {
        assert_eq!(remembered(&service, person, &client).await, Vec::<String>::new());
    }
    // Nobody is signed in any more.
    browser.set_cookie("session", None);
    let page = browser.submit_form(&again, ACTION, &[("decision", "allow")]).await.is(200);
    asks_to_sign_in(&page);
}

#[tokio::test]
async fn g19_a_consent_cannot_be_forged() {
    let (service, jan, client) = set().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let page = browser.get(&request(&client, &[])).await.is(200);
    let form = page.form(ACTION);
    let (state, token) = (form.value("state").unwrap(), form.value("form_token").unwrap());
    let fields = [("state", state), ("form_token", token), ("decision", "allow")];
    let foreign = browser.request("POST", ACTION).header("origin", "https://evil.example");
    foreign.form(&fields).await.is(403);
    browser.post(ACTION, &[("state", state), ("decision", "allow")]).await.is(400);
    browser.post(ACTION, &[("form_token", token), ("decision", "allow")]).await.is(400);
    assert_eq!(remembered(&service, &jan, &client).await, Vec::<String>::new());
}

#[tokio::test]
async fn g15_the_first_party_is_asked_for_nothing() {
    let (service, ..) = set().await;
    let client = service.person_client(|client| client.first_party = true).await;
    let browser = service.browser_of("jan", PASSWORD).await;
    browser.get(&request(&client, &[("scope", "openid profile email userdata")])).await.code();
}

#[tokio::test]
async fn g15_a_claim_that_is_asked_for_by_name_needs_a_consent_too() {
    let (service, jan, client) = set().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let page = browser.get(&request(&client, &[])).await.is(200);
    browser.submit_form(&page, ACTION, &[("decision", "allow")]).await.code();
    browser.get(&request(&client, &[])).await.code();
    let claims = [("claims", r#"{"userinfo":{"email":null}}"#)];
    let page = browser.get(&request(&client, &claims)).await.is(200);
    browser.submit_form(&page, ACTION, &[("decision", "allow")]).await.code();
    assert_eq!(remembered(&service, &jan, &client).await, ["email", "openid"]);
    browser.get(&request(&client, &claims)).await.code();
}
