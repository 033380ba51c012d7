//! How system profiles are read from documents.
//!
//! The document is the effective view. A value that equals the view stays inherited or overridden
//! as it was. A value that differs becomes an override. A field that a PUT omits, or that is `null`
//! in a patch, falls back to the base profile. Values are read by the readers of users, so every
//! rule of a definition holds here too (rule A3).

use std::collections::BTreeMap;

use super::{Overrides, SystemProfile, Viewer};
use crate::domain::definition::{AttributeDefinition, PolicySubject};
use crate::domain::error::{Code, MAX_NAME, Result, Violations};
use crate::domain::field::{Fields, pointer};
use crate::domain::json::{Json, Object};
use crate::domain::patch::{merged, refuse_attribute_nulls, refuse_non_object};
use crate::domain::suggest::did_you_mean;
use crate::domain::user::{MAX_USER, User};
use crate::domain::value::{self, Omitted};
use crate::domain::versioned::content;
use crate::domain::write_context::WriteContext;

/// Fields that callers see and cannot write, with the reason.
const NOT_EDITABLE: [(&str, &str); 7] = [
    ("id", "ids never change; omit the field"),
    ("tenant_id", "ids never change; omit the field"),
    ("system_id", "ids never change; omit the field"),
    ("email_verified", "it follows `preferred_email` of the base profile; omit the field"),
    ("overrides", "it lists what differs from the base profile; omit the field"),
    ("created_at", "the service sets this field; omit it"),
    ("updated_at", "the service sets this field; omit it"),
];
/// Fields that the service computes from the written values. A sent value is compared with the
/// result of the write, so that a repeat is answered as the first request.
const FOLLOWING: [&str; 2] = ["email_verified", "overrides"];
/// The member that holds the attributes that the system declares.
const OWN: &str = "system_attributes";

/// The context in which the document of a system profile is read.
#[derive(Clone, Copy)]
pub struct ProfileWriteContext<'e> {
    /// The base profile, as it was read.
    pub base: &'e User,
    /// Through whose eyes the writer saw the profile.
    pub viewer: Viewer<'e>,
    /// The context by which values are read.
    pub write_context: WriteContext<'e>,
    /// The writer, as approval policies know one.
    pub writer: PolicySubject<'e>,
}

impl SystemProfile {
    /// The profile after a PUT. A field that the document omits falls back to the base profile, or
    /// is removed if the system declares it. Values that the writer cannot see or change stay.
    pub fn replace(&self, document: Json, context: &ProfileWriteContext<'_>) -> Result<Self> {
        let mut violations = Violations::default();
        let named = overridable(&document);
        let profile = self.read(document, &named, context, Omitted::Unnamed, &mut violations);
        violations.check(profile)
    }

    /// The profile after a PATCH (RFC 7396): `null` falls back to the base profile, or removes what
    /// the system declares.
    pub fn patch(&self, patch: &Json, context: &ProfileWriteContext<'_>) -> Result<Self> {
        refuse_non_object(patch)?;
        let mut violations = Violations::default();
        let shown = self.show(context.base, context.viewer);
        refuse_attribute_nulls(patch, &context.write_context, &mut violations);
        refuse_own_nulls(patch, context.viewer, &mut violations);
        for (name, why) in NOT_EDITABLE {
            if patch.as_object().and_then(|patch| patch.get(name)) == Some(&Json::Null) {
                violations.add(pointer("", name), Code::NotEditable, why);
            }
        }
        let mut document = merged(shown, patch.clone());
        if let Json::Object(members) = &mut document {
            // A field that the patch does not name counts as not sent.
            for name in FOLLOWING {
                members.shift_remove(name);
                let sent = patch.as_object().and_then(|patch| patch.get(name));
                if let Some(sent) = sent.filter(|sent| **sent != Json::Null) {
                    members.insert(name.to_owned(), sent.clone());
                }
            }
        }
        let named = overridable(patch);
        let profile = self.read(document, &named, context, Omitted::Removed, &mut violations);
        violations.check(profile)
    }

    fn read(
        &self,
        document: Json,
        named: &[String],
        context: &ProfileWriteContext<'_>,
        omitted: Omitted,
        violations: &mut Violations,
    ) -> Self {
        let mut fields = Fields::new(document, "", violations);
        let shown = self.show(context.base, context.viewer);
        let mut following = Vec::new();
        for (name, why) in NOT_EDITABLE {
            if FOLLOWING.contains(&name) {
                following.extend(fields.take(name).map(|sent| (name, sent, why)));
                continue;
            }
            fields.unchanged(name, shown.get(name).unwrap_or(&Json::Null), Code::NotEditable, why);
        }
        let seen = self.effective(context.base);
        let mut wanted = seen.clone();
        wanted.read_these(&Self::INHERITED, &mut fields, &context.write_context, omitted);
        let attributes = self.read_own(&mut fields, context);
        let overrides = self.overrides.with_changes(&seen, &wanted);
        let left = Self { overrides: overrides.clone(), ..self.clone() };
        let left = left.show(context.base, context.viewer);
        for (name, sent, why) in following {
            let now = left.get(name).unwrap_or(&Json::Null);
            let agrees = sent == *now || name == "overrides" && lists(&sent, now, named);
            if !agrees {
                fields.refuse(name, Code::NotEditable, why);
            }
        }
        fields.finish();
        context.refuse_unapproved(&self.overrides, &overrides, violations);
        let profile = Self { overrides, attributes, ..self.clone() };
        let size = content(&profile).len();
        if size > MAX_USER {
            let detail =
                format!("expected a system profile of at most {MAX_USER} bytes, found {size}");
            violations.add("", Code::TooLarge, detail);
        }
        profile
    }

