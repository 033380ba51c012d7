//! How callers show who they are.

use shared::domain::Scope;
use utoipa::openapi::ComponentsBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes,
    SecurityScheme,
};

/// The security scheme of access tokens.
pub(super) const ACCESS_TOKEN: &str = "access_token";
/// The security scheme of people's tokens.
pub(super) const USER_TOKEN: &str = "user_token";
/// The security scheme of browsers in which people have signed in.
pub(super) const SESSION: &str = "session";
/// The security scheme of clients at the token endpoint.
pub(super) const CLIENT: &str = "client_secret_basic";

/// The security schemes of the service at `base_url`.
pub(super) fn schemes(components: ComponentsBuilder, base_url: &str) -> ComponentsBuilder {
    components
        .security_scheme(ACCESS_TOKEN, access_token(base_url))
        .security_scheme(USER_TOKEN, user_token())
        .security_scheme(SESSION, session())
        .security_scheme(CLIENT, client())
}

fn access_token(base_url: &str) -> SecurityScheme {
    let scopes = Scopes::from_iter(Scope::ALL.map(|scope| (scope.name(), about(scope))));
    let token_url = format!("{base_url}/idhub/oidc/v1/token");
    let flow = Flow::ClientCredentials(ClientCredentials::new(token_url, scopes));
    SecurityScheme::OAuth2(OAuth2::with_description(
        [flow],
        "An access token: `Authorization: Bearer <token>`. A token that is bound to a key: \
         `Authorization: DPoP <token>`, with a proof in the header `DPoP` (RFC 9449 §7.1). A person \
         gets one by the authorization code of a client. Its scopes hold while the person's \
         personas grant them.",
    ))
}

fn user_token() -> SecurityScheme {
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "A token of a person, from an issuer that the tenant trusts, or from this service \
                 with the scope `userdata`: `Authorization: Bearer <token>`.",
            ))
            .build(),
    )
}

fn session() -> SecurityScheme {
    let about = "The cookie of a person who has signed in at this service, in pages of the service's \
                 own origin. A request that is not GET or HEAD needs the header `Kith-Portal: 1` and \
                 an `Origin` of the service. A request with the cookie and with `Authorization` is \
                 refused. What needs a scope needs a persona that grants it.";
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
        "__Host-Http-kith-session",
        about,
    )))
}

fn client() -> SecurityScheme {
    let about = "The client's id and secret, each form-encoded (RFC 6749 §2.3.1). The form may \
                 hold them instead.";
    SecurityScheme::Http(
        HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(about)).build(),
    )
}

const fn about(scope: Scope) -> &'static str {
    match scope {
        Scope::UsersRead => "Read users, personas and subject mappings.",
        Scope::UsersWrite => "Create, change and delete users, personas and subject mappings.",
        Scope::ConfigRead => "Read definitions, authentication servers and applications.",
        Scope::ConfigWrite => "Change definitions, authentication servers and applications.",
        Scope::AuditRead => "Read who changed which fields when, without values.",
        Scope::AuditValues => "Read values and reasons in the audit, and profiles as they were.",
        Scope::Administrator => "Everything that the scopes of users, config and audit allow.",
        Scope::Userdata => "A scope of people's tokens: the person's own profile.",
        Scope::Openid => "A scope of people's tokens: an ID token, and userinfo.",
        Scope::Profile => "A scope of people's tokens: names, username, language and personas.",
        Scope::Email => "A scope of people's tokens: the e-mail address.",
        Scope::Address => "A scope of people's tokens: the postal address.",
        Scope::Phone => "A scope of people's tokens: the telephone number.",
        Scope::OfflineAccess => "A scope of people's tokens: a refresh token.",
    }
}
