//! Personas: the roles that a person plays, each with its own scope, status, validity and
//! attributes.

use serde::{Deserialize, Serialize};

use super::error::{Code, Result, Violations};
use super::field::{Fields, pointer};
use super::id::{DefinitionId, PersonaId};
use super::json::{Json, Object};
use super::patch::{refuse_attribute_nulls, refuse_non_object, refuse_unknown_nulls};
use super::schema::Schema;
use super::value::{self, Omitted, Reading, Values, Verified};
use super::versioned::{Tag, content};
use super::word::words;
use super::writing::{View, Writing};
use crate::object;
use crate::world::Timestamp;

words! {
    /// Whether a persona is in force.
    #[derive(Default)]
    PersonaStatus {
        /// In force between its validity dates.
        #[default]
        Active = "ACTIVE",
        /// Not yet in force.
        Pending = "PENDING",
        /// No longer in force until activated again.
        Suspended = "SUSPENDED",
    }
}

/// One role of one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// The id.
    pub id: PersonaId,
    /// What it is a persona of.
    pub definition: DefinitionId,
    /// Whether it is in force.
    pub status: PersonaStatus,
    /// What it is valid for; a set.
    pub scope: Vec<String>,
    /// Whether it is the user's preferred persona; at most one is.
    pub preferred: bool,
    /// In force from this time on.
    pub valid_from: Option<Timestamp>,
    /// In force until this time.
    pub valid_until: Option<Timestamp>,
    /// Its own attributes.
    pub attributes: Values,
    /// The e-mail addresses among its attributes that are known to be the person's.
    #[serde(default, skip_serializing_if = "Verified::is_empty")]
    pub verified: Verified,
    /// The number of visible changes of this persona.
    pub rev: u64,
    /// The persona's own tag.
    #[serde(skip_serializing_if = "is_default", default)]
    pub tag: Tag,
}

fn is_default(tag: &Tag) -> bool {
    *tag == Tag::default()
}

/// The most elements of a persona's scope.
const MAX_SCOPE: usize = 20;
const MAX_TEXT: usize = 256;

impl Persona {
    /// Reads a new persona; `at` is where it stands in the body.
    ///
    /// The definition is named by `persona_definition_id` or by `name`. Without `id` the document
    /// may carry one, as personas do that are imported with their user.
    pub fn create(
        document: Json,
        at: &str,
        id: Option<PersonaId>,
        writing: &Writing<'_>,
        violations: &mut Violations,
    ) -> Option<Self> {
        let before = violations.len();
        let mut fields = Fields::new(document, at, violations);
        let id = id.unwrap_or_else(|| {
            fields
                .parsed("id", "a UUID")
                .unwrap_or_else(|| PersonaId::new(writing.world.new_uuid()))
        });
        let definition = take_definition(&mut fields, writing.schema);
        let status = fields.word("status").unwrap_or_default();
        let mut persona = Self {
            id,
            definition: definition.unwrap_or_else(|| DefinitionId::new(uuid::Uuid::nil())),
            status,
            scope: Vec::new(),
            preferred: false,
            valid_from: None,
            valid_until: None,
            attributes: Values::new(),
            verified: Verified::new(),
            rev: 1,
            tag: Tag::default(),
        };
        persona.read_editable(&mut fields, writing, true);
        fields.finish();
        persona.seal();
        (violations.len() == before).then_some(persona)
    }

    /// The definition and the scope that a document of a persona names, if it names a definition;
    /// whatever else is in it is not looked at.
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
    pub fn patch(&self, patch: &Json, writing: &Writing<'_>) -> Result<Self> {
        let schema = writing.schema;
        refuse_non_object(patch)?;
        let mut violations = Violations::default();
        let shown = self.show_to(schema, writing.view);
        refuse_unknown_nulls(patch, &shown, &mut violations);
        refuse_attribute_nulls(patch, writing, &mut violations);
        let mut fields = Fields::new(Json::Object(shown.clone()).merge(patch), "", &mut violations);
        for name in ["id", "persona_definition_id", "name", "status", "attribute_states"] {
            let stored = shown.get(name).cloned().unwrap_or(Json::Null);
            let nulled = patch.as_object().and_then(|p| p.get(name)) == Some(&Json::Null);
            fields.unchanged(name, &stored, Code::NotEditable, "this field is not edited by PATCH");
            if nulled {
                fields.refuse(name, Code::NotEditable, "this field is not edited by PATCH");
            }
        }
        let mut persona = self.clone();
        persona.read_editable(&mut fields, writing, false);
        fields.finish();
        violations.check(())?;
        Ok(persona)
    }

