//! Links from e-mails: they set a password, confirm an address, or stop the change of one.
//!
//! The secret of a link is in its fragment, which browsers send to nobody (rule G44). The first page
//! takes it, from the script or from the person; the second page says what the link does, and the
//! form of that page does it. No GET and no script changes anything (rules G46, U17).

mod address;
mod password;

use http::StatusCode;
use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::{get, post};
use shared::domain::author::Author;
use shared::domain::error::{Error, Result};
use shared::domain::people::{Link, LinkKind, LinkToken, LoginFacts};
use shared::domain::user::{User, UserStatus};
use shared::domain::versioned::Versioned;
use shared::http::Route;
use shared::writing::{Account, AccountWriter};

use crate::fields::with_query;
use crate::forgot::address_hash;
use crate::pages::passkeys::HeldPasskeys;
use crate::pages::{self, Answered, Failure, Form, LinkPage, PasswordPage, Question};
use crate::respond::{Refusal, secured};
use crate::texts::Locale;
use crate::visit::{Submission, Visit};
use crate::{passkeys, passwords};

/// The routes of these pages.
pub(crate) const ROUTES: [Route; 2] = [
    Route::page("/idhub/login/link", "get_link_page", || secured(get(show)))
        .summary("Show the page that takes a link of a mail"),
    Route::form_page("/idhub/login/link", "use_link", || secured(post(submit)))
        .summary("Use a link of a mail"),
];

/// A link that works, and the account that it is for.
struct Found {
    token: LinkToken,
    link: Versioned<Link>,
    account: Account,
}

async fn show(visit: Visit) -> Result<Response, Refusal> {
    ask_for_link(&visit, false).await
}

