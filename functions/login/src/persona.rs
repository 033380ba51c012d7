//! Choices of a person who is signed in: the account, and the persona in which to go on.

use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::post;
use shared::domain::error::Result;
use shared::domain::id::PersonaId;
use shared::domain::persona::Persona;
use shared::http::Route;

use crate::authorize::{Answers, Progress, resume};
use crate::pages::{self, Form, PersonaChoice, PersonaOption};
use crate::respond::{Refusal, form_alone, see_other};
use crate::state::PageState;
use crate::visit::Submission;

/// The path that takes the choices.
pub(crate) const PATH: &str = "/idhub/login/persona";

/// The routes of the choices.
pub(crate) const ROUTES: [Route; 1] =
    [Route::form_page(PATH, "choose_persona", || form_alone(post(choose)))
        .summary("Choose a persona for an application")];

/// Shows the personas among which a person has to choose.
pub(crate) async fn show(progress: &Progress<'_>, personas: &[&Persona]) -> Result<Response> {
    let Progress { visit, client, request, signed_in } = progress;
    let user = &signed_in.user.value;
    let schema = visit.app.schema_of(&signed_in.tenant, [user]).await?;
    let options: Vec<_> = personas
        .iter()
        .map(|persona| PersonaOption {
            id: persona.id.to_string(),
            name: schema.persona(persona.definition).map_or_else(
                || persona.definition.to_string(),
                |definition| definition.name.clone(),
            ),
            detail: (!persona.scope.is_empty()).then(|| persona.scope.join(", ")),
            preferred: persona.preferred,
        })
        .collect();
    let state = PageState::of_request((*request).clone()).of_person(user.id);
    let (state, token) = (visit.seal(&state).await?, visit.form_token().await?);
    let page = PersonaChoice {
        form: Form { state: &state, token: &token },
        person: &user.username,
        application: Some(&client.name),
        personas: &options,
    };
    let page = pages::choose_persona(&visit.shell(Some(&signed_in.tenant)), &page);
    Ok(visit.page(page).form_action(request.redirect_uri.origin()).into_response())
}

/// Takes a choice. The session remembers the persona, so other applications do not ask again.
async fn choose(submission: Submission) -> Result<Response, Refusal> {
    let resumed = resume(&submission).await?;
    let request = resumed.request();
    let (visit, fields) = (&submission.visit, &submission.fields);
    match fields.get("account") {
        Some("this") => return Ok(see_other(&request.signed_in().path())),
        Some(_) => return Ok(see_other(&request.with_other_account().path())),
        None => {}
    }
    let progress = resumed.progress(visit);
    let chosen: Option<PersonaId> = fields.get("persona").and_then(|text| text.parse().ok());
    let Some(persona) = chosen.filter(|persona| progress.may_choose(*persona)) else {
        // The persona is not in force any more: the page is asked for again.
        return Ok(see_other(&request.path()));
    };
    let signed_in = progress.signed_in;
    let (tenant, user) = (&signed_in.tenant, signed_in.user.value.id);
    let table = visit.app.table();
    // The request has noted that the session is used, so it is read again.
    let session = table.read_session(tenant, user, &signed_in.hash).await?;
    let session = session.ok_or_else(|| see_other(&request.path()))?;
    table.choose_persona(tenant, user, &signed_in.hash, &session, persona).await?;
    progress.next(Answers { persona: Some(persona), redirect: true, ..Answers::default() }).await
}
