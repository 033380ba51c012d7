//! What the sweeper keeps in the table of earlier calls, under a code: a person who can write the
//! table cannot say that everything was verified, or what was exported.
//!
//! An earlier state of the same tenant that is put back whole has its code.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::key::AuditKey;
use crate::domain::id::TenantId;
use crate::store::keys::{Key, Walk};

/// A state with its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// As JSON.
    state: String,
    code: String,
}

impl Kept {
    /// The state of a walk of this tenant.
    #[must_use]
    pub fn of(key: &AuditKey, tenant: &TenantId, walk: Walk, state: &impl Serialize) -> Self {
        let state = serde_json::to_string(state).unwrap_or_default();
        Self { code: code(key, tenant, walk, &state), state }
    }

    /// The state, if the service wrote it.
    #[must_use]
    pub fn open<T: DeserializeOwned>(
        &self,
        key: &AuditKey,
        tenant: &TenantId,
        walk: Walk,
    ) -> Option<T> {
        let written = self.code == code(key, tenant, walk, &self.state);
        written.then(|| serde_json::from_str(&self.state).ok()).flatten()
    }
}

fn code(key: &AuditKey, tenant: &TenantId, walk: Walk, state: &str) -> String {
    let place = Key::progress(tenant, walk);
    key.code_of(&format!("{} {}", place.pk(), place.sk()), state.as_bytes())
}
