//! Derived attributes after a workflow, or what it is linked to, has changed: every profile of the
//! tenant is computed once more.
//!
//! Nobody has to say that something changed. The configuration has a fingerprint, and a walk over
//! the tenant's listing is done for each. A walk begins when no function can still remember the
//! configuration before: a profile written by an old one is visited after that. A profile that is
//! written meanwhile moves to the end of its shard and is visited there.

use serde::{Deserialize, Serialize};
use shared::app::{App, SETTLED_SECONDS};
use shared::domain::author::{Author, Reason};
use shared::domain::definition::DefinitionKind;
use shared::domain::derive::derivations;
use shared::domain::error::{Error, Result};
use shared::domain::hashing::Hashes;
use shared::domain::id::UserId;
use shared::domain::schema::Schema;
use shared::domain::{Versioned, WriteContext};
use shared::env::Timestamp;
use shared::store::listing::{ChangeWindow, WalkPosition};
use shared::store::users::StoredUser;
use shared::writing::{Policy, ProfileWriter, WriteOutcome};

use super::SweepReport;

/// How many profiles are walked between two notes of how far the walk is, if there is time.
const PAGE: usize = 100;
/// How many more walks there are for profiles that failed while nothing changed.
const ROUNDS: u8 = 2;

/// The progress of a recomputation of derived attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RecomputationProgress {
    /// What is derived and by which scripts.
    fingerprint: String,
    /// When this configuration was first seen.
    noticed_at: Timestamp,
    /// Where the walk over the listing goes on.
    #[serde(flatten)]
    at: WalkPosition,
    /// Whether this walk changed a profile, and whether one failed.
    #[serde(default)]
    changed: bool,
    #[serde(default)]
    failed: bool,
    /// How many walks there were before in which profiles failed.
    #[serde(default)]
    round: u8,
}

impl RecomputationProgress {
    /// What follows a page. A profile that failed may have stood in the way of another one, whose
    /// unique value it had, or its script may have been short of time: as long as that can help
    /// there is another walk.
    fn advance(&mut self, next: WalkPosition) {
        self.at = next;
        if self.at.is_end() && self.failed && (self.changed || self.round < ROUNDS) {
            self.round = if self.changed { 0 } else { self.round + 1 };
            (self.changed, self.failed) = (false, false);
            self.at = WalkPosition::default();
        }
    }
}

/// What is derived, by the versions of all that it depends on: a change that was taken back is a
/// change too, because profiles were written meanwhile.
fn fingerprint(schema: &Schema) -> String {
    let version =
        |kind, id: String| schema.mark(kind, &id).map(|(version, _)| format!("{id}@{}", version.0));
    let linked = derivations(schema).into_iter().flat_map(|derivation| {
        let attributes = derivation
            .attributes
            .into_iter()
            .map(|a| version(DefinitionKind::Attribute, a.id.to_string()));
        std::iter::once(version(DefinitionKind::Workflow, derivation.workflow.id.to_string()))
            .chain(attributes)
    });
    linked.flatten().collect::<Vec<_>>().join(" ")
}

/// Goes on with the walk that the tenant's configuration needs.
pub(crate) async fn recompute(
    app: &App,
    schema: &Schema,
    until: Timestamp,
    report: &mut SweepReport,
) -> Result<()> {
    let (table, tenant) = (app.table(), &schema.tenant);
    let stored: Option<Versioned<RecomputationProgress>> = table.derivation(tenant).await?;
    let fingerprint = fingerprint(schema);
    if stored.is_none() && fingerprint.is_empty() {
        return Ok(());
    }
    let now = app.env().clock.now();
    let mut progress = match stored {
        Some(stored) if stored.value.fingerprint == fingerprint => stored,
        stored => {
            // Where nothing is derived there is nothing to walk for.
            let at =
                if fingerprint.is_empty() { WalkPosition::END } else { WalkPosition::default() };
            let value = RecomputationProgress {
                fingerprint,
                noticed_at: now,
                at,
                changed: false,
                failed: false,
                round: 0,
            };
            let next = stored
                .as_ref()
                .map_or_else(|| Versioned::first(value.clone()), |s| s.changed_to(value.clone()));
            if !table.note_derivation(tenant, stored.as_ref(), &next).await? {
                return Ok(());
            }
            next
        }
    };
    while !progress.value.at.is_end()
        && progress.value.noticed_at.plus_seconds(SETTLED_SECONDS) <= now
        && app.env().clock.now() < until
    {
        let page =
            table.walk_listing(tenant, ChangeWindow::default(), &progress.value.at, PAGE).await?;
        let before = *report;
        let mut next = page.next;
        for (user, position) in page.users {
            recompute_user(app, schema, user, report).await?;
            // Scripts may be slow: what was walked is noted before Lambda ends the call.
            if app.env().clock.now() >= until {
                next = position;
                break;
            }
        }
        let mut value = progress.value.clone();
        value.changed |= report.changed > before.changed;
        value.failed |= report.failed > before.failed;
        value.advance(next);
        let next = progress.changed_to(value);
        if !table.note_derivation(tenant, Some(&progress), &next).await? {
            return Ok(());
        }
        progress = next;
    }
    Ok(())
}

async fn recompute_user(
    app: &App,
    schema: &Schema,
    user: UserId,
    report: &mut SweepReport,
) -> Result<()> {
    let author = Author::service(schema.tenant.clone(), Reason::Recomputation);
    let hashes = Hashes::default();
    let policy = Policy::recomputation();
    let writer = ProfileWriter::new(app, &author, schema, &hashes, policy);
    let same = |current: &StoredUser, _: &WriteContext<'_>| Ok(current.value.clone());
    let done = writer.change(user, same, |_| Ok(Vec::new())).await;
    report.derived += 1;
    report.changed += u64::from(matches!(done, Ok(WriteOutcome::Written(_))));
    match done {
        // Forgotten meanwhile.
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(Error::Invalid(_) | Error::NotUnique(_)) => {
            report.failed += 1;
            Ok(())
        }
        // A profile that does not read must not keep the others from being computed.
        Err(Error::Unexpected(cause)) => {
            tracing::error!(operation = "sweep", cause);
            report.failed += 1;
            Ok(())
        }
        Err(error) => Err(error),
    }
}
