//! A person who signed in with a temporary password chooses another one (rule G33). The password is
//! proven by the sealed state of the page; the person is signed in once the new one is stored.

use http::StatusCode;
use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::{get, post};
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::error::Error;
use shared::domain::people::{MailKind, PasswordFacts, SetBy};
use shared::domain::user::{User, UserStatus};
use shared::domain::versioned::Version;
use shared::http::Route;
use shared::store::people::mail_write;
use shared::writing::{Account, AccountChange, AccountWriter};

use crate::mails;
use crate::pages::{self, Failure, Form, NewPassword};
use crate::passwords::{self, Context, Refusal as Weak, Verified};
use crate::respond::{Refusal, secured};
use crate::sign_in::{Authenticated, Finished, Used, finish_sign_in, leading_on, principal};
use crate::state::{PageState, Proven};
use crate::visit::{Submission, Visit};

/// The routes of this page.
pub(crate) const ROUTES: [Route; 2] = [
    Route::page("/idhub/login/new-password", "get_new_password_page", || secured(get(show)))
        .summary("Show where to sign in for a new password"),
    Route::form_page("/idhub/login/new-password", "replace_temporary_password", || {
        secured(post(submit))
    })
    .summary("Replace a temporary password"),
];

/// The page comes after a sign-in alone: by itself it knows nobody.
async fn show() -> Refusal {
    Refusal::of(Failure::Expired)
}

async fn submit(submission: Submission) -> Result<Response, Refusal> {
    let (visit, state) = (&submission.visit, submission.state()?);
    let expired = || Refusal::restarting(Failure::Expired, Some(state.restart()));
    let proven = state.proven.as_ref().ok_or_else(expired)?;
    let (table, tenant) = (visit.app.table(), &state.tenant);
    let schema = visit.schema(tenant).await?;
    let author = Author::account(tenant.clone(), proven.user, visit.request_id());
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    let account = writer.read(proven.user).await?.filter(|account| holds(account, proven));
    let account = account.ok_or_else(expired)?;
    let user = &account.user.value;
    let typed = submission.fields.get("new_password").unwrap_or_default();
    let password = match passwords::check(typed, &Context::of(user, tenant)).await? {
        Ok(password) => password,
        Err(weak) => return again(visit, state, user, weak).await,
    };
    let stored = table.find_password(tenant, user.id).await?;
    if passwords::verify(typed, stored.as_deref(), visit.app.env()).await? != Verified::No {
        return again(visit, state, user, Weak::Unchanged).await;
    }
    let sealed = passwords::sealed(&visit.app, tenant, user.id, &password).await?;
    let mail = mails::to_user(visit, tenant, user.id, MailKind::PasswordChanged);
    let mail = mail_write(&mail, visit.app.env());
    let change = |account: &Account| {
        if !holds(account, proven) {
            return Ok(None);
        }
        let (now, mut facts) =
            (visit.app.env().clock.now(), account.facts(&visit.app.env().random));
        facts.password = Some(PasswordFacts::lasting(SetBy::Myself, now));
        let writes = [sealed.clone(), mail.clone()];
        Ok(Some(AccountChange::default().login(facts).writes(writes).sign_out()))
    };
    match writer.change(user.id, Operation::UserPasswordSet, change).await {
        Ok(Some(stored)) => Box::pin(sign_in(visit, state, proven, stored.version())).await,
        Ok(None) | Err(Error::AlreadyRecorded | Error::NotFound) => Err(expired()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the temporary password that was proven is still the one that signs in.
fn holds(account: &Account, proven: &Proven) -> bool {
    let facts = account.login.as_ref().and_then(|login| login.value.password.as_ref());
    account.user.version().0 == proven.version
        && account.user.value.status == UserStatus::Active
        && facts.is_some_and(|facts| facts.must_change)
}

/// Signs the person in with the password that was just stored. If the account has changed since, the
/// person signs in as usual: it may have another password by now.
async fn sign_in(
    visit: &Visit,
    state: &PageState,
    proven: &Proven,
    stored: Version,
) -> Result<Response, Refusal> {
    let tenant = &state.tenant;
    let state = PageState { proven: None, ..state.clone() };
    let author = Author::account(tenant.clone(), proven.user, visit.request_id());
    let schema = visit.schema(tenant).await?;
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    let elsewhere = || Refusal::restarting(Failure::Changed, Some(state.restart()));
    let account = writer.read(proven.user).await?;
    let account = account.filter(|account| account.user.version() == stored);
    let account = account.ok_or_else(elsewhere)?;
    let authenticated = Authenticated {
        principal: principal(visit, tenant, proven.user).await?,
        account,
        used: Used::Password,
        keep: proven.keep,
        companions: Vec::new(),
        failures: 0,
    };
    match Box::pin(finish_sign_in(visit, &state, authenticated)).await? {
        Finished::Answer(response) => Ok(response),
        Finished::Again | Finished::Unlinked | Finished::Blocked => Err(elsewhere()),
    }
}

async fn again(
    visit: &Visit,
    state: &PageState,
    user: &User,
    weak: Weak,
) -> Result<Response, Refusal> {
    let (sealed, token) = (visit.seal(state).await?, visit.form_token().await?);
    let form = Form { state: &sealed, token: &token };
    let page = NewPassword { form, username: &user.username, failure: Some(weak) };
    let content = pages::new_password(&visit.shell(Some(&state.tenant)), &page);
    let page = leading_on(visit.page(content), state);
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}
