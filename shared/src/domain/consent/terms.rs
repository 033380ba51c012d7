//! The terms of a consent: who asks, for which purposes, and for how long. A version takes a
//! snapshot of them.

use serde::{Deserialize, Serialize};

use super::purpose::{LegalBasis, Purpose};
use crate::domain::error::Code;
use crate::domain::field::Fields;
use crate::domain::id::PurposeId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::domain::string_enum::string_enum;
use crate::object;

const MAX_TEXT: usize = 1024;
/// The longest time after which a consent is asked for again, in days: ten years.
const MAX_DAYS: u32 = 3650;
const MAX_AGE: u32 = 120;

string_enum! {
    /// What a consent is about.
    ConsentKind {
        /// Terms that people accept.
        Policy = "policy",
        /// That data is processed.
        Processing = "processing",
        /// That data is shared with others.
        Sharing = "sharing",
    }
}

string_enum! {
    /// What counts as agreement.
    #[derive(Default)]
    Needs {
        /// The person has to say yes.
        #[default]
        Explicit = "explicit",
        /// The person agrees until the person says no.
        OptOut = "opt_out",
    }
}

/// Who decides why and how data is processed (GDPR art. 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// The name of the organisation.
    pub name: String,
    /// The person or office to ask.
    pub contact: String,
    /// The postal address.
    pub address: String,
    /// The e-mail address.
    pub email: String,
    /// The phone number.
    pub phone: String,
}

/// How people withdraw, and what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// How.
    pub how: Option<String>,
    /// What follows.
    pub consequence: Option<String>,
}

/// The terms of a consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What the consent is about.
    pub kind: ConsentKind,
    /// What data is used for.
    pub purposes: Vec<Purpose>,
    /// Who asks.
    pub controller: Controller,
    /// Whose law applies: a country of ISO 3166, or words.
    pub jurisdiction: String,
    /// How people withdraw.
    pub withdrawal: Option<Withdrawal>,
    /// After how many days a grant ends.
    pub expires_after_days: Option<u32>,
    /// The age from which people decide for themselves.
    pub minimum_age: Option<u32>,
    /// What counts as agreement.
    pub needs: Needs,
    /// Whether a digest of each decision outlives the person's erasure.
    pub keep_proof: bool,
}

impl Terms {
    /// Takes the terms; `None` if something is at fault.
    pub(super) fn take(fields: &mut Fields<'_>, schema: &Schema) -> Option<Self> {
        let kind = fields.required_string_enum("kind");
        let purposes = Purpose::take_all(fields, schema);
        let controller = take_controller(fields);
        let jurisdiction = fields.required_text("jurisdiction", MAX_TEXT);
        let withdrawal = take_withdrawal(fields);
        let expires_after_days = take_number(fields, "expires_after_days", MAX_DAYS);
        let minimum_age = take_number(fields, "minimum_age", MAX_AGE);
        let needs = fields.string_enum("needs").unwrap_or_default();
        if needs == Needs::OptOut {
            refuse_silence(fields, &purposes, minimum_age);
        }
        let keep_proof = fields.boolean("keep_proof").unwrap_or_default();
        Some(Self {
            kind: kind?,
            purposes,
            controller: controller?,
            jurisdiction: jurisdiction?,
            withdrawal,
            expires_after_days,
            minimum_age,
            needs,
            keep_proof,
        })
    }

    /// The purpose of this id.
    #[must_use]
    pub fn purpose(&self, id: &PurposeId) -> Option<&Purpose> {
        self.purposes.iter().find(|purpose| purpose.id == *id)
    }

    /// The document that callers see, without the id of the consent.
    #[must_use]
    pub fn show(&self) -> Object {
        let Controller { name, contact, address, email, phone } = &self.controller;
        let purposes = self.purposes.iter().map(|purpose| Json::Object(purpose.show()));
        let withdrawal = self.withdrawal.as_ref().map(|withdrawal| {
            Json::Object(object! {
                "how" => withdrawal.how.clone(), "consequence" => withdrawal.consequence.clone()
            })
        });
        object! {
            "kind" => self.kind.name(),
            "purposes" => purposes.collect::<Vec<_>>(),
            "controller" => object! {
                "name" => name, "contact" => contact, "address" => address, "email" => email,
                "phone" => phone
            },
            "jurisdiction" => &self.jurisdiction,
            "withdrawal" => withdrawal,
            "expires_after_days" => self.expires_after_days.map(u64::from),
            "minimum_age" => self.minimum_age.map(u64::from),
            "needs" => self.needs.name(),
            "keep_proof" => self.keep_proof,
        }
    }
}

/// Silence is no consent in the sense of GDPR art. 4 (11) and 9, and nobody asks who is silent for
/// the age.
fn refuse_silence(fields: &mut Fields<'_>, purposes: &[Purpose], minimum_age: Option<u32>) {
    let explicit = |p: &Purpose| p.sensitive || p.legal_basis == LegalBasis::Consent;
    if minimum_age.is_some() || purposes.iter().any(explicit) {
        let detail = "silence cannot agree to sensitive data, to the legal basis `consent` or to \
                      terms with a `minimum_age`; use `explicit`";
        fields.refuse("needs", Code::NotAllowed, detail);
    }
}

fn take_controller(fields: &mut Fields<'_>) -> Option<Controller> {
    const FIELD: &str = "controller";
    let at = fields.at(FIELD);
    let Some(value) = fields.value(FIELD) else {
        fields.refuse(FIELD, Code::Required, "`controller` is required");
        return None;
    };
    let mut inner = Fields::new(value, at, fields.violations());
    let name = inner.required_text("name", MAX_TEXT);
    let contact = inner.required_text("contact", MAX_TEXT);
    let address = inner.required_text("address", MAX_TEXT);
    let email = inner.required_text("email", MAX_TEXT);
    let phone = inner.required_text("phone", MAX_TEXT);
    inner.finish();
    Some(Controller {
        name: name?,
        contact: contact?,
        address: address?,
        email: email?,
        phone: phone?,
    })
}

fn take_withdrawal(fields: &mut Fields<'_>) -> Option<Withdrawal> {
    const FIELD: &str = "withdrawal";
    let at = fields.at(FIELD);
    let value = fields.value(FIELD)?;
    let mut inner = Fields::new(value, at, fields.violations());
    let how = inner.text("how", MAX_TEXT);
    let consequence = inner.text("consequence", MAX_TEXT);
    inner.finish();
    Some(Withdrawal { how, consequence })
}

/// Takes a whole number from 1 to `most`.
pub(super) fn take_number(fields: &mut Fields<'_>, name: &'static str, most: u32) -> Option<u32> {
    let number = match fields.value(name)? {
        Json::Number(text) => text.parse::<u32>().ok(),
        _ => None,
    };
    let number = number.filter(|number| (1..=most).contains(number));
    if number.is_none() {
        let detail = format!("expected a whole number from 1 to {most}");
        fields.refuse(name, Code::WrongType, detail);
    }
    number
}
