//! The errors that the author of a refused write of a user gets.

use std::collections::BTreeSet;

use crate::domain::error::{Code, Error, Result, Violation};
use crate::domain::lookup::{self, Lookup};
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::store::write::MAX_SHARING;

/// The violations, each once: a value may clash in two forms.
pub(super) fn distinct(mut violations: Vec<Violation>) -> Vec<Violation> {
    let mut seen = BTreeSet::new();
    violations.retain(|violation| seen.insert(violation.pointer.clone()));
    violations
}

fn clash(pointer: String, name: &str) -> Violation {
    Violation::taken(
        pointer,
        format!("another user of the tenant has this `{name}`; send another value"),
    )
}

/// The id of a deleted user is not given to another one.
pub(super) fn id_taken() -> Violation {
    let detail = "a user of the tenant has this `id`, or had it and was deleted; send another one";
    Violation::taken("/id".to_owned(), detail.to_owned())
}

/// The violation for a look-up that could not be added, for a caller who wants to write `user`.
pub(super) fn refusal(lookup: &Lookup, user: &User, schema: &Schema) -> Result<Violation> {
    match lookup {
        Lookup::Unique { attribute, hash } => {
            Ok(match attribute.parse().ok().and_then(|id| schema.attribute(id)) {
                Some(definition) => {
                    clash(lookup::place_of(user, definition, hash), &definition.name)
                }
                None => clash(format!("/{attribute}"), attribute),
            })
        }
        Lookup::Email { .. } => {
            let detail = format!(
                "{MAX_SHARING} users have this e-mail address already, which is the most that may \
                 share one"
            );
            Err(Error::invalid("/preferred_email", Code::TooMany, detail))
        }
        Lookup::Exact { .. } | Lookup::Prefix { .. } => {
            Err(Error::unexpected("another user owns an index entry of this user"))
        }
    }
}
