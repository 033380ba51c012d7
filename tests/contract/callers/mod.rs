//! The routes that clients, local persons and external persons may call, and the fields that they
//! see.

mod administrators;
mod every_route;

use serde_json::json;
use shared::domain::definition::BuiltInPersona::Administrator;
use tests::{Client, Person, Resource, Service, TENANT};

pub const USERS: &str = "/identity/users";
pub const ME: &str = "/identity/me";
/// Every scope that is granted to clients.
pub const ALL: &str =
    "users:read users:write config:read config:write administrator userdata openid";

/// A service with an application through which its users sign in.
pub struct Office {
    pub service: Service,
    pub crm: Client,
    pub application: Client,
    /// The administrator's user.
    pub ada: Resource,
}

impl Office {
    pub async fn open() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        let application = service.client(TENANT, ALL).await;
        // The first administrator stays, so that the tenant has one whatever becomes of Ada.
        application.person_with("root", &[Administrator]).await;
        let ada = application.person_with("ada", &[Administrator]).await;
        Self { service, crm, application, ada }
    }

    /// Ada with a token of the application that has these scopes.
    pub async fn ada(&self, scopes: &str) -> Person {
        self.application.local_person(&self.ada.id, scopes).await
    }

    pub async fn block(&self, user: &Resource) {
        self.application.act(&user.below("block")).await.is(200);
    }

    pub async fn hidden_and_read_only(&self) {
        self.crm.define("hidden", json!({ "hidden": true })).await;
        self.crm.define("fixed", json!({ "read_only": true })).await;
    }
}
