//! `kith import`: brings a file of people of any size into a running service, and reports what
//! became of each row.
//!
//! The program sends the file in requests, one after another, each under an Idempotency-Key of its
//! own. Before it sends a request, it notes the rows in the state beside the report. After the rows
//! are in the report, it notes the next place. So the program can end at any moment, and the same
//! command resumes with the same report.
//!
//! Of two rows with one key (`id`, `id_at_customer`, `username`) the first wins, as within one
//! request; the state knows the keys of all rows before, so that memory stays flat.

mod begin;
mod meter;
mod options;
mod report;
mod source;
mod state;
mod transfer;

use std::cell::Cell;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use self::begin::begin;
use self::meter::duration;
pub(crate) use self::options::Options;
use self::options::beside;
use self::state::ImportProgress;
use self::transfer::{Transfer, interrupted};
use crate::failure::Failure;
use crate::location::TableLocation;
use crate::output::{Console, counted, note};
use crate::signals::stop_signal;

/// How long the request under way may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

/// Imports until all is done or Ctrl-C comes. The exit code is 1 if a row is in error.
pub(crate) async fn run(
    options: Options,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    location.refuse_table("import")?;
    let report = options.report.clone().unwrap_or_else(|| beside(&options.file, ".report.csv"));
    let mut import = begin(options, &report, &location.data, console).await?;
    let done = work(&mut import, console).await;
    import.meter.end();
    done.map_err(|failure| stopped(failure, import.progress.counts.rows))?;
    tell(&import, &report, console)?;
    Ok(if import.progress.counts.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Works until all is done or Ctrl-C comes. After Ctrl-C it waits for the answer of the current
/// request, for [`GRACE`] at most. Without the answer the service would not continue these rows for
/// half a minute.
async fn work(import: &mut Transfer, console: Console) -> Result<(), Failure> {
    let stopping = Cell::new(false);
    let mut working = pin!(import.work(&stopping));
    tokio::select! {
        done = &mut working => return done,
        () = stop_signal() => stopping.set(true),
    }
    if !console.quiet {
        note("stopping after the request under way; Ctrl-C again stops at once");
    }
    tokio::select! {
        done = working => done,
        () = stop_signal() => Err(interrupted()),
        () = tokio::time::sleep(GRACE) => Err(interrupted()),
    }
}

/// Adds to a failure how far the import came, and whether the same command resumes from there.
fn stopped(failure: Failure, rows: u64) -> Failure {
    match failure {
        Failure::Interrupted(_) => Failure::Interrupted(format!(
            "stopped after row {rows}; run the same command to resume"
        )),
        failure if rows == 0 => failure,
        Failure::Restart(why) => Failure::Restart(format!("{why}\nstopped after row {rows}")),
        failure => {
            format!("{failure}\nstopped after row {rows}; run the same command to resume").into()
        }
    }
}

/// Prints the outcomes of all rows.
fn tell(import: &Transfer, report: &Path, console: Console) -> Result<(), Failure> {
    let ImportProgress { counts, task, .. } = &import.progress;
    let summary = json!({
        "mode": task.mode, "dry_run": task.dry_run, "rows": counts.rows,
        "created": counts.created,
        "updated": counts.updated, "unchanged": counts.unchanged, "errors": counts.errors,
        "codes": counts.codes,
        "report": report.display().to_string(),
    });
    console.print(&summary, || {
        let took = duration(u64::try_from(import.meter.elapsed()).unwrap_or_default());
        let trial = if task.dry_run { " (nothing was written)" } else { "" };
        let codes: Vec<_> =
            counts.codes.iter().map(|(code, rows)| format!("  {code}: {rows}\n")).collect();
        format!(
            "{}: {} created, {} updated, {} unchanged, {} in error{trial}\n{}{took}, {} \
                 rows/s\nreport: {}",
            counted(counts.rows, "row"),
            counts.created,
            counts.updated,
            counts.unchanged,
            counts.errors,
            codes.concat(),
            import.meter.rate(counts.rows),
            report.display(),
        )
    })
}
