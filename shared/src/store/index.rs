//! The table's one index, which names items in an order of its own. It is behind the table by a
//! moment.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use serde::{Deserialize, Serialize};

use super::item::Item;
use super::keys::Key;
use super::meter;
use super::table::Table;
use super::table_error::classify;
use crate::domain::error::Result;

/// The name of the index.
const INDEX: &str = "gsi1";

/// The range of sort keys that is read from a partition of the index.
#[derive(Clone, Copy, Debug)]
pub enum SortRange<'a> {
    /// All of it.
    All,
    /// Sort keys before this one.
    Before(&'a str),
    /// This sort key and later ones.
    From(&'a str),
    /// From the first sort key to the second, both included.
    Between(&'a str, &'a str),
}

/// A position in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pk: String,
    sk: String,
    sort: String,
}

impl Position {
    /// The position of an item that sorts so in its partition of the index.
    #[must_use]
    pub fn of(key: &Key, sort: String) -> Self {
        Self { pk: key.pk().to_owned(), sk: key.sk().to_owned(), sort }
    }

    /// The sort key of the item in its partition of the index.
    #[must_use]
    pub fn sort(&self) -> &str {
        &self.sort
    }
}

/// Some keys of a partition of the index, in its order.
#[derive(Clone, Debug, Default)]
pub struct IndexPage {
    /// The items' own keys.
    pub keys: Vec<Key>,
    /// Where each of them stands.
    pub positions: Vec<Position>,
    /// The position after which the next page starts; `None` on the last.
    pub next: Option<Position>,
}

impl Table {
    /// Reads the keys of one partition of the index after a position, at most `limit` of them. The
    /// index is behind the table by a moment: a caller who must not miss a write, or see an old
    /// one, reads the items themselves.
    pub async fn query_index(
        &self,
        pk: &str,
        sorts: SortRange<'_>,
        after: Option<&Position>,
        limit: Option<i32>,
    ) -> Result<IndexPage> {
        self.query_index_in(true, pk, sorts, after, limit).await
    }

    /// As [`Table::query_index`], the last key first.
    pub async fn query_index_back(
        &self,
        pk: &str,
        sorts: SortRange<'_>,
        after: Option<&Position>,
        limit: Option<i32>,
    ) -> Result<IndexPage> {
        self.query_index_in(false, pk, sorts, after, limit).await
    }

    async fn query_index_in(
        &self,
        forward: bool,
        pk: &str,
        sorts: SortRange<'_>,
        after: Option<&Position>,
        limit: Option<i32>,
    ) -> Result<IndexPage> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut request = self
            .client
            .query()
            .table_name(&*self.name)
            .index_name(INDEX)
            .scan_index_forward(forward)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .expression_attribute_values(":pk", text(pk))
            .set_limit(limit);
        request = match sorts {
            SortRange::All => request.key_condition_expression("gsi1pk = :pk"),
            SortRange::Before(bound) => request
                .key_condition_expression("gsi1pk = :pk AND gsi1sk < :bound")
                .expression_attribute_values(":bound", text(bound)),
            SortRange::From(bound) => request
                .key_condition_expression("gsi1pk = :pk AND gsi1sk >= :bound")
                .expression_attribute_values(":bound", text(bound)),
            SortRange::Between(first, last) => request
                .key_condition_expression("gsi1pk = :pk AND gsi1sk BETWEEN :first AND :last")
                .expression_attribute_values(":first", text(first))
                .expression_attribute_values(":last", text(last)),
        };
        if let Some(after) = after {
            request = request
                .exclusive_start_key("pk", text(&after.pk))
                .exclusive_start_key("sk", text(&after.sk))
                .exclusive_start_key("gsi1pk", text(pk))
                .exclusive_start_key("gsi1sk", text(&after.sort));
        }
        let answer = request.send().await.map_err(|error| classify("Query", &error))?;
        meter::read(answer.consumed_capacity(), answer.items().len());
        let position = |item: &Item| {
            Position::of(&item.key(), item.get_text("gsi1sk").unwrap_or_default().to_owned())
        };
        let next = answer.last_evaluated_key.map(Item::stored).as_ref().map(position);
        let items: Vec<_> =
            answer.items.unwrap_or_default().into_iter().map(Item::stored).collect();
        let positions = items.iter().map(position).collect();
        Ok(IndexPage { keys: items.iter().map(Item::key).collect(), positions, next })
    }
}
