//! Self service: what a person may see and change of the own profile (rules A3, P3, P4).
//!
//! No route lets a person in yet, so the rules are asked directly.

use serde_json::{Value, json};
use shared::domain::definition::{
    AttributeDefinition, COMMON, Category, Definition, PersonaDefinition, Predefined,
};
use shared::domain::hashing::Hashes;
use shared::domain::id::DefinitionId;
use shared::domain::persona::Persona;
use shared::domain::schema::{Schema, StoredDefinition};
use shared::domain::user::User;
use shared::domain::{Error, Json, Result, Versioned, View, Violation, Violations, WriteContext};
use shared::env::Env;

/// A tenant with attributes `open`, `fixed` (Read Only) and `secret` (Hidden), each once as TEXT
/// and once as EMAIL, and `given_name` Read Only and `id_at_customer` Hidden; a persona definition
/// lists them all; and a user with all of them.
struct Desk {
    schema: Schema,
    env: Env,
    hashes: Hashes,
    user: User,
}

fn parsed(value: &Value) -> Json {
    Json::parse(value.to_string().as_bytes()).unwrap()
}

fn entry<T: Definition>(value: T) -> StoredDefinition<T> {
    StoredDefinition {
        stored: Versioned::first(value),
        used: false,
        unheld: Vec::new(),
        built_in: false,
    }
}

impl Desk {
    fn new() -> Self {
        let env = Env::default();
        let mut schema = Schema::empty("acme".parse().unwrap());
        let category = Category {
            id: DefinitionId::new(env.new_uuid()),
            name: COMMON.to_owned(),
            display_name: None,
        };
        schema.categories.insert(category.id.to_string(), entry(category));
        for (name, property) in
            [("open", None), ("fixed", Some("read_only")), ("secret", Some("hidden"))]
        {
            for (suffix, format) in [("", "TEXT"), ("-mail", "EMAIL"), ("-pin", "SEARCHABLE_HASH")]
            {
                let mut body = json!({
                    "category": COMMON, "name": format!("{name}{suffix}"), "data_format": format
                });
                if let Some(property) = property {
                    body[property] = json!(true);
                }
                let definition =
                    AttributeDefinition::read(parsed(&body), None, &schema, &env).unwrap();
                schema.attributes.insert(definition.id.to_string(), entry(definition));
            }
        }
        for (field, property) in
            [(Predefined::GivenName, "read_only"), (Predefined::IdAtCustomer, "hidden")]
        {
            let mut definition = schema.predefined(field).unwrap().clone();
            definition.read_only = property == "read_only";
            definition.hidden = property == "hidden";
            schema.attributes.insert(definition.id.to_string(), entry(definition));
        }
        let listed: Vec<_> = schema.custom_attributes().map(|a| a.id.to_string()).collect();
        let role = parsed(&json!({ "name": "role", "attributes": listed }));
        let role = PersonaDefinition::read(role, None, &schema, &env).unwrap();
        schema.personas.insert(role.id.to_string(), entry(role));
        schema.hash_key = Some(shared::domain::schema::HashKey::derive(b"key", &schema.tenant));
        let hashes = Hashes::default();
        let attributes = json!({ "common": {
            "open": ["o"], "fixed": ["f"], "secret": ["s"], "open-mail": ["o@x.org"],
            "fixed-mail": ["f@x.org"],
            "secret-mail": ["s@x.org"], "open-pin": ["o"], "fixed-pin": ["f"], "secret-pin": ["s"],
        } });
        let body = json!({
            "username": "jan", "given_name": "Jan", "id_at_customer": "C-1",
            "attributes": attributes,
            "personas": [{ "name": "role", "attributes": attributes }],
        });
        let context = WriteContext {
            schema: &schema,
            env: &env,
            hashes: &hashes,
            view: View::Administrative,
        };
        let user = User::create(parsed(&body), &context).unwrap();
        Self { schema, env, hashes, user }
    }

    const fn write_context(&self, view: View) -> WriteContext<'_> {
        WriteContext { schema: &self.schema, env: &self.env, hashes: &self.hashes, view }
    }

    /// The person's own patch of the user.
    fn patch(&self, patch: &Value) -> Result<User> {
        self.user.patch(parsed(patch), &self.write_context(View::SelfService))
    }

    fn persona(&self) -> &Persona {
        &self.user.personas[0]
    }

    fn id(&self, name: &str) -> String {
        self.schema.attributes.values().find(|a| a.name == name).unwrap().id.to_string()
    }

    fn shown(&self, view: View) -> Value {
        serde_json::from_str(&Json::Object(self.user.show_to(&self.schema, view)).to_text())
            .unwrap()
    }
}

