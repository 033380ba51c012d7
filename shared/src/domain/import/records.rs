//! Records of CSV: where each record begins and ends, and the refusal of text after a closing
//! quote.
//!
//! The reader of the `csv` crate is lenient: it takes the end of the file for a closing quote, and
//! text after a closing quote for a part of the cell. Either way rows can vanish in a cell of
//! another row. RFC 4180 allows neither, so this scanner looks for both, in step with that reader.

/// How the cells of a file are parted, and where its header begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The delimiter between cells.
    pub delimiter: u8,
    /// How many bytes stand before the header: a line `sep=;` of Excel, or none.
    pub start: usize,
}

impl Dialect {
    /// The dialect of a file without its byte order mark: what a line `sep=;` says, else the
    /// delimiter that the header has most of.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match named_delimiter(bytes) {
            Some((delimiter, start)) => Self { delimiter, start },
            None => Self { delimiter: delimiter(bytes), start: 0 },
        }
    }
}

/// The delimiter that a first line `sep=;` names, and the length of that line.
fn named_delimiter(bytes: &[u8]) -> Option<(u8, usize)> {
    let (name, rest) = bytes.split_at_checked(4)?;
    let (delimiter, rest) = rest.split_first()?;
    let sane = delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric();
    let sane = sane && !matches!(*delimiter, b'"' | b'\r' | b'\n' | b'\0');
    let end = match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    (name.eq_ignore_ascii_case(b"sep=") && sane).then_some((*delimiter, 5 + end))
}

/// The delimiter of the header: the most frequent of comma, semicolon and tab.
#[must_use]
pub(super) fn delimiter(bytes: &[u8]) -> u8 {
    let (mut quoted, mut counts) = (false, [(b',', 0), (b';', 0), (b'\t', 0)]);
    for byte in bytes.trim_ascii_start() {
        match byte {
            b'"' => quoted = !quoted,
            // The header ends where the reader ends it.
            b'\r' | b'\n' if !quoted => break,
            _ => {}
        }
        if let Some((_, count)) =
            counts.iter_mut().find(|(delimiter, _)| !quoted && delimiter == byte)
        {
            *count += 1;
        }
    }
    // Of equally many the first one.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// Where a byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Between two records.
    Between,
    /// In a record.
    Record,
    /// At the end of a record, of which it is no part.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a record.
    Between,
    /// At the start of a cell.
    Cell,
    /// In a cell without quotes.
    Plain,
    /// In a cell, between its quotes.
    Quoted,
    /// After a quote in such a cell. It closes the cell, unless another quote follows.
    Closed,
}

/// A record that was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScannedRecord {
    /// Whether it has no text: a row of delimiters only.
    pub is_blank: bool,
    /// Whether text stands after a closing quote.
    pub is_broken: bool,
}

/// Scans CSV byte by byte.
#[derive(Clone, Debug)]
pub struct RecordScanner {
    delimiter: u8,
    state: State,
    record: ScannedRecord,
    /// The line of the present byte.
    line: u64,
    /// The line of the last quote that opened a cell.
    opened: u64,
    after_return: bool,
}

impl RecordScanner {
    /// A scanner that starts at this line of its file.
    #[must_use]
    pub const fn new(delimiter: u8, line: u64) -> Self {
        let record = ScannedRecord { is_blank: true, is_broken: false };
        Self { delimiter, state: State::Between, record, line, opened: line, after_return: false }
    }

    /// Takes the next byte.
    pub fn take(&mut self, byte: u8) -> Place {
        let ends = matches!(byte, b'\r' | b'\n');
        if self.state == State::Between {
            if ends {
                self.count_lines(byte);
                return Place::Between;
            }
            self.record = ScannedRecord { is_blank: true, is_broken: false };
            self.state = State::Cell;
        }
        let (next, place) = match (self.state, byte) {
            (State::Quoted, b'"') => (State::Closed, Place::Record),
            (State::Quoted, _) => {
                self.record.is_blank &= byte.is_ascii_whitespace();
                (State::Quoted, Place::Record)
            }
            (_, _) if ends => (State::Between, Place::End),
            (_, byte) if byte == self.delimiter => (State::Cell, Place::Record),
            (State::Cell, b'"') => {
                self.opened = self.line;
                (State::Quoted, Place::Record)
            }
            (State::Closed, b'"') => {
                self.record.is_blank = false;
                (State::Quoted, Place::Record)
            }
            (state, _) => {
                self.record.is_broken |= state == State::Closed;
                self.record.is_blank &= state != State::Closed && byte.is_ascii_whitespace();
                (State::Plain, Place::Record)
            }
        };
        self.state = next;
        self.count_lines(byte);
        place
    }

    /// Lines end by CR, LF or both.
    fn count_lines(&mut self, byte: u8) {
        self.line += u64::from(byte == b'\r' || byte == b'\n' && !self.after_return);
        self.after_return = byte == b'\r';
    }

    /// The record of the last byte, if that was not between two records.
    #[must_use]
    pub const fn record(&self) -> ScannedRecord {
        self.record
    }

