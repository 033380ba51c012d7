//! What changed definitions ask of all users (ADR 0054): index entries for a raised `search`, and
//! whether anybody still holds a deprecated definition or a deprecated value.
//!
//! A walk begins when no function can still remember the configuration before: nobody is given
//! anything deprecated after that, and every write makes the new index entries.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::app::{App, SETTLED_SECONDS};
use shared::domain::Versioned;
use shared::domain::definition::{AttributeDefinition, DefinitionKind, Raise};
use shared::domain::error::{Error, Result};
use shared::domain::id::{DefinitionId, UserId};
use shared::domain::schema::Schema;
use shared::domain::system_profile::SystemProfile;
use shared::domain::user::User;
use shared::domain::value::Values;
use shared::domain::versioned::Version;
use shared::env::Timestamp;
use shared::store::definitions::DefinitionEdit;
use shared::store::keys::Walk;
use shared::store::listing::WalkPosition;

use super::SweepReport;
use super::lookups::reindex;
use super::walk::{Progress, note, walk};

/// How long after a walk the next one looks again for what somebody held, in seconds.
pub const LOOK_AGAIN_SECONDS: i64 = 24 * 3600;
/// The most deprecated definitions and values that one walk looks for.
pub const MAX_DEPRECATED: usize = 10_000;

/// A definition that takes no new assignments, or one of its values that is given to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Deprecated {
    kind: DefinitionKind,
    id: DefinitionId,
    value: Option<String>,
}

impl Deprecated {
    fn is_held(&self, user: &User, profiles: &[Versioned<SystemProfile>]) -> bool {
        if self.kind == DefinitionKind::Persona {
            return user.personas.iter().any(|persona| persona.definition == self.id);
        }
        let personas = user.personas.iter().map(|persona| &persona.attributes);
        let profiles = profiles.iter().map(|profile| &profile.value.overrides.attributes);
        std::iter::once(&user.attributes).chain(personas).chain(profiles).any(|all| self.is_in(all))
    }

    fn is_in(&self, attributes: &Values) -> bool {
        attributes.get(&self.id).is_some_and(|values| {
            self.value.as_ref().is_none_or(|deprecated| values.contains(deprecated))
        })
    }
}

/// What the definitions of a tenant ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Work {
    /// Attributes whose `search` was raised, at a version.
    raised: Vec<(DefinitionId, Version, Raise)>,
    /// What is deprecated and was assigned once, in a fixed order.
    deprecated: Vec<Deprecated>,
    /// All of this, as text.
    fingerprint: String,
}

impl Work {
    fn of(schema: &Schema) -> Self {
        let mut work = Self::default();
        let mut marks = Vec::new();
        for (_, entry) in schema.attributes.after("") {
            let definition = &entry.stored.value;
            let (id, version) = (definition.id, entry.stored.version());
            let before = work.deprecated.len();
            let deprecated = |value| Deprecated { kind: DefinitionKind::Attribute, id, value };
            if entry.used && definition.deprecated {
                work.deprecated.push(deprecated(None));
            }
            let open = definition.deprecated_values.iter();
            let open = open.filter(|value| entry.used && !entry.unheld.contains(value));
            work.deprecated.extend(open.map(|value| deprecated(Some(value.clone()))));
            work.raised.extend(definition.raise.map(|raise| (id, version, raise)));
            let found = work.deprecated.len() - before;
            if found > 0 || definition.raise.is_some() {
                marks.push(format!("{id}@{}:{found}", version.0));
            }
        }
        for (_, entry) in schema.personas.after("") {
            let id = entry.stored.value.id;
            if entry.used && entry.stored.value.deprecated {
                let kind = DefinitionKind::Persona;
                work.deprecated.push(Deprecated { kind, id, value: None });
                marks.push(format!("{id}@{}", entry.stored.version().0));
            }
        }
        work.deprecated.truncate(MAX_DEPRECATED);
        Self { fingerprint: marks.join(" "), ..work }
    }

    fn builds(&self) -> bool {
        self.raised.iter().any(|(.., raise)| !raise.built)
    }
}

/// The progress of a walk for definitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DefinitionsProgress {
    /// What the walk is for.
    fingerprint: String,
    /// When the walk may begin; once it has ended, when the next one may.
    from: Timestamp,
    /// Where the walk over the listing goes on.
    #[serde(flatten)]
    at: WalkPosition,
    /// What somebody holds, by its place among all that is deprecated.
    held: BTreeSet<usize>,
    #[serde(skip)]
    work: Arc<Work>,
}

