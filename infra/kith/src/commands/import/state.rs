//! The progress of an import, on disk, so that it can resume after any interruption.
//!
//! One file of `SQLite`: a document of the progress, and the keys of all rows that were read, as
//! hashes. Each step is one transaction.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ring::digest::{SHA256, digest};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use shared::domain::import::PersonKey;

use super::source::FileIdentity;
use crate::failure::Failure;

/// The parameters of an import. It can be resumed with the same ones only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ImportParameters {
    pub(super) url: String,
    pub(super) client_id: String,
    pub(super) mode: String,
    pub(super) dry_run: bool,
    pub(super) format: String,
    /// JSON.
    pub(super) mapping: String,
    /// The option `--hashes`, or an empty text.
    #[serde(default)]
    pub(super) hashes: String,
}

/// The numbers of rows by their results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TransferCounts {
    pub(super) rows: u64,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
    pub(super) errors: u64,
    /// How many rows have an error of each code.
    pub(super) codes: BTreeMap<String, u64>,
}

/// A request that was sent or is about to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SentRequest {
    /// How many rows of the file it is about.
    pub(super) rows: usize,
    /// When, in milliseconds since the epoch.
    pub(super) at: i64,
    /// The service's job, once it is known.
    pub(super) job: Option<String>,
}

/// The progress of an import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ImportProgress {
    pub(super) mark: FileIdentity,
    pub(super) task: ImportParameters,
    /// Names the import in the keys of its requests.
    pub(super) import: String,
    /// How many requests are done.
    pub(super) requests: u64,
    /// Where in the file the next row begins.
    pub(super) at: u64,
    /// SHA-256 of the file up to there.
    pub(super) digest: String,
    /// How long the report is up to there.
    pub(super) report: u64,
    pub(super) counts: TransferCounts,
    pub(super) sent: Option<SentRequest>,
    pub(super) complete: bool,
}

impl ImportProgress {
    /// Whether the service may know of it.
    pub(super) const fn is_begun(&self) -> bool {
        self.requests > 0 || self.sent.is_some() || self.complete
    }
}

/// Rows by the hashes of their keys.
pub(super) type RowsByKey = BTreeMap<[u8; 16], u64>;

/// The state's file. It is locked until it is dropped.
pub(super) struct ResumeState(Connection);

fn failed(error: &rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => {
            "another `kith import` is importing this file; wait until it ends".into()
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Failure::Restart(
            "cannot read the state of the import; use --restart to start over".to_owned(),
        ),
        _ => format!("cannot write the state of the import: {error}").into(),
    }
}

impl ResumeState {
    /// Opens the file, or makes it for its owner's eyes only.
    pub(super) fn open(path: &Path, anew: bool) -> Result<Self, Failure> {
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        file.map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        let open = || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(std::time::Duration::ZERO)?;
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            connection.execute_batch(
                "BEGIN EXCLUSIVE;
                 CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 1), \
                 content TEXT NOT NULL);
                 CREATE TABLE IF NOT EXISTS keys (key BLOB PRIMARY KEY, row INTEGER NOT NULL) \
                 WITHOUT ROWID;
                 COMMIT;",
            )?;
            Ok(Self(connection))
        };
        let opened = open().or_else(|error: rusqlite::Error| {
            let broken = matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            );
            // An unreadable state does not block `--restart` either.
            if !(anew && broken && std::fs::write(path, []).is_ok()) {
                return Err(error);
            }
            open()
        });
        opened.map_err(|error| failed(&error))
    }

    /// How far the import is; `None` when there is none.
    pub(super) fn progress(&self) -> Result<Option<ImportProgress>, Failure> {
        let query = "SELECT content FROM progress";
        let content = self.0.query_row(query, [], |row| row.get::<_, String>(0)).optional();
        let Some(content) = content.map_err(|error| failed(&error))? else { return Ok(None) };
        let unreadable = |_| {
            Failure::Restart(
                "another version of this program wrote the state; use --restart to start over"
                    .to_owned(),
            )
        };
        serde_json::from_str(&content).map(Some).map_err(unreadable)
    }

    /// Forgets all.
    pub(super) fn clear(&self) -> Result<(), Failure> {
        self.0
            .execute_batch("BEGIN; DELETE FROM progress; DELETE FROM keys; COMMIT;")
            .map_err(|error| failed(&error))
    }

    /// Keeps how far the import is, and the keys of rows that are done.
    pub(super) fn keep(
        &mut self,
        progress: &ImportProgress,
        rows: &RowsByKey,
    ) -> Result<(), Failure> {
        let content = serde_json::to_string(progress).map_err(|error| error.to_string())?;
        let mut keep = || {
            let transaction = self.0.transaction()?;
            transaction.execute("INSERT OR REPLACE INTO progress VALUES (1, ?1)", [&content])?;
            {
                let mut insert =
                    transaction.prepare_cached("INSERT OR IGNORE INTO keys VALUES (?1, ?2)")?;
                for (key, row) in rows {
                    insert.execute((key.as_slice(), i64::try_from(*row).unwrap_or(i64::MAX)))?;
                }
            }
            transaction.commit()?;
            if progress.complete {
                self.0.execute_batch("DELETE FROM keys; VACUUM")?;
            }
            Ok(())
        };
        keep().map_err(|error| failed(&error))
    }

    /// The row that a key was first seen in.
    pub(super) fn row_of(&self, key: &[u8; 16]) -> Result<Option<u64>, Failure> {
        let find = || {
            let mut query = self.0.prepare_cached("SELECT row FROM keys WHERE key = ?1")?;
            query.query_row([key.as_slice()], |row| row.get::<_, i64>(0)).optional()
        };
        let row = find().map_err(|error| failed(&error))?;
        Ok(row.and_then(|row| u64::try_from(row).ok()))
    }
}

/// The hash of a key. Without the value nobody can tell which key it is.
pub(super) fn hash(import: &str, (field, value): &PersonKey) -> [u8; 16] {
    let whole = digest(&SHA256, format!("{import}\0{field}\0{value}").as_bytes());
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(whole.as_ref()) {
        *to = *from;
    }
    short
}
