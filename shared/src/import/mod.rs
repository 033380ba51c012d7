//! Imports: how a file is accepted, and how its rows are worked, by the request that brings it and
//! by the sweeper.
//!
//! A worker processes one part of the rows at a time. Its report, the counts and the waiting rows
//! change in one transaction. A worker holds a lease in the job. If a worker dies, it is unknown
//! which of its rows were written. They are processed again under the same ids of users and of
//! writes, so that each write is found and not done twice.

mod concurrency;
mod exchange;
mod row;

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use self::concurrency::Concurrency;
use self::row::{RowOutcome, RowProcessor};
use crate::app::App;
use crate::domain::Versioned;
use crate::domain::error::{Error, Result, Violation};
use crate::domain::id::{ImportId, TenantId};
use crate::domain::import::apply::refuse_hashes;
use crate::domain::import::{
    Format, Import, ImportState, Mapping, RowContent, RowReport, RowStatus, RowTask, TaskMaker,
    contended, document_of, parts, read_known,
};
use crate::domain::json::Object;
use crate::domain::schema::Schema;
use crate::env::Timestamp;
use crate::seal::{open, seal};
use crate::store::Write;
use crate::store::imports::ImportStep;
use crate::work::FILES;

/// For how many seconds after its arrival a request begins further rows of its import. A file of 4
/// MB needs up to 5 of them to be stored, because one partition accepts 1000 write units a second.
pub const IN_REQUEST_SECONDS: i64 = 7;
/// How much longer than it means to work a worker holds the job, in seconds: the rows that it has
/// begun take a while.
const GRACE_SECONDS: i64 = 20;
/// How long a worker holds the job at most, in seconds, before it says so again.
const LEASE_SECONDS: i64 = 60;
/// How many parts are stored at the same time.
const STORED_AT_ONCE: usize = 8;
/// How often a row is tried in one go.
const TRIES: u32 = 3;

/// The context that a sealed row is bound to, besides the key of cursors.
fn bound(id: ImportId, row: u32) -> String {
    format!("import\n{id}\n{row}")
}

/// The uploaded file.
#[derive(Clone)]
pub struct ImportFile {
    /// Its content.
    pub bytes: Bytes,
    /// How its rows are written.
    pub format: Format,
    /// The fields of its columns.
    pub mapping: Mapping,
}

impl ImportFile {
    /// The rows as they wait, in parts. A file of 4 MB keeps a thread busy for a while.
    async fn parts(
        self,
        app: &App,
        schema: Arc<Schema>,
        import: &Import,
    ) -> Result<Vec<Vec<RowTask>>> {
        let (id, hashes) = (import.id, import.hashes);
        let (key, env) = (*app.cursor_key().await?, app.env().clone());
        let read = move || {
            let mut tasks = TaskMaker::new(&schema);
            let take = |row| {
                tasks.add(row, |row, text| {
                    let sealed = seal(&key, &bound(id, row), text.as_bytes().to_vec(), &env)?;
                    Ok(STANDARD_NO_PAD.encode(sealed))
                })
            };
            let columns = read_known(&self.bytes, self.format, &self.mapping, Some(&schema), take)?;
            if let (None, Some(columns)) = (hashes, columns) {
                refuse_hashes(&columns, &schema)?;
            }
            Ok(parts(tasks.into_tasks()))
        };
        FILES.run(read).await?
    }
}

/// Stores the rows of a file and then the job, `import`, with `record` in one transaction. Before
/// that no request finds the import.
pub async fn accept(
    app: &App,
    schema: Arc<Schema>,
    mut import: Import,
    file: ImportFile,
    record: impl FnOnce(&Versioned<Import>) -> Result<Option<Write>>,
) -> Result<Versioned<Import>> {
    let table = app.table();
    let parts = file.parts(app, schema.clone(), &import).await?;
    let tenant = &schema.tenant;
    import.parts = parts.iter().map(|part| u32::try_from(part.len()).unwrap_or(u32::MAX)).collect();
    let mut waiting = parts.iter().enumerate();
    let mut storing = FuturesUnordered::new();
    loop {
        while storing.len() < STORED_AT_ONCE
            && let Some((part, tasks)) = waiting.next()
        {
            storing.push(table.put_import_rows(tenant, &import, part, tasks));
        }
        match storing.next().await {
            Some(stored) => stored?,
            None => break,
        }
    }
    drop(storing);
    let import = Versioned::first(import);
    table.create_import(tenant, &import, record(&import)?).await?;
    Ok(import)
}

