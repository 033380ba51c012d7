//! The caller and its grants, from a verified token.

use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::client::{Classifier, Integration};
use crate::domain::id::{BaseId, ClientId, PartyId, TenantId, UserId};
use crate::domain::json::Object;
use crate::domain::scope::{Scope, Scopes};
use crate::env::Timestamp;

/// The caller of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant whose data the caller may see.
    pub tenant: TenantId,
    /// The client or the person.
    pub subject: Subject,
    /// The grants of this service to the caller; none for an external person.
    pub grants: Grants,
    /// The thumbprint of the key that the token is bound to, if it is.
    pub jkt: Option<String>,
}

/// The subject of a token: a client or a person.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A client that acts for itself, with an access token of this service.
    Client {
        /// The client.
        id: ClientId,
        /// What the client integrates, if it is marked so.
        integration: Option<Integration>,
    },
    /// A person who signed in at this service, with an access token of this service.
    Local {
        /// The person's user.
        user: UserId,
        /// The person's base profile id at this service's own issuer: the token's `sub`.
        base: BaseId,
        /// The client of the application that the person uses.
        client: ClientId,
    },
    /// A person who signed in elsewhere, with a token of an issuer that the tenant trusts.
    External(Arc<Person>),
}

/// The grants of an access token of this service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// The scopes.
    pub scopes: Scopes,
    /// The systems that the token is bound to; empty if it may act for every system.
    pub systems: Vec<PartyId>,
    /// The most sensitive attributes of systems that are shown.
    pub max_classifier: Classifier,
}

impl Default for Grants {
    fn default() -> Self {
        Self { scopes: Scopes::default(), systems: Vec::new(), max_classifier: Classifier::most() }
    }
}

/// An external person, as a verified token describes it.
#[derive(Clone, Debug)]
pub struct Person {
    /// The authentication server that issued the token.
    pub server: PartyId,
    /// The subject of the person at the issuer.
    pub subject: String,
    /// The person's base profile id at this issuer.
    pub base: BaseId,
    /// The scopes of the token, those that this service does not know included.
    pub scopes: Vec<String>,
    /// When the person signed in: `auth_time`, else `iat`; never in the future.
    pub signed_in_at: Timestamp,
    /// All claims; numbers have all their digits.
    pub claims: Object,
}

impl Caller {
    /// The client whose token it is: the caller itself, or the application that a local person
    /// uses. External persons come with none.
    #[must_use]
    pub const fn client(&self) -> Option<&ClientId> {
        match &self.subject {
            Subject::Client { id, .. } | Subject::Local { client: id, .. } => Some(id),
            Subject::External(_) => None,
        }
    }

    /// The base profile id by which the token names the person; `None` when a client calls.
    #[must_use]
    pub fn base(&self) -> Option<&BaseId> {
        match &self.subject {
            Subject::Client { .. } => None,
            Subject::Local { base, .. } => Some(base),
            Subject::External(person) => Some(&person.base),
        }
    }

    /// Whether a person calls, local or external.
    #[must_use]
    pub const fn is_person(&self) -> bool {
        matches!(self.subject, Subject::Local { .. } | Subject::External(_))
    }

    /// A name that no other caller of the tenant has: cursors and idempotency records are bound to
    /// it. A person has another one in each application, because other scopes may be granted there.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        match &self.subject {
            Subject::Client { id, .. } => Cow::Borrowed(id.as_str()),
            Subject::Local { base, client, .. } => Cow::Owned(format!("{base} {client}")),
            Subject::External(person) => Cow::Borrowed(person.base.as_str()),
        }
    }

    /// The name of the caller in log lines: a client's id, or `user-token` for every person.
    #[must_use]
    pub fn logged(&self) -> &str {
        match &self.subject {
            Subject::Client { id, .. } => id.as_str(),
            Subject::Local { .. } | Subject::External(_) => "user-token",
        }
    }

    /// Whether the token has a scope of this name, which this service may not know.
    #[must_use]
    pub fn has_scope_named(&self, name: &str) -> bool {
        match &self.subject {
            Subject::Client { .. } | Subject::Local { .. } => {
                name.parse().is_ok_and(|scope| self.grants.scopes.allows(scope))
            }
            Subject::External(person) => person.scopes.iter().any(|held| held == name),
        }
    }

    /// Whether the token has a scope.
    #[must_use]
    pub fn has_scope(&self, scope: Scope) -> bool {
        match &self.subject {
            Subject::Client { .. } | Subject::Local { .. } => self.grants.scopes.allows(scope),
            Subject::External(_) => self.has_scope_named(scope.name()),
        }
    }
}
