//! Passkeys: how they are added, how people sign in with them, and how they are looked after (rules
//! G42, G49, G52 to G55). The authenticator is software, and every part of its answers can be wrong.

mod cost;
mod faults;
mod manage;
mod once;
mod registration;
mod resets;
mod sign_in;

use serde_json::Value;
use shared::domain::people::{MailKind, PasskeyFacts};
use tests::{Authenticator, Browser, Page, Parts, Resource, Service, TENANT, person};

pub const ACCOUNT: &str = "/idhub/account";
pub const ADD: &str = "/idhub/account/passkeys";
pub const ADD_OPTIONS: &str = "/idhub/account/passkeys/options";
pub const RENAME: &str = "/idhub/account/passkeys/rename";
pub const REMOVE: &str = "/idhub/account/passkeys/remove";
pub const SIGN_IN: &str = "/idhub/login/acme?prompt=login";
pub const PASSKEY: &str = "/idhub/login/passkey";
pub const OPTIONS: &str = "/idhub/login/passkey/options";
pub const USERS: &str = "/identity/users";
pub const SESSIONS: &str = "/identity/me/sessions";
pub const PASSWORD: &str = "correct horse battery staple";

/// A service with Jan, who is signed in with a browser.
pub struct Home {
    pub service: Service,
    pub user: Resource,
    pub browser: Browser,
}

impl Home {
    /// Jan has no credential yet and came in by a session alone.
    pub async fn open() -> Self {
        let service = Service::start().await;
        let user = service.crm().await.create(USERS, person("jan")).await;
        let browser = signed_in(&service, &user.id).await;
        Self { service, user, browser }
    }

    /// Jan has a password as well.
    pub async fn with_password() -> Self {
        let home = Self::open().await;
        home.service.give_password(&home.user.id, PASSWORD).await;
        home
    }

    /// Jan, and an authenticator with a passkey of Jan's that the service knows.
    pub async fn with(mut authenticator: Authenticator) -> (Self, Authenticator) {
        let home = Self::open().await;
        home.add(&mut authenticator, "phone").await;
        (home, authenticator)
    }

    /// Adds the passkey of an authenticator.
    pub async fn add(&self, authenticator: &mut Authenticator, name: &str) {
        let page = self.try_add(authenticator, name, |_| ()).await.is(200);
        assert!(page.url.contains(ACCOUNT), "{}", page.url);
        assert_eq!(self.passkeys().await.last().expect("a passkey").name, name);
    }

    /// Tries to add the passkey of an authenticator, with parts of its answer that are changed.
    pub async fn try_add(
        &self,
        authenticator: &mut Authenticator,
        name: &str,
        change: impl FnOnce(&mut Parts),
    ) -> Page {
        let answer = authenticator.create_with(&self.creation_options().await, change);
        self.send(&answer, name).await
    }

    /// What the browser is asked when a passkey is added.
    pub async fn creation_options(&self) -> Value {
        self.browser.call("POST", ADD_OPTIONS).await.is(200).json()
    }

    /// Sends the answer of an authenticator that made a passkey.
    pub async fn send(&self, answer: &str, name: &str) -> Page {
        let page = self.browser.get(ACCOUNT).await.is(200);
        self.browser.submit_form(&page, ADD, &[("credential", answer), ("name", name)]).await
    }

    /// What the service knows of Jan's passkeys.
    pub async fn passkeys(&self) -> Vec<PasskeyFacts> {
        facts_of(&self.service, &self.user.id).await
    }

    /// The kinds of mails that were sent since the last look.
    pub async fn mails(&self) -> Vec<MailKind> {
        self.service.deliver_mails().await.into_iter().map(|mail| mail.kind).collect()
    }

    /// A browser in which nobody is signed in.
    pub fn stranger(&self) -> Browser {
        Browser::new(&self.service)
    }
}

/// What a service knows of the passkeys of a user.
pub async fn facts_of(service: &Service, user: &str) -> Vec<PasskeyFacts> {
    let (tenant, user) = (TENANT.parse().expect("a tenant"), user.parse().expect("an id"));
    let facts = service.table.login_facts(&tenant, user).await.expect("a read");
    facts.map(|facts| facts.value.passkeys).unwrap_or_default()
}

/// A browser with a session of this user, who has just signed in.
pub async fn signed_in(service: &Service, user: &str) -> Browser {
    let browser = Browser::new(service);
    browser.set_cookie("session", Some(&service.give_session(user).await));
    browser.get(ACCOUNT).await.is(200);
    browser
}

/// Signs in with a passkey.
pub async fn sign_in(browser: &Browser, authenticator: &mut Authenticator) -> Page {
    try_sign_in(browser, authenticator, |_| ()).await
}

/// Tries to sign in with a passkey, with parts of the answer that are changed.
pub async fn try_sign_in(
    browser: &Browser,
    authenticator: &mut Authenticator,
    change: impl FnOnce(&mut Parts),
) -> Page {
    let page = browser.get(SIGN_IN).await.is(200);
    let options = browser.call("POST", OPTIONS).await.is(200).json();
    let answer = authenticator.get_with(&options, change);
    browser.submit_form(&page, PASSKEY, &[("credential", &answer)]).await
}

/// Asserts that a sign-in led to the account page.
#[track_caller]
pub fn assert_signed_in(page: &Page) {
    assert_eq!(page.answer.code(), 200, "{}", page.text());
    assert!(page.url.contains(ACCOUNT), "{}", page.url);
}

/// Asserts that a sign-in was refused by the page that all refusals get.
#[track_caller]
pub fn assert_refused(page: &Page, browser: &Browser) {
    assert_eq!(page.answer.code(), 422, "{}", page.text());
    assert!(page.text().contains("This passkey could not be used"), "{}", page.text());
    assert_eq!(browser.cookie("session"), None);
}
