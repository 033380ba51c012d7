//! Imports: files of people, and the results of their rows.

use serde_json::json;
use shared::domain::import::{ImportState, MAX_BYTES, MAX_ROWS, Mode, RowStatus};
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    OrNull as _, Record, boolean, integer, list, named, string, time, uuid, word,
};
use super::{Described, page};

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("ImportJob", import()),
        ("ImportMode", mode().into()),
        (
            "ImportState",
            word(
                ImportState::ALL.map(ImportState::name),
                "FAILED: rows waited for more than 24 hours.",
            )
            .into(),
        ),
        ("ImportRow", row()),
        (
            "ImportRowStatus",
            word(RowStatus::ALL.map(RowStatus::name), "The result of a row.").into(),
        ),
        ("ImportRowError", error()),
        ("ImportRowList", page("ImportRow")),
        ("ImportRows", rows().into()),
    ]
}

/// How to treat a row whose user exists.
fn mode() -> Object {
    word(
        Mode::ALL.map(Mode::name),
        "What happens to a row whose user exists: an error (`create`) or a change (`upsert`).",
    )
}

fn import() -> Schema {
    let rows = i32::try_from(MAX_ROWS).ok();
    Record::new("An import and its progress. The job and its report are kept for 7 days.")
        .must("id", uuid("The id."))
        .must("mode", named("ImportMode"))
        .must("dry_run", boolean("Whether only the job and its report are written."))
        .must("state", named("ImportState"))
        .must("rows", integer(1, rows, "The rows of the file."))
        .must("done", integer(0, rows, "Rows with a result."))
        .must("created", integer(0, rows, "Rows that created a user."))
        .must("updated", integer(0, rows, "Rows that changed a user."))
        .must("unchanged", integer(0, rows, "Rows that found their user as they say."))
        .must("errors", integer(0, rows, "Rows that did nothing. The report says why."))
        .must("created_at", time("When the job was accepted."))
        .must("updated_at", time("When the job last changed."))
        .must("completed_at", time("When the job was finished.").or_null())
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-00000000000c", "mode": "create", "dry_run": false,
            "state": "RUNNING", "rows": 1, "done": 0, "created": 0, "updated": 0, "unchanged": 0,
            "errors": 0, "created_at": "2026-11-21T10:00:00.000Z",
            "updated_at": "2026-11-21T10:00:00.000Z", "completed_at": null
        }))
        .schema()
}

fn error() -> Schema {
    Record::new("Why a row did nothing. It holds no value of the row.")
        .must("pointer", string(4096, "The field: a JSON Pointer into the row's document."))
        .must("code", named("ViolationCode"))
        .must("detail", string(4096, "The reason, for people."))
        .schema()
}

fn row() -> Schema {
    let number =
        integer(1, i32::try_from(MAX_ROWS).ok(), "The row, counted from 1 after the header.");
    Record::new("The result of one row.")
        .must("row", number)
        .must("status", named("ImportRowStatus"))
        .must("id", uuid("The user that it created, changed or found.").or_null())
        .must("errors", list(named("ImportRowError"), None, "Why it did nothing. Else empty."))
        .example(json!({
            "row": 1, "status": "created", "id": "0192f3c1-5a00-7000-8000-000000000001",
            "errors": []
        }))
        .schema()
}

fn rows() -> Object {
    let mut rows = string(
        MAX_BYTES,
        "CSV: a header that names fields, then a row for each person. NDJSON: the document of one \
         user on each line.",
    );
    rows.examples.push("username,given_name\nan.peeters,An\n".into());
    rows
}
