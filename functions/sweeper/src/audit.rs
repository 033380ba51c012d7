//! The daily verification of the audit (rule AU-21): all chains of each tenant's ledger, and a
//! sample of its users. The sample goes on each day where it ended the day before, so that every
//! user has a turn.

use serde::{Deserialize, Serialize};
use shared::app::App;
use shared::domain::Versioned;
use shared::domain::error::Result;
use shared::domain::schema::Schema;
use shared::env::Timestamp;
use shared::store::audit::VerifyPosition;
use shared::store::keys::Walk;

/// How many users of a tenant are verified in a day.
pub const SAMPLE: usize = 100;
/// How long one call verifies one tenant, in seconds.
const TURN_SECONDS: i64 = 5;
/// The most faults that are logged one by one.
const MAX_LOGGED: usize = 20;

/// The verification of one tenant, of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Verification {
    /// The day.
    day: String,
    /// Where it goes on.
    at: VerifyPosition,
    /// How many users are to be verified that day yet.
    left: usize,
    /// Whether everything of that day was verified.
    done: bool,
}

/// Goes on with the verification of a tenant, once a day.
pub(crate) async fn verify(app: &App, schema: &Schema, until: Timestamp) -> Result<()> {
    let (table, tenant, now) = (app.table(), &schema.tenant, app.env().clock.now());
    let stored: Option<Versioned<Verification>> = table.progress(tenant, Walk::Audit).await?;
    let day = now.day();
    let start = |at| Verification { day: day.clone(), at, left: SAMPLE, done: false };
    let mut state = match &stored {
        Some(stored) if stored.value.day == day => stored.value.clone(),
        Some(stored) => start(stored.value.at.next_day()),
        None => start(VerifyPosition::default()),
    };
    if state.done {
        return Ok(());
    }
    let until = until.min(now.plus_seconds(TURN_SECONDS));
    let settings = schema.audit();
    let (report, at) =
        table.verify_tenant(tenant, &settings, state.at.clone(), until, state.left).await?;
    state.left = state.left.saturating_sub(usize::try_from(report.users).unwrap_or(state.left));
    state.done = at.is_end() || at.is_among_users() && state.left == 0;
    state.at = at;
    for (chain, sequence, fault) in report.faults.iter().take(MAX_LOGGED) {
        let (sequence, fault) = (sequence.0, fault.name());
        tracing::error!(operation = "audit_verify", tenant = %tenant, chain = %chain, sequence, fault);
    }
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
    let next = match &stored {
        Some(before) => before.changed_to(state),
        None => Versioned::first(state),
    };
    // Whoever noted it first has verified as much.
    table.note_progress(tenant, Walk::Audit, stored.as_ref(), &next).await?;
    Ok(())
}
