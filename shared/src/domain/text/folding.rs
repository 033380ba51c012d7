//! Names and other free text, folded for comparison and search.

use precis_core::profile::PrecisFastInvocation as _;
use precis_profiles::Nickname;
use unicode_normalization::UnicodeNormalization as _;

use super::unicode::{is_ignorable, nfc};

/// The form in which names and other free text are compared: without regard to case, to
/// compatibility forms and to how many spaces stand between words.
///
/// It is that of the Nickname profile (RFC 8266 §2.4) if the profile accepts the text. The profile
/// is made for identifiers, and its tables are of 2013. A text that it refuses is folded in the
/// same way by current tables. A text is never refused for its form.
#[must_use]
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return squeezed(text).to_ascii_lowercase();
    }
    nickname(text).unwrap_or_else(|| by_current_tables(text))
}

/// The form of the Nickname profile; `None` when the profile does not take the text.
pub(super) fn nickname(text: &str) -> Option<String> {
    if text.is_ascii() {
        let printable = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        let folded = squeezed(text).to_ascii_lowercase();
        return (printable && !folded.is_empty()).then_some(folded);
    }
    // The final form of sigma is chosen by where it stands, and a part of a name ends elsewhere.
    let mapped = Nickname::enforce(text).ok()?.to_lowercase().replace('ς', "σ");
    Nickname::enforce(mapped).ok().map(std::borrow::Cow::into_owned)
}

/// Folds like the profile, by current tables. Invisible characters are removed. A joiner changes
/// the meaning of a word, so it stays as in the profile.
fn by_current_tables(text: &str) -> String {
    let shown = |c: &char| matches!(c, '\u{200c}' | '\u{200d}') || !is_ignorable(*c);
    let composed: String = text.chars().filter(shown).nfkc().collect();
    let lower = composed.to_lowercase().replace('ς', "σ");
    let folded = squeezed(&lower.nfkc().collect::<String>());
    if folded.is_empty() && !text.trim().is_empty() { nfc(text).into_owned() } else { folded }
}

/// The words of a text with one space between them.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The form in which a secret is hashed for search. Only the hash is stored, so the form of texts
/// from before composition must not change.
#[must_use]
pub fn secret(text: &str) -> String {
    let composed = nfc(text);
    nickname(text)
        .or_else(|| nickname(&composed))
        .unwrap_or_else(|| nfc(&composed.to_lowercase()).into_owned())
}
