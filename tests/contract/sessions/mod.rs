//! Sessions of people in browsers: the cookie that the functions take, how long a session lives,
//! what ends it, and what it may do (rules G17 to G24, G64, G65 and G67).

mod cookies;
mod ending;
mod listing;
mod lives;
mod own;
mod recent;
mod told;

use serde_json::Value;
use shared::domain::definition::BuiltInPersona::{self, Administrator};
use tests::{Client, Resource, Service, SignedIn, TENANT, person};

pub const USERS: &str = "/identity/users";
pub const ME: &str = "/identity/me";
pub const OWN: &str = "/identity/me/sessions";

/// A service with an administrator's client, and a tenant that has an administrator.
pub struct House {
    pub service: Service,
    pub admin: Client,
}

impl House {
    pub async fn open() -> Self {
        let service = Service::start().await;
        let admin = service.client(TENANT, "administrator").await;
        admin.person_with("root", &[Administrator]).await;
        Self { service, admin }
    }

    /// The client with a token of this moment.
    pub async fn admin(&self) -> Client {
        self.admin.clone().with_token().await
    }

    /// A person without rights, in a browser.
    pub async fn guest(&self, name: &str) -> (Resource, SignedIn) {
        let user = self.admin().await.create(USERS, person(name)).await;
        let browser = self.service.signed_in(&user.id).await;
        (user, browser)
    }

    /// A person with rights, in a browser.
    pub async fn official(&self, name: &str, rights: BuiltInPersona) -> (Resource, SignedIn) {
        let user = self.admin().await.person_with(name, &[rights]).await;
        let browser = self.service.signed_in(&user.id).await;
        (user, browser)
    }

    /// The sessions that a person sees.
    pub async fn sessions(&self, browser: &SignedIn) -> Vec<Value> {
        items(&browser.get(OWN).await.is(200).json())
    }
}

pub fn items(list: &Value) -> Vec<Value> {
    list["items"].as_array().unwrap().clone()
}

/// Asserts that the session of a browser is over.
#[track_caller]
pub fn over(browser: &SignedIn) -> impl Future<Output = ()> + '_ {
    let at = std::panic::Location::caller();
    async move {
        let answer = browser.get(ME).await;
        assert_eq!((answer.code(), answer.slug()), (401, "unauthenticated".to_owned()), "{at}");
    }
}
