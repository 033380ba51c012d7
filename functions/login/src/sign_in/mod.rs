//! A person signs in with a password (rules G34 to G43).

mod attempt;
mod finish;
mod page;

use http::StatusCode;
use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::post;
use shared::domain::error::Result;
use shared::domain::people::PasskeyFacts;
use shared::http::Route;
use shared::store::Retry;

pub(crate) use self::attempt::record_blocked;
use self::attempt::{Candidate, Verdict};
pub(crate) use self::finish::{Authenticated, Finished, Used, finish_sign_in, principal};
pub(crate) use self::page::{again, leading_on, show};
use crate::pages::passkeys::HeldPasskeys;
use crate::pages::{self, Form, NewPassword, SignInFailure};
use crate::respond::{Refusal, form_alone};
use crate::state::{PageState, Proven};
use crate::throttle::{self, Attempt, Closed, Guesser};
use crate::visit::{Submission, Visit};

/// The routes of the sign-in by password.
pub(crate) const ROUTES: [Route; 1] =
    [Route::form_page("/idhub/login/password", "sign_in_with_password", || {
        form_alone(post(password))
    })
    .summary("Sign in with a password")];

/// The longest username that the page repeats, in bytes.
const MAX_SHOWN: usize = 1024;

/// What the sign-in page sends.
struct Typed<'f> {
    username: &'f str,
    password: &'f str,
    keep: bool,
}

/// Signs a person in. All refusals are the same page after the same work, so that nobody learns who
/// has an account; whether the account is blocked is told after the right password alone.
async fn password(submission: Submission) -> Result<Response, Refusal> {
    let (visit, fields) = (&submission.visit, &submission.fields);
    let state = submission.state()?;
    let username = fields.get("username").unwrap_or_default().trim();
    let shown = Some(username.to_owned()).filter(|username| username.len() <= MAX_SHOWN);
    let state = &PageState { username: shown, ..state.clone() };
    let Some(password) = fields.get("password").filter(|_| !username.is_empty()) else {
        return Ok(
            again(visit, state, SignInFailure::Empty, StatusCode::UNPROCESSABLE_ENTITY).await?
        );
    };
    let typed = Typed { username, password, keep: fields.get("keep").is_some() };
    Ok(Box::pin(sign_in(visit, state, &typed)).await?)
}

async fn sign_in(visit: &Visit, state: &PageState, typed: &Typed<'_>) -> Result<Response> {
    let mut candidate = Candidate::find(visit, &state.tenant, typed.username).await?;
    let device = candidate.known_device().await?;
    let guesser = device.as_ref().map_or(Guesser::Stranger, Guesser::Known);
    let attempt = match throttle::reserve(visit, &state.tenant, typed.username, guesser).await? {
        Ok(attempt) => attempt,
        Err(closed) => return closed_page(visit, state, closed).await,
    };
    let mut retry = Retry::of(visit.app.table());
    let mut verified = None;
    loop {
        let verdict = candidate.verify(typed.password, &mut verified).await?;
        let answer = match verdict {
            Verdict::Wrong => {
                attempt.failed(visit).await?;
                return refused(visit, state).await;
            }
            Verdict::Over => {
                succeeded(visit, &attempt).await;
                let failure = SignInFailure::TemporaryOver;
                return again(visit, state, failure, StatusCode::FORBIDDEN).await;
            }
            Verdict::Blocked(user) => {
                record_blocked(visit, &state.tenant, user).await?;
                succeeded(visit, &attempt).await;
                let failure = SignInFailure::Blocked;
                return again(visit, state, failure, StatusCode::FORBIDDEN).await;
            }
            Verdict::MustChange(proven, held) => {
                succeeded(visit, &attempt).await;
                let proven = Proven { keep: typed.keep, ..proven };
                return must_change(visit, state, proven, (typed.username, &held)).await;
            }
            Verdict::Right(authenticated) => {
                let authenticated = Authenticated {
                    keep: typed.keep,
                    failures: attempt.failures,
                    ..*authenticated
                };
                Box::pin(finish_sign_in(visit, state, authenticated)).await?
            }
        };
        match answer {
            Finished::Answer(response) => {
                succeeded(visit, &attempt).await;
                return Ok(response);
            }
            // Read again: the account is not as it was.
            Finished::Again | Finished::Blocked | Finished::Unlinked => retry.again().await?,
        }
        candidate = Candidate::find(visit, &state.tenant, typed.username).await?;
    }
}

/// Clears the counters. The person is signed in whether or not this succeeds.
async fn succeeded(visit: &Visit, attempt: &Attempt) {
    if attempt.succeeded(visit).await.is_err() {
        tracing::warn!("a counter of attempts was not cleared");
    }
}

/// The page of all refusals.
async fn refused(visit: &Visit, state: &PageState) -> Result<Response> {
    again(visit, state, SignInFailure::Refused, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// The same page for an attempt that was not made. Only the network decides about 429 (rule G36).
async fn closed_page(visit: &Visit, state: &PageState, closed: Closed) -> Result<Response> {
    let page = page::page(visit, state, Some(SignInFailure::Refused)).await?.logged("throttled");
    let page = match closed {
        Closed::Account => page.status(StatusCode::UNPROCESSABLE_ENTITY),
        Closed::Network(seconds) => {
            page.status(StatusCode::TOO_MANY_REQUESTS).retry_after(Some(seconds))
        }
    };
    Ok(page.into_response())
}

/// The page on which a person with a temporary password chooses another one.
async fn must_change(
    visit: &Visit,
    state: &PageState,
    proven: Proven,
    (username, held): (&str, &[PasskeyFacts]),
) -> Result<Response> {
    let state = PageState { proven: Some(proven), ..state.clone() };
    let (sealed, token) = (visit.seal(&state).await?, visit.form_token().await?);
    let form = Form { state: &sealed, token: &token };
    let shell = visit.shell(Some(&state.tenant));
    let settings = visit.schema(&state.tenant).await?.sign_in();
    let passkeys = HeldPasskeys { facts: held, remove: false };
    let page = NewPassword { form, username, settings, passkeys, failure: None };
    let page = pages::new_password(&shell, &page);
    Ok(page::leading_on(visit.page(page), &state).into_response())
}
