//! Consents: what people are asked, what they decided, and what systems get of them (rules CO-01 to
//! CO-18).

mod checking;
mod cost;
mod deciding;
mod faults;
mod folding;
mod governing;
mod importing;
mod leaving;
mod races;
mod receipts;
mod versions;

use serde_json::{Value, json};
use tests::{Call, Client, Resource, Service, TENANT, person, with};

pub const CONSENTS: &str = "/identity/config/consents";
pub const CHECK: &str = "/identity/consents/check";
const DAY: i64 = 24 * 3600;

/// A tenant that asks for the consent `news`, and a person who may be asked.
pub struct Office {
    pub service: Service,
    pub crm: Client,
    pub jan: Resource,
}

/// The terms of a consent with the purposes `letter`, `calls` and `offers`.
pub fn terms(id: &str, more: Value) -> Value {
    let purpose =
        |id: &str| json!({ "id": id, "name": id.to_uppercase(), "legal_basis": "consent" });
    let purposes = ["letter", "calls", "offers"].map(purpose);
    let terms = json!({
        "id": id, "kind": "processing", "jurisdiction": "BE", "purposes": purposes,
        "controller": {
            "name": "Acme", "contact": "DPO", "address": "Gent", "email": "privacy@example.org",
            "phone": "+3292000000"
        }
    });
    with(terms, more)
}

/// Terms to which people agree by saying nothing.
pub fn silent() -> Value {
    let purpose = |id: &str| json!({ "id": id, "name": id.to_uppercase(), "legal_basis": "legitimate_interests" });
    let purposes = ["letter", "calls", "offers"].map(purpose);
    json!({ "needs": "opt_out", "purposes": purposes })
}

/// A purpose that uses these attributes.
pub fn uses(id: &str, attributes: &[&str]) -> Value {
    json!({ "id": id, "name": id, "legal_basis": "consent", "attributes": attributes })
}

/// The definition of a predefined attribute: its id.
pub async fn predefined(crm: &Client, name: &str) -> String {
    let list = format!("/identity/config/attribute-definitions?name={name}");
    crm.read(&list).await["items"][0]["id"].as_str().unwrap().to_owned()
}

/// Asks for a consent with the usual terms: the SHA-256 of its English text.
pub async fn ask(client: &Client, id: &str) -> String {
    client.create(CONSENTS, terms(id, json!({}))).await;
    let locales = json!({ "en": { "title": "News", "text": "May we write?" } });
    let path = format!("{CONSENTS}/{id}/versions");
    let made = client.post(&path, json!({ "locales": locales })).await.is(201).json();
    made["locales"]["en"]["sha256"].as_str().unwrap().to_owned()
}

impl Office {
    pub async fn open() -> Self {
        Self::with(json!({})).await
    }

    /// With these terms of `news`, of which version 1 is in effect.
    pub async fn with(more: Value) -> Self {
        Self::on(Service::start().await, more).await
    }

    /// The same on a service that has more.
    pub async fn on(service: Service, more: Value) -> Self {
        let crm = service.crm().await;
        let jan = crm.create("/identity/users", person("jan")).await;
        crm.create(CONSENTS, terms("news", more)).await;
        let office = Self { service, crm, jan };
        office.version(json!({})).await;
        office
    }

    /// Lets time pass, in seconds; the client gets a new token.
    pub async fn later(&mut self, seconds: i64) {
        self.service.clock.advance(seconds);
        self.crm = self.crm.clone().with_token().await;
    }

    /// Creates a version of `news`.
    pub async fn version(&self, more: Value) -> Value {
        let locales = json!({
            "en": { "title": "News", "text": "May we write?\nYou may say no." },
            "nl": { "title": "Nieuws", "text": "Mogen wij schrijven?" }
        });
        let body = with(json!({ "locales": locales }), more);
        self.crm.post(&format!("{CONSENTS}/news/versions"), body).await.is(201).json()
    }

    /// The SHA-256 of the English text of a version.
    pub async fn digest(&self, version: u32) -> String {
        let read = self.crm.read(&format!("{CONSENTS}/news/versions/{version}")).await;
        read["locales"]["en"]["sha256"].as_str().unwrap().to_owned()
    }

    /// What somebody sends who agrees to the letter, by the version of this number.
    pub async fn yes(&self, version: u32, more: Value) -> Value {
        let digest = self.digest(version).await;
        let yes = json!({
            "consent": "news", "version": version, "locale": "en", "text_sha256": digest,
            "purposes": ["letter"], "method": "web_form"
        });
        with(yes, more)
    }

    /// Sends a decision about Jan.
    pub fn decide(&self, decision: Value) -> Call {
        self.crm.post(&self.jan.below("consents"), decision)
    }

    /// Jan agrees to the letter, by version 1.
    pub async fn agree(&self, more: Value) -> Value {
        let yes = self.yes(1, more).await;
        self.decide(yes).await.is(200).json()
    }

    pub fn withdraw(&self) -> Call {
        self.crm.act(&self.jan.below("consents/news/withdraw"))
    }

    /// Whether Jan agrees to the letter now.
    pub async fn check(&self, more: Value) -> Value {
        let question = json!({ "user": self.jan.id, "consent": "news", "purposes": ["letter"] });
        self.crm.post(CHECK, with(question, more)).await.is(200).json()
    }

    pub async fn granted(&self) -> bool {
        self.check(json!({})).await["granted"].as_bool().unwrap()
    }

    /// The history of what Jan decided.
    pub async fn history(&self) -> Vec<Value> {
        let page = self.crm.read(&self.jan.below("consents/news/history?limit=100")).await;
        page["items"].as_array().unwrap().clone()
    }

    /// A client that is bound to these systems.
    pub async fn bound(&self, systems: &[&str]) -> Client {
        let admin = self.service.client(TENANT, "administrator").await;
        let body = json!({
            "name": "bound", "scopes": ["users:read", "users:write"], "systems": systems
        });
        let made = admin.post("/config/clients", body).await.is(201);
        let (id, secret) = (made.field("client_id"), made.field("client_secret"));
        let client = Client { service: self.service.clone(), id, secret, token: String::new() };
        client.with_token().await
    }
}
