//! The comparable forms of values before Unicode composition was added. Index entries of users that
//! no write and no migration has touched since then have these forms (ADR 0048).

use super::folding::nickname;

/// The form of an e-mail address.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    domain.contains('.').then(|| format!("{}@{domain}", lower(local)))
}

/// The form of a name; `None` when it has no entry.
#[must_use]
pub fn name(text: &str) -> Option<String> {
    nickname(text)
}

/// The form of other free text.
#[must_use]
pub fn folded(text: &str) -> String {
    nickname(text).unwrap_or_else(|| text.to_lowercase())
}

fn lower(text: &str) -> String {
    let folded = text.to_lowercase();
    let letters = |text: &str| text.chars().filter(char::is_ascii).count();
    if letters(text) == letters(&folded) { folded } else { text.to_ascii_lowercase() }
}
