//! The sweeper: what has to happen without anybody asking. A schedule calls it each minute.
//!
//! It finishes erasures that were interrupted, recomputes derived attributes after a workflow has
//! changed, and goes on with imports. All that it does can be interrupted, repeated and done by
//! several at once.

mod derived;

use shared::app::App;
use shared::domain::error::Result;
use shared::env::Timestamp;

/// How long one call works, in seconds; the next one goes on where it stopped.
pub const BUDGET_SECONDS: i64 = 30;
/// How much longer it works while there are rows to import, in seconds.
pub const IMPORT_SECONDS: i64 = 20;

/// The results of one sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SweepReport {
    /// Erasures that were finished.
    pub erasures: u64,
    /// Users whose derived attributes were looked at.
    pub derived: u64,
    /// Those of them that changed.
    pub changed: u64,
    /// Those of them whose workflow failed; they keep what they had.
    pub failed: u64,
    /// Rows of imports that got their status.
    pub imported: u64,
}

/// Does the waiting work, until none is left or `until` has come. What fails does not keep the rest from
/// being done; the first failure is the answer then.
pub async fn sweep(app: &App, until: Timestamp) -> Result<SweepReport> {
    let (mut report, mut failure) = (SweepReport::default(), None);
    let unfinished = app.table().unfinished_forgets().await?;
    // An alarm of the template reads the age.
    if let Some(since) = unfinished.iter().map(|(.., since)| since).min() {
        let oldest_erasure_seconds = app.env().clock.now().seconds() - since.seconds();
        tracing::info!(operation = "sweep", unfinished = unfinished.len(), oldest_erasure_seconds);
    }
    for (tenant, user, _) in unfinished {
        match app.table().resume_forget(&tenant, user).await {
            Ok(finished) => report.erasures += u64::from(finished),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let mut tenants = app.table().tenants().await?;
    // Not always the same first: a long walk shall not keep the others waiting until it is done.
    let minute = usize::try_from(app.env().clock.now().seconds() / 60).unwrap_or(0);
    let first = minute.checked_rem(tenants.len()).unwrap_or(0);
    tenants.rotate_left(first);
    for tenant in tenants {
        if let Err(error) = derived::recompute(app, &tenant.id, until, &mut report).await {
            failure = failure.or(Some(error));
        }
    }
    for (tenant, id) in app.table().waiting_imports().await? {
        match shared::import::process(app, &tenant, id, until.plus_seconds(IMPORT_SECONDS)).await {
            Ok(rows) => report.imported += rows as u64,
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if report != SweepReport::default() {
        let SweepReport { erasures, derived, changed, failed, imported } = report;
        tracing::info!(operation = "sweep", erasures, derived, changed, failed, imported);
    }
    failure.map_or(Ok(report), Err)
}