impl DefinitionsProgress {
    fn of(work: &Arc<Work>, from: Timestamp) -> Self {
        let walks = work.builds() || !work.deprecated.is_empty();
        let at = if walks { WalkPosition::default() } else { WalkPosition::END };
        let fingerprint = work.fingerprint.clone();
        Self { fingerprint, from, at, held: BTreeSet::new(), work: Arc::clone(work) }
    }

    fn all_are_held(&self) -> bool {
        self.held.len() == self.work.deprecated.len()
    }
}

impl Progress for DefinitionsProgress {
    const WALK: Walk = Walk::Definitions;

    fn position(&self) -> &WalkPosition {
        &self.at
    }

    fn advance(&mut self, next: WalkPosition, now: Timestamp) {
        // Nothing is to be found any more.
        let done = !self.work.builds() && self.all_are_held();
        self.at = if done { WalkPosition::END } else { next };
        if self.at.is_end() {
            self.from = now.plus_seconds(LOOK_AGAIN_SECONDS);
        }
    }

    async fn visit(
        &mut self,
        app: &App,
        schema: &Schema,
        user: UserId,
        report: &mut SweepReport,
    ) -> Result<()> {
        if self.work.builds() {
            let (changed, _) = reindex(app, schema, user).await?;
            report.reindexed += u64::from(changed);
        }
        if self.all_are_held() {
            return Ok(());
        }
        let (table, tenant) = (app.table(), &schema.tenant);
        let Some(user) = table.find_user(tenant, user).await? else { return Ok(()) };
        let systems = schema.systems.values().next().is_some();
        let profiles =
            if systems { table.profiles_of(tenant, user.value.id).await? } else { Vec::new() };
        let places = self.work.deprecated.iter().enumerate();
        let held = places.filter(|(_, deprecated)| deprecated.is_held(&user.value, &profiles));
        self.held.extend(held.map(|(place, _)| place));
        Ok(())
    }
}

/// Goes on with the walk that the tenant's definitions ask for.
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
    progress.value.work = Arc::clone(&work);
    let looked = progress.value.at.is_end() && work.raised.is_empty();
    if looked && progress.value.all_are_held() {
        if now < progress.value.from {
            return Ok(());
        }
        let again = DefinitionsProgress::of(&work, now);
        let Some(noted) = note(app, schema, Some(&progress), again).await? else { return Ok(()) };
        progress = noted;
    } else if !progress.value.at.is_end() && now < progress.value.from {
        return Ok(());
    }
    if let Some(done) = walk(app, schema, progress, until, report).await?
        && done.value.at.is_end()
    {
        finish(app, schema, &done.value, report).await?;
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
    let table = app.table();
    for (id, version, raise) in &found.work.raised {
        move_on(app, schema, *id, *version, *raise).await?;
    }
    let places = found.work.deprecated.iter().enumerate();
    let unheld = places.filter(|(place, _)| !found.held.contains(place));
    let mut values = BTreeMap::<DefinitionId, Vec<String>>::new();
    for (_, Deprecated { kind, id, value }) in unheld {
        match value {
            Some(value) => values.entry(*id).or_default().push(value.clone()),
            None => {
                let noted = table.mark_unused(schema, *kind, &id.to_string()).await?;
                report.unused += u64::from(noted);
            }
        }
    }
    for (id, mut unheld) in values {
        let id = id.to_string();
        report.unused += unheld.len() as u64;
        unheld.extend(schema.attributes.get(&id).into_iter().flat_map(|e| e.unheld.clone()));
        table.mark_unheld(schema, &id, unheld).await?;
    }
    Ok(())
}

/// Lets filters use the index entries of a raised `search` once every user has them. Users lose the
/// entries of before when no function searches by them any more.
async fn move_on(
    app: &App,
    schema: &Schema,
    id: DefinitionId,
    version: Version,
    raise: Raise,
) -> Result<()> {
    let next = (!raise.built).then_some(Raise { built: true, ..raise });
    let edit = |entry: Option<&shared::domain::schema::StoredDefinition<AttributeDefinition>>,
                _: &_| {
        let current = &entry.ok_or(Error::NotFound)?.stored;
        let moved = AttributeDefinition { raise: next, ..current.value.clone() };
        let same = current.version() == version;
        Ok(if same { DefinitionEdit::Replace(moved) } else { DefinitionEdit::Keep })
    };
    let id = id.to_string();
    match app.table().edit_definition(&schema.tenant, Some(&id), edit, |_| Ok(None)).await {
        // Deleted meanwhile.
        Ok(_) | Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    app.forget_schema(&schema.tenant);
    Ok(())
}
