//! Tests of the texts in four languages.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderValue};

use super::*;

/// Texts that two languages share.
const SHARED: [(&str, &[Locale]); 3] = [
    ("Account.name", &[Locale::De]),
    ("Passkeys.heading", &[Locale::Nl, Locale::De]),
    ("Passkeys.default_name", &[Locale::Nl, Locale::De]),
];

fn numbers(text: &str) -> Vec<String> {
    let mut numbers: Vec<_> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    numbers.sort();
    numbers
}

#[test]
fn u11_each_text_is_there_in_each_language_and_none_is_english_elsewhere() {
    let english = Texts::of(Locale::En).all();
    for locale in [Locale::Nl, Locale::Fr, Locale::De] {
        let other = Texts::of(locale).all();
        assert_eq!(english.len(), other.len());
        for ((name, english), (_, text)) in english.iter().zip(&other) {
            assert!(!text.trim().is_empty() && text.trim() == text, "{locale:?} {name}");
            let shared = SHARED.iter().any(|(of, by)| of == name && by.contains(&locale));
            assert_eq!(english == text, shared, "{locale:?} {name}: {text}");
            let words: BTreeSet<_> = text.split(|c: char| !c.is_alphabetic()).collect();
            for word in ["the", "your", "and", "you", "password", "sign", "this"] {
                assert!(!words.contains(word), "{locale:?} {name}: {text}");
            }
        }
    }
}

#[test]
fn u11_placeholders_and_numbers_are_the_same_in_each_language() {
    let english = Texts::of(Locale::En).all();
    for locale in Locale::ALL {
        for ((name, english), (_, text)) in english.iter().zip(Texts::of(locale).all()) {
            for placeholder in ["{value}", "{other}"] {
                let count = |text: &str| text.matches(placeholder).count();
                assert_eq!(count(english), count(&text), "{locale:?} {name}: {text}");
                assert!(count(&text) <= 1, "{locale:?} {name}: {text}");
            }
            assert_eq!(numbers(english), numbers(&text), "{locale:?} {name}: {text}");
        }
    }
}

#[test]
fn u11_no_text_has_markup_and_french_has_its_spaces() {
    for locale in Locale::ALL {
        for (name, text) in Texts::of(locale).all() {
            assert!(!text.contains(['<', '>', '&', '"']), "{locale:?} {name}: {text}");
            assert!(!text.contains("  ") && !text.contains('\n'), "{locale:?} {name}: {text}");
            if locale == Locale::Fr {
                assert!(!text.contains(" ?") && !text.contains(" :") && !text.contains('\''));
                let bare = text.contains("é?") || text.contains("s?") || text.contains("t:");
                assert!(!bare, "{name}: {text}");
            }
        }
    }
}

#[test]
fn u11_a_browser_is_named_in_each_language() {
    let browser = |name: Option<&str>, system: Option<&str>| Browser {
        name: name.map(str::to_owned),
        system: system.map(str::to_owned),
    };
    for (browser, due) in [
        (
            Some(browser(Some("Firefox"), Some("Linux"))),
            ["Firefox on Linux", "Firefox op Linux", "Firefox sous Linux", "Firefox unter Linux"],
        ),
        (
            Some(browser(Some("Safari"), None)),
            [
                "Safari on an unknown system",
                "Safari op een onbekend systeem",
                "Safari sous un système inconnu",
                "Safari unter einem unbekannten System",
            ],
        ),
        (
            Some(browser(None, Some("Android"))),
            [
                "Unknown browser on Android",
                "Onbekende browser op Android",
                "Navigateur inconnu sous Android",
                "Unbekannter Browser unter Android",
            ],
        ),
        (
            None,
            ["Unknown browser", "Onbekende browser", "Navigateur inconnu", "Unbekannter Browser"],
        ),
    ] {
        assert_eq!(Locale::ALL.map(|locale| Texts::of(locale).browser(browser.as_ref())), due);
    }
}

#[test]
fn u11_a_time_is_written_as_the_language_writes_it() {
    let date = Date { year: 2026, month: 11, day: 1, hour: 9, minute: 5 };
    let written = Locale::ALL.map(|locale| (Texts::of(locale).date)(&date));
    assert_eq!(
        written,
        [
            "1 December 2026 at 9:05 UTC",
            "1 december 2026 om 9:05 uur UTC",
            "1er décembre 2026 à 9\u{202f}h\u{202f}05 UTC",
            "1. Dezember 2026 um 9:05 Uhr UTC",
        ]
    );
}

#[test]
fn u11_the_language_comes_from_ui_locales_then_from_the_browser_then_english() {
    let with = |accept: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(accept).unwrap());
        headers
    };
    let cases = [
        (None, "", Locale::En),
        (None, "nl-BE,nl;q=0.9,en;q=0.8", Locale::Nl),
        (None, "es, de;q=0.5, fr;q=0.8", Locale::Fr),
        (None, "fr;q=0, de;q=0.1", Locale::De),
        (None, "es, it;q=0.9, *;q=0.1", Locale::En),
        (None, "de;q=x, ;;;, fr;q=2.5e400", Locale::Fr),
        (Some("fr-BE nl"), "de", Locale::Fr),
        (Some("es NL_be"), "de", Locale::Nl),
        (Some("es it"), "de", Locale::De),
        (Some(""), "de", Locale::De),
    ];
    for (ui_locales, accept, due) in cases {
        assert_eq!(Locale::choose(ui_locales, &with(accept)), due, "{ui_locales:?} {accept}");
    }
    assert_eq!(Locale::choose(None, &HeaderMap::new()), Locale::En);
}
