//! Who calls, as a verified token says.

use std::sync::Arc;

use super::user_token::Person;
use crate::domain::client::{Classifier, Integration};
use crate::domain::error::{Error, Result};
use crate::domain::id::{ClientId, PartyId, TenantId};
use crate::domain::scope::{Scope, Scopes};

/// The caller of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant whose data the caller may see.
    pub tenant: TenantId,
    /// Who it is.
    pub who: Who,
    /// The thumbprint of the key that the token is bound to, if it is.
    pub jkt: Option<String>,
}

/// A machine or a person.
#[derive(Clone, Debug)]
pub enum Who {
    /// A client, with an access token of this service.
    Client(Machine),
    /// A person, with a token of an issuer that the tenant trusts.
    Person(Arc<Person>),
}

/// A machine client, as its access token describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The client.
    pub client_id: ClientId,
    /// What the token allows.
    pub scopes: Scopes,
    /// The systems that the client may act for; every one when there is none.
    pub systems: Vec<PartyId>,
    /// What the client integrates, if it is marked so.
    pub integration: Option<Integration>,
    /// The most sensitive attributes of systems that the client sees.
    pub max_classifier: Classifier,
}

impl Caller {
    /// The machine client, if it is one.
    #[must_use]
    pub const fn machine(&self) -> Option<&Machine> {
        match &self.who {
            Who::Client(machine) => Some(machine),
            Who::Person(_) => None,
        }
    }

    /// The person, if it is one.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        match &self.who {
            Who::Client(_) => None,
            Who::Person(person) => Some(person),
        }
    }

    /// What nobody else of the tenant is called: cursors and idempotency records are bound to it.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Client(machine) => machine.client_id.as_str(),
            Who::Person(person) => person.base.as_str(),
        }
    }

    /// What log lines call it: of people they say nothing.
    #[must_use]
    pub fn logged(&self) -> &str {
        match &self.who {
            Who::Client(machine) => machine.client_id.as_str(),
            Who::Person(_) => "user-token",
        }
    }

    /// Checks that the token holds a scope (RFC 6750 §3.1).
    pub fn needs(&self, scope: Scope) -> Result<()> {
        let holds = match &self.who {
            Who::Client(machine) => machine.scopes.allows(scope),
            Who::Person(person) => person.scopes.iter().any(|held| held == scope.name()),
        };
        if holds {
            Ok(())
        } else {
            Err(Error::InsufficientScope { scope, bound: self.jkt.is_some() })
        }
    }
}
