//! Pages between the sign-in and the application: what a client asks for, and choices.

use maud::{Markup, html};

use super::layout::{Form, Shell};
use crate::texts;

/// What a client asks a person for.
pub(crate) struct Consent<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The name of the client.
    pub(crate) client: &'a str,
    /// The host, or the scheme, to which the person returns.
    pub(crate) returns_to: &'a str,
    /// The person who is signed in.
    pub(crate) person: &'a str,
    /// What the client asks for.
    pub(crate) scopes: &'a [&'a str],
    /// Whether the client is a program on the person's own device.
    pub(crate) native: bool,
}

/// Renders the page on which a person allows a client what it asks for.
pub(crate) fn consent(shell: &Shell, page: &Consent<'_>) -> Markup {
    let texts = &shell.texts.consent;
    let mut rights: Vec<_> = page.scopes.iter().map(|scope| right(texts, scope)).collect();
    rights.dedup();
    let content = html! {
        p { ((texts.asks)(page.client)) }
        p { ((texts.signed_in_as)(page.person)) }
        p id="rights" { (texts.list) }
        ul aria-labelledby="rights" { @for right in &rights { li { (right) } } }
        @if page.native { p.warning { ((texts.native)(page.client)) } }
        p.hint { ((texts.returns_to)(page.returns_to)) " " (texts.withdraw) }
        form method="post" action="/idhub/login/consent" {
            (page.form.hidden())
            div.choice {
                button type="submit" name="decision" value="allow" { (texts.allow) }
                button.secondary type="submit" name="decision" value="deny" { (texts.deny) }
            }
        }
    };
    shell.document(texts.title, None, &content)
}

/// What a scope allows, in words.
pub(super) fn right(texts: &texts::Consent, scope: &str) -> String {
    let text = match scope {
        "openid" => texts.openid,
        "profile" => texts.profile,
        "email" => texts.email,
        "address" => texts.postal_address,
        "phone" => texts.phone,
        "userdata" => texts.userdata,
        "offline_access" => texts.offline_access,
        "administrator" | "users:read" | "users:write" | "config:read" | "config:write"
        | "audit:read" | "audit:values" => texts.administration,
        other => return (texts.other)(other),
    };
    text.to_owned()
}

/// A persona that a person can choose.
pub(crate) struct PersonaOption {
    /// The id.
    pub(crate) id: String,
    /// The name.
    pub(crate) name: String,
    /// What tells it from others of the same name.
    pub(crate) detail: Option<String>,
    /// Whether it is the person's usual choice.
    pub(crate) preferred: bool,
}

/// The choice among the personas of a person.
pub(crate) struct PersonaChoice<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The person who is signed in.
    pub(crate) person: &'a str,
    /// The application to which the person goes on.
    pub(crate) application: Option<&'a str>,
    /// The personas.
    pub(crate) personas: &'a [PersonaOption],
}

/// Renders the page on which a person chooses a persona.
pub(crate) fn choose_persona(shell: &Shell, page: &PersonaChoice<'_>) -> Markup {
    let texts = &shell.texts.choice;
    let usual = page.personas.iter().position(|persona| persona.preferred).unwrap_or_default();
    let content = html! {
        p { (texts.persona_explain) }
        p.hint {
            ((shell.texts.sign_in.signed_in_as)(page.person))
            @if let Some(application) = page.application { " " (application) }
        }
        form method="post" action="/idhub/login/persona" {
            (page.form.hidden())
            fieldset {
                legend { (texts.persona_legend) }
                @for (i, persona) in page.personas.iter().enumerate() {
                    div.check {
                        input type="radio" name="persona" id={ "persona-" (i) } value=(persona.id)
                            required checked[i == usual] autofocus[i == usual];
                        label for={ "persona-" (i) } {
                            (persona.name)
                            @if let Some(detail) = &persona.detail { " " span.hint { (detail) } }
                            @if persona.preferred { " (" (texts.preferred) ")" }
                        }
                    }
                }
            }
            button type="submit" { (shell.texts.common.go_on) }
        }
    };
    shell.document(texts.persona_title, None, &content)
}

/// The choice between the account that is signed in and another one.
pub(crate) struct AccountChoice<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The person who is signed in.
    pub(crate) person: &'a str,
    /// The application to which the person goes on.
    pub(crate) application: Option<&'a str>,
    /// The path that takes the form.
    pub(crate) action: &'a str,
}

/// Renders the page on which a person chooses the account to go on with.
pub(crate) fn choose_account(shell: &Shell, page: &AccountChoice<'_>) -> Markup {
    let texts = &shell.texts.choice;
    let content = html! {
        @if let Some(application) = page.application {
            p { ((shell.texts.sign_in.title_for)(application)) }
        }
        form method="post" action=(page.action) {
            (page.form.hidden())
            div.choice {
                button type="submit" name="account" value="this" { ((texts.this)(page.person)) }
                button.secondary type="submit" name="account" value="other" { (texts.other) }
            }
        }
    };
    shell.document(texts.account_title, None, &content)
}
