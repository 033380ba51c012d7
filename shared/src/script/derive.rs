//! Derived attributes of a user that is about to be written.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Failure, Scripts};
use crate::domain::derive::{derivations, principal};
use crate::domain::error::{Error, Result};
use crate::domain::user::User;
use crate::domain::writing::Writing;

/// How long all workflows of one write may take together: the functions' own limit is longer.
const TIME_LIMIT: Duration = Duration::from_secs(4);
const TOO_LONG: &str = "the workflows take longer than 4 s together";

/// The user with its derived attributes as the tenant's workflows make them (rule A4). No script runs when nothing that they see
/// differs from what `before` was.
pub async fn derive(scripts: &Scripts, writing: &Writing<'_>, before: Option<&User>, user: User) -> Result<User> {
    let schema = writing.schema;
    let derivations = derivations(schema);
    if derivations.is_empty() {
        return Ok(user);
    }
    let input = principal(&user, schema);
    if before.is_some_and(|before| principal(before, schema) == input) {
        return Ok(user);
    }
    let mut user = user;
    let deadline = Instant::now() + TIME_LIMIT;
    for derivation in derivations {
        let Ok(run) = timeout_at(deadline, scripts.run(&derivation.workflow.script, &input)).await else {
            return Err(derivation.failed(TOO_LONG));
        };
        let run = match run {
            Ok(run) => run,
            Err(failure @ Failure::Unavailable) => return Err(Error::Unavailable(failure.to_string())),
            Err(failure) => return Err(derivation.failed(&failure.to_string())),
        };
        user = derivation.apply(user, &run.output, writing)?;
    }
    Ok(user)
}
