//! Errors.

use serde_json::json;
use shared::domain::error::{Code, MAX_VIOLATIONS};
use utoipa::openapi::Schema;

use super::super::shapes::{Record, integer, list, matching, named, string, word};
use super::Described;

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("Problem", problem()),
        ("Violation", violation()),
        ("ViolationCode", word(Code::ALL.map(Code::name), "The kind of error of a field.").into()),
    ]
}

fn problem() -> Schema {
    let violations = list(named("Violation"), Some(MAX_VIOLATIONS), "Every field at fault.");
    let challenge = "With 401 and `insufficient-scope`: what the header `WWW-Authenticate` says, which \
                     API Gateway renames to `x-amzn-remapped-www-authenticate`.";
    let challenge = string(1024, challenge);
    Record::new("An error (RFC 9457).")
        .must("type", matching("^/problems/[a-z-]+$", "The kind of error, for programs."))
        .must("title", string(256, "The kind of error, for people."))
        .must("status", integer(400, Some(599), "The HTTP status."))
        .must("detail", string(4096, "What is wrong with this request."))
        .must("request_id", string(256, "The id under which the request is logged."))
        .may("challenge", challenge)
        .may("errors", violations)
        .may(
            "max_age",
            integer(1, None, "With `reauthenticate`: how old a sign-in may be, in seconds."),
        )
        .may("count", integer(2, None, "How many match where exactly one may."))
        .example(json!({
            "type": "/problems/invalid-content", "title": "The content is not valid", "status": 422,
            "detail": "one violation in the content; see `errors`",
            "request_id": "0192f3c1-5a00-7000-8000-000000000006",
            "errors": [
                { "pointer": "/username", "code": "required", "detail": "`username` is required" }
            ]
        }))
        .schema()
}

fn violation() -> Schema {
    Record::new("A field at fault.")
        .must("pointer", matching("^(/.*)?$", "The field: a JSON Pointer into the body."))
        .must("code", named("ViolationCode"))
        .must("detail", string(65536, "What is wrong, for people."))
        .schema()
}
