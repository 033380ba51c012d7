//! What changed between two stored states of a profile, as minimal JSON Pointers.
//!
//! The stored form is compared, so a pointer names attributes and personas by their ids:
//! `/attributes/<definition>`, `/personas/<persona>/status`. Times, tags and revisions of the
//! service are left out: the entry has its own time, and its sequence is the version. An absent
//! field and `null` are the same.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::entry::Change;
use crate::domain::client::Classifier;
use crate::domain::consent::{ConsentRecord, RecordedPurpose};
use crate::domain::definition::{AttributeDefinition, Predefined};
use crate::domain::field::pointer;
use crate::domain::id::ClientId;
use crate::domain::people::ClientConsent;
use crate::domain::schema::Schema;
use crate::domain::system::System;
use crate::domain::system_profile::SystemProfile;
use crate::domain::user::User;

/// The fields of a user, of a persona and of a system profile that the service alone moves.
const OWN: [&str; 6] = ["id", "created_at", "updated_at", "rev", "tag", "system"];
/// The member of a persona that goes, which keeps its place among the personas: they have an order.
pub(super) const PLACE: &str = "place";
/// The fields that hold one member for each attribute.
const BY_ATTRIBUTE: [&str; 3] = ["attributes", "verified", "sources"];

/// What changed of a user; nobody before for a new one, nobody after for one who is forgotten.
#[must_use]
pub fn diff_user(before: Option<&User>, after: Option<&User>, schema: &Schema) -> Vec<Change> {
    let mut diff = Diff { schema, changes: Vec::new() };
    let (mut before, mut after) = (members(before), members(after));
    let personas = (take(&mut before, "personas"), take(&mut after, "personas"));
    diff.profile("", before, after);
    diff.personas(&personas.0, &personas.1);
    diff.changes
}

/// What changed of a system profile; none before for a new one, none after for one that goes. The
/// pointers stand below `/systems/<system>`.
#[must_use]
pub fn diff_profile(
    before: Option<&SystemProfile>,
    after: Option<&SystemProfile>,
    schema: &Schema,
) -> Vec<Change> {
    let Some(system) = after.or(before).map(|profile| &profile.system) else { return Vec::new() };
    let declared = schema.systems.get(system.as_str()).map(|entry| &entry.stored.value);
    let at = pointer("/systems", system.as_str());
    let id = |profile: &SystemProfile| Value::String(profile.id.to_string());
    let mut diff = Diff { schema, changes: Vec::new() };
    diff.add(format!("{at}/id"), before.map(id), after.map(id), false);
    let (mut before, mut after) = (members(before), members(after));
    let overridden = (take(&mut before, "overrides"), take(&mut after, "overrides"));
    let of = |value: Value| if let Value::Object(members) = value { members } else { Map::new() };
    let (mut before_all, mut after_all) = (of(overridden.0), of(overridden.1));
    let own = (of(take(&mut before, "attributes")), of(take(&mut after, "attributes")));
    let custom = (of(take(&mut before_all, "attributes")), of(take(&mut after_all, "attributes")));
    let predefined =
        (of(take(&mut before_all, "predefined")), of(take(&mut after_all, "predefined")));
    let below = format!("{at}/overrides");
    diff.each(&format!("{below}/predefined"), predefined, |schema, name| {
        is_secret_field(name, schema)
    });
    diff.each(&format!("{below}/attributes"), custom, |schema, id| is_secret(id, schema));
    diff.each(&format!("{at}/attributes"), own, |_, name| is_sensitive(name, declared));
    diff.changes
}

/// The change of a child that is shown by one value: a principal, a subject mapping.
#[must_use]
pub fn diff_child<T: Serialize>(at: String, before: Option<&T>, after: Option<&T>) -> Vec<Change> {
    let value = |child: Option<&T>| child.and_then(|child| serde_json::to_value(child).ok());
    Change::of(at, value(before), value(after), false).into_iter().collect()
}

/// The change of a consent's record: the state of each purpose, by
/// `/consents/<consent>/<audience>/<purpose>`, without the audience if there is none.
#[must_use]
pub fn diff_consent(before: Option<&ConsentRecord>, after: &ConsentRecord) -> Vec<Change> {
    let mut at = pointer("/consents", after.consent.as_str());
    if let Some(audience) = &after.audience {
        at = pointer(&at, audience.as_str());
    }
    let state = |recorded: &RecordedPurpose| Value::from(recorded.state.name());
    let mut changes = Vec::new();
    for (purpose, recorded) in &after.purposes {
        let from = before.and_then(|before| before.purposes.get(purpose)).map(state);
        let at = pointer(&at, purpose.as_str());
        changes.extend(Change::of(at, from, Some(state(recorded)), false));
    }
    changes
}

/// The change of what a person granted to a client: each scope that comes or goes, by
/// `/clients/<client>/<scope>`.
#[must_use]
pub fn diff_client_consent(
    client: &ClientId,
    before: Option<&ClientConsent>,
    after: Option<&ClientConsent>,
) -> Vec<Change> {
    let at = pointer("/clients", client.as_str());
    let scopes = |consent: Option<&ClientConsent>| -> BTreeSet<String> {
        consent.into_iter().flat_map(|consent| consent.scopes.iter().cloned()).collect()
    };
    let (before, after) = (scopes(before), scopes(after));
    let side = |granted: &BTreeSet<String>, scope: &String| -> Option<Value> {
        granted.contains(scope).then_some(Value::Bool(true))
    };
    let change = |scope: &String| {
        Change::of(pointer(&at, scope), side(&before, scope), side(&after, scope), false)
    };
    before.union(&after).filter_map(change).collect()
}

