//! Rows of one part whose users exchange usernames, or pass them on.
//!
//! A row that wants a username which another row of the part gives up is in error as long as that
//! row was not worked. So such rows are tried once more when the others are done. Two rows that
//! want each other's username are written at once.

use std::collections::HashMap;

use super::row::{RowOutcome, RowProcessor};
use crate::domain::definition::Predefined;
use crate::domain::error::{Code, Result};
use crate::domain::import::{Import, Mode, RowReport, RowStatus, RowTask};
use crate::domain::json::{Json, Object};
use crate::domain::text;

/// How often clashing rows are processed again.
const PASSES: u32 = 4;

/// A row that clashes, with its document.
pub(super) type ClashingRow = (RowTask, Object);

/// Whether the only error of a row is that another user has its username.
pub(super) fn wants_a_username(import: &Import, report: &RowReport) -> bool {
    let [violation] = report.errors.as_slice() else { return false };
    import.mode == Mode::Upsert
        && !import.dry_run
        && violation.code == Code::NotUnique
        && violation.pointer == format!("/{}", Predefined::Username.name())
}

/// The username that a row wants, in its comparable form.
fn wanted(document: &Object) -> Option<String> {
    document.get(Predefined::Username.name()).and_then(Json::as_str).and_then(text::username)
}

/// Processes clashing rows once more. Returns the outcomes of rows that are no longer in error.
pub(super) async fn settle(
    rows: &RowProcessor<'_>,
    mut clashing: Vec<ClashingRow>,
) -> Result<Vec<RowReport>> {
    let mut settled = Vec::new();
    for pass in 0..PASSES {
        let before = settled.len();
        // A row that passes a username on may stand before or after the one that waits for it.
        if pass % 2 == 0 {
            clashing.reverse();
        }
        let mut left = Vec::new();
        for (task, document) in clashing {
            match rows.process(&task, &document, 0).await {
                RowOutcome::Done(report) if report.status != RowStatus::Error => {
                    settled.push(report);
                }
                RowOutcome::Done(_) | RowOutcome::Later => left.push((task, document)),
            }
        }
        settled.extend(exchange(rows, &mut left).await?);
        clashing = left;
        if clashing.is_empty() || settled.len() == before {
            break;
        }
    }
    Ok(settled)
}

/// Writes pairs of rows that want each other's username, and takes them out.
async fn exchange(
    rows: &RowProcessor<'_>,
    clashing: &mut Vec<ClashingRow>,
) -> Result<Vec<RowReport>> {
    let mut holders = HashMap::new();
    for (i, (_, document)) in clashing.iter().enumerate() {
        if let Some(username) = rows.username_of(document).await? {
            holders.insert(username, i);
        }
    }
    let holder = |i: usize| {
        let (_, document) = clashing.get(i)?;
        holders.get(&wanted(document)?).copied()
    };
    let pairs: Vec<_> = (0..clashing.len())
        .filter_map(|i| holder(i).filter(|j| i < *j && holder(*j) == Some(i)).map(|j| (i, j)))
        .collect();
    let (mut reports, mut gone) = (Vec::new(), Vec::new());
    for (i, j) in pairs {
        let (Some(one), Some(other)) = (clashing.get(i), clashing.get(j)) else { continue };
        if let Some(done) = rows.exchange(one, other).await? {
            reports.extend(done);
            gone.extend([i, j]);
        }
    }
    let mut place = 0;
    clashing.retain(|_| {
        place += 1;
        !gone.contains(&(place - 1))
    });
    Ok(reports)
}
