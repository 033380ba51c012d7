//! Subjects: what a server or an application calls a user.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{MAX_TEXT, SYSTEM};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::{PartyId, SubjectId, TenantId, UserId};
use crate::domain::json::{Json, Object};
use crate::object;

/// Which side a subject belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A subject of an authentication server.
    Server,
    /// A subject of an application.
    Application,
}

impl Side {
    /// The field that names the server or the application.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Server => "authentication_server_id",
            Self::Application => "application_id",
        }
    }
}

/// One mapping: a server or an application knows this user by this subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The id; a function of side, server or application, and subject.
    pub id: SubjectId,
    /// Which side it belongs to.
    pub side: Side,
    /// The server or application.
    pub party: PartyId,
    /// What that side calls the user.
    pub subject: String,
    /// The user.
    pub user: UserId,
}

impl Subject {
    /// Reads a mapping; whether the server or application and the user exist is for the caller to see.
    pub fn read(document: Json, side: Side, tenant: &TenantId) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let party = fields.required_text(side.field(), MAX_TEXT);
        let subject = fields.required_text("subject", MAX_TEXT);
        let user = fields.required_text("user_id", MAX_TEXT);
        fields.finish();
        violations.check(())?;
        let missing = |field: &str| {
            Error::invalid(format!("/{field}"), Code::NotFound, format!("`{field}` names nothing that exists"))
        };
        let party: PartyId = party.as_deref().and_then(|id| id.parse().ok()).ok_or_else(|| missing(side.field()))?;
        let user: UserId = user.as_deref().and_then(|id| id.parse().ok()).ok_or_else(|| missing("user_id"))?;
        if side == Side::Server && party.as_str() == SYSTEM {
            let detail = "the subject at `system` is the username; it is computed and not mapped";
            return Err(Error::invalid("/authentication_server_id", Code::NotAllowed, detail));
        }
        let subject = subject.unwrap_or_default();
        Ok(Self { id: Self::id(tenant, side, &party, &subject), side, party, subject, user })
    }

    /// The id of the mapping of `subject`: equal subjects have equal ids, so the id is what makes a subject unique and what
    /// finds it.
    #[must_use]
    pub fn id(tenant: &TenantId, side: Side, party: &PartyId, subject: &str) -> SubjectId {
        let hash = digest(&SHA256, format!("{tenant}#{}#{party}#{subject}", side.field()).as_bytes());
        let bytes = hash.as_ref().first_chunk::<16>().copied().unwrap_or_default();
        SubjectId::new(Uuid::new_v8(bytes))
    }

    /// The document that callers see.
    #[must_use]
    pub fn show(&self) -> Object {
        object! {
            "id" => self.id,
            self.side.field() => &self.party,
            "subject" => &self.subject,
            "user_id" => self.user,
        }
    }
}
