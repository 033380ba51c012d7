//! JSON text: read strictly. The error names the place of the fault and the expectation there.

use std::fmt;

use struson::reader::{
    JsonReader, JsonStreamReader, JsonSyntaxError, ReaderError, ReaderSettings, SyntaxErrorKind,
    ValueType,
};

use super::json::{Json, Object};

/// The deepest nesting that a body may have.
pub const MAX_DEPTH: u32 = 64;
/// The most characters of a text that an error shows.
const MAX_SHOWN: usize = 32;

/// Arrays and objects of so few members keep no room for more: there may be many of them.
const FEW: usize = 2;

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: u64,
    /// The character in the line, from 1.
    pub column: u64,
    /// What was expected.
    what: &'static str,
    /// The text that was found instead.
    found: Option<String>,
}

impl SyntaxError {
    /// What was expected, without a word of the text.
    #[must_use]
    pub const fn expectation(&self) -> &'static str {
        self.what
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, what, found } = self;
        write!(f, "invalid JSON at line {line}, column {column}: {what}")?;
        found.as_ref().map_or(Ok(()), |found| write!(f, ", found {found}"))
    }
}

impl Json {
    /// Reads one JSON text.
    ///
    /// Refuses texts that RFC 8259 leaves open or that would lose data: a member name that occurs
    /// twice in an object, a lone surrogate, nesting deeper than [`MAX_DEPTH`], anything after the
    /// value, `NaN`, comments, a byte order mark.
    pub fn parse(bytes: &[u8]) -> Result<Self, SyntaxError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let (line, column) = end_of(&String::from_utf8_lossy(valid));
            SyntaxError { line, column, what: "expected UTF-8", found: None }
        })?;
        let settings = ReaderSettings {
            max_nesting_depth: Some(MAX_DEPTH),
            restrict_number_values: false,
            track_path: false,
            ..ReaderSettings::default()
        };
        let mut reader = JsonStreamReader::new_custom(bytes, settings);
        let read = read(&mut reader).and_then(|value| {
            reader.consume_trailing_whitespace()?;
            Ok(value)
        });
        read.map_err(|error| match error {
            Stop::Reader(error) => explain(error, text),
            Stop::Explained(error) => error,
        })
    }
}

/// Why reading stops.
enum Stop {
    Reader(ReaderError),
    Explained(SyntaxError),
}

impl From<ReaderError> for Stop {
    fn from(error: ReaderError) -> Self {
        Self::Reader(error)
    }
}

fn read<R: JsonReader>(reader: &mut R) -> Result<Json, Stop> {
    Ok(match reader.peek()? {
        ValueType::Null => {
            reader.next_null()?;
            Json::Null
        }
        ValueType::Boolean => Json::Bool(reader.next_bool()?),
        ValueType::Number => Json::Number(reader.next_number_as_string()?),
        ValueType::String => Json::String(reader.next_string()?),
        ValueType::Array => {
            let mut items = Vec::new();
            reader.begin_array()?;
            while reader.has_next()? {
                items.push(read(reader)?);
            }
            reader.end_array()?;
            if items.len() <= FEW {
                items.shrink_to_fit();
            }
            Json::Array(items)
        }
        ValueType::Object => {
            let mut members = Object::new();
            reader.begin_object()?;
            while reader.has_next()? {
                let place = reader.current_position(false);
                let name = reader.next_name_owned()?;
                if members.contains_key(&name) {
                    let (line, column) = one_based(place.line_pos);
                    let found = Some(format!("`{}` twice", super::suggest::shown(&name)));
                    let what = "expected each member name once in an object";
                    return Err(Stop::Explained(SyntaxError { line, column, what, found }));
                }
                let value = read(reader)?;
                members.insert(name, value);
            }
            reader.end_object()?;
            if members.len() <= FEW {
                members.shrink_to_fit();
            }
            Json::Object(members)
        }
    })
}

/// Line and column, counted from 1.
fn one_based(place: Option<struson::reader::LinePosition>) -> (u64, u64) {
    place.map_or((1, 1), |place| (place.line + 1, place.column + 1))
}

