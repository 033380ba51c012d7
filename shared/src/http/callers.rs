//! Who may call a route, and what the caller sees.

use super::rejection::Rejection;
use crate::auth::{Caller, Subject};
use crate::domain::error::{Error, Result};
use crate::domain::{Scope, View};

/// Who may call a route.
///
/// A scope is granted by this service, in an access token of its own, to a client or to a local
/// person. External persons come with tokens of issuers that the tenant trusts: nothing is granted
/// to them, and they act on their own profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Anyone, without a token; the OAuth endpoints among them authenticate the client themselves.
    Anyone,
    /// A client or a local person with this granted scope.
    Granted(Scope),
    /// A person, local or external, about the own profile; with a token that has this scope, if
    /// there is one.
    People(Option<Scope>),
    /// A client or a local person with this granted scope. Also any other person, for resources of
    /// that person.
    GrantedOrPeople(Scope),
    /// A client to which this scope is granted and which is marked as the CRM or the IAM system;
    /// and any person, about the own profile.
    IntegrationsOrPeople(Scope),
}

impl Callers {
    /// The scope that has to be granted to a client; `None` where no client calls with a token.
    #[must_use]
    pub const fn granted(self) -> Option<Scope> {
        match self {
            Self::Granted(scope)
            | Self::GrantedOrPeople(scope)
            | Self::IntegrationsOrPeople(scope) => Some(scope),
            Self::Anyone | Self::People(_) => None,
        }
    }

    /// Whether people call without a grant: external persons do, and local ones.
    #[must_use]
    pub const fn include_people(self) -> bool {
        matches!(self, Self::People(_) | Self::GrantedOrPeople(_) | Self::IntegrationsOrPeople(_))
    }

    /// The scope that a person's token needs, if it needs one.
    #[must_use]
    pub const fn scope_of_people(self) -> Option<Scope> {
        if let Self::People(scope) = self { scope } else { None }
    }

    /// Checks that the caller may call, and says what the caller sees of profiles and may set.
    pub fn check(self, caller: &Caller) -> Result<View, Rejection> {
        match (&caller.subject, self) {
            (Subject::Client { .. }, Self::People(_)) => {
                Err(not_allowed("this route takes user tokens, not client tokens"))
            }
            (Subject::External(_), Self::Granted(_)) => {
                Err(Rejection::BadToken("this route takes client tokens, not user tokens"))
            }
            (Subject::Client { .. } | Subject::Local { .. }, Self::Granted(scope))
            | (Subject::Client { .. }, Self::GrantedOrPeople(scope)) => {
                check_scope(caller, scope).map(|()| View::Administrative)
            }
            (Subject::Client { integration, .. }, Self::IntegrationsOrPeople(scope)) => {
                check_scope(caller, scope)?;
                if integration.is_none() {
                    let detail = "only clients with the `integration` `crm` or `iam` may do this";
                    return Err(not_allowed(detail));
                }
                Ok(View::Administrative)
            }
            (Subject::Local { .. }, Self::GrantedOrPeople(scope))
                if caller.grants.scopes.allows(scope) =>
            {
                Ok(View::Administrative)
            }
            (Subject::Local { .. } | Subject::External(_), Self::People(Some(scope))) => {
                check_scope(caller, scope).map(|()| View::SelfService)
            }
            (_, Self::Anyone)
            | (
                Subject::Local { .. } | Subject::External(_),
                Self::People(None) | Self::GrantedOrPeople(_) | Self::IntegrationsOrPeople(_),
            ) => Ok(View::SelfService),
        }
    }
}

/// Checks that the caller's token has a scope (RFC 6750 §3.1).
fn check_scope(caller: &Caller, scope: Scope) -> Result<(), Rejection> {
    if caller.has_scope(scope) {
        Ok(())
    } else {
        Err(Rejection::InsufficientScope { scope, bound: caller.jkt.is_some() })
    }
}

fn not_allowed(detail: &str) -> Rejection {
    Error::NotAllowed(detail.to_owned()).into()
}
