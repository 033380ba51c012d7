//! Subjects: what a server or an application calls a user.

use std::str::FromStr;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{MAX_TEXT, SYSTEM};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::{PartyId, SubjectId, TenantId, UserId, UserName};
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

/// A subject mapping as a request describes it, as far as it can be read; its references are not
/// resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectInput {
    /// The server or application.
    pub party: Option<PartyId>,
    /// What that side calls the user.
    pub subject: Option<String>,
    /// The user.
    pub user: Option<UserName>,
}

impl SubjectInput {
    /// Reads a mapping. A text that is not a valid id names no resource.
    pub fn read(document: Json, side: Side, violations: &mut Violations) -> Self {
        let mut fields = Fields::new(document, "", violations);
        let party = take_named(&mut fields, side.field());
        let subject = fields.required_text("subject", MAX_TEXT);
        let user = take_named(&mut fields, "user_id");
        if side == Side::Server
            && party.as_ref().is_some_and(|party: &PartyId| party.as_str() == SYSTEM)
        {
            let detail = "the subject at `system` is the username; it cannot be mapped";
            fields.refuse(side.field(), Code::NotAllowed, detail);
        }
        fields.finish();
        Self { party, subject, user }
    }
}

/// The query for the user that a server means, or for the subject by which an application knows a
/// user; its references are not resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectQuery<T> {
    /// The server or application.
    pub party: PartyId,
    /// The subject or the user of the question.
    pub about: T,
}

impl SubjectQuery<String> {
    /// Reads the query for the user that a server means by a subject.
    pub fn which_user(document: Json) -> Result<Self> {
        Self::read(document, Side::Server, |fields| fields.required_text("subject", MAX_TEXT))
    }
}

impl SubjectQuery<UserName> {
    /// Reads the query for the subject by which an application knows a user.
    pub fn which_subject(document: Json) -> Result<Self> {
        Self::read(document, Side::Application, |fields| take_named(fields, "user_id"))
    }
}

impl<T> SubjectQuery<T> {
    fn read(
        document: Json,
        side: Side,
        take: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let party = take_named(&mut fields, side.field());
        let about = take(&mut fields);
        fields.finish();
        violations.check(())?;
        match (party, about) {
            (Some(party), Some(about)) => Ok(Self { party, about }),
            _ => Err(Error::unexpected("a question without violations names both")),
        }
    }
}

/// Takes a field that names something by its id.
fn take_named<T: FromStr>(fields: &mut Fields<'_>, name: &'static str) -> Option<T> {
    let text = fields.required_text(name, MAX_TEXT)?;
    let id = text.parse().ok();
    if id.is_none() {
        refuse_absent(name, &text, fields.violations());
    }
    id
}

/// The violation for a field such as `user_id` whose id does not exist.
pub fn refuse_absent(field: &str, id: &str, violations: &mut Violations) {
    let noun = field.trim_end_matches("_id").replace('_', " ");
    violations.add(format!("/{field}"), Code::NotFound, format!("there is no {noun} `{id}`"));
}

/// A mapping: a server or an application knows this user by this subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectMapping {
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

impl SubjectMapping {
    /// The mapping of a subject to a user.
    #[must_use]
    pub fn new(
        tenant: &TenantId,
        side: Side,
        party: PartyId,
        subject: String,
        user: UserId,
    ) -> Self {
        Self { id: Self::id(tenant, side, &party, &subject), side, party, subject, user }
    }

    /// The id of the mapping of `subject`: equal subjects have equal ids, so the id is what makes a
    /// subject unique and what finds it.
    #[must_use]
    pub fn id(tenant: &TenantId, side: Side, party: &PartyId, subject: &str) -> SubjectId {
        let hash =
            digest(&SHA256, format!("{tenant}#{}#{party}#{subject}", side.field()).as_bytes());
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
