//! Derived attributes after a workflow, or what it is linked to, has changed: every profile of the
//! tenant is computed once more.
//!
//! The sweeper needs no message about a change. It compares the fingerprint of the configuration,
//! and walks over the tenant's listing for each new one. A walk begins when no cache can have the
//! earlier configuration. So it visits every profile that was written by an old one. A profile that
//! is written during the walk moves to the end of its shard and is visited there.

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
use shared::store::keys::Walk;
use shared::store::listing::WalkPosition;
use shared::store::users::StoredUser;
use shared::writing::{Policy, ProfileWriter, WriteOutcome};

use super::SweepReport;
use super::walk::{Progress, note, walk};

/// How many more walks follow for failed profiles if no other profile changes.
const ROUNDS: u8 = 2;

/// The progress of a recomputation of derived attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RecomputationProgress {
    /// The versions of the derived attributes and of their scripts.
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

impl Progress for RecomputationProgress {
    const WALK: Walk = Walk::Recomputation;

    fn position(&self) -> &WalkPosition {
        &self.at
    }

    /// Another walk may help a profile that failed: another profile may have given up the unique
    /// value that it needs, or its script may have run out of time.
    fn advance(&mut self, next: WalkPosition, _: Timestamp) {
        self.at = next;
        if self.at.is_end() && self.failed && (self.changed || self.round < ROUNDS) {
            self.round = if self.changed { 0 } else { self.round + 1 };
            (self.changed, self.failed) = (false, false);
            self.at = WalkPosition::default();
        }
    }

    async fn visit(
        &mut self,
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
        let changed = matches!(done, Ok(WriteOutcome::Written(_)));
        let failed = match done {
            Ok(_) => writer.derivation_failed(),
            // Forgotten meanwhile.
            Err(Error::NotFound) => false,
            Err(Error::Invalid(_) | Error::NotUnique(_)) => true,
            // An unreadable profile must not block the others.
            Err(Error::Unexpected(cause)) => {
                tracing::error!(operation = "sweep", cause);
                true
            }
            Err(error) => return Err(error),
        };
        report.changed += u64::from(changed);
        report.failed += u64::from(failed);
        self.changed |= changed;
        self.failed |= failed;
        Ok(())
    }
}

/// The versions of all definitions that derived attributes depend on. A change that was reverted
/// counts as a change, because profiles were written meanwhile.
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

/// Continues the walk that the tenant's configuration demands.
pub(crate) async fn recompute(
    app: &App,
    schema: &Schema,
    until: Timestamp,
    report: &mut SweepReport,
) -> Result<()> {
    let stored: Option<Versioned<RecomputationProgress>> =
        app.table().progress(&schema.tenant, RecomputationProgress::WALK).await?;
    let fingerprint = fingerprint(schema);
    if stored.is_none() && fingerprint.is_empty() {
        return Ok(());
    }
    let now = app.env().clock.now();
    let progress = match stored {
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
            note(app, schema, stored.as_ref(), value).await?;
            return Ok(());
        }
    };
    if progress.value.noticed_at.plus_seconds(SETTLED_SECONDS) <= now {
        walk(app, schema, progress, until, report).await?;
    }
    Ok(())
}
