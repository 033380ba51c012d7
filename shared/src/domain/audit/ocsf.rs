//! Audit entries as events of the Open Cybersecurity Schema Framework (OCSF), for tools that collect
//! events of many services.
//!
//! An event names who did what to whom and which fields changed. It has neither values nor reasons.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::chain::Chain;
use super::entry::{Actor, ActorKind, Entry};
use super::operation::Operation;
use crate::domain::id::TenantId;
use crate::domain::versioned::Version;

/// The version of OCSF that events follow.
pub const OCSF: &str = "1.8.0";
/// The category of all events: Identity & Access Management.
const CATEGORY: u64 = 3;
/// The activity of an event that none of the class's own activities fits.
const OTHER: u64 = 99;

/// The classes of events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Account Change: a user.
    Account,
    /// Entity Management: a definition, a client, a key, settings.
    Entity,
    /// User Access Management: what of a user stands for a role or gives access.
    Access,
}

impl Class {
    const fn uid(self) -> u64 {
        match self {
            Self::Account => 3001,
            Self::Entity => 3004,
            Self::Access => 3005,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Account => "Account Change",
            Self::Entity => "Entity Management",
            Self::Access => "User Access Management",
        }
    }
}

/// An entry that is exported.
#[derive(Clone, Copy)]
pub struct ExportedEntry<'e> {
    /// Its chain.
    pub chain: Chain,
    /// Its sequence.
    pub sequence: Version,
    /// Its authentication code.
    pub mac: &'e [u8],
    /// What it says.
    pub entry: &'e Entry,
}

impl ExportedEntry<'_> {
    /// The event. Equal entries give equal events.
    #[must_use]
    pub fn to_ocsf(&self, tenant: &TenantId) -> Value {
        let Self { chain, sequence, mac, entry } = self;
        let operation = entry.operation;
        let (class, activity, name) = activity(operation);
        let mut event = json!({
            "activity_id": activity,
            "activity_name": name,
            "actor": actor(&entry.actor),
            "category_name": "Identity & Access Management",
            "category_uid": CATEGORY,
            "class_name": class.name(),
            "class_uid": class.uid(),
            "message": operation.name(),
            "metadata": {
                "log_name": "audit",
                "product": { "name": "Kith", "vendor_name": "Kith" },
                "sequence": sequence.0,
                "tenant_uid": tenant,
                "uid": format!("{chain}/{}", sequence.0),
                "version": OCSF,
            },
            "severity": "Informational",
            "severity_id": 1,
            "status": "Success",
            "status_id": 1,
            "time": entry.at.millis(),
            "type_name": format!("{}: {}", class.name(), if activity == OTHER { "Other" } else { name }),
            "type_uid": class.uid() * 100 + activity,
            "unmapped": { "kith": {
                "mac": URL_SAFE_NO_PAD.encode(mac),
                "operation": operation,
                "pointers": entry.pointers(),
                "via": entry.via,
            } },
        });
        let (member, value) = match class {
            Class::Account | Class::Access => ("user", json!({ "uid": self.subject(tenant) })),
            Class::Entity => ("entity", self.entity(tenant)),
        };
        let privileges = (class == Class::Access).then(|| ("privileges", self.privileges()));
        let request = entry.request_id.as_ref().map(|id| json!(id));
        if let Some(members) = event.as_object_mut() {
            let more = [(member, value)].into_iter().chain(privileges);
            members.extend(more.map(|(name, value)| (name.to_owned(), value)));
        }
        if let Some(metadata) = event.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.extend(request.map(|id| ("correlation_uid".to_owned(), id)));
        }
        event
    }

    /// The user whom the entry is about.
    fn subject(&self, tenant: &TenantId) -> String {
        match (self.chain, &self.entry.target) {
            (Chain::User(user), _) => user.to_string(),
            (Chain::Ledger(_), Some(target)) => target.clone(),
            (Chain::Ledger(_), None) => tenant.to_string(),
        }
    }

    /// What an entry of the ledger is about: `clients/<id>` is the client with this id. Settings and
    /// all keys together are those of the tenant.
    fn entity(&self, tenant: &TenantId) -> Value {
        let own = self.entry.operation.name().split('.').next().unwrap_or_default();
        let (kind, id) = match self.entry.target.as_deref() {
            Some(target) => target.split_once('/').unwrap_or(match self.entry.operation {
                Operation::TenantSettings | Operation::KeyRotate => (target, tenant.as_str()),
                _ => (own, target),
            }),
            None => (own, tenant.as_str()),
        };
        json!({ "type": kind, "type_id": OTHER, "uid": id })
    }

    /// What gives access: the elements of the profile whose fields changed, as `personas/<id>`.
    fn privileges(&self) -> Value {
        let element = |pointer: &str| {
            let mut parts = pointer.trim_start_matches('/').split('/');
            let (kind, id) = (parts.next()?, parts.next()?);
            Some(format!("{kind}/{id}"))
        };
        let mut elements: Vec<_> = self.entry.pointers().into_iter().filter_map(element).collect();
        elements.sort_unstable();
        elements.dedup();
        if elements.is_empty() {
            elements.push(self.entry.operation.name().to_owned());
        }
        json!(elements)
    }
}

