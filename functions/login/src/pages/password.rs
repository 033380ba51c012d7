//! The page on which a temporary password is replaced, and the field for a new password.

use maud::{Markup, html};

use super::layout::{Field, Form, Problem, Shell, hidden_username, submit};
use crate::passwords::Refusal;
use crate::texts::Texts;

/// The page on which a person replaces a temporary password.
pub(crate) struct NewPassword<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The person's username.
    pub(crate) username: &'a str,
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
            (field(shell.texts, page.failure.is_some()))
            (submit(texts.save))
        }
    };
    shell.document(texts.title, page.failure.map(|why| problem(shell, why)).as_ref(), &content)
}

/// The name of the field for a new password.
const FIELD: &str = "new_password";

/// The field for a new password, with its rules, as the first field of a page.
pub(super) fn field(texts: &Texts, wrong: bool) -> Markup {
    new_field(texts).focus(true).wrong(wrong).show(texts)
}

/// The field for a new password among others.
pub(super) fn field_in(texts: &Texts, wrong: bool) -> Markup {
    new_field(texts).wrong(wrong).show(texts)
}

fn new_field(texts: &Texts) -> Field<'_> {
    let texts = &texts.password;
    Field::new("password", FIELD, texts.new, "new-password").hint(texts.rules)
}

/// Why a password was refused, and what helps.
pub(super) fn problem(shell: &Shell, why: Refusal) -> Problem<'static> {
    let texts = &shell.texts.refusals;
    let advice = why.needs_advice().then_some(texts.advice);
    Problem { text: why.text(texts), advice, field: Some(FIELD) }
}
