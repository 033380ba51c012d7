//! Rows: what a file says of each person, one document each.

use super::cells::place;
use super::columns::{Columns, Mapping};
use super::records::{AFTER_QUOTE, Dialect, scan};
use super::task::too_large;
use super::width::check_width;
use super::{Format, MAX_ROWS};
use crate::domain::definition::Predefined;
use crate::domain::error::{Code, Error, Result, Violation, expected_not};
use crate::domain::field::pointer;
use crate::domain::id::UserId;
use crate::domain::json::{Json, Object, without_mark};
use crate::domain::schema::Schema;
use crate::domain::text;

/// One row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow(pub Result<Object, Vec<Violation>>);

/// A value by which a row names its user: the field and the comparable value.
pub type PersonKey = (&'static str, String);

/// The values by which a row names its user. Two rows that share one are about the same person.
#[must_use]
pub fn keys(document: &Object) -> Vec<PersonKey> {
    let text = |name: &str| document.get(name).and_then(Json::as_str);
    let id = text("id").and_then(|id| id.parse::<UserId>().ok()).map(|id| ("id", id.to_string()));
    let customer = text("id_at_customer")
        .map(|id| (Predefined::IdAtCustomer.name(), text::nfc(id).into_owned()));
    let username =
        text("username").and_then(text::username).map(|name| (Predefined::Username.name(), name));
    id.into_iter().chain(customer).chain(username).collect()
}

/// Reads a whole file, of at most [`MAX_ROWS`] rows, each for itself: a row that does not read is
/// one with violations. With the rows of CSV come its columns.
pub fn read(
    bytes: &[u8],
    format: Format,
    mapping: &Mapping,
) -> Result<(Option<Columns>, Vec<ImportRow>)> {
    let mut rows = Vec::new();
    let columns = read_known(bytes, format, mapping, None, |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok((columns, rows))
}

/// Reads a whole file as [`read`] does, and hands each row to `take` before the next one is read:
/// as trees of values all rows together are many times as large as the file. A column of an
/// attribute that is not in the schema, or a mapping to one, is refused by its name.
pub fn read_known(
    bytes: &[u8],
    format: Format,
    mapping: &Mapping,
    schema: Option<&Schema>,
    mut take: impl FnMut(ImportRow) -> Result<()>,
) -> Result<Option<Columns>> {
    let bytes = without_mark(bytes);
    if is_utf_16(bytes) {
        return Err(Error::invalid("", Code::WrongFormat, UTF_16));
    }
    let mut rows = 0;
    let mut count = |row: ImportRow| {
        rows += 1;
        if rows > MAX_ROWS {
            let detail = format!("expected at most {MAX_ROWS} rows in one import; send several");
            return Err(Error::invalid("", Code::TooMany, detail));
        }
        take(row)
    };
    let columns = match format {
        Format::Csv => Some(csv(bytes, mapping, schema, &mut count)?),
        Format::Ndjson => {
            mapping.check(schema)?;
            let lines = (1..)
                .zip(bytes.split(|byte| *byte == b'\n'))
                .filter(|(_, line)| !line.trim_ascii().is_empty());
            for (number, text) in lines {
                count(line(text, number, mapping))?;
            }
            None
        }
    };
    if rows == 0 {
        return Err(Error::invalid("", Code::Required, "expected at least one row, found none"));
    }
    Ok(columns)
}

fn csv(
    bytes: &[u8],
    mapping: &Mapping,
    schema: Option<&Schema>,
    take: &mut impl FnMut(ImportRow) -> Result<()>,
) -> Result<Columns> {
    let wrong = |detail: &str| Error::invalid("", Code::WrongFormat, detail);
    let Dialect { delimiter, start } = Dialect::of(bytes);
    let text = bytes.get(start..).unwrap_or_default();
    check_width(text, delimiter)?;
    let scanned =
        scan(text, delimiter, if start > 0 { 2 } else { 1 }).map_err(|why| wrong(&why))?;
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(text);
    let header = reader.byte_headers().map_err(Error::unexpected)?.clone();
    if scanned.first().is_some_and(|record| record.is_broken) {
        return Err(wrong(AFTER_QUOTE));
    }
    let header = csv::StringRecord::from_byte_record(header).map_err(|_| wrong(not_utf8(bytes)))?;
    let columns = Columns::read_known(&header, mapping, schema)?;
    for (record, scanned) in reader.into_byte_records().zip(scanned.into_iter().skip(1)) {
        let record = record.map_err(Error::unexpected)?;
        if scanned.is_blank {
            continue;
        }
        let broken = |detail: &str| vec![Violation::new("", Code::WrongFormat, detail)];
        take(ImportRow(match csv::StringRecord::from_byte_record(record) {
            _ if scanned.is_broken => Err(broken(AFTER_QUOTE)),
            Ok(record) if record.iter().any(|cell| cell.contains(char::REPLACEMENT_CHARACTER)) => {
                Err(broken(LOST))
            }
            Ok(record) => columns.document(&record),
            Err(_) => Err(broken(NOT_UTF8)),
        }))?;
    }
    Ok(columns)
}

const NOT_UTF8: &str = "expected UTF-8, found another encoding, e.g. Latin-1 or Windows-1252; save \
                        the file as UTF-8 (in Excel: `CSV UTF-8`)";
/// API Gateway passes CSV as text, in which this character has replaced bytes that are not UTF-8.
const LOST: &str = "found U+FFFD, which stands for a lost character: the file was not UTF-8; save it \
                    as UTF-8 (in Excel: `CSV UTF-8`)";
const UTF_16: &str = "expected UTF-8, found UTF-16; save the file as UTF-8 (in Excel: `CSV UTF-8`)";

/// The error message for a file that is not UTF-8.
#[must_use]
pub fn not_utf8(bytes: &[u8]) -> &'static str {
    if is_utf_16(bytes) { UTF_16 } else { NOT_UTF8 }
}

/// Whether a text is UTF-16, by its byte order mark or by the zero in its first character.
fn is_utf_16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..])
}

