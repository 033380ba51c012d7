//! The steps between a sign-in and a code: whether it is the person whom the client expects, the
//! persona, the consent (rules G9, G10, G15).

use shared::app::SignedIn;
use shared::auth::id_token::{IdTokenHint, subject_for};
use shared::axum::response::Response;
use shared::domain::client::Client;
use shared::domain::error::Result;
use shared::domain::id::PersonaId;
use shared::domain::people::{Code, Life, Secret};
use shared::domain::persona::Persona;
use shared::domain::scope::Scope;

use super::reply::{CODE, refuse, send, way_back};
use super::request::{AuthorizationRequest, Wrong};
use crate::pages::Failure;
use crate::respond::{Refusal, see_other};
use crate::visit::Visit;
use crate::{consent, persona};

const LOGIN_REQUIRED: Wrong = Wrong::new("login_required", "the person has to sign in");
const INTERACTION_REQUIRED: Wrong =
    Wrong::new("interaction_required", "the person has to choose a persona");
const CONSENT_REQUIRED: Wrong = Wrong::new("consent_required", "the person has to consent");
const BAD_HINT: Wrong =
    Wrong::new("invalid_request", "id_token_hint: expected an ID token of this service");
const OTHER_PERSON: Wrong =
    Wrong::new("login_required", "another person is signed in than the one that is asked for");
const NO_SUBJECT: Wrong =
    Wrong::new("access_denied", "the application has no subject for this person");

/// A request that goes on for a person who is signed in.
pub(crate) struct Progress<'p> {
    pub(crate) visit: &'p Visit,
    pub(crate) client: &'p Client,
    pub(crate) request: &'p AuthorizationRequest,
    pub(crate) signed_in: &'p SignedIn,
}

/// What a person has just answered, so that the page is not shown again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answers {
    /// The persona that the person chose.
    pub(crate) persona: Option<PersonaId>,
    /// Whether the person consented.
    pub(crate) consented: bool,
    /// Whether a further page is asked for by GET, because the request is a POST.
    pub(crate) redirect: bool,
}

