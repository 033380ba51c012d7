//! The built-in persona definitions (rule G62).

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona::{self, Administrator, Auditor, Helpdesk};
use shared::domain::versioned::Versioned;
use tests::{Service, TENANT};

use super::{DEFINITIONS, Tenant, USERS, official};

#[tokio::test]
async fn g62_every_tenant_has_the_built_in_personas_without_storing_them() {
    let service = Service::start().await;
    service.create_tenant("other").await;
    for tenant in [TENANT, "other"] {
        let admin = service.client(tenant, "administrator").await;
        let list = admin.get(DEFINITIONS).await.is(200).json();
        let shown: Vec<_> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["name"].clone(), item["portal_scopes"].clone(), item["id"].clone()))
            .collect();
        let due = [
            (Administrator, json!(["administrator"])),
            (Helpdesk, json!(["users:read", "users:write"])),
            (Auditor, json!(["users:read", "config:read", "audit:read"])),
        ];
        let due: Vec<_> = due
            .map(|(persona, scopes)| {
                (json!(persona.name()), scopes, json!(persona.id().to_string()))
            })
            .into();
        assert_eq!(shown, due);
        assert!(list["items"].as_array().unwrap().iter().all(|item| item["system"] == true));
    }
    let stored = service.items().await.into_iter().filter(|item| item.contains("PERSONA#"));
    assert_eq!(stored.count(), 0);
}

#[tokio::test]
async fn g62_a_built_in_persona_is_neither_changed_nor_deleted_and_its_name_is_taken() {
    let tenant = Tenant::open().await;
    for persona in BuiltInPersona::ALL {
        let path = format!("{DEFINITIONS}/{}", persona.id());
        let read = tenant.admin.get(&path).await.is(200);
        for patch in [
            json!({ "portal_scopes": [] }),
            json!({ "portal_scopes": ["administrator", "users:read"] }),
            json!({ "name": "other" }),
            json!({ "display_name": "Other" }),
            json!({ "deprecated": true }),
        ] {
            let refused = tenant.admin.patch(&path, patch.clone()).if_match("*").await.is(422);
            let violations = refused.violations();
            assert!(violations.contains(&" immutable".to_owned()), "{persona} {patch}");
        }
        assert_eq!(tenant.admin.delete(&path).await.is(409).slug(), "in-use");
        // What is sent back changes nothing.
        let same = tenant.admin.put(&path, read.json()).if_match(&read.tag()).await.is(200);
        assert_eq!(same.tag(), read.tag());
        let taken = json!({ "name": persona.name() });
        let taken = tenant.admin.post(DEFINITIONS, taken).await;
        assert_eq!(taken.is(409).violations(), ["/name not-unique"]);
    }
    let stored = tenant.service.items().await.into_iter().filter(|item| item.contains("PERSONA#"));
    assert_eq!(stored.count(), 0);
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_each_built_in_persona_opens_what_it_says() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    let otto = tenant.admin.create(USERS, official("otto", Auditor)).await;
    let of_otto = tenant.service.signed_in(&otto.id).await;
    let name = json!({ "given_name": "Johan" });
    for (path, due) in [
        (USERS, [200, 200, 200]),
        (DEFINITIONS, [200, 403, 200]),
        ("/identity/audit", [200, 403, 200]),
        ("/config/clients", [200, 403, 403]),
    ] {
        for (person, due) in [&tenant.of_boss, &tenant.of_hugo, &of_otto].into_iter().zip(due) {
            person.get(path).await.is(due);
        }
    }
    for (person, due) in [(&tenant.of_boss, 200), (&tenant.of_hugo, 200), (&of_otto, 403)] {
        person.patch(&jan.path, name.clone()).if_match("*").await.is(due);
    }
    let definition = json!({ "name": "guest" });
    for (person, due) in [(&tenant.of_boss, 201), (&tenant.of_hugo, 403), (&of_otto, 403)] {
        person.post(DEFINITIONS, definition.clone()).await.is(due);
    }
}

#[tokio::test]
async fn g62_a_definition_of_the_tenants_own_stands_for_the_built_in_one() {
    let service = Service::start().await;
    // As a tenant has it that was there before.
    let author = shared::domain::author::Author::service(
        TENANT.parse().unwrap(),
        shared::domain::author::Reason::Operator,
    );
    let own = shared::domain::definition::PersonaDefinition {
        id: shared::domain::id::DefinitionId::new(service.table.env().new_uuid()),
        display_name: None,
        description: None,
        portal_scopes: shared::domain::Scopes::default(),
        system: false,
        ..Administrator.definition()
    };
    let create =
        |_: Option<&_>, _: &_| Ok(shared::store::definitions::DefinitionEdit::Create(own.clone()));
    let made: Option<Versioned<_>> =
        service.table.edit_definition(&author, None, create, |_| Ok(Vec::new())).await.unwrap();
    assert!(made.is_some());
    let admin = service.client(TENANT, "administrator").await;
    let list = admin.get(&format!("{DEFINITIONS}?name=administrator")).await.is(200).json();
    let shown = list["items"].as_array().unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!((&shown[0]["system"], &shown[0]["portal_scopes"]), (&json!(false), &json!([])));
    admin.get(&format!("{DEFINITIONS}/{}", Administrator.id())).await.is(404);
    // It grants what it always granted: nothing.
    let user = admin.create(USERS, official("boss", Administrator)).await;
    let browser = service.signed_in(&user.id).await;
    browser.get(USERS).await.is(403);
    let by_id = json!({ "persona_definition_id": Administrator.id().to_string() });
    admin.post(&user.below("personas"), by_id).if_match("*").await.is(422);
    // Once it has another name, the built-in one is there.
    let path = format!("{DEFINITIONS}/{}", own.id);
    admin.patch(&path, json!({ "name": "chief" })).if_match("*").await.is(200);
    let read: Value =
        admin.get(&format!("{DEFINITIONS}/{}", Administrator.id())).await.is(200).json();
    assert_eq!(read["portal_scopes"], json!(["administrator"]));
    browser.get(USERS).await.is(403);
}
