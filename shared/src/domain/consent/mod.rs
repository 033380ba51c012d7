//! Consents: what people are asked, in which words, what they answered, and which attributes a
//! system gets only while they agree (ADR 0061, 0062).
//!
//! A consent has terms, which administrators edit. A version is a snapshot of the terms with the
//! texts that people read; it never changes once it is in effect. A record holds what one person
//! decided for one audience, purpose by purpose, and is the fold of its history.

mod chain;
mod content;
mod definition;
mod grant;
mod purpose;
mod receipt;
mod record;
mod standing;
mod terms;
mod version;
mod withheld;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::content::{AskedPurpose, VersionContent};
pub use self::definition::{Consent, MAX_CONSENT};
pub use self::grant::{Decision, DecisionInput, Speaker, imported};
pub use self::purpose::{LegalBasis, MAX_PURPOSES, Purpose};
pub use self::receipt::ReceiptOf;
pub use self::record::{
    ConsentEvent, ConsentRecord, Evidence, HistoryKind, MAX_ENTRIES, Method, PurposeState,
    RecordedPurpose,
};
pub use self::standing::Standing;
pub use self::terms::{ConsentKind, Controller, Needs, Terms, Withdrawal};
pub use self::version::{
    ConsentText, ConsentVersion, LocaleText, MAX_TEXT_BYTES, MAX_VERSIONS, Reconsent, VersionInput,
    VersionStatus,
};
pub use self::withheld::{Withheld, governed, governing};
use super::id::{PartyId, PurposeId, WrongShape};

/// One purpose of one consent, as a definition names what governs it: `<consent>/<purpose>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PurposeRef {
    /// The consent.
    pub consent: PartyId,
    /// The purpose.
    pub purpose: PurposeId,
}

impl fmt::Display for PurposeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.consent, self.purpose)
    }
}

impl FromStr for PurposeRef {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        const SHAPE: WrongShape = WrongShape("`<consent>/<purpose>`");
        let (consent, purpose) = text.split_once('/').ok_or(SHAPE)?;
        Ok(Self { consent: consent.parse()?, purpose: purpose.parse()? })
    }
}

impl TryFrom<String> for PurposeRef {
    type Error = WrongShape;

    fn try_from(text: String) -> Result<Self, WrongShape> {
        text.parse()
    }
}

impl From<PurposeRef> for String {
    fn from(purpose: PurposeRef) -> Self {
        purpose.to_string()
    }
}