/// The class of an operation, and the id and the name of its activity.
const fn activity(operation: Operation) -> (Class, u64, &'static str) {
    use Operation as O;
    match operation {
        O::UserCreate => (Class::Account, 1, "Create"),
        O::UserUnblock => (Class::Account, 2, "Enable"),
        O::UserBlock => (Class::Account, 5, "Disable"),
        O::UserForget => (Class::Account, 6, "Delete"),
        O::UserPasswordSet => (Class::Account, 3, "Password Change"),
        O::UserPasswordReset => (Class::Account, 4, "Password Reset"),
        O::UserPasskeyAdd => (Class::Account, 10, "MFA Factor Enable"),
        O::UserPasskeyRemove => (Class::Account, 11, "MFA Factor Disable"),
        O::UserInvite
        | O::UserSessionsEnd
        | O::UserAddressAsk
        | O::UserAddressUndo
        | O::UserClientConsentGrant
        | O::UserClientConsentWithdraw
        | O::UserChange
        | O::UserVerify
        | O::UserSignIn
        | O::UserDerive
        | O::ConsentGrant
        | O::ConsentDeny
        | O::ConsentWithdraw
        | O::ConsentExpire => (Class::Account, OTHER, operation.name()),
        O::PersonaCreate
        | O::PersonaActivate
        | O::PrincipalLink
        | O::SubjectCreate
        | O::ProfileCreate => (Class::Access, 1, "Assign Privileges"),
        O::PersonaDelete
        | O::PersonaSuspend
        | O::PrincipalUnlink
        | O::SubjectDelete
        | O::ProfileForget => (Class::Access, 2, "Revoke Privileges"),
        O::PersonaChange | O::PersonaPrefer | O::ProfileChange => {
            (Class::Access, OTHER, operation.name())
        }
        O::ConfigCreate | O::ClientCreate | O::TenantCreate => (Class::Entity, 1, "Create"),
        O::AuditRead | O::Export => (Class::Entity, 2, "Read"),
        O::ConfigChange | O::ClientChange | O::ClientSecret | O::TenantSettings | O::KeyRotate => {
            (Class::Entity, 3, "Update")
        }
        O::ConfigDelete | O::ClientDelete => (Class::Entity, 4, "Delete"),
    }
}

/// Who did it.
fn actor(actor: &Actor) -> Value {
    let id = actor.id.as_deref().unwrap_or_default();
    match actor.kind {
        ActorKind::Client => json!({ "app_uid": id }),
        ActorKind::Person => {
            let user = json!({ "type": "User", "type_id": 1, "uid": id });
            match &actor.session {
                Some(sid) => json!({ "session": { "uid": sid }, "user": user }),
                None => json!({ "user": user }),
            }
        }
        ActorKind::Service => json!({ "app_name": "kith" }),
        ActorKind::Operator => {
            json!({ "user": { "name": "operator", "type": "Admin", "type_id": 2 } })
        }
    }
}
