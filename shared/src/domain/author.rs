//! Who writes a profile, in which request and why.
//!
//! An author goes along with every write of a profile, from the caller down to the transaction that
//! the store commits. Approval policies ask who it is, change requests name it, and what is kept
//! about a write (an audit entry, say) is made of it.

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
    /// Who it is.
    pub writer: Writer,
    /// What it sees of profiles and may set.
    pub view: View,
    /// The id of the request, as logs have it; `None` where the service works by itself.
    pub request_id: Option<String>,
    /// Why it writes.
    pub reason: Reason,
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
    /// This change request was approved.
    Approval(ChangeRequestId),
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
}

impl Author {
    /// The service itself, without a request.
    #[must_use]
    pub const fn service(tenant: TenantId, reason: Reason) -> Self {
        Self {
            tenant,
            writer: Writer::Service,
            view: View::Administrative,
            request_id: None,
            reason,
        }
    }

    /// The same author, who writes for another reason.
    #[must_use]
    pub fn with_reason(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// The author as change requests name it; `None` for those who cannot ask for changes.
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
