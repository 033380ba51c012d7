//! How documents of personas are read: new ones, merge patches, and single attributes.

use super::Persona;
use crate::domain::definition::AttributeDefinition;
use crate::domain::error::{Code, MAX_NAME, Result, Violations};
use crate::domain::field::{Fields, pointer};
use crate::domain::id::{DefinitionId, PersonaId};
use crate::domain::json::{Json, Object};
use crate::domain::patch::{merged, refuse_attribute_nulls, refuse_non_object};
use crate::domain::schema::Schema;
use crate::domain::suggest::unknown;
use crate::domain::value::{self, AttributeReader, Omitted, Values, VerifiedAddresses};
use crate::domain::versioned::Tag;
use crate::domain::write_context::WriteContext;

/// Fields that callers see and cannot write by PATCH, with what to use instead.
const NOT_EDITABLE: [(&str, &str); 5] = [
    ("id", "ids never change"),
    ("persona_definition_id", "add a persona of the other definition"),
    ("name", "add a persona of the other definition"),
    ("status", "use POST …/activate or …/suspend"),
    ("attribute_states", "use POST …/verify of the user"),
];

/// The most elements of a persona's scope.
/// The most members of a persona's scope.
pub const MAX_SCOPE: usize = 20;
/// The longest name or member of a scope, in bytes.
pub const MAX_TEXT: usize = 256;

/// The field that shows the states of e-mail addresses.
const STATES: &str = "attribute_states";

impl Persona {
    /// Reads a new persona; `at` is where it stands in the body.
    ///
    /// The definition is named by `persona_definition_id` or by `name`. Without `id` the document
    /// may carry one, as personas do that are imported with their user.
    pub fn create(
        document: Json,
        at: &str,
        id: Option<PersonaId>,
        context: &WriteContext<'_>,
        violations: &mut Violations,
    ) -> Option<Self> {
        let before = violations.len();
        let mut fields = Fields::new(document, at, violations);
        let id = id.unwrap_or_else(|| {
            fields.parsed("id", "a UUID").unwrap_or_else(|| PersonaId::new(context.env.new_uuid()))
        });
        let definition = take_definition(&mut fields, context.schema);
        let status = fields.string_enum("status").unwrap_or_default();
        let mut persona = Self {
            id,
            definition: definition.unwrap_or_else(|| DefinitionId::new(uuid::Uuid::nil())),
            status,
            scope: Vec::new(),
            preferred: false,
            valid_from: None,
            valid_until: None,
            attributes: Values::new(),
            verified: VerifiedAddresses::new(),
            rev: 1,
            tag: Tag::default(),
        };
        persona.read_editable(&mut fields, context, true);
        fields.finish();
        persona.update_tag();
        (violations.len() == before).then_some(persona)
    }

