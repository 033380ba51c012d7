//! `kith import`: brings a file of people of any size into a running service, and reports what
//! became of each row.
//!
//! The file goes over in requests that the service works on one after another, each under an
//! Idempotency-Key of its own. Before a request is sent, the state beside the report says which
//! rows it is about; after its rows are in the report, the state says where to go on. So the
//! program can end at any moment, and the same command then goes on to the same report.
//!
//! Of two rows with one key (`id`, `id_at_customer`, `username`) the first wins, as within one
//! request; the state knows the keys of all rows before, so that memory stays flat.

mod meter;
mod report;
mod source;
mod state;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::domain::Json;
use shared::domain::import::{Format, Mapping, Mode};
use shared::domain::json::Object;
use shared::world::World;

use self::meter::{Meter, duration};
use self::report::{Fault, Outcome, Report};
use self::source::{Record, Source};
use self::state::{Counts, Progress, Rows, Sent, State, Task, hash};
use crate::cli::{one_of, said};
use crate::output::{note, print};
use crate::remote::{Access, Ask, Remote};
use crate::serve::stop_signal;
use crate::table::Failure;

/// The route of imports.
const PATH: &str = "/identity/imports";
/// The most rows of a request.
const MOST_ROWS: usize = 1000;
/// The fewest rows that a request shrinks to.
const FEWEST_ROWS: usize = 50;
/// The rows of the first request.
const FIRST_ROWS: usize = 200;
/// At how many bytes a request ends.
const REQUEST_BYTES: usize = 1024 * 1024;
/// Requests that take less grow, in milliseconds.
const QUICK: i64 = 1500;
/// Requests that take more shrink: the service works that long on them before it answers, and goes
/// on at its own time.
const SLOW: i64 = 4500;
/// How long the service knows a request by its key, in milliseconds, less an hour.
const KNOWN: i64 = 23 * 3_600_000;
/// The exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// What to import, and how.
#[derive(Debug, Args)]
pub struct Options {
    /// The file: CSV with a header, or one JSON object a line.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    access: Access,
    /// Where the report goes, as CSV or, by its name, NDJSON; `FILE.report.csv` by default. The
    /// state is kept beside it.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Only say what would become of each row.
    #[arg(long)]
    dry_run: bool,
    /// What becomes of rows whose user is there: `create` makes them errors, `upsert` changes the
    /// user.
    #[arg(long, default_value_t = Mode::Create, value_parser = one_of::<Mode>(Mode::ALL.map(Mode::name)))]
    mode: Mode,
    /// The field of a column, or of a member of NDJSON, of another name; without a field it is
    /// left out.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = mapped)]
    map: Vec<(String, Option<String>)>,
    /// How the file is written; by default as its name says: `.ndjson` and `.jsonl`, else CSV.
    #[arg(long, value_parser = one_of::<Format>(Format::ALL.map(Format::name)))]
    format: Option<Format>,
    /// Begin anew, whatever was begun before.
    #[arg(long)]
    restart: bool,
}

fn mapped(text: &str) -> Result<(String, Option<String>), Failure> {
    let (column, field) = text.split_once('=').ok_or("COLUMN=FIELD is due")?;
    let mapped = (column.to_owned(), (!field.is_empty()).then(|| field.to_owned()));
    mapping([mapped.clone()]).map_err(|_| format!("there is no field `{field}`"))?;
    Ok(mapped)
}

fn mapping(
    columns: impl IntoIterator<Item = (String, Option<String>)>,
) -> Result<Mapping, Failure> {
    let members = columns.into_iter().map(|(column, field)| (column, Json::from(field)));
    Mapping::read(&Json::Object(members.collect::<Object>())).map_err(said)
}

