//! A model of a tenant's attributes, as plain maps: the rules of formats and properties without a
//! table, a race or a cache.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// How many definitions there are at most.
pub const SLOTS: usize = 4;
/// How many users there are at most.
pub const USERS: usize = 2;

/// A data format, with the three values that histories write. The second compares equal to the
/// first where case and zeros do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Enumeration,
    Numeric,
    Email,
    Sms,
    Json,
    SearchableHash,
    Hash,
}

impl Format {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Enumeration => "ENUMERATION",
            Self::Numeric => "NUMERIC",
            Self::Email => "EMAIL",
            Self::Sms => "SMS",
            Self::Json => "JSON",
            Self::SearchableHash => "SEARCHABLE_HASH",
            Self::Hash => "HASH",
        }
    }

    pub const fn is_hashed(self) -> bool {
        matches!(self, Self::Hash | Self::SearchableHash)
    }

    /// The value to send: one of three values, a wrong one, or the mark that replaces a shown hash.
    pub fn sent(self, index: u8) -> Value {
        let values = match self {
            Self::Text => ["Red", "red", "Blue", ""].map(Value::from),
            Self::Enumeration => ["red", "blue", "green", "Red"].map(Value::from),
            Self::Numeric => [json!(1), json!("1.0"), json!("2"), json!("one")],
            Self::Email => {
                ["a@example.org", "A@example.org", "b@example.org", "a"].map(Value::from)
            }
            Self::Sms => ["+3225550123", "+3225550124", "+14155552671", "0475"].map(Value::from),
            Self::Json => [json!({ "a": null }), json!([1]), json!("x"), Value::Null],
            Self::SearchableHash | Self::Hash => ["Secret", "secret", "other", ""].map(Value::from),
        };
        values.into_iter().nth(index.into()).unwrap_or_else(|| json!({ "set": true }))
    }

    /// The form in which a value is compared.
    pub fn key(self, index: u8) -> String {
        match (self, self.sent(index)) {
            (Self::Numeric, _) => if index == 2 { "2" } else { "1" }.to_owned(),
            (_, Value::String(text)) => text.to_lowercase(),
            (_, other) => other.to_string(),
        }
    }
}

/// A definition.
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own in the contract")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    pub id: String,
    pub format: Format,
    pub unique: bool,
    pub single: bool,
    pub required: bool,
    pub deprecated: bool,
    /// `none`, `exact`, `prefix`.
    pub search: &'static str,
    /// Which of the three values the enumeration lists.
    pub allowed: u8,
    /// Whether the persona definition lists it.
    pub listed: bool,
    /// Whether a value was ever stored, or may have been marked as if one were.
    pub used: bool,
    pub perhaps_used: bool,
}

impl Definition {
    pub const fn is_searched(&self) -> bool {
        self.unique || !matches!(self.search.as_bytes(), b"none")
    }

    /// Whether the properties fit together.
    pub const fn is_sound(&self) -> bool {
        let prefix = matches!(self.search.as_bytes(), b"prefix");
        match self.format {
            Format::Hash | Format::Json => !self.is_searched(),
            Format::SearchableHash => !prefix,
            Format::Enumeration => self.allowed & 7 != 0,
            _ => true,
        }
    }
}

/// A stored value: its text, its shown form, and the form in which it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub text: String,
    pub shown: Value,
    pub key: String,
}

/// Values by the slot of their definition, and which addresses are verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub values: BTreeMap<usize, Vec<Stored>>,
    pub verified: BTreeSet<(usize, String)>,
}

/// A user with at most one persona.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub own: Owner,
    pub persona: Option<Owner>,
}

/// The values of a request by the slot of their definition; `None` is null.
pub type Sent = BTreeMap<usize, Option<Vec<u8>>>;

/// How a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Create,
    Put,
    Patch,
}

/// All there is.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    pub definitions: [Option<Definition>; SLOTS],
    pub people: [Option<Person>; USERS],
    /// Counts requests: no two salted hashes are equal.
    pub requests: u64,
}

impl Owner {
    fn retain_verified(&mut self) {
        let values = &self.values;
        self.verified.retain(|(slot, key)| {
            values.get(slot).is_some_and(|held| held.iter().any(|v| v.key == *key))
        });
    }
}

impl Person {
    fn owners(&self) -> impl Iterator<Item = &Owner> {
        std::iter::once(&self.own).chain(&self.persona)
    }

    pub fn holds(&self, slot: usize) -> bool {
        self.owners().any(|owner| owner.values.contains_key(&slot))
    }
}

impl Tenant {
    fn one(&self, definition: &Definition, index: u8, at: Option<&Stored>) -> Option<Stored> {
        let format = definition.format;
        let sent = format.sent(index);
        match (format.is_hashed(), index) {
            (true, 4) => return at.cloned(),
            (false, 4) if format != Format::Json => return None,
            (_, 3) => return None,
            (_, index)
                if format == Format::Enumeration && definition.allowed & (1 << index) == 0 =>
            {
                return None;
            }
            _ => {}
        }
        let key = format.key(index);
        let (text, shown) = match (format, sent) {
            (Format::Numeric, _) => {
                let text = ["1", "1.0", "2"].into_iter().nth(index.into())?;
                (text.to_owned(), json!(text))
            }
            (Format::SearchableHash, _) => (key.clone(), json!({ "set": true })),
            (Format::Hash, sent) => (format!("{} {sent}", self.requests), json!({ "set": true })),
            (_, sent) => (sent.to_string(), sent),
        };
        Some(Stored { text, shown, key })
    }

