//! Hours of UTC, by which the audit is exported.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::id::WrongShape;
use crate::env::Timestamp;

/// The seconds of an hour.
const SECONDS: i64 = 3600;

/// An hour, written as `2026-11-21T10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// The hour of a time.
    #[must_use]
    pub const fn of(time: Timestamp) -> Self {
        Self(time.seconds().div_euclid(SECONDS))
    }

    /// Its first moment.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp::from_millis(0).plus_seconds(self.0.saturating_mul(SECONDS))
    }

    /// The first moment after it.
    #[must_use]
    pub const fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The hour after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The hour before it.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Its place below a folder: `2026/11/21/10`.
    #[must_use]
    pub fn path(self) -> String {
        self.to_string().replace(['-', 'T'], "/")
    }

    /// The hour of a place below a folder.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let hour = parts.next().filter(|_| parts.next().is_none())?;
        format!("{year}-{month}-{day}T{hour}").parse().ok()
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.start().to_string();
        f.write_str(time.split(':').next().unwrap_or_default())
    }
}

impl FromStr for Hour {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        let hour = Timestamp::parse(&format!("{text}:00:00Z")).map(Self::of);
        // Only the form that it is written in.
        let hour = hour.filter(|hour| hour.to_string() == text);
        hour.ok_or(WrongShape("an hour in UTC, as `2026-11-21T10`"))
    }
}

impl Serialize for Hour {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hour {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_one_text_and_one_path() {
        let time = Timestamp::parse("2026-11-21T10:59:59.999Z").unwrap();
        let hour = Hour::of(time);
        assert_eq!(
            (hour.to_string(), hour.path()),
            ("2026-11-21T10".into(), "2026/11/21/10".into())
        );
        assert_eq!(hour.to_string().parse(), Ok(hour));
        assert_eq!(Hour::of_path("2026/11/21/10"), Some(hour));
        assert_eq!((Hour::of(hour.end()), hour.next().before()), (hour.next(), hour));
        for wrong in ["2026-11-21T24", "2026-11-21T1", "2026-11-21", "2026-11-21T10:00", ""] {
            assert!(wrong.parse::<Hour>().is_err(), "{wrong}");
        }
        for wrong in ["2026/11/21", "2026/11/21/10/1", "digests/2026/11/21"] {
            assert_eq!(Hour::of_path(wrong), None, "{wrong}");
        }
    }
}