/// The path with something after its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Imports until all is done or Ctrl-C comes. The exit code is 1 when a row is in error.
pub async fn run(options: Options, data: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let report = options.report.clone().unwrap_or_else(|| beside(&options.file, ".report.csv"));
    let mut import = Import::open(options, &report, data).await?;
    let done = tokio::select! {
        done = import.work() => done,
        () = stop_signal() => {
            import.meter.end();
            let rows = import.progress.counts.rows;
            note(format_args!("kith: stopped after row {rows}; the same command goes on"));
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    import.meter.end();
    done.map_err(|why| match import.progress.counts.rows {
        0 => why,
        rows if why.contains("--restart") => format!("{why}\nstopped after row {rows}"),
        rows => format!("{why}\nstopped after row {rows}; the same command goes on"),
    })?;
    import.tell(&report, as_json)?;
    Ok(if import.progress.counts.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// An import under way.
struct Import {
    remote: Remote,
    world: World,
    source: Source,
    report: Report,
    state: State,
    progress: Progress,
    meter: Meter,
    content_type: &'static str,
    /// How many rows the next request has.
    rows: usize,
}

impl Import {
    async fn open(options: Options, report: &Path, data: &Path) -> Result<Self, Failure> {
        let world = World::default();
        let format = options.format.unwrap_or_else(|| {
            let extension = options
                .file
                .extension()
                .and_then(|extension| extension.to_str())
                .unwrap_or_default();
            if matches!(extension, "ndjson" | "jsonl") { Format::Ndjson } else { Format::Csv }
        });
        let mapped = !options.map.is_empty();
        let mapping = mapping(options.map)?;
        let mut remote = options.access.open(data, world.clone())?;
        let task = Task {
            url: remote.url.clone(),
            client_id: remote.client_id.clone(),
            mode: options.mode.to_string(),
            dry_run: options.dry_run,
            format: format.to_string(),
            mapping: if mapped { mapping.show().to_text() } else { String::new() },
        };
        let mut source = Source::open(&options.file, format, mapping)?;
        let state_file = beside(report, ".state");
        for (what, path) in [("report", report), ("state", &state_file)] {
            if source.is_at(path)? {
                return Err(format!(
                    "the {what} `{}` would take the place of the file",
                    path.display()
                ));
            }
        }
        remote.sign_in().await?;
        if !options.restart && !state_file.exists() && report.exists() {
            let report = report.display();
            return Err(format!(
                "there is a report `{report}` of something else: say --restart to replace it"
            ));
        }
        let mut state = State::open(&state_file, options.restart)?;
        let begun =
            if options.restart { None } else { state.progress()?.filter(Progress::is_begun) };
        let progress = match begun {
            Some(progress) if progress.mark == source.mark && progress.task == task => {
                if !progress.complete && source.digest(progress.at)? != progress.digest {
                    return Err(changed(&options.file));
                }
                progress
            }
            Some(progress) if !progress.complete && progress.mark != source.mark => {
                return Err(changed(&options.file));
            }
            Some(progress) if !progress.complete => return Err(otherwise(&progress.task, &task)),
            _ => {
                let progress = Progress {
                    mark: source.mark.clone(),
                    task,
                    import: world.random_uuid().to_string(),
                    requests: 0,
                    at: source.first,
                    digest: source.digest(source.first)?,
                    report: 0,
                    counts: Counts::default(),
                    sent: None,
                    complete: false,
                };
                state.clear()?;
                state.keep(&progress, &Rows::new())?;
                progress
            }
        };
        let report = Report::open(report, progress.report)?;
        let meter =
            Meter::new(world.clock.clone(), source.mark.bytes, progress.counts.rows, progress.at);
        let content_type = if format == Format::Csv { "text/csv" } else { "application/x-ndjson" };
        Ok(Self {
            remote,
            world,
            source,
            report,
            state,
            progress,
            meter,
            content_type,
            rows: FIRST_ROWS,
        })
    }

    async fn work(&mut self) -> Result<(), Failure> {
        while !self.progress.complete {
            self.step().await?;
        }
        Ok(())
    }

    /// Brings the next rows over, or those of a request that may have been sent before.
    async fn step(&mut self) -> Result<(), Failure> {
        if !self.source.is_unchanged()? {
            return Err("the file has changed meanwhile".to_owned());
        }
        let (rows, bytes) = self
            .progress
            .sent
            .as_ref()
            .map_or((self.rows, REQUEST_BYTES), |sent| (sent.rows, usize::MAX));
        let (records, end) = self.source.read(self.progress.at, rows, bytes).map_err(|why| {
            format!(
                "row {} and those after it cannot be read: {why}",
                self.progress.counts.rows + 1
            )
        })?;
        if records.is_empty() {
            if self.progress.counts.rows == 0 {
                return Err("the file has no rows".to_owned());
            }
            self.progress.complete = true;
            return self.state.keep(&self.progress, &Rows::new());
        }
        let sorted = self.sort(&records)?;
        let mut outcomes = sorted.repeated;
        if !sorted.numbers.is_empty() {
            let began = self.world.clock.now().millis();
            let job = self.send(records.len(), sorted.body).await?;
            self.wait(&job, end).await?;
            let took = self.world.clock.now().millis() - began;
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

    /// Parts rows into those that are sent and those whose user an earlier row has.
    fn sort(&self, records: &[Record]) -> Result<Sorted, Failure> {
        let mut sorted = Sorted { body: self.source.head.clone(), ..Sorted::default() };
        for (record, row) in records.iter().zip(self.progress.counts.rows + 1..) {
            let hashes: Vec<_> =
                record.keys.iter().map(|key| hash(&self.progress.import, key)).collect();
            let mut faults = Vec::new();
            for (key, hash) in record.keys.iter().zip(&hashes) {
                let earlier = match sorted.keys.get(hash) {
                    Some(earlier) => Some(*earlier),
                    None => self.state.row_of(hash)?,
                };
                faults.extend(earlier.map(|earlier| Fault::repeated(key.0, earlier)));
            }
            if faults.is_empty() {
                sorted.keys.extend(hashes.into_iter().map(|hash| (hash, row)));
                sorted.body.extend_from_slice(&record.bytes);
                sorted.numbers.push(row);
            } else {
                sorted.repeated.push(Outcome {
                    row,
                    status: "error".to_owned(),
                    id: None,
                    errors: faults,
                });
            }
        }
        Ok(sorted)
    }

    /// Starts the service's job on rows, or finds the one that was started.
    async fn send(&mut self, rows: usize, body: Vec<u8>) -> Result<String, Failure> {
        if let Some(job) = self.progress.sent.as_ref().and_then(|sent| sent.job.clone()) {
            return Ok(job);
        }
        let now = self.world.clock.now().millis();
        let at = self.progress.sent.as_ref().map_or(now, |sent| sent.at);
        if now - at > KNOWN {
            return Err(unknown(
                "the last request was sent a day ago, and nobody knows what became of it",
            ));
        }
        self.progress.sent = Some(Sent { rows, at, job: None });
        self.state.keep(&self.progress, &Rows::new())?;
        let task = &self.progress.task;
        let key = format!("{}-{}", self.progress.import, self.progress.requests);
        let mut ask = Ask::post(PATH, &key, self.content_type, body).query("mode", &task.mode);
        ask = ask.query("dry_run", task.dry_run.to_string());
        if !task.mapping.is_empty() {
            ask = ask.query("mapping", &task.mapping);
        }
        let reply = self.remote.send(&ask).await?;
        if reply.status.is_client_error() {
            self.progress.sent = None;
            self.state.keep(&self.progress, &Rows::new())?;
        }
        let job = text(&reply.good(PATH)?.value()?, "id")?;
        self.progress.sent = Some(Sent { rows, at, job: Some(job.clone()) });
        self.state.keep(&self.progress, &Rows::new())?;
        Ok(job)
    }

    /// Waits until the service has worked on all rows of a job.
    async fn wait(&mut self, job: &str, end: u64) -> Result<(), Failure> {
        let path = format!("{PATH}/{job}");
        let (mut tag, mut pause) = (String::new(), Duration::from_millis(100));
        loop {
            let mut ask = Ask::get(&path);
            if !tag.is_empty() {
                ask = ask.header("if-none-match", &tag);
            }
            let reply = self.remote.send(&ask).await?;
            if reply.status == StatusCode::NOT_FOUND {
                return Err(unknown(&format!("{path} is not there any more")));
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
                let (done, rows) = (number(&job, "done"), number(&job, "rows"));
                let part = (end - self.progress.at) * done / rows.max(1);
                self.show(done, self.progress.at + part);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(2));
        }
    }

    /// The report of a job, with the rows' numbers in the file.
    async fn fetch(&mut self, job: &str, numbers: &[u64]) -> Result<Vec<Outcome>, Failure> {
        let path = format!("{PATH}/{job}/report");
        let (mut outcomes, mut cursor) = (Vec::with_capacity(numbers.len()), None);
        loop {
            let mut ask = Ask::get(&path).query("limit", "100");
            if let Some(cursor) = cursor {
                ask = ask.query("cursor", cursor);
            }
            let mut page = self.remote.send(&ask).await?.good(&path)?.value()?;
            let items = page.get_mut("items").map(Value::take).unwrap_or_default();
            let items: Vec<Outcome> = serde_json::from_value(items)
                .map_err(|error| format!("{path} cannot be read: {error}"))?;
            for mut outcome in items {
                let in_file =
                    |row: u64| numbers.get(usize::try_from(row).ok()?.checked_sub(1)?).copied();
                outcome.row =
                    in_file(outcome.row).ok_or_else(|| format!("{path} is about other rows"))?;
                outcome.errors.iter_mut().for_each(|fault| fault.tell_of(in_file));
                outcomes.push(outcome);
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None if outcomes.len() == numbers.len() => return Ok(outcomes),
                None => {
                    return Err(format!(
                        "{path} has {} rows, {} were sent",
                        outcomes.len(),
                        numbers.len()
                    ));
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

    fn tell(&self, report: &Path, as_json: bool) -> Result<(), Failure> {
        let Progress { counts, task, .. } = &self.progress;
        let summary = json!({
            "mode": task.mode, "dry_run": task.dry_run, "rows": counts.rows,
            "created": counts.created,
            "updated": counts.updated, "unchanged": counts.unchanged, "errors": counts.errors,
            "codes": counts.codes,
            "report": report.display().to_string(),
        });
        print(as_json, &summary, || {
            let took = duration(u64::try_from(self.meter.elapsed()).unwrap_or_default());
            let trial = if task.dry_run { " (nothing was written)" } else { "" };
            let codes: Vec<_> =
                counts.codes.iter().map(|(code, rows)| format!("  {code}: {rows}\n")).collect();
            format!(
                "{} rows: {} created, {} updated, {} unchanged, {} in error{trial}\n{}{took}, {} \
                 rows/s\nreport: {}",
                counts.rows,
                counts.created,
                counts.updated,
                counts.unchanged,
                counts.errors,
                codes.concat(),
                self.meter.rate(counts.rows),
                report.display(),
            )
        })
    }
}

/// Rows on their way.
#[derive(Default)]
struct Sorted {
    /// What is sent.
    body: Vec<u8>,
    /// The numbers of the rows that are sent.
    numbers: Vec<u64>,
    /// Rows that are not.
    repeated: Vec<Outcome>,
    /// Keys that were not seen before.
    keys: Rows,
}

fn text(document: &Value, name: &str) -> Result<String, Failure> {
    let text = document.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| format!("an answer has no `{name}`"))
}

fn number(document: &Value, name: &str) -> u64 {
    document.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn unknown(why: &str) -> Failure {
    format!(
        "{why}: begin anew with --restart; --mode upsert takes what was brought over for unchanged"
    )
}

fn changed(file: &Path) -> Failure {
    let file = file.display();
    format!(
        "`{file}` has changed since its import was begun: begin anew with --restart, or bring the \
         old file back"
    )
}

fn otherwise(begun: &Task, now: &Task) -> Failure {
    let show = |task: &Task| {
        let Task { url, client_id, mode, dry_run, format, mapping } = task;
        let trial = if *dry_run { " as a dry run" } else { "" };
        format!("{format} to {url} by {client_id}, mode {mode}, mapping {mapping}{trial}")
    };
    format!(
        "the import was begun otherwise: begin anew with --restart, or go on as before\n  before: \
         {}\n  now:    {}",
        show(begun),
        show(now)
    )
}
