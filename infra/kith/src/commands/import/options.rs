//! The command line of `kith import`.

use std::path::{Path, PathBuf};

use clap::Args;
use shared::domain::Json;
use shared::domain::error::Result as Read;
use shared::domain::import::{Format, Mapping, Mode};
use shared::domain::json::Object;

use crate::arguments::one_of;
use crate::remote::Access;

/// What to import, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file: CSV with a header, or one JSON object a line.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) access: Access,
    /// Where the report goes, as CSV or, by its name, NDJSON; `FILE.report.csv` by default. The
    /// state is kept beside it.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Only say what would become of each row.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// What becomes of rows whose user is there: `create` makes them errors, `upsert` changes the
    /// user.
    #[arg(long, default_value_t = Mode::Create, value_parser = one_of::<Mode>(Mode::ALL.map(Mode::name)))]
    pub(super) mode: Mode,
    /// The field of a column, or of a member of NDJSON, of another name; without a field it is
    /// left out.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = mapped)]
    pub(super) map: Vec<(String, Option<String>)>,
    /// How the file is written; by default as its name says: `.ndjson` and `.jsonl`, else CSV.
    #[arg(long, value_parser = one_of::<Format>(Format::ALL.map(Format::name)))]
    pub(super) format: Option<Format>,
    /// Begin anew, whatever was begun before.
    #[arg(long)]
    pub(super) restart: bool,
}

fn mapped(text: &str) -> Result<(String, Option<String>), String> {
    let (column, field) = text.split_once('=').ok_or("COLUMN=FIELD is due")?;
    let mapped = (column.to_owned(), (!field.is_empty()).then(|| field.to_owned()));
    mapping([mapped.clone()]).map_err(|_| format!("there is no field `{field}`"))?;
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
