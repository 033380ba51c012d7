//! Usernames in the form in which they are compared.

use icu_properties::CodePointMapData;
use icu_properties::props::{BidiClass, GeneralCategory};
use precis_core::profile::PrecisFastInvocation as _;
use precis_core::{DerivedPropertyValue, IdentifierClass, StringClass as _};
use precis_profiles::UsernameCaseMapped;
use unicode_normalization::UnicodeNormalization as _;

use super::unicode::{category, is_ignorable, nfc};

/// No username has as many bytes, so longer texts are refused unread.
const MAX_USERNAME: usize = 4096;

/// The form in which usernames are compared: UsernameCaseMapped (RFC 8265 §3.3) of the composed
/// text. `None` when the text is no username.
#[must_use]
pub fn username(text: &str) -> Option<String> {
    if text.len() > MAX_USERNAME {
        return None;
    }
    if text.is_ascii() {
        // The profile maps printable ASCII without spaces to lower case and nothing else.
        return text.bytes().all(|b| b.is_ascii_graphic()).then(|| text.to_ascii_lowercase());
    }
    mapped(text).or_else(|| {
        let composed = nfc(text);
        mapped(&composed).or_else(|| by_current_tables(&composed))
    })
}

fn mapped(text: &str) -> Option<String> {
    UsernameCaseMapped::enforce(text).ok().map(std::borrow::Cow::into_owned)
}

/// The profile has the tables of 2013. A letter, mark or digit of a later year is taken as the
/// profile takes older ones (RFC 8264 §4.2): for its rules of context and direction one of the same
/// direction stands in its place.
fn by_current_tables(composed: &str) -> Option<String> {
    let class = IdentifierClass::default();
    let older = |c: char| class.get_value_from_char(c) != DerivedPropertyValue::Unassigned;
    let as_older = |c: char| {
        if older(c) {
            return Some(c);
        }
        let compatible = std::iter::once(c).nfkc().eq(std::iter::once(c));
        (is_newer_letter(c) && compatible && !is_ignorable(c)).then(|| stand_in(c))
    };
    mapped(&composed.chars().map(as_older).collect::<Option<String>>()?)?;
    let lower = composed.chars().flat_map(|c| {
        let plain = if older(c) { width_mapped(c) } else { c };
        plain.to_lowercase()
    });
    Some(lower.nfc().collect())
}

const fn is_letter(category: GeneralCategory) -> bool {
    use GeneralCategory as G;
    matches!(
        category,
        G::UppercaseLetter
            | G::LowercaseLetter
            | G::OtherLetter
            | G::ModifierLetter
            | G::NonspacingMark
            | G::SpacingMark
            | G::DecimalNumber
    )
}

fn is_newer_letter(c: char) -> bool {
    is_letter(category(c))
}

fn stand_in(c: char) -> char {
    match CodePointMapData::<BidiClass>::new().get(c) {
        BidiClass::RightToLeft => '\u{5d0}',
        BidiClass::ArabicLetter => '\u{627}',
        BidiClass::ArabicNumber => '\u{660}',
        BidiClass::NonspacingMark => '\u{301}',
        _ => 'a',
    }
}

/// A fullwidth or halfwidth form in its usual width.
fn width_mapped(c: char) -> char {
    let wide = matches!(c, '\u{ff01}'..='\u{ffef}');
    let mut plain = std::iter::once(c).nfkc();
    match (wide, plain.next(), plain.next()) {
        (true, Some(plain), None) => plain,
        _ => c,
    }
}
