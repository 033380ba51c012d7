//! No byte of one tenant is visible from another (rule D5).

use serde_json::{Value, json};
use tests::{Answer, Call, Client, Resource, Service, person};

const SCOPES: &str = "users:read users:write config:read config:write administrator";

const SCRIPT: &str = "function main(item) { item.output = tb.simpleResponse({}); }";

/// The resources of a tenant, one of each kind.
struct World {
    user: Resource,
    persona: Resource,
    attribute: Resource,
    category: Resource,
    definition: Resource,
    workflow: Resource,
    request: Resource,
    server: Resource,
    application: Resource,
    server_subject: Resource,
    application_subject: Resource,
}

async fn world(client: &Client, name: &str) -> World {
    let sso = "/api/v1/sso";
    let attribute = client.define(&format!("{name}-number"), json!({ "unique": true })).await;
    let category = client
        .create("/identity/config/attribute-categories", json!({ "name": format!("{name}-cat") }))
        .await;
    let definition = client
        .define_persona(&format!("{name}-role"), json!({ "attributes": [attribute.id] }))
        .await;
    let workflow = client
        .create("/identity/config/workflows", json!({ "name": name, "script": SCRIPT }))
        .await;
    let policy = json!({ "statements": [{ "persona": format!("{name}-role") }] });
    client.define(&format!("{name}-iban"), json!({ "approval_policy": policy })).await;
    let party = |id: &str| {
        json!({
            "id": format!("{name}-{id}"), "name": id, "subject_type": "predefined"
        })
    };
    let server = client.create(&format!("{sso}/authentication-servers"), party("corp")).await;
    let application = client.create(&format!("{sso}/applications"), party("shop")).await;
    let user = client.create("/identity/users", person(&format!("{name}-jan"))).await;
    let iban =
        json!({ "attributes": { "common": { format!("{name}-iban"): ["BE68539007547034"] } } });
    let asked = client.patch(&user.path, iban).if_match(&user.tag).await.is(202);
    let path = asked.header("location").unwrap().to_owned();
    let request = Resource { path, id: asked.field("id"), tag: asked.tag(), body: asked.json() };
    let persona = client.add_persona(&user, json!({ "name": format!("{name}-role") })).await;
    let subject =
        json!({ "authentication_server_id": server.id, "subject": "s", "user_id": user.id });
    let server_subject =
        client.create(&format!("{sso}/authentication-server-subjects"), subject).await;
    let subject = json!({ "application_id": application.id, "subject": "s", "user_id": user.id });
    let application_subject = client.create(&format!("{sso}/application-subjects"), subject).await;
    World {
        user,
        persona,
        attribute,
        category,
        definition,
        workflow,
        request,
        server,
        application,
        server_subject,
        application_subject,
    }
}

/// Every route that takes an id in its path, with the ids of a world.
fn by_path(client: &Client, there: &World) -> Vec<Call> {
    let resources = [
        &there.user,
        &there.persona,
        &there.attribute,
        &there.category,
        &there.definition,
        &there.workflow,
        &there.server,
        &there.application,
        &there.server_subject,
        &there.application_subject,
    ];
    let mut calls = Vec::new();
    for resource in resources {
        calls.push(client.get(&resource.path));
        calls.push(client.call("HEAD", &resource.path));
        calls.push(client.delete(&resource.path));
        calls.push(client.delete(&resource.path).if_match(&resource.tag));
    }
    for resource in &resources[..8] {
        calls.push(client.patch(&resource.path, json!({})).if_match(&resource.tag));
        calls.push(client.patch(&resource.path, json!({})));
    }
    for resource in
        [&there.user, &there.attribute, &there.category, &there.definition, &there.workflow]
    {
        calls.push(client.put(&resource.path, resource.body.clone()).if_match(&resource.tag));
    }
    for action in ["block", "unblock"] {
        calls.push(client.act(&there.user.below(action)));
        calls.push(client.act(&there.user.below(action)).key("k"));
    }
    for action in ["approve", "reject"] {
        calls.push(client.act(&there.request.below(action)));
        calls.push(client.act(&there.request.below(action)).if_match(&there.request.tag));
        calls.push(client.act(&there.request.below(action)).key("k"));
    }
    calls.push(client.get(&there.request.path));
    calls.push(client.get(&there.request.path).if_none_match(&there.request.tag));
    let address =
        json!({ "attribute": "preferred_email", "value": there.user.body["preferred_email"] });
    calls.push(client.post(&there.user.below("verify"), address));
    calls.push(client.post(&there.workflow.below("test"), json!({ "input": {} })));
    for action in ["prefer", "activate", "suspend"] {
        calls.push(client.act(&there.persona.below(action)));
    }
    calls.push(client.get(&there.user.below("personas")));
    calls.push(client.post(&there.user.below("personas"), json!({ "name": "a-role" })));
    let value = json!({ "category": "common", "name": "a-number", "value": ["1"] });
    calls.push(client.patch(&there.persona.below("attribute"), value).if_match("*"));
    calls
}

