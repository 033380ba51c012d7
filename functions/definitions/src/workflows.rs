//! `POST /identity/config/workflows/{id}/test`: a workflow's script on a sample.

use shared::domain::Json;
use shared::domain::definition::{Definition, Predefined, Workflow};
use shared::domain::derive::{derivation_of, with_both_forms};
use shared::domain::error::{Code, Error, Violation, Violations};
use shared::domain::field::{Fields, pointer};
use shared::domain::suggest::unknown;
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};
use shared::object;

/// Runs a workflow on the principal in `input` and answers its output, the time and the memory that
/// it took. An output that does not fit the attributes that the workflow derives is refused.
/// Nothing is stored.
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
    let input = input.map(|input| principal(input, &mut violations));
    let input = violations.check(input)?.unwrap_or(Json::Null);
    let run = call.app.scripts().trials_of(&call.caller.tenant).run(&workflow.script, &input).await;
    let failed = |why: &str| {
        let detail = format!("the workflow `{id}` failed: {why}");
        Violation::new("/input", Code::DerivedFailed, detail)
    };
    match run {
        Ok(run) => {
            let derivation = derivation_of(&schema, &id);
            let context = call.write_context(&schema);
            let wrong = derivation.map(|d| d.all_wrong(&run.output, &context)).unwrap_or_default();
            if !wrong.is_empty() {
                let wrong = wrong.iter().map(|wrong| failed(&wrong.to_string())).collect();
                return Err(Error::Invalid(wrong));
            }
            Ok(Answer::content(object! {
                "output" => run.output,
                "milliseconds" => Json::Number(format!("{:.3}", run.milliseconds)),
                "memory_bytes" => run.memory_bytes,
            }))
        }
        Err(failure) => Err(Error::Invalid(vec![failed(&failure.of_script()?)])),
    }
}

/// The principal that a caller sends as a sample, in both forms of the predefined attributes. It
/// may stand in `value`, where the script finds it.
fn principal(input: Json, violations: &mut Violations) -> Json {
    let Json::Object(mut sent) = input else { return input };
    let mut at = "/input".to_owned();
    if sent.len() == 1
        && let Some(Json::Object(value)) = sent.get_mut("value")
    {
        sent = std::mem::take(value);
        at.push_str("/value");
    }
    let known = ["id", "email_verified", "attributes"];
    let known: Vec<_> = known.into_iter().chain(Predefined::ALL.map(Predefined::name)).collect();
    for name in sent.keys().filter(|name| !known.contains(&name.as_str())) {
        let detail = unknown("field", name, known.iter().copied());
        violations.add(pointer(&at, name), Code::Unknown, detail);
    }
    Json::Object(with_both_forms(sent))
}
