//! Derived attributes of a user that is about to be written.

use crate::domain::derive::{derivations, principal};
use crate::domain::error::Result;
use crate::domain::user::User;
use crate::domain::view::View;
use crate::domain::write_context::WriteContext;
use crate::script::Scripts;

/// How long all scripts of one write may run together, in milliseconds: the functions' own limit is
/// longer.
const TIME_LIMIT: f64 = 4000.0;

/// The user with its derived attributes as the tenant's workflows make them (rule A4). No script
/// runs when nothing that they see differs from what `before` was.
pub(super) async fn derive_attributes(
    scripts: &Scripts,
    context: &WriteContext<'_>,
    before: Option<&User>,
    user: User,
) -> Result<User> {
    let schema = context.schema;
    let derivations = derivations(schema);
    if derivations.is_empty() {
        return Ok(user);
    }
    let input = principal(&user, schema);
    if before.is_some_and(|before| principal(before, schema) == input) {
        return Ok(user);
    }
    let scripts = scripts.of(&schema.tenant);
    let mut user = user;
    let mut spent = 0.0;
    for derivation in derivations {
        let run = match scripts.run(&derivation.workflow.script, &input).await {
            Ok(run) => run,
            Err(failure) => {
                let why = failure.of_script()?;
                // A script's words may hold what the person does not see of the own profile.
                let own = context.view == View::SelfService;
                return Err(derivation.failed(if own {
                    "it cannot take this profile"
                } else {
                    &why
                }));
            }
        };
        spent += run.milliseconds;
        if spent > TIME_LIMIT {
            return Err(derivation.failed("the workflows took longer than 4 s together"));
        }
        user = derivation.apply(user, &run.output, context)?;
    }
    Ok(user)
}