/// Every route that takes an id in its query or body.
fn by_content(client: &Client, there: &World) -> Vec<Call> {
    let sso = "/api/v1/sso";
    let find = |filter: Value| client.post("/identity/users/query", json!({ "filter": filter }));
    let (user, name) = (&there.user.id, there.user.body["username"].as_str().unwrap());
    let attributes = "/identity/config/attribute-definitions";
    let attribute = |more: Value| {
        let mut body = json!({ "category": "common", "name": "new", "data_format": "TEXT" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let persona = json!({
        "username": "new", "personas": [{ "persona_definition_id": there.definition.id }]
    });
    let server =
        json!({ "authentication_server_id": there.server.id, "subject": "t", "user_id": user });
    let application =
        json!({ "application_id": there.application.id, "subject": "t", "user_id": user });
    vec![
        find(json!({ "id": user })),
        find(json!({ "username": name })),
        find(json!({ "preferred_email": format!("{name}@example.org") })),
        find(json!({ "personas": { "persona_definition_id": there.definition.id } })),
        client.get(&format!("{sso}/authentication-server-subjects?user_id={user}")),
        client.get(&format!("{sso}/application-subjects?user_id={user}")),
        client.get(&format!("/identity/change-requests?user_id={user}")),
        client.post(&format!("{sso}/authentication-server-subjects"), server),
        client.post(&format!("{sso}/application-subjects"), application),
        client.post("/identity/users", persona),
        client.post(
            "/config/persona-definitions",
            json!({
                "name": "new", "attributes": [there.attribute.id]
            }),
        ),
        client.post(
            attributes,
            attribute(json!({
                "derived": { "workflow_id": there.workflow.id }
            })),
        ),
        client.post(
            attributes,
            attribute(json!({
                "approval_policy": { "statements": [{ "persona": there.definition.body["name"] }] }
            })),
        ),
        client
            .put(
                "/identity/config/user-profile-definition",
                json!({
                    "attributes": [there.attribute.id]
                }),
            )
            .if_match("*"),
    ]
}

/// An answer without what differs between any two requests.
fn bare(answer: &Answer, id: &World) -> (u16, Option<String>, String) {
    let mut text = answer.text().to_owned();
    if let Some(request) = answer.header("x-request-id") {
        text = text.replace(request, "…");
    }
    for (id, name) in [
        (&id.user.id, "U"),
        (&id.definition.id, "D"),
        (&id.attribute.id, "A"),
        (&id.workflow.id, "W"),
    ] {
        text = text.replace(id.as_str(), name);
    }
    (answer.code(), answer.header("etag").map(str::to_owned), text)
}

/// A world of ids that nobody ever had, of the same shapes.
fn nowhere(there: &World) -> World {
    let other = |resource: &Resource, id: &str| {
        let path = resource
            .path
            .replace(&resource.id, id)
            .replace(&there.user.id, "0192f3c1-0000-7000-8000-0000000000aa");
        Resource { path, id: id.to_owned(), ..resource.clone() }
    };
    let uuid = |n: u8| format!("0192f3c1-0000-7000-8000-0000000000{n:02x}");
    World {
        user: other(&there.user, &uuid(0xaa)),
        persona: other(&there.persona, &uuid(1)),
        attribute: other(&there.attribute, &uuid(2)),
        category: other(&there.category, &uuid(3)),
        definition: other(&there.definition, &uuid(4)),
        workflow: other(&there.workflow, &uuid(5)),
        request: other(&there.request, &uuid(9)),
        server: other(&there.server, &there.server.id),
        application: other(&there.application, &there.application.id),
        server_subject: other(&there.server_subject, &uuid(7)),
        application_subject: other(&there.application_subject, &uuid(8)),
    }
}

#[tokio::test]
async fn d5_every_id_of_another_tenant_answers_like_one_that_never_existed() {
    let service = Service::start().await;
    service.create_tenant("globex").await;
    service.create_tenant("umbrella").await;
    let mine = service.client("acme", SCOPES).await;
    let theirs = service.client("globex", SCOPES).await;
    // The comparison uses an empty tenant, which does not even have definitions of the same names.
    let empty = service.client("umbrella", SCOPES).await;
    world(&mine, "a").await;
    // No name is near one of the other tenant: suggestions are made of its own names.
    let there = world(&theirs, "theirs").await;
    let nowhere = nowhere(&there);

    for (theirs, never) in by_path(&mine, &there).into_iter().zip(by_path(&mine, &nowhere)) {
        let what = format!("{theirs:?}");
        let (answer, never) = (theirs.await, never.await);
        assert_eq!(answer.code(), 404, "{what}");
        assert_eq!(bare(&answer, &there), bare(&never, &nowhere), "{what}");
    }
    for (theirs, never) in by_content(&mine, &there).into_iter().zip(by_content(&empty, &nowhere)) {
        let what = format!("{theirs:?}");
        assert_eq!(bare(&theirs.await, &there), bare(&never.await, &nowhere), "{what}");
    }
    assert_eq!(theirs.get(&there.persona.path).await.is(200).json(), there.persona.body);
}

#[tokio::test]
async fn d5_names_and_ids_are_free_in_each_tenant() {
    let service = Service::start().await;
    service.create_tenant("globex").await;
    let mine = service.client("acme", SCOPES).await;
    let theirs = service.client("globex", SCOPES).await;
    let id = "0192f3c1-0000-7000-8000-000000000001";

    let here = world(&mine, "same").await;
    let there = world(&theirs, "same").await;
    assert_ne!((here.server_subject.id, here.user.id), (there.server_subject.id, there.user.id));
    mine.create("/identity/users", json!({ "username": "x", "id": id })).await;
    let there = theirs.create("/identity/users", json!({ "username": "x", "id": id })).await;
    mine.delete(&format!("/identity/users/{id}")).await.is(204);
    theirs.get(&there.path).await.is(200);
}
