//! The children of a user: items in the user's own partition, each named by its sort key.

use std::fmt;

use super::{Key, partition_of_user};
use crate::domain::consent::HistoryKind;
use crate::domain::id::{ChangeRequestId, ClientId, PartyId, SubjectId, TenantId, UserId};
use crate::domain::people::LinkKind;
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
    /// What the user decided about a consent, for a system or for the controller.
    Consent(&'c PartyId, Option<&'c PartyId>),
    /// One entry of the history of such a record: its number, and what it is about.
    ConsentHistory(&'c PartyId, Option<&'c PartyId>, u64, HistoryKind),
    /// What is known of the person's credentials.
    Login,
    /// The name of the newest one-time link of this kind.
    Link(LinkKind),
    /// The scopes that the person granted to a client.
    ClientConsent(&'c ClientId),
}

/// What stands in the place of an audience where there is none.
const NO_AUDIENCE: &str = "-";

impl fmt::Display for Child<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().prefix())?;
        match self {
            Self::Principal(server) => write!(f, "{server}"),
            Self::SystemProfile(system) => write!(f, "{system}"),
            Self::ServerSubject(server, mapping) => write!(f, "{server}#{mapping}"),
            Self::ApplicationSubject(application) => write!(f, "{application}"),
            Self::ChangeRequest(id) => write!(f, "{id}"),
            Self::ChangeRequestGuard | Self::Login => Ok(()),
            Self::Link(kind) => write!(f, "{kind}"),
            Self::ClientConsent(client) => write!(f, "{client}"),
            Self::AuditEntry(version) => write!(f, "{:010}", version.0),
            Self::Consent(consent, audience) => {
                write!(f, "{consent}#{}", audience.map_or(NO_AUDIENCE, PartyId::as_str))
            }
            Self::ConsentHistory(consent, audience, sequence, kind) => {
                let audience = audience.map_or(NO_AUDIENCE, PartyId::as_str);
                write!(f, "{consent}#{audience}#{sequence:010}#{kind}")
            }
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
            Self::Consent(..) => Children::Consents,
            Self::ConsentHistory(..) => Children::ConsentHistory,
            Self::Login => Children::Login,
            Self::Link(_) => Children::Links,
            Self::ClientConsent(_) => Children::ClientConsents,
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
    /// What the user decided about consents.
    Consents,
    /// The entries of the histories of these.
    ConsentHistory,
    /// What is known of the person's credentials.
    Login,
    /// The names of one-time links.
    Links,
    /// The scopes that the person granted to clients.
    ClientConsents,
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
            Self::Consents => "CO#",
            Self::ConsentHistory => "COH#",
            Self::Login => "LOGIN",
            Self::Links => "LK#",
            Self::ClientConsents => "CC#",
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

/// The start of the sort keys of a user's records about consents, or about one.
#[must_use]
pub fn consents(consent: Option<&PartyId>) -> String {
    let prefix = Children::Consents.prefix();
    consent.map_or_else(|| prefix.to_owned(), |consent| format!("{prefix}{consent}#"))
}

/// The start of the sort keys of the history of a record.
#[must_use]
pub fn consent_history(consent: &PartyId, audience: Option<&PartyId>) -> String {
    let audience = audience.map_or(NO_AUDIENCE, PartyId::as_str);
    format!("{}{consent}#{audience}#", Children::ConsentHistory.prefix())
}

/// What sorts after an entry of the history of a record and before the next one.
#[must_use]
pub fn after_consent_entry(consent: &PartyId, audience: Option<&PartyId>, sequence: u64) -> String {
    format!("{}{sequence:010}~", consent_history(consent, audience))
}

/// A record of a consent, or an entry of its history, as its sort key names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedConsent {
    /// The consent.
    pub consent: PartyId,
    /// The system for which it was decided.
    pub audience: Option<PartyId>,
    /// The number of the entry and what it is about; `None` for a record.
    pub entry: Option<(u64, HistoryKind)>,
}

impl NamedConsent {
    /// Reads a sort key; `None` if it is that of another child.
    #[must_use]
    pub fn of(sk: &str) -> Option<Self> {
        let mut parts = sk.split('#');
        let kind = parts.next()?;
        let consent = parts.next()?.parse().ok()?;
        let audience = match parts.next()? {
            NO_AUDIENCE => None,
            audience => Some(audience.parse().ok()?),
        };
        let entry = match kind {
            "CO" => None,
            "COH" => Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?)),
            _ => return None,
        };
        parts.next().is_none().then_some(Self { consent, audience, entry })
    }
}
