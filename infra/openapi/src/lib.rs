//! The OpenAPI 3.1 description of the service, made from the route tables of its functions.
//!
//! The tables say which operations exist, what they take and what they answer; this module adds the
//! schemas that the tables name and what every route has in common. So an operation cannot be
//! missing here, and a schema that a table names and nobody described is an error.

mod answers;
mod operations;
mod schemas;
mod shapes;

use std::collections::BTreeSet;

use shared::domain::Scope;
use shared::http::Route;
use shared::http::route::Body;
use utoipa::openapi::path::PathsBuilder;
use utoipa::openapi::security::{
    ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ComponentsBuilder, Info, InfoBuilder, License, OpenApiBuilder, Paths, RefOr,
    ServerBuilder, ServerVariableBuilder, Tag,
};

use self::schemas::Schemas;

/// Why there is no description, in words.
pub type Failure = String;

/// The route tables of the functions, in the order of `TAGS`.
pub type Functions = [&'static [Route]; 6];

/// The security scheme of access tokens.
const ACCESS_TOKEN: &str = "access_token";
/// The security scheme of people's tokens.
const USER_TOKEN: &str = "user_token";
/// The security scheme of clients at the token endpoint.
const CLIENT: &str = "client_secret_basic";

/// The functions by their names, and what each is for.
const TAGS: [(&str, &str); 6] = [
    ("token", "Access tokens, published keys, the metadata of the service, and machine clients."),
    (
        "users",
        "Users: the base profiles of a tenant's people, and the change requests that wait for an \
         approval.",
    ),
    ("personas", "Personas: the roles of a user."),
    (
        "definitions",
        "Attribute categories, attribute and persona definitions, what screens show of a profile, \
         and workflows.",
    ),
    ("subjects", "Authentication servers, applications, and how their subjects map to users."),
    ("site", "This description, and the health of the service."),
];

/// The description of these functions as JSON text, indented, without a line end after it. The same
/// tables always give the same text.
pub fn document(functions: Functions) -> Result<String, Failure> {
    let schemas = schemas::all();
    let document = OpenApiBuilder::new()
        .info(info())
        .servers(Some([ServerBuilder::new()
            .url("{base_url}")
            .description(Some("A deployment names its base URL in the output ApiUrl."))
            .parameter(
                "base_url",
                ServerVariableBuilder::new().default_value("http://127.0.0.1:3000").description(
                    Some("Where the service is; the default is that of `kith serve`."),
                ),
            )
            .build()]))
        .tags(Some(tags()))
        .paths(paths(functions, &schemas)?)
        .components(Some(components(schemas)))
        .build();
    document.to_pretty_json().map_err(|error| format!("the description cannot be written: {error}"))
}

fn info() -> Info {
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    let description = "Kith is a user-profile service: back ends onboard people into it, keep \
                       their profiles in step and read them back. Single resources carry a strong \
                       ETag; PUT and PATCH need it in If-Match, so that no update is lost. Every \
                       GET may be sent as HEAD. Fields and query parameters that are not \
                       described here are refused. Lengths of strings are limited in bytes of \
                       UTF-8. A token with the scope administrator may do what the four scopes of \
                       users and config allow.";
    InfoBuilder::new()
        .title("Kith")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(license))
        .build()
}

fn tags() -> Vec<Tag> {
    TAGS.iter()
        .map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build())
        .collect()
}

fn paths(functions: Functions, schemas: &Schemas) -> Result<Paths, Failure> {
    let answers: BTreeSet<_> =
        functions.into_iter().flatten().map(|route| route.answer.1).collect();
    let mut paths = PathsBuilder::new();
    for ((tag, _), routes) in TAGS.iter().zip(functions) {
        for route in routes.iter().filter(|route| route.listed) {
            let body = body_schema(route, &answers);
            for name in body
                .iter()
                .map(String::as_str)
                .chain([route.answer.1])
                .filter(|name| !name.is_empty())
            {
                if !schemas.contains_key(name) {
                    return Err(format!(
                        "the schema `{name}` of the operation `{}` is not described",
                        route.name
                    ));
                }
            }
            paths = paths.path(route.path, operations::item(route, tag, body.as_deref())?);
        }
    }
    Ok(paths.build())
}

/// The schema of a body. Where a table names one schema for body and answer, the body's is
/// `<Name>Input`.
fn body_schema(route: &Route, answers: &BTreeSet<&str>) -> Option<String> {
    match route.body {
        Body::None => None,
        Body::Json(name) | Body::OptionalJson(name) | Body::Form(name) | Body::Rows(name)
            if answers.contains(name) =>
        {
            Some(format!("{name}Input"))
        }
        Body::Json(name) | Body::OptionalJson(name) | Body::Form(name) | Body::Rows(name) => {
            Some(name.to_owned())
        }
    }
}

fn components(schemas: Schemas) -> Components {
    let mut components = ComponentsBuilder::new()
        .security_scheme(ACCESS_TOKEN, access_token())
        .security_scheme(USER_TOKEN, user_token())
        .security_scheme(CLIENT, client())
        .schemas_from_iter(schemas);
    for (name, parameter) in operations::parameters() {
        components = components.parameter(name, RefOr::T(parameter));
    }
    for (name, header) in answers::headers() {
        components = components.header(name, header);
    }
    for (name, response) in answers::problems() {
        components = components.response(name, response);
    }
    components.build()
}

fn access_token() -> SecurityScheme {
    let scopes = Scopes::from_iter(Scope::ALL.map(|scope| (scope.name(), about(scope))));
    let flow = Flow::ClientCredentials(ClientCredentials::new("/idhub/oidc/v1/token", scopes));
    SecurityScheme::OAuth2(OAuth2::with_description(
        [flow],
        "An access token, sent as `Authorization: Bearer <token>`; one that is bound to a key as \
         `Authorization: DPoP <token>`, with a proof in the header `DPoP` (RFC 9449 §7.1).",
    ))
}

fn user_token() -> SecurityScheme {
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "A token of a person, from an issuer that the tenant trusts, sent as \
                 `Authorization: Bearer <token>`.",
            ))
            .build(),
    )
}

fn client() -> SecurityScheme {
    let about = "The client's id and secret, form-encoded each (RFC 6749 §2.3.1); they may stand \
                 in the form instead.";
    SecurityScheme::Http(
        HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(about)).build(),
    )
}

const fn about(scope: Scope) -> &'static str {
    match scope {
        Scope::UsersRead => "Read users, personas and subject mappings.",
        Scope::UsersWrite => "Create, change and forget users, personas and subject mappings.",
        Scope::ConfigRead => "Read definitions, authentication servers and applications.",
        Scope::ConfigWrite => "Change definitions, authentication servers and applications.",
        Scope::Administrator => "Everything that the four scopes of users and config allow.",
        Scope::Userdata => "Concerns tokens of people; no operation needs it.",
        Scope::Openid => "Concerns tokens of people: what is known of the person (userinfo).",
    }
}

#[cfg(test)]
mod tests {
    use local::serve::functions;

    use super::*;

    #[test]
    fn the_description_is_the_same_each_time() {
        assert_eq!(document(functions()).unwrap(), document(functions()).unwrap());
    }

    #[test]
    fn a_schema_that_nobody_described_is_an_error() {
        let mut schemas = schemas::all();
        schemas.remove("UserPatch");
        assert_eq!(
            paths(functions(), &schemas).err().unwrap(),
            "the schema `UserPatch` of the operation `patch_user` is not described"
        );
    }
}
