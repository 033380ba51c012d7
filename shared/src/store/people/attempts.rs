//! Counters of attempts to sign in (rules G34 to G36).
//!
//! An attempt is counted before it is made, by one conditional update. Attempts that are free of
//! waits are counted without a read. After them, each one is counted only if no other was counted
//! since the counter was seen: so of many at once one is made.

use crate::domain::error::{Error, Result};
use crate::domain::people::{Reservation, Throttle};
use crate::env::Timestamp;
use crate::store::item::Item;
use crate::store::keys::Key;
use crate::store::table::Table;
use crate::store::write::{CommitError, Condition, Write};

/// How long a counter that is closed is kept, in seconds: ten years.
const CLOSED_SECONDS: i64 = 10 * 365 * 24 * 3600;

/// A counter as it was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Attempts {
    count: u32,
    next_at: Option<Timestamp>,
}

impl Attempts {
    fn of(item: &Item) -> Self {
        let millis = item.get_number("next_at").and_then(|millis| i64::try_from(millis).ok());
        Self { count: count_of(item), next_at: millis.map(Timestamp::from_millis) }
    }

    /// Why there can be no attempt now, if there cannot.
    fn refusal(self, throttle: &Throttle, now: Timestamp) -> Option<Reservation> {
        if throttle.closes_at.is_some_and(|most| self.count >= most) {
            return Some(Reservation::Closed);
        }
        let until = self.next_at.filter(|until| *until > now)?;
        Some(Reservation::Wait { until })
    }
}

fn count_of(item: &Item) -> u32 {
    let count = item.get_number("counted").unwrap_or_default();
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Table {
    /// Counts an attempt and says whether it may be made. `name` says whose attempts they are; the
    /// table holds its hash.
    pub async fn reserve_attempt(&self, name: &str, throttle: &Throttle) -> Result<Reservation> {
        let (key, now) = (Key::attempts(name), self.env.clock.now());
        let until = now.plus_seconds(throttle.kept);
        let seen = match self.commit(vec![Write::Count(key.clone(), throttle.free, until)]).await {
            Ok(()) => return Ok(Reservation::Granted { failures: 0 }),
            Err(CommitError::Conditions(failed)) => failed.into_iter().find_map(|(_, item)| item),
            Err(failed) => return Err(failed.into()),
        };
        let seen = seen.ok_or_else(|| Error::unexpected("a counter is full and empty"))?;
        let before = count_of(&seen);
        let attempts = if seen.is_expired(now) { Attempts::default() } else { Attempts::of(&seen) };
        if let Some(refusal) = attempts.refusal(throttle, now) {
            return Ok(refusal);
        }
        let count = attempts.count.saturating_add(1);
        let closed = throttle.closes_at.is_some_and(|most| count >= most);
        let next_at = now.plus_seconds(throttle.wait_after(count));
        let until = if closed { now.plus_seconds(CLOSED_SECONDS) } else { until };
        let recount = Write::Recount { key, seen: before, count, next_at, until };
        match self.commit(vec![recount]).await {
            Ok(()) => Ok(Reservation::Granted { failures: attempts.count }),
            // Another attempt was counted: this one comes too early.
            Err(CommitError::Conditions(failed)) => {
                let newer = failed.into_iter().find_map(|(_, item)| item);
                let newer = newer.as_ref().map(Attempts::of).unwrap_or_default();
                let waits = Reservation::Wait { until: newer.next_at.unwrap_or(next_at) };
                Ok(newer.refusal(throttle, now).unwrap_or(waits))
            }
            Err(CommitError::Contended) => Ok(Reservation::Wait { until: next_at }),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Forgets the attempts that were counted under a name.
    pub async fn clear_attempts(&self, name: &str) -> Result<()> {
        match self.commit(vec![clear_attempts_write(name)]).await {
            // An attempt is counted at this moment; it is after the success.
            Ok(()) | Err(CommitError::Contended) => Ok(()),
            Err(failed) => Err(failed.into()),
        }
    }
}

/// The write that forgets the attempts that were counted under a name.
#[must_use]
pub fn clear_attempts_write(name: &str) -> Write {
    Write::Delete(Key::attempts(name), Condition::Guarded)
}