/// Checks the start of a file: the line that is not UTF-8, and the error message for it.
#[must_use]
pub fn encoding_fault(start: &[u8]) -> Option<(usize, &'static str)> {
    if is_utf_16(start) {
        return Some((1, UTF_16));
    }
    // A character that the end of `start` cuts is none.
    let error = std::str::from_utf8(start).err().filter(|error| error.error_len().is_some())?;
    let before = start.get(..error.valid_up_to()).unwrap_or_default();
    Some((before.split(|byte| *byte == b'\n').count(), NOT_UTF8))
}

/// Reads one line of NDJSON, the one of this number in its file. A member that is mapped to where
/// another one stands is refused.
#[must_use]
pub fn line(text: &[u8], number: u64, mapping: &Mapping) -> ImportRow {
    let wrong =
        |pointer: &str, code, detail: String| Err(vec![Violation::new(pointer, code, detail)]);
    if let Some(detail) = too_large(text.trim_ascii().len()) {
        return ImportRow(wrong("", Code::TooLarge, detail));
    }
    if std::str::from_utf8(text).is_err() {
        return ImportRow(wrong("", Code::WrongFormat, NOT_UTF8.to_owned()));
    }
    let members = match Json::parse(text) {
        Ok(Json::Object(members)) => members,
        Ok(other) => {
            return ImportRow(wrong("", Code::WrongType, expected_not("an object", &other)));
        }
        // A report shows nothing of the text (rule D7).
        Err(error) => {
            let (column, what) = (error.column, error.expectation());
            let detail = format!("invalid JSON at line {number}, column {column}: {what}");
            return ImportRow(wrong("", Code::WrongFormat, detail));
        }
    };
    let (mut document, mapped): (Object, Object) =
        members.into_iter().partition(|(name, _)| mapping.field(name) == Some(name));
    for (name, value) in mapped {
        let Some(field) = mapping.field(&name) else { continue };
        if !put(&mut document, field, value) {
            let detail = format!("the row has `{field}` already, to which this member is mapped");
            return ImportRow(wrong(&pointer("", &name), Code::NotAllowed, detail));
        }
    }
    ImportRow(Ok(document))
}

/// Puts a value where its field stands; `false` when something stands there.
fn put(document: &mut Object, field: &str, value: Json) -> bool {
    let path = field.strip_prefix("attributes.").and_then(|path| path.split_once('.'));
    let Some((category, name)) = path else {
        return document.insert(field.to_owned(), value).is_none();
    };
    match place(document, category, name) {
        Some(there @ Json::Null) => *there = value,
        _ => return false,
    }
    true
}
