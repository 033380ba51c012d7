//! Operations: what one route takes.

use shared::domain::change_request::RequestStatus;
use shared::domain::import::Mode;
use shared::http::Route;
use shared::http::page::{MAX_PAGE, PAGE};
use shared::http::route::{Body, Effect};
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, HttpMethod, Object, PathItem, Ref, Required, Schema};

use super::answers::{answers, is_tagged, needs_match, writes};
use super::schemas::users::MAX_TEXT;
use super::shapes::{
    CLIENT_ID, PROFILE_NAME, SLUG, integer, matching, named, string, text, time, user, uuid, word,
};
use super::{ACCESS_TOKEN, CLIENT, USER_TOKEN};
use crate::Failure;

/// The path item of a route; `body` names the schema of its body.
pub(super) fn item(route: &Route, tag: &str, body: Option<&str>) -> Result<PathItem, Failure> {
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
    Ok(PathItem::new(method, operation(route, tag, body)?))
}

fn operation(route: &Route, tag: &str, body: Option<&str>) -> Result<Operation, Failure> {
    let mut operation = OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(route.name))
        .summary(Some(route.summary))
        .request_body(body.map(|schema| request_body(route, schema)))
        .securities(Some(security(route)))
        .responses(answers(route)?);
    for parameter in path_parameters(route)? {
        operation = operation.parameter(parameter);
    }
    for name in route.query {
        operation = operation.parameter(query_parameter(route, name)?);
    }
    for name in headers(route) {
        operation = operation.parameter_ref(Ref::new(format!("#/components/parameters/{name}")));
    }
    Ok(operation.build())
}

fn security(route: &Route) -> Vec<SecurityRequirement> {
    let none = Vec::<String>::new;
    let machines =
        route.callers.granted().map(|scope| SecurityRequirement::new(ACCESS_TOKEN, [scope.name()]));
    let people = route.callers.include_people().then(|| {
        let scope = route.callers.scope_of_people();
        SecurityRequirement::new(USER_TOKEN, scope.iter().map(|scope| scope.name()))
    });
    match route.body {
        Body::Form(_) => {
            vec![SecurityRequirement::new(CLIENT, none()), SecurityRequirement::default()]
        }
        _ => machines.into_iter().chain(people).collect(),
    }
}

fn request_body(route: &Route, schema: &str) -> RequestBody {
    let types: &[&str] = match (route.body, route.method) {
        (Body::Form(_), _) => &["application/x-www-form-urlencoded"],
        (Body::Rows(_), _) => &["text/csv", "application/x-ndjson", "application/jsonl"],
        (_, "PATCH") => &["application/json", "application/merge-patch+json"],
        _ => &["application/json"],
    };
    let required =
        if matches!(route.body, Body::OptionalJson(_)) { Required::False } else { Required::True };
    let body = RequestBodyBuilder::new().required(Some(required));
    types
        .iter()
        .fold(body, |body, media| body.content(*media, Content::new(Some(named(schema)))))
        .build()
}

fn path_parameters(route: &Route) -> Result<Vec<Parameter>, Failure> {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            let chosen = ["/authentication-servers/", "/applications/", "/config/systems/"];
            let chosen = chosen.iter().any(|part| route.path.contains(part));
            let schema = match name {
                "user_id" => user("The user."),
                "tenant_id" => matching(SLUG, "The tenant, which is that of the token."),
                "system_id" => matching(SLUG, "The system."),
                "id" if route.path.contains("/systems/{system_id}/") => matching(
                    PROFILE_NAME,
                    "The id of a system profile, or a base profile id of its person.",
                ),
                "authentication_server_id" => matching(SLUG, "The authentication server."),
                "persona_id" => uuid("The persona."),
                "value" => text(
                    MAX_TEXT,
                    "The customer's own id of the person, percent-encoded (RFC 3986 §2.1).",
                ),
                "client_id" => matching(CLIENT_ID, "The client."),
                "secret_id" => uuid("The secret."),
                "id" if chosen => matching(SLUG, "The id that was chosen for it."),
                "id" => uuid("The id."),
                other => return Err(undescribed(route, "path", other)),
            };
            Ok(parameter(ParameterIn::Path, name, schema, Required::True))
        })
        .collect()
}

