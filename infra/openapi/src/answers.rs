//! Answers: the good ones of a route, and every problem that can occur on it.

use std::collections::BTreeMap;

use shared::http::route::{Body, Conflict, Effect};
use shared::http::{Callers, Route};
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder, Responses, ResponsesBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, Schema};

use super::problems::{OAUTH, PROBLEMS, Problem};
use super::schemas::Schemas;
use super::shapes::string;
use crate::Failure;

/// Whether the good answer is a single resource with a tag.
pub(super) fn is_tagged(route: &Route) -> bool {
    !route.answer.1.is_empty() && (route.tagged || writes(route))
}

/// Whether the route changes a resource. The token endpoint, which answers to callers without a
/// token, changes none.
pub(super) fn writes(route: &Route) -> bool {
    route.is_guarded() && route.effect != Effect::Reads
}

/// Whether the route takes a form of OAuth, by which clients authenticate, and answers errors of
/// OAuth.
pub(super) fn is_oauth(route: &Route) -> bool {
    matches!(route.body, Body::Form(_)) && !route.is_guarded()
}

/// Whether the route wants to know which state of the resource the caller changes.
pub(super) fn needs_match(route: &Route) -> bool {
    matches!(route.method, "PUT" | "PATCH") && route.effect != Effect::Repeatable
}

/// The answers that operations refer to, by their names in `components`.
pub(super) struct Answers<'s> {
    schemas: &'s Schemas,
    named: BTreeMap<String, Response>,
}

impl<'s> Answers<'s> {
    /// None so far.
    pub(super) const fn new(schemas: &'s Schemas) -> Self {
        Self { schemas, named: BTreeMap::new() }
    }

    /// Every answer that an operation refers to.
    pub(super) fn into_named(self) -> BTreeMap<String, Response> {
        self.named
    }

    /// The answers of a route, by status.
    pub(super) fn of(&mut self, route: &Route) -> Result<Responses, Failure> {
        let mut answers = ResponsesBuilder::new()
            .response(route.answer.0.to_string(), self.good(route, route.answer.0)?);
        if route.also.contains(&200) {
            answers = answers.response("200", self.good(route, 200)?);
        }
        if route.also.contains(&202) {
            answers = answers.response("202", self.requested()?);
        }
        if is_tagged(route) && route.method == "GET" {
            answers = answers.response("304", self.not_modified()?);
        }
        let own: &[Problem] = if is_oauth(route) { &OAUTH } else { &[] };
        for status in statuses(route) {
            let problem = own.iter().chain(&PROBLEMS).find(|problem| problem.status == status);
            let problem =
                problem.ok_or_else(|| format!("the problem {status} is not described"))?;
            let answer = with_headers(problem.answer(), problem.headers);
            answers = answers.response(status.to_string(), self.refer(problem.name, answer)?);
        }
        Ok(answers.build())
    }

    /// Refers to an answer, which this names if it is the first to need it.
    fn refer(&mut self, name: &str, answer: ResponseBuilder) -> Result<RefOr<Response>, Failure> {
        let answer = answer.build();
        let known = self.named.entry(name.to_owned()).or_insert_with(|| answer.clone());
        if *known != answer {
            return Err(format!("two answers have the name `{name}`"));
        }
        Ok(RefOr::Ref(Ref::from_response_name(name)))
    }

    fn good(&mut self, route: &Route, status: u16) -> Result<RefOr<Response>, Failure> {
        let (_, schema) = route.answer;
        let (description, suffix) = match (status, schema) {
            (200, "") => ("Done.", "Done"),
            (200, _) => ("The resource, or the result.", ""),
            (201, _) => ("Created.", "Created"),
            (204, _) => ("Done. There is no content.", "NoContent"),
            (other, _) => {
                return Err(format!(
                    "the answer {other} of the operation `{}` is not described",
                    route.name
                ));
            }
        };
        let mut answer = ResponseBuilder::new().description(description);
        if !schema.is_empty() {
            answer = answer.content("application/json", self.schemas.content(schema));
        }
        if route.csv {
            let table = string(6 * 1024 * 1024, "The whole report with a header line.");
            answer = answer.content("text/csv", Content::new(Some(Schema::Object(table))));
        }
        let replayed = route.takes_idempotency_key() && route.is_guarded();
        let headers = [
            ("ETag", is_tagged(route)),
            ("User-ETag", route.of_user),
            ("Location", status == 201),
            ("Idempotency-Replayed", replayed),
        ];
        let headers: Vec<_> =
            headers.into_iter().filter(|(_, sent)| *sent).map(|(name, _)| name).collect();
        // Answers of one schema differ by their headers.
        let replayed = if replayed { "Replayable" } else { "" };
        let of_user = if route.of_user { "OfUser" } else { "" };
        self.refer(&format!("{schema}{suffix}{of_user}{replayed}"), with_headers(answer, &headers))
    }

