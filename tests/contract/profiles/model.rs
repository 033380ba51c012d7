//! The effective view against a model of it: the overrides on top of the base, after any history of
//! writes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{SHOP, Shop, by};

const FIELDS: [&str; 3] = ["family_name", "given_name", "preferred_email"];
const VALUES: [&str; 3] = ["a@example.org", "b@example.org", "c@example.org"];

/// A write of the base profile or of the system profile.
#[derive(Clone, Debug)]
enum Step {
    Base(usize, Option<usize>),
    Patch(usize, Option<usize>),
    /// Replaces the system profile by these values of the fields.
    Put([Option<usize>; 3]),
    Tag(Option<usize>),
    BaseTag(Option<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    let value = || proptest::option::weighted(0.7, 0..VALUES.len());
    prop_oneof![
        (0..FIELDS.len(), value()).prop_map(|(field, value)| Step::Base(field, value)),
        (0..FIELDS.len(), value()).prop_map(|(field, value)| Step::Patch(field, value)),
        [value(), value(), value()].prop_map(Step::Put),
        value().prop_map(Step::Tag),
        value().prop_map(Step::BaseTag),
    ]
}

/// The expected view: a base, and the overrides on top of it.
#[derive(Debug, Default)]
struct Model {
    base: BTreeMap<&'static str, usize>,
    own: BTreeMap<&'static str, usize>,
}

impl Model {
    fn seen(&self, name: &str) -> Option<usize> {
        self.own.get(name).or_else(|| self.base.get(name)).copied()
    }

    /// Writes to the system profile. A value that equals the effective one changes nothing.
    fn write(&mut self, name: &'static str, value: Option<usize>) {
        match value {
            None => drop(self.own.remove(name)),
            Some(value) if self.seen(name) == Some(value) => {}
            Some(value) => drop(self.own.insert(name, value)),
        }
    }

    fn write_base(&mut self, name: &'static str, value: Option<usize>) {
        match value {
            None => drop(self.base.remove(name)),
            Some(value) => drop(self.base.insert(name, value)),
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Base(field, value) => self.write_base(FIELDS[*field], *value),
            Step::Patch(field, value) => self.write(FIELDS[*field], *value),
            Step::Put(values) => {
                for (name, value) in FIELDS.iter().zip(values) {
                    self.write(name, *value);
                }
                self.write("tag", None);
            }
            Step::Tag(value) => self.write("tag", *value),
            Step::BaseTag(value) => self.write_base("tag", *value),
        }
    }
}

fn text(value: Option<usize>) -> Value {
    value.map_or(Value::Null, |value| json!(VALUES[value]))
}

fn tag(value: Option<usize>) -> Value {
    json!({ "attributes": { "common": { "tag": value.map(|value| [VALUES[value]]) } } })
}

async fn send(shop: &Shop, step: &Step) {
    let (own, base) = (&shop.path, &shop.jan.path);
    let call = match step {
        Step::Base(field, value) => shop.crm.patch(base, json!({ FIELDS[*field]: text(*value) })),
        Step::Patch(field, value) => shop.crm.patch(own, json!({ FIELDS[*field]: text(*value) })),
        Step::Put(values) => {
            let body: serde_json::Map<_, _> = FIELDS
                .iter()
                .zip(values)
                .map(|(name, value)| ((*name).to_owned(), text(*value)))
                .collect();
            shop.crm.put(own, body.into())
        }
        Step::Tag(value) => shop.crm.patch(own, tag(*value)),
        Step::BaseTag(value) => shop.crm.patch(base, tag(*value)),
    };
    call.if_match("*").await.is(200);
}

/// Asserts that the view, its overrides and what is found are as the model says.
async fn compare(shop: &Shop, model: &Model) {
    let view = shop.read().await;
    for name in FIELDS {
        assert_eq!(view[name], text(model.seen(name)), "{name} of {model:?}");
    }
    assert_eq!(view["attributes"]["common"]["tag"][0], text(model.seen("tag")), "{model:?}");
    let mut due: Vec<_> = FIELDS.into_iter().filter(|name| model.own.contains_key(name)).collect();
    due.extend(model.own.contains_key("tag").then_some("attributes.common.tag"));
    assert_eq!(view["overrides"], json!(due), "{model:?}");
    for name in FIELDS.into_iter().chain(["tag"]) {
        let path = if name == "tag" { "attributes.common.tag" } else { name };
        for (i, value) in VALUES.iter().enumerate() {
            let status = shop.crm.get(&by(SHOP, &format!("{path} eq \"{value}\""))).await.code();
            let due = if model.seen(name) == Some(i) { 200 } else { 404 };
            assert_eq!(status, due, "{path} eq {value}: {model:?}");
        }
    }
}

#[test]
fn the_effective_view_is_the_overrides_on_top_of_the_base() {
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let history = proptest::collection::vec(step(), 1..10);
    let outcome = TestRunner::new(config).run(&history, |steps| {
        runtime.block_on(async {
            let shop = Shop::open().await;
            shop.crm.define("tag", json!({ "search": "exact" })).await;
            shop.patch_base(
                json!({ "family_name": null, "given_name": null, "preferred_email": null }),
            )
            .await;
            let mut model = Model::default();
            for step in &steps {
                send(&shop, step).await;
                model.take(step);
            }
            compare(&shop, &model).await;
            shop.service.check().await;
        });
        Ok(())
    });
    outcome.unwrap();
}
