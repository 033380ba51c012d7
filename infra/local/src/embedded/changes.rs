//! The users that were written, until others are told of them.
//!
//! The engine's own stream keeps a record of every item for ever and reads all of them on each
//! write (ADR 0031). So a trigger notes the writes of users alone, in their own transactions, and a
//! note is deleted when it has been told: what is left after a crash is what is still to be told,
//! and the notes need no more room than the most that ever waited.

use std::sync::{Arc, Mutex, PoisonError};

use dynoxide::storage::Storage;
use stream::Change;

/// Makes the notes and their trigger. The engine writes an item by `INSERT OR REPLACE`, its keys
/// with their type before them.
const SCHEMA: &str = r"
    CREATE TABLE IF NOT EXISTS _kith_changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        pk TEXT NOT NULL,
        inserted INTEGER NOT NULL
    );
    CREATE TRIGGER IF NOT EXISTS _kith_changes_of_users BEFORE INSERT ON kith WHEN NEW.sk = 'S:PROFILE'
    BEGIN
        INSERT INTO _kith_changes (pk, inserted)
        VALUES (NEW.pk, NOT EXISTS (SELECT 1 FROM kith WHERE pk = NEW.pk AND sk = NEW.sk));
    END;";

/// A note, with its number.
pub type Note = (i64, Change);

/// The notes of a data folder, over a connection of their own: the engine's does not run SQL.
/// Clones share it.
#[derive(Clone)]
pub(super) struct Notes(Arc<Mutex<Storage>>);

impl Notes {
    /// Connects to the engine's file; notes are taken once [`Notes::begin`] was called.
    pub(super) fn open(path: &str) -> dynoxide::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(Storage::new(path)?))))
    }

    fn with<T>(&self, work: impl FnOnce(&Storage) -> dynoxide::Result<T>) -> dynoxide::Result<T> {
        work(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes notes from now on. The table has to be there.
    pub(super) fn begin(&self) -> dynoxide::Result<()> {
        self.with(|storage| Ok(storage.conn().execute_batch(SCHEMA)?))
    }

    /// The oldest notes, at most `limit` of them.
    pub(super) fn oldest(&self, limit: u32) -> dynoxide::Result<Vec<Note>> {
        self.with(|storage| {
            let oldest = "SELECT id, pk, inserted FROM _kith_changes ORDER BY id LIMIT ?1";
            let mut statement = storage.conn().prepare_cached(oldest)?;
            let notes = statement.query_map([limit], |row| {
                let pk: String = row.get(1)?;
                let partition = pk.strip_prefix("S:").unwrap_or(&pk).to_owned();
                Ok((row.get(0)?, Change { partition, inserted: row.get(2)? }))
            })?;
            Ok(notes.collect::<Result<_, _>>()?)
        })
    }

    /// Deletes notes by their numbers.
    pub(super) fn delete(&self, numbers: &[i64]) -> dynoxide::Result<()> {
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        let delete = format!("DELETE FROM _kith_changes WHERE id IN ({})", numbers.join(","));
        self.with(|storage| Ok(storage.conn().execute_batch(&delete)?))
    }
}