    /// The values of one attribute after they were sent; `None` when they are refused.
    fn read(
        &self,
        definition: &Definition,
        indices: &[u8],
        before: &[Stored],
    ) -> Option<Vec<Stored>> {
        if definition.single && indices.len() > 1 {
            return None;
        }
        let mut values: Vec<Stored> = Vec::new();
        for (place, index) in indices.iter().enumerate() {
            let value = self.one(definition, *index, before.get(place))?;
            let twice = values.iter().any(|other| other.text == value.text);
            let new = before.iter().all(|old| old.text != value.text);
            if twice || (new && definition.deprecated) {
                return None;
            }
            values.push(value);
        }
        Some(values)
    }

    /// The values of a user or a persona after a document; `None` if the document is refused.
    pub fn write(&self, before: &Owner, sent: &Sent, how: How, persona: bool) -> Option<Owner> {
        let mut after = if how == How::Patch { before.clone() } else { Owner::default() };
        after.verified.clone_from(&before.verified);
        if how == How::Put {
            let hashed = |slot: &usize| {
                self.definitions[*slot].as_ref().is_some_and(|d| d.format.is_hashed())
            };
            after.values.extend(
                before.values.iter().filter(|(s, _)| hashed(s)).map(|(s, v)| (*s, v.clone())),
            );
        }
        for (slot, indices) in sent {
            let definition = self.definitions[*slot].as_ref()?;
            let Some(indices) = indices else {
                if how != How::Patch {
                    return None;
                }
                after.values.remove(slot);
                continue;
            };
            let stored = before.values.get(slot);
            let is_shown = |stored: &&Vec<Stored>| {
                let sent = indices.iter().map(|index| definition.format.sent(*index));
                sent.eq(stored.iter().map(|value| value.shown.clone()))
            };
            let read = match stored.filter(is_shown) {
                Some(same) => same.clone(),
                None if persona && !definition.listed => return None,
                None => {
                    self.read(definition, indices, stored.map(Vec::as_slice).unwrap_or_default())?
                }
            };
            if read.is_empty() {
                after.values.remove(slot);
            } else {
                after.values.insert(*slot, read);
            }
        }
        after.retain_verified();
        let binding = |d: &Definition| d.required && !d.deprecated && d.listed == persona;
        let lost = self.definitions.iter().enumerate().any(|(slot, definition)| {
            definition.as_ref().is_some_and(binding)
                && !after.values.contains_key(&slot)
                && (how != How::Patch || before.values.contains_key(&slot))
        });
        (!lost).then_some(after)
    }

    /// Whether somebody else has one of the person's unique values.
    pub fn is_taken(&self, user: usize, person: &Person) -> bool {
        let keys = |person: &Person| -> BTreeSet<(usize, String)> {
            let unique = |slot: &usize| self.definitions[*slot].as_ref().is_some_and(|d| d.unique);
            let values =
                person.owners().flat_map(|owner| &owner.values).filter(|(slot, _)| unique(slot));
            values
                .flat_map(|(slot, values)| values.iter().map(|v| (*slot, v.key.clone())))
                .collect()
        };
        let wanted = keys(person);
        let others = self
            .people
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != user)
            .filter_map(|(_, other)| other.as_ref());
        others.into_iter().any(|other| !keys(other).is_disjoint(&wanted))
    }

    /// Remembers which definitions are in use; a write that was refused for a taken value may have
    /// marked them.
    pub fn mark(&mut self, person: &Person, stored: bool) {
        for (slot, definition) in self.definitions.iter_mut().enumerate() {
            if let Some(definition) = definition.as_mut().filter(|_| person.holds(slot)) {
                definition.used |= stored;
                definition.perhaps_used = true;
            }
        }
    }

    /// The `attributes` and the `attribute_states` that are shown.
    pub fn shown(&self, owner: &Owner) -> (Value, Value) {
        let (mut attributes, mut states) = (BTreeMap::new(), BTreeMap::new());
        for (slot, values) in &owner.values {
            let name = format!("a{slot}");
            attributes.insert(
                name.clone(),
                json!(values.iter().map(|v| v.shown.clone()).collect::<Vec<_>>()),
            );
            if self.definitions[*slot].as_ref().is_some_and(|d| d.format == Format::Email) {
                let state = |v: &Stored| owner.verified.contains(&(*slot, v.key.clone()));
                let states_of =
                    values.iter().map(|v| if state(v) { "VERIFIED" } else { "PENDING" });
                states.insert(name, json!(states_of.collect::<Vec<_>>()));
            }
        }
        let wrap = |members: BTreeMap<String, Value>| {
            if members.is_empty() { json!({}) } else { json!({ "common": members }) }
        };
        (wrap(attributes), wrap(states))
    }

    /// Whether the user has a value with this key among the own ones of this attribute.
    pub fn has(&self, user: usize, slot: usize, key: &str) -> bool {
        let values = self.people[user].as_ref().and_then(|person| person.own.values.get(&slot));
        values.is_some_and(|values| values.iter().any(|v| v.key == key))
    }

    /// The users that have a value with this key of this attribute.
    pub fn holders(&self, slot: usize, key: &str) -> Vec<usize> {
        (0..USERS).filter(|user| self.has(*user, slot, key)).collect()
    }
}
