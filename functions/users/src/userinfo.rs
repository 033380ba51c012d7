//! `/idhub/oidc/v1/userinfo`: who a person is, as OpenID Connect has it.

use shared::domain::consent::Withheld;
use shared::domain::definition::{AttributeDefinition, Predefined};
use shared::domain::error::Result;
use shared::domain::id::UserId;
use shared::domain::json::{Json, Object};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::domain::value;
use shared::domain::{Error, View};
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};
use shared::object;

/// Answers the claims of OpenID Connect Core 1.0 §5.1, and the custom attributes; `sub` is the base
/// profile id.
pub(crate) async fn read(call: Call) -> HandlerResult {
    let me = call.me().await?;
    let schema = call.app.schema_of(&call.caller.tenant, [&me.value]).await?;
    let sub = call.caller.base().ok_or(Error::NotFound)?;
    let withheld = withheld(&call, &schema, me.value.id).await?;
    let shows = |definition: &AttributeDefinition| {
        let opened = definition.scopes.is_empty()
            || definition.scopes.iter().any(|scope| call.caller.has_scope_named(scope));
        let agreed = !withheld.contains(definition.id);
        opened && agreed && !definition.hidden && !definition.data_format.is_hashed()
    };
    Ok(Answer::content(claims(sub.as_str(), &me.value, &schema, shows)?))
}

/// What the application does not get. The token of one that is bound to systems is for these.
async fn withheld(call: &Call, schema: &Schema, user: UserId) -> Result<Withheld> {
    let (table, systems) = (call.app.table(), &call.caller.grants.systems);
    if systems.is_empty() {
        return table.withheld(schema, user, None).await;
    }
    let mut withheld = Withheld::default();
    for system in systems {
        withheld = withheld.or(table.withheld(schema, user, Some(system)).await?);
    }
    Ok(withheld)
}

fn claims(
    sub: &str,
    user: &User,
    schema: &Schema,
    shows: impl Fn(&AttributeDefinition) -> bool,
) -> Result<Object> {
    let predefined = |field: Predefined| {
        user.predefined(field).filter(|_| schema.predefined(field).is_some_and(&shows))
    };
    let mut claims = object! { "sub" => sub };
    let mut say = |claim: &str, value: Option<Json>| {
        if let Some(value) = value {
            claims.insert(claim.to_owned(), value);
        }
    };
    let (given, family) = (predefined(Predefined::GivenName), predefined(Predefined::FamilyName));
    let name: Vec<_> = given.into_iter().chain(family).collect();
    let email = predefined(Predefined::PreferredEmail);
    let locale = predefined(Predefined::UiLocales).and_then(|tags| tags.split(' ').next());
    say("preferred_username", predefined(Predefined::Username).map(Json::from));
    say("given_name", given.map(Json::from));
    say("family_name", family.map(Json::from));
    say("name", (!name.is_empty()).then(|| Json::from(name.join(" "))));
    say("email", email.map(Json::from));
    say("email_verified", email.map(|_| Json::from(user.email_verified)));
    say("locale", locale.map(Json::from));
    let seconds = u64::try_from(user.updated_at.seconds()).map_err(Error::unexpected)?;
    say("updated_at", Some(Json::from(seconds)));
    let attributes = value::show_some(&user.attributes, schema, View::SelfService, shows);
    say("attributes", Some(Json::Object(attributes)));
    Ok(claims)
}
