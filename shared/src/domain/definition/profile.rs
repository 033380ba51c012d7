//! The user profile definition: which custom attributes screens show, and in which order. Nothing
//! but display depends on it.

use serde::{Deserialize, Serialize};

use super::persona::take_attributes;
use super::{Definition, DefinitionKind, Noun};
use crate::domain::error::{Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::env::Env;
use crate::object;

/// The document that says which custom attributes of a user screens show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProfileDefinition {
    /// The attributes, first to last.
    pub attributes: Vec<DefinitionId>,
}

impl UserProfileDefinition {
    /// Its key among the definitions of its kind, of which it is the only one.
    pub const KEY: &'static str = "user";
}

impl Definition for UserProfileDefinition {
    const KIND: DefinitionKind = DefinitionKind::Profile;
    const PATH: &'static str = "/identity/config/user-profile-definition";
    const NOUN: Noun = Noun {
        one: "user_profile_definition",
        many: "user_profile_definitions",
        title: "the user profile definition",
    };
    const SCHEMA: &'static str = "UserProfileDefinition";
    const FILTERS: &'static [&'static str] = &[];
    const ONLY: Option<&'static str> = Some(Self::KEY);

    fn key(&self) -> String {
        Self::KEY.to_owned()
    }

    fn read(document: Json, _current: Option<&Self>, schema: &Schema, _env: &Env) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let attributes = take_attributes(&mut fields, schema);
        fields.finish();
        violations.check(Self { attributes })
    }

    fn show(&self) -> Object {
        object! { "attributes" => self.attributes.iter().map(Json::from).collect::<Vec<_>>() }
    }

    fn matches(&self, _filter: &str, _value: &str) -> bool {
        false
    }

    fn check_removable(&self, _schema: &Schema) -> Result<()> {
        let detail = "the user profile definition cannot be deleted";
        Err(Error::Conflict(detail.to_owned()))
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.profiles
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.profiles
    }
}
