//! Audit entries: the part that every reader of the audit sees, and the part that is sealed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::operation::Operation;
use crate::domain::id::{ChangeRequestId, DefinitionId, ImportId, PartyId};
use crate::domain::string_enum::string_enum;
use crate::domain::versioned::Version;
use crate::env::Timestamp;

/// The most bytes of values that an entry keeps in full.
const MAX_VALUES: usize = 64 * 1024;
/// The longest value of an entry past [`MAX_VALUES`] that is kept in full, in bytes of JSON.
const MAX_SMALL: usize = 1024;
/// The most bytes of such values: an item has 400 KB. Past it hardly a value is kept.
const MAX_SMALL_VALUES: usize = 256 * 1024;
/// The longest value that is kept then: no longer than its hash.
const MAX_TINY: usize = 64;

string_enum! {
    /// What kind of actor wrote.
    ActorKind {
        /// A client; its id is the client's.
        Client = "client",
        /// A person; the id is the user's.
        Person = "person",
        /// The service itself.
        Service = "service",
        /// An operator at the command line.
        Operator = "operator",
    }
}

/// Who wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The id, where the kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The session through which a person wrote, by its id in ID tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl Actor {
    /// An actor without a session.
    #[must_use]
    pub const fn new(kind: ActorKind, id: Option<String>) -> Self {
        Self { kind, id, session: None }
    }
}

/// The way on which a write came about, if it was not the request alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Via {
    /// A change request was approved; the actor of the entry is the approver.
    Approval {
        /// The change request.
        id: ChangeRequestId,
        /// Who asked for the change.
        requester: Actor,
    },
    /// A row of an import.
    Import {
        /// The import.
        id: ImportId,
        /// The row.
        row: u32,
    },
    /// A subject of this authentication server signed in, or was brought by a client.
    SignIn {
        /// The authentication server.
        server: PartyId,
    },
    /// A workflow, or what it is linked to, changed.
    Workflow,
    /// The owner of an e-mail address took it from a user who only claimed it.
    AddressOfOwner,
    /// An erasure of the replaced table was repeated in a restored one.
    Replay,
}

/// A workflow that moved values of the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// The workflow.
    pub workflow: DefinitionId,
    /// Its revision: the number of its changes.
    pub revision: u64,
    /// The pointers of the values.
    pub pointers: Vec<String>,
}

string_enum! {
    /// What became of a field.
    ChangeKind {
        /// It has a value and had none.
        Added = "added",
        /// It had a value and has none.
        Removed = "removed",
        /// It has another value.
        Changed = "changed",
    }
}

/// A field that changed, without its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedField {
    /// Where it stands in the stored profile or document, as a JSON Pointer.
    pub pointer: String,
    /// What became of it.
    pub kind: ChangeKind,
    /// Whether no values are kept of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

/// A field that changed, with its stored values. A secret one has no values.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where it stands, as a JSON Pointer.
    pub pointer: String,
    /// What became of it.
    pub kind: ChangeKind,
    /// The stored value before.
    pub from: Option<Value>,
    /// The stored value after.
    pub to: Option<Value>,
    /// Whether its values must not be kept.
    pub secret: bool,
}

impl Change {
    /// The change of a field from one value to another; `None` if nothing changes.
    #[must_use]
    pub fn of(
        pointer: String,
        from: Option<Value>,
        to: Option<Value>,
        secret: bool,
    ) -> Option<Self> {
        let kind = match (&from, &to) {
            (None, None) => return None,
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Removed,
            (Some(from), Some(to)) if from == to => return None,
            (Some(_), Some(_)) => ChangeKind::Changed,
        };
        let keep = |value: Option<Value>| value.filter(|_| !secret);
        Some(Self { pointer, kind, from: keep(from), to: keep(to), secret })
    }

    /// Takes its values away.
    pub fn hide(&mut self) {
        (self.from, self.to, self.secret) = (None, None, true);
    }

    /// The field without its values.
    #[must_use]
    pub fn field(&self) -> ChangedField {
        ChangedField { pointer: self.pointer.clone(), kind: self.kind, secret: self.secret }
    }
}

/// The entry before in the same chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its sequence.
    pub sequence: Version,
    /// Its authentication code, in base64url.
    pub mac: String,
    /// The time from which it may be gone.
    pub ends: Timestamp,
}

