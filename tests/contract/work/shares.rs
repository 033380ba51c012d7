//! Fair shares: of imports and of scripts.

use std::time::Duration;

use serde_json::json;
use shared::domain::Scope;
use shared::domain::Scopes;
use shared::domain::id::{ImportId, TenantId};
use shared::domain::import::{Format, Import, Mapping, Mode};
use shared::import::{ImportFile, accept};
use tests::{Client, Service, TENANT};
use tokio::time::Instant;

use crate::derived::{answering, derive, workflow};

/// A script that no question stops, which its process is killed for after a second.
const ENDLESS: &str = "function main(w) { Array.prototype.reverse.call({ length: 2 ** 53 - 1 }); }";

/// Accepts an import that nobody works on yet.
async fn waiting(client: &Client, tenant: &str, file: String) -> ImportId {
    let (app, tenant): (_, TenantId) = (client.service.app(), tenant.parse().unwrap());
    let schema = app.schema_now(&tenant).await.unwrap();
    let scopes = Scopes::new([Scope::UsersWrite]);
    let import = Import::new(app.env(), client.id.parse().unwrap(), scopes, Mode::Create);
    let id = import.id;
    let file = ImportFile { bytes: file.into(), format: Format::Csv, mapping: Mapping::default() };
    accept(&app, schema, import, file, |_| Ok(None)).await.unwrap();
    id
}

async fn done(client: &Client, id: ImportId) -> (String, u64) {
    let job = client.read(&format!("/identity/imports/{id}")).await;
    (job["state"].as_str().unwrap().to_owned(), job["done"].as_u64().unwrap())
}

#[tokio::test]
async fn wk5_tenants_take_turns_with_their_imports() {
    let service = Service::start().await;
    service.create_tenant("beta").await;
    let acme = service.client(TENANT, "users:write users:read").await;
    let beta = service.client("beta", "users:write").await;
    let mut slow = Vec::new();
    for job in 0..3 {
        let rows: Vec<_> = (0..400).map(|i| format!("b{job}-{i}")).collect();
        slow.push(waiting(&beta, "beta", format!("username\n{}", rows.join("\n"))).await);
        service.clock.advance(1);
    }
    let rows: Vec<_> = (0..100).map(|i| format!("a{i}")).collect();
    let quick = waiting(&acme, TENANT, format!("username\n{}", rows.join("\n"))).await;
    // Each row of beta moves the clock by a second. Nothing else moves it.
    service.faults.slow_down(&service.clock, "T#beta#U#", 1);

    let until = service.clock.now().plus_seconds(30 - sweeper::IMPORT_SECONDS);
    Box::pin(sweeper::sweep(&service.app(), None, until)).await.unwrap();

    assert_eq!(done(&acme, quick).await, ("COMPLETED".to_owned(), 100));
    let (_, first) = done(&beta, slow[0]).await;
    let (_, last) = done(&beta, slow[2]).await;
    assert!(first > 0 && last == 0, "{first} rows of the first job, {last} of the last");
}

#[tokio::test]
async fn wk5_many_jobs_of_one_tenant_hide_no_other() {
    let service = Service::start().await;
    service.create_tenant("beta").await;
    let (acme, beta) = (service.crm().await, service.client("beta", "users:write").await);
    for job in 0..120 {
        waiting(&beta, "beta", format!("username\nb{job}")).await;
    }
    let last = waiting(&acme, TENANT, "username\na".to_owned()).await;
    let mut listed = Vec::new();
    let mut from = String::new();
    while let Some(job) = service.table.waiting_import(&from).await.unwrap() {
        from = job.after_tenant();
        listed.push(job);
    }
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[0].tenant.as_str(), listed[0].id), (TENANT, last));
    assert_eq!(service.sweep().await.imported, 121);
    assert_eq!(service.table.waiting_import("").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wk11_scripts_that_are_tried_out_leave_workers_to_writes() {
    let service = Service::start().await.in_one();
    let crm = service.crm().await;
    let full = workflow(&crm, &answering("{ full: [p.username] }")).await;
    derive(&crm, "full", &full, json!({})).await;
    let endless = workflow(&crm, ENDLESS).await;
    crm.create("/identity/users", json!({ "username": "first" })).await;
    let tests: Vec<_> = (0..12)
        .map(|_| {
            let (crm, path) = (crm.clone(), endless.below("test"));
            tokio::spawn(async move { crm.post(&path, json!({ "input": {} })).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    for i in 0..3 {
        let begun = Instant::now();
        crm.create("/identity/users", json!({ "username": format!("u{i}") })).await;
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
    let mut codes = Vec::new();
    for test in tests {
        let answer = test.await.unwrap();
        if answer.code() == 503 {
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        codes.push(answer.code());
    }
    let busy = codes.iter().filter(|code| **code == 503).count();
    assert!(busy >= 8 && codes.contains(&422), "{codes:?}");
}
