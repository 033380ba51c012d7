//! Who may call a route, and what the caller sees.

use super::rejection::Rejection;
use crate::auth::{Caller, Subject, Via};
use crate::domain::error::{Error, Result};
use crate::domain::{Scope, View};

/// Who may call a route.
///
/// A scope is granted by this service: to a client in an access token, to a local person by the
/// personas that are in force. External persons come with tokens of issuers that the tenant trusts:
/// nothing is granted to them, and they act on their own profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Anyone, without a token; the OAuth endpoints among them authenticate the client themselves.
    Anyone,
    /// A client or a local person with this granted scope.
    Granted(Scope),
    /// A person, local or external, about the own profile; with a token that has this scope, if
    /// there is one. A token of this service has to have `userdata` otherwise.
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

    /// The scope with which a local person acts as an administrator.
    #[must_use]
    pub const fn granted_to_people(self) -> Option<Scope> {
        match self {
            Self::Granted(scope) | Self::GrantedOrPeople(scope) => Some(scope),
            Self::Anyone | Self::People(_) | Self::IntegrationsOrPeople(_) => None,
        }
    }

    /// Whether people call without a grant: external persons do, and local ones.
    #[must_use]
    pub const fn include_people(self) -> bool {
        matches!(self, Self::People(_) | Self::GrantedOrPeople(_) | Self::IntegrationsOrPeople(_))
    }

    /// The scope that every person's token needs, if it needs one.
    #[must_use]
    pub const fn scope_of_people(self) -> Option<Scope> {
        if let Self::People(scope) = self { scope } else { None }
    }

    /// The scope that a token of this service needs for what a person does without a grant. A
    /// session needs none.
    #[must_use]
    pub fn scope_of_local_people(self) -> Option<Scope> {
        self.include_people().then(|| self.scope_of_people().unwrap_or(Scope::Userdata))
    }

    /// Checks that the caller may call, and says what the caller sees of profiles and may set.
    pub fn check(self, caller: &Caller) -> Result<View, Rejection> {
        match (&caller.subject, self) {
            (_, Self::Anyone) => Ok(View::SelfService),
            (Subject::Client { .. }, _) => self.check_client(caller),
            (Subject::Local { via, .. }, _) => self.check_local(caller, via),
            (Subject::External(_), Self::Granted(_)) => {
                Err(Rejection::BadToken("this route takes client tokens, not user tokens"))
            }
            (Subject::External(_), _) => {
                if let Some(scope) = self.scope_of_people() {
                    check_scope(caller, scope)?;
                }
                Ok(View::SelfService)
            }
        }
    }

    fn check_client(self, caller: &Caller) -> Result<View, Rejection> {
        let Some(scope) = self.granted() else {
            return Err(not_allowed("this route takes user tokens, not client tokens"));
        };
        check_scope(caller, scope)?;
        let integrates = matches!(&caller.subject, Subject::Client { integration: Some(_), .. });
        if matches!(self, Self::IntegrationsOrPeople(_)) && !integrates {
            let detail = "only clients with the `integration` `crm` or `iam` may do this";
            return Err(not_allowed(detail));
        }
        Ok(View::Administrative)
    }

    /// A local person acts by a right where the route takes it, else for the own profile.
    fn check_local(self, caller: &Caller, via: &Via) -> Result<View, Rejection> {
        if self.granted_to_people().is_some_and(|scope| caller.has_scope(scope)) {
            return Ok(View::Administrative);
        }
        match (self, via) {
            (Self::Granted(scope), Via::Session(_)) => Err(Rejection::MissingRight(scope)),
            (Self::Granted(scope), Via::Client(_)) => {
                check_scope(caller, scope).map(|()| View::Administrative)
            }
            (_, Via::Session(_)) => Ok(View::SelfService),
            (_, Via::Client(_)) => {
                if let Some(scope) = self.scope_of_local_people() {
                    check_scope(caller, scope)?;
                }
                Ok(View::SelfService)
            }
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
