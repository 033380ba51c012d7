//! The person changes the password. The present one is asked for, and all other sessions end.

use shared::app::SignedIn;
use shared::axum::response::Response;
use shared::domain::audit::Operation;
use shared::domain::error::{Error, Result};
use shared::domain::people::{PasswordFacts, SetBy};
use shared::domain::versioned::Version;
use shared::store::Write;
use shared::store::people::{keep_session, mail_write};
use shared::writing::{Account, AccountChange, AccountWriter};

use super::{Done, PATH, author, done, refuse};
use crate::device::keep_known;
use crate::mails;
use crate::pages::Failure;
use crate::pages::account::AccountFailure;
use crate::passwords::{self, Refusal as Weak, Verified};
use crate::respond::Refusal;
use crate::throttle::{self, Guesser};
use crate::visit::{Submission, Visit};

/// Changes the password.
pub(super) async fn change(submission: Submission) -> Result<Response, Refusal> {
    let visit = &submission.visit;
    let signed_in = visit.required().await?;
    let (tenant, user) = (&signed_in.tenant, &signed_in.user.value);
    let current = submission.fields.get("current_password");
    let typed = submission.fields.get("new_password").unwrap_or_default();
    let stored = visit.app.table().find_password(tenant, user.id).await?;
    let failure = match (&stored, current) {
        (Some(stored), Some(current)) => present(visit, &signed_in, current, stored).await?,
        (Some(_), None) => Some(AccountFailure::EmptyCurrent),
        // The sign-in by a passkey stands for the present password.
        (None, _) if visit.is_recent(&signed_in.session.value) => None,
        (None, _) => return Ok(Visit::sign_in_again(tenant, PATH)),
    };
    if let Some(failure) = failure {
        return refuse(&submission, &signed_in, failure).await;
    }
    let password = match passwords::check_chosen(&visit.app, typed, user, tenant).await? {
        Ok(_) if Some(typed) == current => {
            return refuse(&submission, &signed_in, AccountFailure::Weak(Weak::Unchanged)).await;
        }
        Ok(password) => password,
        Err(weak) => {
            return refuse(&submission, &signed_in, AccountFailure::Weak(weak)).await;
        }
    };
    let sealed = passwords::sealed(&visit.app, tenant, user.id, &password).await?;
    match store(visit, &signed_in, sealed).await? {
        Some(version) => Ok(keep_known(visit, &signed_in, version, done(Done::Password)).await),
        None => Err(Refusal::restarting(Failure::Changed, Some(PATH.to_owned()))),
    }
}

/// Verifies the present password, at most as often as a sign-in does.
async fn present(
    visit: &Visit,
    signed_in: &SignedIn,
    current: &str,
    stored: &str,
) -> Result<Option<AccountFailure<'static>>> {
    let (tenant, username) = (&signed_in.tenant, &signed_in.user.value.username);
    let attempt = throttle::reserve(visit, tenant, username, Guesser::SignedIn).await?;
    let Ok(attempt) = attempt else { return Ok(Some(AccountFailure::WrongCurrent)) };
    match passwords::verify(current, Some(stored), visit.app.env()).await? {
        Verified::Yes { .. } => {
            attempt.succeeded(visit).await?;
            Ok(None)
        }
        Verified::No => {
            attempt.failed(visit).await?;
            Ok(Some(AccountFailure::WrongCurrent))
        }
    }
}

/// Stores the password, and ends all sessions but this one, in one transaction; the version of the
/// user that it wrote, or `None` if the password or this session has changed meanwhile.
async fn store(visit: &Visit, signed_in: &SignedIn, sealed: Write) -> Result<Option<Version>> {
    let (env, tenant, user) = (visit.app.env(), &signed_in.tenant, &signed_in.user.value);
    let mail = mails::password_changed(visit, tenant, user.id, false);
    let mail = mail_write(&mail, env);
    // The request has noted that the session is used, so it is read again.
    let session = visit.app.table().read_session(tenant, user.id, &signed_in.hash).await?;
    let Some(session) = session else { return Ok(None) };
    let change = |account: &Account| {
        // A person who changes the password ends the other sessions, this one among them.
        if account.user.value.has_signed_out(session.value.user_version) {
            return Ok(None);
        }
        let mut facts = account.facts(&env.random);
        facts.password = Some(PasswordFacts::lasting(SetBy::Myself, env.clock.now()));
        let version = account.next_version();
        let kept = keep_session(tenant, user.id, &signed_in.hash, &session, version);
        let writes = [sealed.clone(), kept, mail.clone()];
        Ok(Some(AccountChange::default().login(facts).writes(writes).sign_out()))
    };
    let schema = visit.schema(tenant).await?;
    let author = author(visit, signed_in);
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    match writer.change(user.id, Operation::UserPasswordSet, change).await {
        Ok(changed) => Ok(changed.map(|user| user.version())),
        Err(Error::AlreadyRecorded | Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
