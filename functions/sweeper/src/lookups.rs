//! The migration of index entries to the current forms of values (ADR 0048).
//!
//! A walk over the tenant's listing gives each user the entries of both forms. Functions of the
//! previous version may write and search until a rollout is complete or rolled back. So entries of
//! the earlier form go a week later, in a second walk, which also finds what such a function has
//! written since. Profiles, their tags and the times of their changes stay unchanged.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shared::app::{App, SETTLED_SECONDS};
use shared::domain::Versioned;
use shared::domain::author::{Author, Reason};
use shared::domain::error::{Error, Result, Violations};
use shared::domain::hashing::Hashes;
use shared::domain::id::UserId;
use shared::domain::lookup;
use shared::domain::schema::{LookupForms, Schema};
use shared::env::Timestamp;
use shared::store::Retry;
use shared::store::keys::Walk;
use shared::store::listing::WalkPosition;
use shared::store::user_writes::{CompanionWrites, UserWrite};
use shared::writing::{CommitAttempt, Policy, ProfileWriter};

use super::SweepReport;
use super::walk::{Progress, note, walk};

/// How long functions of the version before may still run after the first walk, in seconds.
pub const ROLLOUT_SECONDS: i64 = 7 * 24 * 3600;

/// The progress of the migration of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MigrationProgress {
    /// The forms of look-ups that the walk makes.
    forms: LookupForms,
    /// When the walk may begin.
    from: Timestamp,
    /// Where the walk over the listing goes on.
    #[serde(flatten)]
    at: WalkPosition,
    /// Users who keep an entry of the earlier form, because another user has the same entry of the
    /// current form.
    clashes: u64,
}

impl MigrationProgress {
    fn of(forms: LookupForms, from: Timestamp) -> Self {
        Self { forms, from, at: WalkPosition::default(), clashes: 0 }
    }
}

impl Progress for MigrationProgress {
    const WALK: Walk = Walk::Migration;

    fn position(&self) -> &WalkPosition {
        &self.at
    }

    fn advance(&mut self, next: WalkPosition, now: Timestamp) {
        self.at = next;
        if self.at.is_end() && self.forms == LookupForms::Both {
            self.from = now.plus_seconds(ROLLOUT_SECONDS);
        }
    }

    async fn visit(
        &mut self,
        app: &App,
        schema: &Schema,
        user: UserId,
        report: &mut SweepReport,
    ) -> Result<()> {
        let done = reindex(app, schema, user).await?;
        report.reindexed += u64::from(done.changed);
        self.clashes += u64::from(done.clash);
        Ok(())
    }
}

/// Continues the migration of a tenant.
pub(crate) async fn migrate(
    app: &App,
    schema: &Schema,
    until: Timestamp,
    report: &mut SweepReport,
) -> Result<()> {
    if schema.forms == LookupForms::Complete {
        return Ok(());
    }
    let now = app.env().clock.now();
    let stored: Option<Versioned<MigrationProgress>> =
        app.table().progress(&schema.tenant, MigrationProgress::WALK).await?;
    let Some(progress) = stored.clone().filter(|stored| stored.value.forms == schema.forms) else {
        // When the walk begins, no function has the earlier configuration in its cache.
        let value = MigrationProgress::of(schema.forms, now.plus_seconds(SETTLED_SECONDS));
        note(app, schema, stored.as_ref(), value).await?;
        return Ok(());
    };
    if now < progress.value.from {
        return Ok(());
    }
    if let Some(Versioned { value, .. }) = walk(app, schema, progress, until, report).await?
        && value.at.is_end()
        && value.from <= now
    {
        finish(app, schema, value.clashes).await?;
    }
    Ok(())
}

/// Notes that a walk is done, for all functions.
async fn finish(app: &App, schema: &Schema, clashes: u64) -> Result<()> {
    let next = match schema.forms {
        LookupForms::Both => LookupForms::Current,
        LookupForms::Current | LookupForms::Complete => LookupForms::Complete,
    };
    if app.table().set_forms(schema, next).await? {
        app.forget_schema(&schema.tenant);
    }
    if clashes > 0 {
        // `kith check` names them.
        tracing::warn!(operation = "sweep", clashes, "users share a unique value");
    }
    Ok(())
}

/// The outcome for the index entries of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reindexed {
    /// Something changed.
    pub(crate) changed: bool,
    /// Another user has one of them.
    pub(crate) clash: bool,
    /// Some could not be made.
    pub(crate) failed: bool,
}

/// Gives a user and its system profiles their index entries. If a profile is unreadable or needs
/// too many entries, the walk still visits the others.
pub(crate) async fn reindex(app: &App, schema: &Schema, user: UserId) -> Result<Reindexed> {
    let mut done = Reindexed::default();
    match reindex_user(app, schema, user, &mut done).await {
        Err(Error::Unexpected(cause)) => {
            tracing::error!(operation = "sweep", user = %user, cause);
            done.failed = true;
            Ok(done)
        }
        finished => finished.map(|()| done),
    }
}

async fn reindex_user(
    app: &App,
    schema: &Schema,
    user: UserId,
    done: &mut Reindexed,
) -> Result<()> {
    let table = app.table();
    let author = Author::service(schema.tenant.clone(), Reason::Recomputation);
    let hashes = Hashes::default();
    let writer = ProfileWriter::new(app, &author, schema, &hashes, Policy::recomputation());
    let (mut refused, mut retry) = (BTreeSet::new(), Retry::of(table));
    loop {
        let Some(current) = table.find_user(&schema.tenant, user).await? else { return Ok(()) };
        schema.check_covers(&current.value)?;
        let before = current.version();
        let due = lookup::of(&current.value, schema, &mut Violations::default());
        let whole = lookup::is_one_step(current.lookups(), &due);
        let write = UserWrite::Reindex(Box::new(current), refused.clone());
        match writer.commit(write, |_| Ok(CompanionWrites::default())).await? {
            CommitAttempt::Written(user) => {
                let changed = user.version() != before;
                done.changed |= changed;
                if whole || !changed {
                    break;
                }
            }
            CommitAttempt::Refused(failed) if !failed.user && !failed.gained.is_empty() => {
                refused.extend(failed.gained);
                done.clash = true;
            }
            CommitAttempt::Contended | CommitAttempt::Refused(_) => retry.again().await?,
        }
    }
    if schema.systems.values().next().is_some() {
        done.changed |= table.reindex_profiles(schema, user).await?;
    }
    Ok(())
}
