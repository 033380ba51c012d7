//! Parameters: what a request says in its path, its query and its headers.

use shared::domain::import::{HashedValues, Mode};
use shared::domain::user::MAX_TEXT;
use shared::http::Route;
use shared::http::page::{MAX_PAGE, PAGE};
use shared::http::route::Id;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Object, Ref, Required};

use super::answers::{is_tagged, needs_match, writes};
use super::shapes::{Shape, boolean, integer, matching, named, string, time, uuid, word};
use crate::Failure;

/// A list of entity tags (RFC 9110 §8.8.3), or `*`.
const TAGS: &str = "^(\\*|(W/)?\"[^\"\\s]*\"(, *(W/)?\"[^\"\\s]*\")*)$";
const TAG: &str = "\"S0lUSC1UQUctRVhBTVBMRQ\"";

/// A parameter and its name in `components`.
type Named = (&'static str, Parameter);

/// The parameters in the path of a route.
pub(super) fn in_path(route: &Route) -> Result<Vec<Ref>, Failure> {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let component = |name: &str| {
        Ok(reference(match name {
            "authentication_server_id" => "AuthenticationServerId",
            "client_id" => "ClientId",
            "consent_id" => "ConsentId",
            "id" => match route.id {
                Id::Made => "MadeId",
                Id::Chosen => "ChosenId",
                Id::SystemProfile => "SystemProfileId",
            },
            "number" => "VersionNumber",
            "version" => "VersionName",
            "persona_id" => "PersonaId",
            "secret_id" => "SecretId",
            "session_id" => "SessionId",
            "system_id" => "SystemId",
            "tenant_id" => "TenantId",
            "user_id" => "UserId",
            "value" if route.path.contains("/by/username/") => "NamedUsername",
            "value" if route.path.contains("/by/preferred_email/") => "NamedEmailAddress",
            "value" => "CustomerUserId",
            other => return Err(unknown(route, other)),
        }))
    };
    names.map(component).collect()
}

/// The parameters in the query of a route.
pub(super) fn in_query(route: &Route) -> Result<Vec<Ref>, Failure> {
    let component = |name: &&'static str| {
        Ok(reference(match (*name, route.required_query.contains(name)) {
            ("limit", _) => "Limit",
            ("cursor", _) => "Cursor",
            ("updated_since", _) => "UpdatedSince",
            ("mode", _) => "Mode",
            ("dry_run", _) => "DryRun",
            ("mapping", _) => "Mapping",
            ("hashes", _) => "Hashes",
            ("filter", true) => "ProfileFilter",
            ("name", false) => "NameFilter",
            ("category", false) => "CategoryFilter",
            ("status", false) => "StatusFilter",
            ("user_id", false) => "UserFilter",
            ("user_id", true) => "RequiredUserFilter",
            ("authentication_server_id", false) => "AuthenticationServerFilter",
            ("application_id", false) => "ApplicationFilter",
            ("attribute", false) => "AttributeFilter",
            ("actor", false) => "ActorFilter",
            ("operation", false) => "OperationFilter",
            ("from", false) => "FromTime",
            ("to", false) => "ToTime",
            ("version", false) => "Version",
            ("time", false) => "Time",
            ("audience", false) => "Audience",
            (other, _) => return Err(unknown(route, other)),
        }))
    };
    route.query.iter().chain(route.required_query).map(component).collect()
}

fn unknown(route: &Route, name: &str) -> Failure {
    format!("the parameter `{name}` of the operation `{}` is not described", route.name)
}

/// The parameters in the headers of a route.
pub(super) fn in_headers(route: &Route) -> Vec<Ref> {
    let mut names = Vec::new();
    if is_tagged(route) && route.method == "GET" {
        names.push("IfNoneMatch");
    }
    if needs_match(route) {
        names.push("RequiredIfMatch");
    } else if writes(route) && (route.if_match || matches!(route.method, "PUT" | "DELETE")) {
        names.push("IfMatch");
    }
    if writes(route) && route.method == "PUT" && !needs_match(route) {
        names.push("IfAbsent");
    }
    if route.proof {
        names.push("DPoP");
    }
    if route.takes_idempotency_key() && route.is_guarded() {
        names.push("IdempotencyKey");
    }
    names.into_iter().map(reference).collect()
}

