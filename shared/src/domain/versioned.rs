//! A stored value, with the version and tag that guard its next write.
//!
//! `version` rises by one with each committed write of an item and guards it; `rev` counts the
//! changes that a reader can see; the tag is a hash of the stored content and `rev`, computed when
//! the value is written and stored beside it, so that reading never hashes and no cache can change
//! it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::json::{Json, Object};

/// The number of committed writes of an item, the first one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub u64);

impl Version {
    /// The version of an item's first write.
    pub const FIRST: Self = Self(1);

    /// The version after one more write.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The version before the last write; `None` before the first.
    #[must_use]
    pub const fn before(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(0) | None => None,
            Some(version) => Some(Self(version)),
        }
    }
}

/// An entity tag without its quotes (RFC 9110 §8.8.3); the service's tags are all strong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// The field of an item that carries its tag.
    pub const FIELD: &'static str = "etag";

    /// The tag of `content` as of its `rev`-th visible change.
    #[must_use]
    pub fn of(content: &[u8], rev: u64) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(&rev.to_be_bytes());
        hash.update(content);
        let digest = hash.finish();
        Self(URL_SAFE_NO_PAD.encode(digest.as_ref().get(..15).unwrap_or_default()))
    }

    /// Wraps a tag read from the table.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// A resource as items of lists show it: with its tag.
    #[must_use]
    pub fn with(&self, mut shown: Object) -> Object {
        shown.insert(Self::FIELD.to_owned(), Json::from(self.to_string()));
        shown
    }

    /// The tag's opaque characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    /// Writes the tag as a header carries it, in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// The ids of an item's last writes, newest last: after a failure that leaves the outcome open,
/// one's own id found here means that the write happened (rule I2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteLog(Vec<u8>);

/// The id of one write attempt.
pub type WriteId = [u8; 8];

impl WriteLog {
    /// How many ids are kept.
    pub const KEPT: usize = 16;

    /// Wraps what was read from the table.
    #[must_use]
    pub const fn stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The log with one more id, the oldest dropped past [`WriteLog::KEPT`].
    #[must_use]
    pub fn with(&self, id: WriteId) -> Self {
        let mut bytes = self.0.clone();
        bytes.extend_from_slice(&id);
        let excess = bytes.len().saturating_sub(Self::KEPT * size_of::<WriteId>());
        Self(bytes.split_off(excess))
    }

    /// Whether the write with this id is among the last.
    #[must_use]
    pub fn contains(&self, id: WriteId) -> bool {
        self.0.chunks_exact(size_of::<WriteId>()).any(|kept| kept == id)
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A value as it was read, with what its next write must name. Only the store makes one, so a write
/// without a read cannot be expressed.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    pub(crate) version: Version,
    pub(crate) rev: u64,
    pub(crate) tag: Tag,
    pub(crate) log: WriteLog,
}

impl<T: Serialize> Versioned<T> {
    /// A value that was never stored, as its first write will leave it.
    #[must_use]
    pub fn first(value: T) -> Self {
        let tag = Tag::of(&content(&value), 1);
        Self { value, version: Version::FIRST, rev: 1, tag, log: WriteLog::default() }
    }

    /// The stored state after the next write, if it changes the value to `value`.
    #[must_use]
    pub fn changed_to(&self, value: T) -> Self {
        let rev = self.rev + 1;
        let tag = Tag::of(&content(&value), rev);
        Self { value, version: self.version.next(), rev, tag, log: self.log.clone() }
    }
}

impl<T: Clone> Versioned<T> {
    /// The stored state after the next write, if nothing changes that a reader can see: the tag
    /// stays.
    #[must_use]
    pub fn unchanged(&self) -> Self {
        Self { version: self.version.next(), ..self.clone() }
    }
}

impl<T> Versioned<T> {
    /// The version of the item that holds the value.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whether the write with this id is among the item's last.
    #[must_use]
    pub fn log_contains(&self, id: WriteId) -> bool {
        self.log.contains(id)
    }

    /// The value's entity tag.
    #[must_use]
    pub const fn tag(&self) -> &Tag {
        &self.tag
    }
}

/// The stored form of a value, which the table holds and the tag covers.
pub(crate) fn content<T: Serialize>(value: &T) -> Vec<u8> {
    // INVARIANT: stored types have string keys and no failing serializers, so this never falls
    // back.
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i2_the_log_keeps_the_last_sixteen_writes() {
        let log = (0u64..20).fold(WriteLog::default(), |log, i| log.with(i.to_be_bytes()));
        assert!(!log.contains(3u64.to_be_bytes()));
        assert!((4u64..20).all(|i| log.contains(i.to_be_bytes())));
    }

    #[test]
    fn d2_a_change_that_shows_the_same_content_still_moves_the_tag() {
        let first = Versioned::first("x");
        assert_ne!(first.changed_to("x").tag(), first.tag());
        assert_eq!(first.changed_to("x").version(), Version(2));
    }
}
