//! The texts of pages in English, Dutch, French and German. Each language is one static value of
//! [`Texts`], so a text that a language lacks does not compile.

mod de;
mod en;
mod fields;
mod fr;
mod nl;
#[cfg(test)]
mod tests;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use shared::domain::people::Browser;

pub(crate) use self::fields::{Consent, Date, Refusals, Texts};

/// The most languages of a list that are looked at.
const MAX_TAGS: usize = 20;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Locale {
    /// English, the default.
    #[default]
    En,
    /// Dutch.
    Nl,
    /// French.
    Fr,
    /// German.
    De,
}

impl Locale {
    /// All languages.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 4] = [Self::En, Self::Nl, Self::Fr, Self::De];

    /// Chooses the language of a page: the first known language of `ui_locales`, else the best of
    /// Accept-Language, else English.
    pub(crate) fn choose(ui_locales: Option<&str>, headers: &HeaderMap) -> Self {
        let asked = ui_locales.and_then(Self::of_tags);
        let accepted = || {
            let header = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
            Self::accepted(header)
        };
        asked.or_else(accepted).unwrap_or_default()
    }

    /// The first known language of a list of tags that spaces separate.
    pub(crate) fn of_tags(tags: &str) -> Option<Self> {
        tags.split(' ').take(MAX_TAGS).find_map(Self::of_tag)
    }

    /// The language of a tag, whatever its region: `nl-BE` is Dutch.
    fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.split(['-', '_']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "nl" => Some(Self::Nl),
            "fr" => Some(Self::Fr),
            "de" => Some(Self::De),
            _ => None,
        }
    }

    /// The known language with the greatest weight; of equal weights the first (RFC 9110 §12.5.4).
    fn accepted(header: &str) -> Option<Self> {
        let weighed = header.split(',').take(MAX_TAGS).filter_map(|range| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let locale = Self::of_tag(tag.trim())?;
            let weight = weight.trim().strip_prefix("q=")?.parse::<f32>().ok()?;
            (weight > 0.0).then_some((locale, weight))
        });
        let best = weighed.fold(None, |best: Option<(Self, f32)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        });
        best.map(|(locale, _)| locale)
    }

    /// The language tag.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
            Self::Fr => "fr",
            Self::De => "de",
        }
    }
}

impl Texts {
    /// The texts of a language.
    pub(crate) const fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &en::TEXTS,
            Locale::Nl => &nl::TEXTS,
            Locale::Fr => &fr::TEXTS,
            Locale::De => &de::TEXTS,
        }
    }

    /// A browser in words.
    pub(crate) fn browser(&self, browser: Option<&Browser>) -> String {
        let texts = &self.account;
        let unknown = (texts.unknown_browser, texts.unknown_system);
        browser.map_or_else(
            || unknown.0.to_owned(),
            |browser| browser.label(unknown, texts.browser_on),
        )
    }
}
