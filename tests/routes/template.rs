//! `template.yaml`: which function API Gateway sends each path to, and which ones schedules and the
//! table's stream call.

use std::collections::BTreeMap;

use local::cors;
use yaml_serde::Value;

use crate::tables::{file, gateway_path, paths, read};

/// An event of a function: its method and path; the default route has neither.
struct Mapped {
    function: String,
    method: Option<String>,
    path: Option<String>,
}

/// Every event of every function, with the function's name.
fn events() -> Vec<(String, Value)> {
    let template: Value = yaml_serde::from_str(&read("template.yaml")).unwrap();
    let resources = template["Resources"].as_mapping().unwrap();
    let functions =
        resources.values().filter(|resource| resource["Type"] == "AWS::Serverless::Function");
    functions
        .flat_map(|function| {
            let name =
                function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap().to_owned();
            let events = function["Properties"]["Events"].as_mapping().unwrap().values().cloned();
            events.map(move |event| (name.clone(), event)).collect::<Vec<_>>()
        })
        .collect()
}

fn mapped() -> Vec<Mapped> {
    let of_http = events().into_iter().filter(|(_, event)| event["Type"] == "HttpApi");
    of_http
        .map(|(function, event)| {
            let text = |field: &str| event["Properties"][field].as_str().map(str::to_owned);
            Mapped { function, method: text("Method"), path: text("Path") }
        })
        .collect()
}

#[test]
fn schedules_call_the_sweeper_and_the_mailer_each_minute() {
    let schedules = of_kind("Schedule");
    assert_eq!(schedules.keys().collect::<Vec<_>>(), ["mailer", "sweeper"]);
    for event in schedules.values() {
        assert_eq!(event["Properties"]["Schedule"], "rate(1 minute)");
    }
}

#[test]
fn the_stream_of_mails_calls_the_mailer_and_the_schedule_repeats_what_fails() {
    let streams = of_kind("DynamoDB");
    let mapping = &streams["mailer"]["Properties"];
    let filters = mapping["FilterCriteria"]["Filters"].as_sequence().unwrap();
    assert_eq!(filters.len(), 1);
    let pattern = filters[0]["Pattern"].as_str().unwrap();
    let pattern: serde_json::Value = serde_json::from_str(pattern).unwrap();
    assert_eq!(pattern["eventName"], serde_json::json!(["INSERT"]));
    let prefix = pattern["dynamodb"]["Keys"]["pk"]["S"][0]["prefix"].as_str().unwrap();
    assert_eq!(prefix, "OUTBOX#");
    let record = std::fs::read_to_string(file("events/mailer/outbox.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let pk = record["Records"][0]["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap();
    assert!(pk.starts_with(prefix), "{pk}");
    assert_eq!(mapping["MaximumRetryAttempts"], 1);
}

#[test]
fn the_stream_of_users_calls_the_stream_function_and_loses_nothing() {
    let streams = of_kind("DynamoDB");
    // DynamoDB lets two functions read a stream at once.
    assert_eq!(streams.keys().collect::<Vec<_>>(), ["mailer", "stream"]);
    let mapping = &streams["stream"]["Properties"];
    let pattern = mapping["FilterCriteria"]["Filters"][0]["Pattern"].as_str().unwrap();
    let pattern: serde_json::Value = serde_json::from_str(pattern).unwrap();
    assert_eq!(pattern["dynamodb"]["Keys"]["sk"]["S"][0], shared::store::keys::PROFILE);
    assert_eq!(pattern["eventName"], serde_json::json!(["INSERT", "MODIFY"]));
    assert_eq!(mapping["StartingPosition"], "TRIM_HORIZON");
    assert_eq!(mapping["FunctionResponseTypes"][0], "ReportBatchItemFailures");
    assert_eq!(mapping["BisectBatchOnFunctionError"], true);
    assert_eq!(mapping["DestinationConfig"]["OnFailure"]["Type"], "SQS");
}

/// The events of a type by their functions, of which each has one.
fn of_kind(kind: &str) -> BTreeMap<String, Value> {
    let of_kind: Vec<_> = events().into_iter().filter(|(_, event)| event["Type"] == kind).collect();
    let by_function: BTreeMap<_, _> = of_kind.iter().cloned().collect();
    assert_eq!(by_function.len(), of_kind.len(), "{kind}");
    by_function
}

#[test]
fn the_template_sends_each_path_to_the_function_that_serves_it() {
    let events = mapped();
    let of_paths: Vec<_> = events
        .iter()
        .filter_map(|event| Some((event.path.clone()?, event.function.clone())))
        .collect();
    let by_path: BTreeMap<_, _> = of_paths.iter().cloned().collect();
    let due: BTreeMap<_, _> =
        paths().into_iter().map(|(path, function)| (gateway_path(&path), function)).collect();
    assert_eq!(by_path, due);
    assert_eq!(by_path.len(), of_paths.len(), "a path is mapped twice");
}

/// `kith serve --cors` lets pages do what API Gateway lets them do.
#[test]
fn ec8_pages_of_other_origins_may_do_the_same_at_the_gateway_and_on_a_laptop() {
    let template: Value = yaml_serde::from_str(&read("template.yaml")).unwrap();
    // The condition, what holds if it does, and what holds if not.
    let configuration = &template["Resources"]["Api"]["Properties"]["CorsConfiguration"][1];
    let list = |name: &str| {
        let words = configuration[name].as_sequence().unwrap().iter();
        words.map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(",")
    };
    assert_eq!(list("AllowMethods"), cors::ALLOWED_METHODS);
    assert_eq!(list("AllowHeaders"), cors::ALLOWED_HEADERS);
    assert_eq!(list("ExposeHeaders"), cors::EXPOSED_HEADERS);
    assert_eq!(configuration["MaxAge"].as_u64().unwrap().to_string(), cors::MAX_AGE);
    assert!(configuration.get("AllowCredentials").is_none());
}

/// Pages may send each header that a route reads, and read each header that one answers with.
#[test]
fn ec8_no_header_that_a_page_needs_is_left_out() {
    let description = crate::description::description();
    let names = |part: &str, name: &str| -> Vec<String> {
        let components = description["components"][part].as_object().unwrap();
        let found = components.iter().filter(|(_, one)| part == "headers" || one["in"] == "header");
        found.map(|(key, one)| one[name].as_str().unwrap_or(key).to_lowercase()).collect()
    };
    for header in names("parameters", "name") {
        assert!(cors::ALLOWED_HEADERS.split(',').any(|allowed| allowed == header), "{header}");
    }
    for header in names("headers", "name") {
        assert!(cors::EXPOSED_HEADERS.split(',').any(|exposed| exposed == header), "{header}");
    }
}

#[test]
fn the_template_sends_every_method_so_that_the_function_answers_405() {
    for event in mapped().iter().filter(|event| event.path.is_some()) {
        assert_eq!(event.method.as_deref(), Some("ANY"), "{:?}", event.path);
    }
}

#[test]
fn one_function_answers_for_paths_that_nobody_serves() {
    let defaults: Vec<_> = mapped().into_iter().filter(|event| event.path.is_none()).collect();
    assert_eq!(defaults.len(), 1);
    assert!(defaults[0].method.is_none());
}
