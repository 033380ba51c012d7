//! The authorization endpoint, the sign-in by password, and the sign-out.

mod consents;
mod costs;
mod endpoint;
mod enumeration;
mod factors;
mod faults;
mod forms;
mod hints;
mod personas;
mod prompts;
mod races;
mod resources;
mod responses;
mod scopes;
mod sessions;
mod sign_out;
mod start_page;
mod throttle;

use serde_json::Value;
use shared::domain::client::ApplicationType;
use tests::{
    Browser, CHALLENGE, Page, PersonClient, REDIRECT_URI, Resource, Service, TENANT, escape, part,
};

/// The password of the persons of these tests.
pub const PASSWORD: &str = "correct horse battery staple";
/// Another password.
pub const WRONG: &str = "incorrect horse battery staple";
/// The path of the authorization endpoint.
pub const AUTHORIZE: &str = "/idhub/oidc/v1/authorize";
/// The issuer.
pub const ISSUER: &str = "https://kith.example/idhub/oidc";

/// A service with a person `jan` and a client that needs no consent.
pub async fn start() -> (Service, Resource, PersonClient) {
    let service = Service::start().await;
    let jan = service.member("jan", PASSWORD).await;
    let client = service.person_client(|client| client.first_party = true).await;
    (service, jan, client)
}

/// The client of a program on people's devices, with this redirect URI.
pub async fn native_client(service: &Service, uri: &str, first_party: bool) -> PersonClient {
    service
        .person_client(|client| {
            client.application_type = ApplicationType::Native;
            client.first_party = first_party;
            client.redirect_uris = vec![uri.to_owned()];
        })
        .await
}

/// The path of an authorization request. `more` replaces good parameters or adds to them; an empty
/// value leaves the parameter out.
pub fn request(client: &PersonClient, more: &[(&str, &str)]) -> String {
    let good = [
        ("response_type", "code"),
        ("client_id", client.id.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid"),
        ("state", "of the client"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = good.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let pairs = kept.chain(more).filter(|(_, value)| !value.is_empty());
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={}", escape(value))).collect();
    format!("{AUTHORIZE}?{}", pairs.join("&"))
}

/// Asks with good parameters but `more`, and signs `jan` in on the page that comes.
pub async fn sign_in(browser: &Browser, client: &PersonClient, more: &[(&str, &str)]) -> Page {
    let page = browser.get(&request(client, more)).await.is(200);
    browser.enter(&page, "jan", PASSWORD).await
}

/// The claims of the ID token for a code.
pub async fn id_token(client: &PersonClient, page: &Page) -> Value {
    let tokens = client.exchange(&page.code()).await.is(200);
    part(&tokens.field("id_token"), 1)
}

/// Asserts that a page is a sign-in page.
#[track_caller]
pub fn asks_to_sign_in(page: &Page) {
    assert!(page.has_form("/idhub/login/password"), "{}: {}", page.url, page.text());
}

/// Asserts that an error goes back to the client, with its `state` and the issuer (rules G3, G5).
#[track_caller]
pub fn refused(page: &Page, error: &str) {
    assert!(page.sent_to().starts_with(REDIRECT_URI), "{}", page.sent_to());
    assert_eq!(page.parameter("error").as_deref(), Some(error), "{}", page.sent_to());
    assert_eq!(page.parameter("state").as_deref(), Some("of the client"));
    assert_eq!(page.parameter("iss").as_deref(), Some(ISSUER));
    assert_eq!(page.parameter("code"), None);
}

/// The session of a browser as the table has it.
pub async fn session_of(
    service: &Service,
    browser: &Browser,
) -> Option<shared::domain::people::Session> {
    let cookie = browser.cookie("session")?;
    let cookie: shared::domain::people::SessionCookie = cookie.parse().unwrap();
    let tenant = TENANT.parse().unwrap();
    let session = service.table.read_session(&tenant, cookie.user, &cookie.hash()).await.unwrap();
    session.map(|session| session.value)
}

/// The sessions of a user.
pub async fn sessions(service: &Service, user: &Resource) -> usize {
    let (tenant, user) = (TENANT.parse().unwrap(), user.id.parse().unwrap());
    service.table.list_sessions(&tenant, user).await.unwrap().len()
}
