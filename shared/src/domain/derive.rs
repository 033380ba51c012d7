//! Derived attributes: the input of a workflow's script, and the handling of its answer (rule A4).

use super::definition::{AttributeDefinition, COMMON, DataFormat, Predefined, Workflow};
use super::error::{Code, Violation, Violations};
use super::id::UserId;
use super::json::{Json, Object};
use super::schema::Schema;
use super::user::User;
use super::value;
use super::view::View;
use super::write_context::WriteContext;

/// The names by which scripts of the source system know predefined attributes, beside our own.
const ALIASES: [(&str, Predefined); 2] =
    [("first_name", Predefined::GivenName), ("last_name", Predefined::FamilyName)];

/// One workflow and the attributes that it derives.
#[derive(Clone, Debug)]
pub struct Derivation<'s> {
    /// The workflow.
    pub workflow: &'s Workflow,
    /// The attributes, at least one.
    pub attributes: Vec<&'s AttributeDefinition>,
    /// Deprecated attributes that are linked to it too: they keep what they have.
    kept: Vec<&'s AttributeDefinition>,
}

/// The workflows that derive attributes of a tenant's profiles, in the order of their ids.
/// Deprecated attributes keep what they have.
#[must_use]
pub fn derivations(schema: &Schema) -> Vec<Derivation<'_>> {
    let derived_by = |workflow: &Workflow| {
        let linked = schema.custom_attributes().filter(|a| a.is_derived_by(workflow.id));
        linked.partition::<Vec<_>, _>(|a| !a.deprecated)
    };
    let all = schema.workflows.values().map(|workflow| {
        let (attributes, kept) = derived_by(workflow);
        Derivation { workflow, attributes, kept }
    });
    all.filter(|derivation| !derivation.attributes.is_empty()).collect()
}

/// The attributes that the workflow with this id derives, if it derives any.
#[must_use]
pub fn derivation_of<'s>(schema: &'s Schema, id: &str) -> Option<Derivation<'s>> {
    derivations(schema).into_iter().find(|derivation| derivation.workflow.id.to_string() == id)
}

/// What scripts see of a user: the predefined attributes as scalars (`null` where there is none),
/// and the custom ones as arrays under `attributes.<category>.<name>`, where the predefined ones
/// that have a value stand too (rule A25). It has no derived and hashed values, no time and no
/// status. So a script's answer depends only on values that callers write, and no script can
/// prevent that a user is blocked.
#[must_use]
pub fn principal(user: &User, schema: &Schema) -> Json {
    let mut attributes = user.attributes.clone();
    attributes.retain(|id, _| schema.attribute(*id).is_some_and(is_seen));
    let mut shown = crate::object! {
        "id" => user.id,
        "email_verified" => user.email_verified,
        "attributes" => value::show(&attributes, schema, View::Administrative),
    };
    for field in Predefined::ALL {
        shown
            .insert(field.name().to_owned(), Json::from(user.predefined(field).map(str::to_owned)));
    }
    Json::Object(with_both_forms(shown))
}

fn is_seen(definition: &AttributeDefinition) -> bool {
    definition.derived.is_none() && !definition.data_format.is_hashed()
}

/// A principal in which each predefined attribute stands in both places, if it stands in one.
#[must_use]
pub fn with_both_forms(mut principal: Object) -> Object {
    let names = Predefined::ALL.map(|field| (field.name(), field)).into_iter().chain(ALIASES);
    let attributes = principal.entry("attributes".to_owned());
    let Json::Object(categories) = attributes.or_insert_with(|| Json::Object(Object::new())) else {
        return principal;
    };
    let common = categories.entry(COMMON.to_owned());
    let Json::Object(mut common) = common.or_insert_with(|| Json::Object(Object::new())).clone()
    else {
        return principal;
    };
    for (name, field) in names {
        let place = principal.get(field.name()).filter(|value| **value != Json::Null).cloned();
        match (place, common.get(name)) {
            (Some(value), None) => {
                common.insert(name.to_owned(), Json::Array(vec![value]));
            }
            (None, Some(Json::Array(values))) if !values.is_empty() => {
                principal
                    .insert(field.name().to_owned(), values.first().cloned().unwrap_or(Json::Null));
            }
            _ => {}
        }
    }
    if let Some(Json::Object(categories)) = principal.get_mut("attributes") {
        categories.insert(COMMON.to_owned(), Json::Object(common));
    }
    principal
}

/// A principal that has a value of each attribute: what a script is tried on when it is saved.
#[must_use]
pub fn sample(schema: &Schema) -> Json {
    let mut attributes = Object::new();
    for definition in schema.custom_attributes().filter(|definition| is_seen(definition)) {
        let first = definition.enumeration_values.first().cloned().unwrap_or_default();
        let value = match definition.data_format {
            DataFormat::Email => Json::from("sam@example.org"),
            DataFormat::Sms => Json::from("+3225550123"),
            DataFormat::Enumeration => Json::from(first),
            DataFormat::Json => Json::Object(Object::new()),
            _ => Json::from("1"),
        };
        let category = attributes
            .entry(definition.category.clone())
            .or_insert_with(|| Json::Object(Object::new()));
        if let Json::Object(members) = category {
            members.insert(definition.name.clone(), Json::Array(vec![value]));
        }
    }
    Json::Object(with_both_forms(crate::object! {
        "id" => UserId::new(uuid::Uuid::nil()),
        "email_verified" => true,
        "attributes" => attributes,
        "username" => "sam.sample",
        "id_at_customer" => "1",
        "family_name" => "Sample",
        "given_name" => "Sam",
        "ui_locales" => "en",
        "preferred_email" => "sam@example.org",
    }))
}

