//! The form of events (rule AU-14). The schemas are those of OCSF: `ocsf/README.md`.

use jsonschema::Validator;
use serde_json::{Value, json};
use shared::domain::Version;
use shared::domain::audit::{Chain, Entry, ExportedEntry, LedgerChain, OCSF, Operation};
use shared::domain::id::UserId;
use tests::person;

use super::{Scene, tenant};

const USER: &str = "0192f3c1-5a00-7000-8000-000000000001";
const CLIENT: &str = "acme.000102030405060708090a0b0c0d0e0f";

/// The validators of the classes.
struct Schemas([(u64, Validator); 3]);

impl Schemas {
    fn read() -> Self {
        let schema = |text: &str| {
            let schema: Value = serde_json::from_str(text).unwrap();
            jsonschema::draft202012::new(&schema).unwrap()
        };
        Self([
            (3001, schema(include_str!("ocsf/account_change.json"))),
            (3004, schema(include_str!("ocsf/entity_management.json"))),
            (3005, schema(include_str!("ocsf/user_access.json"))),
        ])
    }

    /// Asserts that an event follows the schema of its class, and that its numbers agree.
    #[track_caller]
    fn check(&self, event: &Value) {
        let number = |name: &str| event[name].as_u64().unwrap();
        let (class, activity) = (number("class_uid"), number("activity_id"));
        assert_eq!(number("type_uid"), class * 100 + activity, "{event}");
        assert_eq!(event["metadata"]["version"], OCSF);
        // OCSF: an activity that is none of the class is named by its source.
        let is_other = event["activity_name"] == event["message"];
        assert_eq!(activity == 99, is_other, "{event}");
        let (_, schema) = self.0.iter().find(|(uid, _)| *uid == class).expect("a known class");
        let errors: Vec<_> = schema.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {event}");
    }
}

