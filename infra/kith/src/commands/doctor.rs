//! `kith doctor`: checks a service end to end, its table if that is in DynamoDB, and its stack if
//! one is named.

mod operation;

use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use clap::Args;
use reqwest::header::{ACCEPT, AUTHORIZATION, DATE, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use shared::auth::SigningKeys;
use shared::env::{Env, Timestamp};
use shared::store::Table;

use crate::access::{Access, BACK_END, Credentials, base_url};
use crate::failure::{Failure, in_words};
use crate::location::TableLocation;
use crate::output::{Console, counted, say};

use self::operation::Stack;
use crate::table_facts::TableFacts;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How far two clocks may be apart, in seconds: tokens are checked with 60 seconds of leeway.
const APART: i64 = 30;
/// How long an erasure may be unfinished, in seconds. The sweeper finishes it within minutes.
const UNFINISHED: i64 = 900;

/// What is checked.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// The base URL that tokens name, if the service is reached by another one
    #[arg(long, value_name = "URL", value_parser = base_url)]
    base_url: Option<String>,
    /// The stack whose alarms are checked, and the limit of its account
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// How many calls of functions the account has to run at once
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "stack")]
    concurrency: u64,
}

/// The result of a check: the facts, or the fault with the next step.
struct Finding {
    check: &'static str,
    result: Result<String, String>,
}

/// Checks and prints each finding; fails if something is wrong.
pub(crate) async fn run(
    options: Options,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let credentials = options.access.credentials(&location.data, BACK_END)?;
    let base = options.base_url.unwrap_or_else(|| credentials.url.clone());
    let mut findings = Vec::new();
    let mut keys = None;
    if options.stack.is_some() && !location.is_remote() {
        return Err("--stack is for a table in DynamoDB; name the table by --table".into());
    }
    if location.is_remote() {
        let table = location.open().await?;
        let arn = of_table(&table, &mut findings).await?;
        if let Some(name) = &options.stack {
            let account = &location.services(table.env()).await?;
            let stack = Stack { account, arn: &arn, name, concurrency: options.concurrency };
            stack.check(table.env().clock.now(), &mut findings).await;
        }
        keys = of_keys(&table, &mut findings).await;
        of_erasures(&table, &mut findings).await;
    }
    of_service(&credentials, &base, keys.as_deref(), &mut findings).await?;
    report(&findings, console)
}

fn report(findings: &[Finding], console: Console) -> Result<ExitCode, Failure> {
    if console.json {
        let entry = |finding: &Finding| {
            let (ok, detail) = match &finding.result {
                Ok(detail) => (true, detail),
                Err(detail) => (false, detail),
            };
            json!({ "check": finding.check, "ok": ok, "detail": detail })
        };
        say(Value::from(findings.iter().map(entry).collect::<Vec<_>>()))?;
    } else {
        for Finding { check, result } in findings {
            match result {
                Ok(detail) => say(format_args!("ok      {check:12} {detail}"))?,
                Err(detail) => say(format_args!("WRONG   {check:12} {detail}"))?,
            }
        }
    }
    match findings.iter().filter(|finding| finding.result.is_err()).count() {
        0 => Ok(ExitCode::SUCCESS),
        wrong => Err(format!("{} failed", counted(wrong, "check")).into()),
    }
}

fn check(findings: &mut Vec<Finding>, check: &'static str, result: Result<String, String>) {
    findings.push(Finding { check, result });
}

/// Whether the table is as `template.yaml` makes it; its ARN.
async fn of_table(table: &Table, findings: &mut Vec<Finding>) -> Result<String, Failure> {
    const MEND: &str = "run `kith table create` with this --table";
    let Some(facts) = TableFacts::read(table.client(), table.name()).await? else {
        return Err(format!("there is no DynamoDB table `{}`", table.name()).into());
    };
    let mut has = |what, is_right: bool, right: &str, wrong: &str| {
        let result = if is_right { Ok(right.to_owned()) } else { Err(format!("{wrong}; {MEND}")) };
        check(findings, what, result);
    };
    has("table", facts.fits, &facts.arn, "it has other keys or indexes than Kith needs");
    let stream = facts.stream.as_ref();
    has("stream", stream.is_some_and(|s| s.keys_only), "keys alone", "there is none of keys alone");
    has("time-to-live", facts.expires, "enabled", "expired items stay");
    has("protection", facts.protected, "against deletion", "the table can be deleted by mistake");
    let recovers = facts.recoverable.unwrap_or(true);
    has("recovery", recovers, "to a point in time", "it is not enabled");
    Ok(facts.arn)
}

/// Whether a key signs; the ids of the published ones.
async fn of_keys(table: &Table, findings: &mut Vec<Finding>) -> Option<Vec<String>> {
    let now = table.env().clock.now();
    match SigningKeys::new(table.clone()).list().await {
        Ok(keys) => {
            let signs = keys.iter().any(|key| key.sign_from <= now && now < key.sign_until);
            let result = if signs || keys.is_empty() {
                Ok(format!("{} published", counted(keys.len(), "key")))
            } else {
                Err("no published key signs now; request a token, then see `kith key list`"
                    .to_owned())
            };
            check(findings, "keys", result);
            let published = keys.into_iter().filter(|key| now < key.drop_at);
            Some(published.map(|key| key.kid).collect())
        }
        Err(error) => {
            check(findings, "keys", Err(in_words(&error)));
            None
        }
    }
}

