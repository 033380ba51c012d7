//! The file of an import: read from any place on, a few rows at a time.

use std::fs::{File, Metadata};
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use shared::domain::Json;
use shared::domain::error::Error;
use shared::domain::import::{
    Columns, Format, MAX_BYTES, MAX_ROW, Mapping, PersonKey, delimiter, keys, line, not_utf8,
};
use shared::domain::json::Object;

use crate::failure::{Failure, in_words};

/// How much of a file is looked at to find its delimiter.
const HEAD: u64 = 64 * 1024;

/// The identity of a file: tells it from another one without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileIdentity {
    pub(super) bytes: u64,
    modified: u128,
}

impl FileIdentity {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let modified =
            metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(Self { bytes: metadata.len(), modified: modified.as_nanos() })
    }
}

/// One row as it is sent.
pub(super) struct SourceRow {
    /// A line of CSV or of NDJSON.
    pub(super) bytes: Vec<u8>,
    /// By what it names its user; nothing when it cannot be read.
    pub(super) keys: Vec<PersonKey>,
}

/// How CSV is read.
struct Csv {
    delimiter: u8,
    columns: Columns,
}

/// A file of people.
pub(super) struct SourceFile {
    file: File,
    mapping: Mapping,
    csv: Option<Csv>,
    /// What each request starts with: the header, or nothing.
    pub(super) head: Vec<u8>,
    /// Where the first row begins.
    pub(super) first: u64,
    pub(super) mark: FileIdentity,
    digest: Context,
    digested: u64,
}