    /// The definition and the scope that a document of a persona names, if it names a definition;
    /// its other members are ignored.
    #[must_use]
    pub fn named(document: &Json, schema: &Schema) -> Option<(DefinitionId, Vec<String>)> {
        let members = document.as_object()?;
        let text = |name: &str| members.get(name).and_then(Json::as_str);
        let by_id = text("persona_definition_id")
            .map(|id| id.parse().ok().and_then(|id| schema.persona(id)));
        let by_name = text("name").map(|name| schema.personas.values().find(|p| p.name == name));
        let definition = match (by_id, by_name) {
            (Some(Some(a)), Some(Some(b))) => Some(a.id).filter(|id| *id == b.id)?,
            (Some(Some(found)), None) | (None, Some(Some(found))) => found.id,
            _ => return None,
        };
        let mut scope = match members.get("scope") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?
            }
            Some(_) => return None,
        };
        scope.sort_unstable();
        scope.dedup();
        Some((definition, scope))
    }

    /// The persona after a merge patch of its editable fields.
    pub fn patch(&self, patch: &Json, context: &WriteContext<'_>) -> Result<Self> {
        let schema = context.schema;
        refuse_non_object(patch)?;
        let mut violations = Violations::default();
        let shown = self.show_to(schema, context.view);
        refuse_attribute_nulls(patch, context, &mut violations);
        let mut fields = Fields::new(merged(shown.clone(), patch.clone()), "", &mut violations);
        for (name, instead) in NOT_EDITABLE {
            let stored = shown.get(name).cloned().unwrap_or(Json::Null);
            let nulled = patch.as_object().and_then(|p| p.get(name)) == Some(&Json::Null);
            let why = format!("{name} cannot be changed by PATCH; {instead}");
            if name == STATES {
                // They follow the addresses: see below.
                fields.take(name);
            } else {
                fields.unchanged(name, &stored, Code::NotEditable, &why);
            }
            if nulled {
                fields.refuse(name, Code::NotEditable, why);
            }
        }
        let mut persona = self.clone();
        persona.read_editable(&mut fields, context, false);
        let sent = patch.as_object().and_then(|patch| patch.get(STATES));
        let now = persona.show_to(schema, context.view);
        let agrees =
            |sent: &Json| value::states_agree(sent, now.get(STATES).unwrap_or(&Json::Null));
        if sent.is_some_and(|sent| *sent != Json::Null && !agrees(sent)) {
            let why = format!("{STATES} cannot be changed by PATCH; use POST …/verify");
            fields.refuse(STATES, Code::NotEditable, why);
        }
        fields.finish();
        violations.check(())?;
        Ok(persona)
    }

    /// The persona with other values of one attribute; an empty array removes it.
    pub fn set_attribute(&self, document: Json, context: &WriteContext<'_>) -> Result<Self> {
        let schema = context.schema;
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let allowed =
            schema.persona(self.definition).map(|p| p.attributes.as_slice()).unwrap_or_default();
        let definition = take_attribute(&mut fields, context, allowed);
        let mut persona = self.clone();
        let value = fields.take("value");
        if value.is_none() {
            fields.refuse("value", Code::Required, "`value` is required");
        }
        if let (Some(definition), Some(value)) = (definition, value) {
            let at = fields.at("value");
            let stored = self.attributes.get(&definition.id).map(Vec::as_slice);
            match value::read_one(value, &at, definition, stored, context, fields.violations()) {
                Some(values) if values.is_empty() => {
                    persona.attributes.remove(&definition.id);
                    if definition.is_required() && stored.is_some() {
                        fields.refuse(
                            "value",
                            Code::Required,
                            format!("`{}` is required", definition.name),
                        );
                    }
                }
                Some(values) => {
                    persona.attributes.insert(definition.id, values);
                }
                None => {}
            }
        }
        value::retain_verified(&mut persona.verified, &persona.attributes);
        fields.finish();
        violations.check(persona)
    }

    fn read_editable(&mut self, fields: &mut Fields<'_>, context: &WriteContext<'_>, new: bool) {
        let schema = context.schema;
        let definition = schema.persona(self.definition);
        let before = self.attributes.clone();
        let scope_before = std::mem::take(&mut self.scope);
        self.scope = fields.texts("scope", MAX_SCOPE, MAX_TEXT).unwrap_or_default();
        self.scope.sort_unstable();
        self.scope.dedup();
        self.preferred = fields.boolean("preferred").unwrap_or_default();
        self.valid_from = fields.time("valid_from");
        self.valid_until = fields.time("valid_until");
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until)
            && until <= from
        {
            fields.refuse("valid_until", Code::WrongFormat, "expected a time after `valid_from`");
        }
        let attributes = fields.value("attributes");
        let Some(definition) = definition else { return };
        let new_scope = new || self.scope != scope_before;
        match (definition.scoped, self.scope.is_empty()) {
            _ if !new_scope => {}
            (true, true) => {
                fields.refuse(
                    "scope",
                    Code::Required,
                    "personas of this definition need a scope; send at least one",
                );
            }
            (false, false) => {
                fields.refuse(
                    "scope",
                    Code::NotAllowed,
                    "personas of this definition have no scope; omit the field",
                );
            }
            _ => {}
        }
        let at = fields.at("attributes");
        let allowed = Some(definition.attributes.as_slice());
        let reading =
            AttributeReader { context, stored: &before, allowed, omitted: Omitted::Removed };
        self.attributes = reading.read(attributes, &at, fields.violations());
        value::retain_verified(&mut self.verified, &self.attributes);
        self.check_required(&before, new, &at, schema, fields.violations());
    }
}

