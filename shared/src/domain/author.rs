//! The author of a write: who writes a profile, in which request and why.
//!
//! Every write of a profile has an author, from the call down to the transaction that the store
//! commits. Approval policies compare it, and change requests name it. Records about a write, such
//! as audit entries, take their fields from it.

use super::audit::{self, ActorKind, Operation, Via};
use super::change_request::Actor;
use super::definition::PolicySubject;
use super::id::{BaseId, ChangeRequestId, ClientId, ImportId, PartyId, TenantId, UserId};
use super::scope::Scopes;
use super::user::User;
use super::view::View;
use crate::env::Timestamp;

/// The author of a write.
#[derive(Clone, Debug)]
pub struct Author {
    /// The tenant whose profiles it writes.
    pub tenant: TenantId,
    /// The client, person or part of the service that writes.
    pub writer: Writer,
    /// The fields of profiles that the author may see and set.
    pub view: View,
    /// The id of the request, as logs have it; `None` where the service works by itself.
    pub request_id: Option<String>,
    /// Why it writes.
    pub reason: Reason,
    /// What the audit calls a write of a profile by it.
    pub operation: Operation,
    /// Why, in the words of the request. They may be personal, and are never logged.
    pub note: Option<String>,
    /// The session of a person who writes with its cookie.
    pub session: Option<AuthorSession>,
    /// Whether the author changes the own e-mail address only by confirming the new one.
    pub confirms_address: bool,
}

/// The session of a person who writes with its cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorSession {
    /// The id by which ID tokens and the audit name it.
    pub sid: String,
    /// Whether the person authenticated within the last five minutes (rule G22).
    pub is_recent: bool,
}

/// Who writes.
#[derive(Clone, Debug)]
pub enum Writer {
    /// A client, with the scopes of its token.
    Client(ClientId, Scopes),
    /// A person who writes the own profile or decides by the own personas, with the own profile.
    Person(Box<User>),
    /// A person who acts by granted scopes, with the own profile and these scopes.
    Administrator(Box<User>, Scopes),
    /// A person as the token alone tells: the user may not be there any more.
    User(UserId),
    /// A subject of a token issuer as the token alone tells: the user may not exist yet.
    Subject(BaseId),
    /// The service itself, or its operator at the command line.
    Service,
}

/// Why a profile is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The request asks for it.
    Request,
    /// This change request, which the actor made, was approved.
    Approval(ChangeRequestId, Actor),
    /// This row of an import brings it.
    ImportRow(ImportId, u32),
    /// A subject of this authentication server signs in, or is brought by a client.
    SignIn(PartyId),
    /// Workflows, or what they are linked to, have changed.
    Recomputation,
    /// The owner of an e-mail address takes it from a user who only claims it.
    AddressOfOwner,
    /// What a person agreed to is over.
    Expiry,
    /// An operator erases a person at the command line.
    Operator,
    /// An operator repeats in a restored table what was erased in the replaced one.
    Replay,
}

impl Author {
    /// The service itself, without a request.
    #[must_use]
    pub fn service(tenant: TenantId, reason: Reason) -> Self {
        let operation = match reason {
            Reason::Recomputation => Operation::UserDerive,
            _ => Operation::UserChange,
        };
        Self {
            tenant,
            writer: Writer::Service,
            view: View::Administrative,
            request_id: None,
            reason,
            operation,
            note: None,
            session: None,
            confirms_address: false,
        }
    }

    /// A person who acts on the own account at the service's own pages.
    #[must_use]
    pub fn account(tenant: TenantId, user: UserId, request_id: Option<String>) -> Self {
        let service = Self::service(tenant, Reason::Request);
        Self { writer: Writer::User(user), view: View::SelfService, request_id, ..service }
    }

    /// Whether it is an operator, whom no rule about administrators binds.
    #[must_use]
    pub const fn is_operator(&self) -> bool {
        matches!(self.reason, Reason::Operator | Reason::Replay)
    }

