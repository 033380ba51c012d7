//! Entity tags beside the header `ETag`: in items of lists, in bodies that send one back, and those
//! of the user in answers about its personas.

use serde_json::{Value, json};
use tests::{Client, Resource, Service, TENANT, person, profiles};

const USERS: &str = "/identity/users";
const CONFIG: &str = "/identity/config";
const SSO: &str = "/api/v1/sso";

fn items(list: &Value) -> Vec<Value> {
    list["items"].as_array().unwrap().clone()
}

/// A user with everything that a list may show of a user.
async fn scene(service: &Service) -> (Client, Resource) {
    let crm = service.crm().await;
    let boss = service.client(TENANT, "administrator").await;
    crm.define("note", json!({})).await;
    let guarded = json!({ "statements": [{ "client_scope": "administrator" }] });
    crm.define("salary", json!({ "approval_policy": guarded })).await;
    crm.define_persona("employee", json!({})).await;
    let script = "function main(workItem) { workItem.output = tb.simpleResponse({}); }";
    let workflow = json!({ "name": "nothing", "script": script });
    boss.post(&format!("{CONFIG}/workflows"), workflow).await.is(201);
    service.system("shop", &["points"]).await;
    for (kind, field) in
        [("authentication-server", "authentication_server_id"), ("application", "application_id")]
    {
        let party = json!({ "id": "corp", "name": "corp", "subject_type": "predefined" });
        crm.create(&format!("{SSO}/{kind}s"), party).await;
        let mut user = person(kind);
        user["personas"] = json!([{ "name": "employee" }]);
        let user = crm.create(USERS, user).await;
        let subject = json!({ field: "corp", "subject": "s", "user_id": user.id });
        crm.create(&format!("{SSO}/{kind}-subjects"), subject).await;
    }
    let mut jan = person("jan");
    jan["personas"] = json!([{ "name": "employee" }]);
    let jan = crm.create(USERS, jan).await;
    let asked = json!({ "attributes": { "common": { "salary": ["1"] } } });
    crm.patch(&jan.path, asked).if_match("*").await.is(202);
    (crm, jan)
}

#[tokio::test]
async fn t30_every_item_of_a_list_carries_its_tag() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let boss = service.client(TENANT, "administrator").await;
    let subjects = |kind: &str, user: &Value| {
        format!("{SSO}/{kind}-subjects?user_id={}", user["id"].as_str().unwrap())
    };
    let users = items(&crm.read(USERS).await);
    let of = |name: &str| users.iter().find(|user| user["username"] == name).unwrap();
    let lists = [
        (USERS.to_owned(), USERS),
        (format!("{USERS}/{}/personas", jan.id), ""),
        ("/identity/change-requests".to_owned(), "/identity/change-requests"),
        ("/config/clients".to_owned(), "/config/clients"),
        (format!("{CONFIG}/attribute-categories"), ""),
        (format!("{CONFIG}/attribute-definitions"), ""),
        (format!("{CONFIG}/persona-definitions"), ""),
        (format!("{CONFIG}/systems"), ""),
        (format!("{CONFIG}/workflows"), ""),
        (format!("{SSO}/authentication-servers"), ""),
        (format!("{SSO}/applications"), ""),
        (subjects("authentication-server", of("authentication-server")), ""),
        (subjects("application", of("application")), ""),
    ];
    for (list, base) in lists {
        let found = items(&boss.read(&list).await);
        assert!(!found.is_empty(), "{list}");
        let base = if base.is_empty() { list.split('?').next().unwrap() } else { base };
        for item in found {
            let id = item.get("id").or(item.get("client_id")).unwrap().as_str().unwrap();
            let read = boss.get(&format!("{base}/{id}")).await.is(200);
            assert_eq!(item["etag"], read.tag(), "{list}");
            let mut bare = item.clone();
            bare.as_object_mut().unwrap().remove("etag");
            assert_eq!(bare, read.json(), "{list}");
        }
    }
    // Queries and batches, and what has no route of its own to read it.
    let query = crm.post(&format!("{USERS}/query"), json!({ "filter": { "username": "jan" } }));
    let tag = crm.get(&jan.path).await.is(200).tag();
    assert_eq!(items(&query.await.is(200).json())[0]["etag"], tag);
    let batch = crm.post(&format!("{USERS}/batch-get"), json!({ "ids": [jan.id] }));
    assert_eq!(items(&batch.await.is(200).json())[0]["etag"], tag);
    let profile = service.profile(&jan.id, "shop").await;
    let id = profile.rsplit('/').next().unwrap();
    let bulk = crm.post(
        &format!("{}:bulk-search", profiles("shop")),
        json!({ "ids": [id], "select": ["given_name"] }),
    );
    let bulk = items(&bulk.await.is(200).json());
    assert_eq!(bulk[0]["etag"], crm.get(&profile).await.is(200).tag());
    for principal in items(&crm.read(&jan.below("principals")).await) {
        let server = principal["authentication_server_id"].as_str().unwrap();
        let link = crm.act(&jan.below(&format!("principals/{server}/link")));
        link.if_match(principal["etag"].as_str().unwrap()).await.is(200);
    }
}

