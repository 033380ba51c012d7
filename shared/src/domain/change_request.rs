//! Change requests: changes that wait for an approval by another person.
//!
//! A request keeps its changes in their stored form, never the body of the HTTP request: a secret
//! is a hash here too. At the approval every field must still have the value that the approver was
//! shown. Then the new values go into the current profile.

mod approval;
mod change;

use serde::{Deserialize, Serialize};

pub use self::approval::{refuse_added, refuse_new, refuse_unapproved, unapproved};
use self::change::{ChangedField, FieldChange, differences};
use super::definition::{PolicySubject, Predefined};
use super::error::{Code, Error, Result, Violations};
use super::hashing::Hashes;
use super::id::{ChangeRequestId, ClientId, DefinitionId, PersonaId, UserId};
use super::json::{Json, Object};
use super::schema::Schema;
use super::scope::Scope;
use super::string_enum::string_enum;
use super::user::User;
use super::value;
use super::versioned::{Tag, Versioned, content};
use super::view::View;
use crate::env::{Env, Timestamp};
use crate::object;

/// How long a request waits for its decision, in seconds: 30 days.
pub const PENDING_SECONDS: i64 = 30 * 24 * 3600;
/// How long a request is kept after that, in seconds: 60 days.
pub const KEPT_SECONDS: i64 = 60 * 24 * 3600;
/// The most bytes of a request, with the earlier and the new values.
pub const MAX_REQUEST: usize = 200 * 1024;
/// The most requests of one user that wait at a time.
pub const MAX_PENDING: usize = 20;
/// The most of them that one person asks for: people do not stop the requests of others, which
/// may be all that keeps the profile up to date.
pub const MAX_PENDING_OF_PERSON: usize = 5;

string_enum! {
    /// The status of a request.
    RequestStatus {
        /// It waits.
        Pending = "PENDING",
        /// It was approved and applied.
        Approved = "APPROVED",
        /// It was rejected.
        Rejected = "REJECTED",
        /// No person decided in time.
        Expired = "EXPIRED",
        /// The profile had changed when it was to be applied.
        Stale = "STALE",
    }
}

/// A person or client who requested a change or decided about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A machine client.
    ClientId(ClientId),
    /// A person.
    UserId(UserId),
}

impl Actor {
    /// As callers see it.
    #[must_use]
    pub fn show(&self) -> Object {
        match self {
            Self::ClientId(id) => object! { "client_id" => id },
            Self::UserId(id) => object! { "user_id" => id },
        }
    }
}

/// A request to change a user, or one of the user's personas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// The id.
    pub id: ChangeRequestId,
    /// The user.
    pub user: UserId,
    /// The persona, if it is one's fields that change.
    pub persona: Option<PersonaId>,
    changes: Vec<FieldChange>,
    /// The author of the request.
    pub requested_by: Actor,
    /// The person or client who approved or rejected it.
    pub decided_by: Option<Actor>,
    status: RequestStatus,
    created_at: Timestamp,
    expires_at: Timestamp,
    profile_tag: Tag,
}

/// The fields besides attributes that callers edit, of personas.
const PERSONA_FIELDS: [&str; 4] = ["scope", "preferred", "valid_from", "valid_until"];

/// The fields besides attributes that callers edit, of users.
fn user_fields() -> [&'static str; 6] {
    Predefined::ALL.map(Predefined::name)
}

impl ChangeRequest {
    /// Makes a request of the changes in `after`: fields of the persona if one is named, else of
    /// the user.
    pub fn new(
        before: &Versioned<User>,
        after: &User,
        persona: Option<PersonaId>,
        requested_by: Actor,
        schema: &Schema,
        env: &Env,
    ) -> Result<Self> {
        let changes = match persona {
            None => differences(&before.value, after, &user_fields(), schema),
            Some(id) => {
                let of = |user: &User| user.personas.iter().find(|p| p.id == id).cloned();
                let (before, after) = of(&before.value).zip(of(after)).ok_or(Error::NotFound)?;
                differences(&before, &after, &PERSONA_FIELDS, schema)
            }
        };
        let created_at = env.clock.now();
        let request = Self {
            id: ChangeRequestId::new(env.new_uuid()),
            user: before.value.id,
            persona,
            changes,
            requested_by,
            decided_by: None,
            status: RequestStatus::Pending,
            created_at,
            expires_at: created_at.plus_seconds(PENDING_SECONDS),
            profile_tag: before.tag().clone(),
        };
        let size = request.size();
        if size > MAX_REQUEST {
            let detail =
                format!("expected a change request of at most {MAX_REQUEST} bytes, found {size}");
            return Err(Error::invalid("", Code::TooLarge, detail));
        }
        Ok(request)
    }

