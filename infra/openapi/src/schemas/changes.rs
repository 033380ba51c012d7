//! Change requests.

use serde_json::json;
use shared::domain::change_request::RequestStatus;
use utoipa::openapi::Schema;

use super::super::shapes::{
    OrNull as _, Record, anything, either, list, matching, named, null, string, time, uuid, word,
};
use super::{Described, page};

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("ChangeRequest", request()),
        ("ChangeRequestList", page("ChangeRequest")),
        ("ChangeRequestStatus", word(RequestStatus::ALL.map(RequestStatus::name), STATUS).into()),
        ("FieldChange", change()),
    ]
}

const STATUS: &str = "STALE: the profile has changed, and the request does not fit it any more.";

fn change() -> Schema {
    let pointer = "The field: a JSON Pointer into the user, or into the persona that is named.";
    Record::new("One field before and after the change. Hashes show `{\"set\": true}`.")
        .must("pointer", matching("^/.*$", pointer))
        .must("from", anything("The value when the request was made."))
        .must("to", anything("The requested value."))
        .schema()
}

fn decided_by() -> Schema {
    either(
        [named("ClientActor"), named("PersonActor"), null()],
        "Who approved or rejected it; `null` if nobody did.",
    )
}

fn request() -> Schema {
    let changes = "The requested changes. Derived attributes follow from them.";
    Record::new("A change that waits for the approval that a policy asks for.")
        .must("id", uuid("The id."))
        .must("user_id", uuid("The user."))
        .must("persona_id", uuid("The persona, if the change is one of a persona.").or_null())
        .must("changes", list(named("FieldChange"), None, changes))
        .must("requested_by", named("Actor"))
        .must("decided_by", decided_by())
        .must("status", named("ChangeRequestStatus"))
        .must("created_at", time("When it was made."))
        .must("expires_at", time("Until when it can be decided."))
        .must("profile_etag", string(256, "The tag of the user when the request was made."))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-00000000000a",
            "user_id": "0192f3c1-5a00-7000-8000-000000000001", "persona_id": null,
            "changes": [
                { "pointer": "/attributes/common/iban", "from": [], "to": ["BE68539007547034"] }
            ],
            "requested_by": { "client_id": "acme.0f0e0d0c0b0a09080706050403020100" },
            "decided_by": null, "status": "PENDING", "created_at": "2026-11-21T10:00:00.000Z",
            "expires_at": "2026-12-21T10:00:00.000Z", "profile_etag": "\"S0lUSC1UQUctRVhBTVBMRQ\""
        }))
        .schema()
}
