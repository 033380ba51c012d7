//! The job of an import: its progress, and the outcome of each row.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::{HashedValues, Mode};
use crate::domain::error::Violation;
use crate::domain::id::{ClientId, ImportId, UserId};
use crate::domain::json::{Json, Object};
use crate::domain::scope::Scopes;
use crate::domain::string_enum::string_enum;
use crate::domain::versioned::WriteId;
use crate::env::{Env, Timestamp, uuid_of};
use crate::object;

/// How long the rows of an import wait at most, in seconds: 24 hours.
pub const WAITING_SECONDS: i64 = 24 * 3600;
/// How long an import and its report are kept, in seconds: 7 days.
pub const KEPT_SECONDS: i64 = 7 * 24 * 3600;

string_enum! {
    /// The state of an import.
    ImportState {
        /// No worker has begun with it.
        Pending = "PENDING",
        /// Rows are being worked, or wait for the next worker.
        Running = "RUNNING",
        /// Every row has its status.
        Completed = "COMPLETED",
        /// It cannot continue: rows waited too long.
        Failed = "FAILED",
    }
}

string_enum! {
    /// The outcome of a row.
    RowStatus {
        /// It made a user.
        Created = "created",
        /// It changed one.
        Updated = "updated",
        /// The user was as it says.
        Unchanged = "unchanged",
        /// It did nothing.
        Error = "error",
    }
}

/// The numbers of rows by their status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    created: usize,
    updated: usize,
    unchanged: usize,
    errors: usize,
}

impl RowCounts {
    /// Counts one row.
    pub const fn add(&mut self, status: RowStatus) {
        match status {
            RowStatus::Created => self.created += 1,
            RowStatus::Updated => self.updated += 1,
            RowStatus::Unchanged => self.unchanged += 1,
            RowStatus::Error => self.errors += 1,
        }
    }

    /// The rows that have a status.
    #[must_use]
    pub const fn done(&self) -> usize {
        self.created + self.updated + self.unchanged + self.errors
    }
}

/// The result of one row, without any of its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowReport {
    /// The row, counted from 1.
    pub row: u32,
    /// The outcome.
    pub status: RowStatus,
    /// The user that it made, changed or found.
    pub id: Option<UserId>,
    /// Why it did nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Violation>,
}

impl RowReport {
    /// A row that did nothing.
    #[must_use]
    pub const fn error(row: u32, errors: Vec<Violation>) -> Self {
        Self { row, status: RowStatus::Error, id: None, errors }
    }

    /// The document that callers see.
    #[must_use]
    pub fn show(&self) -> Object {
        let error = |violation: &Violation| {
            Json::Object(object! {
                "pointer" => violation.pointer.as_str(),
                "code" => word(violation),
                "detail" => violation.detail.as_str(),
            })
        };
        object! {
            "row" => u64::from(self.row),
            "status" => self.status.name(),
            "id" => self.id,
            "errors" => self.errors.iter().map(error).collect::<Vec<_>>(),
        }
    }

    /// The cells of the row in the report as CSV: row, status, id, errors.
    #[must_use]
    pub fn cells(&self) -> [String; 4] {
        let error = |violation: &Violation| {
            format!("{} {}: {}", violation.pointer, word(violation), violation.detail)
        };
        let errors = self.errors.iter().map(error).collect::<Vec<_>>().join("; ");
        let id = self.id.map(|id| id.to_string()).unwrap_or_default();
        [self.row.to_string(), self.status.to_string(), id, super::guarded(errors)]
    }
}

/// The code of a violation as callers see it.
fn word(violation: &Violation) -> String {
    let code = serde_json::to_value(violation.code).unwrap_or_default();
    code.as_str().unwrap_or_default().to_owned()
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The id.
    pub id: ImportId,
    /// How to treat a row whose user exists.
    pub mode: Mode,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// The kind of values that it has for HASH attributes, if declared.
    #[serde(default)]
    pub hashes: Option<HashedValues>,
    /// The client that imports.
    pub client: ClientId,
    /// The scopes of that client's token.
    pub scopes: Scopes,
    /// Why, in the words of its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How far it is.
    pub state: ImportState,
    /// How many rows each part has.
    pub parts: Vec<u32>,
    /// The part that is worked, or that comes next.
    pub next: usize,
    /// The number of rows by outcome so far.
    pub counts: RowCounts,
    /// Until when no other worker processes it.
    pub leased_until: Option<Timestamp>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When the last row had its status, or the import failed.
    pub completed_at: Option<Timestamp>,
}

impl Import {
    /// An import that no worker has begun, and whose rows are not counted yet.
    #[must_use]
    pub fn new(env: &Env, client: ClientId, scopes: Scopes, mode: Mode) -> Self {
        let now = env.clock.now();
        Self {
            id: ImportId::new(env.new_uuid()),
            mode,
            dry_run: false,
            hashes: None,
            client,
            scopes,
            reason: None,
            state: ImportState::Pending,
            parts: Vec::new(),
            next: 0,
            counts: RowCounts::default(),
            leased_until: None,
            created_at: now,
            updated_at: now,
            completed_at: None,
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.state, ImportState::Completed | ImportState::Failed)
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|rows| *rows as usize).sum()
    }

    /// The part in which a row is, and that part's first row.
    #[must_use]
    pub fn part_of(&self, row: u32) -> Option<(usize, u32)> {
        let mut first = 1;
        for (part, rows) in self.parts.iter().enumerate() {
            if row < first + rows {
                return Some((part, first));
            }
            first += rows;
        }
        None
    }

    /// The document that callers see.
    #[must_use]
    pub fn show(&self) -> Object {
        let number = |number: usize| number as u64;
        let RowCounts { created, updated, unchanged, errors } = self.counts;
        object! {
            "id" => self.id,
            "mode" => self.mode.name(),
            "dry_run" => self.dry_run,
            "state" => self.state.name(),
            "rows" => number(self.rows()),
            "done" => number(self.counts.done()),
            "created" => number(created),
            "updated" => number(updated),
            "unchanged" => number(unchanged),
            "errors" => number(errors),
            "created_at" => self.created_at,
            "updated_at" => self.updated_at,
            "completed_at" => self.completed_at,
        }
    }

    /// The id of the user that a row makes when it names none.
    #[must_use]
    pub fn user_of(&self, row: u32) -> UserId {
        UserId::new(uuid_of(self.created_at, &self.derived(row, "user")))
    }

    /// The id under which a row makes its user: a repeat finds its own write.
    #[must_use]
    pub fn creation_of(&self, row: u32) -> WriteId {
        self.derived(row, "create")
    }

    /// The id under which a row changes its user.
    #[must_use]
    pub fn change_of(&self, row: u32) -> WriteId {
        self.derived(row, "change")
    }

    fn derived<const N: usize>(&self, row: u32, purpose: &str) -> [u8; N] {
        let mut hash = Context::new(&SHA256);
        hash.update(format!("{}\n{row}\n{purpose}", self.id).as_bytes());
        hash.finish().as_ref().first_chunk().copied().unwrap_or([0; N])
    }
}
