//! The adapter of a Lambda function: settings from its environment, the table over TLS with a small
//! trust store, one JSON log line per request, and the router behind API Gateway's payload 2.0.

mod stream;

use std::path::PathBuf;

use ::http::StatusCode;
use ::http::header::{CONTENT_LENGTH, HOST};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{IdentityCache, Region};
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use lambda_http::Adapter;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;
use tower::util::{MapRequest, MapResponse};

pub use self::stream::StreamRecord;
use crate::app::App;
use crate::archive::Archive;
use crate::auth::SigningKeys;
use crate::auth::signing::Sealing;
use crate::aws::{Account, Mailbox};
use crate::env::Env;
use crate::http::edge::{Address, BaseUrl, RequestId};
use crate::http::{self, Route};
use crate::https::{self, Trust};
use crate::log;
use crate::script::{self, Scripts};
use crate::store::Table;
use crate::store::table::client_settings;

/// The settings of a function, from the environment.
#[derive(Debug)]
pub struct Settings {
    table: String,
    base_url: Option<String>,
    endpoint: Option<String>,
    /// The region that it runs in.
    pub region: Region,
    /// Which endpoints it trusts.
    pub trust: Trust,
    /// The credentials of its role, which never change while the process lives. Without them the
    /// function makes no request to AWS.
    pub credentials: Option<Credentials>,
    /// The event bus that it publishes to; the account's default one without a name.
    pub event_bus: Option<String>,
    /// Another endpoint than EventBridge's own.
    pub events_endpoint: Option<String>,
    /// The ARN of the KMS key that it seals the service's keys with; without one they are not
    /// sealed.
    sealing_key: Option<String>,
    /// Another endpoint than KMS's own.
    kms_endpoint: Option<String>,
    /// The name of the bucket that the audit is exported to; without one it is not exported.
    audit_bucket: Option<String>,
    /// Another endpoint than S3's own.
    s3_endpoint: Option<String>,
    /// The sender of mail: an address or `Name <address>`. Without one no mail is sent.
    pub mail_from: Option<String>,
    /// The configuration set by which SES tells of bounces and complaints.
    pub mail_configuration_set: Option<String>,
    /// Another endpoint than that of SES.
    ses_endpoint: Option<String>,
}

impl Settings {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where functions read their environment"
    )]
    fn from_environment() -> Result<Self, String> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let credentials =
            set("AWS_ACCESS_KEY_ID").zip(set("AWS_SECRET_ACCESS_KEY")).map(|(id, secret)| {
                Credentials::new(id, secret, set("AWS_SESSION_TOKEN"), None, "environment")
            });
        Ok(Self {
            table: set("KITH_TABLE")
                .ok_or("KITH_TABLE is not set; set it to the name of the table")?,
            base_url: set("KITH_BASE_URL").map(|url| origin(&url)).transpose()?,
            endpoint: set("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| set("AWS_ENDPOINT_URL")),
            region: Region::new(
                set("AWS_REGION")
                    .or_else(|| set("AWS_DEFAULT_REGION"))
                    .ok_or("AWS_REGION is not set; set it to the region of the table")?,
            ),
            trust: if set("KITH_SYSTEM_ROOTS").is_some() { Trust::System } else { Trust::Amazon },
            credentials,
            event_bus: set("KITH_EVENT_BUS"),
            events_endpoint: set("AWS_ENDPOINT_URL_EVENTBRIDGE")
                .or_else(|| set("AWS_ENDPOINT_URL")),
            sealing_key: set("KITH_SEALING_KEY"),
            kms_endpoint: set("AWS_ENDPOINT_URL_KMS").or_else(|| set("AWS_ENDPOINT_URL")),
            audit_bucket: set("KITH_AUDIT_BUCKET"),
            s3_endpoint: set("AWS_ENDPOINT_URL_S3").or_else(|| set("AWS_ENDPOINT_URL")),
            mail_from: set("KITH_MAIL_FROM"),
            mail_configuration_set: set("KITH_MAIL_CONFIGURATION_SET"),
            ses_endpoint: set("AWS_ENDPOINT_URL_SESV2").or_else(|| set("AWS_ENDPOINT_URL")),
        })
    }

    /// Seals keys of the service if the environment names a KMS key.
    fn sealing(&self, env: &Env) -> Result<Option<Sealing>, Error> {
        let Some(key) = self.sealing_key.clone() else { return Ok(None) };
        let account = self.account("KITH_SEALING_KEY", self.kms_endpoint.clone(), env)?;
        Ok(Some(Sealing::new(account, Some(key))))
    }

    /// Where the audit is exported to, if the environment names a bucket.
    pub fn archive(&self) -> Result<Option<Archive>, Error> {
        let Some(name) = &self.audit_bucket else { return Ok(None) };
        let endpoint = self.s3_endpoint.clone();
        let account = self.account("KITH_AUDIT_BUCKET", endpoint, &Env::default())?;
        Ok(Some(Archive::Bucket(Box::new(account.bucket(name, self.region.as_ref())))))
    }

    /// The way out of mail: SES of the function's account and region.
    pub fn mailbox(&self) -> Result<Mailbox, Error> {
        let account = self.account("KITH_MAIL_FROM", self.ses_endpoint.clone(), &Env::default())?;
        Ok(account.mailbox(self.region.as_ref()))
    }

    /// The account of the function, for a service that a variable asks for.
    fn account(
        &self,
        variable: &str,
        endpoint: Option<String>,
        env: &Env,
    ) -> Result<Account, Error> {
        let credentials = self.credentials.clone();
        let credentials = credentials.ok_or_else(|| format!("{variable} needs credentials"))?;
        Ok(Account::new(self.trust, credentials, env.clock.clone(), endpoint)?)
    }

    fn client(&self) -> Result<Client, rustls::Error> {
        let http = https::client(self.trust)?;
        let mut config = client_settings().region(self.region.clone()).http_client(http);
        if let Some(credentials) = self.credentials.clone() {
            // They are of the environment and never change: there is nothing to cache.
            config =
                config.credentials_provider(credentials).identity_cache(IdentityCache::no_cache());
        }
        if let Some(endpoint) = self.endpoint.clone() {
            config = config.endpoint_url(endpoint);
        }
        Ok(Client::from_conf(config.build()))
    }
}

