//! Where the audit is exported to: a bucket of S3, or a folder of this machine.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::aws::Bucket;
use crate::domain::error::{Error, Result};

/// The media type of objects with one event a line.
pub const LINES: &str = "application/x-ndjson";
/// The media type of digests.
pub const JSON: &str = "application/json";

/// Where objects are stored by their keys.
#[derive(Clone, Debug)]
pub enum Archive {
    /// A bucket.
    Bucket(Box<Bucket>),
    /// A folder: a key is a path below it.
    Folder(PathBuf),
}

impl Archive {
    /// Stores an object, in the place of one with this key.
    pub async fn put(&self, key: &str, media_type: &str, content: impl Into<Bytes>) -> Result<()> {
        let content = content.into();
        match self {
            Self::Bucket(bucket) => {
                let stored = bucket.put(key, media_type, content).await;
                stored.map_err(|error| error.of("S3 PutObject"))
            }
            Self::Folder(folder) => {
                let path = folder.join(key);
                let written = tokio::task::spawn_blocking(move || write(&path, &content)).await;
                written.map_err(Error::unexpected)?.map_err(|error| {
                    Error::Unavailable(format!("cannot write the export of the audit: {error}"))
                })
            }
        }
    }
}

/// How many drafts this process has begun: two sweepers may write one file at the same time.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// Writes a file, for its owner's eyes only, whole or not at all.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("{}-{number}.draft", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| fs::rename(&draft, path));
    if placed.is_err() {
        // What is left of a draft is of no use; the error says why.
        let _ = fs::remove_file(&draft);
    }
    placed
}
