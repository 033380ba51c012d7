//! `/idhub/oidc/v1/userinfo`: who a person is, as OpenID Connect has it.

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, ORIGIN};
use shared::app::App;
use shared::auth::id_token::subject_for;
use shared::auth::{Subject, person_claims};
use shared::axum::body::Body;
use shared::axum::extract::{FromRequest as _, Request, State};
use shared::axum::response::{IntoResponse as _, Response};
use shared::domain::client::StandardClaim;
use shared::domain::definition::AttributeDefinition;
use shared::domain::error::Error;
use shared::domain::json::{Json, Object};
use shared::domain::persona::Persona;
use shared::domain::schema::Schema;
use shared::domain::{Scope, View, value};
use shared::http::answer::Answer;
use shared::http::body::{MAX_BODY, read_body};
use shared::http::negotiation::media_type;
use shared::http::{Call, Rejection, cross_origin};
use shared::object;
use shared::store::users::StoredUser;

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// Answers the claims of OpenID Connect Core 1.0 §5.1 that the scopes and the parameter `claims`
/// open, and the custom attributes. Pages of the public client that calls may read the answer.
pub(crate) async fn read(State(app): State<App>, request: Request) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let call = match Call::from_request(request, &app).await {
        Ok(call) => call,
        Err(refused) => {
            let mut response = refused.into_response();
            cross_origin::open_to_client(response.headers_mut(), origin.as_ref(), None);
            return response;
        }
    };
    let client = match origin.as_ref().and(call.caller.client()) {
        Some(id) => app.client(id, |_| Some(())).await.ok().flatten(),
        None => None,
    };
    let mut response = match claims(&call).await {
        Ok(content) => Answer::content(content).into_response(),
        Err(refused) => refused.into_response(),
    };
    let client = client.as_ref().map(|(client, ())| &client.value);
    cross_origin::open_to_client(response.headers_mut(), origin.as_ref(), client);
    response
}

/// The same by POST: the token is in the header, or `access_token` of a form (RFC 6750 §2.2).
pub(crate) async fn read_posted(State(app): State<App>, request: Request) -> Response {
    if media_type(request.headers()).as_deref() != Some(FORM) {
        return read(State(app), request).await;
    }
    match with_token_of_form(request).await {
        Ok(request) => read(State(app), request).await,
        Err(refused) => refused.into_response(),
    }
}

/// A request whose token is in its form, as one whose token is in its header.
async fn with_token_of_form(request: Request) -> Result<Request, Rejection> {
    let (mut parts, body) = request.into_parts();
    let body = read_body(&parts.headers, body, MAX_BODY).await?;
    let mut tokens = form_urlencoded::parse(&body)
        .filter(|(name, value)| name == "access_token" && !value.is_empty());
    if let Some((_, token)) = tokens.next() {
        if tokens.next().is_some() || parts.headers.contains_key(AUTHORIZATION) {
            let detail = "the access token is sent twice; send it once";
            return Err(Error::Malformed(detail.to_owned()).into());
        }
        let header = HeaderValue::try_from(format!("Bearer {token}"));
        let header =
            header.map_err(|_| Rejection::BadToken("this is not a token of this service"))?;
        parts.headers.insert(AUTHORIZATION, header);
    }
    // The rest of a form says nothing here.
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_TYPE);
    Ok(Request::from_parts(parts, Body::empty()))
}

/// What a caller is told.
struct Disclosure {
    /// The standard claims.
    claims: Vec<StandardClaim>,
    /// Whether custom attributes without scopes, and personas, are among it.
    profile: bool,
}

impl Disclosure {
    /// A token of this service opens what its scopes and its `claims` name. Tokens of other issuers
    /// have no scopes of this service, and a person with a cookie asks for the own data: these open
    /// everything.
    fn of(call: &Call) -> Self {
        let Some(token) = &call.caller.token else {
            return Self { claims: StandardClaim::ALL.to_vec(), profile: true };
        };
        let scopes = &call.caller.grants.scopes;
        Self {
            claims: person_claims::opened(scopes, &token.claims),
            profile: scopes.allows(Scope::Profile),
        }
    }
}

