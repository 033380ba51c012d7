//! Scopes: what a token allows (RFC 6749 §3.3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::WrongShape;
use super::string_enum::string_enum;

string_enum! {
    /// A scope of the service.
    Scope {
        /// Read users, personas and subject mappings.
        UsersRead = "users:read",
        /// Create, change and forget them.
        UsersWrite = "users:write",
        /// Read definitions, authentication servers and applications.
        ConfigRead = "config:read",
        /// Change them.
        ConfigWrite = "config:write",
        /// Read the audit: who changed what and when.
        AuditRead = "audit:read",
        /// Read the values and reasons in the audit, and profiles as they were.
        AuditValues = "audit:values",
        /// Clients, e-mail verification, imports of hashed values; implies the six above.
        Administrator = "administrator",
        /// Concerns user tokens.
        Userdata = "userdata",
        /// Concerns user tokens and userinfo.
        Openid = "openid",
    }
}

/// A set of scopes, written with a space between two; without order and without repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Collects scopes into a set.
    #[must_use]
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }

    /// Whether the set allows what `scope` allows.
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        let implied = !matches!(scope, Scope::Userdata | Scope::Openid);
        self.0.contains(&scope) || (implied && self.0.contains(&Scope::Administrator))
    }

    /// Whether every scope of `other` is a member.
    #[must_use]
    pub fn allows_all(&self, other: &Self) -> bool {
        other.0.iter().all(|scope| self.0.contains(scope))
    }

    /// The members, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }

    /// Whether the set has no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.name())?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        Ok(Self::new(
            text.split(' ')
                .filter(|s| !s.is_empty())
                .map(str::parse)
                .collect::<Result<Vec<_>, _>>()?,
        ))
    }
}

impl TryFrom<String> for Scopes {
    type Error = WrongShape;

    fn try_from(text: String) -> Result<Self, WrongShape> {
        text.parse()
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrator_implies_what_is_before_it_and_nothing_after() {
        let scopes: Scopes = "administrator".parse().unwrap();
        assert!(scopes.allows(Scope::ConfigWrite) && scopes.allows(Scope::UsersRead));
        assert!(scopes.allows(Scope::AuditRead) && scopes.allows(Scope::AuditValues));
        assert!(!scopes.allows(Scope::Openid) && !scopes.allows(Scope::Userdata));
    }

    #[test]
    fn a_set_of_scopes_has_one_spelling() {
        assert_eq!(
            "users:write  users:read users:write".parse::<Scopes>().unwrap().to_string(),
            "users:read users:write"
        );
        assert!("users:read root".parse::<Scopes>().is_err());
    }
}
