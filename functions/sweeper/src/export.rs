//! The export of the audit: the entries of each hour that has ended as lines of an object, and a
//! signed digest that names the objects and the digest before (rules AU-14, AU-15).
//!
//! The progress is kept under a code, and noted after each part. A step that is repeated stores equal
//! bytes if the entries are the same; other bytes get another key, and replace nothing. A digest is
//! noted before it is stored, because no signature is the same twice. A sweeper whose progress is
//! outdated stops.

use serde::{Deserialize, Serialize};
use shared::app::App;
use shared::archive::{Archive, JSON, LINES};
use shared::auth::audit_digest;
use shared::domain::Versioned;
use shared::domain::audit::{Digest, DigestLink, ExportedObject, FORM, Hour, SignedDigest};
use shared::domain::error::Result;
use shared::domain::id::TenantId;
use shared::domain::jwk::Algorithm;
use shared::env::Timestamp;
use shared::store::audit::{AuditFaultAt, ExportPosition, Kept, PartSize};
use shared::store::keys::Walk;

use super::SweepReport;
use super::audit::log_faults;

/// How long after its end an hour is exported, in seconds: the index is behind the table by a
/// moment, and clocks differ.
pub const DELAY_SECONDS: i64 = 300;
/// How long one call exports one tenant, in seconds.
const TURN_SECONDS: i64 = 10;
/// The operation of the lines that are logged.
const OPERATION: &str = "audit_export";

/// Where the audit is exported to, and in what parts.
#[derive(Clone, Debug)]
pub struct Export {
    archive: Archive,
    part: PartSize,
}

impl Export {
    /// An export in parts of this size.
    #[must_use]
    pub const fn in_parts(archive: Archive, part: PartSize) -> Self {
        Self { archive, part }
    }
}

impl From<Archive> for Export {
    fn from(archive: Archive) -> Self {
        Self::in_parts(archive, PartSize::default())
    }
}

/// How far the export of a tenant is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ExportProgress {
    /// The hour that is exported next, or now.
    hour: Hour,
    /// Where it goes on.
    at: ExportPosition,
    /// The objects of this hour so far.
    objects: Vec<ExportedObject>,
    /// How many entries could not be read so far.
    unreadable: u64,
    /// The digest of this hour, signed and perhaps not yet stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<SignedDigest>,
    /// The last digest that was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<DigestLink>,
}

impl ExportProgress {
    /// The beginning: with the hour before this one, so that a tenant that is seen for the first
    /// time some seconds later lacks nothing.
    fn start(now: Timestamp) -> Self {
        Self::of_hour(Hour::of(now).before(), ExportPosition::default(), None)
    }

    fn of_hour(hour: Hour, at: ExportPosition, previous: Option<DigestLink>) -> Self {
        let (objects, unreadable, signed) = (Vec::new(), 0, None);
        Self { hour, at, objects, unreadable, signed, previous }
    }

    /// The next step; what it stores is stored when it returns.
    async fn step(self, app: &App, tenant: &TenantId, export: &Export) -> Result<Self> {
        let (table, archive) = (app.table(), &export.archive);
        if let Some(signed) = &self.signed {
            archive.put(&signed.key, JSON, signed.text.clone()).await?;
            return Ok(Self::of_hour(self.hour.next(), self.at.next_hour(), Some(signed.link())));
        }
        let mut next = self;
        if !next.at.is_begun() {
            let (at, faults) = table.begin_hour(tenant, next.hour, &next.at).await?;
            log(tenant, &faults);
            next.at = at;
        }
        let part = table.export_part(tenant, next.hour, &next.at, export.part).await?;
        log(tenant, &part.faults);
        next.unreadable += part.unreadable;
        next.at = part.next;
        if !part.lines.is_empty() {
            let object = ExportedObject::of(tenant, next.hour, next.objects.len(), &part.lines);
            archive.put(&object.key, LINES, part.lines).await?;
            next.objects.push(object);
        }
        if next.at.is_end() {
            next.signed = Some(next.sign(app, tenant).await?);
        }
        Ok(next)
    }

    async fn sign(&self, app: &App, tenant: &TenantId) -> Result<SignedDigest> {
        let key = app.table().digest_key().await?;
        let digest = Digest {
            version: FORM,
            tenant: tenant.clone(),
            hour: self.hour,
            objects: self.objects.clone(),
            users: self.at.has_users(),
            unreadable: self.unreadable,
            heads: self.at.heads(),
            previous: self.previous.clone(),
            jwk: key.jwk(Algorithm::Es256).to_json(),
        };
        let text = audit_digest::sign(&digest, key)?;
        Ok(SignedDigest { key: Digest::key(tenant, self.hour), text })
    }
}

/// Logs what is wrong with the entries of an hour, as the daily verification does (rule AU-21).
fn log(tenant: &TenantId, faults: &[AuditFaultAt]) {
    log_faults(OPERATION, tenant, faults);
    count(tenant, faults.len());
}

/// The template makes a metric of the faults, and an alarm reads it.
fn count(tenant: &TenantId, faults: usize) {
    if faults > 0 {
        tracing::info!(operation = OPERATION, tenant = %tenant, audit_faults = faults);
    }
}

/// Goes on with the export of a tenant. Returns for how many seconds the oldest hour could have been
/// exported that is not.
pub(crate) async fn export(
    app: &App,
    tenant: &TenantId,
    export: &Export,
    until: Timestamp,
    report: &mut SweepReport,
) -> Result<i64> {
    let (table, clock) = (app.table(), &app.env().clock);
    let until = until.min(clock.now().plus_seconds(TURN_SECONDS));
    let key = table.audit_key().await?;
    let mut stored: Option<Versioned<Kept>> = table.progress(tenant, Walk::Export).await?;
    let known = stored.as_ref().map(|stored| stored.value.open(key, tenant, Walk::Export));
    if let Some(None) = known {
        let cause = "the service has not written the progress of the export; it begins anew";
        tracing::error!(operation = OPERATION, tenant = %tenant, cause);
        count(tenant, 1);
    }
    let mut progress = known.flatten().unwrap_or_else(|| ExportProgress::start(clock.now()));
    loop {
        let now = clock.now();
        let due = progress.hour.end().plus_seconds(DELAY_SECONDS);
        if now < due || now >= until {
            return Ok((now.seconds() - due.seconds()).max(0));
        }
        let hour = progress.hour;
        progress = progress.step(app, tenant, export).await?;
        let kept = Kept::of(key, tenant, Walk::Export, &progress);
        let next = match &stored {
            Some(before) => before.changed_to(kept),
            None => Versioned::first(kept),
        };
        if !table.note_progress(tenant, Walk::Export, stored.as_ref(), &next).await? {
            return Ok((now.seconds() - due.seconds()).max(0));
        }
        report.exported += u64::from(progress.hour > hour);
        stored = Some(next);
    }
}
