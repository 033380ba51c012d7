//! The pages of links in e-mails. The first one asks for the link, because the secret is in the
//! fragment, which a browser does not send. The second one says what the link does, and its button
//! does it (rule G46).

use maud::{Markup, html};
use shared::domain::people::SignInSettings;

use super::layout::{Field, Form, Problem, Shell, hidden_username, submit, ways};
use super::passkeys::{HeldPasskeys, removal};
use super::password;
use crate::passwords::Refusal;

/// The path of these pages.
const ACTION: &str = "/idhub/login/link";

/// The hidden fields of these forms: the language of the mail's link goes with them.
fn hidden(shell: &Shell, form: Form<'_>) -> Markup {
    html! {
        (form.hidden())
        input type="hidden" name="ui_locales" value=(shell.locale.tag());
    }
}

/// The page that takes the link.
pub(crate) struct LinkPage<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// Whether the last text was not one of our links.
    pub(crate) malformed: bool,
}

/// Renders the page that takes the link. The script fills the field from the address and hides it;
/// without it the person pastes the link.
pub(crate) fn link(shell: &Shell, page: &LinkPage<'_>) -> Markup {
    let texts = &shell.texts.link;
    let problem = page.malformed.then(|| Problem::with("link", texts.malformed));
    let field = Field::new("text", "link", texts.label, "off").hint(texts.hint);
    let content = html! {
        p { (texts.explain) }
        form method="post" action=(ACTION) data-link {
            (hidden(shell, page.form))
            (field.wrong(page.malformed).show(shell.texts))
            (submit(shell.texts.common.go_on))
        }
    };
    shell.document(texts.title, problem.as_ref(), &content)
}

/// The page on which a person sets a password by a link.
pub(crate) struct PasswordPage<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The link.
    pub(crate) link: &'a str,
    /// Whether the person was invited, and has no password to replace.
    pub(crate) invited: bool,
    /// The person's username.
    pub(crate) username: &'a str,
    /// What the tenant asks of a new password.
    pub(crate) settings: SignInSettings,
    /// The person's passkeys.
    pub(crate) passkeys: HeldPasskeys<'a>,
    /// Why the last password was refused.
    pub(crate) failure: Option<Refusal>,
}

/// Renders the page on which a person sets a password by a link.
pub(crate) fn set_password(shell: &Shell, page: &PasswordPage<'_>) -> Markup {
    let texts = &shell.texts.link;
    let title = if page.invited { texts.invitation } else { texts.reset };
    let content = html! {
        p { ((texts.welcome)(page.username)) }
        form method="post" action=(ACTION) {
            (hidden(shell, page.form))
            input type="hidden" name="link" value=(page.link);
            (hidden_username(page.username))
            (password::field(shell.texts, page.settings, page.failure.is_some()))
            (removal(shell, page.passkeys))
            button type="submit" name="act" value="password" { (shell.texts.password.save) }
        }
    };
    let problem = page.failure.map(|why| password::problem(shell, why));
    shell.document(title, problem.as_ref(), &content)
}

/// What a link asks before it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question<'a> {
    /// Whether this is the person's new address.
    Confirm(&'a str),
    /// Whether the change of address of this username is to be stopped.
    Undo(&'a str),
}

/// Renders the page on which a person confirms an address or stops the change of one.
pub(crate) fn question(shell: &Shell, form: Form<'_>, link: &str, asked: Question<'_>) -> Markup {
    let texts = &shell.texts.link;
    let (title, act, button) = match asked {
        Question::Confirm(_) => (texts.confirm, "confirm", texts.confirm_button),
        Question::Undo(_) => (texts.undo, "undo", texts.undo_button),
    };
    let content = html! {
        @match asked {
            Question::Confirm(address) => { p { ((texts.confirm_ask)(address)) } }
            Question::Undo(username) => {
                p { ((texts.undo_ask)(username)) }
                p { (texts.undo_explain) }
            }
        }
        form method="post" action=(ACTION) {
            (hidden(shell, form))
            input type="hidden" name="link" value=(link);
            button type="submit" name="act" value=(act) { (button) }
        }
    };
    shell.document(title, None, &content)
}

/// What a link has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The first password is set.
    Invited,
    /// Another password is set, and all sessions are over.
    Reset,
    /// A password is set, all sessions are over, and all passkeys are removed.
    Removed,
    /// The address is confirmed.
    Confirmed,
    /// The change of address is stopped, and all sessions are over.
    Undone,
}

/// Renders the page that says what a link has done. `next` is the path at which the person goes on.
pub(crate) fn answered(shell: &Shell, done: Answered, next: &str) -> Markup {
    let (texts, common) = (&shell.texts.link, &shell.texts.common);
    let (title, text, way) = match done {
        Answered::Invited => (texts.set, texts.set_text, common.sign_in),
        Answered::Reset => (texts.set, texts.set_reset_text, common.sign_in),
        Answered::Removed => (texts.set, texts.set_removed_text, common.sign_in),
        Answered::Confirmed => (texts.confirmed, texts.confirmed_text, common.account),
        Answered::Undone => (texts.undone, texts.undone_text, shell.texts.password.title),
    };
    let content = html! {
        p role="status" { (text) }
        (ways(&[(next, way)]))
    };
    shell.document(title, None, &content)
}
