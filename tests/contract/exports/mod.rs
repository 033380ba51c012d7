//! The audit as others get it: events of EventBridge, and exports with signed digests (rules AU-08,
//! AU-14, AU-15, AU-21).

mod hours;
mod ocsf;
mod told;
mod verifying;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use maintenance::digests::{DigestReport, verify};
use serde_json::Value;
use shared::archive::Archive;
use shared::domain::audit::Hour;
use shared::domain::error::Result;
use shared::domain::id::TenantId;
use shared::env::Timestamp;
use sweeper::{DELAY_SECONDS, SweepReport};
use tests::{Service, TENANT};

/// The seconds of an hour.
pub const HOUR: i64 = 3600;

/// A service whose audit is exported to a folder, which goes with its test.
pub struct Scene {
    pub service: Service,
    pub folder: PathBuf,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Scene {
    /// A new service; the hour before its first one is exported.
    pub async fn open() -> Self {
        let scene = Self::of(Service::start().await);
        scene.service.clock.advance(DELAY_SECONDS);
        assert_eq!(scene.sweep().await.exported, 1);
        scene
    }

    /// A service that is there, with an empty folder.
    pub fn of(service: Service) -> Self {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("kith-exports-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self { service, folder }
    }

    /// Calls the sweeper.
    pub async fn try_sweep(&self) -> Result<SweepReport> {
        let archive = Archive::Folder(self.folder.clone());
        let until = Timestamp::from_millis(i64::MAX);
        Box::pin(sweeper::sweep(&self.service.app(), Some(&archive), until)).await
    }

    /// Calls the sweeper, which does all that is due.
    pub async fn sweep(&self) -> SweepReport {
        self.try_sweep().await.unwrap()
    }

    /// Lets an hour pass and calls the sweeper.
    pub async fn next_hour(&self) {
        self.service.clock.advance(HOUR);
        assert_eq!(self.sweep().await.exported, 1);
    }

    /// The content of a file of the export.
    pub fn read(&self, key: &str) -> String {
        std::fs::read_to_string(self.folder.join(key)).unwrap_or_else(|e| panic!("{key}: {e}"))
    }

    /// Writes a file of the export.
    pub fn write(&self, key: &str, content: &str) {
        std::fs::write(self.folder.join(key), content).unwrap();
    }

    /// Removes a file of the export.
    pub fn remove(&self, key: &str) {
        std::fs::remove_file(self.folder.join(key)).unwrap();
    }

    /// All files of the export, by their keys.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut keys = Vec::new();
        collect(&self.folder, "", &mut keys);
        keys.into_iter().map(|key| (key.clone(), self.read(&key))).collect()
    }

    /// The lines of all objects, in the order of the hours.
    pub fn lines(&self) -> Vec<Value> {
        let files = self.files();
        let objects = files.iter().filter(|(key, _)| key.ends_with(".ndjson"));
        let lines = objects.flat_map(|(_, text)| text.lines());
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The operations of the entries of a user, with their sequences: `user.create 1`.
    pub fn operations(&self, user: &str) -> Vec<String> {
        let lines = self.lines();
        let own =
            lines.iter().filter(|line| line["metadata"]["uid"].as_str().unwrap().starts_with(user));
        own.map(|line| {
            format!("{} {}", line["message"].as_str().unwrap(), line["metadata"]["sequence"])
        })
        .collect()
    }

    /// The digest of an hour.
    pub fn digest(&self, hour: &str) -> Value {
        serde_json::from_str(&self.read(&digest_key(hour))).unwrap()
    }

    /// Verifies the export with the key and the last digest of the table.
    pub async fn verify(&self) -> DigestReport {
        let table = &self.service.table;
        let key = table.digest_jwk().await.unwrap().expect("a key");
        let written = table.last_digest(&tenant()).await.unwrap();
        verify(&self.folder, &tenant(), &key, written.as_ref()).unwrap()
    }

    /// What is wrong with the export: `<key>: <detail>`.
    pub async fn faults(&self) -> Vec<String> {
        let faults = self.verify().await.faults;
        faults.into_iter().map(|fault| format!("{}: {}", fault.key, fault.detail)).collect()
    }
}

pub fn tenant() -> TenantId {
    TENANT.parse().unwrap()
}

/// The key of the digest of an hour.
pub fn digest_key(hour: &str) -> String {
    format!("{TENANT}/digests/{}.json", hour.parse::<Hour>().unwrap().path())
}

/// The key of the first object of an hour.
pub fn object_key(hour: &str) -> String {
    format!("{TENANT}/{}.ndjson", hour.parse::<Hour>().unwrap().path())
}

fn collect(folder: &Path, below: &str, keys: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let key = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.file_type().unwrap().is_dir() {
            collect(folder, &key, keys);
        } else {
            keys.push(key);
        }
    }
    keys.sort();
}
