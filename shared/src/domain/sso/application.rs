//! Applications.

use serde::{Deserialize, Serialize};

use super::{MAX_TEXT, SubjectType, take_id};
use crate::domain::definition::{Definition, DefinitionKind, Noun};
use crate::domain::error::{Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::PartyId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::env::Env;
use crate::object;

/// A service provider that knows users by subjects of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The id, chosen by the caller.
    pub id: PartyId,
    /// The name on screens.
    pub name: String,
    /// How its subjects are found.
    pub subject_type: SubjectType,
}

impl Definition for Application {
    const KIND: DefinitionKind = DefinitionKind::Application;
    const PATH: &'static str = "/api/v1/sso/applications";
    const NOUN: Noun = Noun { one: "application", many: "applications", title: "an application" };
    const SCHEMA: &'static str = "Application";
    const REPLACEABLE: bool = false;
    const CHOSEN_ID: bool = true;
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, _env: &Env) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let id = take_id(
            &mut fields,
            current.map(|c| &c.id),
            schema.applications.values().map(|a| &a.id),
        );
        let name = fields.required_text("name", MAX_TEXT);
        let subject_type = fields.required_string_enum("subject_type");
        fields.finish();
        violations.check(())?;
        match (id, name, subject_type) {
            (Some(id), Some(name), Some(subject_type)) => Ok(Self { id, name, subject_type }),
            _ => Err(Error::unexpected("an application without violations has an id and a name")),
        }
    }

    fn show(&self) -> Object {
        object! {
            "id" => &self.id, "name" => &self.name, "subject_type" => self.subject_type.name()
        }
    }

    fn matches(&self, _filter: &str, value: &str) -> bool {
        self.name == value
    }

    fn check_removable(&self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.applications
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.applications
    }
}
