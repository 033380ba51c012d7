//! The page of the person who is signed in.

use maud::{Markup, html};
use shared::app::SignedIn;
use shared::domain::people::{
    KeptClaims, LoginFacts, PasswordFacts, Session, SessionHash, SignInSettings,
};
use shared::domain::versioned::Versioned;
use shared::env::Timestamp;

use super::layout::{Field, Form, Problem, Shell, hidden_username, submit};
use super::steps::right;
use super::{passkeys, password};
use crate::passwords::Refusal;

/// An application that may act for the person.
pub(crate) struct Application {
    /// The id of the client.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) scopes: Vec<String>,
    /// When that was last allowed.
    pub(crate) at: Timestamp,
}

/// What was wrong with a form of the page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AccountFailure<'a> {
    /// The present password is missing.
    EmptyCurrent,
    /// The present password is wrong, or comes too early.
    WrongCurrent,
    /// The new password is refused.
    Weak(Refusal),
    /// The text is not an address.
    WrongAddress,
    /// The address is the present one.
    SameAddress,
    /// Something else, in the language of the page.
    Other(&'a str),
}

/// The page of the person who is signed in.
pub(crate) struct AccountPage<'a> {
    /// The hidden fields.
    pub(crate) form: Form<'a>,
    /// The person and the session.
    pub(crate) signed_in: &'a SignedIn,
    /// What is known of the credentials.
    pub(crate) facts: Option<&'a LoginFacts>,
    /// The sessions that are alive, newest first.
    pub(crate) sessions: &'a [(SessionHash, Versioned<Session>)],
    /// The applications that may act for the person.
    pub(crate) applications: &'a [Application],
    /// What was done.
    pub(crate) done: Option<&'a str>,
    /// What was wrong.
    pub(crate) failure: Option<AccountFailure<'a>>,
    /// What the tenant asks of a new password.
    pub(crate) settings: SignInSettings,
    /// Whether passkeys can be added.
    pub(crate) passkeys: bool,
    /// Whether the person authenticated not long ago.
    pub(crate) recent: bool,
}

/// Renders the page of the person who is signed in.
pub(crate) fn account(shell: &Shell, page: &AccountPage<'_>) -> Markup {
    let texts = &shell.texts.account;
    let problem = page.failure.map(|failure| problem(shell, failure));
    let facts = page.facts;
    let held = facts.and_then(|facts| facts.password.as_ref());
    let (tenant, offered) = (&page.signed_in.tenant, (page.passkeys, page.recent));
    let claims = page.signed_in.session.value.claims.as_ref();
    let content = html! {
        @if let Some(done) = page.done { p.done role="status" { (done) } }
        (person(shell, page))
        (password_section(shell, page, held))
        (passkeys::account(shell, &page.form, tenant, facts, offered))
        (address_section(shell, page))
        (sessions(shell, page))
        (applications(shell, page))
        @if let Some(claims) = claims { (claims_section(shell, claims)) }
    };
    shell.document(texts.title, problem.as_ref(), &content)
}

fn problem<'a>(shell: &Shell, failure: AccountFailure<'a>) -> Problem<'a> {
    let texts = &shell.texts.account;
    match failure {
        AccountFailure::EmptyCurrent => Problem::with(CURRENT, texts.empty_current),
        AccountFailure::WrongCurrent => Problem::with(CURRENT, texts.wrong_current),
        AccountFailure::Weak(why) => password::problem(shell, why),
        AccountFailure::WrongAddress => Problem::with(EMAIL, texts.wrong_address),
        AccountFailure::SameAddress => Problem::with(EMAIL, texts.same_address),
        AccountFailure::Other(text) => Problem::of(text),
    }
}

const CURRENT: &str = "current_password";
const EMAIL: &str = "email";

/// Who the person is, and the way out.
fn person(shell: &Shell, page: &AccountPage<'_>) -> Markup {
    let (texts, user) = (&shell.texts.account, &page.signed_in.user.value);
    let names = [user.given_name.as_deref(), user.family_name.as_deref()];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    html! {
        dl {
            @if !name.is_empty() { dt { (texts.name) } dd { (name) } }
            dt { (texts.username) }
            dd { (user.username) }
            dt { (texts.address) }
            dd {
                @match &user.preferred_email {
                    Some(address) => {
                        (address) " ("
                        (if user.email_verified { texts.verified } else { texts.not_verified }) ")"
                    }
                    None => { (texts.no_address) }
                }
            }
        }
        form method="post" action="/idhub/account/sign-out" {
            (page.form.hidden())
            div.choice {
                (submit(shell.texts.common.sign_out))
                button.secondary type="submit" name="everywhere" value="1" { (texts.everywhere) }
            }
        }
    }
}

