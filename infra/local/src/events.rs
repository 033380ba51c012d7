//! Change events under `kith serve`: lines of a file, made by the code of the function `stream`.
//!
//! Each line is an event with the members that EventBridge hands to subscribers: `source`,
//! `detail-type` and `detail`. The line is on disk before its outbox entry is deleted. So a killed
//! service loses no event and may repeat some. You may move or delete the file at any time; the
//! next line begins a new one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shared::store::Table;
use stream::{Event, EventSink, Unpublished, publish};

use crate::embedded::Embedded;

/// The file's name in the data folder.
pub const FILE: &str = "events.ndjson";
/// How long it rests when the outbox is empty.
const REST: Duration = Duration::from_millis(100);
/// How long it rests when the file cannot be written.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How many changes are published at once.
const BATCH: u32 = 1000;
/// No line is longer, in bytes.
const LONGEST: u64 = 1024;

/// The publisher of the changes of a data folder.
#[derive(Clone, Debug)]
pub struct EventPublisher {
    engine: Embedded,
    table: Table,
    file: Lines,
}

/// The result of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The outbox was empty.
    Idle,
    /// Everything that it read was published; there may be more.
    Published,
    /// Something could not be published.
    Failed,
}

impl EventPublisher {
    /// Publishes the changes of an engine to the folder where its data is.
    #[must_use]
    pub fn new(engine: Embedded, table: Table, folder: &Path) -> Self {
        Self { engine, table, file: Lines(folder.join(FILE)) }
    }

    /// Publishes until the process ends.
    pub async fn run(&self) -> std::convert::Infallible {
        loop {
            match self.round().await {
                Round::Published => {}
                Round::Idle => tokio::time::sleep(REST).await,
                Round::Failed => tokio::time::sleep(REST_AFTER_FAILURE).await,
            }
        }
    }

    /// Publishes the oldest changes of the outbox.
    pub async fn round(&self) -> Round {
        self.try_round().await.unwrap_or_else(|error| {
            tracing::error!(operation = "events", cause = format!("{error}"));
            Round::Failed
        })
    }

    async fn try_round(&self) -> io::Result<Round> {
        let entries = self.engine.changes(BATCH).await?;
        if entries.is_empty() {
            return Ok(Round::Idle);
        }
        let (numbers, changes): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let Unpublished { delayed, unreadable } = publish(&self.table, &changes, &self.file).await;
        if !unreadable.is_empty() {
            // Deployed, their records go to the dead-letter queue.
            tracing::error!(
                operation = "events",
                cause = "cannot read the users of these changes",
                changes = unreadable.len()
            );
        }
        let published = numbers
            .iter()
            .enumerate()
            .filter(|(position, _)| delayed.binary_search(position).is_err());
        self.engine.delete_from_outbox(published.map(|(_, number)| *number).collect()).await?;
        Ok(if delayed.is_empty() { Round::Published } else { Round::Failed })
    }
}

/// A file of lines, for its owner's eyes only.
#[derive(Clone, Debug)]
struct Lines(PathBuf);

impl Lines {
    async fn append(&self, events: &[Event]) -> io::Result<()> {
        let mut lines = Vec::new();
        for event in events {
            serde_json::to_writer(&mut lines, event)?;
            lines.push(b'\n');
        }
        let path = self.0.clone();
        tokio::task::spawn_blocking(move || append(&path, &lines)).await?
    }
}

impl EventSink for Lines {
    async fn publish(&self, events: &[Event]) -> Vec<usize> {
        match self.append(events).await {
            Ok(()) => Vec::new(),
            Err(error) => {
                tracing::error!(
                    operation = "events",
                    cause = format!("`{}`: {error}", self.0.display())
                );
                (0..events.len()).collect()
            }
        }
    }
}

/// Appends whole lines to a file, after its last whole line, and waits for the disk.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let whole = whole_lines(&mut file)?;
    file.set_len(whole)?;
    // When the disk is full, what was written of them goes again.
    let written = file.write_all(lines).and_then(|()| file.sync_data());
    written.inspect_err(|_| drop(file.set_len(whole)))
}

/// How long a file is up to the end of its last whole line: a crash may have left part of one.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let length = file.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(LONGEST);
    file.seek(SeekFrom::Start(start))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    // Without any it is not a file of such lines, and stays as it is, or its only line is half.
    match end.iter().rposition(|byte| *byte == b'\n') {
        Some(last) => Ok(start + last as u64 + 1),
        None if start == 0 => Ok(0),
        None => Ok(length),
    }
}