/// Processes an import until it is finished or `until` has come, unless another worker does.
/// Returns how many rows got their status.
pub async fn process(
    app: &App,
    tenant: &TenantId,
    id: ImportId,
    until: Timestamp,
) -> Result<usize> {
    let table = app.table();
    let Some(job) = table.find_import(tenant, id).await? else { return Ok(0) };
    let now = app.env().clock.now();
    if job.value.is_finished() || job.value.leased_until.is_some_and(|leased| leased > now) {
        return Ok(0);
    }
    let begun = job.value.counts.done();
    // Another worker may have written some of these rows already.
    let doubtful = job.value.state != ImportState::Pending;
    let mut claimed = job.value.clone();
    (claimed.state, claimed.leased_until, claimed.updated_at) =
        (ImportState::Running, Some(lease(now, until)), now);
    let claimed = job.changed_to(claimed);
    if !table.step_import(tenant, &job, &claimed, None).await? {
        return Ok(0);
    }
    let mut worker = ImportWorker { app, tenant, until, job: claimed, doubtful };
    while worker.process_part().await? {}
    Ok(worker.job.value.counts.done().saturating_sub(begun))
}

fn lease(now: Timestamp, until: Timestamp) -> Timestamp {
    until.min(now.plus_seconds(LEASE_SECONDS)).max(now).plus_seconds(GRACE_SECONDS)
}

struct ImportWorker<'w> {
    app: &'w App,
    tenant: &'w TenantId,
    until: Timestamp,
    job: Versioned<Import>,
    /// Whether another worker may have written rows of the next part without noting it.
    doubtful: bool,
}

/// Rows that are processed one after another, because they contend for the same value.
type RowGroup = VecDeque<GroupedRow>;

/// A row, and what it says, if it can be read.
type GroupedRow = (RowTask, Result<Object, Vec<Violation>>);

/// The group whose first row is being processed, the number of earlier attempts, and that row when
/// it is done.
type RunningGroup<'f> =
    Pin<Box<dyn Future<Output = (RowGroup, u32, RowOutcome, Option<GroupedRow>)> + Send + 'f>>;

