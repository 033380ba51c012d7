//! Pages that say what went wrong. Each has a next step (rule U16).

use maud::{Markup, html};

use super::layout::{Shell, ways};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no such client.
    UnknownClient,
    /// The redirect URI is not one of the client's.
    RedirectUri,
    /// The page is too old, or its state is not ours.
    Expired,
    /// The form did not come from a page of this service.
    Foreign,
    /// The browser sent no pre-session cookie.
    Cookies,
    /// There is no such tenant.
    UnknownTenant,
    /// There is no such page.
    NotFound,
    /// The account is blocked.
    Blocked,
    /// The application has no subject for the person (rule G9).
    NoSubject,
    /// The link was used, is too old, or never was one.
    Link,
    /// The page is for people who are signed in.
    SignedOut,
    /// A fault of this service.
    Unavailable,
    /// The request is too large.
    TooLarge,
    /// Another account has the address.
    Taken,
    /// The account was changed by somebody else at the same time.
    Changed,
}

impl Failure {
    /// Every failure.
    #[cfg(test)]
    pub(super) const ALL: [Self; 15] = [
        Self::UnknownClient,
        Self::RedirectUri,
        Self::Expired,
        Self::Foreign,
        Self::Cookies,
        Self::UnknownTenant,
        Self::NotFound,
        Self::Blocked,
        Self::NoSubject,
        Self::Link,
        Self::SignedOut,
        Self::Unavailable,
        Self::TooLarge,
        Self::Taken,
        Self::Changed,
    ];
}

/// A page that says what went wrong.
pub(crate) struct ErrorPage<'a> {
    /// What went wrong.
    pub(crate) failure: Failure,
    /// The path at which the person starts again.
    pub(crate) restart: Option<&'a str>,
    /// The address of the application.
    pub(crate) back: Option<&'a str>,
    /// The request, for those who help.
    pub(crate) request_id: Option<&'a str>,
}

/// Renders the page of an error.
pub(crate) fn error(shell: &Shell, page: &ErrorPage<'_>) -> Markup {
    let common = &shell.texts.common;
    let (title, next) = texts_of(shell, page.failure);
    let restart = match page.failure {
        Failure::Link => shell.texts.errors.link_again,
        Failure::SignedOut => common.sign_in,
        Failure::Taken => common.account,
        _ => common.start_again,
    };
    let mut links = Vec::new();
    links.extend(page.restart.map(|path| (path, restart)));
    links.extend(page.back.map(|address| (address, common.back_to_application)));
    let content = html! {
        p role="alert" { (next) }
        (ways(&links))
        @if let Some(id) = page.request_id { p.hint { ((common.request)(id)) } }
    };
    shell.document(title, None, &content)
}

/// The title of the page, and the next step.
fn texts_of(shell: &Shell, failure: Failure) -> (&'static str, &'static str) {
    let texts = &shell.texts.errors;
    match failure {
        Failure::UnknownClient => (texts.unknown_client, texts.unknown_client_next),
        Failure::RedirectUri => (texts.redirect, texts.redirect_next),
        Failure::Expired => (texts.expired, texts.expired_next),
        Failure::Foreign => (texts.foreign, texts.foreign_next),
        Failure::Cookies => (texts.cookies, texts.cookies_next),
        Failure::UnknownTenant => (texts.tenant, texts.tenant_next),
        Failure::NotFound => (texts.missing, texts.missing_next),
        Failure::Blocked => (texts.blocked, texts.blocked_next),
        Failure::NoSubject => (texts.subject, texts.subject_next),
        Failure::Link => (texts.link, texts.link_next),
        Failure::SignedOut => (texts.signed_out, texts.signed_out_next),
        Failure::Unavailable => (texts.unavailable, texts.unavailable_next),
        Failure::TooLarge => (texts.large, texts.large_next),
        Failure::Taken => (texts.taken, texts.taken_next),
        Failure::Changed => (shell.texts.link.changed, shell.texts.link.changed_text),
    }
}
