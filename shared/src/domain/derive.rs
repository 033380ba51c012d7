//! Derived attributes: what a workflow's script is given, and what becomes of its answer (rule A4).

use super::definition::{AttributeDefinition, Predefined, Workflow};
use super::error::{Code, Result, Violations};
use super::json::{Json, Object};
use super::schema::Schema;
use super::user::User;
use super::value;
use super::view::View;
use super::write_context::WriteContext;

/// One workflow and the attributes that it derives.
#[derive(Clone, Debug)]
pub struct Derivation<'s> {
    /// The workflow.
    pub workflow: &'s Workflow,
    /// The attributes, at least one.
    pub attributes: Vec<&'s AttributeDefinition>,
    /// The names of deprecated attributes that are linked to it too: they keep what they have.
    kept: Vec<&'s str>,
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
        let (attributes, deprecated) = derived_by(workflow);
        Derivation {
            workflow,
            attributes,
            kept: deprecated.into_iter().map(|a| a.name.as_str()).collect(),
        }
    });
    all.filter(|derivation| !derivation.attributes.is_empty()).collect()
}

/// What scripts see of a user: the predefined attributes as scalars (`null` where there is none),
/// and the custom ones as arrays under `attributes.<category>.<name>`. Derived and hashed values
/// are not in it, no time and no status: a script's answer depends on what callers write and on
/// nothing else, and no script stands in the way of blocking a user.
#[must_use]
pub fn principal(user: &User, schema: &Schema) -> Json {
    let mut attributes = user.attributes.clone();
    attributes.retain(|id, _| {
        schema.attribute(*id).is_some_and(|a| a.derived.is_none() && !a.data_format.is_hashed())
    });
    let mut shown = crate::object! {
        "id" => user.id,
        "email_verified" => user.email_verified,
        "attributes" => value::show(&attributes, schema, View::Administrative),
    };
    for field in Predefined::ALL {
        shown
            .insert(field.name().to_owned(), Json::from(user.predefined(field).map(str::to_owned)));
    }
    Json::Object(shown)
}

impl Derivation<'_> {
    /// The user with the values of a script's output, checked like any others. An attribute that
    /// the output does not name has no value; a name that is none of the workflow's attributes
    /// is an error.
    pub fn apply(
        &self,
        mut user: User,
        output: &Object,
        context: &WriteContext<'_>,
    ) -> Result<User> {
        let mut violations = Violations::default();
        let known = |name: &str| {
            self.attributes.iter().any(|a| a.name == name) || self.kept.contains(&name)
        };
        for name in output.keys().filter(|name| !known(name)) {
            let detail = format!(
                "the workflow `{}` returned `{name}`, which it does not derive",
                self.workflow.id
            );
            violations.add(self.pointer(), Code::DerivedFailed, detail);
        }
        for attribute in &self.attributes {
            let Some(values) = output.get(&attribute.name) else {
                user.attributes.remove(&attribute.id);
                continue;
            };
            let at = attribute.pointer();
            let mut found = Violations::default();
            let read = value::read_values(values.clone(), &at, attribute, &[], context, &mut found);
            for violation in found.into_broken() {
                let detail = format!(
                    "the workflow `{}` returned a value that does not fit: {}",
                    self.workflow.id, violation.detail
                );
                violations.add(violation.pointer, Code::DerivedFailed, detail);
            }
            match read {
                Some(values) if !values.is_empty() => user.attributes.insert(attribute.id, values),
                _ => user.attributes.remove(&attribute.id),
            };
        }
        value::retain_verified(&mut user.verified, &user.attributes);
        violations.check(user)
    }

    /// What a script that failed is to the caller whose write needed it.
    #[must_use]
    pub fn failed(&self, why: &str) -> super::Error {
        let detail = format!("the workflow `{}` failed: {why}", self.workflow.id);
        super::Error::invalid(self.pointer(), Code::DerivedFailed, detail)
    }

    fn pointer(&self) -> String {
        self.attributes.first().map(|a| a.pointer()).unwrap_or_default()
    }
}
