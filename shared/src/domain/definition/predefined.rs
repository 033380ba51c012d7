//! The predefined attributes: fields of every profile that have definitions like the custom ones.
//!
//! Their definitions exist without being stored, under ids that are the same in every tenant. A
//! definition is stored when its display name, its approval policy or another of its properties is
//! changed; name, format, uniqueness and search stay.

use uuid::Uuid;

use super::attribute::AttributeDefinition;
use super::category::COMMON;
use super::properties::{DataFormat, Search};
use crate::domain::id::DefinitionId;
use crate::domain::string_enum::string_enum;

string_enum! {
    /// One predefined attribute that callers write.
    Predefined {
        /// The name by which the person signs in.
        Username = "username",
        /// The customer's own id of the person.
        IdAtCustomer = "id_at_customer",
        /// The family name.
        FamilyName = "family_name",
        /// The given name.
        GivenName = "given_name",
        /// Language tags.
        UiLocales = "ui_locales",
        /// The e-mail address.
        PreferredEmail = "preferred_email",
    }
}

impl Predefined {
    /// The id of the definition.
    #[must_use]
    pub const fn id(self) -> DefinitionId {
        let mut bytes = [0; 16];
        bytes[15] = self as u8 + 1;
        DefinitionId::new(Uuid::new_v8(bytes))
    }

    /// The definition, as long as it is unchanged.
    #[must_use]
    pub fn definition(self) -> AttributeDefinition {
        let unique = matches!(self, Self::Username | Self::IdAtCustomer);
        AttributeDefinition {
            id: self.id(),
            category: COMMON.to_owned(),
            name: self.name().to_owned(),
            display_name: None,
            description: None,
            data_format: if self == Self::PreferredEmail {
                DataFormat::Email
            } else {
                DataFormat::Text
            },
            enumeration_values: Vec::new(),
            deprecated_values: Vec::new(),
            json_schema: None,
            scopes: Vec::new(),
            search: match self {
                Self::Username | Self::IdAtCustomer | Self::PreferredEmail => Search::Exact,
                Self::FamilyName | Self::GivenName => Search::Prefix,
                Self::UiLocales => Search::None,
            },
            raise: None,
            single_value: true,
            required: self == Self::Username,
            read_only: false,
            hidden: false,
            overrides: false,
            system: true,
            unique,
            derived: None,
            approval_policy: None,
            consent: None,
            ungoverned: false,
            deprecated: false,
        }
    }
}
