//! The outbox: writes of users, and entries of histories of consents, whose events are not yet
//! published.
//!
//! The engine's own stream keeps a record of every item without end and reads all of them on each
//! write (ADR 0031). Instead, a trigger adds an entry for each write of a user, in the transaction
//! of the write. An entry is deleted when its event has been published. After a crash the outbox
//! holds the events that are not published yet. Its file never grows beyond the most events that
//! ever waited.

use std::sync::{Arc, Mutex, PoisonError};

use dynoxide::storage::Storage;
use shared::store::keys::PROFILE;
use stream::UserChange;

/// Creates the outbox and its trigger. The engine writes an item by `INSERT OR REPLACE`, its keys
/// with their type before them. An entry of a history has its sort key behind its partition key and a
/// line break, so that data folders of before need no other table.
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
    END;
    CREATE TRIGGER IF NOT EXISTS _kith_changes_of_consents BEFORE INSERT ON kith
    WHEN NEW.sk GLOB 'S:COH#*'
    BEGIN
        INSERT INTO _kith_changes (pk, inserted)
        VALUES (NEW.pk || char(10) || NEW.sk,
            NOT EXISTS (SELECT 1 FROM kith WHERE pk = NEW.pk AND sk = NEW.sk));
    END;";

/// An entry of the outbox, with its number.
pub type OutboxEntry = (i64, UserChange);

/// The outbox of a data folder, over a connection of their own: the engine's does not run SQL.
/// Clones share it.
#[derive(Clone)]
pub(super) struct Outbox(Arc<Mutex<Storage>>);

impl Outbox {
    /// Connects to the engine's file; entries are added once [`Outbox::begin`] was called.
    pub(super) fn open(path: &str) -> dynoxide::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(Storage::new(path)?))))
    }

    fn with<T>(&self, work: impl FnOnce(&Storage) -> dynoxide::Result<T>) -> dynoxide::Result<T> {
        work(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds entries from now on. The table has to exist.
    pub(super) fn begin(&self) -> dynoxide::Result<()> {
        self.with(|storage| Ok(storage.conn().execute_batch(SCHEMA)?))
    }

    /// The oldest entries, at most `limit` of them.
    pub(super) fn oldest(&self, limit: u32) -> dynoxide::Result<Vec<OutboxEntry>> {
        self.with(|storage| {
            let oldest = "SELECT id, pk, inserted FROM _kith_changes ORDER BY id LIMIT ?1";
            let mut statement = storage.conn().prepare_cached(oldest)?;
            let entries = statement.query_map([limit], |row| {
                let key: String = row.get(1)?;
                let (pk, sk) = key.split_once('\n').unwrap_or((&key, PROFILE));
                let plain = |text: &str| text.strip_prefix("S:").unwrap_or(text).to_owned();
                let (partition, sort, inserted) = (plain(pk), plain(sk), row.get(2)?);
                let change = UserChange::of(&partition, &sort, inserted);
                let user = UserChange { partition, inserted, entry: None };
                Ok((row.get(0)?, change.unwrap_or(user)))
            })?;
            Ok(entries.collect::<Result<_, _>>()?)
        })
    }

    /// Deletes entries by their numbers.
    pub(super) fn delete(&self, numbers: &[i64]) -> dynoxide::Result<()> {
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        let delete = format!("DELETE FROM _kith_changes WHERE id IN ({})", numbers.join(","));
        self.with(|storage| Ok(storage.conn().execute_batch(&delete)?))
    }
}