/// The violations as `<pointer> <code>`, or none.
fn refusals<T>(outcome: Result<T>) -> Vec<String> {
    let Err(error) = outcome else { return Vec::new() };
    let Error::Invalid(violations) = &error else { unreachable!("{error:?}") };
    let code = |v: &Violation| serde_json::to_value(v.code).unwrap().as_str().unwrap().to_owned();
    violations.iter().map(|v| format!("{} {}", v.pointer, code(v))).collect()
}

fn custom(name: &str, value: &Value) -> Value {
    json!({ "attributes": { "common": { name: value } } })
}

#[test]
fn a3_hidden_attributes_are_absent_everywhere() {
    let desk = Desk::new();
    let (own, full) = (desk.shown(View::SelfService), desk.shown(View::Administrative));
    for owner in [&own, &own["personas"][0]] {
        let text = owner.to_string();
        assert!(
            !text.contains("secret") && !text.contains("C-1") && !text.contains("id_at_customer"),
            "{text}"
        );
        for name in ["open", "fixed", "open-mail", "fixed-mail", "open-pin", "fixed-pin"] {
            assert!(!owner["attributes"]["common"][name].is_null(), "{name}");
        }
        assert_eq!(
            owner["attribute_states"]["common"],
            json!({ "fixed-mail": ["PENDING"], "open-mail": ["PENDING"] })
        );
    }
    assert_eq!(full["attributes"]["common"].as_object().unwrap().len(), 9);
    assert_eq!((&full["id_at_customer"], &own["given_name"]), (&json!("C-1"), &json!("Jan")));
}

#[test]
fn a3_what_is_hidden_is_answered_like_what_does_not_exist() {
    let desk = Desk::new();
    for name in ["secret", "secret-mail", "secret-pin"] {
        for value in
            [json!(["x"]), json!([]), Value::Null, json!(["s"]), json!([{ "set": true }]), json!(1)]
        {
            let (hidden, unknown) =
                (desk.patch(&custom(name, &value)), desk.patch(&custom("nothing", &value)));
            let unknown: Vec<_> =
                refusals(unknown).iter().map(|v| v.replace("nothing", name)).collect();
            assert_eq!(refusals(hidden), unknown, "{name} {value}");
        }
    }
    for value in [json!("C-2"), json!("C-1"), Value::Null] {
        let (hidden, unknown) = (
            desk.patch(&json!({ "id_at_customer": value })),
            desk.patch(&json!({ "nothing": value })),
        );
        let unknown: Vec<_> =
            refusals(unknown).iter().map(|v| v.replace("nothing", "id_at_customer")).collect();
        assert_eq!(refusals(hidden), unknown, "{value}");
    }
}

#[test]
fn a3_an_id_of_a_hidden_definition_is_answered_like_one_that_does_not_exist() {
    let desk = Desk::new();
    let by_id = |id: &str, value: &Value| {
        desk.patch(
            &json!({ "attribute_values": [{ "attribute_definition_id": id, "value": value }] }),
        )
    };
    let set = |id: &str, value: &Value| {
        let body = json!({ "attribute_definition_id": id, "value": value });
        desk.persona().set_attribute(parsed(&body), &desk.write_context(View::SelfService))
    };
    let nowhere = "0192f3c1-0000-7000-8000-000000000001";
    for value in [json!(["x"]), json!([]), Value::Null] {
        for name in ["secret", "id_at_customer"] {
            assert_eq!(
                refusals(by_id(&desk.id(name), &value)),
                refusals(by_id(nowhere, &value)),
                "{name} {value}"
            );
        }
        assert_eq!(
            refusals(set(&desk.id("secret"), &value)),
            refusals(set(nowhere, &value)),
            "persona {value}"
        );
    }
}