/// What an operation is done to, what of it changes, and its chain.
fn about(operation: Operation) -> (Option<&'static str>, &'static [&'static str], Chain) {
    let user = Chain::User(USER.parse::<UserId>().unwrap());
    let ledger = Chain::Ledger(LedgerChain::Configuration);
    let settings = Chain::Ledger(LedgerChain::Settings);
    let read = Chain::Ledger(LedgerChain::Reads(3));
    let name = operation.name();
    match name.split('.').next().unwrap() {
        "user" if operation == Operation::UserForget => {
            (Some(USER), &[], Chain::Ledger(LedgerChain::Forgets(10)))
        }
        "user" | "consent" => (None, &["/username", "/attributes/0192f3c1"], user),
        "persona" if operation == Operation::PersonaPrefer => (None, &["/preferred"], user),
        "persona" => (None, PERSONA, user),
        "principal" => (None, &["/principals/login"], user),
        "subject" => (None, &["/subjects/login/0192f3c1"], user),
        "profile" => (None, &["/systems/crm/attributes/desk", "/systems/crm/id"], user),
        "config" => (Some("attribute-definitions/0192f3c1"), &["/deprecated"], ledger),
        "client" => (Some("clients/acme.000102030405060708090a0b0c0d0e0f"), &["/name"], ledger),
        "tenant" if operation == Operation::TenantCreate => (Some("acme"), &[], settings),
        "tenant" => (Some("audit"), &["/level"], settings),
        "key" => (Some("keys/0192f3c1"), &[], ledger),
        "audit" => (Some(USER), &[], read),
        "export" => (Some("list_users"), &[], read),
        _ => panic!("{name} is not known here"),
    }
}

const PERSONA: &[&str] = &[
    "/personas/0192f3c1-5a00-7000-8000-000000000002/status",
    "/personas/0192f3c1-5a00-7000-8000-000000000002/attributes/0192f3c1",
];

/// An entry of an operation.
fn entry(operation: Operation, target: Option<&str>, pointers: &[&str]) -> Entry {
    let change = |pointer: &&str| json!({ "pointer": pointer, "kind": "changed" });
    let changes: Vec<_> = pointers.iter().map(change).collect();
    serde_json::from_value(json!({
        "at": "2026-11-21T10:00:00.000Z",
        "operation": operation,
        "actor": { "kind": "client", "id": CLIENT },
        "request_id": "0192f3c1-request",
        "target": target,
        "changes": changes,
    }))
    .unwrap()
}

#[test]
fn au14_each_operation_has_an_event_that_follows_the_schema() {
    let schemas = Schemas::read();
    let mut events = Vec::new();
    for operation in Operation::ALL {
        let (target, pointers, chain) = about(operation);
        let entry = entry(operation, target, pointers);
        let exported = ExportedEntry { chain, sequence: Version(7), mac: &[7; 32], entry: &entry };
        let event = exported.to_ocsf(&tenant());
        schemas.check(&event);
        events.push(format!("{operation}\n{event:#}"));
    }
    insta::assert_snapshot!(events.join("\n\n"));
}

#[test]
fn au14_settings_and_all_keys_are_those_of_the_tenant_and_a_search_is_of_its_audit() {
    let schemas = Schemas::read();
    for (operation, target, kind) in [
        (Operation::TenantSettings, Some("audit"), "audit"),
        (Operation::TenantCreate, Some("acme"), "tenant"),
        (Operation::KeyRotate, Some("keys"), "keys"),
        (Operation::AuditRead, None, "audit"),
    ] {
        let entry = entry(operation, target, &[]);
        let chain = Chain::Ledger(LedgerChain::Settings);
        let exported = ExportedEntry { chain, sequence: Version(1), mac: &[], entry: &entry };
        let event = exported.to_ocsf(&tenant());
        schemas.check(&event);
        assert_eq!(event["entity"], json!({ "type": kind, "type_id": 99, "uid": "acme" }));
    }
}

#[test]
fn au14_each_actor_and_each_way_has_its_form() {
    let schemas = Schemas::read();
    let mut events = Vec::new();
    let approval = json!({
        "kind": "approval", "id": USER, "requester": { "kind": "person", "id": USER }
    });
    for (actor, via) in [
        (json!({ "kind": "person", "id": USER }), Some(approval)),
        (json!({ "kind": "service" }), Some(json!({ "kind": "workflow" }))),
        (json!({ "kind": "operator" }), None),
        (
            json!({ "kind": "client", "id": CLIENT }),
            Some(json!({ "kind": "import", "id": USER, "row": 3 })),
        ),
    ] {
        let mut entry =
            serde_json::to_value(entry(Operation::UserChange, None, &["/username"])).unwrap();
        entry["actor"] = actor;
        entry["via"] = json!(via);
        let entry: Entry = serde_json::from_value(entry).unwrap();
        let chain = Chain::User(USER.parse().unwrap());
        let exported = ExportedEntry { chain, sequence: Version(1), mac: &[], entry: &entry };
        let event = exported.to_ocsf(&tenant());
        schemas.check(&event);
        events.push(format!("{:#}\n{:#}", event["actor"], event["unmapped"]));
    }
    insta::assert_snapshot!(events.join("\n\n"));
}

#[tokio::test]
async fn au08_au14_exported_lines_follow_the_schema_and_hold_no_values() {
    let scene = Scene::open().await;
    let (setting, person_with) = scene.service.person_with_everything().await;
    let reason = "Zwaluwnest";
    let change = json!({ "given_name": "Roodborst" });
    let change = setting.boss.patch(&person_with.user.path, change).if_match("*");
    change.header("kith-reason", reason).await.is(200);
    let jan = setting.boss.create("/identity/users", person("jan")).await;
    scene.next_hour().await;
    setting.boss.clone().with_token().await.delete(&person_with.user.path).await.is(204);
    scene.next_hour().await;
    let schemas = Schemas::read();
    let lines = scene.lines();
    for line in &lines {
        schemas.check(line);
    }
    let operations: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    for operation in
        ["user.create", "subject.create", "consent.grant", "config.create", "user.forget"]
    {
        assert!(operations.contains(&operation), "{operation}: {operations:?}");
    }
    assert_eq!(scene.operations(&jan.id), ["user.create 1"]);
    let words = person_with.words.iter().map(String::as_str);
    for word in words.chain([reason, "Roodborst"]) {
        for (key, text) in scene.files() {
            let found = text.to_lowercase().contains(&word.to_lowercase());
            assert!(!found, "`{word}` is in {key}");
        }
    }
    // What is exported outlives the person, and still verifies.
    assert_eq!(scene.faults().await, [""; 0]);
    assert!(!scene.operations(&person_with.user.id).is_empty());
}
