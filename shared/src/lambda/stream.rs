//! Records of the table's stream, as Lambda passes them to a function.

use serde::Deserialize;

use crate::store::Key;

/// A record. Missing members count as empty, so that one malformed record does not hold up the
/// others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StreamRecord {
    #[serde(rename = "eventName")]
    name: String,
    dynamodb: Written,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Written {
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

impl StreamRecord {
    /// Whether the item was not there before.
    #[must_use]
    pub fn is_insert(&self) -> bool {
        self.name == "INSERT"
    }

    /// Whether the item is gone.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.name == "REMOVE"
    }

    /// The key of the item.
    #[must_use]
    pub fn key(&self) -> Key {
        let Keys { pk, sk } = &self.dynamodb.keys;
        Key::stored(&pk.text, &sk.text)
    }

    /// The place of the record in its shard of the stream.
    #[must_use]
    pub fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }
}
