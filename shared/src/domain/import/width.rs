//! The width of CSV files, checked before any cell is stored. A reader of records stores an offset
//! for each cell, and a file of 4 MB can hold four million cells.

use crate::domain::error::{Code, Error, Result};

/// The most columns of a file.
pub const MAX_COLUMNS: usize = 1000;

/// Where in a record a byte stands.
#[derive(Clone, Copy)]
enum Place {
    CellStart,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first half of a quote that is meant.
    QuoteInQuoted,
}

/// Refuses a file of which one record has more than [`MAX_COLUMNS`] cells.
pub(super) fn check_width(bytes: &[u8], delimiter: u8) -> Result<()> {
    let (mut place, mut row, mut cells) = (Place::CellStart, 0, 1);
    for byte in bytes {
        place = match (place, *byte) {
            (Place::Quoted, b'"') => Place::QuoteInQuoted,
            (Place::Quoted, _) | (Place::CellStart | Place::QuoteInQuoted, b'"') => Place::Quoted,
            (_, end) if end == delimiter => {
                cells += 1;
                if cells > MAX_COLUMNS {
                    return Err(too_wide(row));
                }
                Place::CellStart
            }
            (_, b'\n' | b'\r') => {
                // An empty line is no record, and CR LF ends one line.
                row += usize::from(cells > 1 || !matches!(place, Place::CellStart));
                cells = 1;
                Place::CellStart
            }
            _ => Place::Plain,
        };
    }
    Ok(())
}

fn too_wide(row: usize) -> Error {
    let of = if row == 0 { "the header".to_owned() } else { format!("row {row}") };
    let detail = format!("expected at most {MAX_COLUMNS} columns, found more in {of}");
    Error::invalid("", Code::TooMany, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        check_width(text.as_bytes(), b',').err().map(|error| error.to_string())
    }

    #[test]
    fn wk1_cells_are_counted_as_the_reader_of_records_counts_them() {
        let wide = ",".repeat(MAX_COLUMNS);
        let most = ",".repeat(MAX_COLUMNS - 1);
        for fine in [
            most.clone(),
            format!("{most}\n{most}\r\n\r\n{most}"),
            format!("\"{wide}\""),
            format!("a,\"{wide}\n\"\"{wide}\",c"),
        ] {
            assert_eq!(said(&fine), None);
        }
        let found = |of: &str| Some(format!("expected at most 1000 columns, found more in {of}"));
        assert_eq!(said(&wide), found("the header"));
        assert_eq!(said(&format!("a\n\nb\r\n{wide}")), found("row 2"));
        // A quote within a cell opens nothing, and after a closed one nothing is quoted.
        assert_eq!(said(&format!("a\"{wide}\"")), found("the header"));
        assert_eq!(said(&format!("\"a\"b\"{wide}\"")), found("the header"));
    }
}
