//! How many mails a person gets (rule G37).
//!
//! Mails that strangers can ask for, that administrators send, and that the person asks for while
//! signed in are counted apart. So a stranger who asks for resets cannot stop an invitation or a
//! change of address.

use shared::domain::id::{TenantId, UserId};
use shared::domain::people::MailKind;
use shared::env::Timestamp;
use shared::store::{Write, people};

/// The mails of one kind that a person gets in an hour.
pub const HOURLY: u32 = 3;
/// The mails of one kind that a person gets in a day.
pub const DAILY: u32 = 10;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The budget of a kind of mail; `None` for one that nobody can ask for at will.
const fn budget(kind: MailKind) -> Option<&'static str> {
    match kind {
        MailKind::Reset | MailKind::UsernameReminder => Some("asked for"),
        MailKind::Invitation => Some("invitation"),
        MailKind::AddressConfirm => Some("address"),
        _ => None,
    }
}

/// The writes that count a mail: for the hour, then for the day. Each fails if there were enough.
pub(crate) fn counts(
    kind: MailKind,
    tenant: &TenantId,
    user: UserId,
    now: Timestamp,
) -> Vec<Write> {
    let Some(budget) = budget(kind) else { return Vec::new() };
    let count = |seconds: i64, most: u32| {
        let window = now.seconds().div_euclid(seconds);
        let until = Timestamp::from_millis((window + 1) * seconds * 1000);
        people::mail_count(tenant, user, format!("{budget}\n{seconds}\n{window}"), most, until)
    };
    vec![count(HOUR, HOURLY), count(DAY, DAILY)]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn g37_counters_of_kinds_people_hours_and_days_differ() {
        let tenant: TenantId = "acme".parse().unwrap();
        let env = shared::env::Env::default();
        let people = [env.new_uuid(), env.new_uuid()].map(UserId::new);
        let mut keys = BTreeSet::new();
        let kinds = [MailKind::Reset, MailKind::Invitation, MailKind::AddressConfirm];
        for kind in kinds {
            for user in people {
                for now in [0, 3600, 86_400] {
                    let now = Timestamp::from_millis(now * 1000 + 1);
                    keys.extend(counts(kind, &tenant, user, now).iter().map(Write::key));
                }
            }
        }
        // Three hours and two days for each of six.
        assert_eq!(keys.len(), 6 * 5);
        assert!(
            counts(MailKind::NewDevice, &tenant, people[0], Timestamp::from_millis(0)).is_empty()
        );
    }
}
