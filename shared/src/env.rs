//! The environment of the rules: the clock and the source of randomness.
//!
//! Both come from here and from nowhere else (`clippy.toml` bans the rest), so a test can hold the
//! clock still, move it past an expiry, or make ids that repeat. Ages of caches use wall time too:
//! the monotonic clock of a frozen Lambda function may stop with it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

const MILLISECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z; written as RFC 3339 UTC with
/// milliseconds and `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes one from milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as `NumericDate` (RFC 7519 §2) and DynamoDB's TTL count
    /// them.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The day in UTC, as `2026-11-21`.
    #[must_use]
    pub fn day(self) -> String {
        let mut text = self.to_string();
        text.truncate(text.find('T').unwrap_or(text.len()));
        text
    }

    /// The time `seconds` later.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// The next millisecond.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Parses an RFC 3339 time in any offset whose year in UTC has four digits; digits past
    /// milliseconds are cut.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
        if !(0..=9999).contains(&time.year()) {
            return None;
        }
        i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .map_err(|_| fmt::Error)?;
        f.write_str(&time.format(MILLISECONDS).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a time of RFC 3339"))
    }
}

/// The clock: the system's clock, or a clock that a test moves.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// A clock that stands still until [`Clock::advance`] moves it.
    #[must_use]
    pub fn stopped_at(time: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(time.0))))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(millis) => Timestamp(millis.load(Ordering::SeqCst)),
            None => system_now(),
        }
    }

    /// Moves a stopped clock forward; the system's clock does not move by hand.
    pub fn advance(&self, seconds: i64) {
        if let Some(millis) = &self.0 {
            millis.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the system's clock"
)]
fn system_now() -> Timestamp {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Cryptographically secure random bytes from the operating system.
#[derive(Clone, Debug)]
pub struct Random(SystemRandom);

impl Default for Random {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that opens the system's randomness"
    )]
    fn default() -> Self {
        Self(SystemRandom::new())
    }
}

impl Random {
    /// `N` random bytes.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done then.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        #[expect(
            clippy::expect_used,
            reason = "without randomness no id, key or nonce may be made"
        )]
        self.0.fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }

    /// The generator in the form that `ring` takes.
    #[must_use]
    pub fn generator(&self) -> &SystemRandom {
        &self.0
    }

    /// A number in `0..below`, for jitter.
    #[must_use]
    pub fn below(&self, below: u64) -> u64 {
        u64::from_le_bytes(self.bytes()).checked_rem(below).unwrap_or(0)
    }
}

/// The environment: clock and randomness.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// Where the time comes from.
    pub clock: Clock,
    /// Where random bytes come from.
    pub random: Random,
}

impl Env {
    /// A new version 7 UUID (RFC 9562 §5.7): its order is the order of creation.
    #[must_use]
    pub fn new_uuid(&self) -> Uuid {
        uuid_of(self.clock.now(), &self.random.bytes())
    }

    /// A new version 4 UUID (RFC 9562 §5.4): it tells nothing, not even when it was made.
    #[must_use]
    pub fn random_uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random.bytes()).into_uuid()
    }
}

/// The first of the UUIDs that can be made at this time: what was made before sorts before it.
#[must_use]
pub fn uuid_at(time: Timestamp) -> Uuid {
    uuid_of(time, &[0; 10])
}

/// The version 7 UUID of a time and of bytes that stand for its random part.
#[must_use]
pub fn uuid_of(time: Timestamp, random: &[u8; 10]) -> Uuid {
    let millis = u64::try_from(time.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_with_milliseconds() {
        let time = Timestamp::parse("2026-11-21T11:00:00.1239+01:00").unwrap();
        assert_eq!(time.to_string(), "2026-11-21T10:00:00.123Z");
        for wrong in ["2026-11-21", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+01:00"] {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
        for extreme in ["9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00.000Z"] {
            assert_eq!(Timestamp::parse(extreme).unwrap().to_string(), extreme);
        }
    }

    #[test]
    fn new_ids_are_version_7() {
        assert_eq!(Env::default().new_uuid().get_version_num(), 7);
    }
}
