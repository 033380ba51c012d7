//! Workflows: scripts that derive attributes from the rest of a profile.

use serde::{Deserialize, Serialize};

use super::{Definition, DefinitionKind, Noun, open, take_name};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::env::Env;
use crate::object;

/// The longest script, in bytes.
pub const MAX_SCRIPT: usize = 64 * 1024;

/// A script with a name. It defines `function main(workItem)`, or one function of another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// The id.
    pub id: DefinitionId,
    /// The name, unique in the tenant.
    pub name: String,
    /// The script.
    pub script: String,
}

impl Workflow {
    /// The script in a document, which is loaded once before it is stored, and the field that holds
    /// it.
    #[must_use]
    pub fn script(document: &Json) -> Option<(&'static str, &str)> {
        const FIELD: &str = "script";
        let script = document.as_object()?.get(FIELD)?.as_str()?;
        (script.len() <= MAX_SCRIPT).then_some((FIELD, script))
    }
}

impl Definition for Workflow {
    const KIND: DefinitionKind = DefinitionKind::Workflow;
    const PATH: &'static str = "/identity/config/workflows";
    const NOUN: Noun = Noun { one: "workflow", many: "workflows", title: "a workflow" };
    const SCHEMA: &'static str = "Workflow";
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, env: &Env) -> Result<Self> {
        let mut violations = Violations::default();
        let (mut fields, id) = open(document, current.map(|c| c.id), env, &mut violations);
        let others = schema.workflows.values().filter(|w| w.id != id).map(|w| w.name.as_str());
        let name = take_name(&mut fields, true, others);
        let script = take_script(&mut fields);
        fields.finish();
        violations.check(Self {
            id,
            name: name.unwrap_or_default(),
            script: script.unwrap_or_default(),
        })
    }

    fn show(&self) -> Object {
        object! { "id" => self.id, "name" => &self.name, "script" => &self.script }
    }

    fn matches(&self, _filter: &str, value: &str) -> bool {
        self.name == value
    }

    fn check_removable(&self, schema: &Schema) -> Result<()> {
        match schema.attributes.values().find(|a| a.is_derived_by(self.id)) {
            Some(derived) => Err(Error::InUse(format!(
                "this workflow derives the attribute `{}.{}`; delete that first",
                derived.category, derived.name
            ))),
            None => Ok(()),
        }
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.workflows
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.workflows
    }
}

/// Takes the field `script`: text with line ends, so not one of those that [`Fields::text`] takes.
fn take_script(fields: &mut Fields<'_>) -> Option<String> {
    match fields.value("script") {
        None => fields.refuse("script", Code::Required, "`script` is required"),
        Some(Json::String(script)) if script.chars().count() > MAX_SCRIPT => {
            let at = fields.at("script");
            fields.violations().too_long(at, script.chars().count(), MAX_SCRIPT);
        }
        Some(Json::String(script)) => return Some(script),
        Some(other) => fields.wrong_type("script", "a string", &other),
    }
    None
}
