//! Mails that wait in the outbox. A mail names a person and never an address; it holds no token.

use serde::{Deserialize, Serialize};

use super::browser::Browser;
use super::link::LinkKind;
use crate::domain::id::{TenantId, UserId};
use crate::domain::string_enum::string_enum;
use crate::env::Timestamp;

/// How long a mail waits at most, in seconds.
pub const MAIL_SECONDS: i64 = 24 * 3600;

string_enum! {
    /// What a mail says.
    MailKind {
        /// The person was invited to set a password.
        Invitation = "invitation",
        /// The person asked for another password.
        Reset = "reset",
        /// The person asked for the username.
        UsernameReminder = "username_reminder",
        /// Somebody signed in from a browser that is not known.
        NewDevice = "new_device",
        /// A sign-in succeeded after several failures.
        Failures = "failures",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// A passkey was added.
        PasskeyAdded = "passkey_added",
        /// A passkey was removed.
        PasskeyRemoved = "passkey_removed",
        /// The counter of a passkey fell: somebody may have copied it.
        PasskeyCopied = "passkey_copied",
        /// To the new address: confirm it.
        AddressConfirm = "address_confirm",
        /// To the old address: it was asked to be replaced.
        AddressNotice = "address_notice",
        /// An administrator set a temporary password.
        TemporaryPassword = "temporary_password",
    }
}

impl MailKind {
    /// The link that such a mail carries.
    #[must_use]
    pub const fn link(self) -> Option<LinkKind> {
        match self {
            Self::Invitation => Some(LinkKind::Invitation),
            Self::Reset => Some(LinkKind::Reset),
            Self::AddressConfirm => Some(LinkKind::Address),
            Self::AddressNotice => Some(LinkKind::Undo),
            _ => None,
        }
    }
}

/// To whom a mail goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// This user.
    User(UserId),
    /// The user with this username, if there is one: the hash as its look-up has it.
    Username(String),
    /// The users with this address, if there are any: the hash as its look-up has it.
    Address(String),
}

/// What else a mail says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFacts {
    /// The browser, if something is known of it. Earlier versions stored words at `browser`.
    #[serde(default, rename = "agent", skip_serializing_if = "Option::is_none")]
    pub browser: Option<Browser>,
    /// The network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The name of a passkey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The hash of the address to which the mail has to go, as the address's look-up has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether all passkeys were removed with the password that was changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passkeys_removed: bool,
}

/// A mail in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// What it says.
    pub kind: MailKind,
    /// The tenant.
    pub tenant: TenantId,
    /// To whom it goes.
    pub to: Recipient,
    /// The languages of the page from which it was asked for, best first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What else it says.
    #[serde(default)]
    pub facts: MailFacts,
    /// When it was put into the outbox.
    pub created_at: Timestamp,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u32,
    /// When it is tried next; at once if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// Whether it counts towards the limit of its person already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
}

impl Mail {
    /// A mail to a user.
    #[must_use]
    pub fn new(kind: MailKind, tenant: TenantId, to: Recipient, now: Timestamp) -> Self {
        let facts = MailFacts::default();
        Self {
            kind,
            tenant,
            to,
            locale: None,
            facts,
            created_at: now,
            tries: 0,
            next_at: None,
            counted: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g38_a_mail_of_a_version_that_stored_the_browser_in_words_is_read() {
        let told = MailFacts { network: Some("192.0.2.0".to_owned()), ..MailFacts::default() };
        let mut stored = serde_json::to_value(&told).unwrap();
        stored["browser"] = "Firefox on Linux".into();
        assert_eq!(serde_json::from_value::<MailFacts>(stored).unwrap(), told);
        let browser = Browser { name: Some("Firefox".to_owned()), system: None };
        let told = MailFacts { browser: Some(browser), ..told };
        let stored = serde_json::to_value(&told).unwrap();
        // An earlier version expects words there.
        assert!(stored.get("browser").is_none(), "{stored}");
        assert_eq!(serde_json::from_value::<MailFacts>(stored).unwrap(), told);
    }
}
