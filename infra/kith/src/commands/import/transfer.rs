//! Rows on their way to the service: sent in requests, waited for, and reported.

use std::cell::Cell;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use shared::env::Env;

use super::meter::ProgressMeter;
use super::report::{FieldError, ReportFile, ReportedRow};
use super::source::{SourceFile, SourceRow};
use super::state::{ImportProgress, ResumeState, RowsByKey, SentRequest, hash};
use crate::failure::Failure;
use crate::remote::{Remote, RemoteRequest};

/// The route of imports.
const PATH: &str = "/identity/imports";
/// The most rows of a request.
const MOST_ROWS: usize = 1000;
/// The fewest rows that a request shrinks to.
const FEWEST_ROWS: usize = 50;
/// The rows of the first request.
pub(super) const FIRST_ROWS: usize = 200;
/// At how many bytes a request ends.
const REQUEST_BYTES: usize = 1024 * 1024;
/// Requests that take less grow, in milliseconds.
const QUICK: i64 = 1500;
/// If a request takes longer, the next one is smaller. The service works that long on a request
/// before it answers, and leaves the rest to the sweeper.
const SLOW: i64 = 4500;
/// After how many milliseconds without progress the command says that it waits for the service.
const STANDSTILL: i64 = 3000;
/// How long the service knows a request by its key, in milliseconds, less an hour.
const KNOWN: i64 = 23 * 3_600_000;

/// A running import.
pub(super) struct Transfer {
    pub(super) remote: Remote,
    pub(super) env: Env,
    pub(super) source: SourceFile,
    pub(super) report: ReportFile,
    pub(super) state: ResumeState,
    pub(super) progress: ImportProgress,
    pub(super) meter: ProgressMeter,
    pub(super) content_type: &'static str,
    /// How many rows the next request has.
    pub(super) rows: usize,
}

impl Transfer {
    /// Works on the file until its end, or until it shall stop.
    pub(super) async fn work(&mut self, stopping: &Cell<bool>) -> Result<(), Failure> {
        while !self.progress.complete {
            go_on(stopping)?;
            self.step(stopping).await?;
        }
        Ok(())
    }

    /// Brings the next rows over, or those of a request that may have been sent before.
    async fn step(&mut self, stopping: &Cell<bool>) -> Result<(), Failure> {
        if !self.source.is_unchanged()? {
            return Err(
                "the file has changed during the import; use --restart to start over".into()
            );
        }
        let (rows, bytes) = self
            .progress
            .sent
            .as_ref()
            .map_or((self.rows, REQUEST_BYTES), |sent| (sent.rows, usize::MAX));
        let (records, end) = self.source.read(self.progress.at, rows, bytes).map_err(|why| {
            format!(
                "cannot read row {} and the rows after it: {why}",
                self.progress.counts.rows + 1
            )
        })?;
        if records.is_empty() {
            if self.progress.counts.rows == 0 {
                return Err("expected at least one row after the header, found none".into());
            }
            self.progress.complete = true;
            return self.state.keep(&self.progress, &RowsByKey::new());
        }
        let sorted = self.sort(&records)?;
        let mut outcomes = sorted.repeated;
        if !sorted.numbers.is_empty() {
            let began = self.env.clock.now().millis();
            let job = self.send(records.len(), sorted.body).await?;
            self.wait(&job, end, stopping).await?;
            let took = self.env.clock.now().millis() - began;
            outcomes.extend(self.fetch(&job, &sorted.numbers).await?);
            self.pace(took);
        }
        outcomes.sort_unstable_by_key(|outcome| outcome.row);
        self.progress.report = self.report.append(&outcomes)?;
        for outcome in &outcomes {
            outcome.count(&mut self.progress.counts);
        }
        self.progress.at = end;
        self.progress.digest = self.source.digest(end)?;
        self.progress.requests += 1;
        self.progress.sent = None;
        self.state.keep(&self.progress, &sorted.keys)?;
        self.show(0, end);
        Ok(())
    }

    /// Divides rows into rows to send and rows whose user an earlier row names already.
    fn sort(&self, records: &[SourceRow]) -> Result<SortedRows, Failure> {
        let mut sorted = SortedRows { body: self.source.head.clone(), ..SortedRows::default() };
        for (record, row) in records.iter().zip(self.progress.counts.rows + 1..) {
            let hashes: Vec<_> =
                record.keys.iter().map(|key| hash(&self.progress.import, key)).collect();
            let mut faults = Vec::new();
            for (key, hash) in record.keys.iter().zip(&hashes) {
                let earlier = match sorted.keys.get(hash) {
                    Some(earlier) => Some(*earlier),
                    None => self.state.row_of(hash)?,
                };
                faults.extend(earlier.map(|earlier| FieldError::repeated(key.0, earlier)));
            }
            if faults.is_empty() {
                sorted.keys.extend(hashes.into_iter().map(|hash| (hash, row)));
                sorted.body.extend_from_slice(&record.bytes);
                sorted.numbers.push(row);
            } else {
                sorted.repeated.push(ReportedRow {
                    row,
                    status: "error".to_owned(),
                    id: None,
                    errors: faults,
                });
            }
        }
        Ok(sorted)
    }

