//! What a person has authorised a client to do: a code stands for it, and a family of refresh
//! tokens keeps it.

use serde::{Deserialize, Serialize};

use super::claims_request::ClaimsRequest;
use crate::domain::id::{PersonaId, UserId};
use crate::domain::people::Code;
use crate::domain::scope::Scopes;
use crate::domain::versioned::Version;
use crate::env::Timestamp;

/// An authorization by a person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The person's user.
    pub user: UserId,
    /// The version of the user that the session carries. The authorization has ended once the user
    /// signed out everywhere at a later version.
    pub user_version: Version,
    /// The granted scopes.
    pub scopes: Scopes,
    /// When the person authenticated.
    pub auth_time: Timestamp,
    /// How the person authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// The authentication context class that was met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The id of the session, as ID tokens have it.
    pub sid: String,
    /// The absolute end of the session.
    pub session_ends_at: Timestamp,
    /// The persona in which the person signed in, if the person chose or prefers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<PersonaId>,
    /// The claims that the client asked for one by one.
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
}

impl Authorization {
    /// The authorization for which a code stands.
    #[must_use]
    pub fn of(code: &Code) -> Self {
        // The authorization endpoint has checked the parameter.
        let claims = code.claims.as_deref().and_then(|text| ClaimsRequest::parse(text).ok());
        Self {
            user: code.user,
            user_version: code.user_version,
            scopes: Scopes::known(&code.scope.join(" ")),
            auth_time: code.auth_time,
            amr: code.amr.clone(),
            acr: code.acr.clone(),
            sid: code.sid.clone(),
            session_ends_at: code.session_ends_at,
            persona: code.persona,
            claims: claims.unwrap_or_default(),
        }
    }
}
