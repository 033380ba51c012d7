//! Operations: what a route takes and answers.

use shared::http::Route;
use shared::http::route::{Body, Conflict};
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Deprecated, HttpMethod, PathItem, RefOr, Required};

use super::answers::{Answers, is_oauth, is_tagged};
use super::parameters::{in_headers, in_path, in_query};
use super::schemas::Schemas;
use super::security::{ACCESS_TOKEN, CLIENT, SESSION, USER_TOKEN};
use crate::Failure;

/// The path item of a route.
pub(super) fn item(
    route: &Route,
    tag: &str,
    schemas: &Schemas,
    answers: &mut Answers<'_>,
) -> Result<PathItem, Failure> {
    let method = match route.method {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        other => {
            return Err(format!(
                "the operation `{}` has the method `{other}`, which is not known",
                route.name
            ));
        }
    };
    let mut item = PathItem::new(method, operation(route, tag, schemas, answers)?);
    let parameters = in_path(route)?;
    if !parameters.is_empty() {
        item.parameters = Some(parameters.into_iter().map(RefOr::Ref).collect());
    }
    Ok(item)
}

fn operation(
    route: &Route,
    tag: &str,
    schemas: &Schemas,
    answers: &mut Answers<'_>,
) -> Result<Operation, Failure> {
    let mut operation = OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(route.name))
        .summary(Some(route.summary))
        .description(Some(description(route)))
        .request_body(body_schema(route).map(|schema| request_body(route, schema, schemas)))
        .securities(Some(security(route)))
        .responses(answers.of(route)?);
    if route.alias_of.is_some() {
        operation = operation.deprecated(Some(Deprecated::True));
    }
    for parameter in in_query(route)?.into_iter().chain(in_headers(route)) {
        operation = operation.parameter_ref(parameter);
    }
    Ok(operation.build())
}

/// The route's description in the table, and sentences for its facts.
fn description(route: &Route) -> String {
    let mut sentences = Vec::new();
    if let Some(other) = route.alias_of {
        sentences.push(format!("The same as `{other}`, which replaces it."));
    }
    if !route.description.is_empty() {
        sentences.push(route.description.to_owned());
    }
    if is_tagged(route) && route.method == "GET" {
        sentences.push("Answers 304 if `If-None-Match` has the current tag.".to_owned());
    }
    if route.also.contains(&202) {
        let approval = "Answers 202 with a change request if an approval policy asks for approval.";
        sentences.push(approval.to_owned());
    }
    if route.reauthenticate {
        let recent = "A person must have signed in within the last 5 minutes, else 403 \
                      `reauthenticate`.";
        sentences.push(recent.to_owned());
    }
    let conflicts = route.conflicts.iter().filter(|conflict| **conflict != Conflict::AuditEnded);
    let conflicts: Vec<_> = conflicts.map(|conflict| format!("`{}`", conflict.slug())).collect();
    if !conflicts.is_empty() {
        sentences.push(format!("Refuses with 409 {}.", conflicts.join(" or ")));
    }
    if sentences.is_empty() {
        sentences.push(format!("{}.", route.summary));
    }
    sentences.join(" ")
}

/// The schema of a body.
pub(super) const fn body_schema(route: &Route) -> Option<&'static str> {
    match route.body {
        Body::None => None,
        Body::Json(name) | Body::OptionalJson(name) | Body::Form(name) | Body::Rows(name) => {
            Some(name)
        }
    }
}

fn security(route: &Route) -> Vec<SecurityRequirement> {
    let none = Vec::<String>::new;
    let machines =
        route.callers.granted().map(|scope| SecurityRequirement::new(ACCESS_TOKEN, [scope.name()]));
    let people = route.callers.include_people().then(|| {
        let scope = route.callers.scope_of_people();
        SecurityRequirement::new(USER_TOKEN, scope.iter().map(|scope| scope.name()))
    });
    if is_oauth(route) {
        return vec![SecurityRequirement::new(CLIENT, none()), SecurityRequirement::default()];
    }
    let browsers = route.is_guarded().then(|| SecurityRequirement::new(SESSION, none()));
    machines.into_iter().chain(people).chain(browsers).collect()
}

/// The body. A PATCH takes `application/merge-patch+json` as well, which `info` says: generators
/// make one method for each media type, or none.
fn request_body(route: &Route, schema: &str, schemas: &Schemas) -> RequestBody {
    let types: &[&str] = match route.body {
        Body::Form(_) => &["application/x-www-form-urlencoded"],
        Body::Rows(_) => &["text/csv", "application/x-ndjson", "application/jsonl"],
        _ => &["application/json"],
    };
    let required =
        if matches!(route.body, Body::OptionalJson(_)) { Required::False } else { Required::True };
    let body = RequestBodyBuilder::new().required(Some(required));
    let content = |media: &str| {
        let mut content = schemas.content(schema);
        if matches!(route.body, Body::Rows(_)) && media != "text/csv" {
            content.example =
                Some("{\"username\": \"an.peeters\", \"given_name\": \"An\"}\n".into());
        }
        content
    };
    types.iter().fold(body, |body, media| body.content(*media, content(media))).build()
}
