//! `/identity/config/systems`

use serde_json::{Value, json};
use shared::domain::Version;
use shared::domain::definition::DefinitionKind;
use shared::store::{Key, Write};
use tests::{Service, TENANT};

const PATH: &str = "/identity/config/systems";

fn attribute(name: &str, classifier: &str) -> Value {
    json!({ "name": name, "classifier": classifier })
}

fn loyalty(attributes: &Value) -> Value {
    json!({ "id": "loyalty", "name": "Loyalty", "attributes_definition": attributes })
}

#[tokio::test]
async fn a_system_is_created_listed_changed_and_deleted() {
    let crm = Service::start().await.crm().await;
    let declared =
        json!([attribute("points", "NON_SENSITIVE"), attribute("birth_date", "SENSITIVE")]);
    let made = crm.create(PATH, loyalty(&declared)).await;
    assert_eq!(
        (made.path.as_str(), &made.body),
        ("/identity/config/systems/loyalty", &loyalty(&declared))
    );
    let none = crm.create(PATH, json!({ "id": "shop", "name": "Shop" })).await;
    assert_eq!(none.body["attributes_definition"], json!([]));
    let listed = async |path: &str| tests::without_tags(crm.read(path).await);
    assert_eq!(listed(PATH).await, json!({ "items": [made.body, none.body] }));
    assert_eq!(listed(&format!("{PATH}?name=Shop")).await, json!({ "items": [none.body] }));
    let read = crm.get(&made.path).await.is(200);
    assert_eq!((read.json(), read.tag()), (made.body.clone(), made.tag.clone()));
    crm.get(&made.path).if_none_match(&made.tag).await.is(304);

    let patch = json!({ "attributes_definition": [attribute("points", "LOW")] });
    crm.patch(&made.path, patch.clone()).await.is(428);
    let patched = crm.patch(&made.path, patch).if_match(&made.tag).await.is(200);
    assert_eq!(patched.json(), loyalty(&json!([attribute("points", "LOW")])));
    crm.put(&made.path, json!({ "name": "Loyal" })).if_match(&made.tag).await.is(412);
    let put =
        crm.put(&made.path, json!({ "name": "Loyal" })).if_match(&patched.tag()).await.is(200);
    assert_eq!(
        put.json(),
        json!({ "id": "loyalty", "name": "Loyal", "attributes_definition": [] })
    );
    let same = crm.put(&made.path, put.json()).if_match(&put.tag()).await.is(200);
    assert_eq!((same.tag(), same.cost().1), (put.tag(), 0.0));
    crm.delete(&made.path).if_match(&made.tag).await.is(412);
    crm.delete(&made.path).if_match(&put.tag()).await.is(204);
    crm.get(&made.path).await.is(404);
    crm.delete(&made.path).await.is(404);
}

#[tokio::test]
async fn e1_what_is_wrong_with_a_system_is_named() {
    let crm = Service::start().await.crm().await;
    let declared = json!([
        attribute("Points", "LOW"), attribute("points", "SECRET"), { "name": "level" }, "x",
        attribute("points", "LOW"),
        { "name": "tier", "classifier": "LOW", "colour": "red" }, { "classifier": "LOW" },
        attribute("tier", "LOW"),
    ]);
    let body = json!({ "id": "Loyalty", "attributes_definition": declared, "colour": "red" });
    let due = [
        "/attributes_definition/0/name wrong-format",
        "/attributes_definition/1/classifier not-in-enumeration",
        "/attributes_definition/2/classifier required",
        "/attributes_definition/3 wrong-type",
        "/attributes_definition/5/colour unknown",
        "/attributes_definition/6/name required",
        "/attributes_definition/7/name not-allowed",
        "/colour unknown",
        "/id wrong-format",
        "/name required",
    ];
    assert_eq!(crm.post(PATH, body).await.is(422).violations(), due);
    let wrong = loyalty(&json!({ "points": "LOW" }));
    assert_eq!(
        crm.post(PATH, wrong).await.is(422).violations(),
        ["/attributes_definition wrong-type"]
    );
}

