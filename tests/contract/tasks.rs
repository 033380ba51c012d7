//! How many calls a task takes: as many as `docs/explanation/calls-per-task.md` says.

use std::cell::Cell;

use serde_json::{Value, json};
use tests::{Answer, Call, Client, Service, person};

use crate::sync;

const PAGE: &str = include_str!("../../docs/explanation/calls-per-task.md");
const USERS: &str = "/identity/users";

/// The calls that the page gives for Kith.
fn told(task: &str) -> usize {
    let row = PAGE.lines().find_map(|line| line.strip_prefix(&format!("| {task} | ")));
    let cell = row.unwrap_or_else(|| panic!("no row `{task}`")).split(' ').next();
    cell.unwrap().parse().unwrap()
}

/// Counts what a back end sends.
#[derive(Default)]
struct Counter(Cell<usize>);

impl Counter {
    async fn send(&self, call: Call, status: u16) -> Answer {
        self.0.set(self.0.get() + 1);
        call.await.is(status)
    }

    #[track_caller]
    fn end(self, task: &str) {
        assert_eq!(self.0.get(), told(task), "{task}");
    }
}

fn jan() -> Value {
    let mut jan = person("jan");
    jan["id_at_customer"] = json!("CRM-1");
    jan
}

#[tokio::test]
async fn t43_each_task_takes_as_many_calls_as_is_told() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define_persona("employee", json!({ "scoped": true })).await;

    let count = Counter::default();
    let created = count.send(crm.post(USERS, jan()), 201).await.json();
    count.end("create a user");

    let count = Counter::default();
    let mut els = person("els");
    els["personas"] = json!([{ "name": "employee", "scope": ["a"] }]);
    let els = count.send(crm.post(USERS, els), 201).await.json();
    assert_eq!(els["personas"][0]["name"], "employee");
    count.end("create a user with a role");

    let count = Counter::default();
    let found = count.send(crm.get(&format!("{USERS}/by/preferred_email/jan@example.org")), 200);
    assert_eq!(found.await.json()["id"], created["id"]);
    count.end("find a user by e-mail address");

    let count = Counter::default();
    let path = format!("{USERS}/by/id_at_customer/CRM-1");
    let change = crm.patch(&path, json!({ "given_name": "Johannes" })).if_match("*");
    count.send(change, 200).await;
    count.end("change a field of a user, last write wins");

    without_a_lost_update(&crm).await;
    others(&crm, &created).await;

    let count = Counter::default();
    count.send(crm.delete(&path), 204).await;
    count.end("delete a user");
}

async fn without_a_lost_update(crm: &Client) {
    let count = Counter::default();
    let filter = json!({ "filter": { "preferred_email": "jan@example.org" } });
    let found = count.send(crm.post(&format!("{USERS}/query"), filter), 200).await.json();
    let jan = &found["items"][0];
    let path = format!("{USERS}/{}", jan["id"].as_str().unwrap());
    let change = crm.patch(&path, json!({ "given_name": "Jan" }));
    count.send(change.if_match(jan["etag"].as_str().unwrap()), 200).await;
    count.end("change a field of a user, no update lost");
}

async fn others(crm: &Client, user: &Value) {
    let server = json!({ "id": "login", "name": "Login", "subject_type": "predefined" });
    crm.create("/api/v1/sso/authentication-servers", server).await;
    let count = Counter::default();
    let mapping = json!({
        "authentication_server_id": "login", "subject": "8f2c", "user_id": user["id"],
    });
    count.send(crm.post("/api/v1/sso/authentication-server-subjects", mapping), 201).await;
    count.end("link a subject of an identity provider");

    let count = Counter::default();
    let attribute = json!({ "category": "common", "name": "badge", "data_format": "TEXT" });
    count.send(crm.post("/identity/config/attribute-definitions", attribute), 201).await;
    count.end("define an attribute");

    let (_, since) = sync::walk(crm, None, 100).await;
    let count = Counter::default();
    let list = format!("{USERS}?updated_since={}", tests::escape(&since));
    assert!(count.send(crm.get(&list), 200).await.json()["next_updated_since"].is_string());
    count.end("read what changed since the last time");

    let mut ids = Vec::new();
    for n in 0..100 {
        let made = crm.create_user(&format!("user{n}")).await;
        ids.push(made.body["id"].clone());
    }
    let count = Counter::default();
    let read = count.send(crm.post(&format!("{USERS}/batch-get"), json!({ "ids": ids })), 200);
    assert_eq!(read.await.json()["items"].as_array().unwrap().len(), 100);
    count.end("read 100 users by their ids");
}
