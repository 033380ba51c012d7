//! `kith export`: writes the people of a tenant as `kith import` reads them.
//!
//! Columns are the fields that can be imported and the attributes that are configured, less those
//! that are hidden from people, hashed or derived. The users come page by page, so that memory
//! stays flat. A user who changes meanwhile is listed twice; the export writes the first version.

mod consents;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rusqlite::Connection;
use serde_json::json;
use shared::domain::Json;
use shared::domain::import::{Columns, Format, Mapping};
use shared::domain::json::Object;
use shared::env::Env;

use crate::access::Access;
use crate::arguments::one_of;
use crate::failure::{Failure, in_words};
use crate::location::TableLocation;
use crate::output::{Console, counted, note_in_place};
use crate::remote::Remote;
use crate::signals::stop_signal;

/// The fields of every user that can be imported.
const FIELDS: [&str; 10] = [
    "id",
    "username",
    "id_at_customer",
    "kind",
    "family_name",
    "given_name",
    "ui_locales",
    "preferred_email",
    "email_verified",
    "personas",
];

/// The column of what people decided about consents.
const CONSENTS: &str = "consents";

/// What to export, and where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// The format: CSV, or NDJSON with one user a line; by default what the name of the file says
    #[arg(long, value_parser = one_of::<Format>(Format::ALL.map(Format::name)))]
    format: Option<Format>,
    /// The file, which appears when it is complete; `-` or without it the standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Add the column `consents`: what holds of each consent, without its history; one more request
    /// for each user
    #[arg(long)]
    consents: bool,
}

