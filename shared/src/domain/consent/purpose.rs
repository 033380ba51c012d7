//! Purposes: what personal data is used for, each decided on its own.

use serde::{Deserialize, Serialize};

use crate::domain::definition::take_all_attributes;
use crate::domain::error::Code;
use crate::domain::field::Fields;
use crate::domain::id::{DefinitionId, PartyId, PurposeId, SHAPE};
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::domain::string_enum::string_enum;
use crate::object;

/// The most purposes of one consent.
pub const MAX_PURPOSES: usize = 20;
const MAX_TEXT: usize = 1024;
const MAX_RECIPIENTS: usize = 50;

string_enum! {
    /// Why processing is lawful (GDPR art. 6).
    LegalBasis {
        /// The person agreed.
        Consent = "consent",
        /// A contract with the person needs it.
        Contract = "contract",
        /// A law demands it.
        LegalObligation = "legal_obligation",
        /// It protects somebody's life.
        VitalInterests = "vital_interests",
        /// It is in the public interest.
        PublicTask = "public_task",
        /// It is a legitimate interest of the controller.
        LegitimateInterests = "legitimate_interests",
    }
}

/// One purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// The id, unique in the consent.
    pub id: PurposeId,
    /// What people call it.
    pub name: String,
    /// What it means.
    pub description: Option<String>,
    /// Why the processing is lawful.
    pub legal_basis: LegalBasis,
    /// The attributes that are used.
    pub attributes: Vec<DefinitionId>,
    /// The systems that get them.
    pub recipients: Vec<PartyId>,
    /// How long data is kept, in words.
    pub retention: Option<String>,
    /// Whether sensitive data is among it (GDPR art. 9).
    pub sensitive: bool,
}

impl Purpose {
    /// Takes the field `purposes`: at least one, each with an id of its own.
    pub(super) fn take_all(fields: &mut Fields<'_>, schema: &Schema) -> Vec<Self> {
        const FIELD: &str = "purposes";
        let at = fields.at(FIELD);
        let items = match fields.value(FIELD) {
            None => {
                fields.refuse(FIELD, Code::Required, "`purposes` is required");
                return Vec::new();
            }
            Some(Json::Array(items)) => items,
            Some(other) => {
                fields.wrong_type(FIELD, "an array of purposes", &other);
                return Vec::new();
            }
        };
        if items.len() > MAX_PURPOSES {
            fields.too_many(FIELD, items.len(), MAX_PURPOSES);
            return Vec::new();
        }
        if items.is_empty() {
            fields.refuse(FIELD, Code::Required, "expected at least one purpose");
        }
        let mut purposes = Vec::<Self>::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            let mut inner = Fields::new(item, format!("{at}/{i}"), fields.violations());
            let purpose = Self::take(&mut inner, schema);
            if purpose.as_ref().is_some_and(|new| purposes.iter().any(|p| p.id == new.id)) {
                inner.refuse("id", Code::NotAllowed, "another purpose of the consent has this id");
            }
            inner.finish();
            purposes.extend(purpose);
        }
        purposes
    }

    fn take(fields: &mut Fields<'_>, schema: &Schema) -> Option<Self> {
        let text = fields.required_text("id", MAX_TEXT);
        let id = text.and_then(|text| {
            let id = text.parse::<PurposeId>().ok();
            if id.is_none() {
                fields.refuse("id", Code::WrongFormat, format!("expected {SHAPE}"));
            }
            id
        });
        let name = fields.required_text("name", MAX_TEXT);
        let description = fields.text("description", MAX_TEXT);
        let legal_basis = fields.required_string_enum("legal_basis");
        let attributes = take_all_attributes(fields, schema);
        let recipients = take_recipients(fields, schema);
        let retention = fields.text("retention", MAX_TEXT);
        let sensitive = fields.boolean("sensitive").unwrap_or_default();
        let (id, name, legal_basis) = (id?, name?, legal_basis?);
        Some(Self {
            id,
            name,
            description,
            legal_basis,
            attributes,
            recipients,
            retention,
            sensitive,
        })
    }

    /// The document that callers see.
    #[must_use]
    pub fn show(&self) -> Object {
        object! {
            "id" => &self.id,
            "name" => &self.name,
            "description" => self.description.clone(),
            "legal_basis" => self.legal_basis.name(),
            "attributes" => self.attributes.iter().map(Json::from).collect::<Vec<_>>(),
            "recipients" => self.recipients.iter().map(Json::from).collect::<Vec<_>>(),
            "retention" => self.retention.clone(),
            "sensitive" => self.sensitive,
        }
    }
}

fn take_recipients(fields: &mut Fields<'_>, schema: &Schema) -> Vec<PartyId> {
    const FIELD: &str = "recipients";
    let mut recipients = Vec::new();
    for (i, id) in fields.texts(FIELD, MAX_RECIPIENTS, 64).unwrap_or_default().iter().enumerate() {
        match id.parse::<PartyId>().ok().filter(|id| schema.systems.get(id.as_str()).is_some()) {
            Some(id) if recipients.contains(&id) => {
                fields.refuse_item(FIELD, i, Code::NotAllowed, "this system is listed twice");
            }
            Some(id) => recipients.push(id),
            None => {
                fields.refuse_item(FIELD, i, Code::NotFound, format!("there is no system `{id}`"));
            }
        }
    }
    recipients
}
