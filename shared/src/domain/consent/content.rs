//! What every function knows of a version: enough to judge each decision about it, however old it
//! is. The words stand in items of their own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::terms::{Needs, Terms};
use crate::domain::id::{DefinitionId, PartyId, PurposeId};

/// What people agree to with a version, without the words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionContent {
    /// The SHA-256 of the text of each locale, in hexadecimal digits.
    pub locales: BTreeMap<String, String>,
    /// The purposes.
    pub purposes: Vec<AskedPurpose>,
    /// After how many days a grant ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after_days: Option<u32>,
    /// The age from which people decide for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_age: Option<u32>,
    /// What counts as agreement.
    pub needs: Needs,
    /// Whether digests of the decisions outlive the person's erasure.
    pub keep_proof: bool,
}

/// A purpose as a version has it: which data is used, and who gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedPurpose {
    /// The id.
    pub id: PurposeId,
    /// The attributes that are used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<DefinitionId>,
    /// The systems that get them; if it names none, every system may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<PartyId>,
}

impl VersionContent {
    /// What the terms say, without texts.
    #[must_use]
    pub fn of(terms: &Terms) -> Self {
        let purposes = terms.purposes.iter().map(|purpose| AskedPurpose {
            id: purpose.id.clone(),
            attributes: purpose.attributes.clone(),
            recipients: purpose.recipients.clone(),
        });
        Self {
            locales: BTreeMap::new(),
            purposes: purposes.collect(),
            expires_after_days: terms.expires_after_days,
            minimum_age: terms.minimum_age,
            needs: terms.needs,
            keep_proof: terms.keep_proof,
        }
    }

    /// The purpose of this id.
    #[must_use]
    pub fn purpose(&self, id: &PurposeId) -> Option<&AskedPurpose> {
        self.purposes.iter().find(|purpose| purpose.id == *id)
    }
}

impl AskedPurpose {
    /// Whether it is for this audience. What is for the controller is for no system in particular.
    #[must_use]
    pub fn is_for(&self, audience: Option<&PartyId>) -> bool {
        self.recipients.is_empty() || audience.is_none_or(|system| self.recipients.contains(system))
    }
}
