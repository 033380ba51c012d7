//! The caller and its grants, from a verified token or from a session.

use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::client::{Classifier, Integration, StandardClaim};
use crate::domain::error::{Error, Result};
use crate::domain::id::{BaseId, ClientId, PartyId, PersonaId, TenantId, UserId};
use crate::domain::json::Object;
use crate::domain::people::SessionHash;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::user::User;
use crate::domain::versioned::Version;
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
    /// More of the access token of a local person.
    pub token: Option<Arc<TokenOfPerson>>,
}

/// More of the access token of a local person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOfPerson {
    /// The token's own id.
    pub jti: String,
    /// The version of the user that the sign-in wrote. The token is over once the person has signed
    /// out of everything since.
    pub user_version: Version,
    /// The persona in which the person signed in.
    pub persona: Option<PersonaId>,
    /// The claims that the application asked userinfo for.
    pub claims: Vec<StandardClaim>,
}

/// The subject of a call: a client or a person.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A client that acts for itself, with an access token of this service.
    Client {
        /// The client.
        id: ClientId,
        /// What the client integrates, if it is marked so.
        integration: Option<Integration>,
    },
    /// A person who signed in at this service.
    Local {
        /// The person's user.
        user: UserId,
        /// The person's base profile id at this service's own issuer.
        base: BaseId,
        /// How the person calls.
        via: Via,
    },
    /// A person who signed in elsewhere, with a token of an issuer that the tenant trusts.
    External(Arc<Person>),
}

/// How a local person calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// With an access token of this service, through the application of this client.
    Client(ClientId),
    /// With the cookie of a session.
    Session(SessionHandle),
}

/// The session of a person who calls with its cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionHandle {
    /// The hash of the session's secret: its key.
    pub hash: SessionHash,
    /// The id by which ID tokens and the audit name the session.
    pub sid: String,
    /// When the person authenticated.
    pub authenticated_at: Timestamp,
}

impl SessionHandle {
    /// Whether the person authenticated so recently that sensitive acts are allowed (rule G22).
    #[must_use]
    pub const fn is_recent(&self, now: Timestamp) -> bool {
        now.millis() - self.authenticated_at.millis() <= RECENT_SECONDS * 1000
    }
}

/// How long after a sign-in sensitive acts are allowed, in seconds (rule G22).
pub const RECENT_SECONDS: i64 = 300;

/// The grants of this service to a caller.
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
    /// uses. External persons come with none, and so do people with a cookie.
    #[must_use]
    pub const fn client(&self) -> Option<&ClientId> {
        match &self.subject {
            Subject::Client { id, .. } | Subject::Local { via: Via::Client(id), .. } => Some(id),
            Subject::Local { via: Via::Session(_), .. } | Subject::External(_) => None,
        }
    }

    /// The session of a person who calls with its cookie.
    #[must_use]
    pub const fn session(&self) -> Option<&SessionHandle> {
        match &self.subject {
            Subject::Local { via: Via::Session(session), .. } => Some(session),
            _ => None,
        }
    }

    /// Refuses the token of a person who has signed out of everything since.
    pub fn check_signed_in(&self, user: &User) -> Result<()> {
        match &self.token {
            Some(token) if user.has_signed_out(token.user_version) => Err(Error::SignedOut),
            _ => Ok(()),
        }
    }

    /// The base profile id that names the person; `None` when a client calls.
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
    /// it. A person has another one in each application, because other scopes may be granted there,
    /// and one with a cookie.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        match &self.subject {
            Subject::Client { id, .. } => Cow::Borrowed(id.as_str()),
            Subject::Local { base, via: Via::Client(client), .. } => {
                Cow::Owned(format!("{base} {client}"))
            }
            Subject::Local { base, via: Via::Session(_), .. } => {
                Cow::Owned(format!("{base} session"))
            }
            Subject::External(person) => Cow::Borrowed(person.base.as_str()),
        }
    }

    /// The name of the caller in log lines: a client's id, or `user-session` or `user-token` for
    /// every person.
    #[must_use]
    pub fn logged(&self) -> &str {
        match &self.subject {
            Subject::Client { id, .. } => id.as_str(),
            Subject::Local { via: Via::Session(_), .. } => "user-session",
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
