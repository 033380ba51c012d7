//! A person who signed in with a temporary password chooses another one (rule G33). The password is
//! proven by the sealed state of the page; the person is signed in once the new one is stored.

use http::StatusCode;
use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::{get, post};
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::error::Error;
use shared::domain::people::{PasswordFacts, SetBy};
use shared::domain::user::UserStatus;
use shared::domain::versioned::Version;
use shared::http::Route;
use shared::store::people::mail_write;
use shared::writing::{Account, AccountWriter};

use crate::pages::passkeys::{HeldPasskeys, REMOVE_ALL};
use crate::pages::{self, Failure, Form, NewPassword};
use crate::passwords::{self, Refusal as Weak, Verified};
use crate::respond::{Refusal, secured};
use crate::sign_in::{Authenticated, Finished, Used, finish_sign_in, leading_on, principal};
use crate::state::{PageState, Proven};
use crate::visit::{Submission, Visit};
use crate::{mails, passkeys};

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
    let removes = submission.fields.get(REMOVE_ALL).is_some();
    let password = match passwords::check_chosen(&visit.app, typed, user, tenant).await? {
        Ok(password) => password,
        Err(weak) => return again(visit, state, &account, (weak, removes)).await,
    };
    let stored = table.find_password(tenant, user.id).await?;
    if passwords::verify(typed, stored.as_deref(), visit.app.env()).await? != Verified::No {
        return again(visit, state, &account, (Weak::Unchanged, removes)).await;
    }
    let sealed = passwords::sealed(&visit.app, tenant, user.id, &password).await?;
    let change = |account: &Account| {
        if !holds(account, proven) {
            return Ok(None);
        }
        let env = visit.app.env();
        let mut facts = account.facts(&env.random);
        facts.password = Some(PasswordFacts::lasting(SetBy::Myself, env.clock.now()));
        // Who asked for another address may have been somebody else.
        facts.pending_address = None;
        let removed = removes && !facts.passkeys.is_empty();
        let mail = mails::password_changed(visit, tenant, user.id, removed);
        let change = passkeys::remove_if(removes, tenant, user.id, &mut facts);
        let writes = [sealed.clone(), mail_write(&mail, env)];
        Ok(Some(change.login(facts).writes(writes).sign_out()))
    };
    match writer.change(user.id, Operation::UserPasswordSet, change).await {
        Ok(Some(stored)) => Box::pin(sign_in(visit, state, proven, stored.version())).await,
        Ok(None) | Err(Error::AlreadyRecorded | Error::NotFound) => Err(expired()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the temporary password that was proven is still the one that signs in. Another one, a
/// reset, a block and an unlinking end all sessions. Other writes of the user do not matter, for
/// somebody could keep the person from the new password by them, by signing in with a passkey, say.
fn holds(account: &Account, proven: &Proven) -> bool {
    let facts = account.login.as_ref().and_then(|login| login.value.password.as_ref());
    !account.user.value.has_signed_out(Version(proven.version))
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

/// The page once more, with why the password was refused, and with the choice about passkeys as it
/// was made.
async fn again(
    visit: &Visit,
    state: &PageState,
    account: &Account,
    (weak, remove): (Weak, bool),
) -> Result<Response, Refusal> {
    let (sealed, token) = (visit.seal(state).await?, visit.form_token().await?);
    let form = Form { state: &sealed, token: &token };
    let page = NewPassword {
        form,
        username: &account.user.value.username,
        settings: visit.schema(&state.tenant).await?.sign_in(),
        passkeys: HeldPasskeys { facts: passkeys::held(account), remove },
        failure: Some(weak),
    };
    let content = pages::new_password(&visit.shell(Some(&state.tenant)), &page);
    let page = leading_on(visit.page(content), state);
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}