#[tokio::test]
async fn a_name_that_a_system_declares_twice_is_refused() {
    let crm = Service::start().await.crm().await;
    let made = crm.create(PATH, loyalty(&json!([]))).await;
    let twice = json!([
        attribute("points", "LOW"),
        attribute("level", "LOW"),
        attribute("points", "SENSITIVE")
    ]);
    let due = ["/attributes_definition/2/name not-allowed"];
    let refused = crm
        .patch(&made.path, json!({ "attributes_definition": twice }))
        .if_match(&made.tag)
        .await
        .is(422);
    assert_eq!(refused.violations(), due);
    assert_eq!(
        crm.put(&made.path, loyalty(&twice)).if_match(&made.tag).await.is(422).violations(),
        due
    );
    assert_eq!(crm.tag_of(&made.path).await, made.tag);
}

#[tokio::test]
async fn s1_a_system_declares_a_hundred_attributes_at_most() {
    let crm = Service::start().await.crm().await;
    let declared =
        |count: usize| (0..count).map(|i| attribute(&format!("a{i}"), "LOW")).collect::<Value>();
    let refused = crm.post(PATH, loyalty(&declared(101))).await.is(422);
    assert_eq!(refused.violations(), ["/attributes_definition too-many"]);
    assert!(
        refused.text().contains("expected at most 100 values, found 101"),
        "{}",
        refused.text()
    );
    let made = crm.create(PATH, loyalty(&declared(100))).await;
    assert_eq!(made.body["attributes_definition"], declared(100));
    let long = json!({ "id": "shop", "name": "x".repeat(1025) });
    assert_eq!(crm.post(PATH, long).await.is(422).violations(), ["/name too-long"]);
}

#[tokio::test]
async fn e3_ids_of_systems_are_unique_and_never_change() {
    let crm = Service::start().await.crm().await;
    let made = crm.create(PATH, loyalty(&json!([]))).await;
    let refused = crm.post(PATH, loyalty(&json!([]))).await.is(409);
    assert_eq!(
        (refused.slug(), refused.violations()),
        ("already-exists".to_owned(), vec!["/id not-unique".to_owned()])
    );
    let moved = crm.patch(&made.path, json!({ "id": "other" })).if_match("*").await.is(422);
    assert_eq!(moved.violations(), ["/id immutable"]);
}

#[tokio::test]
async fn d6_a_system_in_which_people_have_profiles_stays() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let made = crm.create(PATH, loyalty(&json!([attribute("points", "LOW")]))).await;
    let used = Write::MarkUsed(
        Key::definition(&TENANT.parse().unwrap(), DefinitionKind::System, "loyalty"),
        Version(1),
    );
    service.table.commit(vec![used]).await.unwrap();
    let refused = crm.delete(&made.path).await.is(409);
    assert_eq!(refused.slug(), "in-use");
    crm.patch(&made.path, json!({ "attributes_definition": [] })).if_match(&made.tag).await.is(200);
    crm.delete(&made.path).await.is(409);
}

#[tokio::test]
async fn d5_systems_are_read_and_written_with_the_scopes_and_in_the_tenant_of_configuration() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let made = crm.create(PATH, loyalty(&json!([]))).await;
    let reader = service.client(TENANT, "config:read").await;
    reader.get(&made.path).await.is(200);
    reader.post(PATH, loyalty(&json!([]))).await.is(403);
    service.client(TENANT, "users:read users:write").await.get(&made.path).await.is(403);
    service.create_tenant("other").await;
    let other = service.client("other", "config:read config:write").await;
    other.get(&made.path).await.is(404);
    other.delete(&made.path).await.is(404);
    assert_eq!(other.read(PATH).await, json!({ "items": [] }));
    other.create(PATH, loyalty(&json!([]))).await;
}
