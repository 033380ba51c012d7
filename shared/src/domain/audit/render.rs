//! Audit entries as readers see them: names in the place of ids, and no more than the reader may see.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::chain::{Chain, LedgerChain};
use super::diff::PLACE;
use super::entry::{
    Actor, ActorKind, ChangedField, ChangedValue, Derivation, Detail, Entry, Via, is_digest,
};
use crate::domain::client::Classifier;
use crate::domain::definition::{AttributeDefinition, DataFormat, Predefined};
use crate::domain::field::pointer;
use crate::domain::format;
use crate::domain::id::UserId;
use crate::domain::json::{Json, Object};
use crate::domain::persona::Persona;
use crate::domain::schema::Schema;
use crate::domain::versioned::Version;
use crate::domain::view::View;
use crate::object;

/// An entry as it was read.
#[derive(Clone, Debug)]
pub struct ReadEntry {
    /// Its chain.
    pub chain: Chain,
    /// Its sequence.
    pub sequence: Version,
    /// What it says; `None` if it cannot be read.
    pub entry: Option<Entry>,
    /// What was sealed in it; `None` if it was not asked for, or cannot be opened.
    pub detail: Option<Detail>,
}

/// Who reads entries, and how much of them.
#[derive(Clone, Copy)]
pub struct Reader<'r> {
    /// The tenant's configuration.
    pub schema: &'r Schema,
    /// What the reader sees of profiles.
    pub view: View,
    /// The most sensitive attributes of systems that the reader sees.
    pub most: Classifier,
    /// Whether the reader sees values and reasons.
    pub values: bool,
    /// Whether the reader sees the values of the configuration too.
    pub configuration: bool,
    /// Whether the reader sees the values of clients too.
    pub clients: bool,
    /// The person who reads the own entries: other people have no ids there.
    pub person: Option<UserId>,
    /// The names of clients by their ids, where they are shown.
    pub names: &'r BTreeMap<String, String>,
}

/// How the values of a field are shown.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    /// As they are stored.
    Stored,
    /// As values of an attribute of this format.
    Attribute(DataFormat),
    /// As a persona.
    Persona,
    /// Not at all.
    Hidden,
}