fn reference(name: &str) -> Ref {
    Ref::new(format!("#/components/parameters/{name}"))
}

/// Every parameter.
pub(super) fn all() -> Vec<Named> {
    [in_paths(), in_queries(), of_audit(), in_all_headers()].concat()
}

fn in_paths() -> Vec<Named> {
    let path = |component, name, shape: Shape, about: &str| {
        (
            component,
            parameter(ParameterIn::Path, name, shape, about).required(Required::True).build(),
        )
    };
    let id = || uuid("").into();
    vec![
        path(
            "AuthenticationServerId",
            "authentication_server_id",
            named("Slug"),
            "The authentication server.",
        ),
        path("ClientId", "client_id", named("ClientId"), "The client."),
        path("ConsentId", "consent_id", named("Slug"), "The consent."),
        path("VersionNumber", "number", integer(1, None, "").into(), "The number of the version."),
        path("VersionName", "version", string(16, "").into(), "A number, or `effective`."),
        path("MadeId", "id", id(), "The id, made by the service."),
        path("ChosenId", "id", named("Slug"), "The id, chosen by the caller."),
        path(
            "SystemProfileId",
            "id",
            named("UserReference"),
            "The id of a system profile, or a base profile id of its person.",
        ),
        path("PersonaId", "persona_id", id(), "The persona."),
        path("SecretId", "secret_id", id(), "The secret."),
        path("SessionId", "session_id", string(64, "").into(), "The session."),
        path("SystemId", "system_id", named("Slug"), "The system."),
        path("TenantId", "tenant_id", named("Slug"), "The tenant: that of the token."),
        path("UserId", "user_id", named("UserReference"), "The user."),
        path(
            "CustomerUserId",
            "value",
            named("CustomerUserId"),
            "The customer's own id of the person, percent-encoded (RFC 3986 §2.1).",
        ),
        path(
            "NamedUsername",
            "value",
            named("Username"),
            "The username in any case, percent-encoded (RFC 3986 §2.1).",
        ),
        path(
            "NamedEmailAddress",
            "value",
            named("EmailAddress"),
            "The preferred e-mail address in any case, percent-encoded (RFC 3986 §2.1).",
        ),
    ]
}

fn in_queries() -> Vec<Named> {
    let query = |component, name, shape: Shape, about: &str| {
        (component, parameter(ParameterIn::Query, name, shape, about).build())
    };
    let required = |component, name, shape: Shape, about: &str| {
        (
            component,
            parameter(ParameterIn::Query, name, shape, about).required(Required::True).build(),
        )
    };
    let mut limit = integer(1, i32::try_from(MAX_PAGE).ok(), "");
    limit.default = Some(PAGE.into());
    let mut mode = word(Mode::ALL.map(Mode::name), "");
    mode.default = Some(Mode::Create.name().into());
    let mut dry_run = boolean("");
    dry_run.default = Some(false.into());
    let any = || string(MAX_TEXT, "").into();
    vec![
        query("Limit", "limit", limit.into(), "The most items of a page."),
        query(
            "Cursor",
            "cursor",
            named("Cursor"),
            "The `next_cursor` of the page before, for the same client and filter.",
        ),
        query(
            "UpdatedSince",
            "updated_since",
            time("").into(),
            "Only users that changed since then, at most 90 days ago, and tombstones. Start with \
             the listing, and go on with `next_updated_since`.",
        ),
        query(
            "Mode",
            "mode",
            mode.into(),
            "Whether a row whose user exists is an error or changes the user.",
        ),
        query(
            "DryRun",
            "dry_run",
            dry_run.into(),
            "Whether only the job and its report are written, and no user.",
        ),
        query(
            "Mapping",
            "mapping",
            string(4096, "").into(),
            "Fields for columns or members of other names, as a JSON object: \
             `{\"Login\":\"username\"}`. `null` skips a column.",
        ),
        query(
            "Hashes",
            "hashes",
            word(HashedValues::ALL.map(HashedValues::name), "").into(),
            "What the file brings as values of HASH attributes: plain values, which are hashed, or \
             hashes of Argon2id, which are kept. A file with such values must say it.",
        ),
        required(
            "ProfileFilter",
            "filter",
            string(2048, "").into(),
            "A filter that one profile matches: comparisons by `eq` with `and`.",
        ),
        query("NameFilter", "name", any(), "Only definitions of this name."),
        query("CategoryFilter", "category", any(), "Only attributes of this category."),
        query(
            "StatusFilter",
            "status",
            named("ChangeRequestStatus"),
            "Only change requests of this status.",
        ),
        query(
            "UserFilter",
            "user_id",
            named("UserReference"),
            "Only change requests of this user.",
        ),
        required("RequiredUserFilter", "user_id", named("UserReference"), "The user."),
        query(
            "AuthenticationServerFilter",
            "authentication_server_id",
            any(),
            "Only subjects of this authentication server.",
        ),
        query("Audience", "audience", named("Slug"), "The system for which it was decided."),
        query("ApplicationFilter", "application_id", any(), "Only subjects of this application."),
    ]
}

