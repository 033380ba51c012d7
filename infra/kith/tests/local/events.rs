//! `kith event`, and functions that work on the table of `kith serve`.

use std::path::{Path, PathBuf};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Region;
use lambda_http::{Context, LambdaEvent};
use local::serve::functions;
use serde_json::Value;
use shared::app::App;
use shared::env::Env;
use shared::http::{self, Route};
use shared::https::{self, Trust};
use shared::script::{self, Scripts};
use shared::store::Table;
use shared::store::table::client_settings;
use tower::ServiceExt as _;

use crate::service::{Service, kith, text};

/// The table as a function reaches it.
fn table(endpoint: &str) -> Table {
    let settings = client_settings()
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .http_client(https::client(Trust::Amazon).unwrap())
        .endpoint_url(endpoint);
    Table::new(Client::from_conf(settings.build()), "kith", Env::default())
}

/// The answer of a function that has just started to an event, as Lambda sends it.
async fn invoke(service: &Service, routes: &'static [Route], event: &str) -> (u64, Value) {
    let worker = vec![script::WORKER.to_owned()];
    let scripts = Scripts::new(PathBuf::from(env!("CARGO_BIN_EXE_kith")), worker);
    let app = App::new(table(&service.endpoint), Some(service.url.clone()), scripts);
    let env = app.env().clone();
    let function = shared::lambda::function(http::serve(http::route::router(routes, app), env));
    let event = LambdaEvent::new(serde_json::from_str(event).unwrap(), Context::default());
    let answer = serde_json::to_value(function.oneshot(event).await.unwrap()).unwrap();
    (answer["statusCode"].as_u64().unwrap(), answer)
}

/// The names of all events, e.g. `users/get_user.head`.
fn events() -> Vec<String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events"));
    let mut found = Vec::new();
    for function in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        if !function.is_dir() || ["mailer", "stream"].contains(&&*name(&function)) {
            continue;
        }
        for event in function.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
            let event = name(&event);
            let event = event.strip_suffix(".json").unwrap();
            found.push(format!("{}/{event}", name(&function)));
        }
    }
    found.sort();
    found
}

/// The expected answer to an event after all earlier ones. An event that creates a resource or a
/// name is a conflict if an earlier event created the same.
fn due(event: &str, route: &Route) -> Vec<u64> {
    if event.starts_with("login/") && !route.listed {
        return vec![page(route)];
    }
    let case = event.rsplit('/').next().unwrap().split_once('.').map_or("", |(_, case)| case);
    match (event, case) {
        (
            "definitions/create_persona_definition"
            | "definitions/patch_workflow.base64"
            | "users/create_user",
            _,
        ) => vec![409],
        // No session has the id.
        ("users/end_own_session" | "users/end_user_session", _) => vec![404],
        (_, "not_modified") => vec![304],
        (_, "repeated_query") => vec![400],
        _ => {
            let also = route.also.iter().map(|status| u64::from(*status));
            also.chain([u64::from(route.answer.0)]).collect()
        }
    }
}

/// The status of a page. Events have no session, and no form token that is good.
fn page(route: &Route) -> u64 {
    match (route.method, route.name) {
        (_, "post_authorize" | "post_end_session") => 303,
        (_, "get_account_page" | "passkey_creation_options") => 403,
        (_, "get_new_password_page") => 400,
        ("GET", _) | (_, "passkey_options") => 200,
        _ => 400,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_event_is_filled_so_that_a_function_answers_it() {
    let service = Service::start("events");
    let mut wrong = Vec::new();
    for event in events() {
        let operation = event.rsplit('/').next().unwrap().split('.').next().unwrap();
        let of = |routes: &&'static [Route]| routes.iter().any(|route| route.name == operation);
        let routes = functions().into_iter().find(of).unwrap();
        let route = routes.iter().find(|route| route.name == operation).unwrap();
        let filled = service.run(&["event", &event]);
        if !filled.status.success() {
            wrong.push(format!("{event}: {}", text(&filled.stderr)));
            continue;
        }
        let (status, answer) = invoke(&service, routes, text(&filled.stdout)).await;
        if !due(&event, route).contains(&status) {
            wrong.push(format!("{event}: {status}, {}", answer["body"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_event_is_sent_to_the_service_of_its_token() {
    let service = Service::start("event");
    let filled = service.run(&["event", "users/get_user"]);
    let event: Value = serde_json::from_slice(&filled.stdout).unwrap();
    let host = service.url.strip_prefix("http://").unwrap();
    assert_eq!(event["headers"]["host"], host);
    assert_eq!(event["requestContext"]["domainName"], host);
    let path = Path::new(event["rawPath"].as_str().unwrap()).file_name().unwrap();
    assert_eq!(event["pathParameters"]["user_id"], path.to_str().unwrap());
    // The same user each time.
    let again = service.run(&["event", "events/users/get_user.json"]);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["rawPath"], event["rawPath"]);

    let own = service.run(&["event", "users/get_user", "--token", "my-token"]);
    assert!(text(&own.stdout).contains("Bearer my-token"));
    for (arguments, due) in [
        (&["event", "users/get_nobody"][..], "there is no event `users/get_nobody`"),
        (&["event", "openapi.json"], "names no operation"),
        (&["event", "users/get_user", "--table", "kith"], "use --url, not --table"),
        (&["event", "users/get_user", "--url", "http://127.0.0.1:1"], "is not set"),
    ] {
        let ended = service.run(arguments);
        assert!(!ended.status.success(), "{arguments:?}");
        assert!(text(&ended.stderr).contains(due), "{ended:?}");
    }
}

#[tokio::test]
async fn commands_reach_the_table_of_a_running_service() {
    let service = Service::start("beside");
    let listed = |arguments: &[&str]| {
        let mut command = kith(&["--table", "kith", "--endpoint", &service.endpoint]);
        command.args(["--region", "local", "--json"]).args(arguments);
        command.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
        let ended = command.output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        serde_json::from_slice::<Value>(&ended.stdout).unwrap()
    };
    assert_eq!(listed(&["tenant", "list"])[0]["id"], "acme");
    let clients = listed(&["client", "list", "--tenant", "acme"]);
    assert_eq!(clients.as_array().unwrap().len(), 3);
    // The administrator of the demonstration.
    assert_eq!(listed(&["check", "--tenant", "acme"])["users"], 1);
}
