//! What a person allowed a client: consents that are remembered, and families of refresh tokens.

use serde::{Deserialize, Serialize};

use crate::domain::id::ClientId;
use crate::env::Timestamp;

/// The scopes that a person has granted to a client (rule G15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientConsent {
    /// The client.
    pub client: ClientId,
    /// The granted scopes, sorted.
    pub scopes: Vec<String>,
    /// When they were last granted.
    pub at: Timestamp,
}

impl ClientConsent {
    /// The consent to more scopes: those of before stay.
    #[must_use]
    pub fn extended(
        before: Option<&Self>,
        client: ClientId,
        scopes: &[&str],
        now: Timestamp,
    ) -> Self {
        let mut all: Vec<_> = before.map(|before| before.scopes.clone()).unwrap_or_default();
        all.extend(scopes.iter().map(|scope| (*scope).to_owned()));
        all.sort_unstable();
        all.dedup();
        Self { client, scopes: all, at: now }
    }

    /// Whether each of these scopes was granted.
    #[must_use]
    pub fn covers(&self, scopes: &[&str]) -> bool {
        scopes.iter().all(|scope| self.scopes.iter().any(|granted| granted == scope))
    }
}

/// A family of refresh tokens, as it is named among the person's sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyName {
    /// The client that holds the tokens.
    pub client: ClientId,
    /// The id of the session in ID tokens.
    pub sid: String,
    /// When the family was started.
    pub created_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}
