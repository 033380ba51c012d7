//! Other operations on a person during the erasure.

use serde_json::json;
use tests::{Call, Everything, Setting};

const USERS: &str = "/identity/users";
const SUBJECTS: &str = "/api/v1/sso";

/// A request about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Read,
    ReadByBase,
    Find,
    Patch,
    PatchIndexed,
    PatchMany,
    Put,
    AddPersona,
    PatchPersona,
    RemovePersona,
    Block,
    Verify,
    MapServerSubject,
    MapApplicationSubject,
    ListSubjects,
    DeleteSubject,
    Ask,
    Approve,
    Reject,
    Forget,
}

impl Operation {
    pub const READING: [Self; 4] = [Self::Read, Self::ReadByBase, Self::Find, Self::ListSubjects];
    pub const WRITING: [Self; 6] =
        [Self::Patch, Self::PatchIndexed, Self::PatchMany, Self::Put, Self::Block, Self::Verify];
    pub const OF_PERSONAS: [Self; 3] = [Self::AddPersona, Self::PatchPersona, Self::RemovePersona];
    pub const OF_SUBJECTS: [Self; 3] =
        [Self::MapServerSubject, Self::MapApplicationSubject, Self::DeleteSubject];
    pub const OF_REQUESTS: [Self; 3] = [Self::Ask, Self::Approve, Self::Reject];

    /// Every one of them.
    pub fn all() -> Vec<Self> {
        let groups: [&[Self]; 6] = [
            &Self::READING,
            &Self::WRITING,
            &Self::OF_PERSONAS,
            &Self::OF_SUBJECTS,
            &Self::OF_REQUESTS,
            &[Self::Forget],
        ];
        groups.concat()
    }

    /// The request; whatever it writes has a word of the person in it.
    pub fn call(self, setting: &Setting, person: &Everything) -> Call {
        let Setting { crm, boss, .. } = setting;
        let new = person
            .words
            .iter()
            .find(|word| word.starts_with("Nieuw"))
            .expect("the word for what is new");
        let patch = |changes| crm.patch(&person.user.path, changes).if_match("*");
        let common =
            |attributes: serde_json::Value| json!({ "attributes": { "common": attributes } });
        match self {
            Self::Read => crm.get(&person.user.path),
            Self::ReadByBase => crm.get(&format!("{USERS}/{}", person.bases[0])),
            Self::Find => crm.post(
                &format!("{USERS}/query"),
                json!({
                    "filter": { "username": person.user.body["username"] }
                }),
            ),
            Self::Patch => patch(common(json!({ "note": [new] }))),
            Self::PatchIndexed => patch(json!({
                "username": new, "preferred_email": format!("{new}@example.org")
            })),
            Self::PatchMany => patch(common(json!({
                "badge": [new], "title": [new], "tag": [new, "x"]
            }))),
            Self::Put => crm
                .put(
                    &person.user.path,
                    json!({
                        "username": new, "family_name": new
                    }),
                )
                .if_match("*"),
            Self::AddPersona => crm
                .post(
                    &person.user.below("personas"),
                    json!({
                        "name": "employee", "scope": [new]
                    }),
                )
                .key(new),
            Self::PatchPersona => {
                crm.patch(&person.persona, json!({ "scope": [new] })).if_match("*")
            }
            Self::RemovePersona => crm.delete(&person.persona),
            Self::Block => crm.act(&person.user.below("block")).key(new),
            Self::Verify => {
                let value = &person.user.body["preferred_email"];
                boss.post(
                    &person.user.below("verify"),
                    json!({
                        "attribute": "preferred_email", "value": value
                    }),
                )
            }
            Self::MapServerSubject => crm
                .post(
                    &format!("{SUBJECTS}/authentication-server-subjects"),
                    json!({
                        "authentication_server_id": "corp", "subject": new,
                        "user_id": person.user.id
                    }),
                )
                .key(new),
            Self::MapApplicationSubject => crm.post(
                &format!("{SUBJECTS}/application-subjects"),
                json!({ "application_id": "blog", "subject": new, "user_id": person.user.id }),
            ),
            Self::ListSubjects => crm.get(&format!(
                "{SUBJECTS}/authentication-server-subjects?user_id={}",
                person.user.id
            )),
            Self::DeleteSubject => crm.delete(&person.subject),
            Self::Ask => patch(common(json!({ "salary": [new] }))),
            Self::Approve => boss.act(&format!("{}/approve", person.request)).key(new),
            Self::Reject => boss.act(&format!("{}/reject", person.request)),
            Self::Forget => crm.delete(&person.user.path),
        }
    }
}
