//! Change requests under faults: who asks, who decides, and how one tells what happened.

use serde_json::{Value, json};
use tests::{Call, Client, Fault, Faults, Resource, Service, TENANT};

use super::operations::Operation;
use crate::approvals::{Office, REQUESTS, by_administrators, common, request_of, salary};

/// A client that asks, one that decides, and the request of a user for a salary.
pub struct Desk {
    crm: Client,
    boss: Client,
    user: Resource,
    request: Option<Resource>,
}

fn raise() -> Value {
    let mut patch = common(&json!({ "salary": ["5"] }));
    patch["preferred_email"] = json!("new@example.org");
    patch
}

impl Desk {
    pub async fn set(
        service: &Service,
        crm: &Client,
        user: &Resource,
        operation: Operation,
    ) -> Self {
        let mut definition = by_administrators();
        definition["search"] = json!("exact");
        crm.define("salary", definition).await;
        let boss = service.client(TENANT, "administrator").await;
        let mut desk = Self { crm: crm.clone(), boss, user: user.clone(), request: None };
        if operation != Operation::AskForChange {
            desk.request = Some(request_of(desk.call(Operation::AskForChange).await));
            desk.boss.get(REQUESTS).await.is(200);
        }
        desk
    }

    /// The same desk at a service with a copy of the table.
    pub async fn on(&self, service: &Service, operation: Operation) -> Self {
        let (crm, boss) = (self.crm.on(service), self.boss.on(service));
        if operation != Operation::AskForChange {
            boss.get(REQUESTS).await.is(200);
        }
        Self { crm, boss, user: self.user.clone(), request: self.request.clone() }
    }

    pub fn call(&self, operation: Operation) -> Call {
        let decide =
            |action: &str| self.boss.act(&self.request.as_ref().expect("a request").below(action));
        match operation {
            Operation::AskForChange => {
                self.crm.patch(&self.user.path, raise()).if_match(&self.user.tag)
            }
            Operation::Approve => decide("approve"),
            Operation::ApproveOnce => decide("approve").key("k"),
            Operation::Reject => decide("reject"),
            Operation::RejectOnce => decide("reject").key("k"),
            other => unreachable!("{other:?} is no operation of change requests"),
        }
    }

    /// Whether each sign of the effect is there.
    pub async fn signs(&self, operation: Operation) -> Vec<bool> {
        let boss = self.boss.on(&self.boss.service.instance());
        let list = boss.read(&format!("{REQUESTS}?user_id={}", self.user.id)).await;
        let list = tests::without_tags(list);
        let items = list["items"].as_array().unwrap();
        assert!(items.len() <= 1, "asked once, and {} requests wait", items.len());
        let Some(request) = items.first() else {
            assert_eq!(operation, Operation::AskForChange);
            return vec![
                false,
                !self.boss.read(REQUESTS).await["items"].as_array().unwrap().is_empty(),
            ];
        };
        let id = request["id"].as_str().unwrap();
        assert_eq!(boss.read(&format!("{REQUESTS}/{id}")).await, *request);
        let status = request["status"].as_str().unwrap();
        let found = async |filter: Value| boss.find(filter).await.len() == 1;
        let applied = [
            boss.read(&self.user.path).await["attributes"]["common"]["salary"] == json!(["5"]),
            found(json!({ "attributes.common.salary": "5" })).await,
            found(json!({ "preferred_email": "new@example.org" })).await,
            !found(json!({ "preferred_email": "old@example.org" })).await,
            boss.service.version_of(&self.user.id).await == 2,
        ];
        match operation {
            Operation::Approve | Operation::ApproveOnce => {
                applied.into_iter().chain([status == "APPROVED"]).collect()
            }
            _ => {
                assert!(
                    !applied.contains(&true),
                    "{operation:?} has changed the profile: {applied:?}"
                );
                assert!(["PENDING", "REJECTED"].contains(&status));
                vec![operation == Operation::AskForChange || status == "REJECTED"]
            }
        }
    }
}

/// Finds under faults that a request is stale.
async fn stale_under(what: &str, arrange: impl Fn(&Faults)) {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    office.boss.patch(&jan.path, salary("9")).if_match("*").await.is(200);
    let now = office.now(&jan).await;
    office.service.faults.reset();
    arrange(&office.service.faults);
    let answer = office.approve(&request).await;
    office.service.faults.reset();
    assert!([409, 503].contains(&answer.code()), "{what}: {} {}", answer.code(), answer.text());
    let status = office.elsewhere().status(&request).await;
    assert!(status == "STALE" || answer.code() == 503 && status == "PENDING", "{what}: {status}");
    office.approve(&request).await.is(409);
    assert_eq!(office.status(&request).await, "STALE", "{what}");
    office.unchanged(&now, 2).await;
}

#[tokio::test(start_paused = true)]
async fn i3_a_request_is_found_stale_under_each_fault_at_each_store_call() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    office.boss.patch(&jan.path, salary("9")).if_match("*").await.is(200);
    office.service.faults.reset();
    office.approve(&request).await.is(409);
    for call in 0..office.service.faults.seen().len() {
        for fault in Fault::all() {
            stale_under(&format!("{fault:?} at call {call}"), |faults| {
                faults.at(call, fault.clone());
            })
            .await;
        }
        stale_under(&format!("a crash at call {call}"), |faults| {
            faults.from(call, Fault::Unreachable);
        })
        .await;
    }
}
