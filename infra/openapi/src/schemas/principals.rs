//! Principals.

use serde_json::json;
use shared::domain::sso::PrincipalStatus;
use utoipa::openapi::Schema;

use super::super::shapes::{Record, boolean, named, text, word};
use super::fields::MAX_DEFINITION_TEXT;
use super::{Described, whole};

pub(super) fn schemas() -> Vec<Described> {
    let status = "PENDING before the first sign-in, ACTIVE after it. UNLINKED: sign-ins are \
                  refused.";
    vec![
        ("Principal", principal()),
        ("PrincipalList", whole("Principal")),
        ("PrincipalStatus", word(PrincipalStatus::ALL.map(PrincipalStatus::name), status).into()),
    ]
}

fn principal() -> Schema {
    Record::new("A user as one authentication server knows it.")
        .must("authentication_server_id", named("Slug"))
        .must("name", text(MAX_DEFINITION_TEXT, "The name of the server."))
        .must("subject_type", named("SubjectType"))
        .must("linked", boolean("Whether sign-ins of the server reach the user."))
        .must("status", named("PrincipalStatus"))
        .example(json!({
            "authentication_server_id": "corporate", "name": "Corporate login",
            "subject_type": "email", "linked": true, "status": "ACTIVE"
        }))
        .schema()
}
