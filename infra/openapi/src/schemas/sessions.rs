//! What people sign in with, and where they are signed in.

use serde_json::json;
use utoipa::openapi::{RefOr, Schema};

use super::super::shapes::{
    OrNull as _, Record, anything, boolean, list, map, named, string, time,
};
use super::{Described, whole};

/// The longest password, in characters.
const MAX_PASSWORD: usize = 256;
const SESSION: &str = "0192f3c1-5a00-7000-8000-00000000000e";

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("UserSession", session()),
        ("UserSessionList", whole("UserSession")),
        ("TemporaryPasswordInput", temporary_input()),
        ("TemporaryPassword", temporary()),
    ]
}

fn session() -> Schema {
    let end = "When it ends, however much it is used. It ends earlier if it is not used.";
    Record::new("A browser in which a person has signed in.")
        .must("id", string(64, "The id."))
        .must("created_at", time("When the person signed in."))
        .must("authenticated_at", time("When the person last authenticated in it."))
        .must("seen_at", time("When it was last used, to within 5 minutes."))
        .must("ends_at", time(end))
        .must("amr", list(string(16, "A method."), None, "How: `pwd`, or `swk` and `user`."))
        .must("acr", string(8, "`1` of one factor, `2` of two.").or_null())
        .must("browser", string(64, "The name of the browser, if it is known.").or_null())
        .must("operating_system", string(64, "Its operating system, if it is known.").or_null())
        .must("network", string(64, "The network of the sign-in.").or_null())
        .must("current", boolean("Whether the request came with it."))
        .must("remembered", boolean("Whether the browser keeps it when it is closed."))
        .may("claims", claims())
        .example(json!({
            "id": SESSION, "created_at": "2026-11-21T10:00:00.000Z",
            "authenticated_at": "2026-11-21T10:00:00.000Z", "seen_at": "2026-11-21T10:00:00.000Z",
            "ends_at": "2026-12-21T10:00:00.000Z", "amr": ["pwd"], "acr": "1",
            "browser": "Firefox", "operating_system": "Linux", "network": "192.0.2.0/24",
            "current": true, "remembered": false
        }))
        .schema()
}

fn claims() -> Schema {
    let about = "What the authentication server said beyond the attributes. It lives as long as the \
                 session, and is stored nowhere else.";
    let claims = map(None, RefOr::T(anything("A claim.").into()), "The claims by their names.");
    Record::new(about)
        .must("authentication_server_id", named("Slug"))
        .must("claims", claims)
        .schema()
}

fn temporary_input() -> Schema {
    let about = "If left out, the service makes one and shows it once.";
    Record::new("A temporary password. The body may be left out.")
        .may("password", string(4 * MAX_PASSWORD, about).or_null())
        .closed()
        .example(json!({ "password": "brass lantern quiet meadow" }))
        .schema()
}

fn temporary() -> Schema {
    let password = "The password, if the service made it. It is shown once.";
    let end = "When it stops to be good. The person has to choose another one before.";
    Record::new("A temporary password that was set.")
        .must("password", string(4 * MAX_PASSWORD, password).or_null())
        .must("ends_at", time(end))
        .example(json!({
            "password": "k7vq-n3xd-2mwp-f8ra", "ends_at": "2026-11-24T10:00:00.000Z"
        }))
        .schema()
}
