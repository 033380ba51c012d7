//! The keys of walks over a tenant's users.

use super::Key;
use crate::domain::id::TenantId;

/// A walk of the sweeper over all users of a tenant.
#[derive(Clone, Copy, Debug)]
pub enum Walk {
    /// Derived attributes are computed once more.
    Recomputation,
    /// Index entries are brought into another form.
    Migration,
    /// The walk for changed definitions.
    Definitions,
    /// Chains of audit entries are verified.
    Audit,
    /// Audit entries are exported.
    Export,
}

impl Key {
    /// The progress of a walk over a tenant's users.
    #[must_use]
    pub fn progress(tenant: &TenantId, walk: Walk) -> Self {
        let name = match walk {
            Walk::Recomputation => "DERIVE",
            Walk::Migration => "FORMS",
            Walk::Definitions => "DEFINITIONS",
            Walk::Audit => "AUDIT",
            Walk::Export => "EXPORT",
        };
        Self::new(format!("T#{tenant}#J"), name)
    }
}
