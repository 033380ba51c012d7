//! The chains that entries form: one of each user, and those of a tenant's ledger.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};

use crate::domain::id::{ClientId, UserId, WrongShape};

/// How many chains each kind of the ledger has that many writers append to.
const SHARDS: u8 = 16;

/// A chain of a tenant's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerChain {
    /// What changed of the settings of the audit. Its entries never end: they say when the audit
    /// was on.
    Settings,
    /// What changed of the configuration and of the keys.
    Configuration,
    /// What changed of clients, by the hash of the client.
    Clients(u8),
    /// Who was forgotten, by the hash of the user. Its entries never end.
    Forgets(u8),
    /// Who read values or exported profiles.
    Reads(u8),
}

impl LedgerChain {
    /// The chain of the forget of this user.
    #[must_use]
    pub fn of_forget(user: UserId) -> Self {
        Self::Forgets(shard(user.to_string().as_bytes()))
    }

    /// The chain of this client.
    #[must_use]
    pub fn of_client(client: &ClientId) -> Self {
        Self::Clients(shard(client.to_string().as_bytes()))
    }

    /// Whether its entries never end.
    #[must_use]
    pub const fn never_ends(self) -> bool {
        matches!(self, Self::Settings | Self::Forgets(_))
    }

    /// The chain of a read, by bytes that say which.
    #[must_use]
    pub fn of_read(bytes: &[u8]) -> Self {
        Self::Reads(shard(bytes))
    }

    /// All chains of a ledger.
    pub fn all() -> impl Iterator<Item = Self> {
        let forgets = (0..SHARDS).map(Self::Forgets);
        let reads = (0..SHARDS).map(Self::Reads);
        let clients = (0..SHARDS).map(Self::Clients);
        [Self::Settings, Self::Configuration].into_iter().chain(clients).chain(forgets).chain(reads)
    }
}

fn shard(bytes: &[u8]) -> u8 {
    digest(&SHA256, bytes).as_ref().last().copied().unwrap_or_default() % SHARDS
}

impl fmt::Display for LedgerChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings => f.write_str("S"),
            Self::Configuration => f.write_str("C"),
            Self::Clients(shard) => write!(f, "C{shard:x}"),
            Self::Forgets(shard) => write!(f, "F{shard:x}"),
            Self::Reads(shard) => write!(f, "R{shard:x}"),
        }
    }
}

impl FromStr for LedgerChain {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        let known = Self::all().find(|chain| chain.to_string() == text);
        known.ok_or(WrongShape("a chain of the ledger: S, C, C0 to Cf, F0 to Ff or R0 to Rf"))
    }
}

/// A chain of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// That of a user.
    User(UserId),
    /// One of the tenant's ledger.
    Ledger(LedgerChain),
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::Ledger(chain) => chain.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_chain_of_a_ledger_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            LedgerChain::all().map(|chain| chain.to_string()).collect();
        assert_eq!(names.len(), 50);
        for chain in LedgerChain::all() {
            assert_eq!(chain.to_string().parse(), Ok(chain));
        }
        assert!("G0".parse::<LedgerChain>().is_err());
    }
}