async fn claims(call: &Call) -> Result<Object, Rejection> {
    let table = call.app.table();
    if let Some(token) = &call.caller.token
        && table.is_revoked(&call.caller.tenant, &token.jti).await?
    {
        return Err(refusal(call, "the token has been revoked; sign in again"));
    }
    let me = call.me().await?;
    let schema = call.app.schema_of(&call.caller.tenant, [&me.value]).await?;
    let systems = &call.caller.grants.systems;
    let withheld = person_claims::withheld(table, &schema, me.value.id, systems).await?;
    let disclosure = Disclosure::of(call);
    let by_cookie = call.session().is_some();
    let has_scope = |name: &str| by_cookie || call.caller.has_scope_named(name);
    let shows =
        |definition: &AttributeDefinition| person_claims::shows(definition, &withheld, has_scope);
    let mut claims = object! { "sub" => subject(call, &me).await? };
    claims.extend(person_claims::standard(&me.value, &schema, &disclosure.claims, shows)?);
    let opened = |definition: &AttributeDefinition| {
        shows(definition) && (disclosure.profile || !definition.scopes.is_empty())
    };
    let attributes = value::show_some(&me.value.attributes, &schema, View::SelfService, opened);
    if disclosure.profile || !attributes.is_empty() {
        claims.insert("attributes".to_owned(), Json::Object(attributes));
    }
    add_personas(call, &me, &schema, disclosure.profile, opened, &mut claims);
    Ok(claims)
}

/// The subject by which the application knows the person, as its ID tokens have it.
async fn subject(call: &Call, me: &StoredUser) -> Result<String, Rejection> {
    let base = call.caller.base().ok_or(Error::NotFound)?;
    let (Subject::Local { .. }, Some(id)) = (&call.caller.subject, call.caller.client()) else {
        return Ok(base.to_string());
    };
    let gone = "the client of the token has been deleted";
    let (client, ()) =
        call.app.client(id, |_| Some(())).await?.ok_or_else(|| refusal(call, gone))?;
    let subject = subject_for(&call.app, call.base_url()?, &client.value, me).await?;
    let unknown = "the application does not know the person any more";
    Ok(subject.ok_or_else(|| Error::NotAllowed(unknown.to_owned()))?)
}

/// Refuses the token of a call.
const fn refusal(call: &Call, detail: &'static str) -> Rejection {
    if call.caller.jkt.is_some() {
        Rejection::BadBoundToken(detail)
    } else {
        Rejection::BadToken(detail)
    }
}

/// Adds the persona in which the person signed in and, if the scope `profile` is granted, all
/// personas that are in force.
fn add_personas(
    call: &Call,
    me: &StoredUser,
    schema: &Schema,
    profile: bool,
    opened: impl Fn(&AttributeDefinition) -> bool,
    claims: &mut Object,
) {
    let Some(token) = &call.caller.token else { return };
    let now = call.app.env().clock.now();
    let in_force: Vec<_> = me.value.personas.iter().filter(|p| p.is_in_force(now)).collect();
    if let Some(persona) = in_force.iter().find(|persona| Some(persona.id) == token.persona) {
        let persona = person_claims::persona(persona, schema);
        claims.insert("persona".to_owned(), Json::Object(persona));
    }
    if profile {
        let show = |persona: &&Persona| {
            let attributes =
                value::show_some(&persona.attributes, schema, View::SelfService, &opened);
            let mut shown = person_claims::persona(persona, schema);
            shown.insert("preferred".to_owned(), Json::from(persona.preferred));
            shown.insert("attributes".to_owned(), Json::Object(attributes));
            Json::Object(shown)
        };
        claims.insert("personas".to_owned(), Json::Array(in_force.iter().map(show).collect()));
    }
}