/// The line and the column after a text.
fn end_of(text: &str) -> (u64, u64) {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let last = lines.rsplit('\n').next().unwrap_or_default();
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    (count(lines.matches('\n').count()) + 1, count(last.chars().count()) + 1)
}

fn explain(error: ReaderError, text: &str) -> SyntaxError {
    let (kind, location) = match error {
        ReaderError::SyntaxError(JsonSyntaxError { kind, location }) => (Some(kind), location),
        ReaderError::MaxNestingDepthExceeded { location, .. } => {
            let (line, column) = one_based(location.line_pos);
            let what = "arrays and objects nest deeper than 64";
            return SyntaxError { line, column, what, found: None };
        }
        // The kind of each value is known before it is read, and the text is UTF-8.
        ReaderError::UnexpectedValueType { location, .. }
        | ReaderError::UnexpectedStructure { location, .. }
        | ReaderError::UnsupportedNumberValue { location, .. }
        | ReaderError::IoError { location, .. } => (None, location),
        _ => return SyntaxError { line: 1, column: 1, what: "expected a JSON value", found: None },
    };
    let (line, column) = one_based(location.line_pos);
    let at = location.data_pos.and_then(|at| usize::try_from(at).ok());
    let (before, rest) = at.and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    let (what, found) = expected(kind, before.trim_end(), rest);
    SyntaxError { line, column, what, found: found.map(shown) }
}

/// The part of the text that an error shows.
fn shown(found: &str) -> String {
    match found.chars().next() {
        None => "the end".to_owned(),
        Some(c) if c.is_control() || c == '\u{feff}' => format!("U+{:04X}", u32::from(c)),
        Some(_) => format!("`{found}`"),
    }
}

/// The expectation after the text `before`, where `rest` starts, and the part of `rest` that was
/// found instead, unless the expectation names it.
fn expected<'t>(
    kind: Option<SyntaxErrorKind>,
    before: &str,
    rest: &'t str,
) -> (&'static str, Option<&'t str>) {
    use SyntaxErrorKind as Kind;
    let one = Some(start(rest, 1));
    match kind {
        Some(Kind::CommentsNotEnabled) => ("comments are not allowed", None),
        Some(Kind::InvalidLiteral | Kind::TrailingDataAfterLiteral) => {
            ("expected `true`, `false` or `null`", Some(word(rest)))
        }
        Some(Kind::TrailingCommaNotEnabled) => {
            let next = rest.trim_start_matches(',').trim_start();
            let in_array = next.starts_with(']');
            let what = if in_array {
                "unexpected `]` after a comma"
            } else {
                "unexpected `}` after a comma"
            };
            (what, None)
        }
        Some(Kind::UnexpectedComma) => ("unexpected `,`", None),
        Some(Kind::MissingComma) => ("expected a comma", one),
        Some(Kind::MissingColon) => ("expected `:` after the member name", one),
        Some(Kind::MalformedNumber) => ("expected a number such as 42 or -1.5e3", Some(word(rest))),
        Some(Kind::TrailingDataAfterNumber) => ("expected the number to end", one),
        Some(Kind::ExpectingMemberNameOrObjectEnd) if before.ends_with(['{', ',']) => {
            ("expected a member name in double quotes", one)
        }
        Some(Kind::ExpectingMemberNameOrObjectEnd) => ("expected a comma or `}`", one),
        Some(Kind::NotEscapedControlCharacter) => {
            ("expected control characters in strings to be escaped", one)
        }
        Some(Kind::UnknownEscapeSequence) => {
            ("expected an escape sequence such as `\\n` or `\\u00e9`", Some(start(rest, 2)))
        }
        Some(Kind::MalformedEscapeSequence) => {
            ("expected four hexadecimal digits after `\\u`", Some(start(rest, 6)))
        }
        Some(Kind::UnpairedSurrogatePairEscapeSequence) => {
            ("expected a pair of surrogates such as `\\ud83d\\ude00`", Some(start(rest, 6)))
        }
        Some(Kind::IncompleteDocument) if !before.is_empty() => {
            ("unexpected end: a string, an array or an object is not closed", None)
        }
        Some(Kind::TrailingData) => ("expected nothing after the JSON value", one),
        _ if rest.starts_with('\'') => ("expected a JSON value; strings take double quotes", one),
        _ if rest.starts_with(char::is_alphanumeric) => ("expected a JSON value", Some(word(rest))),
        _ => ("expected a JSON value", one),
    }
}