/// Refuses by name what no persona has, in a document whose values are not read.
pub fn refuse_unknown(document: &Json, at: &str, violations: &mut Violations) {
    const NAMES: [&str; 10] = [
        "id",
        "persona_definition_id",
        "name",
        "status",
        "scope",
        "preferred",
        "valid_from",
        "valid_until",
        "attributes",
        "attribute_states",
    ];
    let names = document.as_object().into_iter().flat_map(Object::keys);
    for name in names.filter(|name| !NAMES.contains(&name.as_str())) {
        if name.len() > MAX_NAME {
            violations.long_name(at, "field", name);
            continue;
        }
        violations.add_with(pointer(at, name), Code::Unknown, || unknown("field", name, NAMES));
    }
}

fn take_definition(fields: &mut Fields<'_>, schema: &Schema) -> Option<DefinitionId> {
    let id = fields.text("persona_definition_id", MAX_TEXT);
    let name = fields.text("name", MAX_TEXT);
    let by_id = id.as_deref().map(|id| id.parse().ok().and_then(|id| schema.persona(id)));
    let by_name = name.as_deref().map(|name| schema.personas.values().find(|p| p.name == name));
    let (field, found) = match (by_id, by_name) {
        (None, None) => {
            fields.refuse(
                "persona_definition_id",
                Code::Required,
                "`persona_definition_id` or `name` is required",
            );
            return None;
        }
        (Some(Some(a)), Some(Some(b))) if a.id != b.id => {
            fields.refuse(
                "name",
                Code::NotAllowed,
                "`name` and `persona_definition_id` name different persona definitions; send one",
            );
            return None;
        }
        (Some(Some(_)), Some(None)) => ("name", None),
        (Some(found), _) => ("persona_definition_id", found),
        (None, Some(found)) => ("name", found),
    };
    match found {
        None => {
            let detail = match name {
                Some(name) if field == "name" => {
                    unknown("persona definition", &name, schema.persona_names())
                }
                _ => format!("there is no persona definition `{}`", id.unwrap_or_default()),
            };
            fields.refuse(field, Code::NotFound, detail);
        }
        Some(definition) if definition.deprecated => {
            fields.refuse(
                field,
                Code::NotAllowed,
                "the persona definition is deprecated; it takes no new personas",
            );
        }
        Some(definition) => return Some(definition.id),
    }
    None
}

fn take_attribute<'s>(
    fields: &mut Fields<'_>,
    context: &WriteContext<'s>,
    allowed: &[DefinitionId],
) -> Option<&'s AttributeDefinition> {
    let id = fields.text("attribute_definition_id", MAX_TEXT);
    let category = fields.text("category", MAX_TEXT);
    let name = fields.text("name", MAX_TEXT);
    let (field, found) = match (&id, &category, &name) {
        (Some(id), None, None) => {
            ("attribute_definition_id", id.parse().ok().and_then(|id| context.schema.attribute(id)))
        }
        (None, Some(category), Some(name)) => {
            ("name", context.schema.attribute_named(category, name))
        }
        _ => {
            let detail = "expected `attribute_definition_id`, or `category` and `name`";
            fields.refuse("attribute_definition_id", Code::Required, detail);
            return None;
        }
    };
    match found.filter(|definition| context.view.shows(definition)) {
        None => {
            let detail = match (category, name) {
                (Some(category), Some(name)) => value::unknown(&category, &name, context),
                _ => format!("there is no attribute definition `{}`", id.unwrap_or_default()),
            };
            fields.refuse(field, Code::Unknown, detail);
        }
        Some(definition) if !allowed.contains(&definition.id) => {
            fields.refuse(
                field,
                Code::NotAllowed,
                "the persona definition does not list this attribute",
            );
        }
        Some(definition) => return Some(definition),
    }
    None
}
