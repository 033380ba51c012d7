//! Text in the forms in which it is compared: usernames, names, e-mail addresses, language tags.
//!
//! What a person typed is stored and returned as typed; what is compared, hashed into a key or put
//! into an index is a form that this module makes.

use std::cmp::Ordering;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use oxilangtag::LanguageTag;
use precis_core::profile::PrecisFastInvocation;
use precis_profiles::{Nickname, UsernameCaseMapped};

/// What is said of a text that is no e-mail address.
pub const EXPECTED_EMAIL: &str = "expected an e-mail address, e.g. jan@example.org";
/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3 less the angle brackets).
pub const MAX_EMAIL: usize = 254;

/// No username has as many bytes, so nothing longer is looked at.
const MAX_USERNAME: usize = 4096;

/// The form in which usernames are compared: UsernameCaseMapped (RFC 8265 §3.3). `None` when the
/// text is no username.
#[must_use]
pub fn username(text: &str) -> Option<String> {
    if text.len() > MAX_USERNAME {
        return None;
    }
    if text.is_ascii() {
        // The profile maps printable ASCII without spaces to lower case and nothing else.
        return text.bytes().all(|b| b.is_ascii_graphic()).then(|| text.to_ascii_lowercase());
    }
    UsernameCaseMapped::enforce(text).ok().map(std::borrow::Cow::into_owned)
}

/// The form in which names and other free text are compared: that of the Nickname profile (RFC 8266
/// §2.4), which folds case and compatibility forms and squeezes spaces. `None` when the text has
/// characters that no name has.
#[must_use]
pub fn folded(text: &str) -> Option<String> {
    if text.is_ascii() {
        let printable = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        let words: Vec<_> = text.split(' ').filter(|word| !word.is_empty()).collect();
        return (printable && !words.is_empty()).then(|| words.join(" ").to_ascii_lowercase());
    }
    // The final form of sigma is chosen by where it stands, and a part of a name ends elsewhere.
    let mapped = Nickname::enforce(text).ok()?.to_lowercase().replace('ς', "σ");
    Nickname::enforce(mapped).ok().map(std::borrow::Cow::into_owned)
}

/// The form in which e-mail addresses are compared: the local part folded, the domain as its
/// lower-case A-labels (IDNA, UTS 46). `None` when the text is no address: one `@`, no display
/// name, no quotes, at most [`MAX_EMAIL`] bytes.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let options =
        Options::default().without_display_text().without_domain_literal().with_required_tld();
    if text.len() > MAX_EMAIL || EmailAddress::parse_with_options(text, options).is_err() {
        return None;
    }
    let (local, domain) = text.rsplit_once('@')?;
    if local.contains('"') {
        return None;
    }
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    (domain.contains('.')).then(|| format!("{}@{domain}", lower(local)))
}

/// A part of an e-mail address in the form in which addresses are compared: what stands before an
/// `@` in lower case, what stands after it as A-labels where it has them.
#[must_use]
pub fn email_part(part: &str) -> String {
    match part.rsplit_once('@') {
        Some((local, domain)) => {
            let domain =
                idna::domain_to_ascii_strict(domain).unwrap_or_else(|_| domain.to_lowercase());
            format!("{}@{domain}", lower(local))
        }
        None => lower(part),
    }
}