/// Exports all users.
pub(crate) async fn run(
    options: Options,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    location.refuse_table("export")?;
    let Options { access, format, output, force, consents } = options;
    let output = output.filter(|output| output.as_os_str() != "-");
    if let Some(output) = output.as_deref().filter(|_| !force) {
        refuse_existing(output)?;
    }
    let by_name = |path: &PathBuf| {
        matches!(path.extension()?.to_str()?, "ndjson" | "jsonl").then_some(Format::Ndjson)
    };
    let format = format.or_else(|| output.as_ref().and_then(by_name)).unwrap_or(Format::Csv);
    let env = Env::default();
    let mut remote = access.open(&location.data, env.clone())?;
    let mut names = columns(&mut remote).await?;
    names.extend(consents.then(|| CONSENTS.to_owned()));
    let mut export = Export { remote, names, format, console };
    let Some(output) = output else {
        export.write_to(io::stdout().lock()).await?;
        return Ok(ExitCode::SUCCESS);
    };
    let target = ExportTarget::open(&output, &env)
        .map_err(|error| format!("cannot write `{}`: {error}", output.display()))?;
    let people = if target.part.is_some() {
        tokio::select! {
            people = export.people(&target.file) => people?,
            () = stop_signal() => {
                return Err(Failure::Interrupted("stopped; no file was written".to_owned()));
            }
        }
    } else {
        match export.write_to(&target.file).await? {
            Some(people) => people,
            None => return Ok(ExitCode::SUCCESS),
        }
    };
    if !force && target.part.is_some() {
        refuse_existing(&output)?;
    }
    target.finish().map_err(|error| format!("cannot write `{}`: {error}", output.display()))?;
    console.print(&json!({ "people": people, "file": output.display().to_string() }), || {
        format!("exported {} to {}", counted(people, "user"), output.display())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses to overwrite a file: it may be waiting for its import.
fn refuse_existing(output: &Path) -> Result<(), Failure> {
    if fs::metadata(output).is_ok_and(|there| there.is_file()) {
        let output = output.display();
        return Err(format!(
            "`{output}` exists; use --force to replace it, or choose another --output"
        )
        .into());
    }
    Ok(())
}

/// An output whose reader may close it (`kith export | head -1`). The command does not fail then.
struct Pipe<W> {
    output: W,
    closed: bool,
}

impl<W: Write> Pipe<W> {
    fn watch<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        self.closed |= done.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        done
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.output.write(bytes);
        self.watch(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.output.flush();
        self.watch(done)
    }
}

/// The target of an export: a new file that replaces the old one at the end, or anything else, a
/// device or a pipe, as it is.
struct ExportTarget {
    file: File,
    part: Option<TemporaryFile>,
}

/// A file that is deleted when it is dropped: an incomplete export is no export.
struct TemporaryFile {
    path: PathBuf,
    /// Where it belongs.
    whole: PathBuf,
}

impl ExportTarget {
    /// Opens what is at a path, or a new file beside it. Links are followed.
    fn open(path: &Path, env: &Env) -> io::Result<Self> {
        let whole = match fs::metadata(path) {
            Ok(there) if there.is_file() => fs::canonicalize(path)?,
            Ok(_) => {
                return Ok(Self { file: OpenOptions::new().write(true).open(path)?, part: None });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                path.to_owned()
            }
            Err(error) => return Err(error),
        };
        let mut name = whole.as_os_str().to_owned();
        name.push(format!(".{}.part", env.random_uuid()));
        let path = PathBuf::from(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { file, part: Some(TemporaryFile { path, whole }) })
    }

    fn finish(self) -> io::Result<()> {
        let Some(part) = &self.part else { return Ok(()) };
        self.file.sync_all()?;
        fs::rename(&part.path, &part.whole)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // After the renaming there is none.
        let _ = fs::remove_file(&self.path);
    }
}

/// The columns by their names.
async fn columns(remote: &mut Remote) -> Result<Vec<String>, Failure> {
    const PATH: &str = "/identity/config/attribute-definitions";
    let mut attributes = Vec::new();
    let mut hidden = Vec::new();
    let take = |definition: &Object| {
        let text = |name: &str| definition.get(name).and_then(Json::as_str).unwrap_or_default();
        let is = |name: &str| definition.get(name) == Some(&Json::Bool(true));
        let left_out = is("hidden")
            || matches!(text("data_format"), "HASH" | "SEARCHABLE_HASH")
            || definition.get("derived").is_some_and(|derived| *derived != Json::Null);
        let name = text("name").to_owned();
        if FIELDS.contains(&text("name")) && is("system") {
            hidden.extend(left_out.then_some(name));
        } else if !left_out {
            attributes.push(format!("attributes.{}.{name}", text("category")));
        }
        Ok(())
    };
    remote.each(PATH, take).await?;
    attributes.sort_unstable();
    let fields = FIELDS.into_iter().map(str::to_owned).filter(|field| !hidden.contains(field));
    Ok(fields.chain(attributes).collect())
}

/// A running export.
struct Export {
    remote: Remote,
    names: Vec<String>,
    format: Format,
    console: Console,
}

impl Export {
    /// Writes all users to a reader and returns their number; `None` if the reader closed the pipe
    /// before the end. Ctrl-C ends the program at once, even while it waits for the reader.
    async fn write_to(&mut self, output: impl Write) -> Result<Option<u64>, Failure> {
        let mut pipe = Pipe { output, closed: false };
        match self.people(&mut pipe).await {
            Err(_) if pipe.closed => Ok(None),
            written => written.map(Some),
        }
    }

    /// Writes all users and returns their number.
    async fn people(&mut self, output: impl Write) -> Result<u64, Failure> {
        let Self { remote, names, format, console } = self;
        let columns = Columns::read(names.iter().map(String::as_str), &Mapping::default())
            .map_err(|error| in_words(&error))?;
        let mut output = BufWriter::new(output);
        if *format == Format::Csv {
            write_cells(&mut output, names).map_err(|error| unwritten(&error))?;
        }
        let seen = ExportedUsers::new()
            .map_err(|error| format!("cannot make a temporary file: {error}"))?;
        let interactive = io::stderr().is_terminal() && !console.quiet;
        let mut count = 0;
        let with_consents = names.iter().any(|name| name == CONSENTS);
        let mut cursor = None;
        loop {
            for mut user in remote.page("/identity/users", &mut cursor).await? {
                let id = user.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
                let first = seen.first(&id);
                if !first.map_err(|error| format!("cannot write the temporary file: {error}"))? {
                    continue;
                }
                if with_consents {
                    user.insert(CONSENTS.to_owned(), consents::of(remote, &id).await?);
                }
                let cells = columns.cells(&user);
                let written = match format {
                    Format::Csv => write_cells(&mut output, &cells),
                    Format::Ndjson => {
                        let document = columns.document(cells.iter().map(String::as_str));
                        let mut document = document.map_err(|_| {
                            format!("cannot write user {id} in the form that `import` reads")
                        })?;
                        drop_nulls(&mut document);
                        writeln!(output, "{}", Json::Object(document).to_text())
                    }
                };
                written.map_err(|error| unwritten(&error))?;
                count += 1;
                if interactive && count % 1000 == 0 {
                    note_in_place(format_args!("{count} users"));
                }
            }
            if cursor.is_none() {
                break;
            }
        }
        output.flush().map_err(|error| unwritten(&error))?;
        if interactive {
            note_in_place("\x1b[K");
        }
        Ok(count)
    }
}

fn unwritten(error: &io::Error) -> Failure {
    format!("cannot write the export: {error}").into()
}

fn write_cells(output: &mut impl Write, cells: &[String]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(cells)?;
    writer.flush()
}

/// Removes members that are `null`: a new user has no value to clear.
fn drop_nulls(members: &mut Object) {
    members.retain(|_, value| {
        if let Json::Object(inner) = value {
            drop_nulls(inner);
            return !inner.is_empty();
        }
        *value != Json::Null
    });
}

/// The users that were written, in a file that goes when it is closed.
struct ExportedUsers(Connection);

impl ExportedUsers {
    fn new() -> rusqlite::Result<Self> {
        // Without a name it is a temporary one.
        let connection = Connection::open("")?;
        connection.execute_batch("CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID; BEGIN")?;
        Ok(Self(connection))
    }

    /// Whether the user was not seen before.
    fn first(&self, id: &str) -> rusqlite::Result<bool> {
        Ok(self.0.prepare_cached("INSERT OR IGNORE INTO seen VALUES (?1)")?.execute([id])? == 1)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use shared::env::Env;

    use super::ExportTarget;

    #[test]
    fn an_export_that_ends_early_leaves_nothing_and_two_do_not_meet() {
        let folder = std::env::temp_dir().join(format!("kith-test-{}-target", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let (path, env) = (folder.join("all.csv"), Env::default());
        let (mut first, second) =
            (ExportTarget::open(&path, &env).unwrap(), ExportTarget::open(&path, &env).unwrap());
        first.file.write_all(b"first").unwrap();
        drop(second);
        first.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
