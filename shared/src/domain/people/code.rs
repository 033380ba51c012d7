//! Authorization codes (RFC 6749 §4.1, rule G6).

use serde::{Deserialize, Serialize};

use super::secret::SecretHash;
use crate::domain::id::{ClientId, PersonaId, UserId};
use crate::domain::versioned::Version;
use crate::env::Timestamp;

/// How long a code can be exchanged, in seconds.
pub const CODE_SECONDS: i64 = 60;
/// How long an exchanged code is remembered, in seconds, so that a second use ends its tokens.
pub const EXCHANGED_SECONDS: i64 = 10 * 60;

/// What a code is bound to, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The client that may exchange it.
    pub client: ClientId,
    /// The redirect URI of the authorization request, character by character.
    pub redirect_uri: String,
    /// The `code_challenge`, made with `S256`.
    pub challenge: String,
    /// The `nonce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The granted scopes.
    pub scope: Vec<String>,
    /// The `claims` parameter as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
    /// The services that the request named, as they are registered. Without them the tokens are for
    /// all that the client may have tokens for (RFC 8707 §2.2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// The thumbprint of the key to which the tokens are bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// The person.
    pub user: UserId,
    /// The version of the user that the session's sign-in wrote.
    pub user_version: Version,
    /// The persona that the person chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<PersonaId>,
    /// The id of the session in ID tokens.
    pub sid: String,
    /// The session, as the table names it.
    pub session: SecretHash,
    /// When the session ends at the latest.
    pub session_ends_at: Timestamp,
    /// When the person authenticated.
    pub auth_time: Timestamp,
    /// How.
    pub amr: Vec<String>,
    /// The authentication context class that was met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// When the code was made.
    pub created_at: Timestamp,
    /// What it was exchanged for, once it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchanged: Option<Exchanged>,
}

/// What a code was exchanged for. A second use of the code ends both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanged {
    /// The family of refresh tokens, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The id of the access token.
    pub jti: String,
    /// When the access token expires.
    pub token_ends_at: Timestamp,
}
