//! Who reads values leaves an entry too (rule AU-17).

use serde_json::{Value, json};
use tests::{Client, Resource, Service, TENANT, person};

use super::{Kept, USERS, reads};

struct Scene {
    service: Service,
    jan: Resource,
    names: Client,
    values: Client,
}

impl Scene {
    async fn open() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        let jan = crm.create(USERS, person("jan")).await;
        crm.patch(&jan.path, json!({ "given_name": "J" })).if_match("*").await.is(200);
        let names = service.client(TENANT, "audit:read").await;
        let values = service.client(TENANT, "audit:read audit:values").await;
        Self { service, jan, names, values }
    }

    async fn told(&self) -> Vec<Kept> {
        let mut told = reads(&self.service).await;
        told.retain(|kept| kept.operation() == "audit.read");
        told
    }
}

#[tokio::test]
async fn au17_who_reads_values_is_told_in_the_ledger() {
    let scene = Scene::open().await;
    let audit = scene.jan.below("audit");
    scene.names.get(&audit).await.is(200);
    scene.names.get("/identity/audit").await.is(200);
    assert_eq!(scene.told().await.len(), 0, "names are no values");
    let reason = scene.values.get(&format!("{audit}?operation=user.change"));
    reason.await.is(200);
    let told = scene.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].entry.target.as_ref(), Some(&scene.jan.id));
    assert_eq!(told[0].entry.actor.id.as_ref(), Some(&scene.values.id));
    assert_eq!(told[0].entry.facts, Some(json!({ "from": 2, "to": 2, "entries": 1 })));
    scene.values.get(&format!("{}?version=1", scene.jan.below("at"))).await.is(200);
    let told = scene.told().await;
    let facts: Vec<_> = told.iter().filter_map(|kept| kept.entry.facts.clone()).collect();
    assert!(facts.contains(&json!({ "version": 1 })), "{facts:?}");
    scene.values.get("/identity/audit").await.is(200);
    assert_eq!(scene.told().await.len(), 3);
    // A page without values tells nothing.
    scene.values.get(&format!("{audit}?operation=user.block")).await.is(200);
    assert_eq!(scene.told().await.len(), 3);
}

#[tokio::test]
async fn au17_reading_who_read_is_not_told_again() {
    let scene = Scene::open().await;
    scene.values.get(&scene.jan.below("audit")).await.is(200);
    assert_eq!(scene.told().await.len(), 1);
    for _ in 0..3 {
        let found = scene.values.read("/identity/audit?operation=audit.read").await;
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        assert_eq!(found["items"][0]["target"], json!(scene.jan.id));
    }
    assert_eq!(scene.told().await.len(), 1);
}

#[tokio::test]
async fn au17_what_cannot_be_told_is_not_shown() {
    let scene = Scene::open().await;
    scene.values.get(&scene.jan.below("audit")).await.is(200);
    let at = format!("{}?version=1", scene.jan.below("at"));
    for path in [scene.jan.below("audit"), at, "/identity/audit".to_owned()] {
        scene.service.faults.reset();
        scene.service.faults.cut("TransactWriteItems", "#AU");
        let refused = scene.values.get(&path).await.is(503);
        assert!(!refused.text().contains("Janssen"), "{path}");
        scene.service.faults.reset();
        assert!(scene.values.read(&path).await.to_string().contains("Janssen"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn au17_many_readers_at_once_are_all_told() {
    let scene = Scene::open().await;
    let path = scene.jan.below("audit");
    let readers: Vec<_> = (0..16)
        .map(|_| {
            let (values, path) = (scene.values.on(&scene.service.instance()), path.clone());
            tokio::spawn(async move { values.get(&path).await.is(200).json() })
        })
        .collect();
    let mut seen: Vec<Value> = Vec::new();
    for reader in readers {
        seen.push(reader.await.unwrap());
    }
    assert!(seen.iter().all(|list| *list == seen[0]));
    assert_eq!(scene.told().await.len(), 16);
}

#[tokio::test]
async fn au09_a_read_of_names_costs_little_and_one_of_values_tells_the_ledger() {
    let scene = Scene::open().await;
    let path = scene.jan.below("audit");
    scene.names.get(&path).await.is(200);
    scene.values.get(&path).await.is(200);
    // The user, then the page of two entries.
    assert_eq!(scene.names.get(&path).await.is(200).cost(), (2.0, 0.0, 0.0));
    let values = scene.values.get(&path).await.is(200).cost();
    // And the head of a chain of the ledger; the head and the entry in one transaction.
    assert_eq!(values, (3.0, 4.0, 0.0));
}