/// The end of the refresh tokens of a client to which the person granted nothing, because the
/// client did not ask: `/clients/<client>/refresh_tokens`.
#[must_use]
pub fn diff_client_tokens(client: &ClientId) -> Vec<Change> {
    let at = pointer(&pointer("/clients", client.as_str()), "refresh_tokens");
    Change::of(at, Some(Value::Bool(true)), None, false).into_iter().collect()
}

struct Diff<'d> {
    schema: &'d Schema,
    changes: Vec<Change>,
}

type Members = Map<String, Value>;

impl Diff<'_> {
    fn add(&mut self, at: String, from: Option<Value>, to: Option<Value>, secret: bool) {
        let there = |value: Option<Value>| value.filter(|value| !value.is_null());
        self.changes.extend(Change::of(at, there(from), there(to), secret));
    }

    /// The changes of each member of two maps.
    fn each(
        &mut self,
        at: &str,
        (mut before, after): (Members, Members),
        secret: impl Fn(&Schema, &str) -> bool,
    ) {
        for (name, to) in after {
            let hidden = secret(self.schema, &name);
            self.add(pointer(at, &name), before.remove(&name), Some(to), hidden);
        }
        for (name, from) in before {
            let hidden = secret(self.schema, &name);
            self.add(pointer(at, &name), Some(from), None, hidden);
        }
    }

    /// The changes of a user's own fields, or of a persona's.
    fn profile(&mut self, at: &str, mut before: Members, mut after: Members) {
        for name in OWN {
            drop((before.remove(name), after.remove(name)));
        }
        for name in BY_ATTRIBUTE {
            let of = |members: &mut Members| match take(members, name) {
                Value::Object(members) => members,
                _ => Map::new(),
            };
            let pair = (of(&mut before), of(&mut after));
            let public = name == "sources";
            self.each(&pointer(at, name), pair, |schema, id| !public && is_secret(id, schema));
        }
        self.each(at, (before, after), |schema, name| is_secret_field(name, schema));
    }

    /// The changes of personas, each by its id. One that comes or goes is one change, beside those
    /// of its secret attributes.
    fn personas(&mut self, before: &Value, after: &Value) {
        let of = |personas: &Value| -> Vec<(String, Members)> {
            let items = personas.as_array().cloned().unwrap_or_default();
            let named = |item: Value| {
                let Value::Object(members) = item else { return None };
                Some((members.get("id")?.as_str()?.to_owned(), members))
            };
            items.into_iter().filter_map(named).collect()
        };
        let (mut before, after) = (of(before), of(after));
        for (place, (_, from)) in before.iter_mut().enumerate() {
            from.insert(PLACE.to_owned(), place.into());
        }
        for (id, to) in after {
            let at = pointer("/personas", &id);
            match before.iter().position(|(other, _)| *other == id) {
                Some(place) => {
                    let (_, mut from) = before.remove(place);
                    from.remove(PLACE);
                    self.profile(&at, from, to);
                }
                None => self.whole(at, to, |value| (None, Some(value))),
            }
        }
        for (id, from) in before {
            self.whole(pointer("/personas", &id), from, |value| (Some(value), None));
        }
    }

    /// A persona that comes or goes: what is secret of it is left out and named beside it.
    fn whole(
        &mut self,
        at: String,
        mut persona: Members,
        sides: impl Fn(Value) -> (Option<Value>, Option<Value>),
    ) {
        let mut secrets = Vec::new();
        for name in ["attributes", "verified"] {
            let Some(Value::Object(members)) = persona.get_mut(name) else { continue };
            let ids: Vec<_> =
                members.keys().filter(|id| is_secret(id, self.schema)).cloned().collect();
            for id in ids {
                members.remove(&id);
                secrets.push(pointer(&pointer(&at, name), &id));
            }
        }
        let (from, to) = sides(Value::Object(persona));
        self.add(at, from, to, false);
        for at in secrets {
            let (from, to) = sides(Value::Bool(true));
            self.add(at, from, to, true);
        }
    }
}

fn members<T: Serialize>(value: Option<&T>) -> Members {
    match value.map(serde_json::to_value) {
        Some(Ok(Value::Object(members))) => members,
        _ => Map::new(),
    }
}

fn take(members: &mut Members, name: &str) -> Value {
    members.remove(name).unwrap_or_default()
}

/// Whether the values of the attribute with this id are kept nowhere but in the profile. Those of an
/// attribute that the configuration does not know are not.
fn is_secret(id: &str, schema: &Schema) -> bool {
    schema.attributes.get(id).is_none_or(|entry| hides(&entry.stored.value))
}

/// The same of a field of the profile, which may be a predefined attribute.
fn is_secret_field(name: &str, schema: &Schema) -> bool {
    let field = name.parse::<Predefined>().ok();
    field.and_then(|field| schema.predefined(field)).is_some_and(hides)
}

const fn hides(definition: &AttributeDefinition) -> bool {
    definition.hidden || definition.data_format.is_hashed()
}

/// The same of an attribute that a system declares: sensitive ones are kept nowhere else.
fn is_sensitive(name: &str, system: Option<&System>) -> bool {
    let declared = system.and_then(|system| system.attributes.iter().find(|a| a.name == name));
    declared.is_none_or(|attribute| attribute.classifier == Classifier::Sensitive)
}
