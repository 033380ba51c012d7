//! Principals.

use serde_json::json;
use shared::domain::people::SetBy;
use shared::domain::sso::PrincipalStatus;
use utoipa::openapi::Schema;

use super::super::shapes::{
    OrNull as _, Record, boolean, integer, named, nullable, text, time, word,
};
use super::fields::MAX_DEFINITION_TEXT;
use super::{Described, whole};

pub(super) fn schemas() -> Vec<Described> {
    let status = "PENDING before the first sign-in, ACTIVE after it. UNLINKED: sign-ins are \
                  refused.";
    vec![
        ("Principal", principal()),
        ("PrincipalList", whole("Principal")),
        ("PasswordDetails", password()),
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
        .may("details", details())
        .example(json!({
            "authentication_server_id": "corporate", "name": "Corporate login",
            "subject_type": "email", "linked": true, "status": "ACTIVE"
        }))
        .schema()
}

fn details() -> Schema {
    let about = "What is known of the credentials at this service, for administrators. Absent for \
                 other authentication servers.";
    Record::new(about)
        .must("password", nullable("PasswordDetails"))
        .must("passkeys", integer(0, None, "How many passkeys the person has."))
        .must("pending_address", boolean("Whether a change of the e-mail address waits."))
        .schema()
}

fn password() -> Schema {
    Record::new("What is known of a password; never the password.")
        .must("set_at", time("When it was set."))
        .must("set_by", word(SetBy::ALL.map(SetBy::name), "Who set it."))
        .must("last_used_at", time("When the person last signed in with it.").or_null())
        .must("must_change", boolean("Whether it is temporary: the person has to change it."))
        .must("ends_at", time("When a temporary password stops to be good.").or_null())
        .schema()
}
