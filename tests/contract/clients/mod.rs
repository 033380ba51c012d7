//! `/config/clients` and the secrets below it.

mod changes;
mod faults;
mod isolation;
mod listing;
mod races;
mod registration;
mod rotation;
mod usage;

use serde_json::{Value, json};
use shared::domain::Versioned;
use tests::{Answer, Client, Service, TENANT};

const CLIENTS: &str = "/config/clients";

/// A client as its registration answered it.
#[derive(Clone, Debug)]
struct Registered {
    id: String,
    path: String,
    tag: String,
    secret: String,
    body: Value,
}

impl Registered {
    fn secrets(&self) -> String {
        format!("{}/secrets", self.path)
    }

    /// The status that the token endpoint answers the client with this secret.
    async fn signs_in(&self, service: &Service, secret: &str) -> u16 {
        self.token(service, secret).await.code()
    }

    async fn token(&self, service: &Service, secret: &str) -> Answer {
        service
            .token(&[
                ("grant_type", "client_credentials"),
                ("client_id", &self.id),
                ("client_secret", secret),
            ])
            .await
    }

    /// The stored item of the client.
    async fn stored(&self, service: &Service) -> Versioned<shared::domain::client::Client> {
        service.table.find_client(&self.id.parse().unwrap()).await.unwrap().unwrap()
    }
}

/// A service and an administrator of its tenant.
async fn administered() -> (Service, Client) {
    let service = Service::start().await;
    let admin = service.client(TENANT, "administrator").await;
    (service, admin)
}

/// A document with the fields that a client must have, and `more`.
#[expect(clippy::needless_pass_by_value, reason = "callers write `json!` in the argument")]
fn document(more: Value) -> Value {
    let mut document = json!({ "name": "crm", "scopes": ["users:read"] });
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

async fn register(admin: &Client, more: Value) -> Registered {
    let answer = admin.post(CLIENTS, document(more)).await.is(201);
    let body = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Registered {
        id: text(&body["client_id"]),
        path: answer.header("location").unwrap().to_owned(),
        tag: answer.tag(),
        secret: text(&body["client_secret"]),
        body,
    }
}

/// A set with one public key (RFC 7517 A.1).
fn keys() -> Value {
    json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "kid": "1", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }] })
}
