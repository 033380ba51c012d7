//! The daily verification of the audit (rule AU-21): all chains of each tenant's ledger, and a
//! sample of its users. The sample goes on each day where it ended the day before, so that every
//! user has a turn, within 90 days at the latest.
//!
//! What is known of earlier days is kept under a code.

use serde::{Deserialize, Serialize};
use shared::app::App;
use shared::domain::Versioned;
use shared::domain::audit::{Chain, Level};
use shared::domain::error::Result;
use shared::domain::id::{TenantId, UserId};
use shared::domain::schema::Schema;
use shared::env::Timestamp;
use shared::store::audit::{AuditFaultAt, AuditReport, Kept, VerifyPosition};
use shared::store::keys::Walk;

/// How many users of a tenant are verified in a day at least.
pub const SAMPLE: u64 = 100;
/// In how many days all users of the last round have another turn.
const ROUND_DAYS: u64 = 90;
/// After how many days a round has no limit any more: the tenant has grown.
const LATE_SECONDS: i64 = 60 * 24 * 3600;
/// How long one call verifies one tenant, in seconds.
const TURN_SECONDS: i64 = 5;
/// The most faults that are logged one by one.
const MAX_LOGGED: usize = 20;
/// The most users with faults who are verified again the next day.
const MAX_AGAIN: usize = 100;

/// The verification of one tenant, of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Verification {
    /// The day.
    day: String,
    /// Where it goes on.
    at: VerifyPosition,
    /// How many users are to be verified that day yet.
    left: u64,
    /// Whether everything of that day was verified.
    done: bool,
    /// When everything of a day was verified last; at first when verification began.
    complete_at: Timestamp,
    /// When this round over all users began.
    round_began: Timestamp,
    /// How many users this round has seen.
    seen: u64,
    /// How many users the round before has seen.
    users: u64,
    /// Users with faults, who are verified again the next day.
    again: Vec<UserId>,
}

impl Verification {
    fn first(now: Timestamp) -> Self {
        Self {
            day: String::new(),
            at: VerifyPosition::default(),
            left: 0,
            done: true,
            complete_at: now,
            round_began: now,
            seen: 0,
            users: 0,
            again: Vec::new(),
        }
    }

    /// The verification of the next day.
    fn next_day(mut self, now: Timestamp) -> Self {
        if self.at.is_end() {
            (self.round_began, self.users, self.seen) = (now, self.seen, 0);
        }
        let late = self.round_began.plus_seconds(LATE_SECONDS) <= now;
        let sample = SAMPLE.max(self.users.div_ceil(ROUND_DAYS));
        self.left = if late { u64::MAX } else { sample };
        Self { day: now.day(), at: self.at.next_day(), done: false, ..self }
    }
}

/// Goes on with the verification of a tenant, once a day. Returns how many seconds ago everything of
/// a day was verified; `None` if the tenant has no audit.
pub(crate) async fn verify(app: &App, schema: &Schema, until: Timestamp) -> Result<Option<i64>> {
    let (table, tenant, now) = (app.table(), &schema.tenant, app.env().clock.now());
    if schema.audit().level == Level::Off && !table.has_audit(tenant).await? {
        return Ok(None);
    }
    let stored: Option<Versioned<Kept>> = table.progress(tenant, Walk::Audit).await?;
    let key = match table.loaded_audit_key() {
        Some(key) => key,
        None => match table.find_audit_key().await? {
            Some(key) => key,
            None => return Ok(None),
        },
    };
    let known = stored.as_ref().and_then(|stored| stored.value.open(key, tenant, Walk::Audit));
    let mut state: Verification = known.unwrap_or_else(|| Verification::first(now));
    let mut report = AuditReport::default();
    if state.day != now.day() {
        state = state.next_day(now);
        for user in std::mem::take(&mut state.again) {
            if let Some(found) = table.verify_user(tenant, user).await? {
                report.join(AuditReport::of_user(user, found));
            }
        }
    }
    let age = |state: &Verification| now.seconds() - state.complete_at.seconds();
    if state.done {
        return Ok(Some(age(&state)));
    }
    let until = until.min(now.plus_seconds(TURN_SECONDS));
    let most = usize::try_from(state.left).unwrap_or(usize::MAX);
    let was_among_users = state.at.is_among_users();
    let (sample, at) = table.verify_tenant(tenant, state.at.clone(), until, most).await?;
    if !was_among_users && at.is_among_users() {
        // The anchor outside the table: a chain that was put back shows against an earlier line.
        let heads = table.ledger_heads_in_words(tenant).await?.join(" ");
        tracing::info!(operation = "audit_heads", tenant = %tenant, heads);
    }
    state.seen += sample.users;
    state.left = state.left.saturating_sub(sample.users);
    state.done = at.is_end() || at.is_among_users() && state.left == 0;
    state.at = at;
    report.join(sample);
    if state.done {
        state.complete_at = now;
    }
    for (chain, ..) in &report.faults {
        if let Chain::User(user) = chain
            && !state.again.contains(user)
            && state.again.len() < MAX_AGAIN
        {
            state.again.push(*user);
        }
    }
    log(tenant, &report);
    let kept = Kept::of(key, tenant, Walk::Audit, &state);
    let next = match &stored {
        Some(before) => before.changed_to(kept),
        None => Versioned::first(kept),
    };
    // Another sweeper that noted it first has verified as much.
    table.note_progress(tenant, Walk::Audit, stored.as_ref(), &next).await?;
    Ok(Some(age(&state)))
}

/// Logs faults one by one.
pub(crate) fn log_faults(operation: &'static str, tenant: &TenantId, faults: &[AuditFaultAt]) {
    for (chain, sequence, fault) in faults.iter().take(MAX_LOGGED) {
        let (sequence, fault) = (sequence.0, fault.name());
        tracing::error!(operation, tenant = %tenant, chain = %chain, sequence, fault);
    }
}

fn log(tenant: &TenantId, report: &AuditReport) {
    log_faults("audit_verify", tenant, &report.faults);
    // The template makes a metric of the faults, and an alarm reads it.
    tracing::info!(
        operation = "audit_verify",
        tenant = %tenant,
        users = report.users,
        ledgers = report.ledgers,
        entries = report.entries,
        gaps = report.gaps,
        audit_faults = report.faults.len()
    );
}
