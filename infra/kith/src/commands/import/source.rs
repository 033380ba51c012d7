//! The file of an import: read from any place on, a few rows at a time.

mod array;
mod rows;
#[cfg(test)]
mod tests;

use std::fs::{File, Metadata};
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use shared::domain::error::Error;
use shared::domain::import::{
    AFTER_QUOTE, Columns, Dialect, Format, MAX_BYTES, Mapping, PersonKey, Place, RecordScanner,
    ScannedRecord, encoding_fault, line, not_utf8,
};
use shared::domain::json::without_mark;
use shared::domain::text::hex;

use self::rows::{RowScanner, Rows, ScannedRow, csv_line, named, of_csv};

use crate::failure::{Failure, in_words};

/// The bytes of a file that are read to find its delimiter.
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

/// A file of people.
pub(super) struct SourceFile {
    file: File,
    mapping: Mapping,
    rows: Rows,
    /// Where the header of CSV or the first row begins.
    start: u64,
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
        let text = without_mark(&start);
        let bom = u64::try_from(start.len() - text.len()).unwrap_or_default();
        let is_array = format == Format::Ndjson && text.trim_ascii_start().starts_with(b"[");
        let mut source = Self {
            file,
            mapping,
            rows: if is_array { Rows::Array } else { Rows::Lines },
            start: bom,
            head: Vec::new(),
            first: bom,
            mark,
            digest: Context::new(&SHA256),
            digested: 0,
        };
        if format == Format::Csv {
            source
                .read_header(text)
                .map_err(|why| format!("the header of `{}`: {why}", path.display()))?;
        }
        Ok(source)
    }

    /// Refuses a file whose start has another encoding than UTF-8: else each of its rows would be
    /// in error.
    pub(super) fn check_encoding(&self) -> Result<(), Failure> {
        let failed = |error: io::Error| error.to_string();
        (&self.file).seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut start = Vec::new();
        (&self.file).take(HEAD).read_to_end(&mut start).map_err(failed)?;
        match encoding_fault(&start) {
            Some((line, detail)) => Err(format!("line {line}: {detail}").into()),
            None => Ok(()),
        }
    }

    /// Reads the whole file once. Refuses a file that cannot be split into rows: a quoted cell or
    /// an array that never ends. The program cannot know which people are in such a cell, or after
    /// it.
    pub(super) fn check_rows(&self) -> Result<(), Failure> {
        let Some(mut scanner) = self.rows.scanner(true) else { return Ok(()) };
        let failed = |error: io::Error| error.to_string();
        (&self.file).seek(SeekFrom::Start(self.start)).map_err(failed)?;
        let mut reader = BufReader::with_capacity(64 * 1024, &self.file);
        loop {
            let block = reader.fill_buf().map_err(failed)?;
            if block.is_empty() {
                break;
            }
            for byte in block {
                scanner.take(*byte)?;
            }
            let length = block.len();
            reader.consume(length);
        }
        scanner.finish()
    }

    fn read_header(&mut self, start: &[u8]) -> Result<(), Failure> {
        let Dialect { delimiter, start: before } = Dialect::of(start);
        self.start += u64::try_from(before).unwrap_or_default();
        let mut scanner = RecordScanner::new(delimiter, 1);
        let text = start.get(before..).unwrap_or_default();
        text.iter().any(|byte| scanner.take(*byte) == Place::End);
        if scanner.record().is_broken {
            return Err(AFTER_QUOTE.into());
        }
        (&self.file).seek(SeekFrom::Start(self.start)).map_err(|error| error.to_string())?;
        let limited = RowLimit { inner: &self.file, left: MAX_BYTES };
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .delimiter(delimiter)
            .from_reader(limited);
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
        self.first = self.start + end;
        self.rows = Rows::Csv { delimiter, columns, line: if before > 0 { 2 } else { 1 } };
        Ok(())
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

    /// Whether the file is unchanged since it was opened.
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
        let Some(scanner) = self.rows.scanner(at == self.first) else {
            return self.read_lines(at, rows, bytes);
        };
        let (records, end) = self.scan(scanner, at, rows, bytes)?;
        let records = match &self.rows {
            Rows::Csv { delimiter, columns, .. } => of_csv(&records, *delimiter, columns)?,
            Rows::Lines | Rows::Array => {
                records.into_iter().map(|(text, _)| self.of_object(text)).collect()
            }
        };
        Ok((records, end))
    }

    /// The text of rows from a place on, without blank rows.
    fn scan(
        &self,
        mut scanner: RowScanner,
        at: u64,
        rows: usize,
        bytes: usize,
    ) -> Result<(Vec<ScannedRow>, u64), Failure> {
        let failed = |error: io::Error| error.to_string();
        (&self.file).seek(SeekFrom::Start(at)).map_err(failed)?;
        let mut reader = BufReader::with_capacity(64 * 1024, &self.file);
        let (mut found, mut text, mut size, mut read) = (Vec::new(), Vec::new(), 0, 0_usize);
        let mut take = |text: Vec<u8>, record: ScannedRecord| {
            if !record.is_blank {
                size += text.len();
                found.push((text, record));
            }
            found.len() < rows && size < bytes
        };
        'file: loop {
            let block = reader.fill_buf().map_err(failed)?;
            if block.is_empty() {
                if scanner.is_in_record() {
                    take(text, scanner.record());
                }
                break;
            }
            for (i, byte) in block.iter().enumerate() {
                match scanner.take(*byte)? {
                    Place::Between => {}
                    Place::Record if text.len() == MAX_BYTES => return Err(endless().into()),
                    Place::Record => text.push(*byte),
                    Place::End => {
                        if !take(std::mem::take(&mut text), scanner.record()) {
                            read += i + 1;
                            break 'file;
                        }
                    }
                }
            }
            let length = block.len();
            read += length;
            reader.consume(length);
        }
        Ok((found, at + u64::try_from(read).unwrap_or_default()))
    }

    /// A row of an array, as a line of NDJSON.
    fn of_object(&self, mut text: Vec<u8>) -> SourceRow {
        for byte in text.iter_mut().filter(|byte| matches!(**byte, b'\r' | b'\n')) {
            *byte = b' ';
        }
        text.push(b'\n');
        self.of_line(text)
    }

    fn of_line(&self, bytes: Vec<u8>) -> SourceRow {
        let document = line(&bytes, 1, &self.mapping).0.ok();
        SourceRow { bytes, keys: document.map(named).unwrap_or_default() }
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
            size += text.len();
            found.push(self.of_line(text));
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
        Ok(hex(self.digest.clone().finish().as_ref()))
    }
}

fn endless() -> String {
    format!("a row has more than {MAX_BYTES} bytes; is a closing quote missing?")
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
            return Err(io::Error::other(endless()));
        }
        let most = buffer.len().min(self.left);
        let read = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left -= read;
        Ok(read)
    }
}
