//! When a tenant's audit was on, and listed the entries of users, as the entries of its settings
//! tell.

use serde::Deserialize;
use serde_json::Value;

use super::AuditSettings;
use crate::env::Timestamp;

/// How long a function may write by settings that were changed, in seconds: the life of its cache
/// and of a request.
const SETTLED_SECONDS: i64 = 60;

/// The times at which a tenant's audit was on: each write of such a time left an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditTimes {
    on: Vec<(Timestamp, Option<Timestamp>)>,
    /// Whether the index was to list entries of users, from each change of the settings on.
    listed: Vec<(Timestamp, bool)>,
}

/// What an entry of the settings says of them, in its open part.
#[derive(Deserialize)]
struct Told {
    since: Option<Timestamp>,
    #[serde(default)]
    search: bool,
}

impl AuditTimes {
    /// The open part of the entry that tells of these settings.
    #[must_use]
    pub fn facts(settings: &AuditSettings) -> Value {
        serde_json::json!({
            "level": settings.level.name(),
            "since": settings.since,
            "retention_days": settings.retention_days,
            "legal_hold": settings.legal_hold,
            "search": settings.search,
        })
    }

    /// Takes the next entry of the settings: its time, and what it says.
    pub fn take(&mut self, at: Timestamp, facts: Option<&Value>) {
        let told = facts.and_then(|facts| Told::deserialize(facts).ok());
        self.listed.push((at, told.as_ref().is_some_and(|told| told.search)));
        let since = told.and_then(|told| told.since);
        let since = since.map(|since| since.plus_seconds(SETTLED_SECONDS));
        if let Some((from, to)) = self.on.last_mut()
            && to.is_none()
        {
            if Some(*from) == since {
                return;
            }
            *to = Some(at.max(*from));
        }
        self.on.extend(since.map(|since| (since, None)));
    }

    /// Whether the audit was on from one time to another, without a break.
    #[must_use]
    pub fn were_on(&self, from: Timestamp, to: Timestamp) -> bool {
        let covers = |(start, end): &(Timestamp, Option<Timestamp>)| {
            *start < from && end.is_none_or(|end| to < end)
        };
        self.on.iter().any(covers)
    }

    /// Whether the index lists each entry of a user that was written from one time on and before
    /// another. It does before the first change of the settings.
    #[must_use]
    pub fn were_listed(&self, from: Timestamp, to: Timestamp) -> bool {
        let ends = self.listed.iter().skip(1).map(|(at, _)| Some(at.plus_seconds(SETTLED_SECONDS)));
        let unlisted = |((start, listed), end): (&(Timestamp, bool), Option<Timestamp>)| {
            !listed && *start < to && end.is_none_or(|end| from < end.max(*start))
        };
        !self.listed.iter().zip(ends.chain([None])).any(unlisted)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn au07_the_times_of_an_audit_end_with_a_change_of_since() {
        let at = |seconds: i64| Timestamp::from_millis(0).plus_seconds(seconds);
        let mut times = AuditTimes::default();
        assert!(!times.were_on(at(1), at(2)));
        for (entry, since) in [(0, Some(0)), (500, Some(0)), (1000, None), (2000, Some(2060))] {
            times.take(at(entry), Some(&json!({ "since": since.map(at) })));
        }
        for (from, to, on) in [
            (61, 999, true),
            (60, 999, false),
            (400, 600, true),
            (61, 1000, false),
            (900, 2500, false),
            (1500, 1500, false),
            (2120, 2500, false),
            (2121, 9999, true),
        ] {
            assert_eq!(times.were_on(at(from), at(to)), on, "{from} to {to}");
        }
        times.take(at(9000), None);
        assert!(!times.were_on(at(2121), at(9999)));
    }

    #[test]
    fn au15_the_index_lists_entries_from_a_minute_after_search_is_switched_on() {
        let at = |seconds: i64| Timestamp::from_millis(0).plus_seconds(seconds);
        let mut times = AuditTimes::default();
        assert!(times.were_listed(at(1), at(2)));
        for (entry, search) in [(0, true), (1000, false), (2000, true), (3000, true)] {
            times.take(at(entry), Some(&json!({ "since": at(0), "search": search })));
        }
        for (from, to, listed) in [
            (0, 1000, true),
            (0, 1001, false),
            (1200, 1300, false),
            (2059, 3000, false),
            (2060, 9999, true),
        ] {
            assert_eq!(times.were_listed(at(from), at(to)), listed, "{from} to {to}");
        }
        // Settings that say nothing of it list nothing.
        times.take(at(4000), None);
        assert!(!times.were_listed(at(5000), at(6000)));
    }
}