/// The first characters of a text.
fn start(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The word that a text starts with.
fn word(text: &str) -> &str {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
    start(text.split(|c| !part(c)).next().unwrap_or_default(), MAX_SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_what_is_not_json_says_where_and_what_was_expected() {
        let deep = "[".repeat(65);
        for (text, due) in [
            ("", "1, column 1: expected a JSON value, found the end"),
            (" \n ", "2, column 2: expected a JSON value, found the end"),
            (r#"{"username":"j",}"#, "1, column 16: unexpected `}` after a comma"),
            ("[1,\n]", "1, column 3: unexpected `]` after a comma"),
            ("[1,,2]", "1, column 4: unexpected `,`"),
            ("{,}", "1, column 2: unexpected `,`"),
            (r#"{"a":}"#, "1, column 6: expected a JSON value, found `}`"),
            (r#"{"a"::1}"#, "1, column 6: expected a JSON value, found `:`"),
            (r#"{"a" 1}"#, "1, column 6: expected `:` after the member name, found `1`"),
            (r#"{"a":1 "b":2}"#, "1, column 8: expected a comma, found `\"`"),
            ("{'a':1}", "1, column 2: expected a member name in double quotes, found `'`"),
            (r#"{"a":1 b}"#, "1, column 8: expected a comma or `}`, found `b`"),
            ("{a:1}", "1, column 2: expected a member name in double quotes, found `a`"),
            ("['a']", "1, column 2: expected a JSON value; strings take double quotes, found `'`"),
            (
                "{\n  \"é\": \"ü\", \"b\": NaN\n}",
                "2, column 18: expected a JSON value, found `NaN`",
            ),
            ("[tru]", "1, column 2: expected `true`, `false` or `null`, found `tru`"),
            ("[nulls]", "1, column 2: expected `true`, `false` or `null`, found `nulls`"),
            ("[01]", "1, column 2: expected a number such as 42 or -1.5e3, found `01`"),
            ("[1x]", "1, column 3: expected the number to end, found `x`"),
            ("[1", "1, column 3: unexpected end: a string, an array or an object is not closed"),
            ("\"a", "1, column 3: unexpected end: a string, an array or an object is not closed"),
            ("{} {}", "1, column 4: expected nothing after the JSON value, found `{`"),
            ("\u{feff}{}", "1, column 1: expected a JSON value, found U+FEFF"),
            ("\0", "1, column 1: expected a JSON value, found U+0000"),
            (
                "\"a\nb\"",
                "1, column 3: expected control characters in strings to be escaped, found U+000A",
            ),
            (
                r#""\x""#,
                "1, column 2: expected an escape sequence such as `\\n` or `\\u00e9`, found `\\x`",
            ),
            (
                r#""\u12g4""#,
                "1, column 2: expected four hexadecimal digits after `\\u`, found `\\u12g4`",
            ),
            (
                r#""\ud800""#,
                "1, column 2: expected a pair of surrogates such as `\\ud83d\\ude00`, found `\\ud800`",
            ),
            ("// x\n1", "1, column 1: comments are not allowed"),
            (
                "{\"a\":1,\r\n \"\\u0061\":2}",
                "2, column 2: expected each member name once in an object, found `a` twice",
            ),
            (&deep, "1, column 65: arrays and objects nest deeper than 64"),
        ] {
            let error = Json::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid JSON at line {due}"), "{text}");
        }
        let error = Json::parse(b"{\"a\":\r\n\"\xff\"}").unwrap_err();
        assert_eq!(error.to_string(), "invalid JSON at line 2, column 2: expected UTF-8");
        assert_eq!(MAX_DEPTH, 64);
    }
}
