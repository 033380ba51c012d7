//! Text in the forms in which it is compared: usernames, names, e-mail addresses, language tags.
//!
//! A text is stored and returned as typed. This module makes the forms in which texts are compared,
//! hashed into keys and indexed.

pub mod earlier;
mod folding;
mod mail;
#[cfg(test)]
mod tests;
mod unicode;
mod username;

use std::cmp::Ordering;
use std::str::FromStr;

use oxilangtag::LanguageTag;

pub use self::folding::{folded, secret};
pub use self::mail::{EXPECTED_EMAIL, MAX_EMAIL, email, email_part, stored_email};
pub use self::unicode::nfc;
pub use self::username::username;

/// Bytes in lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
        text
    })
}

/// A telephone number in the international form of E.164, as `+3225550123`: a country calling code
/// that exists, the lengths that its country has, 15 digits at the most, nothing between the
/// digits. `None` for anything else.
#[must_use]
pub fn phone(text: &str) -> Option<String> {
    let digits = text.strip_prefix('+')?;
    let plain = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    (plain && phonelib::normalize_phone_number(text).as_deref() == Some(text))
        .then(|| text.to_owned())
}

/// Language tags (BCP 47) as one string in their canonical case, separated by a space; input
/// separated by spaces or commas. `None` when one of them is not a tag, or when there is none.
#[must_use]
pub fn locales(text: &str) -> Option<String> {
    let tags: Option<Vec<_>> = text
        .split([' ', ','])
        .filter(|tag| !tag.is_empty())
        .map(|tag| LanguageTag::parse_and_normalize(tag).ok().map(LanguageTag::into_inner))
        .collect();
    tags.filter(|tags| !tags.is_empty()).map(|tags| tags.join(" "))
}

/// A decimal number as text: a sign only if negative, no exponent, no superfluous leading zeros,
/// all digits after the point kept. Takes JSON's notation, exponent included. `None` when the text
/// is no number, or has more than 38 significant digits (what DynamoDB keeps), or would need more
/// than 38 places.
#[must_use]
pub fn decimal(text: &str) -> Option<String> {
    const DIGITS: usize = 38;
    /// Longer texts are no such numbers.
    const MAX_TEXT: usize = 200;
    if text.len() > MAX_TEXT {
        return None;
    }
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, i32::from_str(exponent).ok().filter(|e| e.abs() <= 76)?)
        }
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let bare_point = mantissa.contains('.') && fraction.is_empty();
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    let well_formed = !whole.is_empty()
        && !leading_zero
        && !bare_point
        && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    if !well_formed {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let (whole, fraction) = match usize::try_from(point) {
        Ok(point) if point >= digits.len() => (format!("{digits:0<point$}"), String::new()),
        Ok(point) if point > 0 => {
            let (whole, fraction) = digits.split_at_checked(point)?;
            (whole.to_owned(), fraction.to_owned())
        }
        _ => {
            let zeros = usize::try_from(-point).ok()?;
            (String::new(), format!("{}{digits}", "0".repeat(zeros)))
        }
    };
    let whole = whole.trim_start_matches('0');
    let significant = format!("{whole}{fraction}");
    if significant.trim_start_matches('0').len() > DIGITS || fraction.len() > DIGITS {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let zero = significant.bytes().all(|b| b == b'0');
    let sign = if negative && !zero { "-" } else { "" };
    Some(if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    })
}

/// The form in which decimal numbers are compared: without trailing zeros after the point.
#[must_use]
pub fn plain_decimal(decimal: &str) -> &str {
    if decimal.contains('.') {
        decimal.trim_end_matches('0').trim_end_matches('.')
    } else {
        decimal
    }
}

/// The order of two decimal numbers, each as [`decimal`] writes it, by all their digits.
#[must_use]
pub fn decimal_order(one: &str, other: &str) -> Ordering {
    let magnitude = |decimal: &str| {
        let (whole, fraction) =
            plain_decimal(decimal).split_once('.').unwrap_or((plain_decimal(decimal), ""));
        (whole.len(), whole.to_owned(), fraction.to_owned())
    };
    match (one.strip_prefix('-'), other.strip_prefix('-')) {
        (None, None) => magnitude(one).cmp(&magnitude(other)),
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => magnitude(other).cmp(&magnitude(one)),
    }
}
