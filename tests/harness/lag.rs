//! An index that is behind its table: what a write put into it shows, and what it took out of it
//! goes, some time after the write.
//!
//! The listing is answered from what was written since the lag began, each write of a user at a
//! time of its own and never an older one after a newer. The clock is the stopped one, so nothing
//! shows before a test moves it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use shared::env::Clock;

use crate::faults::RecordedCall;

/// A write of a user.
#[derive(Debug)]
struct RecordedWrite {
    shown_at: i64,
    pk: String,
    sort: String,
}

/// The index as it is seen.
#[derive(Debug)]
pub(crate) struct Lag {
    clock: Clock,
    seed: u64,
    millis: Range<u64>,
    /// The writes of each user, by partition and version.
    written: HashMap<String, BTreeMap<u64, RecordedWrite>>,
}

impl Lag {
    /// An index whose entries show so many milliseconds after their writes, each after a time of
    /// its own.
    pub(crate) fn new(clock: Clock, seed: u64, millis: Range<u64>) -> Self {
        Self { clock, seed, millis, written: HashMap::new() }
    }

    /// Lets what is written from now on be behind by other times.
    pub(crate) fn change(&mut self, seed: u64, millis: Range<u64>) {
        (self.seed, self.millis) = (seed, millis);
    }

    /// Notes what a call has written.
    pub(crate) fn note(&mut self, seen: &RecordedCall) {
        let single = seen.body.get("Item").filter(|_| seen.operation == "PutItem");
        let members =
            seen.body.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
        let put: Vec<_> =
            members.filter_map(|member| member.get("Put")?.get("Item")).chain(single).collect();
        for item in put {
            let (Some(key), Some("PROFILE")) = (text(item, "pk"), text(item, "sk")) else {
                continue;
            };
            let version = item["version"]["N"]
                .as_str()
                .and_then(|version| version.parse().ok())
                .expect("a version");
            let late = self.millis.start
                + mix(self.seed ^ mix(version) ^ hash(key)) % (self.millis.end - self.millis.start);
            let written = RecordedWrite {
                shown_at: self.clock.now().millis() + i64::try_from(late).expect("a short time"),
                pk: text(item, "gsi1pk").unwrap_or_default().to_owned(),
                sort: text(item, "gsi1sk").unwrap_or_default().to_owned(),
            };
            self.written.entry(key.to_owned()).or_default().insert(version, written);
        }
    }

    /// The answer to a query of the listing; `None` to any other call.
    pub(crate) fn answer(&self, seen: &RecordedCall) -> Option<HttpResponse> {
        let body = &seen.body;
        let values = body.get("ExpressionAttributeValues")?;
        let pk = text(values, ":pk")
            .filter(|pk| pk.contains("#L#") && body.get("IndexName").is_some())?;
        let now = self.clock.now().millis();
        let shown = self.written.iter().filter_map(|(user, written)| {
            let shown = written.values().rfind(|written| written.shown_at <= now)?;
            (shown.pk == pk).then_some((shown.sort.as_str(), user.as_str()))
        });
        let condition = body["KeyConditionExpression"].as_str().unwrap_or_default();
        let bound = text(values, ":bound");
        let after = body
            .get("ExclusiveStartKey")
            .map(|key| (text(key, "gsi1sk").unwrap(), text(key, "pk").unwrap()));
        let mut entries: Vec<_> = shown
            .filter(|(sort, _)| {
                bound.is_none_or(|bound| {
                    if condition.contains(">=") { *sort >= bound } else { *sort < bound }
                })
            })
            .filter(|entry| after.is_none_or(|after| *entry > after))
            .collect();
        entries.sort_unstable();
        let limit = body["Limit"]
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usize::MAX);
        entries.truncate(limit);
        let key = |(sort, user): &(&str, &str)| {
            json!({
                "pk": { "S": user }, "sk": { "S": "PROFILE" }, "gsi1pk": { "S": pk },
                "gsi1sk": { "S": sort }
            })
        };
        let items: Vec<_> = entries.iter().map(key).collect();
        let mut answer = json!({
            "Count": items.len(), "ScannedCount": items.len(), "Items": items,
            "ConsumedCapacity": { "TableName": body["TableName"], "CapacityUnits": 0.5 },
        });
        if let Some(last) = entries.last().filter(|_| entries.len() == limit) {
            answer["LastEvaluatedKey"] = key(last);
        }
        let mut response = HttpResponse::new(
            StatusCode::try_from(200).expect("a status"),
            SdkBody::from(answer.to_string()),
        );
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        Some(response)
    }
}

fn text<'v>(item: &'v Value, name: &str) -> Option<&'v str> {
    item.get(name)?.get("S")?.as_str()
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)))
}

/// Spreads the bits of a number (`SplitMix64`).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
