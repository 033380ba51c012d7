//! Rows: what a file says of each person, one document each.

use super::columns::{Columns, Mapping, place};
use super::task::too_large;
use super::width::check_width;
use super::{Format, MAX_ROWS};
use crate::domain::definition::Predefined;
use crate::domain::error::{Code, Error, Result, Violation, expected_not};
use crate::domain::field::pointer;
use crate::domain::id::UserId;
use crate::domain::json::{Json, Object};
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
    let customer =
        text("id_at_customer").map(|id| (Predefined::IdAtCustomer.name(), id.to_owned()));
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
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
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
    let unreadable = |_| Error::invalid("", Code::WrongFormat, not_utf8(bytes));
    let delimiter = delimiter(bytes);
    check_width(bytes, delimiter)?;
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(bytes);
    let header = reader.byte_headers().map_err(Error::unexpected)?.clone();
    let header = csv::StringRecord::from_byte_record(header).map_err(unreadable)?;
    let columns = Columns::read_known(&header, mapping, schema)?;
    for record in reader.into_byte_records() {
        let record = csv::StringRecord::from_byte_record(record.map_err(Error::unexpected)?);
        take(ImportRow(match record {
            Ok(record) => columns.document(&record),
            Err(_) => Err(vec![Violation::new("", Code::WrongFormat, NOT_UTF8)]),
        }))?;
    }
    Ok(columns)
}

const NOT_UTF8: &str = "expected UTF-8, found another encoding; save the file as UTF-8";

/// What is said of a file that is not UTF-8.
#[must_use]
pub fn not_utf8(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        "expected UTF-8, found UTF-16; save the file as UTF-8 (in Excel: `CSV UTF-8`)"
    } else {
        NOT_UTF8
    }
}

/// What parts the cells of the header: of comma, semicolon and tab the one that it has most of.
#[must_use]
pub fn delimiter(bytes: &[u8]) -> u8 {
    let header = bytes.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let (mut quoted, mut counts) = (false, [(b',', 0), (b';', 0), (b'\t', 0)]);
    for byte in header {
        quoted ^= *byte == b'"';
        if let Some((_, count)) =
            counts.iter_mut().find(|(delimiter, _)| !quoted && delimiter == byte)
        {
            *count += 1;
        }
    }
    // Of equally many the first one.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
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
