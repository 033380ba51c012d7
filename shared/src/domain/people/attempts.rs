//! How often a sign-in may be tried (rules G34 to G36).

use crate::domain::id::TenantId;
use crate::domain::text;
use crate::env::Timestamp;

/// The name of a counter of attempts for a username, whether or not a user has it. `browsers` says
/// whose attempts it counts.
#[must_use]
pub fn counter_name(browsers: &str, tenant: &TenantId, username: &str) -> String {
    let username = text::username(username).unwrap_or_else(|| username.to_lowercase());
    format!("{browsers}\n{tenant}\n{username}")
}

/// The name of the counter that all browsers share in which nobody with this username has signed
/// in.
#[must_use]
pub fn strangers_counter(tenant: &TenantId, username: &str) -> String {
    counter_name("strangers", tenant, username)
}

/// The name of the counter of a person who is signed in, and who repeats the own password.
#[must_use]
pub fn own_counter(tenant: &TenantId, username: &str) -> String {
    counter_name("signed in", tenant, username)
}

/// The names of the counters that have nothing but a username in their names.
#[must_use]
pub fn counters_of(tenant: &TenantId, username: &str) -> [String; 2] {
    [strangers_counter(tenant, username), own_counter(tenant, username)]
}

/// The limits of a counter of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// How many attempts are free of waits.
    pub free: u32,
    /// The longest wait, in seconds.
    pub longest_wait: i64,
    /// After how many attempts in a row there is none any more, until the counter is cleared.
    pub closes_at: Option<u32>,
    /// How long the counter is kept after the last attempt, in seconds. A counter that is closed
    /// stays.
    pub kept: i64,
}

impl Throttle {
    /// A counter of an account or an address: five attempts are free of waits, then the waits are 1,
    /// 2, 4 … 900 seconds. It is forgotten 30 days after the last attempt.
    pub const WAITS: Self =
        Self { free: 5, longest_wait: 900, closes_at: None, kept: 30 * 24 * 3600 };
    /// The counter of an account for browsers that never signed in to it: closed after 100 attempts
    /// (NIST SP 800-63B §3.2.2).
    pub const STRANGERS: Self = Self { closes_at: Some(100), ..Self::WAITS };

    /// How long the next attempt waits after this one, in seconds; attempts are counted from 1.
    #[must_use]
    pub fn wait_after(&self, attempt: u32) -> i64 {
        match attempt.checked_sub(self.free + 1) {
            None => 0,
            Some(doublings) => {
                1i64.checked_shl(doublings.min(32)).unwrap_or(i64::MAX).min(self.longest_wait)
            }
        }
    }
}

/// The answer to an attempt that asks whether it may be made. Only [`Reservation::Granted`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// It may be made, after so many that were not successful. The number is exact from
    /// [`Throttle::free`] on and 0 below.
    Granted {
        /// The attempts before it.
        failures: u32,
    },
    /// It comes too early.
    Wait {
        /// When the next one may be made.
        until: Timestamp,
    },
    /// There is none any more.
    Closed,
}

impl Reservation {
    /// Whether the attempt may be made.
    #[must_use]
    pub const fn is_granted(self) -> bool {
        matches!(self, Self::Granted { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g35_a_username_has_one_counter_however_it_is_written() {
        let tenant = "acme".parse().unwrap();
        let counter = |name: &str| strangers_counter(&tenant, name);
        assert_eq!(counter("Jan"), counter("jan"));
        assert_ne!(counter("jan"), own_counter(&tenant, "jan"));
        assert_eq!(own_counter(&tenant, "Jan"), own_counter(&tenant, "jan"));
        assert_ne!(counter("jan"), counter("jane"));
        assert_ne!(counter("jan"), strangers_counter(&"other".parse().unwrap(), "jan"));
    }

    #[test]
    fn g35_waits_double_from_the_sixth_attempt_on_up_to_900_seconds() {
        let waits: Vec<_> = (1..=18).map(|n| Throttle::WAITS.wait_after(n)).collect();
        let expected = [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900];
        assert_eq!(waits, expected);
        assert_eq!(Throttle::WAITS.wait_after(u32::MAX), 900);
    }
}
