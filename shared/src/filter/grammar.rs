//! The SCIM grammar of filters (RFC 7644 §3.4.2.2): text in, expressions out, or the place of the
//! fault and the expectation there.

use std::ops::Range;

use scim_v2::filter::{Filter, FilterActionError, ParseError};

/// The prefix of attribute paths while the grammar's parser reads them.
pub(super) const ATTRIBUTES: &str = "urn:kith:attributes";
/// How the paths of attributes start in a filter.
const OWN: &str = "attributes.";
/// The first character of a string that was a number.
pub(super) const NUMBER: char = '\0';
/// A token that no filter has: where the parser stops at it, it says what it would have taken.
const NOTHING: &str = " .";
/// The most characters of a filter that an error shows.
const MAX_SHOWN: usize = 64;

/// Reads the text of a filter. The error is what to say to its author.
pub(super) fn parse(text: &str) -> Result<Filter, String> {
    let spread = Spread::of(text);
    spread.text.parse().map_err(|error| explain(text, &spread, error))
}

/// The part after `attributes.`; the grammar ignores case in names.
pub(super) fn attribute_path(name: &str) -> Option<&str> {
    let (start, path) = name.split_at_checked(OWN.len())?;
    start.eq_ignore_ascii_case(OWN).then_some(path)
}

/// A filter in words that the grammar's parser takes: it knows one dot in a path, so
/// `attributes.<category>.<name>` becomes `<category>.<name>` of an URI; it rounds numbers to 64
/// bits, so they become strings; it wants a space after `not`.
#[derive(Debug, Default)]
struct Spread {
    text: String,
    /// The offsets, in bytes, from which both texts are equal: in this text and in the filter.
    marks: Vec<(usize, usize)>,
    /// The strings, with their quotes.
    strings: Vec<Range<usize>>,
}

impl Spread {
    fn of(filter: &str) -> Self {
        let mut spread = Self::default();
        let mut rest = filter.trim();
        let start = filter.len() - filter.trim_start().len();
        let length = rest.len();
        spread.marks.push((0, start));
        while let Some(c) = rest.chars().next() {
            let at_word = spread.text.chars().last().is_none_or(|before| {
                !before.is_ascii_alphanumeric() && !matches!(before, '.' | '_' | '-' | ':')
            });
            let (taken, written) = if c == '"' {
                let string = string(rest);
                spread.strings.push(spread.text.len()..spread.text.len() + string.len());
                (string.len(), string.to_owned())
            } else if at_word && attribute_path(rest).is_some() {
                (OWN.len(), format!("{ATTRIBUTES}:"))
            } else if at_word && rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("not("))
            {
                (4, "not (".to_owned())
            } else if at_word && (c == '-' || c.is_ascii_digit()) {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
                    .unwrap_or(rest.len());
                (end, format!("\"\\u0000{}\"", rest.get(..end).unwrap_or_default()))
            } else {
                (c.len_utf8(), c.to_string())
            };
            spread.text.push_str(&written);
            rest = rest.get(taken..).unwrap_or_default();
            if taken != written.len() {
                spread.marks.push((spread.text.len(), start + length - rest.len()));
            }
        }
        spread
    }

    /// The place in the filter of a place in the text.
    fn origin(&self, at: usize) -> usize {
        let next = self.marks.partition_point(|(here, _)| *here <= at);
        let mark = next.checked_sub(1).and_then(|i| self.marks.get(i));
        let (here, there) = mark.copied().unwrap_or_default();
        let most = self.marks.get(next).map_or(usize::MAX, |(_, there)| *there);
        (there + at - here).min(most)
    }
}

/// The string that the text starts with: up to its closing quote, or all of it.
fn string(text: &str) -> &str {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.and_then(|(end, _)| text.get(..=end)).unwrap_or(text)
}

fn explain(filter: &str, spread: &Spread, error: ParseError) -> String {
    let text = spread.text.as_str();
    let (at, expected) = match error {
        ParseError::User { error } => match error {
            FilterActionError::InvalidAttrPath(path) | FilterActionError::InvalidAttrName(path) => {
                let outside = |at: &usize| !spread.strings.iter().any(|string| string.contains(at));
                let at = text.match_indices(&path).map(|(at, _)| at).find(outside);
                let expected = "a name, `attributes.<category>.<name>` or `personas.<name>`";
                (at.unwrap_or_default(), expected.to_owned())
            }
            FilterActionError::InvalidCompValue(_) => {
                let broken = |string: &&Range<usize>| {
                    let string = text.get((*string).clone()).unwrap_or_default();
                    serde_json::from_str::<String>(string).is_err()
                };
                let at = spread.strings.iter().find(broken).map_or(0, |string| string.start);
                (at, "a string that is escaped as in JSON".to_owned())
            }
            FilterActionError::DepthExceeded(_) => {
                return "filter: parentheses nest deeper than 64 levels".to_owned();
            }
            _ => return "filter: it has too many terms".to_owned(),
        },
        // The text ends in the name of an operator. More text makes it an operator again.
        _ => match format!("{text}{NOTHING}").parse::<Filter>() {
            Err(ParseError::UnrecognizedToken { token: (at, ..), expected }) => {
                (at, due(&expected).to_owned())
            }
            Err(ParseError::InvalidToken { location }) => {
                (location, expected_at(text, location).to_owned())
            }
            _ => (0, FIELD.to_owned()),
        },
    };
    let origin = spread.origin(at.min(text.len()));
    let (before, rest) = filter.split_at_checked(origin).unwrap_or((filter, ""));
    let at = before.chars().count() + 1;
    format!("filter: at character {at}: expected {expected}{}", found(rest))
}

