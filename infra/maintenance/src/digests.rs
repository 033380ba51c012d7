//! Verifies exports of the audit: signatures and links of the digests, and what they name (rules
//! AU-15, AU-21). It reads a copy of the bucket, and no table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use shared::auth::audit_digest;
use shared::domain::audit::{
    Digest, DigestLink, ExportedHead, ExportedObject, Hour, LedgerChain, sha256,
};
use shared::domain::id::TenantId;
use shared::domain::jwk::Jwk;

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
    /// The last exported entries of the ledger.
    pub heads: Vec<ExportedHead>,
    /// What is wrong, in the order of the hours.
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
    let (mut named, mut links) = (BTreeSet::new(), Vec::new());
    for (hour, name) in &digests {
        let text = fs::read(folder.join(name))?;
        let link = DigestLink { key: (*name).clone(), sha256: sha256(&text) };
        links.push(link.clone());
        let read = audit_digest::open(&text, key);
        let read = read.and_then(|digest| {
            let own = digest.tenant == *tenant && digest.hour == *hour;
            if own { Ok(digest) } else { Err("it is the digest of another tenant or hour") }
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
        report.without_users += u64::from(!digest.users);
        let heads = digest.heads.iter().map(|head| (head.chain.clone(), head.sequence.0));
        last = Some(Last { hour: *hour, link, heads: heads.collect() });
        report.heads = digest.heads;
    }
    report.hours = digests.keys().next().copied().zip(digests.keys().next_back().copied());
    if let Some((first, end)) = report.hours {
        let covers = |key: &&String| {
            ExportedObject::hour_of(key, tenant).is_some_and(|hour| first <= hour && hour <= end)
        };
        for key in keys.iter().filter(covers).filter(|key| !named.contains(*key)) {
            report.fault(key, "no digest names it");
        }
    }
    if let Some(written) = written.filter(|written| !links.contains(*written)) {
        let detail = if keys.contains(&written.key) {
            "it is not what the service has written"
        } else {
            "the service has written it, and it is missing; copy the bucket again"
        };
        report.fault(&written.key, detail);
    }
    Ok(report)
}

impl DigestReport {
    fn fault(&mut self, key: &str, detail: impl Into<String>) {
        self.faults.push(DigestFault { key: key.to_owned(), detail: detail.into() });
    }

    /// Notes chains of which the ledger of the table has not any more what was exported.
    pub fn lost(&mut self, tenant: &TenantId, chains: &[LedgerChain]) {
        for chain in chains {
            let detail = "the ledger of the table has not any more what was exported of it";
            self.fault(&format!("{tenant}/{chain}"), detail);
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
                let detail = "it does not name the digest before it as that is";
                self.fault(name, detail);
            }
        } else {
            let (missing, end) = (Digest::key(&digest.tenant, due), digest.hour.before());
            self.fault(&missing, format!("the digests from {due} to {end} are missing"));
        }
        for head in &digest.heads {
            if last.heads.get(&head.chain).is_some_and(|before| head.sequence.0 < *before) {
                self.fault(name, format!("it goes back in the chain {}", head.chain));
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
            self.fault(&object.key, "its digest is that of another hour");
            return Ok(());
        }
        match fs::read(folder.join(&object.key)) {
            Ok(content) if sha256(&content) == object.sha256 => {
                self.objects += 1;
                self.entries += object.entries;
            }
            Ok(_) => self.fault(&object.key, "its content was changed"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.fault(&object.key, "it is missing");
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