    /// Reads the attributes that the system declares. Attributes that this writer may not see stay.
    fn read_own(
        &self,
        fields: &mut Fields<'_>,
        context: &ProfileWriteContext<'_>,
    ) -> BTreeMap<String, Vec<String>> {
        let mut own = self.attributes.clone();
        own.retain(|name, _| !context.viewer.declares(name));
        let at = fields.at(OWN);
        let members = match fields.value(OWN) {
            None => return own,
            Some(Json::Object(members)) => members,
            Some(other) => {
                fields.wrong_type(OWN, "an object `{\"<name>\": […]}`", &other);
                return own;
            }
        };
        for (name, values) in members {
            if name.len() > MAX_NAME {
                fields.violations().long_name(&at, "system attribute", &name);
                continue;
            }
            let at = pointer(&at, &name);
            if !context.viewer.declares(&name) {
                fields
                    .violations()
                    .add_with(at, Code::Unknown, || undeclared(&name, context.viewer));
                continue;
            }
            let stored = self.attributes.get(&name).map(Vec::as_slice);
            let texts = AttributeDefinition::of_texts(&name);
            let read = value::read_one(
                values,
                &at,
                &texts,
                stored,
                &context.write_context,
                fields.violations(),
            );
            if let Some(values) = read.filter(|values| !values.is_empty()) {
                own.insert(name, values);
            }
        }
        own
    }
}

impl Overrides {
    /// The overrides once what was `seen` is to be what is `wanted`.
    fn with_changes(&self, seen: &User, wanted: &User) -> Self {
        let mut overrides = self.clone();
        for field in SystemProfile::INHERITED {
            match wanted.predefined(field) {
                same if same == seen.predefined(field) => {}
                Some(value) => drop(overrides.predefined.insert(field, value.to_owned())),
                None => drop(overrides.predefined.remove(&field)),
            }
        }
        for id in seen.attributes.keys().chain(wanted.attributes.keys()) {
            match wanted.attributes.get(id) {
                same if same == seen.attributes.get(id) => {}
                Some(values) => drop(overrides.attributes.insert(*id, values.clone())),
                None => drop(overrides.attributes.remove(id)),
            }
        }
        overrides
    }

    /// The values in place of those of the base profile, if there are any.
    fn of(&self, definition: &AttributeDefinition) -> Option<Vec<&str>> {
        match definition.predefined() {
            Some(field) => self.predefined.get(&field).map(|value| vec![value.as_str()]),
            None => self
                .attributes
                .get(&definition.id)
                .map(|values| values.iter().map(String::as_str).collect()),
        }
    }
}

/// The fields and attributes that a document names, as `overrides` lists them.
fn overridable(document: &Json) -> Vec<String> {
    let Some(members) = document.as_object() else { return Vec::new() };
    let categories = members.get("attributes").and_then(Json::as_object).into_iter().flatten();
    let attributes = categories.flat_map(|(category, names)| {
        let names = names.as_object().into_iter().flat_map(Object::keys);
        names.map(move |name| format!("attributes.{category}.{name}"))
    });
    members.keys().cloned().chain(attributes).collect()
}

/// Whether the sent names are those of remaining overrides, or of values in the same document,
/// which may equal those of the base profile.
fn lists(sent: &Json, left: &Json, named: &[String]) -> bool {
    let (Json::Array(sent), Json::Array(left)) = (sent, left) else { return false };
    let known = |name: &Json| {
        let named = name.as_str().is_some_and(|name| named.iter().any(|known| known == name));
        left.contains(name) || named
    };
    sent.iter().all(known)
}

impl ProfileWriteContext<'_> {
    /// Refuses new overrides of attributes that the writer may not write without an approval,
    /// because there are no change requests for system profiles.
    fn refuse_unapproved(
        &self,
        before: &Overrides,
        after: &Overrides,
        violations: &mut Violations,
    ) {
        for definition in self.viewer.schema.attributes.values() {
            let Some(policy) = &definition.approval_policy else { continue };
            let new = after.of(definition);
            if new.is_some()
                && new != before.of(definition)
                && !policy.allows(self.writer, self.viewer.schema)
            {
                let at = definition
                    .predefined()
                    .map_or_else(|| definition.pointer(), |field| pointer("", field.name()));
                let detail =
                    format!("`{}` needs an approval; a system cannot override it", definition.name);
                violations.add(at, Code::NotAllowed, detail);
            }
        }
    }
}

/// Refuses removals of the system's attributes by accident, and of attributes that it does not
/// declare.
fn refuse_own_nulls(patch: &Json, viewer: Viewer<'_>, violations: &mut Violations) {
    let at = pointer("", OWN);
    let members = match patch.as_object().and_then(|members| members.get(OWN)) {
        Some(Json::Null) => {
            return violations.add(
                at,
                Code::NotAllowed,
                "cannot remove a whole group; name each attribute, with null or []",
            );
        }
        Some(Json::Object(members)) => members,
        _ => return,
    };
    for (name, _) in
        members.iter().filter(|(name, value)| **value == Json::Null && !viewer.declares(name))
    {
        if name.len() > MAX_NAME {
            violations.long_name(&at, "system attribute", name);
            continue;
        }
        violations.add_with(pointer(&at, name), Code::Unknown, || undeclared(name, viewer));
    }
}

fn undeclared(name: &str, viewer: Viewer<'_>) -> String {
    let meant = did_you_mean(name, viewer.declared());
    format!("the system does not declare the attribute `{name}`{meant}")
}
