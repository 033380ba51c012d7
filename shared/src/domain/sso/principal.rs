//! Principals: a user as one authentication server knows it.

use serde::{Deserialize, Serialize};

use super::{AuthenticationServer, SYSTEM};
use crate::domain::id::{BaseId, PartyId};
use crate::domain::json::Object;
use crate::domain::string_enum::string_enum;
use crate::object;

string_enum! {
    /// How far a user and an authentication server know each other.
    PrincipalStatus {
        /// No subject has signed in yet; the first sign-in is matched by the server's subject type.
        Pending = "PENDING",
        /// Sign-ins of one subject of the server reach the user.
        Active = "ACTIVE",
        /// Sign-ins are refused, and nothing is matched.
        Unlinked = "UNLINKED",
    }
}

/// A user at an authentication server. The subject at the server is not stored: the base profile id
/// is a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The authentication server.
    pub server: PartyId,
    /// The base profile id of the one subject that signed in, if one did.
    pub base: Option<BaseId>,
    /// Whether sign-ins of the server reach the user.
    pub linked: bool,
    /// Whether another matching subject may replace the subject that signed in. This holds from the
    /// time when the principal was linked again until the next sign-in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
}

impl Principal {
    /// The principal of a user without a sign-in at the server yet.
    #[must_use]
    pub const fn pending(server: PartyId) -> Self {
        Self { server, base: None, linked: true, open: false }
    }

    /// The principal of a user who signed in with this base profile id.
    #[must_use]
    pub const fn active(server: PartyId, base: BaseId) -> Self {
        Self { server, base: Some(base), linked: true, open: false }
    }

    /// Whether it is the one at the built-in server, which knows each user by the username: it is
    /// computed and never stored.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.server.as_str() == SYSTEM
    }

    /// The principal linked again, which lets another subject in, or unlinked.
    #[must_use]
    pub fn set(&self, linked: bool) -> Self {
        Self { linked, open: linked, ..self.clone() }
    }

    /// How far they know each other.
    #[must_use]
    pub fn status(&self) -> PrincipalStatus {
        match (self.linked, &self.base) {
            (false, _) => PrincipalStatus::Unlinked,
            (true, None) if !self.is_built_in() => PrincipalStatus::Pending,
            (true, _) => PrincipalStatus::Active,
        }
    }

    /// The document that callers see; `server` is the principal's.
    #[must_use]
    pub fn show(&self, server: &AuthenticationServer) -> Object {
        object! {
            "authentication_server_id" => &self.server,
            "name" => &server.name,
            "subject_type" => server.subject_type.name(),
            "linked" => self.linked,
            "status" => self.status().name(),
        }
    }
}