impl ImportWorker<'_> {
    /// Works on the next part; whether there is more to do now.
    async fn process_part(&mut self) -> Result<bool> {
        let (app, tenant, part) = (self.app, self.tenant, self.job.value.next);
        let id = self.job.value.id;
        let Some(waiting) = app.table().import_rows(tenant, id, part).await? else {
            let now = app.env().clock.now();
            let failed = Import {
                state: ImportState::Failed,
                completed_at: Some(now),
                ..self.job.value.clone()
            };
            self.write_step(failed, None).await?;
            return Ok(false);
        };
        let mut report = app.table().import_report(tenant, id, part).await?;
        let schema = app.schema_now(tenant).await?;
        let groups = self.groups(waiting, &schema).await?;
        let (done, waiting) = self.rows(groups).await?;
        self.doubtful = false;
        let now = app.env().clock.now();
        let mut next = self.job.value.clone();
        for row in &done {
            next.counts.add(row.status);
        }
        let stopped = !waiting.is_empty();
        if !stopped {
            next.next += 1;
        }
        if next.next == next.parts.len() {
            (next.state, next.completed_at) = (ImportState::Completed, Some(now));
        }
        let more = !stopped && !next.is_finished() && now < self.until;
        report.extend(done);
        report.sort_by_key(|row| row.row);
        let step = ImportStep { part, report, waiting };
        next.leased_until = more.then(|| lease(now, self.until));
        Ok(self.write_step(next, Some(step)).await? && more)
    }

    /// Writes the progress; `false` if another worker processes the import.
    async fn write_step(&mut self, mut next: Import, step: Option<ImportStep>) -> Result<bool> {
        next.updated_at = self.app.env().clock.now();
        if next.is_finished() {
            next.leased_until = None;
        }
        let next = self.job.changed_to(next);
        let written =
            self.app.table().step_import(self.tenant, &self.job, &next, step.as_ref()).await?;
        if written {
            self.job = next;
        }
        Ok(written)
    }

    /// The rows in groups that do not stand in each other's way, each in the order of the file.
    async fn groups(&self, waiting: Vec<RowTask>, schema: &Schema) -> Result<VecDeque<RowGroup>> {
        let mut groups: Vec<Option<RowGroup>> = Vec::new();
        let mut holders: HashMap<String, usize> = HashMap::new();
        for task in waiting {
            let asked = self.document(&task).await?;
            let keys =
                asked.as_ref().map(|document| contended(document, schema)).unwrap_or_default();
            let mut met: Vec<_> = keys.iter().filter_map(|key| holders.get(key)).copied().collect();
            met.sort_unstable();
            met.dedup();
            let (into, others) = if let Some((first, others)) = met.split_first() {
                (*first, others.to_vec())
            } else {
                groups.push(Some(RowGroup::new()));
                (groups.len() - 1, Vec::new())
            };
            let mut merged: Vec<_> =
                others.iter().filter_map(|i| groups.get_mut(*i)?.take()).flatten().collect();
            holders
                .values_mut()
                .filter(|holder| others.contains(holder))
                .for_each(|holder| *holder = into);
            if let Some(Some(group)) = groups.get_mut(into) {
                merged.push((task, asked));
                group.extend(merged);
                group.make_contiguous().sort_by_key(|(task, _)| task.row);
            }
            holders.extend(keys.into_iter().map(|key| (key, into)));
        }
        Ok(groups.into_iter().flatten().collect())
    }

    async fn document(&self, task: &RowTask) -> Result<Result<Object, Vec<Violation>>> {
        Ok(match task.content()? {
            RowContent::User(document) => Ok(document),
            RowContent::Nothing(errors) => Err(errors),
            RowContent::Sealed(sealed) => {
                let broken = || Error::unexpected("cannot open a sealed row of an import");
                let sealed = STANDARD_NO_PAD.decode(sealed).map_err(|_| broken())?;
                let key = self.app.cursor_key().await?;
                let text =
                    open(key, &bound(self.job.value.id, task.row), &sealed).ok_or_else(broken)?;
                Ok(document_of(&text)?)
            }
        })
    }

    /// Processes rows until all have their status, time is up, or the table accepts no more now.
    /// Returns the outcomes and the rows that still wait, both in the order of the file.
    async fn rows(&self, mut groups: VecDeque<RowGroup>) -> Result<(Vec<RowReport>, Vec<RowTask>)> {
        let rows = RowProcessor::new(self.app, self.tenant, &self.job.value, self.doubtful);
        let (mut pace, mut done, mut left) = (Concurrency::default(), Vec::new(), Vec::new());
        let mut clashing = Vec::new();
        let mut flying: FuturesUnordered<RunningGroup<'_>> = FuturesUnordered::new();
        let mut ready: VecDeque<(RowGroup, u32)> =
            groups.drain(..).map(|group| (group, 0)).collect();
        loop {
            let stopped = pace.is_exhausted() || self.app.env().clock.now() >= self.until;
            if stopped {
                left.extend(ready.drain(..).flat_map(|(group, _)| group));
            }
            while flying.len() < pace.limit()
                && let Some((mut group, tries)) = ready.pop_front()
            {
                let rows = &rows;
                flying.push(Box::pin(async move {
                    let worked = match group.front() {
                        Some((task, Ok(document))) => rows.process(task, document, tries).await,
                        Some((task, Err(errors))) => {
                            RowOutcome::Done(RowReport::error(task.row, errors.clone()))
                        }
                        None => RowOutcome::Later,
                    };
                    let first = match worked {
                        RowOutcome::Done(_) => group.pop_front(),
                        RowOutcome::Later => None,
                    };
                    (group, tries, worked, first)
                }));
            }
            let Some((group, tries, worked, first)) = flying.next().await else { break };
            let again = match worked {
                RowOutcome::Done(reported) => {
                    pace.record_success();
                    rows.record(&reported);
                    match first {
                        Some((task, Ok(document)))
                            if exchange::wants_a_username(&self.job.value, &reported) =>
                        {
                            clashing.push((task, document));
                        }
                        _ => {}
                    }
                    done.push(reported);
                    0
                }
                RowOutcome::Later => {
                    pace.record_refusal();
                    tries + 1
                }
            };
            if again >= TRIES {
                left.extend(group);
            } else if !group.is_empty() {
                ready.push_front((group, again));
            }
        }
        drop(flying);
        if !clashing.is_empty() && self.app.env().clock.now() < self.until {
            for report in exchange::settle(&rows, clashing).await? {
                rows.record(&report);
                done.retain(|earlier: &RowReport| earlier.row != report.row);
                done.push(report);
            }
        }
        let mut left: Vec<_> = left.into_iter().map(|(task, _)| task).collect();
        left.sort_by_key(|task| task.row);
        Ok((done, left))
    }
}

/// Whether a row holds what it names.
const fn has_user(status: RowStatus) -> bool {
    !matches!(status, RowStatus::Error)
}

/// The longest answer of a function, in bytes: Lambda takes 6 MB of JSON, in which text is escaped.
const MAX_ANSWER: usize = 5_500_000;

/// The bytes of a text in JSON.
fn escaped(text: &[u8]) -> usize {
    let is_escaped = |byte: &&u8| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t');
    text.len() + text.iter().filter(is_escaped).count()
}

/// The report of an import as CSV: `row,status,id,errors`. No cell is taken for a formula. A report
/// that is too long for one answer is refused; pages of it are not.
pub async fn report_as_csv(app: &App, tenant: &TenantId, import: &Import) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["row", "status", "id", "errors"]).map_err(Error::unexpected)?;
    for part in 0..import.parts.len() {
        for row in app.table().import_report(tenant, import.id, part).await? {
            table.write_record(row.cells()).map_err(Error::unexpected)?;
        }
    }
    let report = table.into_inner().map_err(Error::unexpected)?;
    if escaped(&report) > MAX_ANSWER {
        let detail = "the report is too long for text/csv; read it as application/json, in pages";
        return Err(Error::Malformed(detail.to_owned()));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    #[test]
    fn s1_a_report_is_measured_as_lambda_writes_it() {
        let text = "row,\"a \\ b\"\r\n\tü";
        assert_eq!(super::escaped(text.as_bytes()) + 2, serde_json::to_string(text).unwrap().len());
    }
}
