//! The writes that are put under faults, each with what it starts from, what it sends, and how one tells that it happened.

use serde_json::{Value, json};
use tests::{Call, Client, Resource, Service, TENANT, person};

const USERS: &str = "/identity/users";
const SUBJECTS: &str = "/api/v1/sso/application-subjects";
const DEFINITIONS: &str = "/identity/config/attribute-definitions";

/// A write under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    CreateUser,
    CreateUserOnce,
    CreateUserWithNewAttribute,
    PatchPlain,
    PatchIndexed,
    Replace,
    Block,
    AddPersona,
    AddPersonaOnce,
    PatchPersona,
    RemovePersona,
    DeleteUser,
    CreateSubject,
    DeleteSubject,
    CreateDefinition,
    CreateDefinitionOnce,
    PatchDefinition,
    DeleteDefinition,
    Refresh,
    IssueWithRefresh,
}

impl Operation {
    pub const ALL: [Self; 20] = [
        Self::CreateUser,
        Self::CreateUserOnce,
        Self::CreateUserWithNewAttribute,
        Self::PatchPlain,
        Self::PatchIndexed,
        Self::Replace,
        Self::Block,
        Self::AddPersona,
        Self::AddPersonaOnce,
        Self::PatchPersona,
        Self::RemovePersona,
        Self::DeleteUser,
        Self::CreateSubject,
        Self::DeleteSubject,
        Self::CreateDefinition,
        Self::CreateDefinitionOnce,
        Self::PatchDefinition,
        Self::DeleteDefinition,
        Self::Refresh,
        Self::IssueWithRefresh,
    ];

    /// Whether the request carries an Idempotency-Key, so that a repeat is answered as the first would have been.
    pub fn has_key(self) -> bool {
        matches!(self, Self::CreateUserOnce | Self::AddPersonaOnce | Self::CreateDefinitionOnce | Self::Block)
    }
}

/// A service with one of each thing, warm.
pub struct Scene {
    pub service: Service,
    crm: Client,
    user: Resource,
    persona: Resource,
    unused: Resource,
    subject: Resource,
    refresh_token: String,
}

