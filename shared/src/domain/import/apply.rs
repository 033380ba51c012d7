//! What a row makes of a user, or of nobody.

use super::discreet::discreet;
use super::task::secrets;
use crate::domain::definition::{AttributeDefinition, PersonaDefinition};
use crate::domain::error::{Code, Error, Result, Violation, Violations};
use crate::domain::field::pointer;
use crate::domain::id::UserId;
use crate::domain::json::{Json, Object};
use crate::domain::persona::Persona;
use crate::domain::schema::Schema;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::user::{MAX_PERSONAS, User};
use crate::domain::writing::Writing;

/// Refuses secrets of whoever may not import them.
pub fn refuse_secrets(document: &Object, scopes: &Scopes, schema: &Schema) -> Result<()> {
    let mut violations = Violations::default();
    if !scopes.allows(Scope::Administrator) {
        for at in secrets(document, schema) {
            violations.add(
                at,
                Code::NotAllowed,
                "values of hashed attributes are imported with the scope `administrator`",
            );
        }
    }
    violations.check(())
}

/// Refuses a change of attributes that need an approval: an import asks for none.
pub fn refuse_unapproved(unapproved: &[&AttributeDefinition]) -> Result<()> {
    let mut violations = Violations::default();
    for definition in unapproved {
        let at = match definition.predefined() {
            Some(field) => pointer("", field.name()),
            None => definition.pointer(),
        };
        let detail = format!("`{}` needs an approval: change it by PATCH, which asks for one", definition.name);
        violations.add(at, Code::NotAllowed, detail);
    }
    violations.check(())
}

/// The user that a row makes; `id` is its id if the row names none.
pub fn create(document: &Object, id: UserId, writing: &Writing<'_>) -> Result<User> {
    let mut document = document.clone();
    if document.get("id").is_none_or(|id| *id == Json::Null) {
        document.insert("id".to_owned(), Json::from(id));
    }
    if let Some(Json::Object(categories)) = document.get_mut("attributes") {
        for (category, members) in categories.iter_mut() {
            if let Json::Object(members) = members {
                // An empty cell clears what is not there.
                let defined = |name: &str| writing.schema.attribute_named(category, name).is_some();
                members.retain(|name, value| *value != Json::Null || !defined(name));
            }
        }
    }
    User::create(Json::Object(document), writing)
}

/// The user after a row: what the row names changes, and personas that the user does not have are added.
pub fn merge(user: &User, document: &Object, writing: &Writing<'_>) -> Result<User> {
    let mut patch = document.clone();
    let mut violations = Violations::default();
    let same = |id: &Json| id.as_str().is_some_and(|id| id.parse() == Ok(user.id));
    if patch.get("id").is_none_or(|id| *id == Json::Null || same(id)) {
        patch.shift_remove("id");
    }
    if patch.shift_remove("attribute_values").is_some() {
        violations.add("/attribute_values", Code::Unknown, "there is no field `attribute_values`");
    }
    let added = new_personas(user, patch.shift_remove("personas"), writing, &mut violations);
    let mut next = violations.and(user.patch(Json::Object(patch), writing))?;
    for (at, persona) in added {
        if next.personas.iter().any(|other| other.id == persona.id) {
            return Err(Error::Taken(vec![Violation::taken(format!("{at}/id"), "the id occurs twice")]));
        }
        next = next.with_persona(persona).map_err(|error| error.pointing(|within| Some(format!("{at}{within}"))))?;
    }
    Ok(next)
}

fn new_personas(
    user: &User,
    personas: Option<Json>,
    writing: &Writing<'_>,
    violations: &mut Violations,
) -> Vec<(String, Persona)> {
    const AT: &str = "/personas";
    let items = match personas {
        None | Some(Json::Null) => return Vec::new(),
        Some(Json::Array(items)) => items,
        Some(other) => {
            violations.add(AT, Code::WrongType, format!("an array of personas is due, not {}", other.kind()));
            return Vec::new();
        }
    };
    if items.len() > MAX_PERSONAS {
        let detail = format!("{} personas, at most {MAX_PERSONAS} are allowed", items.len());
        violations.add(AT, Code::TooMany, detail);
        return Vec::new();
    }
    let new = items.into_iter().enumerate().filter(|(_, item)| !has(user, item, writing.schema));
    new.filter_map(|(i, item)| {
        let at = format!("{AT}/{i}");
        let persona = Persona::create(item, &at, None, writing, violations)?;
        Some((at, persona))
    })
    .collect()
}

/// Whether the user has a persona of the definition and the scope that the item names.
fn has(user: &User, item: &Json, schema: &Schema) -> bool {
    let Some(item) = item.as_object() else { return false };
    let text = |name: &str| item.get(name).and_then(Json::as_str);
    let named = |definition: &&PersonaDefinition| {
        text("persona_definition_id").is_none_or(|id| id.parse() == Ok(definition.id))
            && text("name").is_none_or(|name| definition.name == name)
    };
    if text("persona_definition_id").or(text("name")).is_none() {
        return false;
    }
    let Some(definition) = schema.personas.values().find(named) else { return false };
    let mut scope: Vec<_> = match item.get("scope") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(parts)) => match parts.iter().map(Json::as_str).collect::<Option<Vec<_>>>() {
            Some(parts) => parts,
            None => return false,
        },
        Some(_) => return false,
    };
    scope.sort_unstable();
    scope.dedup();
    user.personas.iter().any(|persona| persona.definition == definition.id && persona.scope == scope)
}

/// What a report says of a row that a rule refuses; `None` when the error is not of the row.
pub fn at_fault(error: Error, schema: &Schema) -> Result<Vec<Violation>> {
    match error {
        Error::Invalid(violations) | Error::Taken(violations) => Ok(discreet(violations, schema)),
        other => Err(other),
    }
}