#[tokio::test]
async fn t30_an_item_of_a_list_is_sent_back_as_it_is() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let query = async || {
        let found = crm.find_items(json!({ "username": "jan" })).await;
        found[0].clone()
    };
    let item = query().await;
    let tag = item["etag"].as_str().unwrap();
    // Find and change are two calls.
    let mut changed = item.clone();
    changed["given_name"] = json!("Johan");
    let replaced = crm.put(&jan.path, changed.clone()).if_match(tag).await.is(200);
    assert!(replaced.json().get("etag").is_none());
    // The tag in the body counts, also with `*`.
    for write in [
        crm.put(&jan.path, changed.clone()).if_match("*"),
        crm.patch(&jan.path, json!({ "given_name": "Jo", "etag": tag })).if_match("*"),
    ] {
        let refused = write.await.is(412);
        assert_eq!(refused.tag(), replaced.tag());
    }
    let fresh = query().await;
    assert_eq!(fresh["etag"], replaced.tag());
    crm.patch(&jan.path, json!({ "given_name": "Jo", "etag": fresh["etag"] }))
        .if_match("*")
        .await
        .is(200);
    // It does not stand for the header.
    let fresh = query().await;
    crm.put(&jan.path, fresh).await.is(428);
    // It is no field of what is created, and of no other type.
    let mut body = person("new");
    body["etag"] = json!("\"x\"");
    assert_eq!(crm.post(USERS, body).await.is(422).violations(), ["/etag unknown"]);
    let refused = crm.patch(&jan.path, json!({ "etag": 1 })).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/etag unknown"]);
}

#[tokio::test]
async fn t43_writes_of_personas_tell_the_tag_of_the_user() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    crm.define_persona("guest", json!({})).await;
    let personas = jan.below("personas");
    let added = crm.post(&personas, json!({ "name": "guest" })).key("k").await.is(201);
    let user_tag = |answer: &tests::Answer| answer.header("user-etag").unwrap().to_owned();
    let current = async || crm.get(&jan.path).await.is(200).tag();
    assert_eq!(user_tag(&added), current().await);
    let replayed = crm.post(&personas, json!({ "name": "guest" })).key("k").await.is(201);
    assert_eq!(user_tag(&replayed), user_tag(&added));
    let persona = format!("{personas}/{}", added.field("id"));
    let until = json!({ "valid_until": "2030-01-01T00:00:00Z" });
    let patched = crm.patch(&persona, until).if_match(&added.tag()).await.is(200);
    assert_eq!(user_tag(&patched), current().await);
    let acted = crm.act(&format!("{persona}/suspend")).await.is(200);
    assert_eq!(user_tag(&acted), current().await);
    // So the user is changed without being read in between.
    let changed = crm
        .patch(&jan.path, json!({ "given_name": "Johan" }))
        .if_match(&user_tag(&acted))
        .await
        .is(200);
    let gone = crm.delete(&persona).if_match(&changed.tag()).await.is(204);
    assert_eq!(user_tag(&gone), current().await);
    crm.patch(&jan.path, json!({ "given_name": "Jo" })).if_match(&user_tag(&gone)).await.is(200);
    assert_eq!(changed.header("user-etag"), None);
}