#[test]
fn a3_hidden_values_outlive_every_change_of_ones_own() {
    let desk = Desk::new();
    let own = parsed(&desk.shown(View::SelfService));
    let patched = desk
        .patch(&json!({ "family_name": "Peeters", "attributes": { "common": { "open": [] } } }))
        .unwrap();
    let replaced = desk.user.replace(own, &desk.write_context(View::SelfService)).unwrap();
    let bare = parsed(&json!({ "username": "jan" }));
    let bare = desk.user.replace(bare, &desk.write_context(View::SelfService)).unwrap();
    assert!(!replaced.differs(&desk.user), "the profile sent back as it was shown");
    for user in [&patched, &replaced, &bare] {
        for name in ["secret", "secret-mail", "secret-pin", "fixed"] {
            let id = desk.id(name).parse().unwrap();
            assert_eq!(user.attributes.get(&id), desk.user.attributes.get(&id), "{name}");
        }
        assert_eq!(
            (user.id_at_customer.as_deref(), user.given_name.as_deref()),
            (Some("C-1"), Some("Jan"))
        );
        assert_eq!(user.personas, desk.user.personas);
    }
    let patch = parsed(&json!({ "valid_from": "2026-01-01T00:00:00Z" }));
    let persona = desk.persona().patch(&patch, &desk.write_context(View::SelfService)).unwrap();
    assert_eq!(persona.attributes, desk.persona().attributes);
}

#[test]
fn a3_read_only_values_may_be_sent_back_and_not_changed_or_removed() {
    let desk = Desk::new();
    for (name, same, other) in [
        ("fixed", json!(["f"]), json!(["x"])),
        ("fixed-mail", json!(["f@x.org"]), json!(["f@x.org", "x@x.org"])),
        ("fixed-pin", json!([{ "set": true }]), json!(["x"])),
    ] {
        assert_eq!(refusals(desk.patch(&custom(name, &same))), Vec::<String>::new(), "{name}");
        assert!(!desk.patch(&custom(name, &same)).unwrap().differs(&desk.user));
        for changed in [other, json!([]), Value::Null] {
            let due = [format!("/attributes/common/{name} read-only")];
            assert_eq!(refusals(desk.patch(&custom(name, &changed))), due, "{changed}");
            let persona = desk
                .persona()
                .patch(&parsed(&custom(name, &changed)), &desk.write_context(View::SelfService));
            assert_eq!(refusals(persona), due, "persona {changed}");
            if !changed.is_null() {
                let body = json!({ "category": "common", "name": name, "value": changed });
                let set = desk
                    .persona()
                    .set_attribute(parsed(&body), &desk.write_context(View::SelfService));
                assert_eq!(refusals(set), ["/value read-only"], "{name} {changed}");
            }
            let item = json!({ "attribute_definition_id": desk.id(name), "value": changed });
            let by_id = desk.patch(&json!({ "attribute_values": [item] }));
            assert_eq!(
                refusals(by_id),
                ["/attribute_values/0/value read-only"],
                "{name} {changed}"
            );
        }
    }
}

#[test]
fn a3_a_predefined_attribute_that_is_read_only_is_neither_changed_nor_removed() {
    let desk = Desk::new();
    assert!(!desk.patch(&json!({ "given_name": "Jan" })).unwrap().differs(&desk.user));
    for changed in [json!("Piet"), Value::Null] {
        assert_eq!(
            refusals(desk.patch(&json!({ "given_name": changed }))),
            ["/given_name read-only"],
            "{changed}"
        );
        let values = if changed.is_null() { json!([]) } else { json!([changed]) };
        let item = json!({ "attribute_definition_id": desk.id("given_name"), "value": values });
        let by_id = desk.patch(&json!({ "attribute_values": [item] }));
        assert_eq!(refusals(by_id), ["/attribute_values/0/value read-only"], "{changed}");
    }
}

#[test]
fn a3_a_person_brings_no_read_only_or_hidden_value_with_a_new_persona() {
    let desk = Desk::new();
    for (name, code) in [("fixed", "read-only"), ("secret", "unknown")] {
        let body = json!({ "name": "role", "attributes": { "common": { name: ["x"] } } });
        let mut violations = Violations::default();
        let id = Some(desk.persona().id);
        let made = Persona::create(
            parsed(&body),
            "",
            id,
            &desk.write_context(View::SelfService),
            &mut violations,
        );
        assert_eq!(refusals(violations.check(made)), [format!("/attributes/common/{name} {code}")]);
    }
}

#[test]
fn a3_machine_clients_change_all_of_it() {
    let desk = Desk::new();
    let patch = json!({
        "given_name": "Piet", "id_at_customer": null,
        "attributes": { "common": { "fixed": ["x"], "secret": ["y"], "secret-pin": [] } },
    });
    let user = desk.user.patch(parsed(&patch), &desk.write_context(View::Administrative)).unwrap();
    assert_eq!((user.given_name.as_deref(), user.id_at_customer), (Some("Piet"), None));
    assert_eq!(user.attributes[&desk.id("secret").parse().unwrap()], ["y"]);
    assert!(!user.attributes.contains_key(&desk.id("secret-pin").parse().unwrap()));
}