/// Whether a script calls the attribute so. Names of scripts have underscores where those of
/// attributes have hyphens, which are no part of names in the language.
fn is_called(definition: &AttributeDefinition, name: &str) -> bool {
    definition.name == name || definition.name == name.replace('_', "-")
}

/// The values that an output has for an attribute: under its name, or under those of its category
/// and itself (rule A27).
fn answered<'o>(output: &'o Object, definition: &AttributeDefinition) -> Option<&'o Json> {
    let named = |members: &'o Object, nested: bool| {
        members.iter().find(|(name, value)| {
            is_called(definition, name) && (nested || matches!(value, Json::Array(_)))
        })
    };
    let nested = match output.get(&definition.category) {
        Some(Json::Object(members)) => named(members, true),
        _ => None,
    };
    nested.or_else(|| named(output, false)).map(|(_, values)| values)
}

impl Derivation<'_> {
    /// The user with the values of a script's output, checked like any others, and the faults of
    /// the output. An attribute that the output does not name loses its value. An attribute whose
    /// values do not fit, or that may have been misspelled, keeps its value.
    #[must_use]
    pub fn apply(
        &self,
        mut user: User,
        output: &Object,
        context: &WriteContext<'_>,
    ) -> (User, Vec<Violation>) {
        let mut wrong = self.unknown_names(output);
        let misspelled = !wrong.is_empty();
        for attribute in &self.attributes {
            let Some(values) = answered(output, attribute) else {
                if !misspelled {
                    user.attributes.remove(&attribute.id);
                }
                continue;
            };
            let mut found = Violations::default();
            let (at, values) = (attribute.pointer(), values.clone());
            // Stored values that are deprecated may stay. A script cannot keep a secret by its mark
            // `{"set": true}`.
            let stored =
                user.attributes.get(&attribute.id).filter(|_| !attribute.data_format.is_hashed());
            let stored = stored.cloned().unwrap_or_default();
            match value::read_values(values, &at, attribute, &stored, context, &mut found) {
                Some(values) if values.is_empty() => drop(user.attributes.remove(&attribute.id)),
                Some(values) => drop(user.attributes.insert(attribute.id, values)),
                None => {}
            }
            wrong.extend(found.into_broken());
        }
        value::retain_verified(&mut user.verified, &user.attributes);
        (user, wrong)
    }

    /// The faults of an output that do not depend on the profile: names that the workflow does not
    /// derive, and values of a type that the data format never takes.
    #[must_use]
    pub fn always_wrong(&self, output: &Object, context: &WriteContext<'_>) -> Vec<Violation> {
        let mut wrong = self.all_wrong(output, context);
        wrong.retain(|found| matches!(found.code, Code::Unknown | Code::WrongType));
        wrong
    }

    /// All that is wrong with an output.
    #[must_use]
    pub fn all_wrong(&self, output: &Object, context: &WriteContext<'_>) -> Vec<Violation> {
        let env = context.env;
        let nobody = User::new(UserId::new(uuid::Uuid::nil()), String::new(), env.clock.now());
        self.apply(nobody, output, context).1
    }

    fn unknown_names(&self, output: &Object) -> Vec<Violation> {
        let linked = || self.attributes.iter().chain(&self.kept);
        let refuse = |name: &str| {
            let detail = format!("`{name}` is no attribute that the workflow derives");
            Violation::new("", Code::Unknown, detail)
        };
        let mut wrong = Vec::new();
        for (name, value) in output {
            let Json::Object(members) = value else {
                wrong.extend((!linked().any(|a| is_called(a, name))).then(|| refuse(name)));
                continue;
            };
            let known =
                |member: &str| linked().any(|a| a.category == *name && is_called(a, member));
            let unknown = members.keys().filter(|member| !known(member));
            wrong.extend(unknown.map(|member| refuse(&format!("{name}.{member}"))));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a25_predefined_attributes_stand_in_both_places() {
        let both = |text: &str| {
            let Json::Object(read) = Json::parse(text.as_bytes()).unwrap() else { unreachable!() };
            Json::Object(with_both_forms(read)).to_text()
        };
        assert_eq!(
            both(r#"{"given_name":"Jan","family_name":null,"attributes":{"crm":{"x":["1"]}}}"#),
            concat!(
                r#"{"given_name":"Jan","family_name":null,"attributes":{"crm":{"x":["1"]},"#,
                r#""common":{"given_name":["Jan"],"first_name":["Jan"]}}}"#
            )
        );
        assert_eq!(
            both(r#"{"attributes":{"common":{"last_name":["Janssen"]}}}"#),
            r#"{"attributes":{"common":{"last_name":["Janssen"]}},"family_name":"Janssen"}"#
        );
        assert_eq!(both(r#"{"attributes":1}"#), r#"{"attributes":1}"#);
    }
}
