//! People with tokens of issuers that their tenant trusts: how tokens are verified, what people see
//! and change of themselves, and what they decide about others.

mod deciding;
mod following;
mod me;
mod self_service;
mod tokens;
mod trust;
mod userinfo;

use serde_json::{Value, json};
use tests::{Answer, Client, Issuer, Person, Resource, Service, person};

pub const ME: &str = "/identity/me";
pub const USERS: &str = "/identity/users";
pub const SERVERS: &str = "/api/v1/sso/authentication-servers";

/// A service with a trusted issuer, and Jan, whose subject there is `jan`.
pub struct Home {
    pub service: Service,
    pub crm: Client,
    pub issuer: Issuer,
    pub user: Resource,
    pub jan: Person,
}

impl Home {
    pub async fn open() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        let issuer = service.issuer("corp", "predefined").await;
        let user = crm.create(USERS, person("jan")).await;
        let jan = issuer.link(&user.id, "jan").await;
        Self { service, crm, issuer, user, jan }
    }

    /// Reads the own profile with any token.
    pub async fn me_with(&self, token: &str) -> Answer {
        self.service.call("GET", ME).token(token).await
    }

    /// Jan's profile as clients see it now.
    pub async fn now(&self) -> Value {
        self.crm.read(&self.user.path).await
    }

    /// Writes as a client that need not ask.
    pub async fn write(&self, patch: Value) -> Answer {
        self.crm.patch(&self.user.path, patch).if_match("*").await.is(200)
    }

    /// Changes the definition of an attribute, custom or predefined.
    pub async fn redefine(&self, name: &str, patch: Value) {
        let found =
            self.crm.read(&format!("/identity/config/attribute-definitions?name={name}")).await;
        let id = found["items"][0]["id"].as_str().expect("a definition").to_owned();
        let path = format!("/identity/config/attribute-definitions/{id}");
        self.crm.patch(&path, patch).if_match("*").await.is(200);
        // After this time no cache holds the earlier definition.
        self.service.clock.advance(30);
    }

    /// Another user, whose subject at the issuer is the same name.
    pub async fn other(&self, name: &str) -> (Resource, Person) {
        let user = self.crm.create(USERS, person(name)).await;
        let person = self.issuer.link(&user.id, name).await;
        (user, person)
    }
}

/// Attributes of the category `common`, as profiles have them.
pub fn common(attributes: &Value) -> Value {
    json!({ "attributes": { "common": attributes } })
}

/// Asserts that a token was refused as one that is not good.
#[track_caller]
pub fn refused(answer: &Answer, why: &str) {
    assert_eq!(
        (answer.code(), answer.slug().as_str()),
        (401, "unauthenticated"),
        "{why}: {}",
        answer.text()
    );
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{why}: {challenge}");
}
