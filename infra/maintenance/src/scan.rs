//! Reading a whole table.

use aws_sdk_dynamodb::error::DisplayErrorContext;
use shared::domain::error::{Error, Result};
use shared::store::{Item, Table};

/// How many items a page of a scan has at the most.
const SCANNED_AT_ONCE: i32 = 1000;

/// Reads every item of the table once, with the operator's right to scan, what is past its time and
/// not yet removed included.
pub(crate) async fn each_item(table: &Table, mut take: impl FnMut(Item)) -> Result<()> {
    // Without a limit, the embedded engine reads the whole rest of the table for a page.
    let scan =
        table.client().scan().table_name(table.name()).consistent_read(true).limit(SCANNED_AT_ONCE);
    let mut items = scan.into_paginator().items().send();
    while let Some(item) = items.next().await {
        let item = item.map_err(|error| {
            Error::unexpected(format_args!("cannot scan the table: {}", DisplayErrorContext(error)))
        })?;
        take(Item::stored(item));
    }
    Ok(())
}
