//! What an application is told about a person: in userinfo, and in ID tokens.

use crate::domain::client::StandardClaim;
use crate::domain::consent::Withheld;
use crate::domain::definition::{AttributeDefinition, COMMON, DataFormat, Predefined};
use crate::domain::error::{Error, Result};
use crate::domain::id::{PartyId, UserId};
use crate::domain::json::{Json, Object};
use crate::domain::persona::Persona;
use crate::domain::schema::Schema;
use crate::domain::scope::Scopes;
use crate::domain::user::User;
use crate::object;
use crate::store::Table;

/// The attribute of the category `common` that gives the claim `phone_number`.
const PHONE_NUMBER: &str = "phone-number";

/// The members of the claim `address` (OpenID Connect Core §5.1.1), each with the attribute of the
/// category `common` that gives it. Names of attributes have hyphens.
const ADDRESS: [(&str, &str); 6] = [
    ("formatted", "formatted"),
    ("street_address", "street-address"),
    ("locality", "locality"),
    ("region", "region"),
    ("postal_code", "postal-code"),
    ("country", "country"),
];

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
    let common = |name: &str| text_in_common(user, schema, name, &shows);
    let updated_at = u64::try_from(user.updated_at.seconds()).map_err(Error::unexpected)?;
    let value = |claim: StandardClaim| match claim {
        StandardClaim::PreferredUsername => predefined(Predefined::Username).map(Json::from),
        StandardClaim::GivenName => given.map(Json::from),
        StandardClaim::FamilyName => family.map(Json::from),
        StandardClaim::Name => (!name.is_empty()).then(|| Json::from(name.join(" "))),
        StandardClaim::Email => email.map(Json::from),
        StandardClaim::EmailVerified => email.map(|_| Json::from(user.email_verified)),
        StandardClaim::Address => address(common),
        StandardClaim::PhoneNumber => common(PHONE_NUMBER).map(Json::from),
        // Of telephone numbers there is no state, so none counts as verified.
        StandardClaim::PhoneNumberVerified => common(PHONE_NUMBER).map(|_| Json::from(false)),
        StandardClaim::Locale => locale.map(Json::from),
        StandardClaim::UpdatedAt => Some(Json::from(updated_at)),
    };
    let told = wanted.iter().filter_map(|claim| Some((claim.to_string(), value(*claim)?)));
    Ok(told.collect())
}

/// The first value of an attribute that the tenant defined in the category `common`, if it is shown
/// and its values are texts.
fn text_in_common<'u>(
    user: &'u User,
    schema: &Schema,
    name: &str,
    shows: impl Fn(&AttributeDefinition) -> bool,
) -> Option<&'u str> {
    let definition = schema.attribute_named(COMMON, name)?;
    let told = definition.data_format != DataFormat::Json && shows(definition);
    user.attributes.get(&definition.id).filter(|_| told)?.first().map(String::as_str)
}

/// The claim `address`, of the members that have a value.
fn address<'u>(common: impl Fn(&str) -> Option<&'u str>) -> Option<Json> {
    let member = |(name, of): (&str, &str)| Some((name.to_owned(), Json::from(common(of)?)));
    let members: Object = ADDRESS.into_iter().filter_map(member).collect();
    (!members.is_empty()).then_some(Json::Object(members))
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
