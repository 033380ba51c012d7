//! The work that changed definitions demand for all users (ADR 0054): index entries for a raised
//! `search`, and the search for users who still hold a deprecated definition or value.
//!
//! A walk begins when no function can still remember the configuration before: no write assigns a
//! deprecated definition or value after that, and every write makes the new index entries. A second
//! walk follows some minutes later, because the listing may be behind the table and the first walk
//! may miss users.

mod held;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::app::{App, SETTLED_SECONDS};
use shared::domain::Versioned;
use shared::domain::author::{Author, Reason};
use shared::domain::definition::{AttributeDefinition, Raise};
use shared::domain::error::{Error, Result};
use shared::domain::id::{DefinitionId, UserId};
use shared::domain::schema::{Schema, StoredDefinition};
use shared::domain::versioned::Version;
use shared::env::Timestamp;
use shared::store::definitions::{DefinitionEdit, Unused};
use shared::store::keys::Walk;
use shared::store::listing::WalkPosition;

use self::held::{Deprecated, Held};
use super::SweepReport;
use super::lookups::reindex;
use super::walk::{Progress, note, walk};

/// How long after a walk the second one begins, in seconds.
pub const SECOND_LOOK_SECONDS: i64 = 300;
/// How many seconds after a walk the next walk searches again for deprecated definitions and values
/// that a user held.
pub const LOOK_AGAIN_SECONDS: i64 = 24 * 3600;

/// The work that the definitions of a tenant demand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Work {
    /// Attributes whose `search` was raised, at a version.
    raised: Vec<(DefinitionId, Version, Raise)>,
    /// The deprecated definitions and values, in a fixed order.
    deprecated: Vec<Deprecated>,
    /// The versions of all these definitions.
    fingerprint: String,
}

impl Work {
    fn of(schema: &Schema) -> Self {
        let mut work = Self::default();
        let mut versions = Vec::new();
        for (_, entry) in schema.attributes.after("") {
            let (id, version) = (entry.stored.value.id, entry.stored.version());
            let before = work.deprecated.len();
            work.deprecated.extend(Deprecated::of_attribute(entry));
            work.raised.extend(entry.stored.value.raise.map(|raise| (id, version, raise)));
            if work.deprecated.len() > before || entry.stored.value.raise.is_some() {
                versions.push(format!("{id}@{}", version.0));
            }
        }
        for (_, entry) in schema.personas.after("") {
            if entry.stored.value.deprecated {
                work.deprecated.push(Deprecated::persona(entry));
                let id = entry.stored.value.id;
                versions.push(format!("{id}@{}", entry.stored.version().0));
            }
        }
        Self { fingerprint: versions.join(" "), ..work }
    }

    fn builds(&self) -> bool {
        self.raised.iter().any(|(.., raise)| !raise.built)
    }

    /// The places of deprecated definitions and values that a user may hold.
    fn open(&self) -> impl Iterator<Item = usize> {
        let places = self.deprecated.iter().enumerate();
        places.filter(|(_, deprecated)| deprecated.open).map(|(place, _)| place)
    }
}

/// The progress of a walk for definitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DefinitionsProgress {
    /// The versions of the definitions that the walk works for.
    fingerprint: String,
    /// When it goes on.
    from: Timestamp,
    /// Where the walk over the listing goes on.
    #[serde(flatten)]
    at: WalkPosition,
    /// Whether it is the second walk.
    second: bool,
    /// Whether the results are noted at the definitions.
    finished: bool,
    /// Whether a user could not be read, or not be given its index entries.
    failed: bool,
    /// The deprecated definitions and values that a user holds.
    held: Held,
    #[serde(skip)]
    work: Arc<Work>,
}

impl DefinitionsProgress {
    fn of(work: &Arc<Work>, from: Timestamp) -> Self {
        let walks = work.builds() || work.open().next().is_some();
        Self {
            fingerprint: work.fingerprint.clone(),
            from,
            at: if walks { WalkPosition::default() } else { WalkPosition::END },
            second: !walks,
            finished: false,
            failed: false,
            held: Held::none(work.deprecated.len()),
            work: Arc::clone(work),
        }
    }

    /// Whether a walk has nothing left to find out.
    fn is_decided(&self) -> bool {
        !self.work.builds() && self.work.open().all(|place| self.held.contains(place))
    }

    /// Makes the index entries of a user, and finds out what the user holds; whether it could be
    /// read and done.
    async fn look_at(
        &mut self,
        app: &App,
        schema: &Schema,
        user: UserId,
        report: &mut SweepReport,
    ) -> Result<bool> {
        if self.work.builds() {
            let done = reindex(app, schema, user).await?;
            report.reindexed += u64::from(done.changed);
            if done.failed {
                return Ok(false);
            }
        }
        let (table, tenant) = (app.table(), &schema.tenant);
        let Some(user) = table.find_user(tenant, user).await? else { return Ok(true) };
        let systems = schema.systems.values().next().is_some();
        let profiles =
            if systems { table.profiles_of(tenant, user.value.id).await? } else { Vec::new() };
        for (place, deprecated) in self.work.deprecated.iter().enumerate() {
            if !self.held.contains(place) && deprecated.is_held(&user.value, &profiles) {
                self.held.add(place);
            }
        }
        Ok(true)
    }
}

