//! Changes that somebody has to approve (rules A3, A5), and `/identity/change-requests`.

mod applying;
mod asking;
mod deciding;
mod hashed;
mod listing;
mod policies;
mod refusals;

use serde_json::{Value, json};
use tests::{Answer, Client, Resource, Service, TENANT, person};

pub const USERS: &str = "/identity/users";
pub const REQUESTS: &str = "/identity/change-requests";
pub const DAY: i64 = 24 * 3600;

/// A service with the attributes `salary`, which administrators approve, and `note`, which is free;
/// a client that has to ask, and one that approves.
#[derive(Clone)]
pub struct Office {
    pub service: Service,
    pub crm: Client,
    pub boss: Client,
}

/// A property of definitions: administrators approve.
pub fn by_administrators() -> Value {
    json!({ "approval_policy": { "statements": [{ "client_scope": "administrator" }] } })
}

/// Attributes of the category `common`, as profiles have them.
pub fn common(attributes: &Value) -> Value {
    json!({ "attributes": { "common": attributes } })
}

/// A change of the guarded attribute.
pub fn salary(value: &str) -> Value {
    common(&json!({ "salary": [value] }))
}

/// The change request that a change became.
#[track_caller]
pub fn request_of(answer: Answer) -> Resource {
    let answer = answer.is(202);
    let path = answer.header("location").expect("a Location").to_owned();
    Resource { path, id: answer.field("id"), tag: answer.tag(), body: answer.json() }
}

/// The changes of a request, as `<pointer> <from> <to>`, sorted.
pub fn changes(request: &Value) -> Vec<String> {
    let changes = request["changes"].as_array().expect("changes").iter();
    let mut lines: Vec<_> = changes
        .map(|c| format!("{} {} {}", c["pointer"].as_str().unwrap(), c["from"], c["to"]))
        .collect();
    lines.sort();
    lines
}

impl Office {
    pub async fn open() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        let boss = service.client(TENANT, "administrator").await;
        let mut guarded = by_administrators();
        guarded["search"] = json!("exact");
        crm.define("salary", guarded).await;
        crm.define("note", json!({ "search": "exact" })).await;
        Self { service, crm, boss }
    }

    /// The same clients at another instance of every function.
    pub fn elsewhere(&self) -> Self {
        let service = self.service.instance();
        Self { crm: self.crm.on(&service), boss: self.boss.on(&service), service }
    }

    /// A user with both names and an e-mail address.
    pub async fn user(&self, name: &str) -> Resource {
        self.crm.create(USERS, person(name)).await
    }

    /// A user and the request to give it a salary of 5.
    pub async fn waiting(&self) -> (Resource, Resource) {
        let jan = self.user("jan").await;
        let request = self.ask(&jan, salary("5")).await;
        (jan, request)
    }

    /// A user with a persona that holds a salary of 1, both as they are then.
    pub async fn employee(&self) -> (Resource, Resource) {
        let ids = ["salary", "note"].map(|name| self.definition(name));
        let [salary, note] = ids;
        let attributes = json!([salary.await["id"], note.await["id"]]);
        self.crm
            .define_persona("employee", json!({ "scoped": true, "attributes": attributes }))
            .await;
        let jan = self.user("jan").await;
        let persona = json!({
            "name": "employee", "scope": ["a"], "attributes": { "common": { "salary": ["1"] } }
        });
        let persona = self.boss.add_persona(&jan, persona).await;
        (self.now(&jan).await, persona)
    }

    /// The definition of an attribute of the category `common`.
    pub async fn definition(&self, name: &str) -> Value {
        self.crm.read(&format!("/identity/config/attribute-definitions?name={name}")).await["items"]
            [0]
        .clone()
    }

    /// Changes the definition of an attribute.
    pub async fn redefine(&self, name: &str, patch: Value) -> Answer {
        let id = self.definition(name).await["id"].as_str().expect("an id").to_owned();
        self.crm
            .patch(&format!("/identity/config/attribute-definitions/{id}"), patch)
            .if_match("*")
            .await
    }

    /// A resource as it is now.
    pub async fn now(&self, resource: &Resource) -> Resource {
        let read = self.crm.get(&resource.path).await.is(200);
        Resource { tag: read.tag(), body: read.json(), ..resource.clone() }
    }

    /// Asks for a change of a user.
    pub async fn ask(&self, user: &Resource, patch: Value) -> Resource {
        request_of(self.crm.patch(&user.path, patch).if_match("*").await)
    }

    pub async fn approve(&self, request: &Resource) -> Answer {
        self.boss.act(&request.below("approve")).await
    }

    pub async fn reject(&self, request: &Resource) -> Answer {
        self.boss.act(&request.below("reject")).await
    }

    pub async fn status(&self, request: &Resource) -> String {
        self.boss.get(&request.path).await.is(200).field("status")
    }

    /// How many users an attribute finds.
    pub async fn found(&self, attribute: &str, value: &str) -> usize {
        self.crm.find(json!({ format!("attributes.common.{attribute}"): value })).await.len()
    }

    /// New tokens, for when the clock has moved past the life of the old ones.
    pub async fn renew(&mut self) {
        self.crm = self.crm.clone().with_token().await;
        self.boss = self.boss.clone().with_token().await;
    }

    /// Moves the clock, and gets new tokens.
    pub async fn days_later(&mut self, days: i64) {
        self.service.clock.advance(days * DAY);
        self.renew().await;
    }

    /// Asserts that a user is as it was read: content, tag and version.
    pub async fn unchanged(&self, user: &Resource, version: u64) {
        let now = self.now(user).await;
        assert_eq!((now.tag, now.body), (user.tag.clone(), user.body.clone()));
        assert_eq!(self.service.version_of(&user.id).await, version);
    }
}
