//! The start of an import: from the first row, or from where the state says that it stopped.

use std::path::Path;

use shared::domain::import::Format;
use shared::env::Env;

use super::meter::ProgressMeter;
use super::options::{Options, beside, mapping};
use super::report::ReportFile;
use super::source::SourceFile;
use super::state::{ImportParameters, ImportProgress, ResumeState, RowsByKey, TransferCounts};
use super::transfer::{FIRST_ROWS, Transfer};
use crate::failure::{Failure, in_words};
use crate::output::Console;

/// Opens the files and the state of an import, and finds the place to resume.
pub(super) async fn begin(
    options: Options,
    report: &Path,
    data: &Path,
    console: Console,
) -> Result<Transfer, Failure> {
    let env = Env::default();
    let Options { file, access, dry_run, mode, map, format, hashes, restart, .. } = options;
    let extension = file.extension().and_then(|extension| extension.to_str());
    let format = format.unwrap_or(match extension {
        Some("ndjson" | "jsonl" | "json") => Format::Ndjson,
        _ => Format::Csv,
    });
    let mapped = !map.is_empty();
    let mapping = mapping(map).map_err(|error| in_words(&error))?;
    let mut remote = access.open(data, env.clone())?;
    let task = ImportParameters {
        url: remote.url.clone(),
        client_id: remote.client_id.clone(),
        mode: mode.to_string(),
        dry_run,
        format: format.to_string(),
        mapping: if mapped { mapping.show().to_text() } else { String::new() },
        hashes: hashes.map(|hashes| hashes.to_string()).unwrap_or_default(),
    };
    if file.as_os_str() == "-" {
        let why = "expected the name of a file, found `-`; an interrupted import resumes from its \
                   file, so save the standard input to a file first";
        return Err(why.into());
    }
    let mut source = SourceFile::open(&file, format, mapping)?;
    source.check_encoding().map_err(|why| format!("`{}`: {why}", file.display()))?;
    source.check_rows().map_err(|why| format!("`{}`: {why}", file.display()))?;
    let state_file = beside(report, ".state");
    for (what, path) in [("report", report), ("state", &state_file)] {
        if source.is_at(path)? {
            return Err(format!(
                "the {what} `{}` would overwrite the imported file; choose another --report",
                path.display()
            )
            .into());
        }
    }
    remote.sign_in().await?;
    if !restart && !state_file.exists() && report.exists() {
        let report = report.display();
        return Err(Failure::Restart(format!(
            "`{report}` exists and is of another import; use --restart to replace it"
        )));
    }
    let mut state = ResumeState::open(&state_file, restart)?;
    let kept = if restart { None } else { kept(&state, &file, &mut source, &task)? };
    let progress = match kept {
        Some(progress) => progress,
        None => anew(&mut state, &mut source, task, &env)?,
    };
    let report = ReportFile::open(report, progress.report)?;
    let mut meter = ProgressMeter::new(env.clock.clone(), source.mark.bytes, console);
    if progress.sent.is_none() {
        meter.count_from(progress.counts.rows, progress.at);
    }
    let content_type = if format == Format::Csv { "text/csv" } else { "application/x-ndjson" };
    Ok(Transfer {
        remote,
        env,
        source,
        report,
        state,
        progress,
        meter,
        content_type,
        rows: FIRST_ROWS,
    })
}

/// How far the import is that the state has kept, if there is one of the same file and options.
fn kept(
    state: &ResumeState,
    file: &Path,
    source: &mut SourceFile,
    task: &ImportParameters,
) -> Result<Option<ImportProgress>, Failure> {
    let Some(progress) = state.progress()?.filter(ImportProgress::is_begun) else {
        return Ok(None);
    };
    let same_file = progress.mark == source.mark;
    match (progress.complete, same_file) {
        (true, _) => Ok((same_file && progress.task == *task).then_some(progress)),
        (false, false) => Err(changed(file)),
        (false, true) if progress.task != *task => Err(otherwise(&progress.task, task)),
        (false, true) if source.digest(progress.at)? != progress.digest => Err(changed(file)),
        (false, true) => Ok(Some(progress)),
    }
}

/// Starts an import from the first row.
fn anew(
    state: &mut ResumeState,
    source: &mut SourceFile,
    task: ImportParameters,
    env: &Env,
) -> Result<ImportProgress, Failure> {
    let progress = ImportProgress {
        mark: source.mark.clone(),
        task,
        import: env.random_uuid().to_string(),
        requests: 0,
        at: source.first,
        digest: source.digest(source.first)?,
        report: 0,
        counts: TransferCounts::default(),
        sent: None,
        complete: false,
    };
    state.clear()?;
    state.keep(&progress, &RowsByKey::new())?;
    Ok(progress)
}

fn changed(file: &Path) -> Failure {
    let file = file.display();
    Failure::Restart(format!(
        "`{file}` has changed since its import began; use --restart to start over, or restore the \
         old file"
    ))
}

fn otherwise(begun: &ImportParameters, now: &ImportParameters) -> Failure {
    let show = |task: &ImportParameters| {
        let ImportParameters { url, client_id, mode, dry_run, format, mapping, hashes } = task;
        let trial = if *dry_run { " as a dry run" } else { "" };
        let hashes = if hashes.is_empty() { String::new() } else { format!(", hashes {hashes}") };
        format!("{format} to {url} by {client_id}, mode {mode}, mapping {mapping}{hashes}{trial}")
    };
    Failure::Restart(format!(
        "the import began with other options; use --restart to start over, or the options of \
         before\n  before: {}\n  now:    {}",
        show(begun),
        show(now)
    ))
}
