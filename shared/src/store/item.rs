//! Items: the attributes that the service's items have, typed.
//!
//! | attribute | type | of |
//! |---|---|---|
//! | `pk`, `sk` | S | every item |
//! | `doc` | S | the content, as JSON text: numbers keep their digits and the tag covers exactly what is stored |
//! | `version`, `rev` | N | versioned items |
//! | `etag` | S | versioned items |
//! | `writes` | B | versioned items: the ids of the last 16 writes, 8 bytes each |
//! | `ix` | L of S | users and system profiles: the look-ups they own |
//! | `holder` | S | look-up items: the user that holds the value |
//! | `forward` | S | children that own a look-up: the look-up's partition key |
//! | `mapping` | S | subject mappings in their user's partition: the id |
//! | `child` | S | look-ups of subject mappings: the sort key in the user's partition |
//! | `claim` | S | trusted issuers: the claim that names the tenant |
//! | `unlinked` | BOOL | base profile ids whose sign-ins are refused |
//! | `users` | SS | e-mail items: the users who have the address |
//! | `used` | BOOL | definitions that were ever assigned |
//! | `unheld` | L of S | attribute definitions: deprecated values that no user holds |
//! | `deprecated` | BOOL | definitions that take no new assignments |
//! | `deleted_at` | S | tombstones |
//! | `sealed` | B | idempotency records, audit entries, passwords |
//! | `signed_out` | N | users: the version that ended all sessions of the person |
//! | `counted` | N | counters of failures and attempts |
//! | `next_at` | N | counters of attempts: when the next one may be made, in milliseconds |
//! | `profile` | S | idempotency records: the system profile that the answer shows |
//! | `secret` | S | keys of the service |
//! | `audit` | B | users, tombstones, heads of a ledger: the last audit entry of the chain |
//! | `salt`, `mac` | B | audit entries |
//! | `expires_at` | N | items with an end, in seconds; after it the item counts as absent, even if it is not removed yet (rule D8) |
//! | `gsi1pk`, `gsi1sk` | S | items in the index |

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::Key;
use crate::domain::error::{Error, Result};
use crate::domain::id::UserId;
use crate::domain::versioned::{Tag, Version, Versioned, WriteLog, content};
use crate::env::Timestamp;

/// An item, as it was read or as it will be put.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item(HashMap<String, AttributeValue>);

impl Item {
    /// An item with nothing but its key.
    #[must_use]
    pub fn at(key: &Key) -> Self {
        Self::default().text("pk", key.pk()).text("sk", key.sk())
    }

    /// Wraps what DynamoDB answered.
    #[must_use]
    pub const fn stored(attributes: HashMap<String, AttributeValue>) -> Self {
        Self(attributes)
    }

    /// The attributes in the form that DynamoDB takes.
    #[must_use]
    pub fn into_attributes(self) -> HashMap<String, AttributeValue> {
        self.0
    }

    /// The bytes of the attributes, about as DynamoDB counts them.
    #[must_use]
    pub fn size(&self) -> usize {
        fn of(value: &AttributeValue) -> usize {
            match value {
                AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
                AttributeValue::B(bytes) => bytes.as_ref().len(),
                AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
                AttributeValue::L(values) => values.iter().map(|value| 1 + of(value)).sum(),
                _ => 1,
            }
        }
        self.0.iter().map(|(name, value)| name.len() + of(value)).sum()
    }

    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// Sets a text attribute.
    #[must_use]
    pub fn text(self, name: &str, value: impl Into<String>) -> Self {
        self.with(name, AttributeValue::S(value.into()))
    }

    /// Sets a binary attribute.
    #[must_use]
    pub fn bytes(self, name: &str, value: Vec<u8>) -> Self {
        self.with(name, AttributeValue::B(Blob::new(value)))
    }

    /// Sets a number that is there unless it is zero.
    #[must_use]
    pub(super) fn number(self, name: &str, value: u64) -> Self {
        if value == 0 { self } else { self.with(name, AttributeValue::N(value.to_string())) }
    }

    /// Sets a list of texts.
    #[must_use]
    pub fn texts(self, name: &str, values: impl IntoIterator<Item = String>) -> Self {
        let list = values.into_iter().map(AttributeValue::S).collect();
        self.with(name, AttributeValue::L(list))
    }

    /// Sets the time after which the item counts as absent.
    #[must_use]
    pub fn expiring(self, at: Timestamp) -> Self {
        self.with("expires_at", AttributeValue::N(at.seconds().to_string()))
    }

    /// Puts the item into the index.
    #[must_use]
    pub fn listed(self, pk: impl Into<String>, sk: impl Into<String>) -> Self {
        self.text("gsi1pk", pk).text("gsi1sk", sk)
    }

