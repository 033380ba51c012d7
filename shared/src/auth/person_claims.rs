//! What an application is told about a person: in userinfo, and in ID tokens.

use crate::domain::client::StandardClaim;
use crate::domain::consent::Withheld;
use crate::domain::definition::{AttributeDefinition, Predefined};
use crate::domain::error::{Error, Result};
use crate::domain::id::{PartyId, UserId};
use crate::domain::json::{Json, Object};
use crate::domain::persona::Persona;
use crate::domain::schema::Schema;
use crate::domain::scope::Scopes;
use crate::domain::user::User;
use crate::object;
use crate::store::Table;

/// The claims that the scopes open, and those that were asked for one by one (OpenID Connect Core
/// §5.4, §5.5).
#[must_use]
pub fn opened(scopes: &Scopes, asked: &[StandardClaim]) -> Vec<StandardClaim> {
    let all = StandardClaim::ALL.into_iter();
    all.filter(|claim| scopes.allows(claim.scope()) || asked.contains(claim)).collect()
}

/// What is withheld from an application that is bound to these systems, or to none.
pub async fn withheld(
    table: &Table,
    schema: &Schema,
    user: UserId,
    systems: &[PartyId],
) -> Result<Withheld> {
    if systems.is_empty() {
        return table.withheld(schema, user, None).await;
    }
    let mut withheld = Withheld::default();
    for system in systems {
        withheld = withheld.or(table.withheld(schema, user, Some(system)).await?);
    }
    Ok(withheld)
}

/// Whether an application is told an attribute: the person did not withhold it, and the application
/// has one of its scopes, if it has any.
pub fn shows(
    definition: &AttributeDefinition,
    withheld: &Withheld,
    has_scope: impl Fn(&str) -> bool,
) -> bool {
    let opened =
        definition.scopes.is_empty() || definition.scopes.iter().any(|scope| has_scope(scope));
    let hidden = definition.hidden || definition.data_format.is_hashed();
    opened && !hidden && !withheld.contains(definition.id)
}

/// The values of these claims. A claim without a value is left out, and so is one of an attribute
/// that is not shown.
pub fn standard(
    user: &User,
    schema: &Schema,
    wanted: &[StandardClaim],
    shows: impl Fn(&AttributeDefinition) -> bool,
) -> Result<Object> {
    let predefined = |field: Predefined| {
        user.predefined(field).filter(|_| schema.predefined(field).is_some_and(&shows))
    };
    let (given, family) = (predefined(Predefined::GivenName), predefined(Predefined::FamilyName));
    let name: Vec<_> = given.into_iter().chain(family).collect();
    let email = predefined(Predefined::PreferredEmail);
    let locale = predefined(Predefined::UiLocales).and_then(|tags| tags.split(' ').next());
    let updated_at = u64::try_from(user.updated_at.seconds()).map_err(Error::unexpected)?;
    let value = |claim: StandardClaim| match claim {
        StandardClaim::PreferredUsername => predefined(Predefined::Username).map(Json::from),
        StandardClaim::GivenName => given.map(Json::from),
        StandardClaim::FamilyName => family.map(Json::from),
        StandardClaim::Name => (!name.is_empty()).then(|| Json::from(name.join(" "))),
        StandardClaim::Email => email.map(Json::from),
        StandardClaim::EmailVerified => email.map(|_| Json::from(user.email_verified)),
        StandardClaim::Locale => locale.map(Json::from),
        StandardClaim::UpdatedAt => Some(Json::from(updated_at)),
    };
    let told = wanted.iter().filter_map(|claim| Some((claim.to_string(), value(*claim)?)));
    Ok(told.collect())
}

/// The persona in which a person signed in.
#[must_use]
pub fn persona(persona: &Persona, schema: &Schema) -> Object {
    object! {
        "id" => persona.id,
        "name" => schema.persona(persona.definition).map(|definition| definition.name.clone()),
        "scope" => persona.scope.clone(),
    }
}
