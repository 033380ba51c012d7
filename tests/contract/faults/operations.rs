//! The writes that are put under faults, each with what it starts from, what it sends, and how one
//! tells that it happened.

use serde_json::{Value, json};
use shared::domain::id::BaseId;
use tests::{Call, Client, Resource, Service, person};

use super::decisions::Desk;
use crate::principals::{bind, is_unlinked};

const USERS: &str = "/identity/users";
const SUBJECTS: &str = "/api/v1/sso/application-subjects";
const SERVERS: &str = "/api/v1/sso/authentication-servers";
const DEFINITIONS: &str = "/identity/config/attribute-definitions";

fn issuer(name: &str) -> String {
    format!("https://{name}.example")
}

fn server(name: &str) -> Value {
    json!({ "id": "corp", "name": "Corp", "subject_type": "predefined", "issuer": issuer(name) })
}

/// A write under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    CreateUser,
    CreateUserOnce,
    CreateUserWithNewAttribute,
    PatchPlain,
    PatchIndexed,
    Block,
    AddPersona,
    AddPersonaOnce,
    RemovePersona,
    DeleteUser,
    CreateSubject,
    DeleteSubject,
    CreateDefinition,
    CreateDefinitionOnce,
    DeleteDefinition,
    Refresh,
    AskForChange,
    Approve,
    ApproveOnce,
    Reject,
    RejectOnce,
    Link,
    Unlink,
    UnlinkOnce,
    UnlinkBeforeSignIn,
    CreateServer,
    MoveServer,
    PatchProfile,
    OverrideIndexed,
    ForgetProfile,
    UpsertNew,
    UpsertOld,
}

impl Operation {
    pub const ALL: [Self; 32] = [
        Self::CreateUser,
        Self::CreateUserOnce,
        Self::CreateUserWithNewAttribute,
        Self::PatchPlain,
        Self::PatchIndexed,
        Self::Block,
        Self::AddPersona,
        Self::AddPersonaOnce,
        Self::RemovePersona,
        Self::DeleteUser,
        Self::CreateSubject,
        Self::DeleteSubject,
        Self::CreateDefinition,
        Self::CreateDefinitionOnce,
        Self::DeleteDefinition,
        Self::Refresh,
        Self::AskForChange,
        Self::Approve,
        Self::ApproveOnce,
        Self::Reject,
        Self::RejectOnce,
        Self::Link,
        Self::Unlink,
        Self::UnlinkOnce,
        Self::UnlinkBeforeSignIn,
        Self::CreateServer,
        Self::MoveServer,
        Self::PatchProfile,
        Self::OverrideIndexed,
        Self::ForgetProfile,
        Self::UpsertNew,
        Self::UpsertOld,
    ];

    /// Whether the request carries an Idempotency-Key, so that a repeat is answered as the first
    /// would have been.
    pub fn has_key(self) -> bool {
        matches!(
            self,
            Self::CreateUserOnce
                | Self::AddPersonaOnce
                | Self::CreateDefinitionOnce
                | Self::Block
                | Self::ApproveOnce
                | Self::RejectOnce
                | Self::UnlinkOnce
        )
    }

    /// Whether it is one of the operations of system profiles.
    fn is_of_profiles(self) -> bool {
        matches!(self, Self::PatchProfile | Self::OverrideIndexed | Self::ForgetProfile)
    }

    /// Whether it is one of the operations of change requests.
    pub fn is_of_requests(self) -> bool {
        matches!(
            self,
            Self::AskForChange
                | Self::Approve
                | Self::ApproveOnce
                | Self::Reject
                | Self::RejectOnce
        )
    }
}

/// A service with what the operation needs, warm.
pub struct Scene {
    pub service: Service,
    crm: Client,
    user: Resource,
    persona: Option<Resource>,
    unused: Option<Resource>,
    subject: Option<Resource>,
    refresh_token: String,
    desk: Option<Desk>,
    base: Option<BaseId>,
    profile: Option<Profile>,
}

/// A profile in the system `shop`, of somebody who goes by the name Old there.
struct Profile {
    path: String,
    tag: String,
}

impl Profile {
    async fn set(service: &Service, crm: &Client, user: &Resource) -> Self {
        service.system("shop", &["points"]).await;
        let path = service.profile(&user.id, "shop").await;
        let tag =
            crm.patch(&path, json!({ "given_name": "Old" })).if_match("*").await.is(200).tag();
        Self { path, tag }
    }
}

