//! Steps that change definitions, and what they are answered.

use serde_json::{Value, json};
use tests::Answer;

use super::attributes::{DEFINITIONS, Run};
use super::histories::Step;
use super::tenant::{Definition, Format};

impl Run {
    pub async fn define(&mut self, slot: usize, mut definition: Definition) {
        if self.tenant.definitions[slot].is_some() {
            return;
        }
        let mut body = json!({
            "category": "common", "name": format!("a{slot}"),
            "data_format": definition.format.name(),
            "unique": definition.unique, "single_value": definition.single,
            "required": definition.required,
            "search": definition.search,
        });
        if definition.format == Format::Enumeration {
            body["enumeration_values"] = listed_values(definition.allowed);
        }
        let answer = self.crm.post(DEFINITIONS, body).await;
        if !definition.is_sound() {
            answer.is(422);
            return;
        }
        definition.id = answer.created().id;
        self.tenant.definitions[slot] = Some(definition);
        self.settle().await;
    }

    /// Lets the sweeper make index entries. It may find that nobody holds what is deprecated.
    async fn sweep(&mut self) {
        for settled in [3, 11, 3, 0] {
            self.service.sweep().await;
            for _ in 0..settled {
                self.settle().await;
            }
        }
        for definition in self.tenant.definitions.iter_mut().flatten() {
            definition.used &= !definition.deprecated;
        }
    }

    async fn redefine(&mut self, slot: usize, change: Value) -> Answer {
        let definition = self.tenant.definitions[slot].as_ref().unwrap();
        let path = format!("{DEFINITIONS}/{}", definition.id);
        let answer = self.crm.patch(&path, change).if_match("*").await;
        self.settle().await;
        answer
    }

    /// Changes what cannot change while values are stored.
    async fn bind(&mut self, slot: usize, changed: Definition, change: Value, free: bool) {
        let answer = self.redefine(slot, change).await;
        let before = self.tenant.definitions[slot].clone().unwrap();
        let due: &[u16] = match () {
            () if !changed.is_sound() => &[422],
            () if free || !before.perhaps_used => &[200],
            () if before.used => &[409],
            () => &[200, 409],
        };
        assert!(due.contains(&answer.code()), "{before:?} → {changed:?}: {}", answer.text());
        if answer.code() == 200 {
            self.tenant.definitions[slot] = Some(changed);
        }
    }

    pub async fn list(&mut self, bits: u8) {
        let mut ids = Vec::new();
        for (slot, definition) in self.tenant.definitions.iter_mut().enumerate() {
            if let Some(definition) = definition {
                definition.listed = bits & (1 << slot) != 0;
                ids.extend(definition.listed.then(|| definition.id.clone()));
            }
        }
        self.crm.patch(&self.role, json!({ "attributes": ids })).if_match("*").await.is(200);
        self.settle().await;
    }

    pub async fn configure(&mut self, step: &Step) {
        let (Step::Require(slot, _)
        | Step::Deprecate(slot, _)
        | Step::Search(slot, _)
        | Step::Enumerate(slot, _)
        | Step::Undefine(slot)) = *step
        else {
            return;
        };
        let Some(mut definition) = self.tenant.definitions[slot].clone() else { return };
        match *step {
            Step::Require(_, required) => {
                definition.required = required;
                self.bind(slot, definition, json!({ "required": required }), true).await;
            }
            Step::Deprecate(_, deprecated) => {
                definition.deprecated = deprecated;
                self.bind(slot, definition, json!({ "deprecated": deprecated }), true).await;
            }
            Step::Search(_, search) => {
                let rank = |search| ["none", "exact", "prefix"].iter().position(|s| *s == search);
                let lowered = rank(search) < rank(definition.search);
                definition.search = search;
                self.bind(slot, definition, json!({ "search": search }), !lowered).await;
                self.sweep().await;
            }
            Step::Enumerate(_, allowed) if definition.format == Format::Enumeration => {
                let grows = definition.allowed & !allowed == 0;
                definition.allowed = allowed;
                self.bind(
                    slot,
                    definition,
                    json!({ "enumeration_values": listed_values(allowed) }),
                    grows,
                )
                .await;
            }
            Step::Undefine(_) => {
                let answer = self.crm.delete(&format!("{DEFINITIONS}/{}", definition.id)).await;
                let due: &[u16] = match () {
                    () if definition.used || definition.listed => &[409],
                    () if definition.perhaps_used => &[204, 409],
                    () => &[204],
                };
                assert!(due.contains(&answer.code()), "{definition:?}: {}", answer.text());
                if answer.code() == 204 {
                    self.tenant.definitions[slot] = None;
                }
                self.settle().await;
            }
            _ => {}
        }
    }
}

fn listed_values(allowed: u8) -> Value {
    (0..3).filter(|i| allowed & (1 << i) != 0).map(|i| Format::Enumeration.sent(i)).collect()
}