/// The query parameters of the audit's routes.
fn of_audit() -> Vec<Named> {
    let query = |component, name, shape: Shape, about: &str| {
        (component, parameter(ParameterIn::Query, name, shape, about).build())
    };
    vec![
        query(
            "AttributeFilter",
            "attribute",
            string(1024, "").into(),
            "Only changes of this field: `username`, `common.shoe-size` or a JSON Pointer.",
        ),
        query(
            "ActorFilter",
            "actor",
            string(MAX_TEXT, "").into(),
            "Only what this client or user did, or `service` or `operator`.",
        ),
        query("OperationFilter", "operation", named("AuditOperation"), "Only this operation."),
        query("FromTime", "from", time("").into(), "Only entries from this time on."),
        query("ToTime", "to", time("").into(), "Only entries until this time."),
        query("Version", "version", integer(1, None, "").into(), "The version, by its sequence."),
        query("Time", "time", time("").into(), "The time."),
    ]
}

fn in_all_headers() -> Vec<Named> {
    let header = |component, name, shape: Shape, about: &str| {
        (component, parameter(ParameterIn::Header, name, shape, about).build())
    };
    let tags = || matching(TAGS, "").into();
    let mut key = matching("^[!-~]+$", "");
    key.max_length = Some(255);
    let (name, required) = ("RequiredIfMatch", "The ETag that you read, or `*`.");
    let mut needed = parameter(ParameterIn::Header, "If-Match", tags(), required);
    needed = needed.required(Required::True).example(Some(TAG.into()));
    vec![
        (name, needed.build()),
        header("IfMatch", "If-Match", tags(), "The ETag that the resource must have."),
        header("IfNoneMatch", "If-None-Match", tags(), "ETags that you have. A match answers 304."),
        header(
            "IfAbsent",
            "If-None-Match",
            matching("^\\*$", "").into(),
            "`*` only creates: the answer is 412 if the resource exists.",
        ),
        header(
            "DPoP",
            "DPoP",
            string(8192, "").into(),
            "A proof of possession (RFC 9449 §4), which binds the token to the key that signed it.",
        ),
        header(
            "IdempotencyKey",
            "Idempotency-Key",
            key.into(),
            "A key of your choice, e.g. a UUID. The same request with the same key has one effect \
             and one answer.",
        ),
    ]
}

fn parameter(place: ParameterIn, name: &str, shape: Shape, about: &str) -> ParameterBuilder {
    let mut shape = shape;
    if let Shape::T(utoipa::openapi::Schema::Object(Object { description, .. })) = &mut shape {
        // It stands beside the schema.
        *description = None;
    }
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(shape))
}
