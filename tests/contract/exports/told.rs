//! Events of audit entries: `kith.audit`.

use std::sync::Mutex;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::domain::Version;
use shared::domain::audit::Chain;
use shared::store::Key;
use stream::{Event, EventSink, MAX_POINTERS};
use tests::{Fault, Service, TENANT, person};

use crate::events::{Told, hand, record, record_of, said};

/// A sink that keeps events as subscribers see them.
#[derive(Default)]
struct Seen(Mutex<Vec<Value>>);

impl EventSink for Seen {
    async fn publish(&self, events: &[Event]) -> Vec<usize> {
        let seen = events.iter().map(|event| serde_json::to_value(event).unwrap());
        self.0.lock().unwrap().extend(seen);
        Vec::new()
    }
}

/// A record about an entry of a user.
fn entry(sequence: u64, name: &str, user: &str, version: u64) -> Value {
    record_of(sequence, name, &format!("T#{TENANT}#U#{user}"), &format!("AU#{version:010}"))
}

#[tokio::test]
async fn au08_an_event_of_an_entry_names_fields_and_no_values() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create("/identity/users", person("jan")).await;
    let change = crm.patch(&jan.path, json!({ "given_name": "Roodborst" })).if_match("*");
    change.header("kith-reason", "Zwaluwnest").header("x-request-id", "r-1").await.is(200);
    let seen = Seen::default();
    service.faults.reset();
    assert_eq!(hand(&service, &[entry(1, "INSERT", &jan.id, 2)], &seen).await, [""; 0]);
    let events = seen.0.lock().unwrap().clone();
    let detail = &events[0]["detail"];
    assert_eq!(
        (&events[0]["source"], &events[0]["detail-type"]),
        (&json!("kith"), &json!("kith.audit"))
    );
    assert_eq!(detail["tenant"], TENANT);
    assert_eq!((&detail["user"], &detail["sequence"]), (&json!(jan.id), &json!(2)));
    assert_eq!(detail["operation"], "user.change");
    assert_eq!(detail["actor"], json!({ "kind": "client", "id": crm.id }));
    assert_eq!(detail["pointers"], json!(["/given_name"]));
    assert!(detail["at"].is_string() && detail["request_id"].is_string(), "{detail}");
    let text = events[0].to_string();
    assert!(!text.contains("Roodborst") && !text.contains("Zwaluwnest"), "{text}");
    // What is sealed is not even read.
    let calls = service.faults.seen();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let asked = &calls[0].body["RequestItems"][service.table.name()];
    let names: Vec<_> = asked["ExpressionAttributeNames"].as_object().unwrap().values().collect();
    assert!(names.contains(&&json!("doc")) && !names.contains(&&json!("sealed")), "{names:?}");
}

#[tokio::test]
async fn au08_entries_are_told_beside_the_users_in_the_order_of_the_stream() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let (jan, els) = (crm.create_user("jan").await, crm.create_user("els").await);
    let told = Told::default();
    let consent = "COH#news#shop#0000000007#granted";
    let records = [
        record(1, "INSERT", &jan.id),
        entry(2, "INSERT", &jan.id, 1),
        record(3, "INSERT", &els.id),
        entry(4, "INSERT", &els.id, 1),
        // Entries never change, and end in silence.
        entry(5, "MODIFY", &jan.id, 1),
        entry(6, "REMOVE", &jan.id, 1),
        record_of(7, "INSERT", &format!("T#{TENANT}#AU"), "C#0000000001"),
        record_of(8, "INSERT", &format!("T#{TENANT}#U#{}", jan.id), consent),
    ];
    assert_eq!(hand(&service, &records, &told).await, [""; 0]);
    let due = [
        said("user.created", &jan.id, 1),
        said("kith.audit", &jan.id, 1),
        said("user.created", &els.id, 1),
        said("kith.audit", &els.id, 1),
        said("consent.granted", &jan.id, 7),
    ];
    assert_eq!(told.take(), due);
    // What the sink refuses is where the repeat begins.
    told.refuse(&[&els.id]);
    assert_eq!(hand(&service, &records[..4], &told).await, ["3"]);
    // Who is forgotten has no entries any more.
    crm.delete(&jan.path).await.is(204);
    told.refuse(&[]);
    told.take();
    assert_eq!(hand(&service, &records[1..2], &told).await, [""; 0]);
    assert_eq!(told.take(), [""; 0]);
}

#[tokio::test]
async fn i3_entries_that_cannot_be_read_now_or_ever_are_repeated() {
    let service = Service::start().await;
    let jan = service.crm().await.create_user("jan").await;
    let told = Told::default();
    let records = [entry(8, "INSERT", &jan.id, 1)];
    service.faults.reset();
    service.faults.from(0, Fault::ServerError);
    tokio::time::pause();
    assert_eq!(hand(&service, &records, &told).await, ["8"]);
    tokio::time::resume();
    service.faults.reset();
    assert_eq!(told.take(), [""; 0]);
    assert_eq!(hand(&service, &records, &told).await, [""; 0]);
    assert_eq!(told.take(), [said("kith.audit", &jan.id, 1)]);
    // Somebody has destroyed it.
    let chain = Chain::User(jan.id.parse().unwrap());
    let key = Key::audit_entry(&TENANT.parse().unwrap(), chain, Version(1));
    let mut item = service.table.get(&key).await.unwrap().unwrap().into_attributes();
    item.insert("doc".to_owned(), AttributeValue::S("{".to_owned()));
    service.put_item(item).await;
    assert_eq!(hand(&service, &records, &told).await, ["8"]);
    assert_eq!(told.take(), [""; 0]);
}

#[tokio::test]
async fn au18_an_event_names_the_first_fields_and_counts_the_others() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let many = MAX_POINTERS + 5;
    let mut values = serde_json::Map::new();
    for number in 0..many {
        crm.define(&format!("a{number}"), json!({})).await;
        values.insert(format!("a{number}"), json!(["x"]));
    }
    let body = json!({ "username": "jan", "attributes": { "common": values } });
    let jan = crm.create("/identity/users", body).await;
    let seen = Seen::default();
    assert_eq!(hand(&service, &[entry(1, "INSERT", &jan.id, 1)], &seen).await, [""; 0]);
    let detail = seen.0.lock().unwrap()[0]["detail"].clone();
    assert_eq!(detail["pointers"].as_array().unwrap().len(), MAX_POINTERS);
    assert!(detail["more_pointers"].as_u64().unwrap() > 4, "{detail}");
}
