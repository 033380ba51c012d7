//! What is known of a person's credentials, without any secret: the item that the account page,
//! administrators and the mailer read.

use serde::{Deserialize, Serialize};

use super::secret::SecretHash;
use crate::domain::string_enum::string_enum;
use crate::env::{Random, Timestamp};

/// The most passkeys of one person.
pub const MAX_PASSKEYS: usize = 10;
/// How long a temporary password is good, in seconds: 72 hours (rule G33).
pub const TEMPORARY_SECONDS: i64 = 72 * 3600;
/// How long the holder of the old address can undo a change of address, in seconds: 72 hours.
pub const UNDO_SECONDS: i64 = 72 * 3600;

string_enum! {
    /// Who set a password.
    SetBy {
        /// The person.
        Myself = "self",
        /// An administrator; it is temporary.
        Administrator = "administrator",
        /// An import, whose hash was adopted.
        Import = "import",
        /// An operator at the command line.
        Operator = "operator",
    }
}

/// What is known of a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordFacts {
    /// When it was set.
    pub set_at: Timestamp,
    /// Who set it.
    pub set_by: SetBy,
    /// When the person last signed in with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// Whether the person must choose another one before signing in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_change: bool,
    /// When it stops to be good; only a temporary one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

impl PasswordFacts {
    /// A password that the person, an import or an operator has set.
    #[must_use]
    pub const fn lasting(set_by: SetBy, now: Timestamp) -> Self {
        Self { set_at: now, set_by, last_used_at: None, must_change: false, ends_at: None }
    }

    /// A password that an administrator has set: it must be changed, within 72 hours.
    #[must_use]
    pub const fn temporary(now: Timestamp) -> Self {
        Self {
            set_at: now,
            set_by: SetBy::Administrator,
            last_used_at: None,
            must_change: true,
            ends_at: Some(now.plus_seconds(TEMPORARY_SECONDS)),
        }
    }

    /// Whether it is past its end.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }
}

/// What is known of a passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyFacts {
    /// The SHA-256 of the credential id, which names the passkey's item.
    pub id: SecretHash,
    /// The name that the person gave it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When the person last signed in with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// Whether the passkey was backed up when it was last used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backed_up: bool,
}

/// An address that the person has asked for and not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAddress {
    /// The address.
    pub address: String,
    /// When the person asked for it.
    pub asked_at: Timestamp,
}

/// The way back from a change of address, for the holder of the old one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The old address; `None` if the person had none.
    pub address: Option<String>,
    /// Whether the old address was verified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
    /// Until when it can be brought back.
    pub until: Timestamp,
}

/// An address that does not take mail (rule G72).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounced {
    /// The hash of the address, as its look-up has it.
    pub address: String,
    /// When the mail came back.
    pub at: Timestamp,
}

/// What is known of a person's credentials. It never holds a secret or a hash of a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginFacts {
    /// The password, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordFacts>,
    /// The passkeys, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<PasskeyFacts>,
    /// The person as authenticators and devices know it: 32 random bytes (rule G52).
    pub user_handle: SecretHash,
    /// The address that waits for its confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_address: Option<PendingAddress>,
    /// The way back from the last change of address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// The address to which mail cannot be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounced: Option<Bounced>,
}

impl LoginFacts {
    /// The facts of a person who has no credential yet.
    #[must_use]
    pub fn new(random: &Random) -> Self {
        Self {
            password: None,
            passkeys: Vec::new(),
            user_handle: SecretHash::of(&random.bytes::<32>()),
            pending_address: None,
            undo: None,
            bounced: None,
        }
    }

    /// The passkey with this id.
    #[must_use]
    pub fn passkey(&self, id: &SecretHash) -> Option<&PasskeyFacts> {
        self.passkeys.iter().find(|passkey| passkey.id == *id)
    }

    /// Notes that the person signed in with the password.
    pub fn password_used(&mut self, now: Timestamp) {
        if let Some(password) = &mut self.password {
            password.last_used_at = Some(now);
        }
    }

    /// Notes that the person signed in with a passkey.
    pub fn passkey_used(&mut self, id: &SecretHash, backed_up: bool, now: Timestamp) {
        for passkey in self.passkeys.iter_mut().filter(|passkey| passkey.id == *id) {
            (passkey.last_used_at, passkey.backed_up) = (Some(now), backed_up);
        }
    }

    /// Whether the person has a passkey, or a password that does not run out.
    #[must_use]
    pub fn has_lasting_credential(&self) -> bool {
        let lasts = |password: &PasswordFacts| password.ends_at.is_none();
        self.password.as_ref().is_some_and(lasts) || !self.passkeys.is_empty()
    }

    /// Whether the person can sign in at all.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        self.password.is_some() || !self.passkeys.is_empty()
    }
}
