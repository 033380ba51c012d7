//! The consent of a person to what a client asks for (rule G15).

use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::post;
use shared::domain::client::ApplicationType;
use shared::domain::error::{Error, Result};
use shared::domain::people::ClientConsent;
use shared::http::Route;
use shared::writing::AccountWriter;

use crate::account::author;
use crate::authorize::{Answers, Progress, Wrong, resume};
use crate::pages::{self, Consent, Failure, Form};
use crate::respond::{Refusal, form_alone};
use crate::state::PageState;
use crate::visit::Submission;

/// The routes of the consent page.
pub(crate) const ROUTES: [Route; 1] =
    [Route::form_page("/idhub/login/consent", "consent_to_client", || form_alone(post(decide)))
        .summary("Allow a client what it asks for")];

const DENIED: Wrong = Wrong::new("access_denied", "the person did not allow it");

/// Shows what a client asks for.
pub(crate) async fn show(progress: &Progress<'_>) -> Result<Response> {
    let Progress { visit, client, request, signed_in } = progress;
    let user = &signed_in.user.value;
    let state = PageState::of_request((*request).clone()).of_person(user.id);
    let (state, token) = (visit.seal(&state).await?, visit.form_token().await?);
    let origin = request.redirect_uri.origin();
    let page = Consent {
        form: Form { state: &state, token: &token },
        client: &client.name,
        returns_to: target(origin.as_deref(), request.redirect_uri.as_str()),
        person: &user.username,
        scopes: &progress.consent_scopes(),
        native: client.application_type == ApplicationType::Native,
    };
    let page = pages::consent(&visit.shell(Some(&signed_in.tenant)), &page);
    Ok(visit.page(page).form_action(origin).into_response())
}

/// Where the person goes next: the host of a site, or the scheme of an app.
fn target<'u>(origin: Option<&'u str>, uri: &'u str) -> &'u str {
    match origin {
        Some(origin) => origin.split_once("://").map_or(origin, |(_, host)| host),
        None => uri.split(':').next().unwrap_or_default(),
    }
}

/// Takes the decision. The audit tells of a consent that is remembered (rule G65).
async fn decide(submission: Submission) -> Result<Response, Refusal> {
    let resumed = resume(&submission).await?;
    let (visit, progress) = (&submission.visit, resumed.progress(&submission.visit));
    match submission.fields.get("decision") {
        Some("allow") => {}
        Some(_) => return Ok(progress.refuse(DENIED)),
        None => return Err(Refusal::restarting(Failure::Expired, Some(resumed.request().path()))),
    }
    let (client, signed_in) = (progress.client, progress.signed_in);
    if client.remembers_consent() {
        let (scopes, now) = (progress.consent_scopes(), visit.app.env().clock.now());
        let consent = ClientConsent::extended(None, client.client_id.clone(), &scopes, now);
        let (schema, author) = (visit.schema(&signed_in.tenant).await?, author(visit, signed_in));
        let writer = AccountWriter::new(&visit.app, &author, &schema);
        match writer.grant_to_client(&signed_in.user, &consent).await {
            Ok(_) => {}
            // The person was forgotten at this moment.
            Err(Error::NotFound) => return Err(Refusal::of(Failure::SignedOut)),
            Err(error) => return Err(error.into()),
        }
    }
    progress.next(Answers { consented: true, redirect: true, ..Answers::default() }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g15_the_consent_page_names_the_host_or_the_app() {
        assert_eq!(target(Some("https://app.example"), "https://app.example/cb"), "app.example");
        assert_eq!(target(None, "com.example.app:/cb"), "com.example.app");
    }
}
