//! Errors.

use serde_json::json;
use utoipa::openapi::Schema;

use super::super::shapes::{Record, integer, list, matching, named, string, word};

const CODES: [&str; 16] = [
    "required",
    "unknown",
    "not-editable",
    "read-only",
    "wrong-type",
    "wrong-format",
    "not-in-enumeration",
    "too-long",
    "too-many",
    "too-large",
    "not-unique",
    "not-found",
    "not-allowed",
    "derived-failed",
    "schema",
    "immutable",
];

pub(super) fn schemas() -> [(&'static str, Schema); 2] {
    [("Problem", problem()), ("Violation", violation())]
}

fn problem() -> Schema {
    let violations = list(named("Violation"), None, "The fields at fault, every one of them.");
    Record::new("An error (RFC 9457).")
        .must("type", matching("^/problems/[a-z-]+$", "What is wrong, for programs."))
        .must(
            "title",
            string(256, "What is wrong, for people; the same for each error of this type."),
        )
        .must("status", integer(400, Some(599), "The HTTP status."))
        .must("detail", string(4096, "What is wrong with this request."))
        .must("request_id", string(256, "The id under which the request is logged."))
        .may("errors", violations)
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
        .must("pointer", matching("^(/.*)?$", "Where: a JSON Pointer into the body."))
        .must("code", word(CODES, "What, for programs."))
        .must("detail", string(65536, "What, for people."))
        .schema()
}