/// The token at the start of the rest of a filter, for error messages.
fn found(rest: &str) -> String {
    let rest = rest.trim_end();
    let word = match rest.chars().next() {
        None => return ", found the end".to_owned(),
        // The string that was expected, between other quotes.
        Some('\'') => return String::new(),
        Some('"') => string(rest),
        Some(_) => {
            rest.split(|c: char| c.is_whitespace() || "()[]".contains(c)).next().unwrap_or_default()
        }
    };
    let one = rest.chars().next().map_or(0, char::len_utf8);
    let end = word.char_indices().nth(MAX_SHOWN).map_or(word.len(), |(end, _)| end).max(one);
    format!(", found `{}`", rest.get(..end).unwrap_or_default())
}

/// The tokens that the parser would accept at a place without a token.
fn expected_at(text: &str, at: usize) -> &'static str {
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let expected = match format!("{before}{NOTHING}").parse::<Filter>() {
        Err(ParseError::UnrecognizedToken { expected, .. }) => due(&expected),
        _ => return FIELD,
    };
    match rest.chars().next() {
        Some('"') if expected == VALUE => "a closing quote after this string",
        Some('\'') if expected == VALUE => "a string in double quotes",
        _ => expected,
    }
}

const FIELD: &str = "the name of a field";
const VALUE: &str = "a string in double quotes, a number, `true`, `false` or `null`";

/// The tokens that the parser would take, in words.
fn due(tokens: &[String]) -> &'static str {
    let takes = |token: &str| tokens.iter().any(|known| known.trim_matches('"') == token);
    if takes("StringLit") {
        VALUE
    } else if takes("eq") {
        "an operator between spaces: `eq`, `ne`, `co`, `sw`, `ew`, `gt`, `ge`, `lt`, `le` or `pr`"
    } else if takes("AttrNameTok") {
        FIELD
    } else if takes(")") {
        "`and` or `or` between spaces, or `)`"
    } else if takes("]") {
        "`and` or `or` between spaces, or `]`"
    } else if takes("(") {
        "`(` after `not`"
    } else {
        "`and` or `or` between spaces, or the end"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(text: &str) -> String {
        Spread::of(text).text
    }

    #[test]
    fn paths_of_attributes_are_spread_outside_of_quotes_only() {
        assert_eq!(
            spread(r#"attributes.common.x eq "attributes.a\"attributes.b""#),
            r#"urn:kith:attributes:common.x eq "attributes.a\"attributes.b""#
        );
        assert_eq!(spread("my-attributes.x eq true"), "my-attributes.x eq true");
        assert_eq!(spread("(attributes.c.x eq \"1\")"), "(urn:kith:attributes:c.x eq \"1\")");
        assert_eq!(spread("NOT(not(a pr)) or knot(x)"), "not (not (a pr)) or knot(x)");
    }

    #[test]
    fn p1_numbers_in_filters_keep_their_digits() {
        assert_eq!(spread("a eq 12345678901234567890.5"), "a eq \"\\u000012345678901234567890.5\"");
        assert_eq!(
            spread("(a-1 eq -1e3) and b2 eq 7"),
            "(a-1 eq \"\\u0000-1e3\") and b2 eq \"\\u00007\""
        );
    }

    #[test]
    fn e1_a_filter_that_leaves_the_grammar_says_where_and_what_was_expected() {
        let operator = format!(
            "an operator between spaces: {}",
            "`eq`, `ne`, `co`, `sw`, `ew`, `gt`, `ge`, `lt`, `le` or `pr`"
        );
        for (filter, at, due) in [
            ("", 1, "the name of a field, found the end"),
            ("preferred_email eq 'jan@example.org'", 20, "a string in double quotes"),
            (
                "preferred_email eq jan@example.org",
                20,
                &format!("{VALUE}, found `jan@example.org`"),
            ),
            ("  username eq ", 14, &format!("{VALUE}, found the end")),
            ("username eq", 12, &format!("{VALUE}, found the end")),
            ("username = \"x\"", 10, &format!("{operator}, found `=`")),
            ("username eq\"x\"", 10, &format!("{operator}, found `eq\"x\"`")),
            ("username", 9, &format!("{operator}, found the end")),
            ("attributes.a.b == 1", 16, &format!("{operator}, found `==`")),
            ("attributes.a.b eq 1 x pr", 21, "`and` or `or` between spaces, or the end, found `x`"),
            (
                "(attributes.a.b eq -12 and username pr",
                39,
                "`and` or `or` between spaces, or `)`, found the end",
            ),
            ("not(attributes.a.b pr and )", 27, "the name of a field, found `)`"),
            ("not(attributes.a.b pr and)", 23, "`and` or `or` between spaces, or `)`, found `and`"),
            ("personas[name eq \"x\"", 21, "`and` or `or` between spaces, or `]`, found the end"),
            (
                "username pr && status pr",
                13,
                "`and` or `or` between spaces, or the end, found `&&`",
            ),
            ("username eq \"jan", 13, "a closing quote after this string, found `\"jan`"),
            (
                "username eq \"é\" and status eq \"\\x\"",
                31,
                "a string that is escaped as in JSON, found `\"\\x\"`",
            ),
            ("not username pr", 5, "`(` after `not`, found `username`"),
            (
                "username eq \"a.b.c\" and a.b.c pr",
                25,
                "a name, `attributes.<category>.<name>` or `personas.<name>`, found `a.b.c`",
            ),
        ] {
            let said = parse(filter).unwrap_err();
            assert_eq!(said, format!("filter: at character {at}: expected {due}"), "{filter}");
        }
        let deep = format!("{}a pr{}", "(".repeat(70), ")".repeat(70));
        assert_eq!(parse(&deep).unwrap_err(), "filter: parentheses nest deeper than 64 levels");
    }
}
