//! Derived attributes of a user that is about to be written.

use crate::domain::derive::{derivations, principal};
use crate::domain::error::Result;
use crate::domain::id::DefinitionId;
use crate::domain::user::User;
use crate::domain::write_context::WriteContext;
use crate::script::Scripts;

/// How long all scripts of one write may run together, in milliseconds: the functions' own limit is
/// longer.
const TIME_LIMIT: f64 = 4000.0;

/// A workflow that failed, so that its attributes keep what they have. The script's message may
/// contain values of the profile: `POST …/workflows/{id}/test` shows it, the log does not.
pub(super) struct FailedWorkflow {
    pub id: DefinitionId,
    pub cause: &'static str,
}

/// The user with the attributes that the tenant's workflows derive, and the workflows that failed
/// (rule A4). An attribute that cannot be derived keeps its value. No script runs if its input is
/// the same as in `before`.
pub(super) async fn derive_attributes(
    scripts: &Scripts,
    context: &WriteContext<'_>,
    before: Option<&User>,
    mut user: User,
) -> Result<(User, Vec<FailedWorkflow>)> {
    let schema = context.schema;
    let (derivations, mut failed) = (derivations(schema), Vec::new());
    if derivations.is_empty() {
        return Ok((user, failed));
    }
    let input = principal(&user, schema);
    if before.is_some_and(|before| principal(before, schema) == input) {
        return Ok((user, failed));
    }
    let scripts = scripts.of(&schema.tenant);
    let mut spent = 0.0;
    for derivation in derivations {
        let mut fail = |cause| failed.push(FailedWorkflow { id: derivation.workflow.id, cause });
        if spent > TIME_LIMIT {
            fail("the workflows took longer than 4 s together");
            continue;
        }
        match scripts.run(&derivation.workflow.script, &input).await {
            Ok(run) => {
                spent += run.milliseconds;
                let (derived, wrong) = derivation.apply(user, &run.output, context);
                user = derived;
                if !wrong.is_empty() {
                    fail("the output does not fit the attributes");
                }
            }
            Err(failure) => {
                failure.of_script()?;
                fail("the script failed");
            }
        }
    }
    Ok((user, failed))
}
