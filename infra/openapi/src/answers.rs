//! Answers: the good one of a route, and every problem that can occur on it.

use shared::domain::Scope;
use shared::http::route::{Body, Effect};
use shared::http::{Callers, Route};
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder, Responses, ResponsesBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, Schema};

use super::shapes::{Record, named, string};
use crate::Failure;

const PROBLEM: &str = "application/problem+json";

/// Whether the good answer is a single resource with a tag.
pub(super) fn is_tagged(route: &Route) -> bool {
    let (_, schema) = route.answer;
    let resource = !schema.is_empty() && !schema.ends_with("List") && schema != "UserInfo";
    resource
        && (writes(route)
            || route.is_guarded() && route.method == "GET"
            || resolves(route) && schema == "User")
}

/// Whether the route finds the one thing that the body describes.
fn resolves(route: &Route) -> bool {
    route.path.ends_with("/resolve")
}

/// Whether the route changes a resource. The token endpoint, which answers to callers without a
/// token, changes none.
pub(super) fn writes(route: &Route) -> bool {
    route.is_guarded() && route.effect != Effect::Reads
}

/// Whether the route wants to know which state of the resource the caller changes.
pub(super) fn needs_match(route: &Route) -> bool {
    matches!(route.method, "PUT" | "PATCH") && route.effect != Effect::Repeatable
}

/// The answers of a route, by status.
pub(super) fn answers(route: &Route) -> Result<Responses, Failure> {
    let mut answers =
        ResponsesBuilder::new().response(route.answer.0.to_string(), good(route, route.answer.0)?);
    if route.also.contains(&200) {
        answers = answers.response("200", good(route, 200)?);
    }
    if route.also.contains(&202) {
        answers = answers.response("202", shared("ChangeRequested"));
    }
    if is_tagged(route) && route.method == "GET" {
        answers = answers.response("304", shared("NotModified"));
    }
    for status in statuses(route) {
        let problem =
            PROBLEMS.iter().find(|problem| problem.status == status).map(|problem| problem.name);
        let problem = problem.ok_or_else(|| format!("the problem {status} is not described"))?;
        answers = answers.response(status.to_string(), shared(problem));
    }
    if let Body::Form(_) = route.body {
        let own = [
            ("400", "OAuthRefused"),
            ("401", "OAuthInvalidClient"),
            ("429", "OAuthTooMany"),
            ("500", "OAuthFault"),
            ("503", "OAuthUnavailable"),
        ];
        answers = own
            .into_iter()
            .fold(answers, |answers, (status, name)| answers.response(status, shared(name)));
    }
    Ok(answers.build())
}

fn good(route: &Route, status: u16) -> Result<Response, Failure> {
    let (_, schema) = route.answer;
    let description = match status {
        200 => "As asked.",
        201 => "Created.",
        204 => "Done; there is nothing to show.",
        other => {
            return Err(format!(
                "the answer {other} of the operation `{}` is not described",
                route.name
            ));
        }
    };
    let mut answer = ResponseBuilder::new().description(description);
    if !schema.is_empty() {
        answer = answer.content("application/json", Content::new(Some(named(schema))));
    }
    if route.csv {
        let table = Schema::Object(string(
            6 * 1024 * 1024,
            "The whole as comma-separated values, with a header.",
        ));
        answer = answer.content("text/csv", Content::new(Some(table)));
    }
    let headers = [
        ("ETag", is_tagged(route)),
        ("Location", status == 201),
        ("Idempotency-Replayed", takes_key(route)),
        ("Vary", route.is_guarded()),
        ("Cache-Control", true),
        ("X-Request-Id", true),
    ];
    for (name, _) in headers.into_iter().filter(|(_, sent)| *sent) {
        answer = answer.header_ref(name, header(name));
    }
    Ok(answer.build())
}

fn takes_key(route: &Route) -> bool {
    route.method == "POST" && route.effect == Effect::Writes
}

