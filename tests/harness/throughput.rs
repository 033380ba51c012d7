//! The write throughput of one partition: DynamoDB lets 1000 units a second through for one
//! partition key. It may save what was not used, which nobody can count on. And transactions that
//! take long.

use std::collections::HashMap;

use serde_json::Value;
use shared::env::Clock;
use tokio::time::Instant;

use crate::faults::RecordedCall;

/// Transactions that take time of a stopped clock.
#[derive(Debug)]
pub(crate) struct SlowTransactions {
    pub(crate) clock: Clock,
    /// A text that every slow transaction contains.
    pub(crate) naming: String,
    pub(crate) seconds: i64,
}

impl SlowTransactions {
    /// Moves the clock if the call is one of them.
    pub(crate) fn spend(&self, call: &RecordedCall) {
        if call.operation == "TransactWriteItems" && call.body.to_string().contains(&self.naming) {
            self.clock.advance(self.seconds);
        }
    }
}

/// How many bytes one write unit has.
const UNIT: usize = 1024;

/// The partitions of a table, each with the units that it may still write at a time.
#[derive(Debug)]
pub(crate) struct Throughput {
    per_second: f64,
    partitions: HashMap<String, (f64, Instant)>,
}

impl Throughput {
    /// A limit in units of a second. A partition has the units of one second at its first write.
    pub(crate) fn new(per_second: f64) -> Self {
        Self { per_second, partitions: HashMap::new() }
    }

    /// Whether a call may pass. A call that passes takes its units, even if fewer remain.
    pub(crate) fn admits(&mut self, call: &RecordedCall) -> bool {
        let Some(puts) = puts(call) else { return true };
        let now = Instant::now();
        for (partition, _) in &puts {
            let (left, at) =
                self.partitions.entry(partition.clone()).or_insert((self.per_second, now));
            let gained = now.duration_since(*at).as_secs_f64() * self.per_second;
            (*left, *at) = ((*left + gained).min(self.per_second), now);
        }
        let admits = puts.iter().all(|(partition, _)| self.partitions[partition].0 > 0.0);
        for (partition, units) in puts.into_iter().filter(|_| admits) {
            self.partitions.entry(partition).and_modify(|(left, _)| *left -= units);
        }
        admits
    }
}

/// The puts of a call: partition keys and units.
fn puts(call: &RecordedCall) -> Option<Vec<(String, f64)>> {
    let (items, factor): (Vec<&Value>, f64) = match call.operation.as_str() {
        "PutItem" => (vec![&call.body["Item"]], 1.0),
        "TransactWriteItems" => {
            let members = call.body["TransactItems"].as_array()?;
            (members.iter().map(|member| &member["Put"]["Item"]).collect(), 2.0)
        }
        _ => return None,
    };
    let puts = items.into_iter().filter_map(|item| {
        let partition = item["pk"]["S"].as_str()?.to_owned();
        let units = u32::try_from(item.to_string().len().div_ceil(UNIT)).unwrap_or(u32::MAX);
        Some((partition, f64::from(units) * factor))
    });
    Some(puts.collect())
}