    /// Sets the content, and the version and tag that guard its next write.
    #[must_use]
    pub fn versioned<T: Serialize>(self, value: &Versioned<T>) -> Self {
        // INVARIANT: the content is JSON, which is UTF-8.
        let doc = String::from_utf8(content(&value.value)).unwrap_or_default();
        self.text("doc", doc)
            .with("version", AttributeValue::N(value.version.0.to_string()))
            .with("rev", AttributeValue::N(value.rev.to_string()))
            .text("etag", value.tag.as_str())
            .with("writes", AttributeValue::B(Blob::new(value.log.as_bytes())))
    }

    /// Sets what guards the next write of an item without content.
    #[must_use]
    pub fn guarded(self, version: Version, log: &WriteLog) -> Self {
        self.with("version", AttributeValue::N(version.0.to_string()))
            .with("writes", AttributeValue::B(Blob::new(log.as_bytes())))
    }

    /// Sets a mark that is there or not.
    #[must_use]
    pub fn marked(self, name: &str, mark: bool) -> Self {
        if mark { self.with(name, AttributeValue::Bool(true)) } else { self }
    }

    /// Whether the item has a mark.
    #[must_use]
    pub fn is_marked(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Keeps the ids of its writes, so that one whose answer was lost is found again (rule I2).
    #[must_use]
    pub fn logged(self) -> Self {
        self.with("writes", AttributeValue::B(Blob::new(WriteLog::default().as_bytes())))
    }

    /// Appends the id of the write that puts the item to its log.
    pub(super) fn log_write(&mut self, id: crate::domain::versioned::WriteId) {
        if self.0.contains_key("writes") {
            let log = self.log().with(id);
            self.0.insert("writes".to_owned(), AttributeValue::B(Blob::new(log.as_bytes())));
        }
    }

    /// The item's key.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::stored(
            self.get_text("pk").unwrap_or_default(),
            self.get_text("sk").unwrap_or_default(),
        )
    }

    /// A text attribute.
    #[must_use]
    pub fn get_text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
    }

    /// The user that the item belongs to, or that holds its value.
    #[must_use]
    pub fn owner(&self) -> Option<UserId> {
        self.get_text("holder")?.parse().ok()
    }

    /// A binary attribute.
    #[must_use]
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).and_then(|value| value.as_b().ok()).map(AsRef::as_ref)
    }

    /// A list of texts.
    #[must_use]
    pub fn get_texts(&self, name: &str) -> Vec<&str> {
        let list = self.0.get(name).and_then(|value| value.as_l().ok());
        list.into_iter()
            .flatten()
            .filter_map(|value| value.as_s().ok())
            .map(String::as_str)
            .collect()
    }

    /// A set of texts.
    #[must_use]
    pub fn get_set(&self, name: &str) -> &[String] {
        self.0.get(name).and_then(|value| value.as_ss().ok()).map(Vec::as_slice).unwrap_or_default()
    }

    /// A number.
    pub(super) fn get_number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    /// The time past which the item is gone, if it ends.
    #[must_use]
    pub fn ends(&self) -> Option<Timestamp> {
        let seconds = self.get_number("expires_at")?;
        Some(Timestamp::from_millis(0).plus_seconds(i64::try_from(seconds).ok()?))
    }

    /// Whether the item is past its time at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.0
            .get("expires_at")
            .and_then(|value| value.as_n().ok())
            .and_then(|text| text.parse::<i64>().ok())
            .is_some_and(|at| at <= now.seconds())
    }

    /// Whether the item is the tombstone of a deleted user.
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        self.0.contains_key("deleted_at")
    }

    /// Whether the definition was ever assigned.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.0.contains_key("used")
    }

    /// The item's version, if it has one.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.get_number("version").map(Version)
    }

    /// The ids of the last writes.
    #[must_use]
    pub fn log(&self) -> WriteLog {
        let bytes = self.0.get("writes").and_then(|value| value.as_b().ok());
        WriteLog::stored(bytes.map(|blob| blob.as_ref().to_vec()).unwrap_or_default())
    }

    /// Reads the content, and the version and tag that guard its next write.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Versioned<T>> {
        let broken =
            || Error::unexpected(format_args!("an item of `{}` lacks its guards", self.kind()));
        let doc = self.get_text("doc").ok_or_else(broken)?;
        let value = serde_json::from_str(doc).map_err(|error| {
            // The parser's own message may quote a value.
            let (kind, column) = (self.kind(), error.column());
            Error::unexpected(format_args!(
                "cannot read a stored item of `{kind}` at column {column}"
            ))
        })?;
        Ok(Versioned {
            value,
            version: self.version().ok_or_else(broken)?,
            rev: self.get_number("rev").ok_or_else(broken)?,
            tag: Tag::stored(self.get_text("etag").ok_or_else(broken)?.to_owned()),
            log: self.log(),
        })
    }

    /// The kind of the item, without any value, for messages.
    fn kind(&self) -> String {
        let pk = self.get_text("pk").unwrap_or_default();
        pk.split('#').filter(|part| part.len() == 1).collect::<Vec<_>>().join("#")
    }
}
