//! Assignments and deletions of a definition, interleaved call by call (rule D6).
//!
//! One request stops before one of its store calls. The other runs up to one of its own calls, or
//! to its end. Then both go on. In every order either the definition exists and the value is
//! stored, or the definition is deleted and no user holds a value.

use serde_json::json;
use tests::{Answer, Call, Client, Gate, Resource, Service, TENANT};

use crate::approvals::{by_administrators, common};

const USERS: &str = "/identity/users";

/// The first assignment of a definition to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assignment {
    OnCreation,
    ByPatch,
    OfPersona,
    OfPersonaAttribute,
    InRequest,
    ByApproval,
}

/// A definition that nobody was given, a user, and the functions of the one who assigns.
struct Scene {
    service: Service,
    crm: Client,
    /// At functions whose caches are as old as `crm`'s, or empty.
    writer: Client,
    definition: Resource,
    user: Resource,
    persona: Option<Resource>,
    request: Option<Resource>,
}

impl Scene {
    async fn set(assignment: Assignment, stale: bool) -> Self {
        let service = Service::start().await;
        let crm = service.client(TENANT, "administrator").await;
        let writer = service
            .client(TENANT, "users:read users:write config:read")
            .await
            .on(&service.instance());
        let guarded = matches!(assignment, Assignment::InRequest | Assignment::ByApproval);
        let definition = match assignment {
            Assignment::OfPersona => crm.define_persona("badge", json!({})).await,
            _ => crm.define("badge", if guarded { by_administrators() } else { json!({}) }).await,
        };
        let user = crm.create_user("jan").await;
        let (mut persona, mut role) = (None, None);
        if assignment == Assignment::OfPersonaAttribute {
            role = Some(crm.define_persona("role", json!({ "attributes": [definition.id] })).await);
            persona = Some(crm.add_persona(&user, json!({ "name": "role" })).await);
        }
        if stale {
            // The functions of the one who assigns remember the definitions as they are now.
            writer.patch(&user.path, json!({})).if_match("*").await.is(200);
            writer.get(&user.below("personas")).await.is(200);
        }
        if let Some(role) = role {
            // An attribute that a persona definition lists cannot be deleted. Caches still hold the
            // persona definition with the attribute.
            crm.patch(&role.path, json!({ "attributes": [] })).if_match("*").await.is(200);
        }
        let mut request = None;
        if assignment == Assignment::ByApproval {
            // So far only the change request holds a value of the definition.
            let asked = writer.patch(&user.path, badge()).if_match("*").await;
            request = Some(crate::approvals::request_of(asked));
        }
        let scene = Self { service, crm, writer, definition, user, persona, request };
        scene.service.faults.reset();
        scene
    }

    fn assign(&self, assignment: Assignment) -> Call {
        let mut created = badge();
        created["username"] = json!("els");
        match assignment {
            Assignment::OnCreation => self.writer.post(USERS, created),
            Assignment::ByPatch | Assignment::InRequest => {
                self.writer.patch(&self.user.path, badge()).if_match("*")
            }
            Assignment::OfPersona => {
                self.writer.post(&self.user.below("personas"), json!({ "name": "badge" }))
            }
            Assignment::OfPersonaAttribute => {
                self.writer.patch(&self.persona.as_ref().unwrap().path, badge()).if_match("*")
            }
            Assignment::ByApproval => {
                self.crm.act(&self.request.as_ref().unwrap().below("approve"))
            }
        }
    }

    fn delete(&self) -> Call {
        self.crm.delete(&self.definition.path)
    }