    /// The persona with other values of one attribute; an empty array removes it.
    pub fn set_attribute(&self, document: Json, writing: &Writing<'_>) -> Result<Self> {
        let schema = writing.schema;
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let allowed =
            schema.persona(self.definition).map(|p| p.attributes.as_slice()).unwrap_or_default();
        let definition = take_attribute(&mut fields, writing, allowed);
        let mut persona = self.clone();
        let value = fields.take("value");
        if value.is_none() {
            fields.refuse("value", Code::Required, "`value` is required");
        }
        if let (Some(definition), Some(value)) = (definition, value) {
            let at = fields.at("value");
            let stored = self.attributes.get(&definition.id).map(Vec::as_slice);
            match value::read_one(value, &at, definition, stored, writing, fields.violations()) {
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

    fn read_editable(&mut self, fields: &mut Fields<'_>, writing: &Writing<'_>, new: bool) {
        let schema = writing.schema;
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
            fields.refuse("valid_until", Code::WrongFormat, "a time after `valid_from` is due");
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
                    "the persona definition is scoped: at least one scope is due",
                );
            }
            (false, false) => {
                fields.refuse("scope", Code::NotAllowed, "the persona definition is not scoped");
            }
            _ => {}
        }
        let at = fields.at("attributes");
        let allowed = Some(definition.attributes.as_slice());
        let reading = Reading { writing, stored: &before, allowed, omitted: Omitted::Removed };
        self.attributes = reading.read(attributes, &at, fields.violations());
        value::retain_verified(&mut self.verified, &self.attributes);
        self.check_required(&before, new, &at, schema, fields.violations());
    }

    /// Checks that what its definition requires is there: all of it for a new persona, else what
    /// was there `before`.
    fn check_required(
        &self,
        before: &Values,
        new: bool,
        at: &str,
        schema: &Schema,
        violations: &mut Violations,
    ) {
        let listed =
            schema.persona(self.definition).map(|p| p.attributes.as_slice()).unwrap_or_default();
        for attribute in
            listed.iter().filter_map(|id| schema.attribute(*id)).filter(|a| a.is_required())
        {
            let due = new || before.contains_key(&attribute.id);
            if due && !self.attributes.contains_key(&attribute.id) {
                violations.missing(&attribute.pointer_below(at), &attribute.name);
            }
        }
    }

    /// Checks a change that was made some time ago by the persona's definition as it is now.
    pub(super) fn recheck(&self, before: &Self, schema: &Schema, violations: &mut Violations) {
        const AT: &str = "/attributes";
        self.check_required(&before.attributes, false, AT, schema, violations);
        let listed =
            schema.persona(self.definition).map(|p| p.attributes.as_slice()).unwrap_or_default();
        let changed =
            self.attributes.iter().filter(|(id, values)| before.attributes.get(id) != Some(values));
        for attribute in
            changed.filter_map(|(id, _)| schema.attribute(*id)).filter(|a| !listed.contains(&a.id))
        {
            let detail = format!(
                "the persona definition has no attribute `{}.{}`",
                attribute.category, attribute.name
            );
            violations.add(attribute.pointer_below(AT), Code::NotAllowed, detail);
        }
    }

    /// Gives the persona the tag of its content.
    pub fn seal(&mut self) {
        self.tag = Tag::default();
        self.tag = Tag::of(&content(self), self.rev);
    }

