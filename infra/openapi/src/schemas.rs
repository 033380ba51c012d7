//! The schemas that the route tables name, and the schemas that they refer to.
//!
//! Requests and answers have separate schemas. An answer always has every field. A request may omit
//! most fields and may hold no unknown one. Parts that several schemas share have a name of their
//! own, so that generated clients have one type for them.

mod audit;
mod changes;
mod clients;
mod consents;
mod definitions;
mod fields;
mod imports;
mod oauth;
mod personas;
mod principals;
mod problems;
mod queries;
mod sessions;
mod site;
mod subjects;
mod system_profiles;
mod systems;
mod users;
mod workflows;

use std::collections::BTreeMap;

use serde_json::Value;
use shared::domain::versioned::Tag;
use utoipa::openapi::{Array, Content, Schema};

use super::shapes::{Record, list, named};

/// A schema and its name.
type Described = (&'static str, Schema);

/// The resources that are items of lists, where they carry their tags.
const LISTED: [&str; 17] = [
    "Application",
    "ApplicationSubject",
    "AttributeCategory",
    "AttributeDefinition",
    "AuthenticationServer",
    "AuthenticationServerSubject",
    "ChangeRequest",
    "Consent",
    "ConsentRecord",
    "DeclaredSystem",
    "MachineClient",
    "Persona",
    "PersonaDefinition",
    "Principal",
    "SelectedSystemProfile",
    "User",
    "Workflow",
];

/// The bodies of PUT and PATCH, which take such an item.
const SENT_BACK: [&str; 20] = [
    "ApplicationPatch",
    "AttributeCategoryInput",
    "AttributeCategoryPatch",
    "AttributeDefinitionInput",
    "AttributeDefinitionPatch",
    "AuthenticationServerPatch",
    "ConsentPatch",
    "DeclaredSystemInput",
    "DeclaredSystemPatch",
    "MachineClientPatch",
    "PersonaDefinitionInput",
    "PersonaDefinitionPatch",
    "PersonaPatch",
    "SystemProfilePatch",
    "SystemProfileReplacement",
    "UserPatch",
    "UserReplacement",
    "UserUpsert",
    "WorkflowInput",
    "WorkflowPatch",
];

/// Schemas by their names.
pub(super) struct Schemas(BTreeMap<&'static str, Schema>);

impl Schemas {
    /// Every schema.
    pub(super) fn all() -> Self {
        let groups = [
            fields::schemas(),
            users::schemas(),
            queries::schemas(),
            system_profiles::schemas(),
            personas::schemas(),
            changes::schemas(),
            audit::schemas(),
            definitions::schemas(),
            imports::schemas(),
            workflows::schemas(),
            systems::schemas(),
            consents::schemas(),
            principals::schemas(),
            sessions::schemas(),
            subjects::schemas(),
            clients::schemas(),
            oauth::schemas(),
            problems::schemas(),
            site::schemas(),
        ];
        let mut all: BTreeMap<_, _> = groups.into_iter().flatten().collect();
        for name in LISTED.into_iter().chain(SENT_BACK) {
            if let Some(Schema::Object(object)) = all.get_mut(name) {
                object.properties.insert(Tag::FIELD.to_owned(), named("EntityTag"));
            }
        }
        Self(all)
    }

    /// Whether there is a schema of this name.
    pub(super) fn contain(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The example of a schema.
    pub(super) fn example(&self, name: &str) -> Option<&Value> {
        match self.0.get(name)? {
            Schema::Object(object) => object.examples.first(),
            _ => None,
        }
    }

    /// A body or an answer of this schema, with its example. Tools show the example of a media type
    /// and few show the one of a schema, so it stands there alone.
    pub(super) fn content(&self, name: &str) -> Content {
        let mut content = Content::new(Some(named(name)));
        content.example = self.example(name).cloned();
        content
    }

    /// The schemas without their examples.
    pub(super) fn without_examples(mut self) -> BTreeMap<&'static str, Schema> {
        for schema in self.0.values_mut() {
            if let Schema::Object(object) = schema {
                object.examples.clear();
            }
        }
        self.0
    }

    #[cfg(test)]
    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// A page of resources.
fn page(of: &str) -> Schema {
    let description = "One page of a list.";
    Record::new(description).must("items", items(of)).may("next_cursor", named("Cursor")).schema()
}

/// A list that comes as a whole.
fn whole(of: &str) -> Schema {
    Record::new("The whole list.").must("items", items(of)).schema()
}

fn items(of: &str) -> Array {
    list(named(of), None, "The resources.")
}