/// The statuses of the problems that can occur on a route.
fn statuses(route: &Route) -> Vec<u16> {
    let json = matches!(route.body, Body::Json(_) | Body::OptionalJson(_) | Body::Rows(_));
    let writes = writes(route);
    let guarded = needs_match(route);
    let held = match route.method {
        // Nothing of a client is unique; but it has only so many secrets.
        // What is held is said in the report.
        "POST" if matches!(route.body, Body::Rows(_)) => false,
        _ if route.path.starts_with("/config/clients") => route.path.ends_with("/secrets"),
        // An e-mail address that several share is nobody's subject.
        "POST" if resolves(route) => true,
        // The subject at the built-in server goes only with its user; other subjects are held by
        // nothing.
        "GET" => route.query.contains(&"filter"),
        // Nothing that one system has in place of the base profile is unique.
        "PUT" | "PATCH" if route.path.contains("/systems/{system_id}/users/") => false,
        "DELETE" => {
            route.callers.granted() == Some(Scope::ConfigWrite)
                || route.path.contains("/authentication-server-subjects/")
        }
        // What a workflow derives from a status can be taken, and a change request that was decided
        // is not decided again.
        "POST" => writes && (json || !route.path.contains("/personas/")),
        _ => writes && json,
    };
    let possible = [
        (400, route.is_guarded()),
        (401, route.is_guarded()),
        (403, route.is_guarded()),
        // A replayed answer is not found once the user that it shows is forgotten.
        // So is a person who has no profile yet.
        (
            404,
            route.path.contains('{')
                || resolves(route)
                || takes_key(route)
                || matches!(route.callers, Callers::People(_)),
        ),
        (406, route.is_guarded()),
        (409, held),
        (412, route.is_guarded() && (writes || is_tagged(route))),
        (413, json),
        (415, json),
        (422, json || takes_key(route)),
        (428, guarded),
        (429, true),
        (500, true),
        (503, true),
    ];
    possible.into_iter().filter(|(_, occurs)| *occurs).map(|(status, _)| status).collect()
}

struct Described {
    status: u16,
    name: &'static str,
    about: &'static str,
    headers: &'static [&'static str],
}

const fn described(
    status: u16,
    name: &'static str,
    about: &'static str,
    headers: &'static [&'static str],
) -> Described {
    Described { status, name, about, headers }
}

const PROBLEMS: [Described; 14] = [
    described(
        400,
        "MalformedRequest",
        "The request cannot be read: broken JSON, a key that occurs twice, a bad cursor, an \
         unknown query parameter, a bad If-Match, or a filter that is not allowed.",
        &[],
    ),
    described(
        401,
        "Unauthenticated",
        "There is no token, or it is not good.",
        &["WWW-Authenticate"],
    ),
    described(
        403,
        "Forbidden",
        "The token lacks the scope; or no approval policy lets the caller decide, the request is \
         the caller's own, or the route is not for machine clients, or the profile is unlinked \
         from the token's issuer (`not-allowed`); or the person is blocked (`user-blocked`).",
        &["WWW-Authenticate"],
    ),
    described(
        404,
        "NotFound",
        "It is absent or of another tenant, or the id has a wrong shape.",
        &[],
    ),
    described(406, "NotAcceptable", "The caller accepts no JSON.", &[]),
    described(
        409,
        "Conflict",
        "A unique value is held by another resource, the definition is in use, several were found \
         instead of one (`several-found`, with `count`), the change request was decided or does \
         not fit the profile any more (`conflict`), or the client has no place for another secret \
         (`conflict`).",
        &[],
    ),
    described(
        412,
        "PreconditionFailed",
        "The resource has changed; its current tag is in ETag where it has one.",
        &["ETag"],
    ),
    described(
        413,
        "TooLarge",
        "The body is larger than 256 KB (4 MB on POST /identity/imports).",
        &[],
    ),
    described(
        415,
        "UnsupportedMediaType",
        "The body has another media type; on PATCH Accept-Patch names those that fit.",
        &["Accept-Patch"],
    ),
    described(
        422,
        "InvalidContent",
        "The content breaks a rule or a definition: every violation is listed.",
        &[],
    ),
    described(428, "PreconditionRequired", "If-Match is missing.", &[]),
    described(
        429,
        "TooManyRequests",
        "The limit of requests is reached; the gateway before the functions may answer in a form \
         of its own.",
        &["Retry-After"],
    ),
    described(
        500,
        "Unexpected",
        "An error that no rule foresees; it is logged under the request id.",
        &[],
    ),
    described(
        503,
        "Unavailable",
        "Not now; try again after the time in Retry-After.",
        &["Retry-After"],
    ),
];

