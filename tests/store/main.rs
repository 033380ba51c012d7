//! The store suite: what the table layer rests on, run unchanged on the embedded engine and on the
//! one that `KITH_ENDPOINT` names.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod conditions;
mod flow;
mod reads;
mod replays;
mod sets;
mod transactions;

use shared::domain::id::{TenantId, UserId};
use shared::domain::versioned::Versioned;
use shared::env::{Clock, Env, Random};
use shared::store::{CommitError, Item, Key, Table};
use tests::{Engine, Faults, START};

/// An empty table with a clock that stands still.
struct Store {
    table: Table,
    faults: Faults,
    clock: Clock,
    tenant: TenantId,
}

impl Store {
    async fn open() -> Self {
        let clock = Clock::stopped_at(START);
        let engine = Engine::open(Env { clock: clock.clone(), random: Random::default() }).await;
        let tenant = "acme".parse().unwrap();
        Self { table: engine.table, faults: engine.faults, clock, tenant }
    }

    fn user(&self) -> UserId {
        UserId::new(self.table.env().new_uuid())
    }

    /// The key of an item that nothing else touches.
    fn key(&self, name: &str) -> Key {
        Key::stored(&format!("T#{}#test#{name}", self.tenant), "-")
    }

    async fn text(&self, key: &Key) -> Option<String> {
        let item = self.table.get(key).await.unwrap()?;
        item.get_text("doc").map(str::to_owned)
    }
}

/// A versioned item with this content.
fn item(key: &Key, value: &Versioned<&str>) -> Item {
    Item::at(key).versioned(value)
}

/// The indexes of the conditions that did not hold.
#[track_caller]
fn refused(result: Result<(), CommitError>) -> Vec<usize> {
    match result {
        Err(CommitError::Conditions(failed)) => {
            failed.into_iter().map(|(index, _)| index).collect()
        }
        other => panic!("conditions should fail: {other:?}"),
    }
}

/// The item that stood in the way of a condition.
#[track_caller]
fn in_the_way(result: Result<(), CommitError>) -> Option<Item> {
    match result {
        Err(CommitError::Conditions(failed)) => {
            failed.into_iter().next().and_then(|(_, item)| item)
        }
        other => panic!("conditions should fail: {other:?}"),
    }
}