/// Whether the sweeper finishes erasures.
async fn of_erasures(table: &Table, findings: &mut Vec<Finding>) {
    let result = match table.unfinished_forgets().await {
        Ok(unfinished) => {
            let oldest = unfinished.iter().map(|(.., since)| *since).min();
            let age = oldest.map_or(0, |at| table.env().clock.now().seconds() - at.seconds());
            if age < UNFINISHED {
                Ok(format!("{} unfinished", unfinished.len()))
            } else {
                Err(format!(
                    "one is unfinished for {age} s; read the log of the function `sweeper`"
                ))
            }
        }
        Err(error) => Err(in_words(&error)),
    };
    check(findings, "erasures", result);
}

/// Whether the service answers, and as the service of this table.
async fn of_service(
    credentials: &Credentials,
    base: &str,
    keys: Option<&[String]>,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let http = reqwest::Client::builder().timeout(TIMEOUT).build();
    let http = http.map_err(|error| error.to_string())?;
    let url = &credentials.url;
    let get = |path: &str| http.get(format!("{url}{path}")).header(ACCEPT, "application/json");
    let health = match answer(get("/health")).await {
        Ok(health) => health,
        Err(why) => {
            check(findings, "service", Err(why));
            return Ok(());
        }
    };
    let (clock, now) = (clock(&health), Env::default().clock.now());
    check(findings, "service", expect(&health, StatusCode::OK).map(|()| url.clone()));
    check(findings, "clock", compare_clocks(clock, now));
    let metadata = body(get("/.well-known/oauth-authorization-server/idhub/oidc")).await;
    let issuer = format!("{}/idhub/oidc", base.trim_end_matches('/'));
    let result = metadata.and_then(|metadata| match text(&metadata, "issuer") {
        found if found == issuer => Ok(issuer.clone()),
        found => Err(format!(
            "expected `{issuer}`, found `{found}`; set the parameter BaseUrl, or use --base-url"
        )),
    });
    check(findings, "issuer", result);
    let jwks = body(get("/idhub/oidc/v1/jwks")).await;
    check(findings, "public keys", jwks.and_then(|jwks| compare_keys(&jwks, keys)));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", credentials.client_id.as_str()),
        ("client_secret", credentials.client_secret.as_str()),
    ];
    let token = body(http.post(format!("{url}/idhub/oidc/v1/token")).form(&form)).await;
    let token = token.and_then(|body| {
        if text(&body, "access_token").is_empty() {
            let why = text(&body, "error_description");
            return Err(format!("client `{}`: {why}", credentials.client_id));
        }
        Ok((text(&body, "access_token").to_owned(), text(&body, "scope").to_owned()))
    });
    match token {
        Err(why) => check(findings, "token", Err(why)),
        Ok((token, scope)) => {
            check(findings, "token", Ok(format!("with the scopes `{scope}`")));
            let users =
                get("/identity/users?limit=1").header(AUTHORIZATION, format!("Bearer {token}"));
            let read = answer(users).await.and_then(|users| expect(&users, StatusCode::OK));
            check(findings, "users", read.map(|()| "can be read".to_owned()));
        }
    }
    let refused = answer(get("/identity/users?limit=1")).await;
    let refused = refused.and_then(|refused| {
        expect(&refused, StatusCode::UNAUTHORIZED)?;
        let named = refused.headers().contains_key(WWW_AUTHENTICATE);
        let header = if named { "www-authenticate" } else { "x-amzn-remapped-www-authenticate" };
        match refused.headers().get(header) {
            Some(_) => Ok(format!("401 without a token, challenge in `{header}`")),
            None => Err("a 401 has no challenge; a proxy may remove it".to_owned()),
        }
    });
    check(findings, "strangers", refused);
    Ok(())
}

async fn answer(request: RequestBuilder) -> Result<Response, String> {
    request.send().await.map_err(|error| {
        let causes = std::iter::successors(std::error::Error::source(&error), |c| c.source());
        let cause = causes.last().map(|cause| format!(" ({cause})")).unwrap_or_default();
        format!("no answer: {}{cause}", error.without_url())
    })
}

async fn body(request: RequestBuilder) -> Result<Value, String> {
    let bytes = answer(request).await?.bytes().await.map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|_| "the answer is no JSON; check --url".to_owned())
}

/// The text of a member; empty if there is none.
fn text<'b>(body: &'b Value, name: &str) -> &'b str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn expect(response: &Response, status: StatusCode) -> Result<(), String> {
    if response.status() == status {
        Ok(())
    } else {
        Err(format!("expected {status}, found {}", response.status()))
    }
}

/// The time at the service, of the header `Date`.
fn clock(response: &Response) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(response.headers().get(DATE)?.to_str().ok()?).ok()?;
    let since_1970 = date.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(i64::try_from(since_1970.as_millis()).ok()?))
}

fn compare_clocks(service: Option<Timestamp>, here: Timestamp) -> Result<String, String> {
    let Some(service) = service else { return Ok("the service does not say its time".to_owned()) };
    let apart = service.seconds() - here.seconds();
    if apart.abs() <= APART {
        Ok(format!("{} s apart", apart.abs()))
    } else {
        Err(format!("the service is {apart} s ahead of this machine; correct the clock"))
    }
}

fn compare_keys(jwks: &Value, table: Option<&[String]>) -> Result<String, String> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or("the answer is no JWK set; check --url")?;
    let has = |kid: &String| keys.iter().any(|key| text(key, "kid") == kid);
    if table.is_none_or(|table| table.iter().all(has)) {
        Ok(format!("{} served", counted(keys.len(), "key")))
    } else {
        Err("the service lacks keys of this table; check --table and --url".to_owned())
    }
}

#[cfg(test)]
mod tests;