    /// The same author, who writes for another reason.
    #[must_use]
    pub fn with_reason(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// The author as change requests name it; `None` for authors who cannot make change requests.
    #[must_use]
    pub fn actor(&self) -> Option<Actor> {
        match &self.writer {
            Writer::Client(id, _) => Some(Actor::ClientId(id.clone())),
            Writer::Person(profile) | Writer::Administrator(profile, _) => {
                Some(Actor::UserId(profile.id))
            }
            Writer::User(id) => Some(Actor::UserId(*id)),
            Writer::Subject(_) | Writer::Service => None,
        }
    }

    /// The same author, whose writes the audit calls otherwise.
    #[must_use]
    pub fn doing(self, operation: Operation) -> Self {
        Self { operation, ..self }
    }

    /// The same author, who is this user if the token alone has told who it is.
    #[must_use]
    pub fn of_user(&self, user: UserId) -> Self {
        match self.writer {
            Writer::Subject(_) => Self { writer: Writer::User(user), ..self.clone() },
            _ => self.clone(),
        }
    }

    /// The author as the audit names it.
    #[must_use]
    pub fn audit_actor(&self) -> audit::Actor {
        let (kind, id) = match &self.writer {
            Writer::Client(id, _) => (ActorKind::Client, Some(id.to_string())),
            Writer::Person(profile) | Writer::Administrator(profile, _) => {
                (ActorKind::Person, Some(profile.id.to_string()))
            }
            Writer::User(id) => (ActorKind::Person, Some(id.to_string())),
            // Whose profile it is has no id yet: `of_user` gives it.
            Writer::Subject(_) => (ActorKind::Person, None),
            Writer::Service if matches!(self.reason, Reason::Operator | Reason::Replay) => {
                (ActorKind::Operator, None)
            }
            Writer::Service => (ActorKind::Service, None),
        };
        audit::Actor { kind, id, session: self.session.as_ref().map(|session| session.sid.clone()) }
    }

    /// How the write came about, if it was not the request alone.
    #[must_use]
    pub fn via(&self) -> Option<Via> {
        match &self.reason {
            Reason::Request | Reason::Operator | Reason::Expiry => None,
            Reason::Approval(id, requester) => {
                Some(Via::Approval { id: *id, requester: requester.into() })
            }
            Reason::ImportRow(id, row) => Some(Via::Import { id: *id, row: *row }),
            Reason::SignIn(server) => Some(Via::SignIn { server: server.clone() }),
            Reason::Recomputation => Some(Via::Workflow),
            Reason::AddressOfOwner => Some(Via::AddressOfOwner),
            Reason::Replay => Some(Via::Replay),
        }
    }

    /// The author as approval policies know it. `current` is the profile that is written: a person
    /// who writes the own profile is judged by the personas of that newer state.
    #[must_use]
    pub fn policy_subject<'a>(
        &'a self,
        current: Option<&'a User>,
        now: Timestamp,
    ) -> PolicySubject<'a> {
        let newest = |profile: &'a User| {
            current.filter(|current| current.id == profile.id).unwrap_or(profile)
        };
        match &self.writer {
            Writer::Client(_, scopes) => PolicySubject::client(scopes),
            Writer::Person(profile) => PolicySubject::person(newest(profile), now),
            Writer::Administrator(profile, scopes) => {
                PolicySubject::administrator(newest(profile), now, scopes)
            }
            Writer::User(_) | Writer::Subject(_) | Writer::Service => PolicySubject::NOBODY,
        }
    }
}

impl From<&Actor> for audit::Actor {
    fn from(actor: &Actor) -> Self {
        match actor {
            Actor::ClientId(id) => Self::new(ActorKind::Client, Some(id.to_string())),
            Actor::UserId(id) => Self::new(ActorKind::Person, Some(id.to_string())),
        }
    }
}