    /// Asserts that what was answered is true and that nobody holds what is gone.
    async fn verify(
        &self,
        assignment: Assignment,
        assigned: &Answer,
        deleted: &Answer,
        what: &str,
    ) {
        let (given, gone) = (assigned.status.is_success(), deleted.code() == 204);
        assert!(
            !(given && gone),
            "{what}: a value was stored of what is gone: {}",
            assigned.text()
        );
        let answered = given || [404, 422].contains(&assigned.code());
        assert!(answered, "{what}: {} {}", assigned.code(), assigned.text());
        assert!(gone || deleted.code() == 409, "{what}: {} {}", deleted.code(), deleted.text());
        let fresh = self.crm.on(&self.service.instance());
        assert_eq!(
            fresh.get(&self.definition.path).await.code(),
            if gone { 404 } else { 200 },
            "{what}"
        );
        if gone && assignment != Assignment::ByApproval {
            let items = self.service.items().await;
            // The ledger tells of it for ever.
            let elsewhere = items.iter().filter(|item| !item.contains("#AU\")"));
            let held = elsewhere.filter(|item| item.contains(&self.definition.id)).count();
            assert_eq!(held, 0, "{what}");
        }
        self.service.check().await;
    }
}

fn badge() -> serde_json::Value {
    common(&json!({ "badge": ["1"] }))
}

async fn calls_of(call: Call, service: &Service) -> usize {
    service.faults.reset();
    call.await;
    service.faults.seen().len()
}

/// Lets `first` stop before its call `i`, then `second` before its call `j`, and then both go on,
/// `first` to its end before `second`.
async fn interleave(
    service: &Service,
    first: Call,
    i: usize,
    second: Call,
    j: usize,
) -> (Answer, Answer) {
    let gates = [Gate::closed(), Gate::closed()];
    service.faults.reset();
    service.faults.at(i, tests::Fault::Held(gates[0].clone()));
    service.faults.at(i + 1 + j, tests::Fault::Held(gates[1].clone()));
    let first = tokio::spawn(first.into_future());
    gates[0].reached().await;
    let mut second = tokio::spawn(second.into_future());
    // The second may have fewer calls to make than it would alone.
    let early = tokio::select! {
        () = gates[1].reached() => None,
        answer = &mut second => Some(answer.unwrap()),
    };
    if early.is_some() {
        gates[1].open();
    }
    gates[0].open();
    let first = first.await.unwrap();
    gates[1].open();
    let second = match early {
        Some(answer) => answer,
        None => second.await.unwrap(),
    };
    service.faults.reset();
    (first, second)
}

async fn every_interleaving(assignment: Assignment, stale: bool) {
    let scene = Scene::set(assignment, stale).await;
    let of_assignment = calls_of(scene.assign(assignment), &scene.service).await;
    let scene = Scene::set(assignment, stale).await;
    let of_deletion = calls_of(scene.delete(), &scene.service).await;
    for i in 0..of_assignment {
        for j in 0..of_deletion {
            for assignment_first in [true, false] {
                let what = format!(
                    "{assignment:?}, stale: {stale}, {i} × {j}, assignment first: \
                     {assignment_first}"
                );
                let scene = Scene::set(assignment, stale).await;
                let (assign, delete) = (scene.assign(assignment), scene.delete());
                let (assigned, deleted) = if assignment_first {
                    interleave(&scene.service, assign, i, delete, j).await
                } else {
                    let (deleted, assigned) =
                        interleave(&scene.service, delete, j, assign, i).await;
                    (assigned, deleted)
                };
                scene.verify(assignment, &assigned, &deleted, &what).await;
            }
        }
    }
}

macro_rules! for_each_assignment {
    ($($name:ident: $assignment:ident;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn d6_no_interleaving_deletes_what_is_held() {
                every_interleaving(Assignment::$assignment, false).await;
            }

            #[tokio::test]
            async fn d6_no_interleaving_with_a_stale_cache_deletes_what_is_held() {
                every_interleaving(Assignment::$assignment, true).await;
            }
        }
    )*};
}

for_each_assignment! {
    of_a_new_users_attribute: OnCreation;
    of_an_attribute: ByPatch;
    of_a_persona: OfPersona;
    of_a_personas_attribute: OfPersonaAttribute;
    of_an_attribute_in_a_change_request: InRequest;
    of_an_approved_attribute: ByApproval;
}
