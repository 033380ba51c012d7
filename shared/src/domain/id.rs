//! Ids as types: a wrong one does not compile, a malformed one is not found.
//!
//! Two shapes exist: UUIDs that the service makes (parsed in any case, written in lower case), and
//! slugs that people choose ([`SLUG_PATTERN`]). Neither can hold `#`, so no part of a table
//! key can be mistaken for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The form of slugs, as a regular expression.
pub const SLUG_PATTERN: &str = "^[a-z][a-z0-9-]{1,62}$";
/// The form of client ids, as a regular expression.
pub const CLIENT_ID_PATTERN: &str = "^[a-z][a-z0-9-]{1,62}\\.[0-9a-f]{32}$";
/// The form of a name of a user or a system profile: a UUID, or a base profile id.
pub const UUID_OR_BASE_ID_PATTERN: &str =
    "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64})$";

/// The text has another form than the expected one, which this describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongShape(pub &'static str);

impl fmt::Display for WrongShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

impl std::error::Error for WrongShape {}

/// The form of the ids of tenants, systems, authentication servers, applications, consents and
/// purposes.
pub const SHAPE: &str = "2 to 63 lower-case letters, digits and hyphens, starting with a letter";
const UUID: WrongShape = WrongShape("a UUID");
const SLUG: WrongShape = WrongShape(SHAPE);
const CLIENT: WrongShape = WrongShape("the id of a client: `<tenant>.<32 hexadecimal digits>`");
const BASE: WrongShape = WrongShape("a base profile id: 64 hexadecimal digits");
const USER: WrongShape = WrongShape("a UUID or a base profile id");

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that the service made.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = WrongShape;

            /// Takes the hyphenated form, and the one without hyphens that other systems write
            /// (rule P17). It is written with hyphens.
            fn from_str(text: &str) -> Result<Self, WrongShape> {
                if !matches!(text.len(), 32 | 36) {
                    return Err(UUID);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| UUID)
            }
        }

        impl TryFrom<String> for $name {
            type Error = WrongShape;

            fn try_from(text: String) -> Result<Self, WrongShape> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

uuid_id! {
    /// A user's id; also the id of the person's base profile.
    UserId
    /// The id of one persona of a user.
    PersonaId
    /// The id of an attribute category, an attribute definition or a persona definition.
    DefinitionId
    /// The id of one subject mapping.
    SubjectId
    /// The id of one change request.
    ChangeRequestId
    /// The id of one import.
    ImportId
    /// The id of one system profile, unrelated to every other id of the person.
    ProfileId
}

macro_rules! slug_id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = WrongShape;

            fn from_str(text: &str) -> Result<Self, WrongShape> {
                if is_slug(text) { Ok(Self(text.to_owned())) } else { Err(SLUG) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = WrongShape;

            fn try_from(text: String) -> Result<Self, WrongShape> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

slug_id! {
    /// A tenant's id, which is its name.
    TenantId
    /// The id of an authentication server, an application, a system or a consent, chosen by the
    /// caller.
    PartyId
    /// The id of one purpose of a consent, chosen by the caller.
    PurposeId
}

/// Whether `text` matches [`SLUG_PATTERN`].
#[must_use]
pub fn is_slug(text: &str) -> bool {
    (2..=63).contains(&text.len())
        && text.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A client's id: `<tenant>.<32 hexadecimal digits>`. It names its tenant, so one read finds the
/// client and one query lists a tenant's clients.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId {
    tenant: TenantId,
    text: String,
}

impl ClientId {
    /// Makes one from the tenant and 16 random bytes.
    #[must_use]
    pub fn new(tenant: &TenantId, random: [u8; 16]) -> Self {
        Self {
            tenant: tenant.clone(),
            text: format!("{tenant}.{:032x}", u128::from_be_bytes(random)),
        }
    }

    /// The tenant that the client belongs to.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ClientId {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        let (tenant, rest) = text.split_once('.').ok_or(CLIENT)?;
        let hexadecimal =
            rest.len() == 32 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !hexadecimal {
            return Err(CLIENT);
        }
        Ok(Self { tenant: tenant.parse()?, text: text.to_owned() })
    }
}

impl TryFrom<String> for ClientId {
    type Error = WrongShape;

    fn try_from(text: String) -> Result<Self, WrongShape> {
        text.parse()
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.text
    }
}

/// The id of a base profile at a token issuer: lower-case hexadecimal
/// `SHA256("{subject}|{issuer}|{tenant}")`. Every system that knows the three can compute it.
/// Upper case is read as lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseId(String);

impl BaseId {
    /// The id of the person with this `subject` at this `issuer`.
    #[must_use]
    pub fn of(subject: &str, issuer: &str, tenant: &TenantId) -> Self {
        let hash = Sha256::digest(format!("{subject}|{issuer}|{tenant}"));
        let digits = |byte: &u8| {
            [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'))
        };
        Self(hash.iter().flat_map(digits).collect())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BaseId {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        let hexadecimal = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if hexadecimal { Ok(Self(text.to_ascii_lowercase())) } else { Err(BASE) }
    }
}

impl TryFrom<String> for BaseId {
    type Error = WrongShape;

    fn try_from(text: String) -> Result<Self, WrongShape> {
        text.parse()
    }
}

impl From<BaseId> for String {
    fn from(id: BaseId) -> Self {
        id.0
    }
}

/// The name of a user: the user's id, or a base profile id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UserName {
    /// The user's own id.
    User(UserId),
    /// A base profile id, for the user who holds it.
    Base(BaseId),
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Base(id) => id.fmt(f),
        }
    }
}

impl FromStr for UserName {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        text.parse()
            .map(Self::User)
            .or_else(|_| text.parse().map(Self::Base))
            .map_err(|_: WrongShape| USER)
    }
}