fn password_section(shell: &Shell, page: &AccountPage<'_>, held: Option<&PasswordFacts>) -> Markup {
    let (texts, user) = (&shell.texts.account, &page.signed_in.user.value);
    let current =
        matches!(page.failure, Some(AccountFailure::EmptyCurrent | AccountFailure::WrongCurrent));
    let weak = matches!(page.failure, Some(AccountFailure::Weak(_)));
    let field = Field::new("password", CURRENT, texts.current, "current-password").wrong(current);
    html! {
        section aria-labelledby="password-heading" {
            h2 id="password-heading" { (texts.password) }
            @match held {
                Some(facts) => {
                    p { ((texts.set_at)(&shell.time(facts.set_at))) }
                    @if let Some(end) = facts.ends_at {
                        p { ((texts.temporary_until)(&shell.time(end))) }
                    }
                }
                None => { p { (texts.no_password) } }
            }
            details open[current || weak] {
                summary { (texts.change_password) }
                form method="post" action="/idhub/account/password" {
                    (page.form.hidden())
                    (hidden_username(&user.username))
                    @if held.is_some() { (field.show(shell.texts)) }
                    (password::field_in(shell.texts, page.settings, weak))
                    (submit(texts.change_password))
                }
            }
        }
    }
}

fn address_section(shell: &Shell, page: &AccountPage<'_>) -> Markup {
    let texts = &shell.texts.account;
    let pending = page.facts.and_then(|facts| facts.pending_address.as_ref());
    let wrong =
        matches!(page.failure, Some(AccountFailure::WrongAddress | AccountFailure::SameAddress));
    let field = Field::new("email", EMAIL, texts.new_address, "email")
        .hint(texts.address_explain)
        .wrong(wrong);
    html! {
        section aria-labelledby="address-heading" {
            h2 id="address-heading" { (texts.address) }
            @if let Some(pending) = pending {
                form method="post" action="/idhub/account/address/cancel" {
                    (page.form.hidden())
                    p { ((texts.pending)(&pending.address)) }
                    button.secondary type="submit" { (texts.cancel_change) }
                }
            }
            details open[wrong] {
                summary { (texts.change_address) }
                form method="post" action="/idhub/account/address" {
                    (page.form.hidden())
                    (field.show(shell.texts))
                    (submit(texts.ask_address))
                }
            }
        }
    }
}

/// The browsers in which the person is signed in (rule G24).
fn sessions(shell: &Shell, page: &AccountPage<'_>) -> Markup {
    let texts = &shell.texts.account;
    let here = &page.signed_in.hash;
    html! {
        section aria-labelledby="sessions-heading" {
            h2 id="sessions-heading" { (texts.sessions) }
            ul.items {
                @for (number, (hash, session)) in page.sessions.iter().enumerate() {
                    @let session = &session.value;
                    li {
                        p id={ "session-" (number) } {
                            strong { (shell.texts.browser(session.browser.as_ref())) }
                            @if let Some(network) = &session.network { ", " (network) }
                            @if hash == here { " (" (texts.this_session) ")" }
                        }
                        p.hint {
                            ((texts.started)(&shell.time(session.created_at))) ", "
                            ((texts.seen)(&shell.time(session.seen_at))) ", "
                            ((texts.ends)(&shell.time(session.ends_at)))
                        }
                        @if hash != here {
                            form method="post" action="/idhub/account/sessions/end" {
                                (page.form.hidden())
                                input type="hidden" name="session" value=(session.sid);
                                button.secondary type="submit"
                                    aria-describedby={ "session-" (number) } { (texts.end_session) }
                            }
                        }
                    }
                }
            }
            @if page.sessions.len() > 1 {
                form method="post" action="/idhub/account/sessions/end" {
                    (page.form.hidden())
                    button.secondary type="submit" name="others" value="1" { (texts.end_others) }
                }
            }
        }
    }
}

fn applications(shell: &Shell, page: &AccountPage<'_>) -> Markup {
    let texts = &shell.texts.account;
    html! {
        section aria-labelledby="applications-heading" {
            h2 id="applications-heading" { (texts.clients) }
            @if page.applications.is_empty() { p { (texts.no_clients) } } @else {
                ul.items {
                    @for (number, application) in page.applications.iter().enumerate() {
                        li {
                            p id={ "application-" (number) } { strong { (application.name) } }
                            (rights(shell, &application.scopes))
                            p.hint { ((texts.granted)(&shell.time(application.at))) }
                            form method="post" action="/idhub/account/clients/withdraw" {
                                (page.form.hidden())
                                input type="hidden" name="client" value=(application.id);
                                button.secondary type="submit"
                                    aria-describedby={ "application-" (number) } { (texts.withdraw) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn rights(shell: &Shell, scopes: &[String]) -> Markup {
    let mut rights: Vec<_> =
        scopes.iter().map(|scope| right(&shell.texts.consent, scope)).collect();
    rights.dedup();
    html! { @if !rights.is_empty() { ul { @for right in &rights { li { (right) } } } } }
}

/// What the sign-in provider said beyond the profile. It lives in the session alone.
fn claims_section(shell: &Shell, claims: &KeptClaims) -> Markup {
    let texts = &shell.texts.account;
    html! {
        section aria-labelledby="claims-heading" {
            h2 id="claims-heading" { (texts.claims) }
            p { (texts.claims_explain) }
            table {
                caption { (claims.server) }
                thead { tr { th scope="col" { (texts.claim) } th scope="col" { (texts.value) } } }
                tbody {
                    @for (name, value) in &claims.claims {
                        tr {
                            th scope="row" { (name) }
                            td { @match value.as_str() {
                                Some(text) => { (text) }
                                None => { (value) }
                            } }
                        }
                    }
                }
            }
        }
    }
}
