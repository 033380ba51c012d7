//! The audit: its entries, and its settings.

use serde_json::json;
use shared::domain::audit::{ActorKind, Operation};
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    Record, anything, boolean, integer, list, matching, named, string, time, uuid, word,
};
use super::{Described, page};

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("AuditEntry", entry()),
        ("AuditList", page("AuditEntry")),
        ("AuditOperation", word(Operation::ALL.map(Operation::name), "What was done.").into()),
    ]
}

fn pointer() -> Object {
    matching("^/.*$", "The field: a JSON Pointer.")
}

fn entry() -> Schema {
    let change =
        Record::new("A field that changed. `from` and `to` are there if they can be shown.")
            .must("pointer", pointer())
            .may("from", anything("The value before; `null` if there was none."))
            .may("to", anything("The value after; `null` if there is none."))
            .may("changed", boolean("`true` in place of values."))
            .schema();
    let actor = Record::new("Who did it.")
        .must("kind", word(ActorKind::ALL.map(ActorKind::name), "The kind of actor."))
        .may("id", string(256, "The id of the client or of the user."))
        .may("name", string(1024, "The name of the client."))
        .may("session", string(64, "The session of a person in a browser."))
        .schema();
    let any = |about: &str| Record::new(about).schema();
    Record::new(
        "What one write did, of a user or of the tenant. An entry that cannot be read has \
                 `unreadable` and its sequence.",
    )
    .must("sequence", integer(1, None, "The version of the user, or the place in the chain."))
    .may("user_id", uuid("The user."))
    .may("chain", string(8, "The chain of the tenant's ledger."))
    .may("at", time("When."))
    .may("operation", named("AuditOperation"))
    .may("actor", actor)
    .may("via", any("An approval, a row of an import, a sign-in, a workflow."))
    .may("request_id", string(256, "The id of the request."))
    .may("target", string(256, "What an entry of the ledger is about."))
    .may("reason", string(1024, "The `Kith-Reason` of the request."))
    .may("facts", any("What else is known."))
    .may("derived", list(any("A workflow and what it computed."), None, "Derived values."))
    .may("unreadable", boolean("`true` if the entry, or its values, cannot be read."))
    .may("changes", list(change, None, "The fields that changed."))
    .example(json!({
        "sequence": 2, "user_id": "0192f3c1-5a00-7000-8000-000000000001",
        "at": "2026-11-21T10:00:00.000Z", "operation": "user.change",
        "actor": { "kind": "client", "id": "acme.0f0e0d0c0b0a09080706050403020100" },
        "request_id": "JKJaXmPLvHcESHA=", "reason": "Married",
        "changes": [{ "pointer": "/family_name", "from": "Kok", "to": "Janssen" }]
    }))
    .schema()
}
