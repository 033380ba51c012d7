//! A table that was prepared once and is copied for each case of a test.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use local::embedded::Embedded;
use shared::env::{Clock, Env, Random, Timestamp};

use crate::engine::Engine;
use crate::service::Service;

/// The content of a table at one moment; clones share it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    file: Arc<SnapshotFile>,
    taken_at: Timestamp,
}

/// The file of a snapshot, deleted with it.
#[derive(Debug)]
struct SnapshotFile(PathBuf);

impl Drop for SnapshotFile {
    fn drop(&mut self) {
        // A file that stays behind harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Snapshot {
    /// Keeps the content of an embedded engine.
    pub fn of(embedded: &Embedded, taken_at: Timestamp) -> Self {
        static SNAPSHOTS: AtomicUsize = AtomicUsize::new(0);
        let number = SNAPSHOTS.fetch_add(1, Ordering::Relaxed);
        let name = format!("kith-test-{}-{number}.sqlite", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A killed process with the same number may have left its file.
        let _ = std::fs::remove_file(&path);
        embedded.snapshot(&path).expect("a snapshot");
        Self { file: Arc::new(SnapshotFile(path)), taken_at }
    }

    /// Starts a service on a copy of the table, at the time of the snapshot. It shares nothing with
    /// other copies, and its caches are empty.
    pub fn start(&self) -> Service {
        let clock = Clock::stopped_at(self.taken_at);
        let env = Env { clock: clock.clone(), random: Random::default() };
        Service::over(self.engine(env), clock)
    }

    /// An engine with a copy of the table.
    pub fn engine(&self, env: Env) -> Engine {
        let embedded = Embedded::restored(&self.file.0).expect("a copy of the table");
        Engine::over(embedded, env)
    }
}
