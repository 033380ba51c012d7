//! System profiles: what one system sees and knows of a person, and nothing of the others.

mod bulk;
mod finding;
mod forgetting;
mod isolation;
mod limits;
mod model;
mod own;
mod people;
mod races;
mod reading;
mod writing;

use serde_json::{Value, json};
use tests::{Client, Resource, Service, TENANT, escape, person};

/// A tenant with two systems, and a person who has a profile in the first.
struct Shop {
    service: Service,
    crm: Client,
    /// The base profile.
    jan: Resource,
    /// Where the profile in the system `shop` is.
    path: String,
}

const SHOP: &str = "/api/v1/tenants/acme/systems/shop/users";
const DESK: &str = "/api/v1/tenants/acme/systems/desk/users";

impl Shop {
    async fn open() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        let declared: Vec<_> = [
            ("points", "NON_SENSITIVE"),
            ("tier", "LOW"),
            ("notes", "MEDIUM"),
            ("risk", "SENSITIVE"),
        ]
        .map(|(name, classifier)| json!({ "name": name, "classifier": classifier }))
        .into();
        let shop = json!({ "id": "shop", "name": "Shop", "attributes_definition": declared });
        crm.post("/identity/config/systems", shop).await.is(201);
        service.system("desk", &["points"]).await;
        let jan = crm.create("/identity/users", person("jan")).await;
        let path = service.profile(&jan.id, "shop").await;
        Self { service, crm, jan, path }
    }

    /// The id of the profile.
    fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    async fn read(&self) -> Value {
        self.crm.read(&self.path).await
    }

    /// Patches the profile whatever its tag.
    fn patch(&self, patch: Value) -> tests::Call {
        self.crm.patch(&self.path, patch).if_match("*")
    }

    /// Patches the base profile whatever its tag.
    async fn patch_base(&self, patch: Value) {
        self.crm.patch(&self.jan.path, patch).if_match("*").await.is(200);
    }

    /// A client with more members than a name and the scopes of users.
    async fn client_with(&self, more: Value) -> Client {
        let admin = self.service.client(TENANT, "administrator").await;
        let body = json!({ "name": "other", "scopes": ["users:read", "users:write"] });
        let made = admin.post("/config/clients", tests::with(body, more)).await.is(201);
        let (id, secret) = (made.field("client_id"), made.field("client_secret"));
        Client { service: self.service.clone(), id, secret, token: String::new() }
            .with_token()
            .await
    }
}

/// The query of a filter, escaped.
fn by(place: &str, filter: &str) -> String {
    format!("{place}?filter={}", escape(filter))
}
