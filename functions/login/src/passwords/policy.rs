//! Which passwords are taken (rules G27 to G29): as long as the tenant asks for, and hard to guess.
//! There are no rules about kinds of characters.

use std::borrow::Cow;

use shared::domain::id::TenantId;
use shared::domain::user::User;
use zxcvbn::feedback::{Feedback, Warning};
use zxcvbn::{Score, zxcvbn};

use super::Prepared;
use super::prepare::prepared;
use crate::texts;

/// The most characters (Unicode code points) of a password.
pub(super) const LONGEST: usize = 256;
/// How many characters besides words of the context a password needs.
const MIN_OWN: usize = 4;
/// The shortest word of the context that counts.
const MIN_WORD: usize = 3;
/// The most words of the context that are looked at.
const MAX_WORDS: usize = 40;
/// The name of the service.
const SERVICE: &str = "kith";

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It has fewer characters than this number.
    TooShort(u16),
    /// It has more than 256 characters.
    TooLong,
    /// A character cannot be used: a control character, say.
    Characters,
    /// Attackers try it first.
    Common,
    /// It consists of what others know of the person.
    Personal,
    /// It repeats itself.
    Repeats,
    /// It consists of sequences.
    Sequences,
    /// It follows the keys of the keyboard.
    Keyboard,
    /// It consists of dates.
    Dates,
    /// It is easy to guess for another reason.
    Guessable,
    /// It is the present password.
    Unchanged,
}

impl Refusal {
    /// The reason in the language of a page.
    pub(crate) fn text(self, texts: &texts::Refusals) -> Cow<'static, str> {
        match self {
            Self::TooShort(least) => (texts.too_short)(&least.to_string()).into(),
            Self::TooLong => texts.too_long.into(),
            Self::Characters => texts.characters.into(),
            Self::Common => texts.common.into(),
            Self::Personal => texts.personal.into(),
            Self::Repeats => texts.repeats.into(),
            Self::Sequences => texts.sequences.into(),
            Self::Keyboard => texts.keyboard.into(),
            Self::Dates => texts.dates.into(),
            Self::Guessable => texts.guessable.into(),
            Self::Unchanged => texts.unchanged.into(),
        }
    }

    /// Whether advice on choosing a password helps.
    pub(crate) const fn needs_advice(self) -> bool {
        !matches!(self, Self::TooLong | Self::Characters)
    }

    /// The reason for a client of the API.
    pub(super) fn for_clients(self) -> Cow<'static, str> {
        match self {
            Self::TooShort(least) => format!("use at least {least} characters").into(),
            Self::TooLong => "use at most 256 characters".into(),
            Self::Characters => "use letters, digits, punctuation and spaces (RFC 8265)".into(),
            Self::Common => "choose another password: attackers try this one first".into(),
            Self::Personal => {
                "choose another password: this one consists of names of the user".into()
            }
            Self::Repeats => "choose another password: this one repeats itself".into(),
            Self::Sequences => "choose another password: this one consists of sequences".into(),
            Self::Keyboard => "choose another password: this one follows the keyboard".into(),
            Self::Dates => "choose another password: this one consists of dates".into(),
            Self::Guessable => "choose another password: this one is easy to guess".into(),
            Self::Unchanged => "choose another password: this one is the present password".into(),
        }
    }
}

/// What others know of a person.
pub(crate) struct Context<'a> {
    /// The username.
    pub(crate) username: &'a str,
    /// The e-mail address.
    pub(crate) address: Option<&'a str>,
    /// The names.
    pub(crate) names: [Option<&'a str>; 2],
    /// The tenant.
    pub(crate) tenant: &'a TenantId,
}

impl<'a> Context<'a> {
    /// What others know of a user.
    pub(crate) fn of(user: &'a User, tenant: &'a TenantId) -> Self {
        Self {
            username: &user.username,
            address: user.preferred_email.as_deref(),
            names: [user.given_name.as_deref(), user.family_name.as_deref()],
            tenant,
        }
    }

    /// The words in lower case: each text, and its parts; the longest first.
    pub(super) fn words(&self) -> Vec<String> {
        let texts = [Some(self.username), self.address, Some(self.tenant.as_str()), Some(SERVICE)];
        let mut words = Vec::new();
        for text in texts.into_iter().chain(self.names).flatten() {
            let text = text.to_lowercase();
            words.extend(text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
            words.push(text);
        }
        words.retain(|word| word.chars().count() >= MIN_WORD);
        words.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
        words.truncate(MAX_WORDS);
        words
    }
}

/// Judges a password by itself, by the fewest characters of its tenant and by the words of its
/// context.
pub(super) fn judge(password: &str, least: u16, words: &[String]) -> Result<Prepared, Refusal> {
    // Before any other work: the preparation takes time with the length.
    if password.chars().count() > LONGEST {
        return Err(Refusal::TooLong);
    }
    if password.is_empty() {
        return Err(Refusal::TooShort(least));
    }
    let prepared = prepared(password).ok_or(Refusal::Characters)?;
    let length = prepared.chars().count();
    if length < usize::from(least) {
        return Err(Refusal::TooShort(least));
    }
    if length > LONGEST {
        return Err(Refusal::TooLong);
    }
    if own_characters(&prepared, words) < MIN_OWN {
        return Err(Refusal::Personal);
    }
    let known: Vec<_> = words.iter().map(String::as_str).collect();
    let entropy = zxcvbn(&prepared, &known);
    if entropy.score() >= Score::Three {
        return Ok(Prepared(prepared));
    }
    Err(entropy.feedback().and_then(Feedback::warning).map_or(Refusal::Guessable, |warning| {
        match warning {
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword => Refusal::Common,
            Warning::RepeatsLikeAaaAreEasyToGuess
            | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => Refusal::Repeats,
            Warning::SequencesLikeAbcAreEasyToGuess => Refusal::Sequences,
            Warning::StraightRowsOfKeysAreEasyToGuess
            | Warning::ShortKeyboardPatternsAreEasyToGuess => Refusal::Keyboard,
            Warning::DatesAreOftenEasyToGuess | Warning::RecentYearsAreEasyToGuess => {
                Refusal::Dates
            }
            _ => Refusal::Guessable,
        }
    }))
}

/// How many characters a password has besides the words of its context, spaces and punctuation.
fn own_characters(password: &str, words: &[String]) -> usize {
    let mut left = password.to_lowercase();
    for word in words {
        left = left.replace(word.as_str(), " ");
    }
    left.chars().filter(|c| !c.is_whitespace() && !c.is_ascii_punctuation()).count()
}
