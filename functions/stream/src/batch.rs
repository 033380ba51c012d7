//! The batches of a DynamoDB stream that Lambda passes to the function, and the answers that Lambda
//! expects.

use serde::{Deserialize, Serialize};
use shared::store::Table;

use crate::{EventSink, Unpublished, UserChange, publish};

/// Records of one shard of the stream, oldest first.
#[derive(Debug, Deserialize)]
pub struct StreamBatch {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
}

/// A record. Missing members count as empty, so that one malformed record does not hold up the
/// others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StreamRecord {
    #[serde(rename = "eventName")]
    name: String,
    dynamodb: StreamImage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct StreamImage {
    keys: Keys,
    sequence_number: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Keys {
    pk: TextValue,
    sk: TextValue,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TextValue {
    #[serde(rename = "S")]
    text: String,
}

/// The response to Lambda: the sequence number from which it retries. An empty one means the whole
/// batch.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct BatchFailures {
    /// The first record that was not published, if there is one.
    #[serde(rename = "batchItemFailures")]
    pub first: Vec<BatchItemFailure>,
    /// Whether it can be published when the table and the bus can be reached again.
    #[serde(skip)]
    pub may_pass: bool,
}

/// A record that was not published.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct BatchItemFailure {
    /// Its sequence number.
    #[serde(rename = "itemIdentifier")]
    pub sequence: String,
}

/// Publishes the changes of a batch. Records of other items, and removals, are skipped. A failure
/// does not stop the others from being published; the answer is the first one.
pub async fn handle(table: &Table, batch: StreamBatch, sink: &impl EventSink) -> BatchFailures {
    let due = |record: StreamRecord| {
        let Keys { pk, sk } = &record.dynamodb.keys;
        let written = record.name != "REMOVE";
        let change = UserChange::of(&pk.text, &sk.text, record.name == "INSERT");
        change.filter(|_| written).map(|change| (record, change))
    };
    let (records, changes): (Vec<_>, Vec<_>) = batch.records.into_iter().filter_map(due).unzip();
    let Unpublished { delayed, unreadable } = publish(table, &changes, sink).await;
    let first = delayed.first().into_iter().chain(unreadable.first()).min();
    tracing::info!(
        operation = "publish",
        changes = changes.len(),
        delayed = delayed.len(),
        unreadable = unreadable.len()
    );
    let first = first.and_then(|position| records.get(*position));
    let sequence = |record: &StreamRecord| BatchItemFailure {
        sequence: record.dynamodb.sequence_number.clone(),
    };
    BatchFailures {
        first: first.map(sequence).into_iter().collect(),
        may_pass: !delayed.is_empty(),
    }
}
