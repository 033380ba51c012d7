//! Repeats contended work: a read, a decision and a conditional write, until no other write came in
//! between.

use super::table::Table;
use super::write::CONTENDED;
use crate::domain::error::{Error, Result};

/// How often a contended operation is tried.
const ATTEMPTS: u32 = 20;

/// The attempts of one contended operation.
///
/// ```ignore
/// let mut retry = Retry::of(table);
/// loop {
///     // read, decide
///     match table.commit(writes).await {
///         Ok(()) => return Ok(()),
///         Err(Failed::Contended | Failed::Conditions(_)) => retry.again().await?,
///         Err(failed) => return Err(failed.into()),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Retry<'t> {
    table: &'t Table,
    attempt: u32,
    most: u32,
}

impl<'t> Retry<'t> {
    /// The first attempt.
    #[must_use]
    pub const fn of(table: &'t Table) -> Self {
        Self { table, attempt: 1, most: ATTEMPTS }
    }

    /// The same with at most so many attempts, for work that the sweeper continues later.
    #[must_use]
    pub const fn at_most(self, most: u32) -> Self {
        Self { most, ..self }
    }

    /// The number of this attempt, from 1 on.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Waits for the next attempt; [`Error::Unavailable`] if this was the last one.
    pub async fn again(&mut self) -> Result<()> {
        let attempt = self.attempt;
        self.at_once()?;
        self.table.pause(attempt).await;
        Ok(())
    }

    /// Begins the next attempt without a wait; [`Error::Unavailable`] if this was the last one.
    pub fn at_once(&mut self) -> Result<()> {
        if self.attempt >= self.most {
            return Err(Error::Unavailable(CONTENDED.to_owned()));
        }
        self.attempt += 1;
        Ok(())
    }
}
