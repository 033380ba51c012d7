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
        /// Names, username, language and personas of the person (OpenID Connect Core §5.4).
        Profile = "profile",
        /// The e-mail address of the person.
        Email = "email",
        /// The postal address of the person.
        Address = "address",
        /// The telephone number of the person.
        Phone = "phone",
        /// A refresh token (OpenID Connect Core §11).
        OfflineAccess = "offline_access",
    }
}

impl Scope {
    /// Whether it concerns a person's own data. The others are rights to administer.
    #[must_use]
    pub const fn is_personal(self) -> bool {
        self.is_of_people() || matches!(self, Self::Userdata | Self::Openid)
    }

    /// Whether it means nothing in the token of a client that acts for itself.
    const fn is_of_people(self) -> bool {
        matches!(
            self,
            Self::Profile | Self::Email | Self::Address | Self::Phone | Self::OfflineAccess
        )
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
        let implied = !scope.is_personal();
        self.0.contains(&scope) || (implied && self.0.contains(&Scope::Administrator))
    }

    /// Whether every scope of `other` is a member.
    #[must_use]
    pub fn allows_all(&self, other: &Self) -> bool {
        other.0.iter().all(|scope| self.0.contains(scope))
    }

    /// The members that are rights to administer.
    #[must_use]
    pub fn administrative(&self) -> Self {
        Self(self.iter().filter(|scope| !scope.is_personal()).collect())
    }

    /// The members that concern a person's own data.
    #[must_use]
    pub fn personal(&self) -> Self {
        Self(self.iter().filter(|scope| scope.is_personal()).collect())
    }

    /// The members that mean something in the token of a client that acts for itself.
    #[must_use]
    pub fn of_clients(&self) -> Self {
        Self(self.iter().filter(|scope| !scope.is_of_people()).collect())
    }

    /// The members that `other` allows too. Of `administrator`, those that `other` has.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        let both = Scope::ALL.into_iter().filter(|scope| self.allows(*scope));
        let both = Self::new(both.filter(|scope| other.allows(*scope)));
        if both.0.contains(&Scope::Administrator) {
            // It stands for the rights that it implies.
            return Self::new(both.iter().filter(|scope| self.0.contains(scope)));
        }
        both
    }

    /// The members of both.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self::new(self.iter().chain(other.iter()))
    }

    /// The scopes that a text names. Words that are no scopes are left out (OpenID Connect Core
    /// §3.1.2.1).
    #[must_use]
    pub fn known(text: &str) -> Self {
        Self::new(text.split(' ').filter_map(|word| word.parse().ok()))
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
        assert!(Scope::ALL.into_iter().all(|s| scopes.allows(s) != s.is_personal()));
    }

    #[test]
    fn administrator_stands_for_the_rights_that_both_sets_have() {
        let set = |text: &str| text.parse::<Scopes>().unwrap();
        for (asked, held, common) in [
            ("users:read openid", "administrator", "users:read"),
            ("administrator", "users:read users:write", "users:read users:write"),
            ("administrator users:read", "administrator", "users:read administrator"),
            ("administrator", "administrator", "administrator"),
            ("openid profile", "openid", "openid"),
            ("userdata", "administrator", ""),
            ("users:write", "users:read", ""),
        ] {
            assert_eq!(set(asked).common(&set(held)), set(common), "{asked} {held}");
        }
        assert_eq!(set("openid users:read").personal(), set("openid"));
        assert_eq!(set("openid users:read").administrative(), set("users:read"));
        assert_eq!(set("openid users:read address phone").of_clients(), set("openid users:read"));
        assert_eq!(Scopes::known("phone openid  x"), set("openid phone"));
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
