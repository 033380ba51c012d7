//! The options of `kith client create`, which are the fields of the client's document.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use shared::auth::succession::ALGORITHMS;
use shared::domain::client::{ApplicationType, AuthMethod, Classifier, Grant, Integration};
use shared::domain::id::TenantId;
use shared::domain::json::Object;
use shared::domain::jwk::Algorithm;
use shared::domain::string_enum::expected_word;
use shared::domain::{Json, Scope, Scopes};
use shared::object;

use crate::failure::Failure;

/// Reads scopes; says which word is none.
fn scopes(text: &str) -> Result<Scopes, String> {
    let read = |word: &str| {
        word.parse::<Scope>()
            .map_err(|_| format!("unknown scope `{word}`; {}", expected_word(&Scope::ALL, word)))
    };
    text.split_whitespace().map(read).collect::<Result<Vec<_>, _>>().map(Scopes::new)
}

/// A client to be registered.
#[derive(Debug, Args)]
pub(crate) struct Registration {
    /// The tenant of the client
    #[arg(long)]
    pub(super) tenant: TenantId,
    /// A name for people
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// The scopes that the client may request, separated by spaces: users:read, users:write,
    /// config:read, config:write, audit:read, audit:values, administrator; of people who sign in:
    /// openid, profile, email, address, phone, userdata, `offline_access`
    #[arg(long, value_parser = scopes)]
    scope: Scopes,
    /// The scopes that the client gets when it requests none; all of --scope by default
    #[arg(long, value_parser = scopes)]
    default_scope: Option<Scopes>,
    /// A further grant; `refresh_token` is the only one
    #[arg(long, value_parser = ["refresh_token"])]
    grant: Option<String>,
    /// How the client authenticates: `client_secret_basic`, `client_secret_post` (either takes
    /// both), `private_key_jwt`, or `none` for a public client
    #[arg(long, value_name = "METHOD", value_parser = AuthMethod::ALL.map(AuthMethod::name))]
    auth_method: Option<String>,
    #[command(flatten)]
    sign_in: SignIn,
    /// A file with the public keys of the client, as a JWK set
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// The https URL of the public keys of the client
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// The lifetime of access tokens, in seconds
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<u64>,
    /// The algorithm that signs access tokens: ES256 or RS256
    #[arg(long, value_name = "ALG", value_parser = ALGORITHMS.map(Algorithm::name))]
    signing_alg: Option<String>,
    /// Issue only tokens that are bound to a key of the client (DPoP, RFC 9449)
    #[arg(long)]
    dpop: bool,
    /// A system that the client may act for; repeatable, without it all systems
    #[arg(long = "system", value_name = "ID")]
    systems: Vec<String>,
    /// What the client integrates: `crm` or `iam`
    #[arg(long, value_name = "KIND", value_parser = Integration::ALL.map(Integration::name))]
    integration: Option<String>,
    /// The most sensitive attributes of systems that the client sees
    #[arg(long, value_name = "CLASSIFIER", value_parser = Classifier::ALL.map(Classifier::name))]
    max_classifier: Option<String>,
    /// An audience of access tokens; repeatable, without it the service itself
    #[arg(long = "audience", value_name = "URI")]
    audiences: Vec<String>,
}

/// What the application is in which people sign in.
#[derive(Debug, Args)]
struct SignIn {
    /// Where people return to after they have signed in, exactly as the application sends it;
    /// repeatable, lets the client ask for codes
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Where people return to after they have signed out; repeatable
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// A client that cannot keep a secret, in a browser or on a person's device; the same as
    /// `--auth-method none`
    #[arg(long, conflicts_with = "auth_method")]
    public: bool,
    /// A client on a person's device: its redirect URIs are loopback addresses or schemes of its
    /// own
    #[arg(long)]
    native: bool,
    /// An application of the tenant itself: people are not asked for consent
    #[arg(long)]
    first_party: bool,
    /// The application whose subjects name people to the client
    #[arg(long, value_name = "ID")]
    application: Option<String>,
}

