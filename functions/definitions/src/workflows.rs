//! `POST /identity/config/workflows/{id}/test`: a workflow's script on a sample.

use shared::domain::Json;
use shared::domain::definition::{Definition, Workflow};
use shared::domain::error::{Code, Error, Violations};
use shared::domain::field::Fields;
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};
use shared::object;

/// Runs a workflow on the principal in `input` and answers its output, the time and the memory that
/// it took. Nothing is stored.
pub(crate) async fn test(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    let id: String = call.id("id")?;
    let schema = call.app.schema_now(&call.caller.tenant).await?;
    let workflow = &Workflow::collection(&schema).get(&id).ok_or(Error::NotFound)?.stored.value;
    let mut violations = Violations::default();
    let mut fields = Fields::new(body, "", &mut violations);
    let input = fields.value("input");
    match &input {
        Some(Json::Object(_)) => {}
        Some(other) => {
            fields.wrong_type("input", "an object", other);
        }
        None => {
            fields.refuse("input", Code::Required, "`input` is required; send a sample principal");
        }
    }
    fields.finish();
    let input = violations.check(input)?.unwrap_or(Json::Null);
    match call.app.scripts().trials_of(&call.caller.tenant).run(&workflow.script, &input).await {
        Ok(run) => Ok(Answer::content(object! {
            "output" => run.output,
            "milliseconds" => Json::Number(format!("{:.3}", run.milliseconds)),
            "memory_bytes" => run.memory_bytes,
        })),
        Err(failure) => {
            let detail = format!("the workflow `{id}` failed: {}", failure.of_script()?);
            Err(Error::invalid("/input", Code::DerivedFailed, detail))
        }
    }
}
