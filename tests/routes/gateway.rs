//! API Gateway in front of the functions: an event goes through `lambda_http` into the function's
//! adapter, and its answer comes back in the shape that API Gateway takes.

use axum::http::header::SET_COOKIE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};
use shared::app::App;
use shared::domain::client::{Client, Integration};
use shared::domain::{Scope, Scopes};
use shared::env::{Clock, Env, Random, Timestamp};
use shared::http;
use shared::store::Table;
use tests::{Engine, Snapshot};
use tower::ServiceExt as _;

use crate::events::Event;
use crate::prepared;
use crate::tables::table_of;

/// The base URL of the API that the events name.
pub const API: &str = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com";

/// The functions on one table, each with an adapter of its own.
pub struct Gateway {
    table: Table,
    base_url: Option<String>,
    credentials: String,
    token: String,
    person: String,
}

/// The clock stands at the time that the events name.
fn env() -> Env {
    let clock = Clock::stopped_at(Timestamp::parse("2026-11-21T10:00:00Z").unwrap());
    Env { clock, random: Random::default() }
}

impl Gateway {
    /// Functions that were told no base URL, on a table that holds what the events speak of.
    pub async fn start() -> Self {
        Self::at(None).await
    }

    /// Functions with this base URL, on a table that holds what the events speak of.
    pub async fn at(base_url: Option<&str>) -> Self {
        Self::on(&Engine::embedded(env()).await, base_url).await
    }

    /// Puts what the events speak of into an empty table.
    async fn on(engine: &Engine, base_url: Option<&str>) -> Self {
        let table = engine.table.clone();
        let tenant = "acme".parse().unwrap();
        table.create_tenant(&tenant).await.unwrap();
        let (mut client, secret) =
            Client::register(&tenant, "events", Scopes::new(Scope::ALL), true, table.env());
        client.integration = Some(Integration::Crm);
        table.create_client(&client).await.unwrap();
        let credentials = STANDARD.encode(format!("{}:{}", client.client_id, secret.reveal()));
        let mut gateway = Self {
            table,
            base_url: base_url.map(str::to_owned),
            credentials,
            token: String::new(),
            person: String::new(),
        };
        let mut issue = Event::named("token", "issue_token");
        issue.content["body"] = "grant_type=client_credentials".into();
        let issued = gateway.call(&issue).await.json();
        gateway.token.push_str(issued["access_token"].as_str().unwrap());
        prepared::definitions(&gateway.table, &tenant).await;
        prepared::clients(&gateway.table, &tenant).await;
        prepared::resources(&gateway).await;
        prepared::change_request(&gateway.table, &tenant).await;
        prepared::system_profile(&gateway.table, &tenant).await;
        gateway.person = prepared::person(&gateway).await;
        prepared::session(&gateway.table, &tenant).await;
        gateway
    }

    /// Functions that were told no base URL, each time on a copy of one table.
    pub async fn forks() -> impl Fn() -> Self {
        let engine = Engine::embedded(env()).await;
        let gateway = Self::on(&engine, None).await;
        let embedded = engine.embedded.as_ref().unwrap();
        let snapshot = Snapshot::of(embedded, engine.table.env().clock.now());
        move || Self {
            table: snapshot.engine(env()).table,
            base_url: None,
            credentials: gateway.credentials.clone(),
            token: gateway.token.clone(),
            person: gateway.person.clone(),
        }
    }

    /// The table.
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// Sends an event, its placeholders replaced by real credentials.
    pub async fn call(&self, event: &Event) -> Answer {
        let mut content = event.content.clone();
        if let Some(authorization) = content["headers"].get_mut("authorization") {
            let text = authorization.as_str().unwrap();
            let token = if event.is_of_people() { &self.person } else { &self.token };
            *authorization =
                text.replace("<token>", token).replace("<credentials>", &self.credentials).into();
        }
        self.send(&event.function, &content).await
    }

    /// Sends a request with a token and a JSON body that is no event of a file.
    pub async fn request(
        &self,
        function: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let event = Event {
            function: function.to_owned(),
            name: String::new(),
            content: request(method, path, body),
        };
        self.call(&event).await
    }

    /// Sends the content of an event as it stands.
    pub async fn send(&self, function: &str, content: &Value) -> Answer {
        let table =
            Table::new(self.table.client().clone(), self.table.name(), self.table.env().clone());
        let app = App::new(table, self.base_url.clone(), tests::scripts());
        let router =
            http::serve(http::route::router(table_of(function), app), self.table.env().clone());
        let function = shared::lambda::function(
            router.layer(axum::middleware::map_response(each_header_once)),
        );
        let payload = serde_json::from_value(content.clone()).unwrap();
        let answered = function.oneshot(LambdaEvent::new(payload, Context::default())).await;
        Answer(serde_json::to_value(answered.unwrap()).unwrap())
    }
}

/// API Gateway takes one value for each header; of several, `lambda_http` would send the first
/// alone. Cookies have a list of their own.
async fn each_header_once(answer: axum::response::Response) -> axum::response::Response {
    for name in answer.headers().keys().filter(|name| **name != SET_COOKIE) {
        assert_eq!(answer.headers().get_all(name).iter().count(), 1, "{name}");
    }
    answer
}

/// The content of an event with the least that API Gateway sends.
pub fn request(method: &str, path: &str, body: Option<Value>) -> Value {
    let mut content = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {
            "authorization": "Bearer <token>",
            "host": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
        },
        "requestContext": {
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "http": { "method": method, "path": path },
            "requestId": "JKJaXmPLvHcESHA=", "stage": "$default", "timeEpoch": 1_795_255_200_000_i64
        },
        "isBase64Encoded": false
    });
    if let Some(body) = body {
        content["headers"]["content-type"] = "application/json".into();
        content["body"] = body.to_string().into();
    }
    content
}

/// An answer as API Gateway takes it.
#[derive(Debug)]
pub struct Answer(pub Value);

impl Answer {
    /// The status.
    pub fn status(&self) -> u64 {
        self.0["statusCode"].as_u64().unwrap()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0["headers"].get(name).map(|value| value.as_str().unwrap())
    }

    /// The body; empty when there is none.
    pub fn body(&self) -> &str {
        self.0.get("body").map_or("", |body| body.as_str().unwrap())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.body()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the status.
    #[track_caller]
    pub fn is(self, status: u64) -> Self {
        assert_eq!(self.status(), status, "{}", self.0);
        self
    }
}
