//! The export of the audit: the entries of each hour that has ended as lines of an object, and a
//! signed digest that names the objects and the digest before (rules AU-14, AU-15).
//!
//! The progress is noted after each part. A step that is repeated stores equal bytes: the parts of
//! an hour are fixed, and a digest is noted before it is stored, because no signature is the same
//! twice. Whoever is behind another one finds the progress changed and stops.

use serde::{Deserialize, Serialize};
use shared::app::App;
use shared::archive::{Archive, JSON, LINES};
use shared::auth::audit_digest;
use shared::domain::Versioned;
use shared::domain::audit::{Digest, DigestLink, ExportedObject, FORM, Hour, SignedDigest};
use shared::domain::error::Result;
use shared::domain::jwk::Algorithm;
use shared::domain::schema::Schema;
use shared::env::Timestamp;
use shared::store::audit::ExportPosition;
use shared::store::keys::Walk;

use super::SweepReport;

/// How long after its end an hour is exported, in seconds: the index is behind the table by a
/// moment, and clocks differ.
pub const DELAY_SECONDS: i64 = 300;
/// About how many entries one object has.
pub const PART: usize = 5000;
/// How long one call exports one tenant, in seconds.
const TURN_SECONDS: i64 = 10;

/// How far the export of a tenant is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportProgress {
    /// The hour that is exported next, or now.
    pub hour: Hour,
    /// Where it goes on.
    at: ExportPosition,
    /// The objects of this hour so far.
    objects: Vec<ExportedObject>,
    /// Whether the entries of users could be found so far.
    users: bool,
    /// How many entries could not be read so far.
    unreadable: u64,
    /// The digest of this hour, signed and perhaps not yet stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<SignedDigest>,
    /// The last digest that was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<DigestLink>,
}

impl ExportProgress {
    /// The beginning: with the hour before this one, so that a tenant that is seen for the first
    /// time some seconds later lacks nothing.
    fn start(now: Timestamp) -> Self {
        Self::of_hour(Hour::of(now).before(), ExportPosition::default(), None)
    }

    fn of_hour(hour: Hour, at: ExportPosition, previous: Option<DigestLink>) -> Self {
        let (objects, users, unreadable, signed) = (Vec::new(), true, 0, None);
        Self { hour, at, objects, users, unreadable, signed, previous }
    }

    /// The next step; what it stores is stored when it returns.
    async fn step(self, app: &App, schema: &Schema, archive: &Archive) -> Result<Self> {
        if let Some(signed) = &self.signed {
            archive.put(&signed.key, JSON, signed.text.clone()).await?;
            return Ok(Self::of_hour(self.hour.next(), self.at.next_hour(), Some(signed.link())));
        }
        let (tenant, mut next) = (&schema.tenant, self);
        if next.objects.is_empty() {
            next.compare(app, schema).await?;
        }
        next.users &= schema.audit().search;
        let part = app.table().export_part(tenant, next.hour, &next.at, next.users, PART).await?;
        next.unreadable += part.unreadable;
        next.at = part.next;
        if !part.lines.is_empty() {
            let object = ExportedObject::of(tenant, next.hour, next.objects.len(), &part.lines);
            archive.put(&object.key, LINES, part.lines).await?;
            next.objects.push(object);
        }
        if next.at.is_end() {
            next.signed = Some(next.sign(app, schema).await?);
        }
        Ok(next)
    }

    async fn sign(&self, app: &App, schema: &Schema) -> Result<SignedDigest> {
        let key = app.table().digest_key().await?;
        let digest = Digest {
            version: FORM,
            tenant: schema.tenant.clone(),
            hour: self.hour,
            objects: self.objects.clone(),
            users: self.users,
            unreadable: self.unreadable,
            heads: self.at.heads(),
            previous: self.previous.clone(),
            jwk: key.jwk(Algorithm::Es256).to_json(),
        };
        let text = audit_digest::sign(&digest, key)?;
        Ok(SignedDigest { key: Digest::key(&schema.tenant, self.hour), text })
    }

    /// Looks whether the ledger still has what the digest before says that it had. What it lacks is
    /// a fault, as one that the daily verification finds (rule AU-21).
    async fn compare(&self, app: &App, schema: &Schema) -> Result<()> {
        let lost = app.table().lost_of_ledger(&schema.tenant, &self.at.heads()).await?;
        if lost.is_empty() {
            return Ok(());
        }
        for chain in &lost {
            let (tenant, fault) = (&schema.tenant, "exported entry is gone");
            tracing::error!(operation = "audit_export", tenant = %tenant, chain = %chain, fault);
        }
        tracing::info!(
            operation = "audit_export",
            tenant = %schema.tenant,
            audit_faults = lost.len()
        );
        Ok(())
    }
}

/// Goes on with the export of a tenant. `waits` tells afterwards, also after a failure, for how many
/// seconds the oldest hour could have been exported that is not.
pub(crate) async fn export(
    app: &App,
    schema: &Schema,
    archive: &Archive,
    until: Timestamp,
    report: &mut SweepReport,
    waits: &mut i64,
) -> Result<()> {
    let (table, tenant, clock) = (app.table(), &schema.tenant, &app.env().clock);
    let until = until.min(clock.now().plus_seconds(TURN_SECONDS));
    let mut stored: Option<Versioned<ExportProgress>> =
        table.progress(tenant, Walk::Export).await?;
    loop {
        let now = clock.now();
        let progress = match &stored {
            Some(stored) => stored.value.clone(),
            None => ExportProgress::start(now),
        };
        let due = progress.hour.end().plus_seconds(DELAY_SECONDS);
        *waits = (now.seconds() - due.seconds()).max(0);
        if now < due || now >= until {
            return Ok(());
        }
        let hour = progress.hour;
        let next = progress.step(app, schema, archive).await?;
        report.exported += u64::from(next.hour > hour);
        let next = match &stored {
            Some(before) => before.changed_to(next),
            None => Versioned::first(next),
        };
        if !table.note_progress(tenant, Walk::Export, stored.as_ref(), &next).await? {
            return Ok(());
        }
        stored = Some(next);
    }
}
