//! Rights of people: where they come from, that nobody grants more than they have, and that the
//! last administrator stays (rules G33, G62 and U19).

mod accounts;
mod built_in;
mod definitions;
mod effective;
mod granting;
mod inviting;
mod last;
mod others;
mod temporary;

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona::{self, Administrator, Helpdesk};
use tests::{Answer, Client, Resource, Service, SignedIn, TENANT};

pub const USERS: &str = "/identity/users";
pub const ME: &str = "/identity/me";
pub const DEFINITIONS: &str = "/identity/config/persona-definitions";

/// A tenant with an administrator and a helpdesk, both at their desks.
pub struct Tenant {
    pub service: Service,
    /// A client with every scope.
    pub admin: Client,
    /// The administrator's user, and the browser.
    pub boss: Resource,
    pub of_boss: SignedIn,
    /// The user of the helpdesk, and the browser.
    pub hugo: Resource,
    pub of_hugo: SignedIn,
    /// A client with what the helpdesk has.
    pub clerk: Client,
}

impl Tenant {
    pub async fn open() -> Self {
        let service = Service::start().await;
        let admin = service.client(TENANT, "administrator").await;
        let clerk = service.client(TENANT, "users:read users:write").await;
        let boss = admin.create(USERS, official("boss", Administrator)).await;
        let hugo = admin.create(USERS, official("hugo", Helpdesk)).await;
        let of_boss = service.signed_in(&boss.id).await;
        let of_hugo = service.signed_in(&hugo.id).await;
        // The sign-in is noted in the profile.
        let boss = Resource { body: admin.read(&boss.path).await, ..boss };
        Self { service, admin, boss, of_boss, hugo, of_hugo, clerk }
    }

    /// A user without rights.
    pub async fn user(&self, name: &str) -> Resource {
        self.admin.create(USERS, tests::person(name)).await
    }

    /// The administrator as the table has it.
    pub async fn read_boss(&self) -> Value {
        self.admin.read(&self.boss.path).await
    }

    /// Asserts that nothing of the administrator changed.
    #[track_caller]
    pub fn boss_is_unchanged<'a>(&'a self, what: &'a str) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let boss = self.read_boss().await;
            assert_eq!(boss, self.boss.body, "{what} at {at}");
            self.of_boss.get(ME).await.is(200);
        }
    }
}

/// A new user with the persona of a built-in definition, and with an id at the customer.
pub fn official(name: &str, persona: BuiltInPersona) -> Value {
    let mut body = tests::person(name);
    body["id_at_customer"] = json!(format!("C-{name}"));
    body["personas"] = json!([{ "name": persona.name() }]);
    body
}

/// The path of the only persona of a user.
pub fn persona_of(user: &Resource) -> String {
    user.below(&format!("personas/{}", user.body["personas"][0]["id"].as_str().unwrap()))
}

/// Asserts that an answer refuses for want of a right.
#[track_caller]
pub fn refused(answer: &Answer, what: &str) {
    assert_eq!((answer.code(), answer.slug()), (403, "not-allowed".to_owned()), "{what}");
    assert!(answer.text().contains("right") || answer.text().contains("grants"), "{what}");
}
