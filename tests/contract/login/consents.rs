//! The consent of a person to a client (rule G15).

use tests::{Browser, PersonClient, Resource, Service, TENANT};

use super::{
    PASSWORD, asks_to_sign_in, native_client, refused, request, session_of, sign_in, start,
};
use crate::audit::complete;

const ACTION: &str = "/idhub/login/consent";
const ACCOUNT: &str = "/idhub/account";
const WITHDRAW: &str = "/idhub/account/clients/withdraw";

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
    let native = native_client(&service, uri, false).await;
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
    let native = native_client(&service, uri, true).await;
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

#[tokio::test]
async fn g15_a_code_from_before_the_withdrawal_starts_no_refresh_tokens() {
    let (service, jan, client) = set().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let ask = request(&client, &[("scope", "openid offline_access")]);
    let allow = async || {
        let page = browser.get(&ask).await.is(200);
        browser.submit_form(&page, ACTION, &[("decision", "allow")]).await.code()
    };
    let code = allow().await;
    let account = browser.get(ACCOUNT).await.is(200);
    browser.submit_form(&account, WITHDRAW, &[]).await.is(200);
    assert_eq!(client.exchange(&code).await.is(400).field("error"), "invalid_grant");
    let (tenant, user) = (TENANT.parse().unwrap(), jan.id.parse().unwrap());
    assert_eq!(service.table.family_names(&tenant, user).await.unwrap(), []);
    // The person is asked again, and what is granted then holds.
    let code = allow().await;
    client.exchange(&code).await.is(200).field("refresh_token");
    service.check().await;
}

/// What the audit tells of a person's grants to clients: operation, session, and what changed.
async fn told(service: &Service, jan: &Resource) -> Vec<(String, Option<String>, Vec<String>)> {
    let entries = complete(service, &jan.id).await.into_iter();
    let of_clients = entries.filter(|entry| entry.operation().starts_with("user.client_consent"));
    let told = of_clients.map(|entry| {
        assert_eq!(entry.entry.actor.id.as_ref(), Some(&jan.id));
        assert!(entry.entry.request_id.is_some());
        (entry.operation(), entry.entry.actor.session.clone(), entry.pointers())
    });
    told.collect()
}

#[tokio::test]
async fn g65_a_consent_and_its_withdrawal_are_told_with_session_client_and_scopes() {
    let (service, jan, client) = set().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let sid = session_of(&service, &browser).await.unwrap().sid;
    let tag = service.crm().await.tag_of(&jan.path).await;
    let allow = async |scope: &str| {
        let ask = [("scope", scope), ("prompt", "consent")];
        let page = browser.get(&request(&client, &ask)).await.is(200);
        browser.submit_form(&page, ACTION, &[("decision", "allow")]).await.code();
    };
    allow("openid email").await;
    allow("openid profile").await;
    // What was granted before is not told again.
    allow("openid email").await;
    let account = browser.get(ACCOUNT).await.is(200);
    // The second time there is nothing to withdraw.
    for _ in 0..2 {
        browser.submit_form(&account, WITHDRAW, &[]).await.is(200);
    }
    let at = |scopes: &[&str]| -> Vec<_> {
        scopes.iter().map(|scope| format!("/clients/{}/{scope}", client.id)).collect()
    };
    let due = [
        ("user.client_consent_grant", at(&["email", "openid"])),
        ("user.client_consent_grant", at(&["profile"])),
        ("user.client_consent_withdraw", at(&["email", "openid", "profile"])),
    ];
    let due = due.map(|(operation, at)| (operation.to_owned(), Some(sid.clone()), at));
    assert_eq!(told(&service, &jan).await, due);
    assert_eq!(service.crm().await.tag_of(&jan.path).await, tag, "nothing of the profile changes");
    service.check().await;
}

#[tokio::test]
async fn g65_the_end_of_access_that_needed_no_consent_is_told_too() {
    let (service, jan, client) = start().await;
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[("scope", "openid offline_access")]).await;
    let token = client.exchange(&page.code()).await.is(200).field("refresh_token");
    let sid = session_of(&service, &browser).await.unwrap().sid;
    let account = browser.get(ACCOUNT).await.is(200);
    for _ in 0..2 {
        browser.submit_form(&account, WITHDRAW, &[]).await.is(200);
    }
    assert_eq!(client.refresh(&token).await.is(400).field("error"), "invalid_grant");
    let at = format!("/clients/{}/refresh_tokens", client.id);
    let due = ("user.client_consent_withdraw".to_owned(), Some(sid), vec![at]);
    assert_eq!(told(&service, &jan).await, [due]);
    service.check().await;
}
