//! The capacity that one request consumed, as DynamoDB reports it.
//!
//! The edge opens a meter around each request; every call of the table adds to the open meter. So
//! the log line of a request carries its cost, and a test can assert it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Capacity units, of the table and of its index, and what else costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Read units.
    pub read: f64,
    /// Write units of the table.
    pub write: f64,
    /// Write units of the index.
    pub index_write: f64,
    /// The items that were read, of the table and of its index.
    pub items_read: u64,
    /// The turns at the bench of hashes: each computes one slow hash.
    pub hashes: u64,
}

/// Adds up units; clones share one sum.
#[derive(Clone, Debug, Default)]
pub struct CapacityMeter(Arc<Mutex<Units>>);

tokio::task_local! {
    static OPEN: CapacityMeter;
}

impl CapacityMeter {
    /// Runs `work` with this meter open.
    pub async fn measure<F: Future>(&self, work: F) -> F::Output {
        OPEN.scope(self.clone(), work).await
    }

    /// The units consumed so far.
    #[must_use]
    pub fn units(&self) -> Units {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The units consumed so far under the open meter; none without an open meter.
    #[must_use]
    pub fn open_units() -> Units {
        OPEN.try_with(Self::units).unwrap_or_default()
    }

    fn add(&self, change: impl FnOnce(&mut Units)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Adds a slow hash to the open meter.
pub(crate) fn hashed() {
    let _ = OPEN.try_with(|meter| meter.add(|units| units.hashes += 1));
}

/// Adds the consumption of a read of so many items to the open meter.
pub(super) fn read<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>, items: usize) {
    let total: f64 = consumed.into_iter().filter_map(ConsumedCapacity::capacity_units).sum();
    tracing::debug!(read_units = total, items, "read");
    // Outside a request (the command line, a test's own reads) no meter is open.
    let _ = OPEN.try_with(|meter| {
        meter.add(|units| {
            units.read += total;
            units.items_read += items as u64;
        });
    });
}

/// Adds what a write consumed to the open meter.
pub(super) fn written<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
    for capacity in consumed {
        let index: f64 = capacity
            .global_secondary_indexes()
            .into_iter()
            .flat_map(|indexes| indexes.values())
            .filter_map(aws_sdk_dynamodb::types::Capacity::capacity_units)
            .sum();
        let total = capacity.capacity_units().unwrap_or_default();
        tracing::debug!(write_units = total - index, index_write_units = index, "write");
        let _ = OPEN.try_with(|meter| {
            meter.add(|units| {
                units.write += total - index;
                units.index_write += index;
            });
        });
    }
}
