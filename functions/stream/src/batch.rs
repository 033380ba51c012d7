//! The batches of a DynamoDB stream that Lambda passes to the function, and the answers that Lambda
//! expects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::lambda::StreamRecord;
use shared::store::Table;
use shared::store::keys::Children;

use crate::outgoing::Outgoing;
use crate::{EventSink, Unpublished, UserChange};

/// Records of one shard of the stream, oldest first.
#[derive(Debug, Deserialize)]
pub struct StreamBatch {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
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

/// Publishes the changes of a batch, and its audit entries of users. Records of other items, and
/// removals, are skipped. A failure does not stop the others from being published; the answer is
/// the first one.
pub async fn handle(table: &Table, batch: StreamBatch, sink: &impl EventSink) -> BatchFailures {
    let records = batch.records;
    let (mut changes, mut entries) = (Vec::new(), BTreeMap::new());
    for (position, record) in records.iter().enumerate() {
        if record.is_removal() {
            continue;
        }
        let (key, inserted) = (record.key(), record.is_insert());
        if let Some(change) = UserChange::of(key.pk(), key.sk(), inserted) {
            changes.push((position, change));
            continue;
        }
        if inserted && Children::AuditEntries.include(&key) {
            entries.insert(key, position);
        }
    }
    let (changed, audited) = (changes.len(), entries.len());
    let mut outgoing = Outgoing::default();
    outgoing.add_changes(table, changes.iter().map(|(position, change)| (*position, change))).await;
    outgoing.add_entries(table, entries).await;
    let Unpublished { delayed, unreadable } = outgoing.send(sink).await;
    let first = delayed.first().into_iter().chain(unreadable.first()).min();
    tracing::info!(
        operation = "publish",
        changes = changed,
        audit_entries = audited,
        delayed = delayed.len(),
        unreadable = unreadable.len()
    );
    let first = first.and_then(|position| records.get(*position));
    let sequence =
        |record: &StreamRecord| BatchItemFailure { sequence: record.sequence_number().to_owned() };
    BatchFailures {
        first: first.map(sequence).into_iter().collect(),
        may_pass: !delayed.is_empty(),
    }
}