/// The name of a system profile: its own id, or a base profile id of its person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProfileName {
    /// The system profile's own id.
    Profile(ProfileId),
    /// A base profile id, for callers that can compute the hash.
    Base(BaseId),
}

impl FromStr for ProfileName {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        text.parse()
            .map(Self::Profile)
            .or_else(|_| text.parse().map(Self::Base))
            .map_err(|_: WrongShape| USER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_profile_id_is_the_hash_of_subject_issuer_and_tenant() {
        let id =
            BaseId::of("user-1", "https://issuer.example/tenant", &"tenant-1".parse().unwrap());
        assert_eq!(id.as_str(), "2bdec978e853a345774727fc88a221244c19b447e71898f42b7ebe6f84c69b12");
        assert_eq!(id.as_str().parse::<UserName>(), Ok(UserName::Base(id.clone())));
        let upper = id.as_str().to_ascii_uppercase();
        assert_eq!(upper.parse::<UserName>(), Ok(UserName::Base(id.clone())));
        for wrong in ["", id.as_str().get(1..).unwrap(), &format!("{id}0"), &"g".repeat(64)] {
            assert_eq!(wrong.parse::<UserName>(), Err(USER), "{wrong}");
        }
    }

    #[test]
    fn p17_ids_take_uuids_with_and_without_hyphens() {
        let id: UserId = "0192F3C1-0000-7000-8000-000000000001".parse().unwrap();
        assert_eq!(id.to_string(), "0192f3c1-0000-7000-8000-000000000001");
        assert_eq!("0192F3C1000070008000000000000001".parse(), Ok(id));
        for wrong in [
            "",
            "0192f3c100007000800000000000000",
            "0192f3c1-0000-7000-80000000000000001",
            "{0192f3c1-0000-7000-8000-000000000001}",
            "x#y",
        ] {
            assert_eq!(wrong.parse::<UserId>(), Err(UUID), "{wrong}");
        }
        for wrong in ["", "a", "A1", "1a", "a_b", "a#b", "a|b", &"a".repeat(64)] {
            assert_eq!(wrong.parse::<TenantId>(), Err(SLUG), "{wrong}");
        }
        assert!("acme".parse::<TenantId>().is_ok());
    }

    #[test]
    fn a_client_id_names_its_tenant() {
        let tenant: TenantId = "acme".parse().unwrap();
        let id = ClientId::new(&tenant, [7; 16]);
        assert_eq!(id.as_str().parse::<ClientId>().unwrap().tenant(), &tenant);
        for wrong in ["acme", "acme.", "acme.07", "Acme.07070707070707070707070707070707"] {
            assert!(wrong.parse::<ClientId>().is_err(), "{wrong}");
        }
    }
}
