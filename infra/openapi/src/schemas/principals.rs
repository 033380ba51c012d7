//! Principals.

use serde_json::json;
use shared::domain::sso::PrincipalStatus;
use utoipa::openapi::Schema;

use super::super::shapes::{Record, SLUG, boolean, matching, word};
use super::whole;

pub(super) fn schemas() -> [(&'static str, Schema); 2] {
    [("Principal", principal()), ("PrincipalList", whole("Principal"))]
}

fn principal() -> Schema {
    let status = "PENDING before the first sign-in, ACTIVE after it, UNLINKED where sign-ins are \
                  refused and nothing is matched.";
    Record::new("A user as one authentication server knows it.")
        .must("authentication_server_id", matching(SLUG, "The authentication server."))
        .must("linked", boolean("Whether sign-ins of the server reach the user."))
        .must("status", word(PrincipalStatus::ALL.map(PrincipalStatus::name), status))
        .example(
            json!({ "authentication_server_id": "corporate", "linked": true, "status": "ACTIVE" }),
        )
        .schema()
}
