//! A person asks for an e-mail: with a link for another password, or with the username.
//!
//! The request puts an item into the outbox and reads nothing of the person: the mailer finds out
//! later who it is. So the answer and its time are the same for all (rule G40).

use http::StatusCode;
use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::{get, post};
use shared::domain::error::Result;
use shared::domain::id::TenantId;
use shared::domain::lookup::{Lookup, ValueHash, of_email};
use shared::domain::people::{Mail, MailKind, Recipient};
use shared::domain::text;
use shared::http::Route;

use crate::pages::{self, Ask, Failure, ForgotPage, Form};
use crate::respond::{Refusal, secured};
use crate::throttle::may_ask_for_mail;
use crate::visit::{Submission, Visit};

/// The routes of these pages.
pub(crate) const ROUTES: [Route; 4] = [
    Route::page("/idhub/login/forgot", "get_forgotten_password_page", || secured(get(show)))
        .summary("Show the page for a forgotten password"),
    Route::form_page("/idhub/login/forgot", "ask_for_reset", || secured(post(ask)))
        .summary("Ask for a link to set another password"),
    Route::page("/idhub/login/forgot-username", "get_forgotten_username_page", || {
        secured(get(show_username))
    })
    .summary("Show the page for a forgotten username"),
    Route::form_page("/idhub/login/forgot-username", "ask_for_username", || {
        secured(post(ask_username))
    })
    .summary("Ask for a mail with the username"),
];

async fn show(visit: Visit) -> Result<Response, Refusal> {
    page(&visit, Ask::Password, false).await
}

async fn show_username(visit: Visit) -> Result<Response, Refusal> {
    page(&visit, Ask::Username, false).await
}

async fn ask(submission: Submission) -> Result<Response, Refusal> {
    answer(&submission, Ask::Password).await
}

async fn ask_username(submission: Submission) -> Result<Response, Refusal> {
    answer(&submission, Ask::Username).await
}

/// The tenant that the query names.
async fn tenant_of(visit: &Visit) -> Result<TenantId, Refusal> {
    let unknown = || Refusal::of(Failure::UnknownTenant);
    let tenant = visit.query.get("tenant").and_then(|tenant| tenant.parse().ok());
    let tenant = tenant.ok_or_else(unknown)?;
    // Every tenant has definitions from its start.
    if visit.schema(&tenant).await?.epoch.is_none() {
        return Err(unknown());
    }
    Ok(tenant)
}

async fn page(visit: &Visit, ask: Ask, empty: bool) -> Result<Response, Refusal> {
    let tenant = tenant_of(visit).await?;
    let token = visit.form_token().await?;
    let form = Form { state: "", token: &token };
    let shell = visit.shell(Some(&tenant));
    let content = pages::forgot(&shell, &ForgotPage { form, tenant: &tenant, ask, empty });
    let status = if empty { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(visit.page(content).status(status).into_response())
}

async fn answer(submission: &Submission, ask: Ask) -> Result<Response, Refusal> {
    let visit = &submission.visit;
    let field = match ask {
        Ask::Password => "username",
        Ask::Username => "email",
    };
    let typed = submission.fields.get(field).unwrap_or_default().trim();
    if typed.is_empty() {
        return page(visit, ask, true).await;
    }
    let tenant = tenant_of(visit).await?;
    if may_ask_for_mail(visit).await? {
        visit.app.table().put_mail(&mail(visit, &tenant, ask, typed)).await?;
    }
    let content = pages::sent(&visit.shell(Some(&tenant)), &tenant, ask);
    Ok(visit.page(content).into_response())
}

/// The mail to whom the typed text names, if it names anybody.
fn mail(visit: &Visit, tenant: &TenantId, ask: Ask, typed: &str) -> Mail {
    let (kind, to) = match ask {
        Ask::Password => {
            let name = text::username(typed).unwrap_or_else(|| typed.to_owned());
            (MailKind::Reset, Recipient::Username(ValueHash::of(&name).to_string()))
        }
        Ask::Username => (MailKind::UsernameReminder, Recipient::Address(address_hash(typed))),
    };
    let now = visit.app.env().clock.now();
    let locale = Some(visit.locale.tag().to_owned());
    Mail { locale, ..Mail::new(kind, tenant.clone(), to, now) }
}

/// The hash of an address, as its look-up has it.
pub(crate) fn address_hash(address: &str) -> String {
    let hash = of_email(address).into_iter().find_map(|lookup| match lookup {
        Lookup::Email { hash } => Some(hash),
        _ => None,
    });
    hash.unwrap_or_else(|| ValueHash::of(address)).to_string()
}
