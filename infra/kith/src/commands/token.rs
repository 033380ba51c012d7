//! `kith token`: a token of a person, signed by the demonstration's identity provider.
//!
//! The key is in the data folder of `kith serve`, and only that service trusts it. So there is
//! nothing to ask of a service, and nothing that a deployed one would take.

use std::process::ExitCode;

use clap::{ArgAction, Args};
use local::demo::{self, ENV_FILE, TENANT, Variables};
use local::identity_provider::{IdentityProvider, OWN_CLAIMS, TokenRequest};
use serde_json::{Map, Value, json};
use shared::domain::id::PartyId;
use shared::env::Env;

use crate::access::base_url;
use crate::failure::Failure;
use crate::location::TableLocation;
use crate::output::Console;

/// The lifetime of a token in seconds, unless the option says otherwise.
const LIFETIME: u32 = 3600;

/// The person and the claims of the token.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What the identity provider calls the person
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    subject: String,
    /// The e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Whether the address is verified
    #[arg(
        long,
        value_name = "BOOLEAN",
        requires = "email",
        default_value_t = true,
        action = ArgAction::Set
    )]
    email_verified: bool,
    /// The claim `given_name`
    #[arg(long, value_name = "NAME")]
    given_name: Option<String>,
    /// The claim `family_name`
    #[arg(long, value_name = "NAME")]
    family_name: Option<String>,
    /// The claim `preferred_username`
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The claim `locale`
    #[arg(long, value_name = "LOCALE")]
    locale: Option<String>,
    /// A further claim: JSON, or else text (repeatable)
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, Value)>,
    /// The scopes
    #[arg(long, default_value = "openid")]
    scope: String,
    /// The system that the person uses: a further audience
    #[arg(long, value_name = "ID")]
    system: Option<PartyId>,
    /// How long the token is good, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = LIFETIME,
        value_parser = clap::value_parser!(u32).range(1..=86_400)
    )]
    lifetime: u32,
    /// The base URL of `kith serve`, which has to be the one in `demo.env`
    #[arg(long, env = "KITH_URL", value_parser = base_url)]
    url: Option<String>,
}

/// Reads a further claim.
fn claim(text: &str) -> Result<(String, Value), String> {
    let split = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = split.ok_or("expected NAME=VALUE, e.g. `department=sales`")?;
    if OWN_CLAIMS.contains(&name) {
        return Err(format!("the identity provider sets the claim `{name}` itself"));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.to_owned(), value))
}

/// Prints a token.
pub(crate) fn run(
    options: Options,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    if location.is_remote() {
        return Err(
            "`token` issues tokens for `kith serve`; a deployed service takes those of the \
                    identity providers that its tenants trust"
                .into(),
        );
    }
    let demonstration = Demonstration::read(location, options.url.as_deref())?;
    let lifetime = options.lifetime;
    let token = demonstration.token(options)?;
    let content = json!({ "access_token": token, "token_type": "Bearer", "expires_in": lifetime });
    console.print(&content, || token)?;
    Ok(ExitCode::SUCCESS)
}

/// The identity provider of a data folder, and the service that takes its tokens.
pub(crate) struct Demonstration {
    provider: IdentityProvider,
    url: String,
    tenant: String,
}

impl Demonstration {
    /// Reads it from a data folder; `url` is the service that is meant, if one is named.
    pub(crate) fn read(location: &TableLocation, url: Option<&str>) -> Result<Self, Failure> {
        let path = location.data.join(ENV_FILE);
        let file = path.display();
        let variables = demo::read_env(&path)
            .map_err(|error| format!("cannot read `{file}`: {error}; run `kith serve` first"))?;
        let value = |name: &str| {
            let missing = || format!("`{file}` has no {name}; start `kith serve` again");
            variables.get(name).cloned().ok_or_else(missing)
        };
        let known = value("KITH_URL")?;
        let meant = url.filter(|url| !url.is_empty()).map(|url| url.trim_end_matches('/'));
        if let Some(meant) = meant.filter(|meant| *meant != known) {
            return Err(format!(
                "{meant} is not the service of `{file}`, which is {known}; no other service takes \
                 tokens of its identity provider"
            )
            .into());
        }
        let provider =
            IdentityProvider::open(&location.data, value("KITH_ISSUER")?, Env::default())?;
        Ok(Self { provider, url: known, tenant: tenant_of(&variables) })
    }

    /// The issuer of its tokens.
    pub(crate) fn issuer(&self) -> &str {
        self.provider.issuer()
    }

    /// A token by which a person is known by the address.
    pub(crate) fn sign_in_token(&self, subject: &str, email: &str) -> Result<String, Failure> {
        let claims = json!({ "scope": "openid", "email": email, "email_verified": true });
        let claims = claims.as_object().cloned().unwrap_or_default();
        self.sign(subject, None, LIFETIME, claims)
    }

    fn token(&self, options: Options) -> Result<String, Failure> {
        let (subject, system) = (options.subject.clone(), options.system.clone());
        let system = system.as_ref().map(PartyId::as_str);
        self.sign(&subject, system, options.lifetime, options.claims())
    }

    fn sign(
        &self,
        subject: &str,
        system: Option<&str>,
        lifetime: u32,
        claims: Map<String, Value>,
    ) -> Result<String, Failure> {
        let audience: Vec<_> = [self.url.as_str()].into_iter().chain(system).collect();
        let tenant = &self.tenant;
        let request = TokenRequest { subject, audience: &audience, tenant, lifetime, claims };
        let token = self.provider.token(request);
        Ok(token.map_err(|error| format!("cannot sign the token: {error}"))?)
    }
}

fn tenant_of(variables: &Variables) -> String {
    variables.get("KITH_TENANT").map_or(TENANT, String::as_str).to_owned()
}

impl Options {
    /// The claims besides those of every token. A claim of `--claim` overrides the option for the
    /// same claim.
    fn claims(self) -> Map<String, Value> {
        let full = [self.given_name.as_deref(), self.family_name.as_deref()];
        let full = full.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let system = self.system.map(|system| system.to_string());
        let verified = self.email.is_some().then(|| Value::from(self.email_verified));
        let text = |value: Option<String>| value.map(Value::from);
        let named = [
            ("scope", Some(Value::from(self.scope))),
            ("azp", text(system)),
            ("email", text(self.email)),
            ("email_verified", verified),
            ("name", text(Some(full).filter(|name| !name.is_empty()))),
            ("given_name", text(self.given_name)),
            ("family_name", text(self.family_name)),
            ("preferred_username", text(self.username)),
            ("locale", text(self.locale)),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        named.chain(self.claims).collect()
    }
}