/// Whether somebody goes by this name in the system `shop`.
async fn is_called(crm: &Client, name: &str) -> bool {
    let filter = tests::escape(&format!("given_name eq \"{name}\""));
    crm.get(&format!("{}?filter={filter}", tests::profiles("shop"))).await.code() == 200
}

fn there<T>(thing: Option<&T>) -> &T {
    thing.expect("what the scene of this operation has")
}

impl Scene {
    pub async fn set(operation: Operation) -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        let (mut persona, mut unused, mut subject, mut refresh_token) =
            (None, None, None, String::new());
        match operation {
            Operation::CreateUserWithNewAttribute | Operation::DeleteDefinition => {
                unused = Some(crm.define("unused", json!({ "search": "exact" })).await);
            }
            Operation::CreateSubject | Operation::DeleteSubject | Operation::DeleteUser => {
                let shop = json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" });
                crm.create("/api/v1/sso/applications", shop).await;
            }
            Operation::AddPersona | Operation::AddPersonaOnce | Operation::RemovePersona => {
                crm.define_persona("employee", json!({ "scoped": true })).await;
            }
            Operation::UpsertOld => {
                drop(crm.define_persona("employee", json!({ "scoped": true })).await)
            }
            Operation::Link
            | Operation::Unlink
            | Operation::UnlinkOnce
            | Operation::UnlinkBeforeSignIn
            | Operation::MoveServer => {
                crm.create(SERVERS, server("old")).await;
            }
            Operation::Refresh => {
                let issued = crm.token_for(&[("grant_type", "client_credentials")]).await.is(200);
                refresh_token = issued.field("refresh_token");
            }
            _ => {}
        }
        let mut user = crm.create(USERS, person("old")).await;
        if operation == Operation::UpsertOld {
            user.tag = crm
                .patch(&user.path, json!({ "id_at_customer": "OLD" }))
                .if_match("*")
                .await
                .is(200)
                .tag();
        }
        if operation == Operation::RemovePersona {
            persona =
                Some(crm.add_persona(&user, json!({ "name": "employee", "scope": ["old"] })).await);
            user.tag = crm.tag_of(&user.path).await;
        }
        if matches!(operation, Operation::DeleteSubject | Operation::DeleteUser) {
            let body = json!({ "application_id": "shop", "subject": "old", "user_id": user.id });
            subject = Some(crm.create(SUBJECTS, body).await);
        }
        let desk = if operation.is_of_requests() {
            Some(Desk::set(&service, &crm, &user, operation).await)
        } else {
            None
        };
        let mut base = None;
        if matches!(operation, Operation::Link | Operation::Unlink | Operation::UnlinkOnce) {
            base = Some(bind(&service, &user, "corp").await);
        }
        if operation == Operation::Link {
            crm.act(&user.below("principals/corp/unlink")).await.is(200);
        }
        let profile = if operation.is_of_profiles() {
            Some(Profile::set(&service, &crm, &user).await)
        } else {
            None
        };
        Self { service, crm, user, persona, unused, subject, refresh_token, desk, base, profile }
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
            Operation::PatchPlain => crm
                .patch(&self.user.path, json!({ "ui_locales": "nl-BE" }))
                .if_match(&self.user.tag),
            Operation::PatchIndexed => {
                let patch = json!({
                    "username": "new", "preferred_email": "new@example.org", "family_name": "New"
                });
                crm.patch(&self.user.path, patch).if_match(&self.user.tag)
            }
            Operation::Block => {
                crm.act(&self.user.below("block")).if_match(&self.user.tag).key("k")
            }
            Operation::AddPersona => {
                crm.post(&self.user.below("personas"), persona).if_match(&self.user.tag)
            }
            Operation::AddPersonaOnce => crm.post(&self.user.below("personas"), persona).key("k"),
            Operation::RemovePersona => crm
                .delete(&there(self.persona.as_ref()).path)
                .if_match(&there(self.persona.as_ref()).tag),
            Operation::DeleteUser => crm.delete(&self.user.path).if_match(&self.user.tag),
            Operation::UpsertNew => {
                crm.put(&format!("{USERS}/by/id_at_customer/NEW"), person("new")).if_none_match("*")
            }
            Operation::UpsertOld => {
                let mut body = person("new");
                body["personas"] = json!([persona]);
                crm.put(&format!("{USERS}/by/id_at_customer/OLD"), body).if_match(&self.user.tag)
            }
            Operation::CreateSubject => crm.post(
                SUBJECTS,
                json!({ "application_id": "shop", "subject": "new", "user_id": self.user.id }),
            ),
            Operation::DeleteSubject => crm
                .delete(&there(self.subject.as_ref()).path)
                .if_match(&there(self.subject.as_ref()).tag),
            Operation::CreateDefinition => crm.post(DEFINITIONS, definition),
            Operation::CreateDefinitionOnce => crm.post(DEFINITIONS, definition).key("k"),
            Operation::DeleteDefinition => crm
                .delete(&there(self.unused.as_ref()).path)
                .if_match(&there(self.unused.as_ref()).tag),
            Operation::Refresh => crm.token_for(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", &self.refresh_token),
            ]),
            Operation::Link => crm.act(&self.user.below("principals/corp/link")),
            Operation::Unlink | Operation::UnlinkBeforeSignIn => {
                crm.act(&self.user.below("principals/corp/unlink"))
            }
            Operation::UnlinkOnce => crm.act(&self.user.below("principals/corp/unlink")).key("k"),
            Operation::CreateServer => crm.post(SERVERS, server("new")),
            Operation::MoveServer => crm
                .patch(&format!("{SERVERS}/corp"), json!({ "issuer": issuer("new") }))
                .if_match("*"),
            Operation::PatchProfile | Operation::OverrideIndexed | Operation::ForgetProfile => {
                let Profile { path, tag } = there(self.profile.as_ref());
                let call = match operation {
                    Operation::PatchProfile => {
                        crm.patch(path, json!({ "system_attributes": { "points": ["7"] } }))
                    }
                    Operation::OverrideIndexed => crm.patch(
                        path,
                        json!({ "given_name": "New", "preferred_email": "new@shop.example" }),
                    ),
                    _ => crm.delete(path),
                };
                call.if_match(tag)
            }
            _ => there(self.desk.as_ref()).call(operation),
        }
    }

    async fn trusts(&self, name: &str) -> bool {
        !self.service.table.trusting(&issuer(name)).await.unwrap().is_empty()
    }

    /// Whether all of the effect is there; asserts that otherwise nothing of it is.
    pub async fn happened(&self, operation: Operation) -> bool {
        let crm = self.crm.on(&self.service.instance());
        let found = async |filter: Value| crm.find(filter).await.len();
        let signs = match operation {
            Operation::CreateUser
            | Operation::CreateUserOnce
            | Operation::CreateUserWithNewAttribute => vec![
                found(json!({ "username": "new" })).await == 1,
                found(json!({ "preferred_email": "new@example.org" })).await == 1,
                found(json!({ "family_name": "Janssen" })).await == 2,
            ],
            Operation::UpsertNew => vec![
                found(json!({ "id_at_customer": "NEW" })).await == 1,
                found(json!({ "username": "new" })).await == 1,
                found(json!({ "preferred_email": "new@example.org" })).await == 1,
                found(json!({ "family_name": "Janssen" })).await == 2,
            ],
            Operation::UpsertOld => vec![
                crm.read(&self.user.path).await["username"] == json!("new"),
                crm.read(&self.user.path).await["personas"].as_array().unwrap().len() == 1,
                found(json!({ "username": "new" })).await == 1,
                found(json!({ "username": "old" })).await == 0,
                found(json!({ "preferred_email": "old@example.org" })).await == 0,
                found(json!({ "personas": { "name": "employee", "scope": "new" } })).await == 1,
            ],
            Operation::PatchPlain => {
                vec![crm.read(&self.user.path).await["ui_locales"] == json!("nl-BE")]
            }
            Operation::PatchIndexed => vec![
                crm.read(&self.user.path).await["username"] == json!("new"),
                found(json!({ "username": "new" })).await == 1,
                found(json!({ "username": "old" })).await == 0,
                found(json!({ "preferred_email": "new@example.org" })).await == 1,
                found(json!({ "preferred_email": "old@example.org" })).await == 0,
                found(json!({ "family_name": "New" })).await == 1,
            ],
            Operation::Block => vec![crm.read(&self.user.path).await["status"] == json!("BLOCKED")],
            Operation::AddPersona | Operation::AddPersonaOnce => vec![
                crm.read(&self.user.path).await["personas"].as_array().unwrap().len() == 1,
                found(json!({ "personas": { "name": "employee", "scope": "new" } })).await == 1,
            ],
            Operation::RemovePersona => vec![
                crm.get(&there(self.persona.as_ref()).path).await.code() == 404,
                found(json!({ "personas": { "name": "employee" } })).await == 0,
            ],
            Operation::DeleteUser => vec![
                crm.get(&self.user.path).await.code() == 404,
                found(json!({ "username": "old" })).await == 0,
                found(json!({ "preferred_email": "old@example.org" })).await == 0,
                crm.get(&there(self.subject.as_ref()).path).await.code() == 404,
            ],
            Operation::CreateSubject => {
                let list = crm
                    .read(&format!("{SUBJECTS}?user_id={}&application_id=shop", self.user.id))
                    .await;
                vec![list["items"].as_array().unwrap().len() == 1]
            }
            Operation::DeleteSubject => {
                vec![crm.get(&there(self.subject.as_ref()).path).await.code() == 404]
            }
            Operation::CreateDefinition | Operation::CreateDefinitionOnce => {
                vec![
                    crm.read(&format!("{DEFINITIONS}?name=new")).await["items"]
                        .as_array()
                        .unwrap()
                        .len()
                        == 1,
                ]
            }
            Operation::DeleteDefinition => {
                vec![crm.get(&there(self.unused.as_ref()).path).await.code() == 404]
            }
            Operation::Refresh => vec![true],
            Operation::Link
            | Operation::Unlink
            | Operation::UnlinkOnce
            | Operation::UnlinkBeforeSignIn => {
                let linked = crm.read(&self.user.below("principals")).await["items"][1]["linked"]
                    == json!(true);
                let mut signs = vec![linked == (operation == Operation::Link)];
                if let Some(base) = &self.base {
                    signs.push(
                        is_unlinked(&self.service, base).await
                            == Some(operation != Operation::Link),
                    );
                }
                signs
            }
            Operation::CreateServer => {
                let found = crm.get(&format!("{SERVERS}/corp")).await.code() == 200;
                vec![found, self.trusts("new").await]
            }
            Operation::MoveServer => {
                let shown =
                    crm.read(&format!("{SERVERS}/corp")).await["issuer"] == json!(issuer("new"));
                vec![shown, self.trusts("new").await, !self.trusts("old").await]
            }
            Operation::PatchProfile => {
                let profile = crm.read(&there(self.profile.as_ref()).path).await;
                vec![profile["system_attributes"] == json!({ "points": ["7"] })]
            }
            Operation::OverrideIndexed => {
                let profile = crm.read(&there(self.profile.as_ref()).path).await;
                vec![
                    profile["given_name"] == json!("New"),
                    profile["preferred_email"] == json!("new@shop.example"),
                    is_called(&crm, "New").await,
                    !is_called(&crm, "Old").await,
                ]
            }
            Operation::ForgetProfile => vec![
                crm.get(&there(self.profile.as_ref()).path).await.code() == 404,
                !is_called(&crm, "Old").await,
                !self.service.items().await.iter().any(|item| item.contains("shop.given_name")),
            ],
            _ => there(self.desk.as_ref()).signs(operation).await,
        };
        assert!(signs.iter().all(|sign| *sign == signs[0]), "{operation:?} is half in: {signs:?}");
        signs[0]
    }

    /// The answer to the request as a client would repeat it: by the same Idempotency-Key, or by
    /// what it reads.
    pub async fn repeat(&self, operation: Operation) {
        let happened = self.happened(operation).await;
        let again = self.call(operation).await;
        let due: &[u16] = match operation {
            _ if operation.has_key() => &[200, 201],
            Operation::Refresh
            | Operation::Approve
            | Operation::Reject
            | Operation::Link
            | Operation::Unlink
            | Operation::UnlinkBeforeSignIn
            | Operation::MoveServer => &[200],
            Operation::AskForChange => &[202],
            // An erasure is repeated until it is complete.
            Operation::DeleteUser => &[204, 404],
            _ if !happened => &[200, 201, 204],
            // What happened is there to be read: a name that is taken, a tag that moved, a resource
            // that is gone.
            Operation::CreateUser
            | Operation::CreateUserWithNewAttribute
            | Operation::CreateSubject
            | Operation::CreateDefinition
            | Operation::CreateServer => &[409],
            Operation::RemovePersona
            | Operation::DeleteSubject
            | Operation::DeleteDefinition
            | Operation::ForgetProfile => &[404],
            _ => &[412],
        };
        assert!(
            due.contains(&again.code()),
            "{operation:?} repeated (happened: {happened}): {}",
            again.text()
        );
        assert!(self.happened(operation).await, "{operation:?} did not happen at last");
        if operation.has_key() {
            let third = self.call(operation).await;
            assert_eq!(
                (third.code(), third.header("idempotency-replayed")),
                (again.code(), Some("true"))
            );
            assert_eq!(third.body, again.body);
        }
        if operation == Operation::DeleteUser {
            assert_eq!(self.service.check().await.unfinished, 0);
        }
    }
}
