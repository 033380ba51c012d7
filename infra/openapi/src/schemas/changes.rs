//! Change requests.

use serde_json::json;
use shared::domain::change_request::RequestStatus;
use utoipa::openapi::Schema;

use super::super::shapes::{
    OrNull, Record, anything, either, list, matching, string, time, uuid, word,
};
use super::page;

pub(super) fn schemas() -> [(&'static str, Schema); 2] {
    [("ChangeRequest", request()), ("ChangeRequestList", page("ChangeRequest"))]
}

fn request() -> Schema {
    let change = Record::new("One field as it was and as it is to be.")
        .must(
            "pointer",
            matching(
                "^/.*$",
                "The field: a JSON Pointer into the user, or into the persona if one is named.",
            ),
        )
        .must(
            "from",
            anything("As it was when the request was made; of a hash only that it is there."),
        )
        .must("to", anything("As it is to be; of a hash only that it is there."))
        .schema();
    Record::new(
        "A change that waits until somebody whom the approval policies name has approved it.",
    )
    .must("id", uuid("The id."))
    .must("user_id", uuid("The user."))
    .must("persona_id", uuid("The persona whose fields change, if they are a persona's.").or_null())
    .must("changes", list(change, None, "What changes; derived attributes follow by themselves."))
    .must("requested_by", actor("Who asked."))
    .must(
        "decided_by",
        either(
            [actor("Who approved or rejected.").into(), nobody().into()],
            "Who decided, if somebody did.",
        ),
    )
    .must("status", word(RequestStatus::ALL.map(RequestStatus::name), "What became of it."))
    .must("created_at", time("When it was made."))
    .must("expires_at", time("Until when it can be decided."))
    .must("profile_etag", string(256, "The tag that the user had when the request was made."))
    .example(json!({
        "id": "0192f3c1-5a00-7000-8000-00000000000a",
        "user_id": "0192f3c1-5a00-7000-8000-000000000001",
        "persona_id": null,
        "changes": [
            { "pointer": "/attributes/common/iban", "from": [], "to": ["BE68539007547034"] }
        ],
        "requested_by": { "client_id": "acme.0f0e0d0c0b0a09080706050403020100" },
        "decided_by": null,
        "status": "PENDING", "created_at": "2026-11-21T10:00:00.000Z",
        "expires_at": "2026-12-21T10:00:00.000Z",
        "profile_etag": "\"S0lUSC1UQUctRVhBTVBMRQ\""
    }))
    .schema()
}

/// Who asked or decided: one of the two ids.
fn actor(description: &str) -> Schema {
    let client =
        Record::new("A machine client.").must("client_id", string(256, "The client.")).closed();
    let person = Record::new("A person.").must("user_id", uuid("The user.")).closed();
    either([client.schema().into(), person.schema().into()], description)
}

fn nobody() -> Schema {
    Schema::Object(utoipa::openapi::Object::with_type(utoipa::openapi::schema::Type::Null))
}
