//! How rows are stored in the file of an import, and how they are sent.

use shared::domain::Json;
use shared::domain::import::{
    Columns, MAX_ROW, PersonKey, Place, RecordScanner, ScannedRecord, keys,
};
use shared::domain::json::Object;

use super::SourceRow;
use super::array::ArrayScanner;
use crate::failure::Failure;

/// Sent in place of a row that has text after a closing quote, so that the service reports this
/// error in its own words.
const BROKEN_ROW: &[u8] = b"\"\"x\n";

/// How rows are written in the file.
pub(super) enum Rows {
    /// CSV.
    Csv {
        delimiter: u8,
        columns: Columns,
        /// The line of the header.
        line: u64,
    },
    /// NDJSON.
    Lines,
    /// A JSON array of objects.
    Array,
}

impl Rows {
    /// A scanner of rows, from the first one or from a later one on.
    pub(super) const fn scanner(&self, at_start: bool) -> Option<RowScanner> {
        match self {
            Self::Csv { delimiter, line, .. } => {
                Some(RowScanner::Csv(RecordScanner::new(*delimiter, *line)))
            }
            Self::Array => Some(RowScanner::Array(ArrayScanner::new(at_start))),
            Self::Lines => None,
        }
    }
}

/// The text of a row, and the scanner's record of it.
pub(super) type ScannedRow = (Vec<u8>, ScannedRecord);

/// Finds where rows begin and end.
pub(super) enum RowScanner {
    Csv(RecordScanner),
    Array(ArrayScanner),
}

impl RowScanner {
    pub(super) fn take(&mut self, byte: u8) -> Result<Place, Failure> {
        Ok(match self {
            Self::Csv(scanner) => scanner.take(byte),
            Self::Array(scanner) => scanner.take(byte)?,
        })
    }

    /// The row of the last byte, as far as it was scanned.
    pub(super) const fn record(&self) -> ScannedRecord {
        match self {
            Self::Csv(scanner) => scanner.record(),
            Self::Array(_) => ScannedRecord { is_blank: false, is_broken: false },
        }
    }

    pub(super) fn is_in_record(&self) -> bool {
        matches!(self, Self::Csv(scanner) if scanner.is_in_record())
    }

    pub(super) fn finish(&self) -> Result<(), Failure> {
        match self {
            Self::Csv(scanner) => scanner.finish().map_err(Failure::from),
            Self::Array(scanner) => scanner.finish().map_err(Failure::from),
        }
    }
}

/// Rows of CSV, each written with the comma as delimiter.
pub(super) fn of_csv(
    records: &[ScannedRow],
    delimiter: u8,
    columns: &Columns,
) -> Result<Vec<SourceRow>, Failure> {
    let mut whole = Vec::new();
    for (text, _) in records {
        whole.extend_from_slice(text);
        whole.push(b'\n');
    }
    let reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(&*whole);
    let mut found = Vec::with_capacity(records.len());
    for (cells, (_, record)) in reader.into_byte_records().zip(records) {
        let cells = cells.map_err(|error| error.to_string())?;
        if record.is_broken {
            found.push(SourceRow { bytes: BROKEN_ROW.to_vec(), keys: Vec::new() });
            continue;
        }
        let bytes = csv_line(&cells, csv::QuoteStyle::Necessary)?;
        let text = csv::StringRecord::from_byte_record(cells).ok();
        let document = text.and_then(|text| columns.document(&text).ok());
        found.push(SourceRow { bytes, keys: document.map(named).unwrap_or_default() });
    }
    Ok(found)
}

/// The keys by which a row names its user. A row that the service refuses for its size has none.
pub(super) fn named(document: Object) -> Vec<PersonKey> {
    let keys = keys(&document);
    if Json::Object(document).to_text().len() > MAX_ROW { Vec::new() } else { keys }
}

pub(super) fn csv_line(
    record: &csv::ByteRecord,
    quotes: csv::QuoteStyle,
) -> Result<Vec<u8>, Failure> {
    let mut writer =
        csv::WriterBuilder::new().flexible(true).quote_style(quotes).from_writer(Vec::new());
    writer.write_byte_record(record).map_err(|error| error.to_string())?;
    Ok(writer.into_inner().map_err(|error| error.to_string())?)
}
