//! The forms in which values are compared.

use super::expression::{Operator, OperatorLevel};
use crate::domain::id::UserName;
use crate::domain::text;

/// The form in which values of a field are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueForm {
    /// Ids, in lower case.
    Id,
    /// Usernames, case-mapped (RFC 8265).
    Username,
    /// Text as it is written.
    Exact,
    /// E-mail addresses, normalised.
    Email,
    /// Text, folded (RFC 8266).
    Folded,
    /// Words and language tags, in lower case.
    Lower,
    /// Decimal numbers.
    Number,
    /// Times.
    Time,
    /// True or false.
    Boolean,
    /// Keyed hashes, of which only equality is known.
    Hash,
}

impl ValueForm {
    pub(super) fn level(self) -> OperatorLevel {
        match self {
            Self::Boolean | Self::Hash => OperatorLevel::Equality,
            Self::Time => OperatorLevel::Order,
            _ => OperatorLevel::Parts,
        }
    }

    /// A whole text in this form. A text that no value can equal gets a form that no value has.
    pub(super) fn of(self, value: &str) -> String {
        match self {
            Self::Id => value.parse::<UserName>().map_or_else(
                |_| value.to_lowercase(),
                |name| match name {
                    UserName::User(id) => id.to_string(),
                    UserName::Base(id) => id.to_string(),
                },
            ),
            Self::Username => text::username(value).unwrap_or_else(|| value.to_lowercase()),
            Self::Email => text::stored_email(value).unwrap_or_else(|| text::email_part(value)),
            Self::Folded => text::folded(value),
            Self::Lower => value.to_lowercase(),
            Self::Number => text::decimal(value)
                .map_or_else(|| value.to_owned(), |n| text::plain_decimal(&n).to_owned()),
            Self::Exact => text::nfc(value).into_owned(),
            Self::Time | Self::Boolean | Self::Hash => value.to_owned(),
        }
    }

    /// A part of a text in this form. Spaces at its ends are spaces between words, where there may
    /// be other words.
    pub(super) fn of_part(self, part: &str, operator: Operator) -> String {
        match self {
            Self::Id => part.to_lowercase(),
            Self::Email => text::email_part(part),
            Self::Number => part.to_owned(),
            Self::Folded => {
                let space = |there: bool| if there { " " } else { "" };
                let before = space(
                    operator != Operator::StartsWith && part.starts_with(char::is_whitespace),
                );
                let after =
                    space(operator != Operator::EndsWith && part.ends_with(char::is_whitespace));
                match text::folded(part) {
                    words if words.is_empty() => part.to_lowercase(),
                    words => format!("{before}{words}{after}"),
                }
            }
            _ => self.of(part),
        }
    }
}
