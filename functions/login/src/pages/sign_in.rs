//! The page on which a person signs in.

use maud::{Markup, html};
use shared::domain::id::TenantId;

use super::layout::{Field, Form, Problem, Shell, submit, ways};
use super::passkeys;

/// Why a sign-in did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInFailure {
    /// Wrong, unknown or too early: one text for all, so that it tells nothing (rules G36, G39).
    Refused,
    /// The credential is right and the account is blocked.
    Blocked,
    /// A field is empty.
    Empty,
    /// The passkey is refused.
    PasskeyRefused,
    /// The password is temporary, right, and past its end.
    TemporaryOver,
}

/// The page on which a person signs in.
pub(crate) struct SignIn<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The tenant whose person signs in.
    pub(crate) tenant: &'a TenantId,
    /// The username, as the application hints at it or as it was typed before.
    pub(crate) username: &'a str,
    /// Whether the person is signed in and has to confirm it.
    pub(crate) fixed: bool,
    /// The application for which the person signs in.
    pub(crate) application: Option<&'a str>,
    /// Why the last try did not succeed.
    pub(crate) failure: Option<SignInFailure>,
    /// Whether "keep me signed in" is chosen, if it is offered.
    pub(crate) keep: Option<bool>,
    /// Whether passkeys are offered.
    pub(crate) passkeys: bool,
    /// The address of the application, to go back without signing in.
    pub(crate) back: Option<&'a str>,
}

/// Renders the sign-in page.
pub(crate) fn sign_in(shell: &Shell, page: &SignIn<'_>) -> Markup {
    let texts = shell.texts;
    let title = match page.application {
        _ if page.fixed => texts.sign_in.confirm_title.to_owned(),
        Some(application) => (texts.sign_in.title_for)(application),
        None => texts.sign_in.title.to_owned(),
    };
    let problem = page.failure.map(|failure| problem(shell, failure));
    let wrong = matches!(page.failure, Some(SignInFailure::Refused | SignInFailure::Empty));
    let typed = !page.username.is_empty();
    let username = Field::new("text", "username", texts.common.username, "username webauthn")
        .value(page.username)
        .focus(!typed);
    let username = Field { wrong, fixed: page.fixed, ..username };
    let password =
        Field::new("password", "password", texts.common.password, "current-password").focus(typed);
    let password = Field { wrong, ..password };
    let forgot = shell.path("/idhub/login/forgot", page.tenant);
    let forgot_username = shell.path("/idhub/login/forgot-username", page.tenant);
    let mut links = vec![(&*forgot, texts.sign_in.forgot_password)];
    if !page.fixed {
        links.push((&*forgot_username, texts.sign_in.forgot_username));
    }
    links.extend(page.back.map(|back| (back, texts.common.back_to_application)));
    let content = html! {
        @if page.fixed { p { (texts.sign_in.confirm) } }
        form method="post" action="/idhub/login/password" {
            (page.form.hidden())
            (username.show(texts))
            (password.show(texts))
            @if let Some(keep) = page.keep {
                div.check {
                    input id="keep" name="keep" type="checkbox" value="1" checked[keep]
                        aria-describedby="keep-hint";
                    label for="keep" { (texts.sign_in.keep) }
                    p.hint id="keep-hint" { (texts.sign_in.keep_hint) }
                }
            }
            (submit(texts.common.sign_in))
        }
        @if page.passkeys { (passkeys::sign_in(texts, &page.form, page.keep)) }
        (ways(&links))
    };
    shell.document(&title, problem.as_ref(), &content)
}

fn problem(shell: &Shell, failure: SignInFailure) -> Problem<'static> {
    let texts = &shell.texts.sign_in;
    match failure {
        SignInFailure::Refused => Problem::with("password", texts.refused),
        SignInFailure::Blocked => Problem::of(texts.blocked),
        SignInFailure::Empty => Problem::with("username", texts.empty),
        SignInFailure::PasskeyRefused => Problem::of(texts.passkey_refused),
        SignInFailure::TemporaryOver => Problem::of(texts.temporary_over),
    }
}