/// A base URL without a slash at its end. It has no path: the metadata of an issuer with one lies
/// outside of it (RFC 8414 §3.1).
fn origin(url: &str) -> Result<String, String> {
    let origin = url.trim_end_matches('/');
    match origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")) {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#']) => Ok(origin.to_owned()),
        _ => Err(format!("KITH_BASE_URL: expected https:// and a host, found `{url}`")),
    }
}

/// Runs a function until Lambda ends it: one request at a time on one thread.
pub fn start(routes: &'static [Route]) -> Result<(), Error> {
    block_on(run(routes, app))
}

/// Runs the function that reads private keys, as [`start`] does.
pub fn start_with_signing_keys(routes: &'static [Route]) -> Result<(), Error> {
    block_on(run(routes, app_with_signing_keys))
}

fn block_on(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Runs a function that a schedule calls until Lambda ends it: one call at a time on one thread.
/// The function ignores the event. `prepare` makes its state besides the table.
pub fn start_scheduled<P, T: Serialize>(
    prepare: impl FnOnce(&Settings) -> Result<P, Error>,
    work: &impl AsyncFn(&App, &P) -> crate::domain::Result<T>,
) -> Result<(), Error> {
    start_on(prepare, &async |app, prepared, _: serde::de::IgnoredAny| work(app, prepared).await)
}

/// Runs a function that is called with events of the type `E` until Lambda ends it: one call at a
/// time on one thread. `prepare` makes its state besides the table.
pub fn start_on<P, E: DeserializeOwned, T: Serialize>(
    prepare: impl FnOnce(&Settings) -> Result<P, Error>,
    work: &impl AsyncFn(&App, &P, E) -> crate::domain::Result<T>,
) -> Result<(), Error> {
    block_on(async {
        log::to(std::io::stdout);
        let settings = Settings::from_environment()?;
        let (app, prepared) = (&app(&settings)?, &prepare(&settings)?);
        let handle = async |event: LambdaEvent<E>| {
            let done = work(app, prepared, event.payload).await;
            done.map_err(|error| Error::from(error.to_string()))
        };
        lambda_runtime::run(service_fn(handle)).await
    })
}

/// Runs a function on a runtime that is there.
async fn run(
    routes: &'static [Route],
    app: impl FnOnce(&Settings) -> Result<App, Error>,
) -> Result<(), Error> {
    log::to(std::io::stdout);
    let app = app(&Settings::from_environment()?)?;
    let env = app.env().clone();
    lambda_runtime::run(function(http::serve(http::route::router(routes, app), env))).await
}

/// The table, with the KMS key that seals the key of the audit if there is one.
fn table(settings: &Settings) -> Result<Table, Error> {
    let table = Table::new(settings.client()?, &settings.table, Env::default());
    Ok(match settings.sealing(table.env())? {
        Some(sealing) => table.with_sealing(&sealing),
        None => table,
    })
}

/// The state of a function as its environment sets it up.
fn app(settings: &Settings) -> Result<App, Error> {
    let table = table(settings)?;
    Ok(App::new(table, settings.base_url.clone(), own_scripts()))
}

/// The state of the function that reads private keys.
fn app_with_signing_keys(settings: &Settings) -> Result<App, Error> {
    let table = table(settings)?;
    let keys = SigningKeys::new(table.clone());
    let keys = match settings.sealing(table.env())? {
        Some(sealing) => keys.with_sealing(sealing),
        None => keys,
    };
    Ok(App::with_signing_keys(table, settings.base_url.clone(), own_scripts(), keys))
}

/// Scripts that run in processes of this program.
fn own_scripts() -> Scripts {
    Scripts::new(PathBuf::from("/proc/self/exe"), vec![script::WORKER.to_owned()])
}

/// A router as the Lambda runtime calls it.
#[must_use]
pub fn function(router: Router) -> Function {
    ServiceExt::<LambdaEvent<LambdaRequest>>::map_request(
        Adapter::from(gateway_adapter(router)),
        encode_uri as fn(_) -> _,
    )
}

/// The service that the Lambda runtime calls.
pub type Function = MapRequest<
    Adapter<'static, Response, GatewayAdapter>,
    fn(LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest>,
>;

/// The characters that a path contains only percent-encoded (RFC 3986 §3.3).
const IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Percent-encodes path and query string as a URI has them, before `lambda_http` makes one of them.
///
/// An HTTP API decodes `rawPath` despite its name, so what was `%23` would begin a fragment and
/// `%2541` would be decoded twice. The query string comes as the caller sent it, and what it may
/// not hold (RFC 3986 §3.4) would end the process. So would a scheme or a host that is none: both
/// come from the gateway alone, and not from headers.
fn encode_uri(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        request.headers.remove("x-forwarded-proto");
        let domain = request.request_context.domain_name.as_deref().map(str::parse);
        match domain {
            Some(Ok(domain)) => drop(request.headers.insert(HOST, domain)),
            _ => drop(request.headers.remove(HOST)),
        }
        if let Some(path) = &mut request.raw_path {
            *path = utf8_percent_encode(path, IN_PATHS).to_string();
        }
        if let Some(query) = &mut request.raw_query_string
            && query.contains(is_illegal)
        {
            let encode = |c: char| {
                if is_illegal(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() }
            };
            *query = query.chars().map(encode).collect();
        }
    }
    event
}

const fn is_illegal(c: char) -> bool {
    matches!(c, '\0'..=' ' | '"' | '#' | '<' | '>' | '\u{7f}')
}

/// The router behind API Gateway.
pub type GatewayAdapter = MapResponse<Router, fn(Response) -> Response>;

/// The router as API Gateway reaches it: the request's id and domain are those of its context, and
/// an answer that has no body announces none, as a socket's server sees to (RFC 9110 §8.6).
#[must_use]
pub fn gateway_adapter(router: Router) -> GatewayAdapter {
    let router = router.layer(axum::middleware::map_request(async |mut request: Request| {
        if let Some(RequestContext::ApiGatewayV2(context)) =
            request.extensions().get::<RequestContext>()
        {
            let id = context.request_id.clone().map(RequestId);
            let base =
                context.domain_name.as_ref().map(|domain| BaseUrl(format!("https://{domain}")));
            let address = context.http.source_ip.clone().map(Address);
            let extensions = request.extensions_mut();
            address.and_then(|address| extensions.insert(address));
            id.and_then(|id| extensions.insert(id));
            base.and_then(|base| extensions.insert(base));
        }
        request
    }));
    ServiceExt::<Request>::map_response(router, without_length as fn(_) -> _)
}

fn without_length(mut response: Response) -> Response {
    if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn a_base_url_has_no_path() {
        for url in ["https://id.example.com", "https://id.example.com/"] {
            assert_eq!(origin(url).as_deref(), Ok("https://id.example.com"));
        }
        for url in ["https://id.example.com/kith", "https://", "ftp://id.example.com", "id"] {
            assert!(origin(url).is_err(), "{url}");
        }
    }
}
