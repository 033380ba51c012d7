//! The steps of which histories of attributes are made.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::tenant::{Definition, Format, SLOTS, Sent, Tenant, USERS};

/// A step. Numbers are slots of definitions and users.
#[derive(Clone, Debug)]
pub enum Step {
    Define(usize, Definition),
    Require(usize, bool),
    Deprecate(usize, bool),
    Search(usize, &'static str),
    Enumerate(usize, u8),
    Undefine(usize),
    /// Which definitions the persona definition lists, as bits.
    List(u8),
    /// With a persona or without.
    Create(usize, Sent, Option<Sent>),
    Put(usize, Sent),
    Patch(usize, Sent),
    /// PATCH by the definitions' ids.
    ById(usize, Sent),
    AddPersona(usize, Sent),
    PatchPersona(usize, Sent),
    /// `PATCH …/attribute`, by id or by name.
    SetAttribute(usize, usize, Vec<u8>, bool),
    RemovePersona(usize),
    Verify(usize, usize, u8),
    Forget(usize),
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![
        3 => Just(Format::Text),
        2 => Just(Format::Enumeration),
        2 => Just(Format::Numeric),
        5 => Just(Format::Email),
        1 => Just(Format::Sms),
        2 => Just(Format::Json),
        3 => Just(Format::SearchableHash),
        1 => Just(Format::Hash),
    ]
}

fn search() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["none", "exact", "prefix"])
}

fn seldom() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.2)
}

pub fn definition() -> impl Strategy<Value = Definition> {
    let bools = (prop::bool::weighted(0.3), seldom(), prop::bool::weighted(0.1));
    (format(), bools, search(), 0..8_u8).prop_map(
        |(format, (unique, single, required), search, allowed)| {
            let mut definition = Definition {
                id: String::new(),
                format,
                unique,
                single,
                required,
                deprecated: false,
                search,
                allowed,
                listed: false,
                used: false,
                perhaps_used: false,
            };
            // Most of what is tried should be possible.
            if !definition.is_sound() && allowed != 1 {
                (definition.unique, definition.search, definition.allowed) = (false, "none", 3);
            }
            definition
        },
    )
}

fn indices() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![32 => 0..3_u8, 1 => Just(3_u8), 3 => Just(4_u8)], 0..3)
}

fn sent() -> impl Strategy<Value = Sent> {
    btree_map(0..SLOTS, indices().prop_map(Some), 1..4)
}

fn patch() -> impl Strategy<Value = Sent> {
    btree_map(0..SLOTS, prop_oneof![5 => indices().prop_map(Some), 1 => Just(None)], 1..3)
}

/// A step, and a search after it: of which attribute, by which value.
pub fn step() -> impl Strategy<Value = (Step, (usize, u8))> {
    let user = || 0..USERS;
    let slot = || 0..SLOTS;
    let step = prop_oneof![
        3 => (slot(), definition()).prop_map(|(slot, definition)| Step::Define(slot, definition)),
        2 => (slot(), seldom()).prop_map(|(slot, to)| Step::Require(slot, to)),
        2 => (slot(), prop::bool::weighted(0.3)).prop_map(|(slot, to)| Step::Deprecate(slot, to)),
        1 => (slot(), search()).prop_map(|(slot, to)| Step::Search(slot, to)),
        1 => (slot(), 0..8_u8).prop_map(|(slot, to)| Step::Enumerate(slot, to)),
        1 => slot().prop_map(Step::Undefine),
        1 => (0..16_u8).prop_map(Step::List),
        8 => (user(), sent(), option::of(sent()))
            .prop_map(|(user, own, persona)| Step::Create(user, own, persona)),
        5 => (user(), sent()).prop_map(|(user, sent)| Step::Put(user, sent)),
        10 => (user(), patch()).prop_map(|(user, sent)| Step::Patch(user, sent)),
        4 => (user(), patch()).prop_map(|(user, sent)| Step::ById(user, sent)),
        3 => (user(), sent()).prop_map(|(user, sent)| Step::AddPersona(user, sent)),
        5 => (user(), patch()).prop_map(|(user, sent)| Step::PatchPersona(user, sent)),
        6 => (user(), slot(), indices(), any::<bool>())
            .prop_map(|(u, s, i, by_id)| Step::SetAttribute(u, s, i, by_id)),
        1 => user().prop_map(Step::RemovePersona),
        10 => (user(), slot(), 0..4_u8).prop_map(|(user, slot, index)| Step::Verify(user, slot, index)),
        1 => user().prop_map(Step::Forget),
    ];
    (step, (0..SLOTS, 0..3_u8))
}

impl Tenant {
    /// The document of a step, usually made valid: it names existing attributes and has the
    /// required ones. One request of seven stays unchanged.
    pub fn tidy(&self, sent: &Sent, persona: bool, whole: bool) -> Sent {
        let mut sent = sent.clone();
        if self.requests.is_multiple_of(7) {
            return sent;
        }
        let known = |slot: usize| self.definitions[slot].as_ref().filter(|d| d.listed || !persona);
        sent.retain(|slot, _| known(*slot).is_some());
        let required = (0..SLOTS).filter(|slot| {
            known(*slot)
                .is_some_and(|d| whole && d.required && !d.deprecated && d.listed == persona)
        });
        for slot in required {
            sent.entry(slot).or_insert_with(|| Some(vec![0]));
        }
        for (slot, indices) in &mut sent {
            if whole {
                indices.get_or_insert_default();
            }
            for index in indices.iter_mut().flatten() {
                let allowed = |i: &u8| {
                    known(*slot).is_none_or(|d| {
                        d.format != Format::Enumeration || d.allowed & (1 << i) != 0
                    })
                };
                *index = (0..3)
                    .map(|i| (*index + i) % 3)
                    .filter(|_| *index < 3)
                    .find(allowed)
                    .unwrap_or(*index);
            }
        }
        sent
    }

    /// A slot for a step on one attribute: mostly one of those that fit.
    pub fn slot(&self, slot: usize, fits: impl Fn(&Definition) -> bool) -> usize {
        let fit = |slot: &usize| self.definitions[*slot].as_ref().is_some_and(&fits);
        let candidates: Vec<_> = (0..SLOTS).filter(fit).collect();
        if self.requests.is_multiple_of(7) || candidates.is_empty() {
            slot
        } else {
            candidates[slot % candidates.len()]
        }
    }
}