impl Scene {
    pub async fn set() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        crm.define("mark", json!({ "search": "exact" })).await;
        let unused = crm.define("unused", json!({ "search": "exact" })).await;
        crm.define_persona("employee", json!({ "scoped": true })).await;
        for id in ["shop", "blog"] {
            let body = json!({ "id": id, "name": id, "subject_type": "predefined" });
            crm.create("/api/v1/sso/applications", body).await;
        }
        let mut body = person("old");
        body["attributes"] = json!({ "common": { "mark": ["old"] } });
        let user = crm.create(USERS, body).await;
        let persona = crm.add_persona(&user, json!({ "name": "employee", "scope": ["old"] })).await;
        let subject = json!({ "application_id": "blog", "subject": "old", "user_id": user.id });
        let subject = crm.create(SUBJECTS, subject).await;
        let user = Resource { tag: crm.tag_of(&user.path).await, ..user };
        let credentials = [("grant_type", "client_credentials")];
        let refresh_token = crm.token_for(&credentials).await.is(200).field("refresh_token");
        Self { service, crm, user, persona, unused, subject, refresh_token }
    }

    /// The request.
    pub fn call(&self, operation: Operation) -> Call {
        let crm = &self.crm;
        let persona = json!({ "name": "employee", "scope": ["new"] });
        let definition = json!({ "category": "common", "name": "new", "data_format": "TEXT" });
        match operation {
            Operation::CreateUser => crm.post(USERS, person("new")),
            Operation::CreateUserOnce => crm.post(USERS, person("new")).key("k"),
            Operation::CreateUserWithNewAttribute => {
                let mut body = person("new");
                body["attributes"] = json!({ "common": { "unused": ["x"] } });
                crm.post(USERS, body)
            }
            Operation::PatchPlain => {
                crm.patch(&self.user.path, json!({ "ui_locales": "nl-BE" })).if_match(&self.user.tag)
            }
            Operation::PatchIndexed => {
                let patch = json!({ "username": "new", "preferred_email": "new@example.org", "family_name": "New" });
                crm.patch(&self.user.path, patch).if_match(&self.user.tag)
            }
            Operation::Replace => crm.put(&self.user.path, json!({ "username": "new" })).if_match(&self.user.tag),
            Operation::Block => crm.act(&self.user.below("block")).if_match(&self.user.tag).key("k"),
            Operation::AddPersona => crm.post(&self.user.below("personas"), persona).if_match(&self.user.tag),
            Operation::AddPersonaOnce => crm.post(&self.user.below("personas"), persona).key("k"),
            Operation::PatchPersona => {
                crm.patch(&self.persona.path, json!({ "scope": ["new"] })).if_match(&self.persona.tag)
            }
            Operation::RemovePersona => crm.delete(&self.persona.path).if_match(&self.persona.tag),
            Operation::DeleteUser => crm.delete(&self.user.path).if_match(&self.user.tag),
            Operation::CreateSubject => {
                crm.post(SUBJECTS, json!({ "application_id": "shop", "subject": "new", "user_id": self.user.id }))
            }
            Operation::DeleteSubject => crm.delete(&self.subject.path).if_match(&self.subject.tag),
            Operation::CreateDefinition => crm.post(DEFINITIONS, definition),
            Operation::CreateDefinitionOnce => crm.post(DEFINITIONS, definition).key("k"),
            Operation::PatchDefinition => {
                crm.patch(&self.unused.path, json!({ "display_name": "New" })).if_match(&self.unused.tag)
            }
            Operation::DeleteDefinition => crm.delete(&self.unused.path).if_match(&self.unused.tag),
            Operation::Refresh => {
                crm.token_for(&[("grant_type", "refresh_token"), ("refresh_token", &self.refresh_token)])
            }
            Operation::IssueWithRefresh => crm.token_for(&[("grant_type", "client_credentials")]),
        }
    }

    /// Whether all of the effect is there; asserts that otherwise nothing of it is.
    pub async fn happened(&self, operation: Operation) -> bool {
        let crm = self.crm.on(&self.service.instance());
        let found = async |filter: Value| crm.find(filter).await.len();
        let signs = match operation {
            Operation::CreateUser | Operation::CreateUserOnce | Operation::CreateUserWithNewAttribute => vec![
                found(json!({ "username": "new" })).await == 1,
                found(json!({ "preferred_email": "new@example.org" })).await == 1,
                found(json!({ "family_name": "Janssen" })).await == 2,
                found(json!({ "given_name": "Jan" })).await == 2,
            ],
            Operation::PatchPlain => vec![crm.read(&self.user.path).await["ui_locales"] == json!("nl-BE")],
            Operation::PatchIndexed => vec![
                crm.read(&self.user.path).await["username"] == json!("new"),
                found(json!({ "username": "new" })).await == 1,
                found(json!({ "username": "old" })).await == 0,
                found(json!({ "preferred_email": "new@example.org" })).await == 1,
                found(json!({ "preferred_email": "old@example.org" })).await == 0,
                found(json!({ "family_name": "New" })).await == 1,
            ],
            Operation::Replace => vec![
                crm.read(&self.user.path).await["username"] == json!("new"),
                found(json!({ "username": "new" })).await == 1,
                found(json!({ "preferred_email": "old@example.org" })).await == 0,
                found(json!({ "attributes.common.mark": "old" })).await == 0,
            ],
            Operation::Block => vec![crm.read(&self.user.path).await["status"] == json!("BLOCKED")],
            Operation::AddPersona | Operation::AddPersonaOnce => vec![
                crm.read(&self.user.path).await["personas"].as_array().unwrap().len() == 2,
                found(json!({ "personas": { "name": "employee", "scope": "new" } })).await == 1,
            ],
            Operation::PatchPersona => vec![
                crm.read(&self.persona.path).await["scope"] == json!(["new"]),
                found(json!({ "personas": { "name": "employee", "scope": "new" } })).await == 1,
                found(json!({ "personas": { "name": "employee", "scope": "old" } })).await == 0,
            ],
            Operation::RemovePersona => vec![
                crm.get(&self.persona.path).await.code() == 404,
                found(json!({ "personas": { "name": "employee" } })).await == 0,
            ],
            Operation::DeleteUser => vec![
                crm.get(&self.user.path).await.code() == 404,
                found(json!({ "username": "old" })).await == 0,
                found(json!({ "preferred_email": "old@example.org" })).await == 0,
                crm.get(&self.subject.path).await.code() == 404,
            ],
            Operation::CreateSubject => {
                let list = crm.read(&format!("{SUBJECTS}?user_id={}&application_id=shop", self.user.id)).await;
                vec![list["items"].as_array().unwrap().len() == 1]
            }
            Operation::DeleteSubject => vec![crm.get(&self.subject.path).await.code() == 404],
            Operation::CreateDefinition | Operation::CreateDefinitionOnce => {
                vec![crm.read(&format!("{DEFINITIONS}?name=new")).await["items"].as_array().unwrap().len() == 1]
            }
            Operation::PatchDefinition => vec![crm.read(&self.unused.path).await["display_name"] == json!("New")],
            Operation::DeleteDefinition => vec![crm.get(&self.unused.path).await.code() == 404],
            Operation::Refresh | Operation::IssueWithRefresh => vec![true],
        };
        assert!(signs.iter().all(|sign| *sign == signs[0]), "{operation:?} is half in: {signs:?}");
        signs[0]
    }

    /// The answer to the request as a client would repeat it: by the same Idempotency-Key, or by what it reads.
    pub async fn repeat(&self, operation: Operation) {
        let happened = self.happened(operation).await;
        let again = self.call(operation).await;
        let due: &[u16] = match operation {
            _ if operation.has_key() => &[200, 201],
            Operation::Refresh | Operation::IssueWithRefresh => &[200],
            // An erasure is repeated until it is complete.
            Operation::DeleteUser => &[204, 404],
            _ if !happened => &[200, 201, 204],
            // What happened is there to be read: a name that is taken, a tag that moved, a resource that is gone.
            Operation::CreateUser
            | Operation::CreateUserWithNewAttribute
            | Operation::CreateSubject
            | Operation::CreateDefinition => &[409],
            Operation::RemovePersona | Operation::DeleteSubject | Operation::DeleteDefinition => &[404],
            _ => &[412],
        };
        assert!(due.contains(&again.code()), "{operation:?} repeated (happened: {happened}): {}", again.text());
        assert!(self.happened(operation).await, "{operation:?} did not happen at last");
        if operation.has_key() {
            let third = self.call(operation).await;
            assert_eq!((third.code(), third.header("idempotency-replayed")), (again.code(), Some("true")));
            assert_eq!(third.body, again.body);
        }
        if operation == Operation::DeleteUser {
            assert_eq!(self.service.check().await.unfinished, 0);
        }
        let client = self.service.client(TENANT, "users:read").await;
        client.get(&self.user.path).await;
    }
}
