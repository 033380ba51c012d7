//! The page on which a temporary password is replaced, and the field for a new password.

use maud::{Markup, html};
use shared::domain::people::SignInSettings;

use super::layout::{Field, Form, Problem, Shell, hidden_username, submit};
use super::passkeys::{HeldPasskeys, removal};
use crate::passwords::Refusal;
use crate::texts::Texts;

/// The page on which a person replaces a temporary password.
pub(crate) struct NewPassword<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The person's username.
    pub(crate) username: &'a str,
    /// What the tenant asks of a new password.
    pub(crate) settings: SignInSettings,
    /// The person's passkeys.
    pub(crate) passkeys: HeldPasskeys<'a>,
    /// Why the last password was refused.
    pub(crate) failure: Option<Refusal>,
}

/// Renders the page on which a person replaces a temporary password.
pub(crate) fn new_password(shell: &Shell, page: &NewPassword<'_>) -> Markup {
    let texts = &shell.texts.password;
    let content = html! {
        p { (texts.temporary) }
        p { ((texts.for_account)(page.username)) }
        form method="post" action="/idhub/login/new-password" {
            (page.form.hidden())
            (hidden_username(page.username))
            (field(shell.texts, page.settings, page.failure.is_some()))
            (removal(shell, page.passkeys))
            (submit(texts.save))
        }
    };
    shell.document(texts.title, page.failure.map(|why| problem(shell, why)).as_ref(), &content)
}

/// The name of the field for a new password.
const FIELD: &str = "new_password";

/// The field for a new password, with its rules, as the first field of a page.
pub(super) fn field(texts: &Texts, settings: SignInSettings, wrong: bool) -> Markup {
    new_field(texts, &rules(texts, settings)).focus(true).wrong(wrong).show(texts)
}

/// The field for a new password among others.
pub(super) fn field_in(texts: &Texts, settings: SignInSettings, wrong: bool) -> Markup {
    new_field(texts, &rules(texts, settings)).wrong(wrong).show(texts)
}

/// What the tenant asks of a new password, in words.
fn rules(texts: &Texts, settings: SignInSettings) -> String {
    (texts.password.rules)(&settings.minimum_password_length.to_string())
}

fn new_field<'a>(texts: &Texts, rules: &'a str) -> Field<'a> {
    Field::new("password", FIELD, texts.password.new, "new-password").hint(rules)
}

/// Why a password was refused, and what helps.
pub(super) fn problem(shell: &Shell, why: Refusal) -> Problem<'static> {
    let texts = &shell.texts.refusals;
    let advice = why.needs_advice().then_some(texts.advice);
    Problem { text: why.text(texts), advice, field: Some(FIELD) }
}
