//! The command line of `kith import`.

use std::path::{Path, PathBuf};

use clap::Args;
use shared::domain::Json;
use shared::domain::error::{Error, Result as Read};
use shared::domain::import::{Format, HashedValues, Mapping, Mode};
use shared::domain::json::Object;

use crate::access::Access;
use crate::arguments::one_of;

/// What to import, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file: CSV with a header, NDJSON with one user a line, or a JSON array of users
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) access: Access,
    /// The report, CSV or NDJSON by its name; `FILE.report.csv` by default. The state of the
    /// import is kept beside it
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Report what would become of each row, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// What to do with rows of existing users: `create` makes them errors, `upsert` changes the
    /// user
    #[arg(long, default_value_t = Mode::Create, value_parser = one_of::<Mode>(Mode::ALL.map(Mode::name)))]
    pub(super) mode: Mode,
    /// The field for a column of another name (repeatable); an empty field leaves the column out
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = mapped)]
    pub(super) map: Vec<(String, Option<String>)>,
    /// The format; by default what the name says: NDJSON for `.ndjson`, `.jsonl` and
    /// `.json`, else CSV. A JSON array counts as NDJSON
    #[arg(long, value_parser = one_of::<Format>(Format::ALL.map(Format::name)))]
    pub(super) format: Option<Format>,
    /// What the file brings as values of HASH attributes: `plain` values, which are hashed, or
    /// hashes of `argon2id`, which are kept
    #[arg(long, value_parser = one_of::<HashedValues>(HashedValues::ALL.map(HashedValues::name)))]
    pub(super) hashes: Option<HashedValues>,
    /// Start over and replace report and state
    #[arg(long)]
    pub(super) restart: bool,
}

fn mapped(text: &str) -> Result<(String, Option<String>), String> {
    let (column, field) =
        text.split_once('=').ok_or("expected COLUMN=FIELD, e.g. `Login=username`")?;
    let mapped = (column.to_owned(), (!field.is_empty()).then(|| field.to_owned()));
    mapping([mapped.clone()]).map_err(|error| match error {
        Error::Invalid(violations) => violations.into_iter().map(|found| found.detail).collect(),
        other => other.to_string(),
    })?;
    Ok(mapped)
}

/// Reads which field each column goes to.
pub(super) fn mapping(
    columns: impl IntoIterator<Item = (String, Option<String>)>,
) -> Read<Mapping> {
    let members = columns.into_iter().map(|(column, field)| (column, Json::from(field)));
    Mapping::read(&Json::Object(members.collect::<Object>()))
}

/// The path with something after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