impl SourceFile {
    /// Opens a file and reads its header.
    pub(super) fn open(path: &Path, format: Format, mapping: Mapping) -> Result<Self, Failure> {
        let failed = |error: io::Error| format!("cannot read `{}`: {error}", path.display());
        let mut file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(format!("`{}` is not a file", path.display()).into());
        }
        let mark = FileIdentity::of(&file).map_err(failed)?;
        let mut start = Vec::new();
        file.by_ref().take(HEAD).read_to_end(&mut start).map_err(failed)?;
        let bom: u64 = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let digest = Context::new(&SHA256);
        let mut source = Self {
            file,
            mapping,
            csv: None,
            head: Vec::new(),
            first: bom,
            mark,
            digest,
            digested: 0,
        };
        if format == Format::Csv {
            let text = start.get(usize::from(bom == 3) * 3..).unwrap_or_default();
            source
                .read_header(text)
                .map_err(|why| format!("the header of `{}`: {why}", path.display()))?;
        }
        Ok(source)
    }

    /// Refuses a file whose start has another encoding than UTF-8, or is a JSON array: else each of
    /// its rows would be in error.
    pub(super) fn check_start(&self, format: Format) -> Result<(), Failure> {
        let failed = |error: io::Error| error.to_string();
        (&self.file).seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut start = Vec::new();
        (&self.file).take(HEAD).read_to_end(&mut start).map_err(failed)?;
        if let Err(error) = std::str::from_utf8(&start)
            && error.error_len().is_some()
        {
            let before = start.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            return Err(format!("line {line}: {}", not_utf8(&start)).into());
        }
        if format == Format::Ndjson && start.trim_ascii_start().starts_with(b"[") {
            let detail = "expected one JSON object a line, found an array; convert the file, e.g. by \
                          `jq -c '.[]'`";
            return Err(detail.into());
        }
        Ok(())
    }

    fn read_header(&mut self, start: &[u8]) -> Result<(), Failure> {
        let delimiter = delimiter(start);
        let mut reader = self.csv_at(self.first, delimiter)?;
        let mut header = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut header).map_err(|error| error.to_string())? {
            return Err("the file is empty".into());
        }
        let text =
            csv::StringRecord::from_byte_record(header.clone()).map_err(|_| not_utf8(start))?;
        let end = reader.position().byte();
        let columns = Columns::read(&text, &self.mapping).map_err(|error| match error {
            Error::Invalid(violations) => {
                let lines: Vec<_> =
                    violations.iter().map(|violation| format!("\n  {violation}")).collect();
                lines.concat()
            }
            other => in_words(&other),
        })?;
        // In quotes, so that the comma is what it has most of.
        self.head = csv_line(&header, csv::QuoteStyle::Always)?;
        self.first += end;
        self.csv = Some(Csv { delimiter, columns });
        Ok(())
    }

    fn csv_at(&self, at: u64, delimiter: u8) -> Result<csv::Reader<RowLimit<&File>>, Failure> {
        (&self.file).seek(SeekFrom::Start(at)).map_err(|error| error.to_string())?;
        let fence = RowLimit { inner: &self.file, left: MAX_BYTES };
        Ok(csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .delimiter(delimiter)
            .from_reader(fence))
    }

    /// Whether a path leads to this file, under any name or link.
    pub(super) fn is_at(&self, path: &Path) -> Result<bool, Failure> {
        let place = |metadata: Metadata| (metadata.dev(), metadata.ino());
        match std::fs::metadata(path) {
            Ok(other) => {
                Ok(place(other) == place(self.file.metadata().map_err(|error| error.to_string())?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(format!("cannot write `{}`: {error}", path.display()).into()),
        }
    }

    /// Whether the file is still as it was when it was opened.
    pub(super) fn is_unchanged(&self) -> Result<bool, Failure> {
        Ok(FileIdentity::of(&self.file).map_err(|error| error.to_string())? == self.mark)
    }

    /// Reads rows from a place on, at most so many and no more than so many bytes, but one at least
    /// if there is one; and where they end.
    pub(super) fn read(
        &self,
        at: u64,
        rows: usize,
        bytes: usize,
    ) -> Result<(Vec<SourceRow>, u64), Failure> {
        match &self.csv {
            Some(csv) => self.read_csv(csv, at, rows, bytes),
            None => self.read_lines(at, rows, bytes),
        }
    }

    fn read_csv(
        &self,
        csv: &Csv,
        at: u64,
        rows: usize,
        bytes: usize,
    ) -> Result<(Vec<SourceRow>, u64), Failure> {
        let mut reader = self.csv_at(at, csv.delimiter)?;
        let (mut found, mut end, mut size) = (Vec::new(), 0, 0);
        let mut cells = csv::ByteRecord::new();
        while found.len() < rows && size < bytes {
            reader.get_mut().left = MAX_BYTES;
            if !reader.read_byte_record(&mut cells).map_err(|error| error.to_string())? {
                end = reader.position().byte();
                break;
            }
            end = reader.position().byte();
            let bytes = csv_line(&cells, csv::QuoteStyle::Necessary)?;
            let text = csv::StringRecord::from_byte_record(cells.clone()).ok();
            let document = text.and_then(|text| csv.columns.document(&text).ok());
            size += bytes.len();
            found.push(SourceRow { bytes, keys: document.map(named).unwrap_or_default() });
        }
        Ok((found, at + end))
    }

    fn read_lines(
        &self,
        at: u64,
        rows: usize,
        bytes: usize,
    ) -> Result<(Vec<SourceRow>, u64), Failure> {
        let failed = |error: io::Error| error.to_string();
        (&self.file).seek(SeekFrom::Start(at)).map_err(failed)?;
        let mut reader = BufReader::new(RowLimit { inner: &self.file, left: MAX_BYTES });
        let (mut found, mut end, mut size) = (Vec::new(), at, 0);
        while found.len() < rows && size < bytes {
            reader.get_mut().left = MAX_BYTES;
            let mut text = Vec::new();
            let read = reader.read_until(b'\n', &mut text).map_err(failed)?;
            if read == 0 {
                break;
            }
            end += u64::try_from(read).unwrap_or_default();
            if text.trim_ascii().is_empty() {
                continue;
            }
            if !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            let document = line(&text, 1, &self.mapping).0.ok();
            size += text.len();
            found.push(SourceRow { bytes: text, keys: document.map(named).unwrap_or_default() });
        }
        Ok((found, end))
    }

    /// The SHA-256 of the file up to a place, in hexadecimal digits. Places must not go down.
    pub(super) fn digest(&mut self, to: u64) -> Result<String, Failure> {
        let failed = |error: io::Error| error.to_string();
        (&self.file).seek(SeekFrom::Start(self.digested)).map_err(failed)?;
        let mut rest = (&self.file).take(to.saturating_sub(self.digested));
        let mut block = vec![0; 64 * 1024];
        loop {
            let read = rest.read(&mut block).map_err(failed)?;
            let Some(block) = block.get(..read).filter(|block| !block.is_empty()) else { break };
            self.digest.update(block);
        }
        self.digested = self.digested.max(to);
        let digits: Vec<_> = self
            .digest
            .clone()
            .finish()
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(digits.concat())
    }
}

/// By what a row names its user. One that the service refuses for its size names nobody.
fn named(document: Object) -> Vec<PersonKey> {
    let keys = keys(&document);
    if Json::Object(document).to_text().len() > MAX_ROW { Vec::new() } else { keys }
}

fn csv_line(record: &csv::ByteRecord, quotes: csv::QuoteStyle) -> Result<Vec<u8>, Failure> {
    let mut writer =
        csv::WriterBuilder::new().flexible(true).quote_style(quotes).from_writer(Vec::new());
    writer.write_byte_record(record).map_err(|error| error.to_string())?;
    Ok(writer.into_inner().map_err(|error| error.to_string())?)
}

/// A reader that limits the length of a row, so that a row without an end does not fill the memory.
struct RowLimit<R> {
    inner: R,
    /// How much may be read until the next row.
    left: usize,
}

impl<R: Read> Read for RowLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let why = format!("a row has more than {MAX_BYTES} bytes; is a closing quote missing?");
            return Err(io::Error::other(why));
        }
        let most = buffer.len().min(self.left);
        let read = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left -= read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Format, MAX_BYTES, Mapping, SourceFile};

    fn file(name: &str, content: &[u8]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("kith-test-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        path
    }

    fn lines(source: &SourceFile, rows: usize) -> Vec<(String, usize)> {
        let (mut at, mut found) = (source.first, Vec::new());
        loop {
            let (records, end) = source.read(at, rows, usize::MAX).unwrap();
            if records.is_empty() {
                return found;
            }
            found.extend(
                records
                    .into_iter()
                    .map(|r| (String::from_utf8_lossy(&r.bytes).into_owned(), r.keys.len())),
            );
            at = end;
        }
    }

    #[test]
    fn rows_are_the_same_from_wherever_they_are_read() {
        let content = b"\xef\xbb\xbfusername;family_name\r\n\
            jan;\"a\r\nb;\"\"c\"\"\"\r\n\r\n\xff;x\r\n\
            piet;Jansen;more\r\n;\n\"\";\"\"\nlast;row";
        let path = file("rows.csv", content);
        let mut source = SourceFile::open(&path, Format::Csv, Mapping::default()).unwrap();
        assert_eq!(source.head, b"\"username\",\"family_name\"\n");
        let due = [
            ("jan,\"a\r\nb;\"\"c\"\"\"\n", 1),
            ("\u{fffd},x\n", 0),
            ("piet,Jansen,more\n", 0),
            (",\n", 0),
            (",\n", 0),
            ("last,row\n", 1),
        ];
        let due = due.map(|(text, keys)| (text.to_owned(), keys));
        for rows in 1..=due.len() + 1 {
            assert_eq!(lines(&source, rows), due);
        }
        let half = source.digest(40).unwrap();
        let whole = source.digest(content.len() as u64).unwrap();
        assert_ne!(half, whole);
        let mut again = SourceFile::open(&path, Format::Csv, Mapping::default()).unwrap();
        assert_eq!(again.digest(content.len() as u64).unwrap(), whole);
        assert!(source.is_unchanged().unwrap());
        std::fs::write(&path, b"username\n").unwrap();
        assert!(!source.is_unchanged().unwrap());
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn lines_are_the_same_from_wherever_they_are_read() {
        let path = file(
            "rows.ndjson",
            b"{\"username\":\"jan\"}\r\n\n  \n{\n{\"username\":\"piet\",\"id_at_customer\":\"1\"}",
        );
        let source = SourceFile::open(&path, Format::Ndjson, Mapping::default()).unwrap();
        let due = [
            ("{\"username\":\"jan\"}\r\n", 1),
            ("{\n", 0),
            ("{\"username\":\"piet\",\"id_at_customer\":\"1\"}\n", 2),
        ];
        let due = due.map(|(text, keys)| (text.to_owned(), keys));
        for rows in 1..=4 {
            assert_eq!(lines(&source, rows), due);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn s1_a_row_without_an_end_is_refused() {
        for (format, start) in [(Format::Csv, "username\n\""), (Format::Ndjson, "{\"username\":\"")]
        {
            let path =
                file("endless", format!("{start}{}", "x".repeat(MAX_BYTES + 100_000)).as_bytes());
            let source = SourceFile::open(&path, format, Mapping::default()).unwrap();
            assert!(
                source
                    .read(source.first, 1, 1)
                    .is_err_and(|why| why.to_string().contains("a row has more than"))
            );
            std::fs::remove_file(path).unwrap();
        }
    }
}
