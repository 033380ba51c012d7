//! The sweeper: work that no request triggers. A schedule calls it each minute.
//!
//! It finishes erasures that were interrupted, recomputes derived attributes after a workflow has
//! changed, brings index entries into another form, makes those of a raised `search`, searches for
//! users who hold deprecated definitions or values, notes which consents have expired, verifies and
//! exports the audit, and continues imports. All its work can be interrupted, repeated and done by
//! several sweepers at once.

mod audit;
mod consents;
mod definitions;
mod derived;
mod export;
mod lookups;
mod walk;

use std::collections::VecDeque;

pub use audit::SAMPLE;
pub use definitions::{LOOK_AGAIN_SECONDS, SECOND_LOOK_SECONDS};
pub use export::{DELAY_SECONDS, Export};
pub use lookups::ROLLOUT_SECONDS;
use shared::app::App;
use shared::domain::error::{Error, Result};
use shared::env::Timestamp;
use shared::store::imports::WaitingImport;

/// How long one call works, in seconds; the next one continues where it stopped.
pub const BUDGET_SECONDS: i64 = 30;
/// How much longer it works while there are rows to import, in seconds.
pub const IMPORT_SECONDS: i64 = 20;
/// How long it works on the import of one tenant before it is the turn of the next one, in seconds.
const TURN_SECONDS: i64 = 4;

/// The results of one sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SweepReport {
    /// Erasures that were finished.
    pub erasures: u64,
    /// Users whose derived attributes were computed.
    pub derived: u64,
    /// Users whose derived attributes changed.
    pub changed: u64,
    /// Users whose workflow failed; they keep their derived values.
    pub failed: u64,
    /// Users whose index entries were brought into another form, or made for a raised `search`.
    pub reindexed: u64,
    /// Deprecated definitions and values without a holder.
    pub unused: u64,
    /// Rows of imports that got their status.
    pub imported: u64,
    /// Consents that were found to be over.
    pub expired: u64,
    /// Hours of the audit that were exported.
    pub exported: u64,
}

/// Does the waiting work, until none remains or `until` has come. If a part fails, the sweeper goes
/// on with the others and returns the first failure at the end. Without an export the audit stays
/// where it is.
pub async fn sweep(app: &App, export: Option<&Export>, until: Timestamp) -> Result<SweepReport> {
    let (mut report, mut failure) = (SweepReport::default(), None);
    let unfinished = app.table().unfinished_forgets().await?;
    // The template makes metrics of these lines, and an alarm reads the age.
    tracing::info!(
        operation = "sweep",
        erasures_waiting = unfinished.len(),
        oldest_erasure_seconds = age(app, unfinished.iter().map(|(.., since)| *since).min())
    );
    for (tenant, user, _) in unfinished {
        let finished = app.table().resume_forget(&tenant, user, until).await;
        report.erasures += u64::from(keep(finished, &mut failure).unwrap_or(false));
    }
    let mut tenants = app.table().tenants().await?;
    let mut ages = Ages { unverified: Some(0), unexported: export.map(|_| 0) };
    let mut archive_answers = true;
    let first = first_turn(app.env().clock.now(), tenants.len());
    tenants.rotate_left(first);
    for tenant in tenants {
        if app.env().clock.now() >= until {
            break;
        }
        let Some(schema) = keep(app.schema_now(&tenant.id).await, &mut failure) else {
            ages = Ages::default();
            continue;
        };
        keep(derived::recompute(app, &schema, until, &mut report).await, &mut failure);
        keep(lookups::migrate(app, &schema, until, &mut report).await, &mut failure);
        keep(definitions::settle(app, &schema, until, &mut report).await, &mut failure);
        keep(consents::expire(app, &schema, until, &mut report).await, &mut failure);
        let verified = keep(audit::verify(app, &schema, until).await, &mut failure);
        note(&mut ages.unverified, verified.map(|age| age.unwrap_or(0)));
        // An archive that does not answer takes the time of the tenants after this one.
        let Some(export) = export.filter(|_| archive_answers) else { continue };
        let done = export::export(app, &tenant.id, export, until, &mut report).await;
        archive_answers = !matches!(done, Err(Error::Unavailable(_)));
        note(&mut ages.unexported, keep(done, &mut failure));
    }
    // Alarms read the ages, and ring too if one is not told.
    if let Some(seconds) = ages.unverified {
        tracing::info!(operation = "sweep", audit_unverified_seconds = seconds);
    }
    if let Some(seconds) = ages.unexported {
        tracing::info!(operation = "sweep", oldest_export_seconds = seconds);
    }
    keep(import(app, until.plus_seconds(IMPORT_SECONDS), &mut report).await, &mut failure);
    if report != SweepReport::default() {
        let SweepReport {
            erasures,
            derived,
            changed,
            failed,
            reindexed,
            unused,
            imported,
            expired,
            exported,
        } = report;
        tracing::info!(
            operation = "sweep",
            erasures,
            derived,
            changed,
            failed,
            reindexed,
            unused,
            imported,
            expired,
            exported
        );
    }
    failure.map_or(Ok(report), Err)
}