    /// Whether two personas differ in anything that a reader can see.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        let visible = |p: &Self| Self { rev: 0, tag: Tag::default(), ..p.clone() };
        visible(self) != visible(other)
    }

    /// The document that machine clients see.
    #[must_use]
    pub fn show(&self, schema: &Schema) -> Object {
        self.show_to(schema, View::Administrative)
    }

    /// The document that a caller with this view sees.
    #[must_use]
    pub fn show_to(&self, schema: &Schema, view: View) -> Object {
        object! {
            "id" => self.id,
            "persona_definition_id" => self.definition,
            "name" => schema.persona(self.definition).map(|p| p.name.clone()),
            "status" => self.status.name(),
            "scope" => self.scope.clone(),
            "preferred" => self.preferred,
            "valid_from" => self.valid_from,
            "valid_until" => self.valid_until,
            "attributes" => value::show(&self.attributes, schema, view),
            "attribute_states" => value::show_states(&self.attributes, &self.verified, schema, view),
        }
    }
}

/// Refuses by name what no persona has, in a document whose values are not read.
pub fn refuse_unknown(document: &Json, at: &str, violations: &mut Violations) {
    const FIELDS: [&str; 10] = [
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
    for name in names.filter(|name| !FIELDS.contains(&name.as_str())) {
        violations.add(pointer(at, name), Code::Unknown, format!("there is no field `{name}`"));
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
                "`name` and `persona_definition_id` name two persona definitions",
            );
            return None;
        }
        (Some(Some(_)), Some(None)) => ("name", None),
        (Some(found), _) => ("persona_definition_id", found),
        (None, Some(found)) => ("name", found),
    };
    match found {
        None => fields.refuse(field, Code::NotFound, "there is no such persona definition"),
        Some(definition) if definition.deprecated => {
            fields.refuse(
                field,
                Code::NotAllowed,
                "the persona definition is deprecated and takes no new personas",
            );
        }
        Some(definition) => return Some(definition.id),
    }
    None
}

fn take_attribute<'s>(
    fields: &mut Fields<'_>,
    writing: &Writing<'s>,
    allowed: &[DefinitionId],
) -> Option<&'s super::definition::AttributeDefinition> {
    let id = fields.text("attribute_definition_id", MAX_TEXT);
    let category = fields.text("category", MAX_TEXT);
    let name = fields.text("name", MAX_TEXT);
    let (field, found) = match (id, category, name) {
        (Some(id), None, None) => {
            ("attribute_definition_id", id.parse().ok().and_then(|id| writing.schema.attribute(id)))
        }
        (None, Some(category), Some(name)) => {
            ("name", writing.schema.attribute_named(&category, &name))
        }
        _ => {
            let detail = "either `attribute_definition_id`, or `category` and `name` are required";
            fields.refuse("attribute_definition_id", Code::Required, detail);
            return None;
        }
    };
    match found {
        Some(definition) if !writing.view.shows(definition) => {
            fields.refuse(field, Code::Unknown, "there is no such attribute definition");
        }
        None => fields.refuse(field, Code::Unknown, "there is no such attribute definition"),
        Some(definition) if !allowed.contains(&definition.id) => {
            fields.refuse(field, Code::NotAllowed, "the persona definition has no such attribute");
        }
        Some(definition) => return Some(definition),
    }
    None
}

/// What is said of a persona whose definition and scope another one has.
pub const TWIN: &str = "the user has a persona of the same definition with the same scope";

/// Checks the personas of one user against each other: ids and (definition, scope) occur once, at
/// most one is preferred.
pub fn check_together(personas: &[Persona], at: &str, violations: &mut Violations) {
    if personas.len() > super::user::MAX_PERSONAS {
        let detail = format!(
            "{} personas, at most {} are allowed",
            personas.len(),
            super::user::MAX_PERSONAS
        );
        violations.add(at, Code::TooMany, detail);
    }
    for (i, persona) in personas.iter().enumerate() {
        let earlier = personas.get(..i).unwrap_or_default();
        if earlier.iter().any(|other| other.id == persona.id) {
            violations.add(format!("{at}/{i}/id"), Code::NotUnique, "the id occurs twice");
        }
        if earlier
            .iter()
            .any(|other| other.definition == persona.definition && other.scope == persona.scope)
        {
            violations.taken(format!("{at}/{i}"), TWIN);
        }
    }
    if personas.iter().filter(|p| p.preferred).count() > 1 {
        violations.add(at, Code::NotAllowed, "at most one persona is preferred");
    }
}
