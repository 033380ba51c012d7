//! Approval policies: the statements that are valid, and the callers that they allow.

use serde_json::{Value, json};
use shared::domain::definition::{ApprovalPolicy, PolicySubject};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::env::Timestamp;
use tests::{START, TENANT};

use super::{DAY, Office, USERS, by_administrators};

fn policy(statements: &Value) -> Value {
    json!({ "approval_policy": { "statements": statements } })
}

#[tokio::test]
async fn e1_a_policy_says_who_exists_and_nothing_else() {
    let office = Office::open().await;
    office.crm.define_persona("manager", json!({})).await;
    let at = "/approval_policy/statements";
    for (statements, due) in [
        (json!([]), vec![format!("{at} required")]),
        (json!({}), vec![format!("{at} wrong-type")]),
        (json!([{ "persona": "nobody" }]), vec![format!("{at}/0/persona not-found")]),
        (
            json!([{ "persona": "manager" }, { "persona": "x", "scope": "a" }]),
            vec![format!("{at}/1/persona not-found")],
        ),
        (json!([{}]), vec![format!("{at}/0/persona required")]),
        (json!([{ "scope": "a" }]), vec![format!("{at}/0/persona required")]),
        (
            json!([{ "client_scope": "root" }]),
            vec![format!("{at}/0/client_scope not-in-enumeration")],
        ),
        (
            json!([{ "persona": "manager", "client_scope": "administrator" }]),
            vec![format!("{at}/0/client_scope not-allowed")],
        ),
        (json!([{ "persona": "manager", "colour": 1 }]), vec![format!("{at}/0/colour unknown")]),
        (json!(vec![json!({ "persona": "manager" }); 21]), vec![format!("{at} too-many")]),
        (json!(["manager"]), vec![format!("{at}/0 wrong-type")]),
    ] {
        let refused = office.redefine("salary", policy(&statements)).await.is(422);
        let found: Vec<_> = refused.violations();
        assert!(due.iter().all(|due| found.contains(due)), "{statements}: {found:?}");
    }
    for wrong in
        [json!({ "approval_policy": { "statements": null } }), json!({ "approval_policy": [] })]
    {
        office.redefine("salary", wrong).await.is(422);
    }
    let good = json!([
        { "persona": "manager", "scope": "chemco" }, { "persona": "manager" },
        { "client_scope": "openid" }
    ]);
    let defined = office.redefine("salary", policy(&good)).await.is(200);
    assert_eq!(defined.json()["approval_policy"]["statements"], good);
    let path = format!("/identity/config/attribute-definitions/{}", defined.field("id"));
    let back = office.crm.put(&path, defined.json()).if_match("*").await.is(200);
    assert_eq!((back.tag(), back.cost().1), (defined.tag(), 0.0));
}

#[tokio::test]
async fn a3_without_its_policy_an_attribute_is_written_by_everybody_again() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    office.redefine("salary", json!({ "approval_policy": null })).await.is(200);
    office.service.clock.advance(30);
    office.crm.patch(&jan.path, super::salary("7")).if_match("*").await.is(200);
    office.redefine("salary", by_administrators()).await.is(200);
    office.approve(&request).await.is(409);
}

#[tokio::test]
async fn a5_a_persona_definition_that_a_policy_names_is_neither_renamed_nor_deleted() {
    let office = Office::open().await;
    let manager = office.crm.define_persona("manager", json!({})).await;
    office.redefine("salary", policy(&json!([{ "persona": "manager" }]))).await.is(200);
    let rename = || office.crm.patch(&manager.path, json!({ "name": "chief" })).if_match("*");
    assert_eq!(rename().await.is(422).violations(), ["/name not-allowed"]);
    assert_eq!(office.crm.delete(&manager.path).await.is(409).slug(), "in-use");
    office
        .crm
        .patch(&manager.path, json!({ "display_name": "Manager" }))
        .if_match("*")
        .await
        .is(200);
    // Also when the policy is a predefined attribute's.
    office.redefine("given_name", policy(&json!([{ "persona": "manager" }]))).await.is(200);
    office.redefine("salary", by_administrators()).await.is(200);
    rename().await.is(422);
    office.crm.delete(&manager.path).await.is(409);
    office.redefine("given_name", by_administrators()).await.is(200);
    rename().await.is(200);
    office.crm.delete(&manager.path).await.is(204);
}

/// The policy of the attribute `salary`, and a user, as the service has them.
async fn read(office: &Office, user: &str) -> (Schema, ApprovalPolicy, User) {
    let tenant = TENANT.parse().unwrap();
    let schema = office.service.table.schema(&tenant).await.unwrap();
    let definition = schema.attribute_named("common", "salary").unwrap();
    let policy = definition.approval_policy.clone().unwrap();
    let user = office.service.table.get_user(&tenant, user.parse().unwrap()).await.unwrap();
    (schema, policy, user.value.clone())
}

