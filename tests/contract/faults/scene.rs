//! The resources that each write needs, and its request.

use serde_json::{Value, json};
use shared::domain::id::BaseId;
use tests::{Call, Client, Resource, Service, Snapshot, person};

use super::decisions::Desk;
use super::operations::Operation;
use crate::principals::bind;

const USERS: &str = "/identity/users";
pub(super) const SUBJECTS: &str = "/api/v1/sso/application-subjects";
pub(super) const SERVERS: &str = "/api/v1/sso/authentication-servers";
pub(super) const DEFINITIONS: &str = "/identity/config/attribute-definitions";

pub(super) fn issuer(name: &str) -> String {
    format!("https://{name}.example")
}

fn server(name: &str) -> Value {
    json!({ "id": "corp", "name": "Corp", "subject_type": "predefined", "issuer": issuer(name) })
}

/// A service with what the operation needs, warm.
pub struct Scene {
    pub service: Service,
    pub(super) crm: Client,
    pub(super) user: Resource,
    pub(super) persona: Option<Resource>,
    pub(super) unused: Option<Resource>,
    pub(super) subject: Option<Resource>,
    pub(super) refresh_token: String,
    pub(super) desk: Option<Desk>,
    pub(super) base: Option<BaseId>,
    pub(super) profile: Option<Profile>,
}

/// A profile in the system `shop`, of somebody who goes by the name Old there.
#[derive(Clone)]
pub(super) struct Profile {
    pub(super) path: String,
    pub(super) tag: String,
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

pub(super) fn there<T>(thing: Option<&T>) -> &T {
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
                drop(crm.define_persona("employee", json!({ "scoped": true })).await);
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

    /// The same scene on a copy of its table. The caches hold what they hold after [`Scene::set`],
    /// so that the operation makes the same store calls.
    pub async fn fork(&self, snapshot: &Snapshot, operation: Operation) -> Self {
        let service = snapshot.start();
        service.table.audit_key().await.unwrap();
        let crm = self.crm.on(&service);
        // The functions of these operations have not read the table yet.
        let is_cold = matches!(
            operation,
            Operation::AddPersona
                | Operation::AddPersonaOnce
                | Operation::CreateDefinition
                | Operation::CreateDefinitionOnce
                | Operation::CreateServer
        );
        if !is_cold {
            for path in [&*self.user.path, &self.user.below("personas"), DEFINITIONS, SERVERS] {
                crm.get(path).await.is(200);
            }
        }
        if operation == Operation::Refresh {
            crm.token_for(&[("grant_type", "client_credentials")]).await.is(200);
        }
        let desk = match &self.desk {
            Some(desk) => Some(desk.on(&service, operation).await),
            None => None,
        };
        Self {
            crm,
            desk,
            service,
            user: self.user.clone(),
            persona: self.persona.clone(),
            unused: self.unused.clone(),
            subject: self.subject.clone(),
            refresh_token: self.refresh_token.clone(),
            base: self.base.clone(),
            profile: self.profile.clone(),
        }
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
}