    /// Starts the service's job for rows, or finds the job if it was started already.
    async fn send(&mut self, rows: usize, body: Vec<u8>) -> Result<String, Failure> {
        if let Some(job) = self.progress.sent.as_ref().and_then(|sent| sent.job.clone()) {
            return Ok(job);
        }
        let now = self.env.clock.now().millis();
        let at = self.progress.sent.as_ref().map_or(now, |sent| sent.at);
        if now - at > KNOWN {
            return Err(unknown("the last request was sent a day ago, and its outcome is unknown"));
        }
        self.progress.sent = Some(SentRequest { rows, at, job: None });
        self.state.keep(&self.progress, &RowsByKey::new())?;
        let task = &self.progress.task;
        let key = format!("{}-{}", self.progress.import, self.progress.requests);
        let mut ask =
            RemoteRequest::post(PATH, &key, self.content_type, body).query("mode", &task.mode);
        ask = ask.query("dry_run", task.dry_run.to_string());
        if !task.mapping.is_empty() {
            ask = ask.query("mapping", &task.mapping);
        }
        if !task.hashes.is_empty() {
            ask = ask.query("hashes", &task.hashes);
        }
        let reply = self.remote.send(&ask).await?;
        if reply.status.is_client_error() {
            self.progress.sent = None;
            self.state.keep(&self.progress, &RowsByKey::new())?;
        }
        let job = text(&reply.good(PATH)?.value()?, "id")?;
        self.progress.sent = Some(SentRequest { rows, at, job: Some(job.clone()) });
        self.state.keep(&self.progress, &RowsByKey::new())?;
        Ok(job)
    }

    /// Waits until the service has worked on all rows of a job.
    async fn wait(&mut self, job: &str, end: u64, stopping: &Cell<bool>) -> Result<(), Failure> {
        let path = format!("{PATH}/{job}");
        let (mut tag, mut pause) = (String::new(), Duration::from_millis(100));
        let (mut done, mut place) = (0, self.progress.at);
        let mut moved = self.env.clock.now().millis();
        loop {
            go_on(stopping)?;
            let mut ask = RemoteRequest::get(&path);
            if !tag.is_empty() {
                ask = ask.header("if-none-match", &tag);
            }
            let reply = self.remote.send(&ask).await?;
            if reply.status == StatusCode::NOT_FOUND {
                return Err(unknown(&format!("{path} has expired")));
            }
            if reply.status != StatusCode::NOT_MODIFIED {
                let reply = reply.good(&path)?;
                reply.header("etag").unwrap_or_default().clone_into(&mut tag);
                let job = reply.value()?;
                match text(&job, "state")?.as_str() {
                    "COMPLETED" => return Ok(()),
                    "FAILED" => return Err(unknown(&format!("{path} failed"))),
                    _ => {}
                }
                let (now_done, rows) = (number(&job, "done"), number(&job, "rows"));
                if now_done > done {
                    moved = self.env.clock.now().millis();
                }
                done = now_done;
                place = self.progress.at + (end - self.progress.at) * done / rows.max(1);
                self.show(done, place);
            }
            let still = self.env.clock.now().millis() - moved;
            if still >= STANDSTILL {
                self.meter.stand_still(self.progress.counts.rows + done, place, still);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(2));
        }
    }

    /// The report of a job, with the rows' numbers in the file.
    async fn fetch(&mut self, job: &str, numbers: &[u64]) -> Result<Vec<ReportedRow>, Failure> {
        let path = format!("{PATH}/{job}/report");
        let (mut outcomes, mut cursor) = (Vec::with_capacity(numbers.len()), None);
        loop {
            let mut ask = RemoteRequest::get(&path).query("limit", "100");
            if let Some(cursor) = cursor {
                ask = ask.query("cursor", cursor);
            }
            let mut page = self.remote.send(&ask).await?.good(&path)?.value()?;
            let items = page.get_mut("items").map(Value::take).unwrap_or_default();
            let items: Vec<ReportedRow> = serde_json::from_value(items)
                .map_err(|error| format!("cannot read {path}: {error}"))?;
            for mut outcome in items {
                let in_file =
                    |row: u64| numbers.get(usize::try_from(row).ok()?.checked_sub(1)?).copied();
                outcome.row = in_file(outcome.row)
                    .ok_or_else(|| format!("{path} reports rows that were not sent"))?;
                outcome.errors.iter_mut().for_each(|fault| fault.tell_of(in_file));
                outcomes.push(outcome);
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None if outcomes.len() == numbers.len() => return Ok(outcomes),
                None => {
                    return Err(format!(
                        "{path}: expected a report of {} rows, found {}",
                        numbers.len(),
                        outcomes.len()
                    )
                    .into());
                }
            }
        }
    }

    /// Fits the next request to how long the last one took.
    fn pace(&mut self, took: i64) {
        if took < QUICK {
            self.rows = (self.rows * 2).min(MOST_ROWS);
        } else if took > SLOW {
            self.rows = (self.rows / 2).max(FEWEST_ROWS);
        }
    }

    fn show(&mut self, more: u64, at: u64) {
        let counts = &self.progress.counts;
        self.meter.show(counts.rows + more, counts.errors, at);
    }
}

/// Rows sorted for sending.
#[derive(Default)]
struct SortedRows {
    /// The rows to send.
    body: Vec<u8>,
    /// The numbers of the rows that are sent.
    numbers: Vec<u64>,
    /// Rows that are not.
    repeated: Vec<ReportedRow>,
    /// Keys that were not seen before.
    keys: RowsByKey,
}

/// Fails if the import shall stop.
fn go_on(stopping: &Cell<bool>) -> Result<(), Failure> {
    if stopping.get() { Err(interrupted()) } else { Ok(()) }
}

/// The failure of an import that was stopped.
pub(super) fn interrupted() -> Failure {
    Failure::Interrupted("stopped".to_owned())
}

fn text(document: &Value, name: &str) -> Result<String, Failure> {
    let text = document.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(text.ok_or_else(|| format!("an answer of the service has no `{name}`"))?)
}

fn number(document: &Value, name: &str) -> u64 {
    document.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn unknown(why: &str) -> Failure {
    Failure::Restart(format!(
        "{why}; use --restart to start over, with --mode upsert, which leaves imported users unchanged"
    ))
}
