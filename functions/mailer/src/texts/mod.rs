//! The texts of all mails in four languages. A text that is missing in one of them does not
//! compile.
//!
//! A placeholder is a name in braces: `{service}`, `{username}`, `{time}`, `{browser}`,
//! `{network}`, `{passkey}`. A subject has `{service}` alone, so it holds no personal data (rule
//! G51).

mod de;
mod en;
mod fr;
mod nl;

use shared::domain::people::{Browser, MailKind};

/// A language of mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Dutch,
    French,
    German,
}

impl Language {
    /// All of them.
    const ALL: [Self; 4] = [Self::English, Self::Dutch, Self::French, Self::German];

    /// The language of the first tag that has texts, of several lists of tags; English without one.
    pub(crate) fn choose<'t>(lists: impl IntoIterator<Item = &'t str>) -> Self {
        let mut tags = lists.into_iter().flat_map(str::split_whitespace);
        tags.find_map(Self::of).unwrap_or(Self::English)
    }

    fn of(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or(tag);
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// Its tag (BCP 47).
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Dutch => "nl",
            Self::French => "fr",
            Self::German => "de",
        }
    }

    /// Its texts.
    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &en::TEXTS,
            Self::Dutch => &nl::TEXTS,
            Self::French => &fr::TEXTS,
            Self::German => &de::TEXTS,
        }
    }
}

/// The texts of one language.
pub(crate) struct Texts {
    /// What is said if nothing is known of a browser, or a network is not known.
    pub(crate) unknown: &'static str,
    /// A browser on its operating system.
    pub(crate) browser_on: fn(&str, &str) -> String,
    /// The browser, if the operating system alone is known.
    pub(crate) unknown_browser: &'static str,
    /// The operating system, if the browser alone is known.
    pub(crate) unknown_system: &'static str,
    /// What stands below each mail.
    pub(crate) footer: &'static str,
    /// The line above a link for clients that do not show buttons.
    pub(crate) copy_link: &'static str,
    /// That passkeys work after the password was changed, and where they are removed.
    pub(crate) passkeys_kept: &'static str,
    /// That all passkeys were removed with the old password.
    pub(crate) passkeys_removed: &'static str,
    pub(crate) invitation: MailText,
    pub(crate) reset: MailText,
    pub(crate) username_reminder: MailText,
    pub(crate) new_device: MailText,
    pub(crate) failures: MailText,
    pub(crate) password_changed: MailText,
    pub(crate) passkey_added: MailText,
    pub(crate) passkey_removed: MailText,
    pub(crate) passkey_copied: MailText,
    pub(crate) address_confirm: MailText,
    pub(crate) address_notice: MailText,
    pub(crate) temporary_password: MailText,
}

/// The texts of one kind of mail.
pub(crate) struct MailText {
    pub(crate) subject: &'static str,
    /// The paragraphs before the link.
    pub(crate) before: &'static [&'static str],
    /// What the link does.
    pub(crate) action: &'static str,
    /// The paragraphs after the link.
    pub(crate) after: &'static [&'static str],
}

impl Texts {
    /// The texts of a kind of mail.
    pub(crate) const fn of(&self, kind: MailKind) -> &MailText {
        match kind {
            MailKind::Invitation => &self.invitation,
            MailKind::Reset => &self.reset,
            MailKind::UsernameReminder => &self.username_reminder,
            MailKind::NewDevice => &self.new_device,
            MailKind::Failures => &self.failures,
            MailKind::PasswordChanged => &self.password_changed,
            MailKind::PasskeyAdded => &self.passkey_added,
            MailKind::PasskeyRemoved => &self.passkey_removed,
            MailKind::PasskeyCopied => &self.passkey_copied,
            MailKind::AddressConfirm => &self.address_confirm,
            MailKind::AddressNotice => &self.address_notice,
            MailKind::TemporaryPassword => &self.temporary_password,
        }
    }

    /// A browser in words.
    pub(crate) fn browser(&self, browser: &Browser) -> String {
        browser.label((self.unknown_browser, self.unknown_system), self.browser_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g51_the_first_language_with_texts_is_taken() {
        for (lists, due) in [
            (&["nl-BE fr"][..], "nl"),
            (&["sv", "fr"], "fr"),
            (&["sv de", "fr"], "de"),
            (&["DE-at"], "de"),
            (&["", "xx"], "en"),
            (&[], "en"),
        ] {
            assert_eq!(Language::choose(lists.iter().copied()).tag(), due, "{lists:?}");
        }
    }

    #[test]
    fn g51_dutch_mails_say_u_as_the_pages_do() {
        for kind in MailKind::ALL {
            let text = Language::Dutch.texts().of(kind);
            let all =
                [&[text.subject, text.action][..], text.before, text.after].concat().join(" ");
            for word in all.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
                assert!(!["je", "jij", "jou", "jouw"].contains(&word), "{kind}: {all}");
            }
        }
    }

    #[test]
    fn g49_each_language_tells_in_its_words_what_became_of_passkeys() {
        let texts: [fn(&Texts) -> &'static str; 2] =
            [|texts| texts.passkeys_kept, |texts| texts.passkeys_removed];
        for text in texts {
            let mut told = Language::ALL.map(|language| text(language.texts()));
            assert!(told.iter().all(|text| text.len() > 20 && !text.contains('{')), "{told:?}");
            told.sort_unstable();
            assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
        }
    }

    /// The placeholders of a text, in their order.
    fn placeholders(text: &str) -> Vec<&str> {
        let starts = text.split('{').skip(1);
        let mut found: Vec<_> = starts.filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn g51_all_languages_tell_the_same_facts_and_subjects_hold_no_personal_data() {
        let facts = |language: Language, kind: MailKind| {
            let text = language.texts().of(kind);
            placeholders(&[text.before, text.after].concat().join(" ")).join(" ")
        };
        for kind in MailKind::ALL {
            for language in Language::ALL {
                let text = language.texts().of(kind);
                assert_eq!(placeholders(text.subject), ["service"], "{kind} {language:?}");
                assert_eq!(facts(language, kind), facts(Language::English, kind), "{language:?}");
                assert!(!text.before.is_empty() && !text.action.is_empty(), "{kind} {language:?}");
                assert_eq!(placeholders(text.action), [""; 0], "{kind} {language:?}");
            }
        }
        for language in Language::ALL {
            assert_eq!(placeholders(language.texts().footer), ["service"], "{language:?}");
        }
    }
}
