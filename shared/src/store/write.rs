//! Writes and their conditions as types. A write without a condition cannot be expressed.

use std::collections::BTreeSet;

use super::item::Item;
use super::keys::Key;
use crate::domain::error::Error;
use crate::domain::id::{SubjectId, UserId};
use crate::domain::versioned::Version;
use crate::env::Timestamp;

/// The condition on the item when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is no such item, or it is past its time.
    Absent,
    /// Unconditional; another write of the same transaction carries the condition, or it is a lone
    /// delete, after which the item is gone.
    Guarded,
    /// The item has this version, so it was not written since it was read.
    Version(Version),
    /// As [`Condition::Version`], and the definition was never assigned.
    Unused(Version),
    /// The item is absent, or this user holds it.
    Owner(UserId),
    /// The item is this subject mapping, or absent.
    Mapping(SubjectId),
    /// The item is a user and not the tombstone of a deleted one.
    NotDeleted,
}

/// A write of a commit.
#[derive(Clone, Debug)]
pub enum Write {
    /// Puts the whole item.
    Put(Item, Condition),
    /// Deletes the item.
    Delete(Key, Condition),
    /// Changes nothing; the commit fails if the condition does not hold.
    Check(Key, Condition),
    /// Adds the user to the set of those who have the e-mail address, which holds at most
    /// [`MAX_SHARING`].
    Join(Key, UserId),
    /// Changes the set of users who have an e-mail address only if it is unchanged since it was
    /// read.
    Sharing {
        /// The set.
        key: Key,
        /// The users that were in it; none if there was no such item.
        seen: BTreeSet<UserId>,
        /// The user who joins, if one does.
        join: Option<UserId>,
    },
    /// Takes the user out of the set; the item goes with its last member.
    Leave(Key, UserId),
    /// Adds one to a count that ends at this time, as long as it is below this limit.
    Count(Key, u32, Timestamp),
    /// Sets a counter of attempts that was seen at a count: another count, the time of the next
    /// attempt, and the end of the counter.
    Recount {
        /// The counter.
        key: Key,
        /// The count that was seen.
        seen: u32,
        /// The next count.
        count: u32,
        /// When the next attempt may be made.
        next_at: Timestamp,
        /// When the counter ends.
        until: Timestamp,
    },
    /// Marks a definition as assigned, if it has this version and takes new assignments. The
    /// version stays.
    MarkUsed(Key, Version),
    /// Takes the mark of assignment from a definition that takes no new assignments, if it has this
    /// version. The version stays.
    MarkUnused(Key, Version),
    /// Sets which deprecated values of an enumeration no user holds, if its definition has this
    /// version. The version stays.
    MarkUnheld(Key, Version, Vec<String>),
    /// Sets which forms a tenant's index entries have, in the epoch of its definitions, if that has
    /// this version. The version rises.
    SetForms(Key, Version, &'static str),
}

/// The most users who share one e-mail address.
pub const MAX_SHARING: usize = 100;

/// The most writes of one commit: what DynamoDB takes in a transaction.
pub const MAX_WRITES: usize = 100;

impl Write {
    /// The key of the item that is written.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Put(item, _) => item.key(),
            Self::Delete(key, _)
            | Self::Check(key, _)
            | Self::Join(key, _)
            | Self::Leave(key, _)
            | Self::Count(key, ..)
            | Self::MarkUsed(key, _)
            | Self::MarkUnused(key, _)
            | Self::MarkUnheld(key, ..)
            | Self::SetForms(key, ..)
            | Self::Recount { key, .. }
            | Self::Sharing { key, .. } => key.clone(),
        }
    }

    /// Whether it puts a user's own item.
    pub(super) fn puts_user(&self) -> bool {
        matches!(self, Self::Put(item, _) if item.key().is_user())
    }
}

/// Why a contended write is given up.
pub(crate) const CONTENDED: &str = "too many writers at once";

/// Why a commit failed. Nothing of it was written, except that `Unavailable` may leave the outcome
/// open.
#[derive(Debug)]
pub enum CommitError {
    /// Conditions that did not hold: the index of the write, and the item that was there.
    Conditions(Vec<(usize, Option<Item>)>),
    /// Another request was writing one of the items at this moment.
    Contended,
    /// The table takes no more writes now.
    Throttled(String),
    /// The table did not answer; the outcome is not known.
    Unavailable(String),
    /// A defect.
    Broken(String),
}

impl CommitError {
    /// Whether the condition of the write with this index did not hold.
    #[must_use]
    pub fn at(&self, index: usize) -> bool {
        matches!(self, Self::Conditions(failed) if failed.iter().any(|(i, _)| *i == index))
    }
}

impl From<CommitError> for Error {
    fn from(failed: CommitError) -> Self {
        match failed {
            CommitError::Throttled(what) | CommitError::Unavailable(what) => {
                Self::Unavailable(what)
            }
            CommitError::Contended => Self::Unavailable(CONTENDED.to_owned()),
            CommitError::Broken(what) => Self::Unexpected(what),
            CommitError::Conditions(_) => {
                Self::unexpected("a condition failed that no rule foresees")
            }
        }
    }
}
