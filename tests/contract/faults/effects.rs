//! How one tells that a write happened, and that it can be repeated.

use serde_json::{Value, json};
use tests::Client;

use super::operations::Operation;
use super::scene::{DEFINITIONS, SERVERS, SUBJECTS, Scene, issuer, there};
use crate::principals::is_unlinked;

/// Whether somebody goes by this name in the system `shop`.
async fn is_called(crm: &Client, name: &str) -> bool {
    let filter = tests::escape(&format!("given_name eq \"{name}\""));
    crm.get(&format!("{}?filter={filter}", tests::profiles("shop"))).await.code() == 200
}

impl Scene {
    async fn trusts(&self, name: &str) -> bool {
        !self.service.table.trusting(&issuer(name)).await.unwrap().is_empty()
    }

    /// Whether all of the effect is there; asserts that otherwise nothing of it is.
    #[expect(clippy::too_many_lines, reason = "one arm for each operation")]
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
            // The write shows in later answers: a name is taken, a tag has changed, a resource is
            // gone.
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
