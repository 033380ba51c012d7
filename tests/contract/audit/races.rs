//! Entries of many writers at once, and the key that all of them need first.

use serde_json::json;
use tests::{Service, person};

use super::{USERS, complete, everybody};
use crate::races::{at_once, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn au01_of_64_writers_each_that_wins_leaves_its_entry() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let server = json!({ "id": "corp", "name": "corp", "subject_type": "predefined" });
    crm.create("/api/v1/sso/authentication-servers", server).await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let jan = crm.create(USERS, person("jan")).await;
    let instances = [crm.clone(), crm.on(&service.instance())];
    let calls = (0..64).map(|i| {
        let client = &instances[i % 2];
        match i % 4 {
            0 => client
                .patch(&jan.path, json!({ "ui_locales": format!("nl-BE-x-{i}") }))
                .if_match("*"),
            1 => client.act(&jan.below("principals/corp/unlink")),
            2 => client.act(&jan.below("principals/corp/link")),
            _ => client
                .post(
                    &jan.below("personas"),
                    json!({ "name": "employee", "scope": [format!("s{}", i % 8)] }),
                )
                .if_match("*"),
        }
    });
    let answers = at_once(calls).await;
    let failed = answers.iter().filter(|answer| answer.code() >= 500 && answer.code() != 503);
    assert_eq!(failed.count(), 0);
    assert!(count(&answers, &[200])[0] > 0);
    complete(&service, &jan.id).await;
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn au01_of_64_creations_each_has_its_first_entry() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let calls = (0..64).map(|i| crm.post(USERS, person(&format!("jan{i}"))));
    let answers = at_once(calls).await;
    assert_eq!(count(&answers, &[201]), [64]);
    for user in everybody(&service).await {
        assert_eq!(complete(&service, &user).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn au16_changes_of_the_configuration_at_once_are_all_in_the_ledger() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let before = super::ledger(&service, super::LedgerChain::Configuration).await.len();
    let calls = (0..16).map(|i| {
        let body = json!({ "category": "common", "name": format!("a{i}"), "data_format": "TEXT" });
        crm.post("/identity/config/attribute-definitions", body)
    });
    let answers = at_once(calls).await;
    let made = count(&answers, &[201])[0];
    let told = super::ledger(&service, super::LedgerChain::Configuration).await;
    assert_eq!(told.len() - before, made);
    let sequences: Vec<_> = told.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, (1..=told.len() as u64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn au16_many_clients_are_created_at_once_and_all_are_in_the_ledger() {
    let service = Service::start().await;
    let boss = service.client(tests::TENANT, "administrator").await;
    let calls = (0..64).map(|i| {
        let body = serde_json::json!({ "name": format!("till {i}"), "scopes": ["users:read"] });
        boss.post("/config/clients", body)
    });
    let answers = at_once(calls).await;
    assert_eq!(count(&answers, &[201]), [64]);
    for answer in &answers {
        let id = answer.field("client_id");
        let chain = super::LedgerChain::of_client(&id.parse().unwrap());
        let target = Some(format!("clients/{id}"));
        let told = super::ledger(&service, chain).await;
        assert_eq!(told.iter().filter(|kept| kept.entry.target == target).count(), 1);
    }
}
