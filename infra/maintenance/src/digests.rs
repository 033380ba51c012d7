//! Verifies exports of the audit: signatures and links of the digests, and what they name (rules
//! AU-15, AU-21). It reads a copy of the bucket, and no table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use shared::auth::audit_digest;
use shared::domain::audit::{Digest, DigestLink, ExportedHead, ExportedObject, Hour, sha256};
use shared::domain::id::TenantId;
use shared::domain::jwk::Jwk;
use shared::store::audit::AuditFaultAt;

/// What is wrong with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestFault {
    /// The key of the object.
    pub key: String,
    /// What is wrong.
    pub detail: String,
}

/// The results of the verification of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestReport {
    /// The digests that verify.
    pub digests: u64,
    /// The objects that they name and that are as they say.
    pub objects: u64,
    /// The entries of these objects.
    pub entries: u64,
    /// The entries that could not be read when they were exported.
    pub unreadable: u64,
    /// The hours that have no entries of users, because these could not be found.
    pub without_users: u64,
    /// The first hour and the last.
    pub hours: Option<(Hour, Hour)>,
    /// Whether the export began before the first hour: earlier digests are elsewhere.
    pub is_later_part: bool,
    /// The entries of the ledger that were the last exported ones of an hour.
    pub heads: Vec<ExportedHead>,
    /// Files that no digest names: left by a repetition, or put there by somebody.
    pub unnamed: Vec<String>,
    /// What is wrong: in the order of the hours, then what is so of the whole.
    pub faults: Vec<DigestFault>,
}

/// The digest that was verified last.
struct Last {
    hour: Hour,
    link: DigestLink,
    heads: BTreeMap<String, u64>,
}

/// Verifies what a folder has of a tenant: a copy of the bucket. `written` is the last digest that
/// the service has stored, if that is known.
pub fn verify(
    folder: &Path,
    tenant: &TenantId,
    key: &Jwk,
    written: Option<&DigestLink>,
) -> io::Result<DigestReport> {
    let mut keys = BTreeSet::new();
    collect(folder, tenant.as_str(), &mut keys)?;
    let digests = keys.iter().filter_map(|key| Some((Digest::hour_of(key, tenant)?, key)));
    let digests: BTreeMap<_, _> = digests.collect();
    let (mut report, mut last) = (DigestReport::default(), None);
    let (mut named, mut links, mut heads) = (BTreeSet::new(), Vec::new(), BTreeMap::new());
    for (hour, name) in &digests {
        let text = fs::read(folder.join(name))?;
        let link = DigestLink { key: (*name).clone(), sha256: sha256(&text) };
        links.push(link.clone());
        let read = audit_digest::open(&text, key);
        let read = read.and_then(|digest| {
            let own = digest.tenant == *tenant && digest.hour == *hour;
            let other = || "the digest is one of another tenant or hour".to_owned();
            own.then_some(digest).ok_or_else(other)
        });
        let digest = match read {
            Ok(digest) => digest,
            Err(detail) => {
                report.fault(name, detail);
                // The next digest says whether this one is the one that was written.
                last = Some(Last { hour: *hour, link, heads: BTreeMap::new() });
                continue;
            }
        };
        report.follow(&digest, name, last.as_ref());
        for object in &digest.objects {
            named.insert(object.key.clone());
            report.look_at(folder, tenant, *hour, object)?;
        }
        report.digests += 1;
        report.unreadable += digest.unreadable;
        if digest.unreadable > 0 {
            let count = digest.unreadable;
            report.fault(name, format!("{count} entries could not be read, or were changed"));
        }
        report.without_users += u64::from(!digest.users);
        let of_hour = digest.heads.iter().map(|head| (head.chain.clone(), head.sequence.0));
        last = Some(Last { hour: *hour, link, heads: of_hour.collect() });
        for head in digest.heads {
            heads.insert((head.chain.clone(), head.sequence, head.mac.clone()), head);
        }
    }
    report.heads = heads.into_values().collect();
    report.hours = digests.keys().next().copied().zip(digests.keys().next_back().copied());
    let Some((first, end)) = report.hours else {
        report.fault(&Digest::folder(tenant), "there are no digests; copy the whole bucket");
        report.unnamed = keys.into_iter().collect();
        return Ok(report);
    };
    // The digest of an hour is stored after its objects; earlier digests may be elsewhere.
    let is_elsewhere = |key: &String| {
        let hour = ExportedObject::hour_of(key, tenant);
        hour.is_some_and(|hour| hour == end.next() || report.is_later_part && hour < first)
    };
    let is_digest = |key: &&String| Digest::hour_of(key, tenant).is_some();
    let others = keys.iter().filter(|key| !is_digest(key) && !named.contains(*key));
    report.unnamed = others.filter(|key| !is_elsewhere(key)).cloned().collect();
    if let Some(written) = written.filter(|written| !links.contains(*written)) {
        let detail = if keys.contains(&written.key) {
            "the service has written another digest for this hour"
        } else {
            "the digest that the service has written last is missing; copy the bucket again"
        };
        report.fault(&written.key, detail);
    }
    Ok(report)
}

impl DigestReport {
    fn fault(&mut self, key: &str, detail: impl Into<String>) {
        self.faults.push(DigestFault { key: key.to_owned(), detail: detail.into() });
    }

    /// Notes what the ledger of the table no longer has of what was exported.
    pub fn lost(&mut self, tenant: &TenantId, lost: &[AuditFaultAt]) {
        for (chain, sequence, fault) in lost {
            let detail = format!("the table no longer has the exported entry ({fault})");
            self.fault(&format!("{tenant}/{chain}/{}", sequence.0), detail);
        }
    }

    /// Looks whether a digest follows the one before it.
    fn follow(&mut self, digest: &Digest, name: &str, last: Option<&Last>) {
        let Some(last) = last else {
            self.is_later_part = digest.previous.is_some();
            return;
        };
        let due = last.hour.next();
        if digest.hour == due {
            if digest.previous.as_ref() != Some(&last.link) {
                let detail = "`previous` does not match the digest of the hour before";
                self.fault(name, detail);
            }
        } else {
            let (missing, end) = (Digest::key(&digest.tenant, due), digest.hour.before());
            self.fault(&missing, format!("the digests from {due} to {end} are missing"));
        }
        for head in &digest.heads {
            if last.heads.get(&head.chain).is_some_and(|before| head.sequence.0 < *before) {
                self.fault(name, format!("`heads` goes back in the chain {}", head.chain));
            }
        }
    }

    /// Looks whether an object is what its digest says.
    fn look_at(
        &mut self,
        folder: &Path,
        tenant: &TenantId,
        hour: Hour,
        object: &ExportedObject,
    ) -> io::Result<()> {
        if ExportedObject::hour_of(&object.key, tenant) != Some(hour) {
            self.fault(&object.key, "the digest of another hour names this object");
            return Ok(());
        }
        match fs::read(folder.join(&object.key)) {
            Ok(content) if sha256(&content) == object.sha256 => {
                self.objects += 1;
                self.entries += object.entries;
            }
            Ok(_) => self.fault(&object.key, "the content was changed"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.fault(&object.key, "the object is missing");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Collects the keys of the files below a folder.
fn collect(root: &Path, below: &str, keys: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let key = format!("{below}/{name}");
        if entry.file_type()?.is_dir() {
            collect(root, &key, keys)?;
        } else {
            keys.insert(key);
        }
    }
    Ok(())
}