    /// Whether the input may not end here without an end of the record.
    #[must_use]
    pub fn is_in_record(&self) -> bool {
        self.state != State::Between
    }

    /// Refuses the end of the input in a quoted cell, because it is unknown which rows are part of
    /// the cell.
    pub fn finish(&self) -> Result<(), String> {
        if self.state != State::Quoted {
            return Ok(());
        }
        Err(format!(
            "line {}: a quote opens a cell and is never closed; close it, or write `\"\"` for a \
             quote in a cell",
            self.opened
        ))
    }
}

/// The error message for a row with text after a closing quote.
pub const AFTER_QUOTE: &str = "found text after a closing quote; write `\"\"` for a quote in a \
                               cell, and close a quoted cell where it ends";

/// The records of a whole text that starts at this line, in step with the reader of the `csv`
/// crate.
pub(super) fn scan(bytes: &[u8], delimiter: u8, line: u64) -> Result<Vec<ScannedRecord>, String> {
    let mut scanner = RecordScanner::new(delimiter, line);
    let mut records = Vec::new();
    for byte in bytes {
        if scanner.take(*byte) == Place::End {
            records.push(scanner.record());
        }
    }
    scanner.finish()?;
    if scanner.is_in_record() {
        records.push(scanner.record());
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records that the reader of the `csv` crate makes.
    fn records(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text);
        let records = reader.byte_records().map(|record| record.unwrap());
        records.map(|record| record.iter().map(<[u8]>::to_vec).collect()).collect()
    }

    #[test]
    fn dt1_the_scanner_is_in_step_with_the_reader() {
        let alphabet = b"a\",\r\n ";
        for length in 0..=6 {
            for number in 0..alphabet.len().pow(length) {
                let mut rest = number;
                let text: Vec<_> = (0..length)
                    .map(|_| {
                        let byte = alphabet[rest % alphabet.len()];
                        rest /= alphabet.len();
                        byte
                    })
                    .collect();
                let Ok(scanned) = scan(&text, b',', 1) else { continue };
                let read = records(&text);
                let shown = String::from_utf8_lossy(&text);
                assert_eq!(scanned.len(), read.len(), "{shown:?}");
                for (scanned, cells) in scanned.iter().zip(read) {
                    let blank = cells.iter().all(|cell| cell.trim_ascii().is_empty());
                    assert_eq!(scanned.is_blank, blank && !scanned.is_broken, "{shown:?}");
                }
            }
        }
    }

    #[test]
    fn dt1_a_quote_that_is_never_closed_is_found() {
        for (text, line) in [
            ("a\nb,\"c\nd\n", 2),
            ("a\r\n\"b\"\r\n\"c", 3),
            ("a\rb\r\"c\rd", 3),
            ("\"", 1),
            ("a,\"\"\"", 1),
            ("a\nx,\"line one\nline two\"\ny,\"line one\nlin", 4),
        ] {
            let refused = scan(text.as_bytes(), b',', 1).unwrap_err();
            assert!(refused.starts_with(&format!("line {line}: ")), "{text:?}: {refused}");
        }
        for text in ["a\"b\nc", "a,\"b\"", "\"a\nb\"\n", "5\" nail", "\"\"\"\""] {
            assert!(scan(text.as_bytes(), b',', 1).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn dt1_text_after_a_closing_quote_is_found() {
        let broken = |text: &str| {
            let scanned = scan(text.as_bytes(), b',', 1).unwrap();
            scanned.iter().map(|record| record.is_broken).collect::<Vec<_>>()
        };
        assert_eq!(broken("a,\"Bo\" Maes\nb,\"c\"\n"), [true, false]);
        assert_eq!(broken("x,\"called back\ny,\"ok\"\"\nz\n"), [true, false]);
        assert_eq!(broken("\"a\" ,b"), [true]);
        assert_eq!(broken("\"a\"\"b\",\"c\"\r\n5\" nail"), [false, false]);
    }

    #[test]
    fn dt11_the_header_ends_where_the_reader_ends_it() {
        for (text, due) in [
            ("username,given_name,note\rb.1,An,a;b;c;d;e;f;g;h\rb.2,Bo,e;f;g;h\r", b','),
            ("\r\ra;b\r1,2,3,4\r", b';'),
            ("\"Login\nname\";given_name\nb,c,d,e;f\n", b';'),
            ("\"Login,\r\nname, all\"\tx\r\n", b'\t'),
        ] {
            assert_eq!(delimiter(text.as_bytes()), due, "{text:?}");
        }
    }

    #[test]
    fn dt_a_line_of_excel_names_the_delimiter() {
        for (text, delimiter, start) in [
            ("sep=;\r\na;b\r\n", b';', 7),
            ("SEP=|\na|b", b'|', 6),
            ("sep=\t\ra\tb", b'\t', 6),
            ("sep=;x\na,b", b';', 0),
            ("sep=a\na,b", b',', 0),
            ("separator,b\n", b',', 0),
        ] {
            assert_eq!(Dialect::of(text.as_bytes()), Dialect { delimiter, start }, "{text:?}");
        }
    }
}
