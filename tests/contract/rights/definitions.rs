//! Persona definitions that grant scopes (rule G62).

use serde_json::{Value, json};
use tests::{Resource, Service, SignedIn, TENANT};

use super::{DEFINITIONS, Tenant, USERS, refused};

/// A person who may change the configuration, and nothing else, in a browser.
async fn configurator(tenant: &Tenant) -> (Resource, SignedIn) {
    let scopes = json!({ "portal_scopes": ["config:read", "config:write"] });
    tenant.admin.define_persona("configurator", scopes).await;
    let mut body = tests::person("cora");
    body["personas"] = json!([{ "name": "configurator" }]);
    let cora = tenant.admin.create(USERS, body).await;
    let browser = tenant.service.signed_in(&cora.id).await;
    (cora, browser)
}

#[tokio::test]
async fn g62_a_definition_grants_what_its_author_may() {
    let tenant = Tenant::open().await;
    let (_, cora) = configurator(&tenant).await;
    let clerk = tenant.service.client(TENANT, "config:read config:write").await;
    let definition = |name: &str, scopes: Value| json!({ "name": name, "portal_scopes": scopes });
    for (i, (scopes, due)) in [
        (json!([]), 201),
        (json!(["config:write"]), 201),
        (json!(["config:read", "config:write"]), 201),
        (json!(["users:read"]), 403),
        (json!(["config:write", "audit:values"]), 403),
        (json!(["administrator"]), 403),
    ]
    .into_iter()
    .enumerate()
    {
        for (who, call) in [
            ("cora", cora.post(DEFINITIONS, definition(&format!("c{i}"), scopes.clone()))),
            ("clerk", clerk.post(DEFINITIONS, definition(&format!("k{i}"), scopes.clone()))),
        ] {
            let answer = call.await;
            assert_eq!(answer.code(), due, "{who} {scopes}: {}", answer.text());
        }
    }
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_a_definition_is_changed_and_deleted_by_those_who_have_what_it_grants() {
    let tenant = Tenant::open().await;
    let (_, cora) = configurator(&tenant).await;
    let made = |name: &str, scopes: Value| {
        tenant.admin.create(DEFINITIONS, json!({ "name": name, "portal_scopes": scopes }))
    };
    let strong = made("strong", json!(["administrator"])).await;
    let mild = made("mild", json!(["config:read", "config:write"])).await;
    for patch in [
        json!({ "portal_scopes": [] }),
        json!({ "display_name": "Weak" }),
        json!({ "deprecated": true }),
    ] {
        refused(&cora.patch(&strong.path, patch.clone()).if_match("*").await, &patch.to_string());
    }
    refused(&cora.delete(&strong.path).await, "delete");
    let whole = json!({ "name": "strong" });
    let replace = cora.call("PUT", &strong.path).json(whole).if_match("*");
    refused(&replace.await, "replace");
    let less = json!({ "portal_scopes": ["config:write"] });
    cora.patch(&mild.path, less).if_match("*").await.is(200);
    cora.delete(&mild.path).await.is(204);
    tenant.admin.delete(&strong.path).await.is(204);
}

#[tokio::test]
async fn g62_a_definition_loses_scopes_and_gains_none() {
    let tenant = Tenant::open().await;
    let scopes = json!({ "portal_scopes": ["config:read", "config:write"] });
    let role = tenant.admin.define_persona("role", scopes).await;
    let plain = tenant.admin.define_persona("plain", json!({})).await;
    let set = async |path: &str, scopes: Value| {
        tenant.admin.patch(path, json!({ "portal_scopes": scopes })).if_match("*").await
    };
    for (path, more) in [
        (&role.path, json!(["config:read", "config:write", "users:read"])),
        (&role.path, json!(["administrator"])),
        (&role.path, json!(["users:read"])),
        (&plain.path, json!(["users:read"])),
    ] {
        let refused = set(path, more.clone()).await.is(422);
        assert_eq!(refused.violations(), ["/portal_scopes immutable"], "{more}");
    }
    set(&role.path, json!(["config:read"])).await.is(200);
    let back = set(&role.path, json!(["config:read", "config:write"])).await.is(422);
    assert_eq!(back.violations(), ["/portal_scopes immutable"]);
    let name = json!({ "display_name": "Reader" });
    tenant.admin.patch(&role.path, name).if_match("*").await.is(200);
    set(&role.path, json!([])).await.is(200);
}

#[tokio::test]
async fn g62_a_function_that_has_not_heard_of_a_definition_guards_what_it_grants() {
    let service = Service::start().await;
    let admin = service.client(TENANT, "administrator").await;
    let clerk = service.client(TENANT, "users:read users:write").await;
    let stale = clerk.on(&service.instance());
    let other = admin.create(USERS, tests::person("other")).await;
    // This instance remembers the configuration as it was.
    stale.act(&other.below("invite")).await.is(204);
    stale.act(&other.below("temporary-password")).await.is(200);
    let scopes = json!({ "portal_scopes": ["administrator"] });
    admin.define_persona("chief", scopes).await;
    let mut body = tests::person("jan");
    body["personas"] = json!([{ "name": "chief" }]);
    let jan = admin.create(USERS, body).await;
    let eve = json!({ "preferred_email": "eve@example.org" });
    for (what, call) in [
        ("address", stale.patch(&jan.path, eve).if_match("*")),
        ("invitation", stale.act(&jan.below("invite"))),
        ("password", stale.act(&jan.below("temporary-password"))),
        ("sessions", stale.delete(&jan.below("sessions"))),
        ("block", stale.act(&jan.below("block"))),
        ("link", stale.act(&jan.below("principals/system/unlink"))),
        ("erasure", stale.delete(&jan.path)),
    ] {
        refused(&call.await, what);
    }
    service.check().await;
}

#[tokio::test]
async fn portal_scopes_are_scopes_that_let_administer() {
    let service = Service::start().await;
    let admin = service.client(TENANT, "administrator").await;
    for (scopes, due) in [
        (json!(["openid"]), "/portal_scopes/0 not-in-enumeration"),
        (json!(["users:read", "userdata"]), "/portal_scopes/1 not-in-enumeration"),
        (json!(["root"]), "/portal_scopes/0 not-in-enumeration"),
        (json!(["users:read", "users:read"]), "/portal_scopes/1 not-allowed"),
        (json!("users:read"), "/portal_scopes wrong-type"),
        (json!([1]), "/portal_scopes/0 wrong-type"),
    ] {
        let body = json!({ "name": "role", "portal_scopes": scopes });
        let refused = admin.post(DEFINITIONS, body.clone()).await.is(422);
        assert_eq!(refused.violations(), [due], "{body}");
    }
    let all = json!([
        "users:read",
        "users:write",
        "config:read",
        "config:write",
        "audit:read",
        "audit:values",
        "administrator",
    ]);
    let made = admin.create(DEFINITIONS, json!({ "name": "role", "portal_scopes": all })).await;
    assert_eq!(made.body["portal_scopes"], all);
    let without = admin.put(&made.path, json!({ "name": "role" })).if_match("*").await.is(200);
    assert_eq!(without.json()["portal_scopes"], json!([]));
}