    fn requested(&mut self) -> Result<RefOr<Response>, Failure> {
        let about = "Nothing has changed yet: the change waits as this change request until \
                     somebody approves it.";
        let answer = ResponseBuilder::new()
            .description(about)
            .content("application/json", self.schemas.content("ChangeRequest"));
        self.refer("ChangeRequested", with_headers(answer, &["ETag", "Location"]))
    }

    fn not_modified(&mut self) -> Result<RefOr<Response>, Failure> {
        let answer = ResponseBuilder::new().description("You have the current state already.");
        self.refer("NotModified", with_headers(answer, &["ETag"]))
    }
}

/// The statuses of the problems that can occur on a route.
fn statuses(route: &Route) -> Vec<u16> {
    let guarded = route.is_guarded();
    let json = matches!(route.body, Body::Json(_) | Body::OptionalJson(_) | Body::Rows(_));
    let form = is_oauth(route);
    let keyed = guarded && route.takes_idempotency_key();
    // A replayed answer is not found once the user that it shows is forgotten. So is a person who
    // has no profile yet.
    let missing = route.path.contains('{')
        || route.finds_nothing
        || keyed
        || matches!(route.callers, Callers::People(_));
    let possible = [
        (400, guarded || form),
        (401, guarded || form),
        (403, guarded),
        (404, missing),
        (406, guarded),
        (409, route.conflicts.iter().any(|conflict| *conflict != Conflict::AuditEnded)),
        (410, route.conflicts.contains(&Conflict::AuditEnded)),
        (412, guarded && (writes(route) || is_tagged(route))),
        (413, json),
        (415, json),
        (422, json || keyed),
        (428, needs_match(route)),
        (429, true),
        (500, true),
        (503, true),
    ];
    possible.into_iter().filter(|(_, occurs)| *occurs).map(|(status, _)| status).collect()
}

fn with_headers(answer: ResponseBuilder, names: &[&str]) -> ResponseBuilder {
    names.iter().fold(answer, |answer, name| {
        answer.header_ref(*name, Ref::new(format!("#/components/headers/{name}")))
    })
}

/// The headers of answers, by their names.
pub(super) fn headers() -> [(&'static str, Header); 8] {
    let described = |about: &str, example: &str| {
        let mut header = HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .description(Some(about))
            .build();
        header.example = Some(example.into());
        header
    };
    let mut retry = described("When to try again, in seconds.", "");
    retry.schema = Some(ObjectBuilder::new().schema_type(Type::Integer).into());
    retry.example = Some(2.into());
    [
        (
            "Accept-Encoding",
            described("The content codings of bodies: `identity`, which is none.", "identity"),
        ),
        (
            "Accept-Patch",
            described(
                "The media types that PATCH takes.",
                "application/json, application/merge-patch+json",
            ),
        ),
        (
            "ETag",
            described(
                "The strong tag of the resource (RFC 9110 §8.8.3), with its double quotes.",
                "\"S0lUSC1UQUctRVhBTVBMRQ\"",
            ),
        ),
        (
            "Idempotency-Replayed",
            described("`true` if the answer is that of an earlier request with this key.", "true"),
        ),
        (
            "Location",
            described(
                "The path of the resource, or of the change request, that was created.",
                "/identity/users/0192f3c1-5a00-7000-8000-000000000001",
            ),
        ),
        ("Retry-After", retry),
        (
            "User-ETag",
            described(
                "The tag of the user after the write: that of the next change of the user.",
                "\"VVNFUi1UQUctRVhBTVBMRQ\"",
            ),
        ),
        (
            "WWW-Authenticate",
            described(
                "The credentials that are expected (RFC 6750 §3, RFC 6749 §5.2).",
                "Bearer realm=\"kith\", error=\"insufficient_scope\", scope=\"users:write\"",
            ),
        ),
    ]
}