/// What is longest ago of all tenants, in seconds; `None` if that of one of them is not known.
#[derive(Default)]
struct Ages {
    /// The last complete verification of the audit.
    unverified: Option<i64>,
    /// When the oldest hour that is not exported could have been.
    unexported: Option<i64>,
}

/// Takes the age of another tenant.
fn note(oldest: &mut Option<i64>, age: Option<i64>) {
    *oldest = oldest.zip(age).map(|(oldest, age)| oldest.max(age));
}

/// The result; a failure is kept unless there is an earlier one.
fn keep<T>(done: Result<T>, failure: &mut Option<Error>) -> Option<T> {
    done.map_err(|error| failure.get_or_insert(error)).ok()
}

/// How many seconds ago this was; 0 for nothing.
fn age(app: &App, since: Option<Timestamp>) -> i64 {
    since.map_or(0, |since| app.env().clock.now().seconds() - since.seconds())
}

/// The index of the tenant that comes first in this minute, of `number`. A call may have time for
/// some tenants only. So the first moves from minute to minute by the golden ratio of their number,
/// and a few minutes reach all of them.
fn first_turn(now: Timestamp, number: usize) -> usize {
    const GOLDEN_RATIO: u64 = 0x9E37_79B9_7F4A_7C15;
    let minute = u64::try_from(now.seconds() / 60).unwrap_or(0);
    let position = minute.wrapping_mul(GOLDEN_RATIO);
    let first = (u128::from(position) * number as u128) >> u64::BITS;
    usize::try_from(first).unwrap_or(0)
}

/// Continues imports. Tenants take turns, each with its oldest job that makes progress. So many or
/// slow jobs of one tenant do not delay other tenants.
async fn import(app: &App, until: Timestamp, report: &mut SweepReport) -> Result<()> {
    let (table, clock) = (app.table(), &app.env().clock);
    let (mut turns, mut from, mut failure) = (VecDeque::new(), String::new(), None);
    while let Some(job) = table.waiting_import(&from).await? {
        from = job.after_tenant();
        turns.push_back(job);
    }
    tracing::info!(
        operation = "sweep",
        imports_waiting = turns.len(),
        oldest_import_seconds = age(app, turns.iter().filter_map(WaitingImport::since).min())
    );
    let first = first_turn(clock.now(), turns.len());
    turns.rotate_left(first);
    while let Some(job) = turns.pop_front()
        && clock.now() < until
    {
        let end = if turns.is_empty() {
            until
        } else {
            until.min(clock.now().plus_seconds(TURN_SECONDS))
        };
        let rows = shared::import::process(app, &job.tenant, job.id, end).await;
        match rows {
            Ok(rows) if rows > 0 => {
                report.imported += rows as u64;
                turns.push_back(job);
                continue;
            }
            Ok(_) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
        // It is finished, another worker has it, or it makes no progress now.
        let next = table.waiting_import(&job.after()).await?;
        turns.extend(next.filter(|next| next.tenant == job.tenant));
    }
    failure.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn calls_that_reach_a_quarter_of_the_tenants_reach_all_within_ten_minutes() {
        for (tenants, reached) in [(10_000, 2_500), (10_007, 2_502), (4, 1), (1, 1), (64, 16)] {
            for begun in (0..6_000).step_by(97) {
                let met = (begun..begun + 10).flat_map(|minute| {
                    let first = first_turn(Timestamp::from_millis(minute * 60_000), tenants);
                    (first..first + reached).map(move |turn| turn % tenants)
                });
                assert_eq!(met.collect::<BTreeSet<_>>().len(), tenants, "{tenants} at {begun}");
            }
        }
    }
}
