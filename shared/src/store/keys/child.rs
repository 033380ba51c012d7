//! The children of a user: items in the user's own partition, each named by its sort key.

use std::fmt;

use super::{Key, partition_of_user};
use crate::domain::id::{ChangeRequestId, PartyId, SubjectId, TenantId, UserId};
use crate::domain::sso::Side;
use crate::domain::versioned::Version;

/// A child of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child<'c> {
    /// The principal at an authentication server.
    Principal(&'c PartyId),
    /// The profile in a system.
    SystemProfile(&'c PartyId),
    /// A subject mapping at an authentication server, of which the user may have several.
    ServerSubject(&'c PartyId, SubjectId),
    /// The one subject mapping at an application.
    ApplicationSubject(&'c PartyId),
    /// A change request.
    ChangeRequest(ChangeRequestId),
    /// The item that each new change request of the user moves.
    ChangeRequestGuard,
    /// The audit entry of the write that left this version.
    AuditEntry(Version),
}

impl fmt::Display for Child<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().prefix())?;
        match self {
            Self::Principal(server) => write!(f, "{server}"),
            Self::SystemProfile(system) => write!(f, "{system}"),
            Self::ServerSubject(server, mapping) => write!(f, "{server}#{mapping}"),
            Self::ApplicationSubject(application) => write!(f, "{application}"),
            Self::ChangeRequest(id) => write!(f, "{id}"),
            Self::ChangeRequestGuard => Ok(()),
            Self::AuditEntry(version) => write!(f, "{:010}", version.0),
        }
    }
}

impl Child<'_> {
    const fn kind(&self) -> Children {
        match self {
            Self::Principal(_) => Children::Principals,
            Self::SystemProfile(_) => Children::SystemProfiles,
            Self::ServerSubject(..) => Children::Subjects(Side::Server),
            Self::ApplicationSubject(_) => Children::Subjects(Side::Application),
            Self::ChangeRequest(_) => Children::ChangeRequests,
            Self::ChangeRequestGuard => Children::ChangeRequestsWithGuard,
            Self::AuditEntry(_) => Children::AuditEntries,
        }
    }
}

/// The children of one kind, which one query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// Principals.
    Principals,
    /// System profiles.
    SystemProfiles,
    /// Subject mappings of one side.
    Subjects(Side),
    /// Change requests.
    ChangeRequests,
    /// The guard of the change requests, then the change requests.
    ChangeRequestsWithGuard,
    /// Audit entries, oldest first.
    AuditEntries,
}

impl Children {
    /// The start of their sort keys.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Principals => "B#",
            Self::SystemProfiles => "SYS#",
            Self::Subjects(Side::Server) => "S#",
            Self::Subjects(Side::Application) => "A#",
            Self::ChangeRequests => "CR#",
            Self::ChangeRequestsWithGuard => "CR",
            Self::AuditEntries => "AU#",
        }
    }

    /// Whether the key is that of such a child.
    #[must_use]
    pub fn include(self, child: &Key) -> bool {
        child.sk().starts_with(self.prefix())
    }
}

impl Key {
    /// A child of a user.
    #[must_use]
    pub fn child(tenant: &TenantId, user: UserId, child: Child<'_>) -> Self {
        Self::new(partition_of_user(tenant, user), child.to_string())
    }
}