impl Progress<'_> {
    /// The next answer: a page, an error or the code.
    pub(crate) async fn next(&self, answers: Answers) -> Result<Response, Refusal> {
        if let Some(refusal) = self.unexpected_person().await? {
            return Ok(refusal);
        }
        let persona = match self.persona(answers.persona) {
            Ok(persona) => persona.map(|persona| persona.id),
            Err(personas) => {
                return match self.without_page(answers, INTERACTION_REQUIRED) {
                    Some(answer) => Ok(answer),
                    None => Ok(persona::show(self, &personas).await?),
                };
            }
        };
        if !answers.consented && self.needs_consent(answers.redirect).await? {
            return match self.without_page(answers, CONSENT_REQUIRED) {
                Some(answer) => Ok(answer),
                None => Ok(consent::show(self).await?),
            };
        }
        Ok(self.finish(persona).await?)
    }

    /// The answer in place of a page, if the client forbids pages or the request is a POST.
    fn without_page(&self, answers: Answers, silent: Wrong) -> Option<Response> {
        if self.request.prompt.none {
            return Some(self.refuse(silent));
        }
        answers.redirect.then(|| see_other(&self.request.signed_in().path()))
    }

    /// An error for the client.
    pub(crate) fn refuse(&self, wrong: Wrong) -> Response {
        refuse(self.visit, self.client, &self.request.reply_to(), wrong)
    }

    /// The answer if the client expects another person, or cannot recognise this one.
    async fn unexpected_person(&self) -> Result<Option<Response>, Refusal> {
        let Self { visit, client, request, signed_in } = self;
        let subject = subject_for(&visit.app, &visit.base_url, client, &signed_in.user).await?;
        let Some(subject) = subject else {
            if request.prompt.none {
                return Ok(Some(self.refuse(NO_SUBJECT)));
            }
            let back = way_back(visit, &request.reply_to());
            return Err(Refusal::leading_back(Failure::NoSubject, Some(back)));
        };
        if request.claims_request().sub.is_some_and(|expected| expected != subject) {
            return Ok(Some(self.refuse(OTHER_PERSON)));
        }
        let Some(hint) = &request.id_token_hint else { return Ok(None) };
        let keys = visit.app.public_keys();
        let Some(hint) = IdTokenHint::verify(hint, keys, &visit.base_url).await? else {
            return Ok(Some(self.refuse(BAD_HINT)));
        };
        let known_as = if hint.client_id == client.client_id {
            Some(subject)
        } else {
            self.subject_at(&hint).await?
        };
        Ok((known_as != Some(hint.sub)).then(|| self.refuse(OTHER_PERSON)))
    }

    /// The person's subject at the client for which a hint was made.
    async fn subject_at(&self, hint: &IdTokenHint) -> Result<Option<String>> {
        let app = &self.visit.app;
        if hint.client_id.tenant() != self.client.client_id.tenant() {
            return Ok(None);
        }
        let Some((client, ())) = app.client(&hint.client_id, |_| Some(())).await? else {
            return Ok(None);
        };
        subject_for(app, &self.visit.base_url, &client.value, &self.signed_in.user).await
    }

    /// The personas of the person that are in force.
    fn effective_personas(&self) -> Vec<&Persona> {
        let now = self.visit.app.env().clock.now();
        let personas = self.signed_in.user.value.personas.iter();
        personas.filter(|persona| persona.is_in_force(now)).collect()
    }

    /// The persona in which the person signs in: the chosen, the preferred or the only one. `Err`
    /// holds those among which the person has to choose.
    fn persona(&self, chosen: Option<PersonaId>) -> Result<Option<&Persona>, Vec<&Persona>> {
        let effective = self.effective_personas();
        let chosen = chosen.or(self.signed_in.session.value.persona);
        let of_choice = effective.iter().find(|persona| Some(persona.id) == chosen);
        let preferred = || effective.iter().find(|persona| persona.preferred);
        match (of_choice.or_else(preferred), effective.as_slice()) {
            (Some(persona), _) | (None, [persona]) => Ok(Some(persona)),
            (None, []) => Ok(None),
            (None, _) => Err(effective),
        }
    }

    /// Whether the person has such a persona in force.
    pub(crate) fn may_choose(&self, persona: PersonaId) -> bool {
        self.effective_personas().iter().any(|effective| effective.id == persona)
    }

    /// The scopes of the request by their names.
    fn scope_names(&self) -> Vec<&'static str> {
        self.request.scopes.iter().map(Scope::name).collect()
    }

    /// What the person has to consent to: the scopes, and those of the claims that are asked for by
    /// name.
    pub(crate) fn consent_scopes(&self) -> Vec<&'static str> {
        let claims = self.request.claims_request().within(&self.client.scopes);
        self.request.scopes.with(&claims.scopes()).iter().map(Scope::name).collect()
    }

    /// Whether the person has to consent to what the client asks for. `acted` says that the request
    /// is answered to a form that the person has just sent.
    async fn needs_consent(&self, acted: bool) -> Result<bool> {
        if self.request.prompt.consent {
            return Ok(true);
        }
        if !self.client.remembers_consent() {
            // Another program of the device can ask in the name of a native client (RFC 8252 §8.6):
            // without an act of the person it gets nothing.
            return Ok(self.client.needs_consent() || !acted);
        }
        if !self.client.needs_consent() {
            return Ok(false);
        }
        let (tenant, user) = (self.request.client_id.tenant(), self.signed_in.user.value.id);
        let table = self.visit.app.table();
        let granted = table.find_client_consent(tenant, user, &self.request.client_id).await?;
        Ok(granted.is_none_or(|granted| !granted.value.covers(&self.consent_scopes())))
    }

    /// Writes the code and sends it to the client.
    async fn finish(&self, persona: Option<PersonaId>) -> Result<Response> {
        let Self { visit, request, signed_in, .. } = self;
        let (app, session) = (&visit.app, &signed_in.session.value);
        let secret = Secret::new(&app.env().random);
        // Rights that came after the sign-in shorten the session (rule G21).
        let longest = Life::with(&signed_in.rights).absolute_seconds();
        let code = Code {
            client: request.client_id.clone(),
            redirect_uri: request.redirect_uri.to_string(),
            challenge: request.code_challenge.clone(),
            nonce: request.nonce.clone(),
            scope: self.scope_names().into_iter().map(str::to_owned).collect(),
            claims: request.claims.clone(),
            audience: request.audience.clone(),
            dpop_jkt: request.dpop_jkt.clone(),
            user: signed_in.user.value.id,
            user_version: session.user_version,
            persona,
            sid: session.sid.clone(),
            session: signed_in.hash.clone(),
            session_ends_at: session.ends_at.min(session.auth_time.plus_seconds(longest)),
            auth_time: session.auth_time,
            amr: session.amr.clone(),
            acr: session.acr.clone(),
            created_at: app.env().clock.now(),
            exchanged: None,
        };
        let tenant = request.client_id.tenant();
        app.table().put_code(tenant, &secret, &code).await?;
        Ok(send(visit, self.client, &request.reply_to(), &[(CODE, &secret.to_string())]))
    }

    /// Whether the person has to authenticate before the request goes on.
    pub(crate) fn is_too_old(&self) -> bool {
        let now = self.visit.app.env().clock.now();
        let session = &self.signed_in.session.value;
        self.request.prompt.login
            || self.request.max_age.is_some_and(|seconds| {
                // At `max_age=0` the authentication of this very second is too old.
                now.seconds() - session.auth_time.seconds() > seconds || seconds == 0
            })
    }
}

/// The answer in place of a sign-in page that the client forbids.
pub(super) fn refuse_sign_in(
    visit: &Visit,
    client: &Client,
    request: &AuthorizationRequest,
) -> Response {
    refuse(visit, client, &request.reply_to(), LOGIN_REQUIRED)
}