fn days(n: i64) -> Timestamp {
    START.plus_seconds(n * DAY)
}

#[tokio::test]
async fn a5_a_person_approves_by_a_persona_that_is_in_force_and_has_the_scope() {
    let office = Office::open().await;
    for name in ["manager", "guest"] {
        office.crm.define_persona(name, json!({ "scoped": true })).await;
    }
    let of_chemco = policy(&json!([{ "persona": "manager", "scope": "chemco" }]));
    let anywhere = policy(&json!([{ "persona": "manager" }]));
    let cases = [
        (json!({ "name": "manager", "scope": ["chemco"] }), true, true),
        (json!({ "name": "manager", "scope": ["other", "chemco"] }), true, true),
        (json!({ "name": "manager", "scope": ["other"] }), false, true),
        (json!({ "name": "manager", "scope": ["chemco-2"] }), false, true),
        (json!({ "name": "guest", "scope": ["chemco"] }), false, false),
        (json!({ "name": "manager", "scope": ["chemco"], "status": "PENDING" }), false, false),
        (json!({ "name": "manager", "scope": ["chemco"], "status": "SUSPENDED" }), false, false),
        (json!({ "name": "manager", "scope": ["chemco"], "valid_from": days(1) }), false, false),
        (json!({ "name": "manager", "scope": ["chemco"], "valid_from": days(0) }), true, true),
        (json!({ "name": "manager", "scope": ["chemco"], "valid_until": days(1) }), true, true),
        (json!({ "name": "manager", "scope": ["chemco"], "valid_until": days(0) }), false, false),
    ];
    for (i, (persona, in_scope, at_all)) in cases.into_iter().enumerate() {
        let body = json!({ "username": format!("u{i}"), "personas": [persona] });
        let user = office.crm.create(USERS, body).await;
        for (policy, due) in [(&of_chemco, in_scope), (&anywhere, at_all)] {
            office.redefine("salary", policy.clone()).await.is(200);
            let (schema, policy, user) = read(&office, &user.id).await;
            assert_eq!(
                policy.allows(PolicySubject::person(&user, START), &schema),
                due,
                "{persona}"
            );
            // No client is meant by a persona, and no person by a scope.
            let all = "administrator openid userdata".parse().unwrap();
            assert!(!policy.allows(PolicySubject::client(&all), &schema));
        }
    }
}

#[tokio::test]
async fn a5_a_persons_right_begins_and_ends_with_the_personas_dates() {
    let office = Office::open().await;
    office.crm.define_persona("manager", json!({})).await;
    office.redefine("salary", policy(&json!([{ "persona": "manager" }]))).await.is(200);
    let persona = json!({ "name": "manager", "valid_from": days(1), "valid_until": days(2) });
    let user = office.crm.create(USERS, json!({ "username": "jan", "personas": [persona] })).await;
    let (schema, policy, user) = read(&office, &user.id).await;
    let allows = |at: Timestamp| policy.allows(PolicySubject::person(&user, at), &schema);
    let edges =
        [days(0), days(1).plus_seconds(-1), days(1), days(2).plus_seconds(-1), days(2), days(9)];
    assert_eq!(edges.map(allows), [false, false, true, true, false, false]);
}

#[tokio::test]
async fn a5_a_client_approves_by_the_scope_of_its_token_or_as_administrator() {
    let office = Office::open().await;
    office.crm.define_persona("manager", json!({})).await;
    let user = office
        .crm
        .create(USERS, json!({ "username": "jan", "personas": [{ "name": "manager" }] }))
        .await;
    for (scope, allowed, refused) in [
        (
            "config:write",
            vec!["config:write", "administrator", "config:write openid"],
            vec!["config:read", "users:write"],
        ),
        ("userdata", vec!["userdata"], vec!["administrator", "openid"]),
        (
            "administrator",
            vec!["administrator"],
            vec!["users:read users:write config:read config:write"],
        ),
    ] {
        office.redefine("salary", policy(&json!([{ "client_scope": scope }]))).await.is(200);
        let (schema, policy, user) = read(&office, &user.id).await;
        let allows =
            |scopes: &str| policy.allows(PolicySubject::client(&scopes.parse().unwrap()), &schema);
        assert!(allowed.iter().all(|scopes| allows(scopes)), "{scope}");
        assert!(!refused.iter().any(|scopes| allows(scopes)), "{scope}");
        assert!(!policy.allows(PolicySubject::person(&user, START), &schema));
    }
}