impl Registration {
    /// The document that a caller of `POST /config/clients` would send.
    pub(super) fn document(&self) -> Result<Object, Failure> {
        let jwks = match &self.jwks {
            Some(path) => {
                let broken =
                    |error: &dyn std::fmt::Display| format!("`{}`: {error}", path.display());
                let text =
                    fs::read(path).map_err(|error| format!("cannot read {}", broken(&error)))?;
                Some(Json::parse(&text).map_err(|error| broken(&error))?)
            }
            None => None,
        };
        let names = |scopes: &Scopes| scopes.iter().map(Scope::name).collect::<Vec<_>>();
        let method = if self.sign_in.public { Some(AuthMethod::None.name()) } else { None };
        let method = method.or(self.auth_method.as_deref());
        Ok(object! {
            "name" => &self.name,
            "scopes" => names(&self.scope),
            "default_scopes" => self.default_scope.as_ref().map(names),
            "grant_types" => self.grants(method),
            "token_endpoint_auth_method" => method,
            "redirect_uris" => self.sign_in.redirect_uris.clone(),
            "post_logout_redirect_uris" => self.sign_in.post_logout_redirect_uris.clone(),
            "application_type" => self.sign_in.native.then(|| ApplicationType::Native.name()),
            "first_party" => self.sign_in.first_party,
            "application_id" => self.sign_in.application.as_ref(),
            "jwks" => jwks,
            "jwks_uri" => self.jwks_uri.as_ref(),
            "access_token_lifetime" => self.lifetime,
            "access_token_signing_alg" => self.signing_alg.as_ref(),
            "dpop_bound_access_tokens" => self.dpop,
            "systems" => self.systems.clone(),
            "integration" => self.integration.as_ref(),
            "max_classifier" => self.max_classifier.as_ref(),
            "audience" => self.audiences.clone(),
        })
    }

    /// The grants of a client that authenticates so: its own credentials unless it is public, codes
    /// if people return to it, and the one that was asked for.
    fn grants(&self, method: Option<&str>) -> Vec<&str> {
        let public = method == Some(AuthMethod::None.name());
        let own = (!public).then_some(Grant::ClientCredentials.name());
        let codes = public || !self.sign_in.redirect_uris.is_empty();
        let codes = codes.then_some(Grant::AuthorizationCode.name());
        own.into_iter().chain(codes).chain(self.grant.as_deref()).collect()
    }
}

/// The option for the field at a JSON Pointer into the document.
pub(super) fn option(pointer: &str) -> Option<String> {
    let (field, rest) = match pointer.strip_prefix('/')?.split_once('/') {
        Some((field, rest)) => (field, format!(" /{rest}")),
        None => (pointer.strip_prefix('/')?, String::new()),
    };
    let (name, many) = match field {
        "scopes" => ("scope", true),
        "default_scopes" => ("default-scope", true),
        "grant_types" => ("grant", true),
        "token_endpoint_auth_method" => ("auth-method", false),
        "redirect_uris" => ("redirect-uri", true),
        "post_logout_redirect_uris" => ("post-logout-redirect-uri", true),
        "application_type" => ("native", false),
        "first_party" => ("first-party", false),
        "application_id" => ("application", false),
        "jwks" => ("jwks", false),
        "jwks_uri" => ("jwks-uri", false),
        "access_token_lifetime" => ("lifetime", false),
        "access_token_signing_alg" => ("signing-alg", false),
        "dpop_bound_access_tokens" => ("dpop", false),
        "systems" => ("system", true),
        "max_classifier" => ("max-classifier", false),
        "audience" => ("audience", true),
        "name" | "integration" => (field, false),
        _ => return None,
    };
    Some(format!("--{name}{}", if many { "" } else { &rest }))
}
