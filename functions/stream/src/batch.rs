//! What Lambda hands over of a DynamoDB stream, and what it wants to hear.

use serde::{Deserialize, Serialize};
use shared::store::{Table, keys};

use crate::{Change, Sink, Untold, publish};

/// Records of one shard of the stream, oldest first.
#[derive(Debug, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

/// A record. What is missing is empty: one strange record must not keep the others back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    #[serde(rename = "eventName")]
    name: String,
    dynamodb: Image,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Image {
    keys: Keys,
    sequence_number: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Keys {
    pk: Text,
    sk: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

/// Where Lambda has to begin again: at the lowest of these sequence numbers. An empty one means the
/// whole batch.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Failures {
    /// The first record that was not told of, if there is one.
    #[serde(rename = "batchItemFailures")]
    pub first: Vec<Failure>,
    /// Whether it will be told of when the table and the bus can be reached again.
    #[serde(skip)]
    pub may_pass: bool,
}

/// A record that was not told of.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its sequence number.
    #[serde(rename = "itemIdentifier")]
    pub sequence: String,
}

/// Tells of the users that a batch names. What does not belong to a user, or is a removal (of a
/// tombstone after its time), is passed over. All that can be told is told, whatever fails; the
/// answer is where the first failure was.
pub async fn handle(table: &Table, batch: Batch, sink: &impl Sink) -> Failures {
    let due =
        |record: &Record| record.name != "REMOVE" && record.dynamodb.keys.sk.text == keys::PROFILE;
    let records: Vec<_> = batch.records.into_iter().filter(due).collect();
    let change = |record: &Record| Change {
        partition: record.dynamodb.keys.pk.text.clone(),
        inserted: record.name == "INSERT",
    };
    let changes: Vec<_> = records.iter().map(change).collect();
    let Untold { delayed, unreadable } = publish(table, &changes, sink).await;
    let first = delayed.first().into_iter().chain(unreadable.first()).min();
    tracing::info!(
        operation = "publish",
        changes = changes.len(),
        delayed = delayed.len(),
        unreadable = unreadable.len()
    );
    let first = first.and_then(|position| records.get(*position));
    let sequence = |record: &Record| Failure { sequence: record.dynamodb.sequence_number.clone() };
    Failures { first: first.map(sequence).into_iter().collect(), may_pass: !delayed.is_empty() }
}
