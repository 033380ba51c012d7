//! How a row changes a user or creates one.

use super::columns::Columns;
use super::discreet::discreet;
use super::task::secrets;
use crate::domain::consent::{self, Decision, Speaker};
use crate::domain::definition::DataFormat;
use crate::domain::error::{Code, Error, Result, Violation, Violations};
use crate::domain::field::pointer;
use crate::domain::hashing::SAY_HASHES;
use crate::domain::id::{PartyId, UserId};
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::user::User;
use crate::domain::write_context::WriteContext;
use crate::env::Timestamp;

/// The member of a row that holds what the person decided about consents.
pub const CONSENTS: &str = "consents";

/// What a row says that the person decided: about which consent, for which system, and what.
pub fn consents(
    document: &Object,
    user: Option<&User>,
    schema: &Schema,
    speaker: &Speaker,
    now: Timestamp,
) -> Result<Vec<(PartyId, Option<PartyId>, Decision)>> {
    let consents = document.get(CONSENTS).unwrap_or(&Json::Null);
    consent::imported(consents, user, schema, speaker, now)
}

/// Refuses secrets of callers who may not import them.
pub fn refuse_secrets(document: &Object, scopes: &Scopes, schema: &Schema) -> Result<()> {
    let mut violations = Violations::default();
    if !scopes.allows(Scope::Administrator) {
        for at in secrets(document, schema) {
            violations.add(
                at,
                Code::NotAllowed,
                "only a token with the scope `administrator` can import values of hashed attributes",
            );
        }
    }
    violations.check(())
}

/// Refuses columns of HASH attributes of a file that does not say what they hold.
pub fn refuse_hashes(columns: &Columns, schema: &Schema) -> Result<()> {
    let mut violations = Violations::default();
    for (category, name) in columns.attributes() {
        let definition = schema.attribute_named(category, name);
        if definition.is_some_and(|definition| definition.data_format == DataFormat::Hash) {
            let at = pointer("", &format!("attributes.{category}.{name}"));
            violations.add(at, Code::Required, SAY_HASHES);
        }
    }
    violations.check(())
}

/// The user that a row makes; `id` is its id if the row names none.
pub fn create(document: &Object, id: UserId, context: &WriteContext<'_>) -> Result<User> {
    let mut document = document.clone();
    document.shift_remove(CONSENTS);
    if document.get("id").is_none_or(|id| *id == Json::Null) {
        document.insert("id".to_owned(), Json::from(id));
    }
    if let Some(Json::Object(categories)) = document.get_mut("attributes") {
        for (category, members) in categories.iter_mut() {
            if let Json::Object(members) = members {
                // An empty cell clears what is not there.
                let defined = |name: &str| context.schema.attribute_named(category, name).is_some();
                members.retain(|name, value| *value != Json::Null || !defined(name));
            }
        }
    }
    User::create(Json::Object(document), context)
}

/// The user after a row: what the row names changes, and personas that the user does not have are
/// added.
pub fn merge(user: &User, document: &Object, context: &WriteContext<'_>) -> Result<User> {
    let mut patch = document.clone();
    patch.shift_remove(CONSENTS);
    let mut violations = Violations::default();
    let same = |id: &Json| id.as_str().is_some_and(|id| id.parse() == Ok(user.id));
    if patch.get("id").is_none_or(|id| *id == Json::Null || same(id)) {
        patch.shift_remove("id");
    }
    if patch.shift_remove("attribute_values").is_some() {
        violations.add(
            "/attribute_values",
            Code::Unknown,
            "unknown field `attribute_values`; use `attributes`",
        );
    }
    let personas = patch.shift_remove("personas").filter(|personas| *personas != Json::Null);
    let (grown, _) = user.with_missing_personas(personas, context, &mut violations);
    violations.and(grown.patch(Json::Object(patch), context))
}

/// The report of a row that a rule refuses; `None` if the error does not come from the row.
pub fn row_violations(error: Error, schema: &Schema) -> Result<Vec<Violation>> {
    match error {
        Error::Invalid(violations) | Error::NotUnique(violations) => {
            Ok(discreet(violations, schema))
        }
        refused @ (Error::NotAllowed(_) | Error::LastAdministrator) => {
            Ok(vec![Violation::new("", Code::NotAllowed, refused.to_string())])
        }
        other => Err(other),
    }
}