/// The page that takes the link.
async fn ask_for_link(visit: &Visit, malformed: bool) -> Result<Response, Refusal> {
    let token = visit.form_token().await?;
    let page = LinkPage { form: Form { state: "", token: &token }, malformed };
    let content = pages::link(&visit.shell(None), &page);
    let status = if malformed { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(visit.page(content).status(status).into_response())
}

async fn submit(mut submission: Submission) -> Result<Response, Refusal> {
    // The language of the mail, which the first page had in its address.
    if let Some(locale) = submission.fields.get("ui_locales").and_then(Locale::of_tags) {
        submission.visit.locale = locale;
    }
    let (visit, fields) = (&submission.visit, &submission.fields);
    let Some(token) = fields.get("link").and_then(token_in) else {
        return ask_for_link(visit, true).await;
    };
    let found = find(visit, token).await?;
    match (found.link.value.kind, fields.get("act")) {
        (LinkKind::Invitation | LinkKind::Reset, Some("password")) => {
            password::set(visit, &found, fields).await
        }
        (LinkKind::Address, Some("confirm")) => address::confirm(visit, &found).await,
        (LinkKind::Undo, Some("undo")) => address::undo(visit, &found).await,
        _ => explain(visit, &found, None, false).await,
    }
}

/// The token in a text: in a whole link, or by itself.
fn token_in(text: &str) -> Option<LinkToken> {
    let text = text.trim();
    text.rsplit_once('#').map_or(text, |(_, fragment)| fragment).parse().ok()
}

/// The page for a link that does not work, with the way to a new one.
fn dead(visit: &Visit, token: &LinkToken) -> Refusal {
    let tenant = token.tenant.as_str();
    let parameters = [("tenant", tenant), ("ui_locales", visit.locale.tag())];
    Refusal::restarting(Failure::Link, Some(with_query("/idhub/login/forgot", &parameters)))
}

/// The link of a token and its account, if the link works.
async fn find(visit: &Visit, token: LinkToken) -> Result<Found, Refusal> {
    let (table, now) = (visit.app.table(), visit.app.env().clock.now());
    let link = table.find_link(&token).await?.filter(|link| now < link.value.ends_at);
    let Some(link) = link else { return Err(dead(visit, &token)) };
    let schema = visit.schema(&token.tenant).await?;
    let author = Author::account(token.tenant.clone(), link.value.user, visit.request_id());
    let account = AccountWriter::new(&visit.app, &author, &schema).read(link.value.user).await?;
    match account {
        Some(account) if account.user.value.status == UserStatus::Blocked => {
            Err(Refusal::of(Failure::Blocked))
        }
        Some(account) if is_for(&link.value, &account, visit) => Ok(Found { token, link, account }),
        _ => Err(dead(visit, &token)),
    }
}

/// Whether a link is for what the account has now: a link that was sent to an address works only
/// while this is the address in question.
fn is_for(link: &Link, account: &Account, visit: &Visit) -> bool {
    let (user, now) = (&account.user.value, visit.app.env().clock.now());
    let facts = account.login.as_ref().map(|login| &login.value);
    let address = match link.kind {
        LinkKind::Invitation | LinkKind::Reset => user.preferred_email.as_deref(),
        LinkKind::Address => facts.and_then(pending),
        LinkKind::Undo => {
            let undo = facts.and_then(|facts| facts.undo.as_ref());
            undo.filter(|undo| now < undo.until).and_then(|undo| undo.address.as_deref())
        }
    };
    match (&link.address, link.kind) {
        // Shown to an operator, who hands it on.
        (None, LinkKind::Invitation | LinkKind::Reset) => true,
        (None, _) => false,
        (Some(hash), _) => address.is_some_and(|address| address_hash(address) == *hash),
    }
}

/// The address that waits for its confirmation.
fn pending(facts: &LoginFacts) -> Option<&str> {
    facts.pending_address.as_ref().map(|pending| pending.address.as_str())
}

/// The page that says what a link does, with the form that does it: once more after a password that
/// is too weak, with the choice about passkeys as it was made.
async fn explain(
    visit: &Visit,
    found: &Found,
    weak: Option<passwords::Refusal>,
    remove_passkeys: bool,
) -> Result<Response, Refusal> {
    let Found { token, link, account } = found;
    let form_token = visit.form_token().await?;
    let form = Form { state: "", token: &form_token };
    let (shell, text) = (visit.shell(Some(&token.tenant)), token.to_string());
    let user: &User = &account.user.value;
    let content = match link.value.kind {
        LinkKind::Invitation | LinkKind::Reset => {
            let page = PasswordPage {
                form,
                link: &text,
                invited: link.value.kind == LinkKind::Invitation,
                username: &user.username,
                settings: visit.schema(&token.tenant).await?.sign_in(),
                passkeys: HeldPasskeys { facts: passkeys::held(account), remove: remove_passkeys },
                failure: weak,
            };
            pages::set_password(&shell, &page)
        }
        LinkKind::Address => {
            let facts = account.login.as_ref().map(|login| &login.value);
            let address = facts.and_then(pending).unwrap_or_default();
            pages::question(&shell, form, &text, Question::Confirm(address))
        }
        LinkKind::Undo => pages::question(&shell, form, &text, Question::Undo(&user.username)),
    };
    let status = weak.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    Ok(visit.page(content).status(status).into_response())
}

/// The page that says what a link has done.
fn done(visit: &Visit, found: &Found, answered: Answered) -> Response {
    let (tenant, locale) = (&found.token.tenant, visit.locale.tag());
    let next = match answered {
        Answered::Invited | Answered::Reset | Answered::Removed => {
            with_query(&format!("/idhub/login/{tenant}"), &[("ui_locales", locale)])
        }
        Answered::Confirmed => {
            with_query(&format!("/idhub/login/{tenant}"), &[("return_to", "/idhub/account")])
        }
        Answered::Undone => {
            let parameters = [("tenant", tenant.as_str()), ("ui_locales", locale)];
            with_query("/idhub/login/forgot", &parameters)
        }
    };
    visit.page(pages::answered(&visit.shell(Some(tenant)), answered, &next)).into_response()
}

/// The answer to a use that was refused: somebody has used the link, the account has changed, or the
/// address is another account's.
fn refused(visit: &Visit, found: &Found, error: Error) -> Refusal {
    match error {
        Error::AlreadyRecorded | Error::NotFound => dead(visit, &found.token),
        Error::Invalid(_) => Refusal::restarting(Failure::Taken, Some("/idhub/account".to_owned())),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use shared::env::Env;

    use super::*;

    #[test]
    fn g44_a_whole_link_or_its_fragment_is_taken() {
        let token = LinkToken::new(&"acme".parse().unwrap(), &Env::default().random);
        let text = token.to_string();
        for typed in [
            text.clone(),
            format!("  {text}\n"),
            format!("#{text}"),
            format!("https://id.example.org/idhub/login/link?ui_locales=nl#{text}"),
        ] {
            assert_eq!(token_in(&typed).as_ref(), Some(&token), "{typed}");
        }
        for typed in ["", "https://id.example.org/idhub/login/link", "acme.short", "#"] {
            assert_eq!(token_in(typed), None, "{typed}");
        }
    }
}
