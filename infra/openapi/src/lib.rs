//! The OpenAPI description of the service, made from the route tables of its functions.
//!
//! The tables list the operations with their bodies and answers. This crate adds the schemas that
//! the tables name and the parts that all routes share. So no operation can be missing here, and a
//! schema without a description is an error.

mod answers;
pub mod collection;
mod operations;
mod parameters;
mod problems;
mod schemas;
mod security;
mod shapes;
mod version;
mod writer;

use shared::domain::Json;
use shared::http::Route;
use utoipa::openapi::path::PathsBuilder;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ComponentsBuilder, Info, InfoBuilder, License, OpenApiBuilder, Paths, RefOr,
    ServerBuilder, Tag,
};

use self::answers::Answers;
use self::operations::body_schema;
use self::schemas::Schemas;
pub use self::version::Version;
use self::writer::Layout;

/// Why there is no description, in words.
pub type Failure = String;

/// The route tables of the functions, in the order of `TAGS`.
pub type Functions = [&'static [Route]; 7];

/// Where `kith serve` listens, and so the base URL of the description in the repository.
pub const LOCAL: &str = "http://localhost:3000";

/// The functions by their names, with their purposes.
const TAGS: [(&str, &str); 7] = [
    (
        "token",
        "Access tokens, public keys, metadata of the service, clients, and receipts of consents.",
    ),
    (
        "users",
        "Users (the base profiles of a tenant's people), their profiles in systems, imports, \
         change requests, consents, and sessions.",
    ),
    ("personas", "Personas: the roles of a user."),
    (
        "definitions",
        "Attribute categories, definitions of attributes and personas, systems, consents, the \
         user profile definition, and workflows.",
    ),
    ("subjects", "Authentication servers, applications, and the mappings of their subjects."),
    (
        "login",
        "What people sign in with. The pages on which they sign in are not listed: browsers find \
         them by `authorization_endpoint` and `end_session_endpoint` of the metadata.",
    ),
    ("site", "This description, and the health of the service."),
];

const ABOUT: &str = "\
Kith stores user profiles. Back ends create, search and synchronise them over this API.

A single resource has a strong `ETag`. PUT and PATCH need it in `If-Match`, so that no update is \
lost. A PATCH of a resource is a JSON Merge Patch (RFC 7396): fields that are left out stay, `null` \
removes a field. `application/merge-patch+json` is accepted too. \
Every GET may be sent as HEAD. A POST with an `Idempotency-Key` may be repeated. \
A write may say why in `Kith-Reason`, at most 256 characters, for the audit.

Unknown fields and query parameters are refused. Lengths of strings are limited in characters. \
A token with the scope `administrator` may do what the four scopes of users and config allow.

Every answer has the headers `X-Request-Id`, under which the request is logged, and \
`Cache-Control`. Answers that need a token have `Vary: Authorization, Accept`. A `traceparent` (W3C \
Trace Context) and an `X-Correlation-Id` (or `X-Request-Id`) of a request are logged and sent back, \
as `traceparent` and `X-Correlation-Id`.";

/// The description of these functions as JSON text, without a line end after it. The same arguments
/// always give the same text. `base_url` is where the service is, without a slash at its end.
pub fn document(functions: Functions, version: Version, base_url: &str) -> Result<String, Failure> {
    Ok(writer::text(&description(functions, version, base_url)?, Layout::DESCRIPTION))
}

fn description(functions: Functions, version: Version, base_url: &str) -> Result<Json, Failure> {
    let schemas = Schemas::all();
    let mut answers = Answers::new(&schemas);
    let paths = paths(functions, &schemas, &mut answers)?;
    let answers = answers.into_named();
    let mut components = components(schemas, base_url);
    components.responses = answers.into_iter().map(|(name, one)| (name, RefOr::T(one))).collect();
    let server = ServerBuilder::new().url(base_url).description(Some(
        "`kith serve` on this machine. The output `ApiUrl` of a deployment has its base URL.",
    ));
    let document = OpenApiBuilder::new()
        .info(info())
        .servers(Some([server.build()]))
        .tags(Some(tags()))
        .paths(paths)
        .components(Some(components))
        .build();
    let text = document.to_json().map_err(|error| error.to_string())?;
    let document = Json::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(version.convert(document))
}

fn info() -> Info {
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    InfoBuilder::new()
        .title("Kith")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .build()
}

fn tags() -> Vec<Tag> {
    TAGS.iter()
        .map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build())
        .collect()
}

fn paths(
    functions: Functions,
    schemas: &Schemas,
    answers: &mut Answers<'_>,
) -> Result<Paths, Failure> {
    let mut paths = PathsBuilder::new();
    for ((tag, _), routes) in TAGS.iter().zip(functions) {
        for route in routes.iter().filter(|route| route.listed) {
            let answer = Some(route.answer.1).filter(|name| !name.is_empty());
            for name in body_schema(route).into_iter().chain(answer) {
                if !schemas.contain(name) {
                    return Err(format!(
                        "the schema `{name}` of the operation `{}` is not described",
                        route.name
                    ));
                }
            }
            paths = paths.path(route.path, operations::item(route, tag, schemas, answers)?);
        }
    }
    Ok(paths.build())
}

fn components(schemas: Schemas, base_url: &str) -> Components {
    let mut components = security::schemes(ComponentsBuilder::new(), base_url)
        .schemas_from_iter(schemas.without_examples());
    for (name, parameter) in parameters::all() {
        components = components.parameter(name, RefOr::T(parameter));
    }
    for (name, header) in answers::headers() {
        components = components.header(name, header);
    }
    components.build()
}

#[cfg(test)]
mod tests {
    use local::serve::functions;

    use super::*;

    #[test]
    fn the_description_is_the_same_each_time() {
        for version in Version::ALL {
            let text = || document(functions(), version, LOCAL).unwrap();
            assert!(text() == text(), "{version:?}");
        }
    }

    #[test]
    fn a_schema_that_nobody_described_is_an_error() {
        let mut schemas = Schemas::all();
        schemas.remove("UserPatch");
        let whole = Schemas::all();
        assert_eq!(
            paths(functions(), &schemas, &mut Answers::new(&whole)).err().unwrap(),
            "the schema `UserPatch` of the operation `patch_user` is not described"
        );
    }
}