impl Reader<'_> {
    /// An entry in the form that the reader sees.
    #[must_use]
    pub fn show(&self, read: &ReadEntry) -> Object {
        let mut shown = object! { "sequence" => read.sequence.0 };
        match read.chain {
            Chain::User(user) if self.person.is_none() => {
                shown.insert("user_id".to_owned(), Json::from(user));
            }
            Chain::User(_) => {}
            Chain::Ledger(chain) => {
                shown.insert("chain".to_owned(), Json::from(chain.to_string()));
            }
        }
        let Some(entry) = &read.entry else {
            shown.insert("unreadable".to_owned(), Json::from(true));
            return shown;
        };
        let unreadable = self.values && read.detail.is_none();
        shown.insert("at".to_owned(), Json::from(entry.at));
        shown.insert("operation".to_owned(), Json::from(entry.operation.name()));
        shown.insert("actor".to_owned(), self.actor(&entry.actor));
        let optional = [
            ("via", entry.via.as_ref().map(|via| self.via(via))),
            ("request_id", entry.request_id.as_ref().map(Json::from)),
            ("target", entry.target.as_ref().map(Json::from)),
            ("reason", self.reason(read).map(Json::from)),
            ("facts", entry.facts.as_ref().map(json)),
            ("derived", (!entry.derived.is_empty()).then(|| self.derived(&entry.derived))),
            ("unreadable", unreadable.then_some(Json::Bool(true))),
        ];
        for (name, value) in optional {
            shown.extend(value.map(|value| (name.to_owned(), value)));
        }
        let none = Vec::new();
        let values = read.detail.as_ref().filter(|_| self.values);
        let values = values.map_or(&none, |detail| &detail.values);
        let changes = entry.changes.iter().enumerate();
        let changes =
            changes.filter_map(|(i, field)| self.change(read.chain, field, values.get(i)));
        shown.insert("changes".to_owned(), changes.map(Json::Object).collect::<Vec<_>>().into());
        shown
    }

    /// Whether an entry has something that only readers of values see.
    #[must_use]
    pub fn shows_values_of(&self, read: &ReadEntry) -> bool {
        self.values && read.detail.as_ref().is_some_and(|detail| !detail.is_empty())
    }

    fn reason<'e>(&self, read: &'e ReadEntry) -> Option<&'e String> {
        read.detail.as_ref().filter(|_| self.values)?.reason.as_ref()
    }

    fn actor(&self, actor: &Actor) -> Json {
        let mut shown = object! { "kind" => actor.kind.name() };
        let Some(id) = &actor.id else { return Json::Object(shown) };
        let own = |me: UserId| actor.kind == ActorKind::Person && *id == me.to_string();
        let named = actor.kind == ActorKind::Client || self.person.is_none_or(own);
        if named {
            shown.insert("id".to_owned(), Json::from(id));
            shown.extend(actor.session.as_ref().map(|sid| ("session".to_owned(), Json::from(sid))));
        }
        if let Some(name) = self.names.get(id) {
            shown.insert("name".to_owned(), Json::from(name));
        }
        Json::Object(shown)
    }

    fn via(&self, via: &Via) -> Json {
        let Via::Approval { id, requester } = via else { return json(via) };
        Json::Object(object! {
            "kind" => "approval", "id" => *id, "requester" => self.actor(requester),
        })
    }

    fn derived(&self, derivations: &[Derivation]) -> Json {
        let show = |derivation: &Derivation| {
            let places = derivation.pointers.iter().filter_map(|stored| self.place(stored));
            object! {
                "workflow_id" => derivation.workflow,
                "revision" => derivation.revision,
                "pointers" => places.map(|(shown, _)| shown).collect::<Vec<_>>(),
            }
        };
        Json::Array(derivations.iter().map(show).map(Json::Object).collect())
    }

    fn change(
        &self,
        chain: Chain,
        field: &ChangedField,
        value: Option<&ChangedValue>,
    ) -> Option<Object> {
        let (at, shown) = match chain {
            Chain::User(_) => self.place(&field.pointer)?,
            Chain::Ledger(chain) => {
                let seen = match chain {
                    LedgerChain::Configuration => self.configuration,
                    LedgerChain::Clients(_) => self.clients,
                    _ => true,
                };
                let shown = if seen { Shown::Stored } else { Shown::Hidden };
                (field.pointer.clone(), shown)
            }
        };
        let sides = value.filter(|_| !field.secret).and_then(|value| self.sides(value, shown));
        Some(if let Some((from, to)) = sides {
            object! { "pointer" => at, "from" => from, "to" => to }
        } else {
            object! { "pointer" => at, "changed" => true }
        })
    }

    /// Both values of a change; `None` if one of them cannot be shown.
    fn sides(&self, value: &ChangedValue, shown: Shown) -> Option<(Json, Json)> {
        let side = |value: &Option<Value>| match value {
            None => Some(Json::Null),
            Some(value) if is_digest(value) => None,
            Some(value) => self.value(value, shown),
        };
        side(&value.from).zip(side(&value.to))
    }

    fn value(&self, value: &Value, shown: Shown) -> Option<Json> {
        match shown {
            Shown::Stored => Some(json(value)),
            Shown::Attribute(data_format) => {
                let values = value.as_array()?.iter();
                let values = values.map(|value| Some(format::show(value.as_str()?, data_format)));
                values.collect::<Option<Vec<_>>>().map(Json::Array)
            }
            Shown::Persona => {
                let mut value = value.clone();
                value.as_object_mut()?.remove(PLACE);
                let persona: Persona = serde_json::from_value(value).ok()?;
                // Administrators see hidden attributes in a profile, and here no values of them.
                Some(Json::Object(persona.show_to(self.schema, View::SelfService)))
            }
            Shown::Hidden => None,
        }
    }

    /// Where the reader sees a stored field, and how; `None` if the reader does not see it.
    pub(super) fn place(&self, stored: &str) -> Option<(String, Shown)> {
        let parts: Vec<_> = stored.split('/').skip(1).collect();
        match parts.as_slice() {
            ["personas", _] => Some((stored.to_owned(), Shown::Persona)),
            ["personas", persona, rest @ ..] => {
                self.field(&format!("/personas/{persona}"), rest, stored)
            }
            ["systems", system, "overrides", "predefined", name] => {
                self.field(&format!("/systems/{system}/overrides"), &[name], stored)
            }
            ["systems", system, "overrides", rest @ ..] => {
                self.field(&format!("/systems/{system}/overrides"), rest, stored)
            }
            ["systems", system, "attributes", name] => {
                let Some(system) = self.schema.systems.get(system) else {
                    return Some((stored.to_owned(), Shown::Hidden));
                };
                let mut visible = system.stored.value.visible(self.most);
                let attribute = visible.find(|attribute| attribute.name == *name)?;
                let secret = attribute.classifier == Classifier::Sensitive;
                let how = if secret { Shown::Hidden } else { Shown::Stored };
                Some((stored.to_owned(), how))
            }
            parts => self.field("", parts, stored),
        }
    }

    fn field(&self, at: &str, parts: &[&str], stored: &str) -> Option<(String, Shown)> {
        let visible = |definition: &AttributeDefinition| self.view.shows(definition);
        // What is hidden now was perhaps not hidden when it was written.
        let hidden = |definition: &AttributeDefinition| !View::SelfService.shows(definition);
        match parts {
            // What a profile does not show.
            ["sources", ..] => None,
            ["attributes" | "verified", id] => {
                let Some(definition) = id.parse().ok().and_then(|id| self.schema.attribute(id))
                else {
                    return Some((stored.to_owned(), Shown::Hidden));
                };
                let attribute = Shown::Attribute(definition.data_format);
                visible(definition).then(|| match parts.first() {
                    Some(&"attributes")
                        if definition.data_format.is_hashed() || hidden(definition) =>
                    {
                        (definition.pointer_below(&format!("{at}/attributes")), Shown::Hidden)
                    }
                    Some(&"attributes") => {
                        (definition.pointer_below(&format!("{at}/attributes")), attribute)
                    }
                    _ => {
                        let states = format!("{at}/attribute_states");
                        (definition.pointer_below(&states), Shown::Hidden)
                    }
                })
            }
            [name] => {
                let field = name.parse::<Predefined>().ok();
                let definition = field.and_then(|field| self.schema.predefined(field));
                let how =
                    if definition.is_some_and(hidden) { Shown::Hidden } else { Shown::Stored };
                definition.is_none_or(visible).then(|| (pointer(at, name), how))
            }
            _ => Some((stored.to_owned(), Shown::Stored)),
        }
    }
}

/// The pointer under which administrators see a stored field of a user.
#[must_use]
pub fn pointer_shown(stored: &str, schema: &Schema) -> Option<String> {
    let (view, most, names) = (View::Administrative, Classifier::most(), &BTreeMap::new());
    let reader = Reader {
        schema,
        view,
        most,
        values: true,
        configuration: true,
        clients: true,
        person: None,
        names,
    };
    reader.place(stored).map(|(shown, _)| shown)
}

/// Anything that serializes, as JSON.
fn json<T: Serialize>(value: &T) -> Json {
    let text = serde_json::to_vec(value).unwrap_or_default();
    Json::parse(&text).unwrap_or(Json::Null)
}
