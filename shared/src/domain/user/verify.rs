//! How e-mail addresses are marked as verified.

use super::{MAX_TEXT, User};
use crate::domain::definition::{DataFormat, Predefined};
use crate::domain::error::{Code, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::DefinitionId;
use crate::domain::json::Json;
use crate::domain::schema::Schema;
use crate::domain::{text, value};

impl User {
    /// The user with an e-mail address marked as verified: `{"attribute", "value"}`, where the
    /// attribute is `preferred_email` or `<category>.<name>`. A custom attribute's address is
    /// verified wherever the user has it, personas included.
    pub fn verify(&self, document: Json, schema: &Schema) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let attribute = fields.required_text("attribute", MAX_TEXT);
        let value = fields.required_text("value", text::MAX_EMAIL).and_then(|value| {
            let address = text::stored_email(&value);
            if address.is_none() {
                fields.refuse("value", Code::WrongFormat, text::EXPECTED_EMAIL);
            }
            address
        });
        let mut user = self.clone();
        if let (Some(attribute), Some(address)) = (attribute, value) {
            let found = if attribute == Predefined::PreferredEmail.name() {
                user.email_verified =
                    self.preferred_email.as_deref().and_then(text::stored_email) == Some(address);
                user.email_verified
            } else {
                let named = attribute
                    .split_once('.')
                    .and_then(|(category, name)| schema.attribute_named(category, name));
                let Some(definition) =
                    named.filter(|definition| definition.data_format == DataFormat::Email)
                else {
                    let detail = "expected `preferred_email` or the `<category>.<name>` of an \
                                  EMAIL attribute";
                    fields.refuse("attribute", Code::NotFound, detail);
                    fields.finish();
                    return violations.check(user);
                };
                user.verify_attribute(definition.id, &address)
            };
            if !found {
                fields.refuse(
                    "value",
                    Code::NotFound,
                    "the user does not have this address in that attribute",
                );
            }
        }
        fields.finish();
        violations.check(user)
    }

    fn verify_attribute(&mut self, id: DefinitionId, address: &str) -> bool {
        let mut found = value::verify(&mut self.verified, &self.attributes, id, address);
        for persona in &mut self.personas {
            let before = persona.verified.clone();
            found |= value::verify(&mut persona.verified, &persona.attributes, id, address);
            if persona.verified != before {
                persona.rev += 1;
                persona.update_tag();
            }
        }
        found
    }
}
