//! The audit as others get it: events of EventBridge, and exports with signed digests (rules AU-08,
//! AU-14, AU-15, AU-21).

mod bucket;
mod forging;
mod hours;
mod ocsf;
mod parts;
mod told;
mod verifying;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use maintenance::digests::{DigestReport, verify};
use serde_json::Value;
use shared::archive::Archive;
use shared::domain::audit::Hour;
use shared::domain::error::Result;
use shared::domain::id::TenantId;
use shared::env::Timestamp;
use shared::store::Key;
use shared::store::audit::PartSize;
use shared::store::keys::Walk;
use sweeper::{DELAY_SECONDS, Export, SweepReport};
use tests::{Service, TENANT};

/// The seconds of an hour.
pub const HOUR: i64 = 3600;

/// A service whose audit is exported to a folder, which goes with its test.
pub struct Scene {
    pub service: Service,
    pub folder: PathBuf,
    /// After how much a part of an hour ends.
    pub part: PartSize,
}

/// An item.
pub type Attributes = HashMap<String, AttributeValue>;

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
        Self { service, folder, part: PartSize::default() }
    }

    /// The same files beside another service.
    pub fn copied(&self, service: Service) -> Self {
        let mut copy = Self::of(service);
        copy.part = self.part;
        for (key, text) in self.files() {
            std::fs::create_dir_all(copy.folder.join(&key).parent().unwrap()).unwrap();
            copy.write(&key, &text);
        }
        copy
    }

    /// Calls the sweeper.
    pub async fn try_sweep(&self) -> Result<SweepReport> {
        let export = Export::in_parts(Archive::Folder(self.folder.clone()), self.part);
        let until = Timestamp::from_millis(i64::MAX);
        Box::pin(sweeper::sweep(&self.service.app(), Some(&export), until)).await
    }

    /// Calls the sweeper, which exports each hour that has ended.
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

    /// The key of the first object of an hour.
    pub fn object_key(&self, hour: &str) -> String {
        self.digest(hour)["objects"][0]["key"].as_str().unwrap().to_owned()
    }

    /// An item of the table.
    pub async fn item(&self, key: &Key) -> Attributes {
        self.service.table.get(key).await.unwrap().unwrap().into_attributes()
    }

    /// Puts an item into the table, as somebody does who can write it.
    pub async fn put(&self, attributes: Attributes) {
        self.service.put_item(attributes).await;
    }

    /// Deletes an item of the table.
    pub async fn delete(&self, key: &Key) {
        self.service.delete_item(key).await;
    }

    /// What is kept of the progress of the export; `None` before its first step.
    pub async fn progress(&self) -> Option<Value> {
        let key = Key::progress(&tenant(), Walk::Export);
        let item = self.service.table.get(&key).await.unwrap()?;
        let kept: Value = serde_json::from_str(item.get_text("doc").unwrap()).unwrap();
        Some(serde_json::from_str(kept["state"].as_str().unwrap()).unwrap())
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
