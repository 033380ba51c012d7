//! The sweeper: what has to happen without anybody asking. A schedule calls it each minute.
//!
//! It finishes erasures that were interrupted, and it recomputes derived attributes after a workflow has changed. Whatever it does can be
//! interrupted, repeated and done by several at once.

mod derived;

use shared::app::App;
use shared::domain::error::Result;
use shared::world::Timestamp;

/// How long one call works, in seconds; the next one goes on where it stopped.
pub const BUDGET_SECONDS: i64 = 40;

/// What one call did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Erasures that were finished.
    pub erasures: u64,
    /// Users whose derived attributes were looked at.
    pub derived: u64,
    /// Those of them that changed.
    pub changed: u64,
    /// Those of them whose workflow failed; they keep what they had.
    pub failed: u64,
}

/// Does what is due, until nothing is or `until` has come.
pub async fn sweep(app: &App, until: Timestamp) -> Result<Report> {
    let mut report = Report { erasures: app.table().finish_forgets().await?, ..Report::default() };
    for tenant in app.table().tenants().await? {
        derived::recompute(app, &tenant.id, until, &mut report).await?;
    }
    if report != Report::default() {
        let Report { erasures, derived, changed, failed } = report;
        tracing::info!(operation = "sweep", erasures, derived, changed, failed);
    }
    Ok(report)
}