/// Text in lower case. What only looks like an ASCII letter, as the sign of the kelvin does, does
/// not become one: it is another mailbox.
fn lower(text: &str) -> String {
    let folded = text.to_lowercase();
    let letters = |text: &str| text.chars().filter(char::is_ascii).count();
    if letters(text) == letters(&folded) { folded } else { text.to_ascii_lowercase() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_numbers_are_in_order_by_all_their_digits() {
        let ascending = [
            "-12345678901234567890123456789012345678",
            "-12345678901234567890123456789012345677.9",
            "-10",
            "-9.5",
            "-0.01",
            "-0.001",
            "0",
            "0.001",
            "0.01",
            "0.1",
            "9",
            "9.05",
            "9.5",
            "10",
            "12345678901234567890123456789012345677",
            "12345678901234567890123456789012345678",
        ];
        for (i, one) in ascending.iter().enumerate() {
            for (j, other) in ascending.iter().enumerate() {
                assert_eq!(decimal_order(one, other), i.cmp(&j), "{one} {other}");
            }
        }
        assert_eq!(decimal_order("1.50", "1.5"), Ordering::Equal);
        assert_eq!(decimal_order("-2.0", "-2"), Ordering::Equal);
    }

    #[test]
    fn parts_of_addresses_compare_as_addresses_do() {
        assert_eq!(email_part("Jan@B\u{fc}cher.Example"), "jan@xn--bcher-kva.example");
        assert_eq!(email_part("@EXAMPLE.org"), "@example.org");
        assert_eq!(email_part("Jan@"), "jan@");
        assert_eq!(email_part("JAN"), "jan");
        assert_eq!(email_part("\u{212a}elvin"), "\u{212a}elvin");
    }

    #[test]
    fn a_mailbox_that_only_looks_like_another_is_another() {
        assert_eq!(email("KELVIN@X.org").as_deref(), Some("kelvin@x.org"));
        assert_eq!(email("\u{c9}lise@x.org"), email("\u{e9}lise@x.org"));
        assert_ne!(email("\u{212a}elvin@x.org"), email("kelvin@x.org"));
    }

    #[test]
    fn d3_usernames_compare_case_mapped() {
        assert_eq!(username("Jan.Janssen"), username("JAN.JANSSEN"));
        assert_eq!(username("JOSÉ"), username("jose\u{301}"));
        assert_eq!(username("ｊａｎ"), username("jan"));
        for wrong in ["jan janssen", "a\u{7f}", "a\u{200b}b", "♚", ""] {
            assert!(username(wrong).is_none_or(|name| name.is_empty()), "{wrong:?}");
        }
    }

    #[test]
    fn the_ascii_short_cuts_agree_with_the_profiles() {
        for c in ' '..='~' {
            let text = format!("A{c}b");
            assert_eq!(
                username(&text),
                UsernameCaseMapped::enforce(&*text).ok().map(std::borrow::Cow::into_owned),
                "{text}"
            );
            let folded_slowly =
                Nickname::enforce(text.to_lowercase()).ok().map(std::borrow::Cow::into_owned);
            assert_eq!(folded(&text), folded_slowly, "{text}");
        }
    }

    #[test]
    fn names_compare_folded() {
        assert_eq!(folded("  Van  den  BERG "), folded("van den berg"));
        assert_eq!(folded("ÅSTRÖM").unwrap(), "åström");
        assert!(folded("ΟΔΥΣΣΕΑΣ").unwrap().starts_with(&folded("ΟΔΥΣ").unwrap()));
        assert_eq!(folded("Οδυσσέας"), folded("ΟΔΥΣΣΈΑΣ"));
        assert_eq!(folded("\u{0}"), None);
        assert_eq!(folded("O'Brien #1").unwrap(), "o'brien #1");
    }

    #[test]
    fn a1_email_addresses() {
        assert_eq!(email("Jan@Example.ORG").unwrap(), "jan@example.org");
        assert_eq!(email("jan@bücher.example").unwrap(), "jan@xn--bcher-kva.example");
        let long = format!("{}@example.org", "a".repeat(250));
        for wrong in [
            "jan",
            "@x.org",
            "jan@",
            "jan@localhost",
            "a b@x.org",
            "Jan <jan@x.org>",
            "\"a b\"@x.org",
            "a@b@c.org",
            &long,
        ] {
            assert_eq!(email(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a1_telephone_numbers_in_the_form_of_e_164() {
        for right in
            ["+3225550123", "+32475123456", "+14155552671", "+442071838750", "+31612345678"]
        {
            assert_eq!(phone(right).as_deref(), Some(right));
        }
        let long = format!("+{}", "1".repeat(70_000));
        for wrong in [
            "",
            "+",
            "32475123456",
            "0475123456",
            "+32 475 12 34 56",
            "+32-475123456",
            "+(32)475123456",
            "+0475123456",
            "+999123456789",
            "+1415555",
            "+141555526711",
            "+4946139326740203",
            "+３２４７５１２３４５６",
            "tel:+3225550123",
            "+3225550123;ext=4",
            "+32475123456 ",
            "+324751x23456",
            &long,
        ] {
            assert_eq!(phone(wrong), None, "{}", wrong.get(..40).unwrap_or(wrong));
        }
    }

    #[test]
    fn a1_language_tags_have_their_canonical_case() {
        assert_eq!(locales("fr-be,NL-be").unwrap(), "fr-BE nl-BE");
        assert_eq!(locales("zh-hant-tw").unwrap(), "zh-Hant-TW");
        assert_eq!(locales("not_a_tag"), None);
        assert_eq!(locales(" , "), None);
    }

    #[test]
    fn p1_numbers_keep_their_digits_or_are_refused() {
        for (text, due) in [
            ("42", "42"),
            ("-0", "0"),
            ("1.50", "1.50"),
            ("1e3", "1000"),
            ("12.345e1", "123.45"),
            ("-5E-3", "-0.005"),
            ("0.0", "0.0"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ] {
            assert_eq!(decimal(text).as_deref(), Some(due), "{text}");
        }
        for wrong in [
            "",
            "+1",
            "01",
            ".5",
            "1.",
            "1e",
            "0x1",
            "NaN",
            "1e99",
            "123456789012345678901234567890123456789",
            "１",
        ] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
        assert_eq!(plain_decimal("1.50"), "1.5");
        assert_eq!(plain_decimal("100"), "100");
    }
}
