//! What others need for the same, to compare with: µs of processor per request, each on one core,
//! 16 connections, on one machine (two shared x86-64 cores). On another machine the ratios are a
//! hint.

/// A service that does some of the same.
pub(crate) struct Peer {
    /// What it is.
    pub name: &'static str,
    /// µs of processor per request, in the order of [`crate::operation::Operation::ALL`]; `None`
    /// for what it does not do.
    pub cost: [Option<u32>; 7],
}

/// The services that were measured.
pub(crate) const PEERS: [Peer; 6] = [
    Peer {
        name: "Node Fastify, SQLite in memory, hand-written",
        cost: [Some(183), Some(466), Some(358), Some(223), Some(245), Some(314), Some(346)],
    },
    Peer {
        name: "node oidc-provider 9",
        cost: [Some(297), Some(483), None, None, None, None, None],
    },
    Peer {
        name: "Node Express, AWS SDK v3, the same embedded engine",
        cost: [Some(1139), Some(1430), Some(767), Some(694), Some(678), Some(1220), Some(754)],
    },
    Peer {
        name: "scim2-server (Python, in memory)",
        cost: [None, None, Some(1176), Some(854), Some(618), Some(1240), Some(1689)],
    },
    Peer {
        name: "django-oauth-toolkit, django-scim2",
        cost: [Some(2213), None, Some(3959), Some(2240), None, Some(3486), Some(3442)],
    },
    Peer {
        name: "OpenLDAP slapd (C, LDAP, durable)",
        cost: [None, None, Some(473), Some(50), None, Some(55), Some(433)],
    },
];
