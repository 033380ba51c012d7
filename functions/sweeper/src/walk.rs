//! Walks over all users of a tenant, whose progress is kept in the table.

use serde::Serialize;
use shared::app::App;
use shared::domain::Versioned;
use shared::domain::error::Result;
use shared::domain::id::UserId;
use shared::domain::schema::Schema;
use shared::env::Timestamp;
use shared::store::keys::Walk;
use shared::store::listing::{ChangeWindow, WalkPosition};

use super::SweepReport;

/// How many users are visited between two notes of the progress, if there is time.
const PAGE: usize = 100;

/// The progress of a walk, and what it does to each user.
pub(crate) trait Progress: Clone + Serialize {
    /// Which walk it is.
    const WALK: Walk;

    /// Where the walk goes on.
    fn position(&self) -> &WalkPosition;

    /// When the walk goes on, if it may not at once.
    fn waits_until(&self) -> Option<Timestamp> {
        None
    }

    /// All users before this position were visited.
    fn advance(&mut self, next: WalkPosition, now: Timestamp);

    /// Does to a user what the walk is for.
    async fn visit(
        &mut self,
        app: &App,
        schema: &Schema,
        user: UserId,
        report: &mut SweepReport,
    ) -> Result<()>;
}

/// Notes the progress; `None` if another sweeper noted it since `before` was read.
pub(crate) async fn note<P: Progress>(
    app: &App,
    schema: &Schema,
    before: Option<&Versioned<P>>,
    progress: P,
) -> Result<Option<Versioned<P>>> {
    let next = match before {
        Some(before) => before.changed_to(progress),
        None => Versioned::first(progress),
    };
    let noted = app.table().note_progress(&schema.tenant, P::WALK, before, &next).await?;
    Ok(noted.then_some(next))
}

/// Visits users until all were visited or `until` has come; `None` if another sweeper walks too.
pub(crate) async fn walk<P: Progress>(
    app: &App,
    schema: &Schema,
    mut progress: Versioned<P>,
    until: Timestamp,
    report: &mut SweepReport,
) -> Result<Option<Versioned<P>>> {
    let (table, clock) = (app.table(), &app.env().clock);
    let waits = |value: &P| value.waits_until().is_some_and(|from| clock.now() < from);
    while !progress.value.position().is_end() && clock.now() < until && !waits(&progress.value) {
        let from = progress.value.position();
        let page = table.walk_listing(&schema.tenant, ChangeWindow::default(), from, PAGE).await?;
        let (mut value, mut next) = (progress.value.clone(), page.next);
        for (user, position) in page.users {
            value.visit(app, schema, user, report).await?;
            // Scripts may be slow: who was visited is noted before Lambda ends the call.
            if clock.now() >= until {
                next = position;
                break;
            }
        }
        value.advance(next, clock.now());
        let Some(noted) = note(app, schema, Some(&progress), value).await? else {
            return Ok(None);
        };
        progress = noted;
    }
    Ok(Some(progress))
}