/// The answers that routes share, by their names in `components`.
pub(super) fn problems() -> Vec<(&'static str, Response)> {
    let mut shared = Vec::new();
    for problem in &PROBLEMS {
        let mut content = ResponseBuilder::new()
            .description(problem.about)
            .content(PROBLEM, Content::new(Some(named("Problem"))));
        if problem.status == 429 {
            let message = Record::new("What the gateway says.")
                .must("message", string(1024, "What is wrong."));
            content = content.content("application/json", Content::new(Some(message.schema())));
        }
        shared.push((problem.name, with_headers(content, problem.headers).build()));
    }
    let asked = ResponseBuilder::new()
        .description(
            "Nothing is changed yet: the change waits as this change request until somebody \
             approves it.",
        )
        .content("application/json", Content::new(Some(named("ChangeRequest"))));
    shared.push((
        "ChangeRequested",
        with_headers(asked, &["ETag", "Location", "Cache-Control", "Vary"]).build(),
    ));
    let unchanged = ResponseBuilder::new().description("The caller has it already.");
    shared
        .push(("NotModified", with_headers(unchanged, &["ETag", "Cache-Control", "Vary"]).build()));
    let refused = |about: &str| {
        let content = Content::new(Some(named("OAuthError")));
        ResponseBuilder::new().description(about).content("application/json", content)
    };
    let bad = refused("The request is refused, for the reason that `error` names.");
    shared.push(("OAuthRefused", with_headers(bad, &["Cache-Control"]).build()));
    let unknown = refused("The client is unknown or its credentials are wrong.");
    shared.push((
        "OAuthInvalidClient",
        with_headers(unknown, &["Cache-Control", "WWW-Authenticate"]).build(),
    ));
    let many = refused(
        "`temporarily_unavailable`: authentication failed too often; try again after the time in \
         Retry-After.",
    );
    shared.push(("OAuthTooMany", with_headers(many, &["Cache-Control", "Retry-After"]).build()));
    let fault = refused(
        "`server_error`: an error that no rule foresees; it is logged under the request id.",
    );
    shared.push(("OAuthFault", with_headers(fault, &["Cache-Control"]).build()));
    let unavailable =
        refused("`temporarily_unavailable`: not now; try again after the time in Retry-After.");
    shared.push((
        "OAuthUnavailable",
        with_headers(unavailable, &["Cache-Control", "Retry-After"]).build(),
    ));
    shared
}

fn with_headers(answer: ResponseBuilder, names: &[&str]) -> ResponseBuilder {
    let all = names.iter().chain(&["X-Request-Id"]);
    all.fold(answer, |answer, name| answer.header_ref(*name, header(name)))
}

/// The headers of answers, by their names.
pub(super) fn headers() -> [(&'static str, Header); 9] {
    let described = |about: &str| {
        let value = ObjectBuilder::new().schema_type(Type::String);
        HeaderBuilder::new().schema(Some(value)).description(Some(about)).build()
    };
    [
        ("Accept-Patch", described("The media types that PATCH takes.")),
        ("Cache-Control", described("Who may keep the answer, and for how long.")),
        ("ETag", described("The strong tag of the resource (RFC 9110 §8.8.3).")),
        (
            "Idempotency-Replayed",
            described("`true` when this is the answer to an earlier request with the same key."),
        ),
        (
            "Location",
            described("The path of the resource, or of the change request, that was made."),
        ),
        ("Retry-After", described("When to try again, in seconds.")),
        ("WWW-Authenticate", described("What credentials to send (RFC 6750 §3, RFC 6749 §5.2).")),
        ("X-Request-Id", described("The id under which the request is logged.")),
        ("Vary", described("The request headers that the answer depends on.")),
    ]
}

fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

fn shared(name: &str) -> RefOr<Response> {
    RefOr::Ref(Ref::from_response_name(name))
}