    /// The bytes that it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        content(self).len()
    }

    /// When the request is no longer kept.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at.plus_seconds(KEPT_SECONDS)
    }

    /// The status of the request at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> RequestStatus {
        if self.status == RequestStatus::Pending && self.expires_at <= now {
            RequestStatus::Expired
        } else {
            self.status
        }
    }

    /// The stored status: a request without a decision in time is still stored as pending.
    #[must_use]
    pub const fn stored_status(&self) -> RequestStatus {
        self.status
    }

    /// Whether the other asks the same of the same profile by the same caller: the pairs of hashes
    /// that would have to be of one value each, which `hashes`, who made the first of each, can
    /// tell. `None` if it does not in any case.
    #[must_use]
    pub fn compare<'c>(
        &'c self,
        other: &'c Self,
        hashes: &Hashes,
    ) -> Option<Vec<(&'c str, &'c str)>> {
        let alike = self.persona == other.persona
            && self.requested_by == other.requested_by
            && self.changes.len() == other.changes.len();
        if !alike {
            return None;
        }
        let changes = self.changes.iter().zip(&other.changes);
        let pairs: Option<Vec<_>> =
            changes.map(|(mine, theirs)| mine.compare(theirs, hashes)).collect();
        pairs.map(|pairs| pairs.concat())
    }

    /// The tag of the request at `now`. The tag of a request without a decision changes when its
    /// time ends, without a write.
    #[must_use]
    pub fn tag(request: &Versioned<Self>, now: Timestamp) -> Tag {
        match (request.value.status, request.value.status(now)) {
            (RequestStatus::Pending, RequestStatus::Expired) => {
                Tag::of(request.tag().as_str().as_bytes(), 0)
            }
            _ => request.tag().clone(),
        }
    }

    /// The definitions of the attributes whose values it holds.
    pub fn used_definitions(&self) -> impl Iterator<Item = DefinitionId> {
        self.changes.iter().filter_map(|change| match change.field {
            ChangedField::Attribute(id) => Some(id),
            ChangedField::Named(_) => None,
        })
    }

    /// Checks that `approver`, who is `actor`, may decide (rule A5): not one's own request, and
    /// every changed attribute that has a policy is one's to approve.
    pub fn check_approver(
        &self,
        actor: &Actor,
        approver: PolicySubject<'_>,
        schema: &Schema,
    ) -> Result<()> {
        if *actor == self.requested_by {
            return Err(Error::NotAllowed(
                "you cannot approve or reject your own change request".to_owned(),
            ));
        }
        let policies = self
            .changes
            .iter()
            .filter_map(|change| change.field.definition(schema)?.approval_policy.as_ref());
        let mut policies = policies.peekable();
        // When nothing needs an approval any more, each caller who could write it may decide.
        let decides = match policies.peek() {
            None => approver.has_scope(Scope::UsersWrite),
            Some(_) => policies.all(|policy| policy.allows(approver, schema)),
        };
        let why =
            "the approval policies of the changed attributes do not allow this caller to decide";
        if decides { Ok(()) } else { Err(Error::NotAllowed(why.to_owned())) }
    }

    /// The request once it was decided.
    #[must_use]
    pub fn decided(&self, status: RequestStatus, by: Option<Actor>) -> Self {
        Self { status, decided_by: by, ..self.clone() }
    }

    /// The user with the changes applied. `None` when a field is no longer what the request was
    /// shown with.
    ///
    /// The new values are checked again by the current definitions.
    pub fn apply(&self, user: &User, schema: &Schema) -> Result<Option<User>> {
        let mut violations = Violations::default();
        let next = match self.persona {
            None => {
                let Some(mut next) = change::apply(&self.changes, user, &user_fields())? else {
                    return Ok(None);
                };
                // An approval says that the change may be, not that an address is the person's.
                let view = match self.requested_by {
                    Actor::UserId(id) if id == user.id => View::SelfService,
                    Actor::ClientId(_) | Actor::UserId(_) => View::Administrative,
                };
                next.record_provenance(user, view);
                next.check_required(Some(user), schema, &mut violations);
                next
            }
            Some(id) => {
                let Some(persona) = user.personas.iter().find(|p| p.id == id) else {
                    return Ok(None);
                };
                let Some(mut changed) = change::apply(&self.changes, persona, &PERSONA_FIELDS)?
                else {
                    return Ok(None);
                };
                changed.rev += 1;
                value::retain_verified(&mut changed.verified, &changed.attributes);
                changed.recheck(persona, schema, &mut violations);
                changed.update_tag();
                user.with_persona(changed)?
            }
        };
        for change in &self.changes {
            let ChangedField::Attribute(id) = change.field else { continue };
            let values = |stored: &serde_json::Value| {
                serde_json::from_value::<Vec<String>>(stored.clone()).unwrap_or_default()
            };
            let at = change.field.pointer(schema);
            match schema.attribute(id) {
                Some(definition) => {
                    value::recheck(
                        &values(&change.from),
                        &values(&change.to),
                        &at,
                        definition,
                        &mut violations,
                    );
                }
                None => violations.add(at, Code::Unknown, "this attribute is no longer defined"),
            }
        }
        violations.check(Some(next))
    }

    /// The document that callers see; hashed values show only that they are there.
    #[must_use]
    pub fn show(&self, schema: &Schema, now: Timestamp) -> Object {
        let changes = self.changes.iter().map(|change| Json::Object(change.show(schema)));
        object! {
            "id" => self.id,
            "user_id" => self.user,
            "persona_id" => self.persona,
            "changes" => changes.collect::<Vec<_>>(),
            "requested_by" => self.requested_by.show(),
            "decided_by" => self.decided_by.as_ref().map(|actor| Json::Object(actor.show())),
            "status" => self.status(now).name(),
            "created_at" => self.created_at,
            "expires_at" => self.expires_at,
            "profile_etag" => self.profile_tag.to_string(),
        }
    }
}
