//! One-time links in mails (rules G44 to G50).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::secret::{Secret, SecretHash};
use crate::domain::id::{TenantId, UserId, WrongShape};
use crate::domain::string_enum::string_enum;
use crate::env::{Random, Timestamp};

string_enum! {
    /// What a link is for. Of each kind a person has one link that works: the newest.
    LinkKind {
        /// Sets the first password of a person who was invited.
        Invitation = "invitation",
        /// Sets another password.
        Reset = "reset",
        /// Confirms the address that the person asked for.
        Address = "address",
        /// Takes a change of address back.
        Undo = "undo",
    }
}

impl LinkKind {
    /// How long such a link works, in seconds (rule G45).
    #[must_use]
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Invitation => 7 * 24 * 3600,
            Self::Reset => 30 * 60,
            Self::Address => 24 * 3600,
            Self::Undo => super::UNDO_SECONDS,
        }
    }
}

/// What the table knows of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The person.
    pub user: UserId,
    /// What it is for.
    pub kind: LinkKind,
    /// The hash of the address to which it was sent, as the address's look-up has it. The link works
    /// only while this is the address in question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it stops to work.
    pub ends_at: Timestamp,
}

/// The name of the newest link of a kind, at its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkName {
    /// The hash of its token.
    pub hash: SecretHash,
    /// When it stops to work.
    pub ends_at: Timestamp,
}

const TOKEN: WrongShape = WrongShape("`<tenant>.<secret>`");

/// The fragment of a link: `<tenant>.<secret>`. Its `Debug` form hides the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkToken {
    /// The tenant.
    pub tenant: TenantId,
    secret: Secret,
}

impl LinkToken {
    /// A new one.
    #[must_use]
    pub fn new(tenant: &TenantId, random: &Random) -> Self {
        Self { tenant: tenant.clone(), secret: Secret::new(random) }
    }

    /// The hash by which the table knows it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        self.secret.hash()
    }
}

impl fmt::Display for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.tenant, self.secret)
    }
}

impl FromStr for LinkToken {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        let (tenant, secret) = text.split_once('.').ok_or(TOKEN)?;
        Ok(Self { tenant: tenant.parse()?, secret: secret.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;

    #[test]
    fn g44_a_token_reads_back_and_its_hash_says_nothing_of_it() {
        let token = LinkToken::new(&"acme".parse().unwrap(), &Env::default().random);
        let text = token.to_string();
        assert_eq!(text.parse::<LinkToken>().unwrap(), token);
        assert!(!text.contains(token.hash().as_str()));
        for wrong in ["", ".", "acme", "acme.", &text.replace('.', ""), &format!("{text}.")] {
            assert!(wrong.parse::<LinkToken>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn g45_links_live_as_long_as_their_kind() {
        let seconds: Vec<_> = LinkKind::ALL.iter().map(|kind| kind.seconds()).collect();
        assert_eq!(seconds, [604_800, 1800, 86_400, 259_200]);
    }
}
