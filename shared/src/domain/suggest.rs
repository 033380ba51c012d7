//! "Did you mean": a suggestion for a name that does not exist.
//!
//! A suggestion is one of the names that are valid where the wrong one was used, so it never tells
//! of a name that the caller may not see.

use std::borrow::Cow;

use super::error::MAX_NAME;

/// The most characters of a name that a message repeats.
const MAX_SHOWN: usize = 100;
/// The most names that are suggested for one.
const MAX_SUGGESTIONS: usize = 2;

/// Names of our fields in other systems: lower case, without `_` and `-`. The words of a line are
/// synonyms of the name at its start.
const SYNONYMS: [(&str, &[&str]); 12] = [
    ("preferred_email", &["email", "mail", "emailaddress", "emails", "primaryemail"]),
    ("given_name", &["firstname", "forename", "name", "displayname", "fullname"]),
    ("family_name", &["lastname", "surname", "name", "displayname", "fullname"]),
    ("username", &["login", "loginname", "user", "userid"]),
    ("ui_locales", &["locale", "locales", "language", "lang", "preferredlanguage"]),
    ("id_at_customer", &["externalid", "customerid"]),
    ("email_verified", &["verified", "emailverification"]),
    ("display_name", &["name", "title", "label"]),
    ("name", &["displayname", "title", "label"]),
    ("status", &["active", "enabled", "blocked", "state"]),
    ("phone", &["mobile", "phonenumber", "telephone", "tel"]),
    ("mobile", &["phone", "mobilephone", "mobilenumber", "phonenumber", "cell"]),
];

/// `unknown <what> <name>`, with the names that may have been meant by it.
pub fn unknown<'v>(what: &str, name: &str, valid: impl IntoIterator<Item = &'v str>) -> String {
    format!("unknown {what} `{}`{}", shown(name), did_you_mean(name, valid))
}

/// The part of a name from the request that a message repeats: at most 100 characters.
#[must_use]
pub fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(MAX_SHOWN).and_then(|(end, _)| name.get(..end)) {
        Some(start) => Cow::Owned(format!("{start}…")),
        None => Cow::Borrowed(name),
    }
}

/// The text, cut between characters to at most so many bytes.
#[must_use]
pub fn cut(mut text: String, most: usize) -> String {
    const END: &str = "…";
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub(END.len())));
        text.push_str(END);
    }
    text
}

/// The end of a message that says which of the `valid` names may have been meant; empty if none is
/// near.
pub fn did_you_mean<'v>(name: &str, valid: impl IntoIterator<Item = &'v str>) -> String {
    suggestion(&nearest(name, valid))
}

/// The end of a message that suggests these names; empty without any.
pub(super) fn suggestion(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}

/// The valid names that are nearest to `name`, if they are near enough.
pub(super) fn nearest<'v>(name: &str, valid: impl IntoIterator<Item = &'v str>) -> Vec<&'v str> {
    let mut nearest = Vec::new();
    if name.len() > MAX_NAME {
        return nearest;
    }
    let name = plain(name);
    let mut least = STEP * (name.len().max(3) / 3) + STEP - 1;
    for valid in valid {
        let Some(far) = distance(&name, valid).filter(|far| *far <= least) else { continue };
        if far < least {
            nearest.clear();
            least = far;
        }
        if nearest.len() < MAX_SUGGESTIONS && !nearest.contains(&valid) {
            nearest.push(valid);
        }
    }
    nearest
}

/// The distance of one letter. Among names of equal distance, synonyms come second and parts of
/// names last.
const STEP: usize = 3;

/// How far `name` is away from a valid name. `None` if their lengths say that it is too far.
fn distance(name: &str, valid: &str) -> Option<usize> {
    let last = valid.rsplit('.').next().unwrap_or(valid);
    let letters = |word: &str| {
        let near = word.len().abs_diff(name.len()) <= name.len().max(3) / 3;
        near.then(|| STEP * strsim::osa_distance(name, word))
    };
    let synonyms = SYNONYMS.iter().filter(|(known, _)| *known == last);
    let synonyms = synonyms.flat_map(|(_, words)| words.iter());
    let is_part = name.len() > 3 && last.split(['_', '-']).any(|part| part == name);
    [plain(valid), plain(last)]
        .iter()
        .filter_map(|word| letters(word))
        .chain(
            synonyms.filter_map(|word| letters(word).filter(|far| *far <= STEP)).map(|far| far + 1),
        )
        .chain(is_part.then_some(STEP + 2))
        .min()
}

/// A name without what differs from system to system: case, `_`, `-` and blanks; and without what
/// the paths of all attributes start with.
fn plain(name: &str) -> String {
    name.strip_prefix("attributes.")
        .unwrap_or(name)
        .chars()
        .filter(|c| !matches!(c, '_' | '-') && !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: [&str; 10] = [
        "id",
        "username",
        "id_at_customer",
        "family_name",
        "given_name",
        "ui_locales",
        "preferred_email",
        "email_verified",
        "attributes",
        "personas",
    ];

    #[test]
    fn a_name_of_another_system_leads_to_the_field() {
        for (sent, meant) in [
            ("email", "`preferred_email`"),
            ("mail", "`preferred_email`"),
            ("emailAddress", "`preferred_email`"),
            ("first_name", "`given_name`"),
            ("firstName", "`given_name`"),
            ("last_name", "`family_name`"),
            ("lastName", "`family_name`"),
            ("userName", "`username`"),
            ("user_name", "`username`"),
            ("login", "`username`"),
            ("locale", "`ui_locales`"),
            ("language", "`ui_locales`"),
            ("externalId", "`id_at_customer`"),
            ("external_id", "`id_at_customer`"),
            ("name", "`family_name` or `given_name`"),
            ("displayName", "`family_name` or `given_name`"),
        ] {
            assert_eq!(
                unknown("field", sent, USER),
                format!("unknown field `{sent}`; did you mean {meant}?")
            );
        }
        assert_eq!(
            did_you_mean("displayName", ["display_name", "name"]),
            "; did you mean `display_name`?"
        );
        assert_eq!(
            did_you_mean("mobile", ["attributes.crm.phone"]),
            "; did you mean `attributes.crm.phone`?"
        );
    }

    #[test]
    fn a_typing_error_leads_to_the_nearest_name() {
        for (sent, meant) in [
            ("usrename", "username"),
            ("preferred_emial", "preferred_email"),
            ("emial", "preferred_email"),
            ("Username", "username"),
            (" given_name", "given_name"),
            ("attribute", "attributes"),
            ("family", "family_name"),
        ] {
            assert_eq!(did_you_mean(sent, USER), format!("; did you mean `{meant}`?"), "{sent}");
        }
    }

    #[test]
    fn what_is_far_from_every_valid_name_has_no_suggestion() {
        for sent in ["colour", "x", "", "phone", &"username".repeat(20)] {
            assert_eq!(did_you_mean(sent, USER), "", "{sent}");
        }
        assert_eq!(did_you_mean("email", ["filter", "limit"]), "");
    }
}
