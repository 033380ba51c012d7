//! `/identity/config/user-profile-definition`: which custom attributes screens show, and nothing
//! else (rules H2, H4, P3, D6).

use serde_json::json;
use tests::Service;

const PATH: &str = "/identity/config/user-profile-definition";

#[tokio::test]
async fn h4_the_profile_definition_is_there_from_the_start_and_changes_under_its_tag() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let first = crm.get(PATH).await.is(200);
    assert_eq!(first.json(), json!({ "attributes": [] }));
    crm.get(PATH).if_none_match(&first.tag()).await.is(304);
    let (a, b) = (crm.define("a", json!({})).await, crm.define("b", json!({})).await);
    assert_eq!(crm.tag_of(PATH).await, first.tag());
    let both = json!({ "attributes": [b.id, a.id] });

    crm.put(PATH, both.clone()).await.is(428);
    crm.patch(PATH, both.clone()).if_match("\"stale\"").await.is(412);
    let same = crm.put(PATH, first.json()).if_match(&first.tag()).await.is(200);
    assert_eq!((same.tag(), same.cost().1), (first.tag(), 0.0));
    let put = crm.put(PATH, both.clone()).if_match(&first.tag()).await.is(200);
    assert_eq!(put.json(), both, "in the order in which they were sent");
    assert_ne!(put.tag(), first.tag());
    crm.put(PATH, both.clone()).if_match(&first.tag()).await.is(412);
    let kept = crm.patch(PATH, json!({})).if_match(&put.tag()).await.is(200);
    assert_eq!((kept.tag(), kept.cost().1), (put.tag(), 0.0));
    let turned = crm.patch(PATH, json!({ "attributes": [a.id, b.id] })).if_match("*").await.is(200);
    assert_ne!(turned.tag(), put.tag());
    let read = crm.on(&service.instance()).get(PATH).await.is(200);
    assert_eq!((read.json(), read.tag()), (turned.json(), turned.tag()));
    let none = crm.put(PATH, json!({})).if_match(&turned.tag()).await.is(200);
    assert_eq!(none.json(), json!({ "attributes": [] }));
}

#[tokio::test]
async fn e1_the_profile_definition_lists_custom_attributes_once_each() {
    let crm = Service::start().await.crm().await;
    let a = crm.define("a", json!({})).await;
    let field = crm.read("/identity/config/attribute-definitions?name=username").await["items"][0]
        ["id"]
        .clone();
    let body = json!({ "attributes": [a.id, a.id, field, "nothing", 1], "more": true });
    let refused = crm.put(PATH, body).if_match("*").await.is(422);
    let due = ["/attributes/4 wrong-type", "/more unknown"];
    assert_eq!(refused.violations(), due);
    let body = json!({ "attributes": [a.id, a.id, field, "nothing"] });
    let refused = crm.put(PATH, body).if_match("*").await.is(422);
    assert_eq!(
        refused.violations(),
        ["/attributes/1 not-allowed", "/attributes/2 not-allowed", "/attributes/3 not-found"]
    );
    crm.patch(PATH, json!({ "attributes": null })).if_match("*").await.is(200);
    crm.patch(PATH, json!({ "other": null })).if_match("*").await.is(422);
    for method in ["POST", "DELETE"] {
        let refused = crm.call(method, PATH).json(json!({})).await.is(405);
        assert!(refused.header("allow").unwrap().contains("PATCH"), "{method}");
    }
}

#[tokio::test]
async fn d6_an_attribute_that_the_profile_definition_lists_is_not_deleted() {
    let crm = Service::start().await.crm().await;
    let a = crm.define("a", json!({})).await;
    crm.put(PATH, json!({ "attributes": [a.id] })).if_match("*").await.is(200);
    let refused = crm.delete(&a.path).await.is(409);
    assert_eq!(refused.slug(), "in-use");
    assert!(refused.text().contains("user profile definition"), "{}", refused.text());
    crm.put(PATH, json!({ "attributes": [] })).if_match("*").await.is(200);
    crm.delete(&a.path).await.is(204);
}

#[tokio::test]
async fn d5_each_tenant_has_a_profile_definition_and_its_scopes_are_those_of_configuration() {
    let service = Service::start().await;
    service.create_tenant("globex").await;
    let crm = service.crm().await;
    let a = crm.define("a", json!({})).await;
    crm.put(PATH, json!({ "attributes": [a.id] })).if_match("*").await.is(200);
    let globex = service.client("globex", "config:read config:write").await;
    assert_eq!(globex.read(PATH).await, json!({ "attributes": [] }));
    let refused = globex.put(PATH, json!({ "attributes": [a.id] })).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/attributes/0 not-found"]);
    let users = service.client("acme", "users:read users:write").await;
    users.get(PATH).await.is(403);
    let reader = service.client("acme", "config:read").await;
    reader.get(PATH).await.is(200);
    reader.put(PATH, json!({ "attributes": [] })).if_match("*").await.is(403);
}