string_enum! {
    /// Why a chain does not simply go on after its last entry.
    RestartCause {
        /// The guarding item named no last entry: an older version of the service wrote it last,
        /// the audit began later, or the name was taken away.
        Absent = "absent",
        /// It named the last entry of an earlier version: the audit was off, or an earlier name was
        /// put back.
        Behind = "behind",
        /// The service did not write what it named.
        Changed = "changed",
    }
}

/// The mark of an entry that the guarding item did not lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// Why.
    pub cause: RestartCause,
    /// When the user had been changed last, as the user's item said then; `None` in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
}

/// An entry as it is stored in `doc`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written.
    pub at: Timestamp,
    /// What was done.
    pub operation: Operation,
    /// Who did it.
    pub actor: Actor,
    /// How it came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The id of the request, as logs have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What a ledger's entry is about: `clients/<id>`, say, or a user's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The fields that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangedField>,
    /// The workflows that moved some of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<Derivation>,
    /// What else is known of it, without personal data: the range that was read, a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Value>,
    /// The entry before; `None` for the first one of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// Why the chain did not simply go on after the entry before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// The time from which the entry may be gone; `None` if it never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
    /// Whether it ends before the entry before does: the retention is shorter now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shortened: bool,
    /// Whether the index lists it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub listed: bool,
}

impl Entry {
    /// An entry that tells of an operation and of nothing else yet. The place in the chain is set
    /// when it is linked.
    #[must_use]
    pub const fn new(at: Timestamp, operation: Operation, actor: Actor) -> Self {
        Self {
            at,
            operation,
            actor,
            via: None,
            request_id: None,
            target: None,
            changes: Vec::new(),
            derived: Vec::new(),
            facts: None,
            previous: None,
            restart: None,
            ends: None,
            shortened: false,
            listed: false,
        }
    }
}

impl Entry {
    /// The fields that changed, as JSON Pointers.
    #[must_use]
    pub fn pointers(&self) -> Vec<&str> {
        self.changes.iter().map(|field| field.pointer.as_str()).collect()
    }
}

/// The sealed part of an entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// Why, in the words of the request's `Kith-Reason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The values of [`Entry::changes`], one for each; empty if the tenant keeps no values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ChangedValue>,
}

/// The values of a field that changed; both are absent if the field is secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangedValue {
    /// The stored value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// The stored value after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl Detail {
    /// The sealed part of some changes. Past 64 KB it keeps of each longer value the
    /// length and the hash, so that no write fails for the size of its entry (rule AU-18).
    #[must_use]
    pub fn of(reason: Option<String>, changes: Vec<Change>) -> Self {
        let mut values: Vec<_> = changes
            .into_iter()
            .map(|change| ChangedValue { from: change.from, to: change.to })
            .collect();
        for (most, longest) in [(MAX_VALUES, MAX_SMALL), (MAX_SMALL_VALUES, MAX_TINY)] {
            if values.iter().map(ChangedValue::size).sum::<usize>() > most {
                for value in &mut values {
                    value.from = value.from.take().map(|value| shortened(value, longest));
                    value.to = value.to.take().map(|value| shortened(value, longest));
                }
            }
        }
        Self { reason, values }
    }

    /// Whether there is nothing to seal.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.reason.is_none() && self.values.is_empty()
    }
}

impl ChangedValue {
    /// The bytes of both as JSON.
    fn size(&self) -> usize {
        let size =
            |value: &Option<Value>| value.as_ref().map_or(0, |value| value.to_string().len());
        size(&self.from) + size(&self.to)
    }
}

/// A value, or its hash and length if it is longer than this.
fn shortened(value: Value, longest: usize) -> Value {
    let text = value.to_string();
    if text.len() <= longest || is_digest(&value) {
        return value;
    }
    digest_of(&value)
}

/// The hash and the length of a value, as they are kept in its place.
#[must_use]
pub fn digest_of(value: &Value) -> Value {
    let text = value.to_string();
    let hash = digest(&SHA256, text.as_bytes());
    json!({ "digest": URL_SAFE_NO_PAD.encode(hash), "bytes": text.len() })
}

/// Whether a kept value is the hash and the length of the stored one.
#[must_use]
pub fn is_digest(value: &Value) -> bool {
    value.as_object().is_some_and(|members| {
        members.len() == 2 && members.contains_key("digest") && members.contains_key("bytes")
    })
}
