//! The form in which passwords are hashed: `OpaqueString` of RFC 8265.

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use precis_core::profile::PrecisFastInvocation as _;
use precis_core::{DerivedPropertyValue, FreeformClass, StringClass as _};
use precis_profiles::OpaqueString;
use shared::domain::text;

/// A password in the form in which it is hashed: spaces of other kinds are spaces, letters are
/// composed, and nothing else is changed. `None` if a character cannot be used.
pub(super) fn prepared(password: &str) -> Option<String> {
    let prepared = OpaqueString::enforce(password).ok().map(std::borrow::Cow::into_owned);
    prepared.or_else(|| by_current_tables(password))
}

/// The profile has the tables of 2013. A character of a later year is taken as the profile takes
/// older ones of its category (RFC 8264 §4.3), most of them emoji.
fn by_current_tables(password: &str) -> Option<String> {
    let class = FreeformClass::default();
    let categories = CodePointMapData::<GeneralCategory>::new();
    let as_older = |c: char| {
        if class.get_value_from_char(c) != DerivedPropertyValue::Unassigned {
            return Some(c);
        }
        is_usable(categories.get(c)).then_some('x')
    };
    let older = password.chars().map(as_older).collect::<Option<String>>()?;
    OpaqueString::enforce(older.as_str()).ok()?;
    let is_space = |c: char| categories.get(c) == GeneralCategory::SpaceSeparator;
    let spaced = password.chars().map(|c| if is_space(c) { ' ' } else { c });
    Some(text::nfc(&spaced.collect::<String>()).into_owned())
}

/// Whether characters of this category can be used: letters, marks, digits, punctuation, symbols.
const fn is_usable(category: GeneralCategory) -> bool {
    use GeneralCategory as G;
    !matches!(
        category,
        G::Unassigned
            | G::Control
            | G::Format
            | G::Surrogate
            | G::PrivateUse
            | G::LineSeparator
            | G::ParagraphSeparator
            | G::SpaceSeparator
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g28_characters_of_later_years_are_taken_and_controls_are_not() {
        // Of Unicode 6.0, 10.0 and 13.0.
        for password in ["🐒 orbit", "🥨 orbit", "🪐🪴 orbit", "\u{1c80} cyrillic of 2016"]
        {
            assert_eq!(prepared(password).as_deref(), Some(password));
        }
        let spaced = "🪐\u{3000}bru\u{302}le\u{301}e";
        assert_eq!(prepared(spaced).as_deref(), Some("🪐 brûlée"));
        // A control character, an unassigned one, one of private use, and the empty text.
        for password in ["🪐\torbit", "🪐\u{378}orbit", "🪐\u{e000}orbit", "\u{e000}", ""] {
            assert_eq!(prepared(password), None, "{password:?}");
        }
    }
}
