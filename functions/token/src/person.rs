//! The person who authorised a client, looked at again at each exchange: an authorization ends with
//! the sign-in, with the persona, and with the person.

use shared::auth::id_token::subject_for;
use shared::auth::person_claims;
use shared::domain::client::{Authorization, Client};
use shared::domain::json::Object;
use shared::domain::people::rights::portal_scopes;
use shared::domain::schema::Schema;
use shared::domain::user::{User, UserStatus};
use shared::domain::{Result, Scopes};
use shared::env::Timestamp;

use crate::call::OAuthCall;

/// A person for whom an authorization holds now.
pub(crate) struct Person {
    /// The subject by which the client knows the person.
    pub(crate) sub: String,
    /// The scopes that the client may have now.
    pub(crate) scopes: Scopes,
    /// The persona in which the person signed in.
    pub(crate) persona: Option<Object>,
    /// The claims about the person that the ID token has to have.
    pub(crate) claims: Object,
}

/// The person of an authorization. `None` if it holds no longer: the person is blocked, forgotten
/// or signed out of everything, the persona is not in force, or the client's application does not
/// know the person (rules G9, G23).
pub(crate) async fn of(call: &OAuthCall, given: &Authorization) -> Result<Option<Person>> {
    let (app, client) = (&call.app, &call.client.value);
    let tenant = client.client_id.tenant();
    let Some(user) = app.table().find_user(tenant, given.user).await? else { return Ok(None) };
    if !is_signed_in(&user.value, given) {
        return Ok(None);
    }
    let schema = app.schema_of(tenant, [&user.value]).await?;
    let now = app.env().clock.now();
    let persona = match given.persona {
        None => None,
        Some(id) => {
            let held = user.value.personas.iter().find(|persona| persona.id == id);
            let Some(held) = held.filter(|persona| persona.is_in_force(now)) else {
                return Ok(None);
            };
            Some(person_claims::persona(held, &schema))
        }
    };
    let Some(sub) = subject_for(app, &call.base_url, client, &user).await? else {
        return Ok(None);
    };
    let scopes = grantable(&given.scopes, client, &user.value, &schema, now);
    let claims = claims_of(call, given, &user.value, &schema, &scopes).await?;
    Ok(Some(Person { sub, scopes, persona, claims }))
}

/// The claims about a person that the client asked to have in the ID token.
async fn claims_of(
    call: &OAuthCall,
    given: &Authorization,
    user: &User,
    schema: &Schema,
    scopes: &Scopes,
) -> Result<Object> {
    let client = &call.client.value;
    let wanted = given.claims.within(&client.scopes).id_token;
    if wanted.is_empty() {
        return Ok(Object::new());
    }
    let table = call.app.table();
    let withheld = person_claims::withheld(table, schema, user.id, &client.systems).await?;
    let has_scope = |name: &str| name.parse().is_ok_and(|scope| scopes.allows(scope));
    person_claims::standard(user, schema, &wanted, |definition| {
        person_claims::shows(definition, &withheld, has_scope)
    })
}

/// Whether the sign-in of an authorization still holds for its user. Blocking, unlinking and a new
/// password sign the person out of everything.
pub(crate) fn is_signed_in(user: &User, given: &Authorization) -> bool {
    user.status == UserStatus::Active && !user.has_signed_out(given.user_version)
}

/// Of the granted scopes, those that the client may ask for now; of the rights among them, those
/// that the person has now (rule G62).
fn grantable(
    granted: &Scopes,
    client: &Client,
    user: &User,
    schema: &Schema,
    now: Timestamp,
) -> Scopes {
    let allowed = granted.common(&client.scopes);
    let rights = allowed.administrative();
    if rights.is_empty() {
        return allowed;
    }
    allowed.personal().with(&rights.common(&portal_scopes(user, schema, now)))
}
