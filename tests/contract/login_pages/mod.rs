//! Passwords, links of mails, and the account page, as people use them (rules G24, G27 to G33, G37,
//! G38, G40, G44 to G50, G68, U11, U15 to U18).

mod account;
mod address;
mod crawler;
mod forgot;
mod languages;
mod links;
mod passwords;
mod resets;
mod secrets;
mod sessions;
mod settings;

use serde_json::json;
use shared::domain::id::{TenantId, UserId};
use shared::domain::people::{LinkKind, LoginFacts, MailKind};
use tests::{Browser, MailSeen, Page, Resource, Service, TENANT};

/// The password of the person of these tests.
const PASSWORD: &str = "correct horse battery staple";
/// Another good password.
const NEW: &str = "wagon lemon orbit thirteen";

const LINK: &str = "/idhub/login/link";
const ACCOUNT: &str = "/idhub/account";

/// A service with a person `jan`, whose address is `jan@example.org`, and who has a password.
async fn start() -> (Service, Resource) {
    let service = Service::start().await;
    let jan = service.member("jan", PASSWORD).await;
    (service, jan)
}

fn tenant() -> TenantId {
    TENANT.parse().unwrap()
}

fn id(user: &Resource) -> UserId {
    user.id.parse().unwrap()
}

/// The facts about the credentials of a user.
async fn facts(service: &Service, user: &Resource) -> LoginFacts {
    service.table.login_facts(&tenant(), id(user)).await.unwrap().unwrap().value
}

/// Opens a link of a mail and goes on to the page that says what it does.
async fn open(browser: &Browser, link: &str) -> Page {
    let (path, _) = link.split_once('#').unwrap();
    let page = browser.get(path).await.is(200);
    browser.submit_form(&page, LINK, &[("link", link)]).await
}

/// Sends the password on the page of a link.
async fn set(browser: &Browser, page: &Page, password: &str) -> Page {
    let fields = [("act", "password"), ("new_password", password)];
    browser.submit_form(page, LINK, &fields).await
}

/// A link of this kind for a user, which was sent to nobody.
async fn link_for(service: &Service, user: &Resource, kind: LinkKind) -> String {
    let token = service.give_link(&user.id, kind).await;
    format!("https://kith.example{LINK}#{token}")
}

/// The mail of this kind among those that are due.
async fn mail(service: &Service, kind: MailKind) -> MailSeen {
    let mails = service.deliver_mails().await;
    let mut found: Vec<_> = mails.iter().filter(|mail| mail.kind == kind).cloned().collect();
    assert_eq!(found.len(), 1, "{kind}: {mails:?}");
    found.remove(0)
}

/// Asks for a mail with a link for another password, and reads its link.
async fn reset_link(service: &Service, browser: &Browser, username: &str) -> String {
    let page = browser.get(&format!("/idhub/login/forgot?tenant={TENANT}")).await.is(200);
    browser.submit(&page, &[("username", username)]).await.is(200);
    mail(service, MailKind::Reset).await.link().to_owned()
}

/// Whether the password signs the person in.
async fn signs_in(service: &Service, username: &str, password: &str) -> bool {
    let browser = Browser::new(service);
    let page = browser.sign_in(TENANT, username, password).await;
    let signed_in = browser.cookie("session").is_some();
    assert_eq!(signed_in, page.answer.code() == 200, "{}", page.text());
    signed_in
}

/// Whether the browser is signed in.
async fn is_signed_in(browser: &Browser) -> bool {
    browser.call("GET", "/identity/me").await.code() == 200
}

/// The user as the administrators' API shows it.
async fn shown(service: &Service, user: &Resource) -> serde_json::Value {
    service.crm().await.read(&user.path).await
}

/// Asserts that a page is the one of an error with this title, and that it leads on (rule U16).
#[track_caller]
fn is_error(page: &Page, title: &str) {
    let text = page.text();
    assert!(text.contains(&format!("<h1>{title}</h1>")), "{text}");
    assert!(text.contains("role=\"alert\"") && text.contains("<a href="), "{text}");
}

/// Moves a user to another address, as an administrator does.
async fn move_to(service: &Service, user: &Resource, address: &str) {
    let crm = service.crm().await;
    let change = json!({ "preferred_email": address });
    crm.patch(&user.path, change).if_match("*").await.is(200);
}
