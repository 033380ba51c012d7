//! Pages on the way out: to the application, and after signing out.

use maud::{Markup, html};

use super::layout::{Form, Shell, submit, ways};

/// Renders the page that hands the answer to the client in a form (rule G12). The script sends the
/// form; without it the person presses the button.
pub(crate) fn form_post(shell: &Shell, action: &str, fields: &[(&str, &str)]) -> Markup {
    let texts = &shell.texts.leaving;
    let content = html! {
        p { (texts.form_explain) }
        form method="post" action=(action) data-send {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            (submit(shell.texts.common.go_on))
        }
    };
    shell.document(texts.form_title, None, &content)
}

/// Renders the page that leads to a program on the person's own device: browsers do not follow a
/// redirect to such an address after a form (rule G11).
pub(crate) fn open_application(shell: &Shell, uri: &str, client: &str) -> Markup {
    let texts = &shell.texts.leaving;
    let content = html! {
        p { (texts.open_explain) }
        p { a.button href=(uri) { ((texts.open)(client)) } }
    };
    shell.document(texts.open_title, None, &content)
}

/// The question whether a person wants to sign out.
pub(crate) struct SignOut<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The person who is signed in.
    pub(crate) person: &'a str,
    /// The client that asks for it.
    pub(crate) client: Option<&'a str>,
}

/// Renders the question whether a person wants to sign out (rule G25).
pub(crate) fn sign_out(shell: &Shell, page: &SignOut<'_>) -> Markup {
    let texts = &shell.texts.leaving;
    let content = html! {
        p { ((texts.sign_out_ask)(page.person)) }
        @if let Some(client) = page.client { p { ((texts.sign_out_client)(client)) } }
        form method="post" action="/idhub/oidc/v1/logout" {
            (page.form.hidden())
            div.choice {
                button type="submit" name="answer" value="yes" { (texts.yes) }
                button.secondary type="submit" name="answer" value="no" { (texts.no) }
            }
        }
    };
    shell.document(texts.sign_out_title, None, &content)
}

/// Renders the page after signing out.
pub(crate) fn signed_out(shell: &Shell, sign_in: Option<&str>, back: Option<&str>) -> Markup {
    let (texts, common) = (&shell.texts.leaving, &shell.texts.common);
    let mut links = Vec::new();
    links.extend(sign_in.map(|path| (path, common.sign_in)));
    links.extend(back.map(|address| (address, common.back_to_application)));
    let content = html! {
        p { (texts.out_text) }
        (ways(&links))
    };
    shell.document(texts.out_title, None, &content)
}
