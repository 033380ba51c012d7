//! What happens once: an assertion that is used, a token that is revoked, a failure that is
//! counted. Each item ends by itself.

use super::commit::{Condition, Failed, Write};
use super::item::Item;
use super::keys::Key;
use super::table::Table;
use crate::domain::error::Result;
use crate::world::Timestamp;

impl Table {
    /// Notes that something happened, until a time; `false` when it is noted already.
    pub async fn spend(&self, key: &Key, until: Timestamp) -> Result<bool> {
        let item = Item::at(key).expiring(until).logged();
        match self.commit(vec![Write::Put(item, Condition::Absent)]).await {
            Ok(()) => Ok(true),
            Err(Failed::Conditions(_)) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Counts one more until a time; `false` when `most` were counted already.
    pub async fn count(&self, key: &Key, most: u32, until: Timestamp) -> Result<bool> {
        match self.commit(vec![Write::Count(key.clone(), most, until)]).await {
            Ok(()) => Ok(true),
            Err(Failed::Conditions(_)) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }
}
