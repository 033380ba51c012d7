//! The requests to EventBridge, and the handling of its answers.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::Region;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use stream::EventBridge;
use tests::{Service, TENANT};

use super::{hand, record};

/// EventBridge: keeps the bodies of its requests. It refuses the entries with the texts in
/// `refused`, and all requests from a given number on.
#[derive(Clone, Debug, Default)]
struct Bus(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bodies: Vec<String>,
    refused: Vec<String>,
    broken_from: Option<usize>,
}

impl HttpClient for Bus {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Bus {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        assert_eq!(request.headers().get("x-amz-target"), Some("AWSEvents.PutEvents"));
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let mut state = self.0.lock().unwrap();
        let (status, answer) = if state.broken_from.is_some_and(|from| state.bodies.len() >= from) {
            (400, json!({ "__type": "AccessDeniedException", "message": "no" }))
        } else {
            let asked: Value = serde_json::from_str(&body).unwrap();
            let refused = |entry: &Value| {
                state.refused.iter().any(|id| entry["Detail"].as_str().unwrap().contains(id))
            };
            let entry = |entry: &Value| {
                if refused(entry) {
                    json!({ "ErrorCode": "InternalFailure", "ErrorMessage": "no" })
                } else {
                    json!({ "EventId": "1" })
                }
            };
            let entries: Vec<_> = asked["Entries"].as_array().unwrap().iter().map(entry).collect();
            (200, json!({ "FailedEntryCount": 0, "Entries": entries }))
        };
        state.bodies.push(body);
        drop(state);
        let status = StatusCode::try_from(status).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(answer.to_string()))))
    }
}

impl Bus {
    fn sink(&self) -> EventBridge {
        let config = stream::client_settings()
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(SharedHttpClient::new(self.clone()));
        EventBridge::new(Client::from_conf(config.build()), Some("changes".to_owned()))
    }

    fn bodies(&self) -> Vec<Value> {
        self.0
            .lock()
            .unwrap()
            .bodies
            .iter()
            .map(|body| serde_json::from_str(body).unwrap())
            .collect()
    }
}

/// As many users, and their records from the sequence number 100 on.
async fn users(service: &Service, count: usize) -> (Vec<String>, Vec<Value>) {
    let crm = service.crm().await;
    let (mut ids, mut records) = (Vec::new(), Vec::new());
    for sequence in (100..).take(count) {
        let id = crm.create_user(&format!("user{sequence}")).await.id;
        records.push(record(sequence, "INSERT", &id));
        ids.push(id);
    }
    (ids, records)
}

#[tokio::test]
async fn d2_ten_events_go_into_one_request_in_their_order() {
    let service = Service::start().await;
    let (ids, records) = users(&service, 23).await;
    let bus = Bus::default();
    assert_eq!(hand(&service, &records, &bus.sink()).await.len(), 0);
    let bodies = bus.bodies();
    let entries: Vec<_> = bodies.iter().map(|body| body["Entries"].as_array().unwrap()).collect();
    assert_eq!(entries.iter().map(|entries| entries.len()).collect::<Vec<_>>(), [10, 10, 3]);
    for (id, entry) in ids.iter().zip(entries.into_iter().flatten()) {
        assert_eq!(entry["Source"], "kith");
        assert_eq!(entry["DetailType"], "user.created");
        assert_eq!(entry["EventBusName"], "changes");
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        assert_eq!(detail, json!({ "id": id, "tenant": TENANT, "version": 1 }));
    }
}

#[tokio::test]
async fn i3_an_entry_that_the_bus_refuses_is_where_the_repeat_begins() {
    let service = Service::start().await;
    let (ids, records) = users(&service, 23).await;
    let bus = Bus::default();
    bus.0.lock().unwrap().refused = vec![ids[21].clone(), ids[14].clone()];
    assert_eq!(hand(&service, &records, &bus.sink()).await, ["114"]);
    assert_eq!(bus.bodies().len(), 3, "later events are published all the same");
}

#[tokio::test]
async fn i3_a_bus_that_cannot_be_reached_is_asked_no_more() {
    let service = Service::start().await;
    let (_, records) = users(&service, 33).await;
    let bus = Bus::default();
    bus.0.lock().unwrap().broken_from = Some(1);
    assert_eq!(hand(&service, &records, &bus.sink()).await, ["110"]);
    assert_eq!(bus.bodies().len(), 2);
}

#[tokio::test]
async fn a2_d7_an_event_holds_nothing_of_the_person() {
    let service = Service::start().await;
    let (setting, person) = service.person_with_everything().await;
    let bus = Bus::default();
    let id = &person.user.id;
    assert_eq!(hand(&service, &[record(1, "INSERT", id)], &bus.sink()).await.len(), 0);
    setting.crm.delete(&person.user.path).await.is(204);
    assert_eq!(hand(&service, &[record(2, "MODIFY", id)], &bus.sink()).await.len(), 0);
    let bodies = bus.0.lock().unwrap().bodies.join("\n");
    assert!(
        bodies.contains("user.created") && bodies.contains("user.deleted") && bodies.contains(id),
        "{bodies}"
    );
    assert!(person.words.len() > 5, "words are planted");
    for word in &person.words {
        assert!(
            !bodies.to_lowercase().contains(&word.to_lowercase()),
            "an event contains `{word}`: {bodies}"
        );
    }
}
