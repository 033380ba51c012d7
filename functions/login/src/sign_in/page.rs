//! The sign-in page.

use http::StatusCode;
use shared::axum::response::{IntoResponse as _, Response};
use shared::domain::error::Result;

use crate::authorize::way_back;
use crate::pages::{self, Form, SignIn, SignInFailure};
use crate::passkeys::RelyingParty;
use crate::respond::Page;
use crate::state::PageState;
use crate::visit::Visit;

/// Shows the sign-in page.
pub(crate) async fn show(visit: &Visit, state: &PageState) -> Result<Response> {
    Ok(page(visit, state, None).await?.into_response())
}

/// Shows the sign-in page once more, with what was wrong.
pub(crate) async fn again(
    visit: &Visit,
    state: &PageState,
    failure: SignInFailure,
    status: StatusCode,
) -> Result<Response> {
    let page = page(visit, state, Some(failure)).await?.status(status);
    Ok(page.logged(name_of(failure)).into_response())
}

/// The failure in the log line of its request, which counts them by tenant.
const fn name_of(failure: SignInFailure) -> &'static str {
    match failure {
        SignInFailure::Refused => "wrong_password",
        SignInFailure::Blocked => "blocked",
        SignInFailure::PasskeyRefused => "passkey_refused",
        SignInFailure::TemporaryOver => "temporary_over",
        SignInFailure::Empty => "incomplete",
    }
}

/// The sign-in page of a state.
pub(super) async fn page(
    visit: &Visit,
    state: &PageState,
    failure: Option<SignInFailure>,
) -> Result<Page> {
    let (sealed, token) = (visit.seal(state).await?, visit.form_token().await?);
    let application = application(visit, state).await?;
    let back = state.request().map(|request| way_back(visit, &request.reply_to()));
    let shown = SignIn {
        form: Form { state: &sealed, token: &token },
        tenant: &state.tenant,
        username: state.username.as_deref().unwrap_or_default(),
        fixed: state.person.is_some(),
        application: application.as_deref(),
        failure,
        keep: Some(false),
        passkeys: RelyingParty::of_service(visit).is_some(),
        back: back.as_deref(),
    };
    let content = pages::sign_in(&visit.shell(Some(&state.tenant)), &shown);
    Ok(leading_on(visit.page(content), state))
}

/// The page with leave to send its form on to the application.
pub(crate) fn leading_on(page: Page, state: &PageState) -> Page {
    page.form_action(state.request().and_then(|request| request.redirect_uri.origin()))
}

/// The name of the application for which the person signs in.
async fn application(visit: &Visit, state: &PageState) -> Result<Option<String>> {
    let Some(request) = state.request() else { return Ok(None) };
    let found = visit.app.client(&request.client_id, |client| Some(client.name.clone())).await?;
    Ok(found.map(|(_, name)| name))
}
