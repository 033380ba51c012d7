//! Imports: files of people, and what became of their rows.

use serde_json::json;
use shared::domain::import::{ImportState, MAX_BYTES, MAX_ROWS, Mode, RowStatus};
use utoipa::openapi::Schema;

use super::super::shapes::{
    OrNull as _, Record, boolean, integer, list, string, text, time, uuid, word,
};
use super::page;

pub(super) fn schemas() -> [(&'static str, Schema); 4] {
    [
        ("Import", import()),
        ("ImportRow", row()),
        ("ImportRowList", page("ImportRow")),
        ("ImportRows", rows()),
    ]
}

fn import() -> Schema {
    let rows = i32::try_from(MAX_ROWS).ok();
    Record::new("An import: how far it is. It and its report are kept for 7 days.")
        .must("id", uuid("The id."))
        .must("mode", word(Mode::ALL.map(Mode::name), "What becomes of a row whose user is there."))
        .must("dry_run", boolean("Whether nothing is written but the job and its report."))
        .must(
            "state",
            word(
                ImportState::ALL.map(ImportState::name),
                "How far it is; FAILED when rows waited for more than 24 hours.",
            ),
        )
        .must("rows", integer(1, rows, "The rows of the file."))
        .must("done", integer(0, rows, "Rows that have a status."))
        .must("created", integer(0, rows, "Rows that made a user."))
        .must("updated", integer(0, rows, "Rows that changed one."))
        .must("unchanged", integer(0, rows, "Rows whose user was as they say."))
        .must("errors", integer(0, rows, "Rows that did nothing; the report says why."))
        .must("created_at", time("When it was accepted."))
        .must("updated_at", time("When it last changed."))
        .must("completed_at", time("When it was finished.").or_null())
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-00000000000c", "mode": "upsert", "dry_run": false,
            "state": "COMPLETED", "rows": 3, "done": 3,
            "created": 1, "updated": 1, "unchanged": 0, "errors": 1,
            "created_at": "2026-11-21T10:00:00.000Z",
            "updated_at": "2026-11-21T10:00:01.000Z", "completed_at": "2026-11-21T10:00:01.000Z",
        }))
        .schema()
}

fn row() -> Schema {
    let error = Record::new("Why a row did nothing; holds no value.")
        .must("pointer", string(4096, "Where: a JSON Pointer into the row's document."))
        .must("code", string(64, "What, for programs."))
        .must("detail", string(4096, "What, for people."));
    Record::new("What became of one row.")
        .must(
            "row",
            integer(1, i32::try_from(MAX_ROWS).ok(), "The row, counted from 1 after the header."),
        )
        .must("status", word(RowStatus::ALL.map(RowStatus::name), "What became of it."))
        .must("id", uuid("The user that it made, changed or found.").or_null())
        .must("errors", list(error.object(), None, "Why it did nothing; empty if it did."))
        .example(json!({
            "row": 1, "status": "created", "id": "0192f3c1-5a00-7000-8000-000000000001",
            "errors": []
        }))
        .schema()
}

fn rows() -> Schema {
    text(
        MAX_BYTES,
        "As CSV a header that names fields, then a row for each person; as NDJSON the document of \
         one user a line.",
    )
    .into()
}
