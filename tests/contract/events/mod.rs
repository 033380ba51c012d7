//! Change events: what the stream function makes of the table's stream, and `kith serve` of its
//! notes.

mod bridge;
mod publishing;
mod replaying;
mod serving;

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};
use stream::{Event, EventSink, StreamBatch, handle};
use tests::{Service, TENANT};

/// A sink that keeps all events except those of the users in `refused`.
#[derive(Debug, Default)]
pub struct Told {
    events: Mutex<Vec<Event>>,
    refused: Mutex<BTreeSet<String>>,
}

impl Told {
    /// Refuses these users from now on.
    pub fn refuse(&self, ids: &[&str]) {
        *self.refused.lock().unwrap() = ids.iter().map(|id| (*id).to_owned()).collect();
    }

    /// The events since the last call, as `user.created <id> <version>`.
    pub fn take(&self) -> Vec<String> {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        events
            .iter()
            .map(|event| {
                let detail = &event.detail;
                said(event.kind.as_str(), &detail.user().to_string(), detail.number())
            })
            .collect()
    }
}

impl EventSink for Told {
    async fn publish(&self, events: &[Event]) -> Vec<usize> {
        let refused = self.refused.lock().unwrap().clone();
        let (failed, told): (Vec<_>, Vec<_>) = events
            .iter()
            .enumerate()
            .partition(|(_, event)| refused.contains(&event.detail.user().to_string()));
        self.events.lock().unwrap().extend(told.into_iter().map(|(_, event)| event.clone()));
        failed.into_iter().map(|(position, _)| position).collect()
    }
}

/// An event in short.
pub fn said(kind: &str, id: &str, version: u64) -> String {
    format!("{kind} {id} {version}")
}

/// A record of the stream about a user.
pub fn record(sequence: u64, name: &str, id: &str) -> Value {
    record_of(sequence, name, &format!("T#{TENANT}#U#{id}"), "PROFILE")
}

/// A record of the stream about an item.
pub fn record_of(sequence: u64, name: &str, pk: &str, sk: &str) -> Value {
    let keys = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    json!({
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": keys, "SequenceNumber": sequence.to_string(), "StreamViewType": "KEYS_ONLY"
        },
    })
}

/// Lets the function work on records; returns the sequence numbers that it answers.
pub async fn hand(service: &Service, records: &[Value], sink: &impl EventSink) -> Vec<String> {
    let batch: StreamBatch = serde_json::from_value(json!({ "Records": records })).unwrap();
    let answer = serde_json::to_value(handle(&service.table, batch, sink).await).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}