impl Progress for DefinitionsProgress {
    const WALK: Walk = Walk::Definitions;

    fn position(&self) -> &WalkPosition {
        &self.at
    }

    fn advance(&mut self, next: WalkPosition, now: Timestamp) {
        self.at = if self.is_decided() { WalkPosition::END } else { next };
        if self.at.is_end() && !self.second && !self.is_decided() {
            (self.at, self.second) = (WalkPosition::default(), true);
            self.from = now.plus_seconds(SECOND_LOOK_SECONDS);
        }
    }

    fn waits_until(&self) -> Option<Timestamp> {
        Some(self.from)
    }

    async fn visit(
        &mut self,
        app: &App,
        schema: &Schema,
        user: UserId,
        report: &mut SweepReport,
    ) -> Result<()> {
        match self.look_at(app, schema, user, report).await {
            Ok(done) => self.failed |= !done,
            // A profile that does not read must not keep the others from being visited.
            Err(Error::Unexpected(cause)) => {
                tracing::error!(operation = "sweep", user = %user, cause);
                self.failed = true;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Continues the walk that the tenant's definitions demand.
pub(crate) async fn settle(
    app: &App,
    schema: &Schema,
    until: Timestamp,
    report: &mut SweepReport,
) -> Result<()> {
    let work = Arc::new(Work::of(schema));
    if work.fingerprint.is_empty() {
        return Ok(());
    }
    let stored: Option<Versioned<DefinitionsProgress>> =
        app.table().progress(&schema.tenant, DefinitionsProgress::WALK).await?;
    let now = app.env().clock.now();
    let known = stored.as_ref().filter(|stored| stored.value.fingerprint == work.fingerprint);
    let Some(mut progress) = known.cloned() else {
        let value = DefinitionsProgress::of(&work, now.plus_seconds(SETTLED_SECONDS));
        note(app, schema, stored.as_ref(), value).await?;
        return Ok(());
    };
    if now < progress.value.from {
        return Ok(());
    }
    progress.value.work = Arc::clone(&work);
    if progress.value.finished {
        if !work.builds() && work.open().next().is_none() {
            return Ok(());
        }
        let again = DefinitionsProgress::of(&work, now);
        let Some(noted) = note(app, schema, Some(&progress), again).await? else { return Ok(()) };
        progress = noted;
    }
    if let Some(done) = walk(app, schema, progress, until, report).await?
        && done.value.at.is_end()
    {
        if !done.value.failed {
            finish(app, schema, &done.value, report).await?;
        }
        let from = app.env().clock.now().plus_seconds(LOOK_AGAIN_SECONDS);
        let finished = DefinitionsProgress { finished: true, from, ..done.value.clone() };
        note(app, schema, Some(&done), finished).await?;
    }
    Ok(())
}

/// Notes what a walk has found, at definitions that are still as they were.
async fn finish(
    app: &App,
    schema: &Schema,
    found: &DefinitionsProgress,
    report: &mut SweepReport,
) -> Result<()> {
    let mut unused = Vec::new();
    let mut values = BTreeMap::<DefinitionId, Vec<String>>::new();
    for place in found.work.open().filter(|place| !found.held.contains(*place)) {
        let Some(Deprecated { kind, id, value, .. }) = found.work.deprecated.get(place) else {
            continue;
        };
        match value {
            Some(value) => values.entry(*id).or_default().push(value.clone()),
            None => unused.push(Unused::Definition(*kind, id.to_string())),
        }
    }
    for (id, mut unheld) in values {
        let known = schema.attributes.get(&id.to_string()).into_iter();
        unheld.extend(known.flat_map(|entry| entry.unheld.clone()));
        unused.push(Unused::Values(id.to_string(), unheld));
    }
    report.unused += app.table().mark_unused(schema, &unused).await?;
    for (id, version, raise) in &found.work.raised {
        move_on(app, schema, *id, *version, *raise).await?;
    }
    app.forget_schema(&schema.tenant);
    Ok(())
}

/// Lets filters use the index entries of a raised `search` once every user has them. Users lose the
/// earlier entries when no function searches by them any more.
async fn move_on(
    app: &App,
    schema: &Schema,
    id: DefinitionId,
    version: Version,
    raise: Raise,
) -> Result<()> {
    let next = (!raise.built).then_some(Raise { built: true, ..raise });
    let edit = |entry: Option<&StoredDefinition<AttributeDefinition>>, _: &_| {
        let current = &entry.ok_or(Error::NotFound)?.stored;
        let moved = AttributeDefinition { raise: next, ..current.value.clone() };
        let same = current.version() == version;
        Ok(if same { DefinitionEdit::Replace(moved) } else { DefinitionEdit::Keep })
    };
    let id = id.to_string();
    let author = Author::service(schema.tenant.clone(), Reason::Recomputation);
    match app.table().edit_definition(&author, Some(&id), edit, |_| Ok(None)).await {
        // Deleted meanwhile.
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}
