//! The context in which a written profile is read: configuration, clock, hashes and the writer's
//! view.

use super::definition::AttributeDefinition;
use super::hashing::Hashes;
use super::schema::Schema;
use super::view::View;
use crate::env::Env;

/// The context in which the document of a profile is read.
#[derive(Clone, Copy)]
pub struct WriteContext<'w> {
    /// The tenant's configuration.
    pub schema: &'w Schema,
    /// Time and randomness.
    pub env: &'w Env,
    /// The salted hashes of this request.
    pub hashes: &'w Hashes,
    /// The fields that the writer may see and set.
    pub view: View,
}

impl WriteContext<'_> {
    /// The custom attributes that are there for the writer.
    pub fn shown_attributes(&self) -> impl Iterator<Item = &AttributeDefinition> {
        self.schema.custom_attributes().filter(|definition| self.view.shows(definition))
    }

    /// Where they stand in a profile.
    #[must_use]
    pub fn attribute_paths(&self) -> Vec<String> {
        let path = |AttributeDefinition { category, name, .. }: &_| {
            format!("attributes.{category}.{name}")
        };
        self.shown_attributes().map(path).collect()
    }
}
