//! The page on which a person who is signed in looks after the account: password, passkeys, e-mail
//! address, sessions and applications.

mod address;
mod applications;
mod password;
mod sessions;

use http::StatusCode;
use shared::app::SignedIn;
use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::{get, post};
use shared::domain::audit::Operation;
use shared::domain::author::{Author, AuthorSession};
use shared::domain::error::Result;
use shared::domain::people::Life;
use shared::http::Route;
use shared::writing::{Account, AccountChange, AccountWriter};

pub(crate) use self::sessions::end_one;
use crate::pages::Form;
use crate::pages::account::{AccountFailure, AccountPage, account};
use crate::passkeys::RelyingParty;
use crate::respond::{Refusal, form_alone, secured, see_other};
use crate::texts::Texts;
use crate::visit::{Submission, Visit};

/// The path of the page.
const PATH: &str = "/idhub/account";

/// The routes of the page and of its forms; the forms about passkeys are routes of theirs.
pub(crate) const ROUTES: [Route; 7] = [
    Route::page(PATH, "get_account_page", || secured(get(show))).summary("Show the account page"),
    Route::form_page("/idhub/account/password", "change_password", || {
        form_alone(post(password::change))
    })
    .summary("Change the password"),
    Route::form_page("/idhub/account/address", "change_address", || {
        form_alone(post(address::change))
    })
    .summary("Ask for another e-mail address"),
    Route::form_page("/idhub/account/address/cancel", "cancel_address", || {
        form_alone(post(address::cancel))
    })
    .summary("Cancel the change of the e-mail address"),
    Route::form_page("/idhub/account/sign-out", "sign_out", || {
        form_alone(post(sessions::sign_out))
    })
    .summary("Sign out"),
    Route::form_page("/idhub/account/sessions/end", "end_sessions_by_form", || {
        form_alone(post(sessions::end))
    })
    .summary("Sign out on other devices"),
    Route::form_page("/idhub/account/clients/withdraw", "withdraw_client", || {
        form_alone(post(applications::withdraw))
    })
    .summary("Withdraw the access of an application"),
];

/// What was done by a form of the page, which then says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// The password is changed.
    Password,
    /// Another address is asked for.
    Address,
    /// The change of the address is cancelled.
    Cancelled,
    /// One other session is ended.
    Session,
    /// All other sessions are ended.
    Sessions,
    /// The access of a client is withdrawn.
    Client,
    /// A passkey is added.
    PasskeyAdded,
    /// A passkey has another name.
    PasskeyRenamed,
    /// A passkey is removed.
    PasskeyRemoved,
}

impl Done {
    const ALL: [Self; 9] = [
        Self::Password,
        Self::Address,
        Self::Cancelled,
        Self::Session,
        Self::Sessions,
        Self::Client,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Address => "address",
            Self::Cancelled => "cancelled",
            Self::Session => "session",
            Self::Sessions => "sessions",
            Self::Client => "client",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRenamed => "passkey_renamed",
            Self::PasskeyRemoved => "passkey_removed",
        }
    }

    const fn text(self, texts: &Texts) -> &'static str {
        match self {
            Self::Password => texts.done.password,
            Self::Address => texts.done.address,
            Self::Cancelled => texts.done.cancelled,
            Self::Session => texts.done.session,
            Self::Sessions => texts.done.sessions,
            Self::Client => texts.done.client,
            Self::PasskeyAdded => texts.done.passkey_added,
            Self::PasskeyRenamed => texts.done.passkey_renamed,
            Self::PasskeyRemoved => texts.done.passkey_removed,
        }
    }
}

/// Leads back to the page, which says what was done.
pub(crate) fn done(what: Done) -> Response {
    see_other(&format!("{PATH}?done={}", what.name()))
}

/// The page once more, with what was wrong.
pub(crate) async fn again(
    visit: &Visit,
    signed_in: &SignedIn,
    problem: &str,
    status: StatusCode,
) -> Result<Response, Refusal> {
    page(visit, signed_in, Some(AccountFailure::Other(problem)), status).await
}

async fn show(visit: Visit) -> Result<Response, Refusal> {
    let signed_in = visit.required().await?;
    page(&visit, &signed_in, None, StatusCode::OK).await
}

/// The page once more, with a field at fault.
async fn refuse(
    submission: &Submission,
    signed_in: &SignedIn,
    failure: AccountFailure<'_>,
) -> Result<Response, Refusal> {
    page(&submission.visit, signed_in, Some(failure), StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn page(
    visit: &Visit,
    signed_in: &SignedIn,
    failure: Option<AccountFailure<'_>>,
    status: StatusCode,
) -> Result<Response, Refusal> {
    let (table, tenant) = (visit.app.table(), &signed_in.tenant);
    let user = &signed_in.user.value;
    let facts = table.login_facts(tenant, user.id).await?;
    let (life, now) = (Life::with(&signed_in.rights), visit.app.env().clock.now());
    let mut sessions = table.list_sessions(tenant, user.id).await?;
    sessions.retain(|(_, session)| session.value.is_alive(user, life, now));
    let applications = applications::of(visit, signed_in).await?;
    let token = visit.form_token().await?;
    let shell = visit.shell(Some(tenant));
    let asked = visit.query.get("done");
    let done = Done::ALL.into_iter().find(|done| asked == Some(done.name()));
    let shown = AccountPage {
        form: Form { state: "", token: &token },
        signed_in,
        facts: facts.as_ref().map(|facts| &facts.value),
        sessions: &sessions,
        applications: &applications,
        done: done.filter(|_| failure.is_none()).map(|done| done.text(shell.texts)),
        failure,
        settings: visit.schema(tenant).await?.sign_in(),
        passkeys: RelyingParty::of_service(visit).is_some(),
        recent: visit.is_recent(&signed_in.session.value),
    };
    Ok(visit.page(account(&shell, &shown)).status(status).into_response())
}

/// The person as the author of a change of the own account, from this session (rule G65).
pub(crate) fn author(visit: &Visit, signed_in: &SignedIn) -> Author {
    let session = &signed_in.session.value;
    let session = AuthorSession { sid: session.sid.clone(), is_recent: visit.is_recent(session) };
    let (tenant, user) = (signed_in.tenant.clone(), signed_in.user.value.id);
    Author { session: Some(session), ..Author::account(tenant, user, visit.request_id()) }
}

/// Changes the account as `edit` says, while the session lasts; `false` if `edit` says that nothing
/// changes.
pub(crate) async fn change(
    visit: &Visit,
    signed_in: &SignedIn,
    operation: Operation,
    edit: impl FnMut(&Account) -> Result<Option<AccountChange>> + Send,
) -> Result<bool> {
    let schema = visit.schema(&signed_in.tenant).await?;
    let author = author(visit, signed_in);
    let (user, session) = (signed_in.user.value.id, &signed_in.hash);
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    Ok(writer.change_in_session(user, session, operation, edit).await?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Locale;

    #[test]
    fn u11_each_act_has_a_text_of_its_own() {
        for locale in Locale::ALL {
            let mut texts: Vec<_> =
                Done::ALL.iter().map(|done| done.text(Texts::of(locale))).collect();
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), Done::ALL.len());
        }
    }
}