fn query_parameter(route: &Route, name: &str) -> Result<Parameter, Failure> {
    let most = i32::try_from(MAX_PAGE).ok();
    let mut required = Required::False;
    let schema = match name {
        "limit" => {
            let mut limit = integer(1, most, "The most items of a page.");
            limit.default = Some(PAGE.into());
            limit
        }
        "cursor" => {
            string(4096, "The `next_cursor` of the page before, for the same client and filter.")
        }
        "filter" => {
            required = Required::True;
            string(
                2048,
                "What the profile has: a filter of RFC 7644 §3.4.2.2, made of `eq` and `and`.",
            )
        }
        "updated_since" => time(
            "Only what changed at this time or later, and who was forgotten: the \
             `next_updated_since` of the answer before.",
        ),
        "mode" => {
            let mut mode = word(
                Mode::ALL.map(Mode::name),
                "What becomes of a row whose user is there: an error, or a change of the user.",
            );
            mode.default = Some(Mode::Create.name().into());
            mode
        }
        "dry_run" => {
            let mut dry =
                word(["true", "false"], "Whether nothing is written but the job and its report.");
            dry.default = Some("false".into());
            dry
        }
        "mapping" => string(
            4096,
            "Fields for columns or members of other names, as a JSON object: \
             `{\"Login\":\"username\"}`; null leaves one out.",
        ),
        "name" => any("Only those of this name."),
        "category" => any("Only those of this category."),
        "status" => word(RequestStatus::ALL.map(RequestStatus::name), "Only those of this status."),
        "user_id" if route.path.contains("/change-requests") => {
            any("Only those of this user, named by its id or by a base profile id.")
        }
        "user_id" => {
            required = Required::True;
            user("The user whose mappings are listed.")
        }
        "authentication_server_id" => any("Only those of this authentication server."),
        "application_id" => any("Only those of this application."),
        other => return Err(undescribed(route, "query", other)),
    };
    Ok(parameter(ParameterIn::Query, name, schema, required))
}

fn any(description: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).build()
}

fn undescribed(route: &Route, place: &str, name: &str) -> Failure {
    format!("the {place} parameter `{name}` of the operation `{}` is not described", route.name)
}

/// The names of the header parameters that mean something on a route.
fn headers(route: &Route) -> Vec<&'static str> {
    let writes = writes(route);
    let on_resource = route.path.contains('{');
    let mut names = Vec::new();
    match route.method {
        "GET" if is_tagged(route) => names.push("IfNoneMatch"),
        "PUT" | "PATCH" if needs_match(route) => names.push("IfMatchRequired"),
        "PUT" => names.extend(["IfMatch", "IfNone"]),
        "DELETE" if writes => names.push("IfMatch"),
        "POST" if writes && on_resource => names.push("IfMatch"),
        _ => {}
    }
    if route.name == "issue_token" {
        names.push("DPoP");
    }
    if writes && route.method == "POST" && route.effect == Effect::Writes {
        names.push("IdempotencyKey");
    }
    names
}

/// The header parameters that routes share, by their names in `components`.
pub(super) fn parameters() -> [(&'static str, Parameter); 6] {
    let tags = "^(\\*|(W/)?\"[^\"\\s]*\"(, *(W/)?\"[^\"\\s]*\")*)$";
    let header = |name, pattern, about, required| {
        parameter(ParameterIn::Header, name, matching(pattern, about), required)
    };
    let mut key = matching(
        "^[!-~]+$",
        "A word of the caller's own: the same request with it has one effect and one answer.",
    );
    key.max_length = Some(255);
    let due = "The ETag of the resource that was read, so that no update is lost.";
    let proof = string(
        8192,
        "A proof of possession (RFC 9449 §4): the token is bound to the key that signed it.",
    );
    [
        ("DPoP", parameter(ParameterIn::Header, "DPoP", proof, Required::False)),
        ("IfMatchRequired", header("If-Match", tags, due, Required::True)),
        (
            "IfMatch",
            header("If-Match", tags, "The ETag of the resource as it has to be.", Required::False),
        ),
        (
            "IfNoneMatch",
            header(
                "If-None-Match",
                tags,
                "The ETags that the caller has; a match is 304.",
                Required::False,
            ),
        ),
        (
            "IfNone",
            header(
                "If-None-Match",
                "^\\*$",
                "With `*` the request creates only, and is 412 when there is one.",
                Required::False,
            ),
        ),
        ("IdempotencyKey", parameter(ParameterIn::Header, "Idempotency-Key", key, Required::False)),
    ]
}

/// A parameter; what its schema says about it stands beside the schema and not in it.
fn parameter(place: ParameterIn, name: &str, mut schema: Object, required: Required) -> Parameter {
    let description = schema.description.take();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(description)
        .schema(Some(Schema::Object(schema)))
        .build()
}
