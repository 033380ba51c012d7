//! Properties of characters, from the tables of current Unicode.

use std::borrow::Cow;

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, JoiningType,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// A text in Normalization Form C: the form in which texts are compared and hashed.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

pub(super) fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Whether a character is a combining mark.
pub(super) fn is_mark(c: char) -> bool {
    matches!(
        category(c),
        GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
            | GeneralCategory::EnclosingMark
    )
}

/// Whether a character shows nothing by itself: selectors of variants, marks of direction, joiners.
pub(super) fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether each ZERO WIDTH JOINER and NON-JOINER of a text stands where a script needs it: after a
/// virama, a NON-JOINER also between letters that join (RFC 5892 A.1 and A.2).
pub(super) fn joins_well(text: &str) -> bool {
    let combining = CodePointMapData::<CanonicalCombiningClass>::new();
    let joining = CodePointMapData::<JoiningType>::new();
    let chars: Vec<_> = text.chars().collect();
    chars.iter().enumerate().all(|(i, c)| {
        if !matches!(c, '\u{200c}' | '\u{200d}') {
            return true;
        }
        let (before, rest) = chars.split_at(i);
        let after_virama =
            before.last().is_some_and(|c| combining.get(*c) == CanonicalCombiningClass::Virama);
        let solid = |c: &&char| joining.get(**c) != JoiningType::Transparent;
        let left = before.iter().rev().find(solid).map(|c| joining.get(*c));
        let right = rest.iter().skip(1).find(solid).map(|c| joining.get(*c));
        let between = matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
            && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining));
        after_virama || *c == '\u{200c}' && between
    })
}
