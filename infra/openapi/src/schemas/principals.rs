//! Principals.

use serde_json::json;
use shared::domain::sso::PrincipalStatus;
use utoipa::openapi::Schema;

use super::super::shapes::{Record, boolean, named, word};
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
        .must("base_profile_id", nullable("BaseProfileId"))
        .example(json!({
            "authentication_server_id": "corporate", "name": "Corporate login",
            "subject_type": "email", "linked": true, "status": "ACTIVE",
            "base_profile_id": "2bdec978e853a345774727fc88a221244c19b447e71898f42b7ebe6f84c69b12"
        }))
        .schema()
}
