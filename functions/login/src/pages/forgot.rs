//! The pages on which a person asks for an e-mail: with a link for another password, or with the
//! username. The answer is the same whether or not the account is known (rule G40).

use maud::{Markup, html};
use shared::domain::id::TenantId;

use super::layout::{Field, Form, Problem, Shell, submit, ways};

/// What the e-mail is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A link with which to set another password.
    Password,
    /// The username.
    Username,
}

/// The page on which a person asks for an e-mail.
pub(crate) struct ForgotPage<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The tenant.
    pub(crate) tenant: &'a TenantId,
    /// What the e-mail is to hold.
    pub(crate) ask: Ask,
    /// Whether the field was sent empty.
    pub(crate) empty: bool,
}

/// Renders the page on which a person asks for an e-mail.
pub(crate) fn forgot(shell: &Shell, page: &ForgotPage<'_>) -> Markup {
    let (texts, common) = (&shell.texts.forgot, &shell.texts.common);
    let (title, explain, action, field) = match page.ask {
        Ask::Password => (
            texts.title,
            texts.explain,
            "/idhub/login/forgot",
            Field::new("text", "username", common.username, "username"),
        ),
        Ask::Username => (
            texts.username_title,
            texts.username_explain,
            "/idhub/login/forgot-username",
            Field::new("email", "email", texts.address, "email"),
        ),
    };
    let problem = page.empty.then(|| Problem::with(field.name, texts.empty));
    let field = field.focus(true).wrong(page.empty);
    let content = html! {
        p { (explain) }
        form method="post" action=(shell.path(action, page.tenant)) {
            (page.form.hidden())
            (field.show(shell.texts))
            (submit(texts.send))
        }
        (back(shell, page.tenant))
    };
    shell.document(title, problem.as_ref(), &content)
}

/// Renders the answer to such a request.
pub(crate) fn sent(shell: &Shell, tenant: &TenantId, ask: Ask) -> Markup {
    let texts = &shell.texts.forgot;
    let text = match ask {
        Ask::Password => texts.sent_text,
        Ask::Username => texts.username_sent_text,
    };
    let content = html! {
        p role="status" { (text) }
        p { (texts.sent_help) }
        (back(shell, tenant))
    };
    shell.document(texts.sent, None, &content)
}

fn back(shell: &Shell, tenant: &TenantId) -> Markup {
    let path = format!("/idhub/login/{tenant}?ui_locales={}", shell.locale.tag());
    ways(&[(&path, shell.texts.forgot.back)])
}
