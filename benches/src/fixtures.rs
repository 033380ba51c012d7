//! The fixtures of the measurements: a tenant with a client, a token and a user, and the requests
//! as API Gateway sends them.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use local::demo;
use local::embedded::Embedded;
use local::serve::{own_state, router};
use local::table::{LOCAL, create, embedded_client};
use serde_json::{Value, json};
use shared::env::Env;
use shared::fetch::Fetcher;
use shared::store::Table;
use tower::ServiceExt as _;

use crate::Measurement;
use crate::process::Scratch;

/// The domain of the API.
const DOMAIN: &str = "api.example";
/// The path of the token endpoint.
pub(crate) const TOKEN: &str = "/idhub/oidc/v1/token";

/// The form of a token request.
#[must_use]
pub(crate) fn token_form(id: &str, secret: &str) -> String {
    format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
}

/// The requests that are measured.
pub(crate) struct PreparedEvents {
    client_id: String,
    client_secret: String,
    token: String,
    user: String,
}

/// Fills an engine and returns what can be asked of it.
pub(crate) async fn prepare(engine: &Embedded, folder: &Scratch) -> Measurement<PreparedEvents> {
    let client = embedded_client(engine.http_client());
    create(&client, LOCAL).await?;
    let table = Table::new(client, LOCAL, Env::default());
    let url = format!("https://{DOMAIN}");
    let scripts = local::serve::scripts()?;
    let state = own_state(&table, &url, &scripts, &Fetcher::default());
    let prepared = Box::pin(demo::prepare(&state, &folder.0, &url)).await?;
    let env = demo::read_env(&prepared.env_file)?;
    let variable =
        |name: &str| env.get(name).cloned().ok_or("the demonstration's credentials are incomplete");
    let (client_id, client_secret) =
        (variable("KITH_ADMIN_CLIENT_ID")?, variable("KITH_ADMIN_CLIENT_SECRET")?);
    let router =
        router(table.env().clone(), || own_state(&table, &url, &scripts, &Fetcher::default()));
    let form = Request::post(TOKEN).header("content-type", "application/x-www-form-urlencoded");
    let answer = ask(&router, form.body(token_form(&client_id, &client_secret).into())?).await?;
    let token = text(&answer, "access_token")?;
    let body = json!({
        "username": "jan.janssen", "given_name": "Jan", "family_name": "Janssen",
        "preferred_email": "jan@example.org",
    });
    let post = Request::post("/identity/users")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let answer = ask(&router, post.body(body.to_string().into())?).await?;
    let user = text(&answer, "id")?;
    Ok(PreparedEvents { client_id, client_secret, token, user })
}

async fn ask(router: &Router, request: Request<Body>) -> Measurement<Value> {
    let answer = router.clone().oneshot(request).await?;
    Ok(serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?)
}

fn text(answer: &Value, name: &str) -> Measurement<String> {
    Ok(answer
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("no `{name}` in {answer}"))?
        .to_owned())
}

impl PreparedEvents {
    /// The event that a function is measured with.
    pub(crate) fn of(&self, function: &str) -> Measurement<Bytes> {
        let user = &self.user;
        let event = match function {
            "token" => {
                let form = token_form(&self.client_id, &self.client_secret);
                event(
                    "POST",
                    TOKEN,
                    "",
                    json!({ "content-type": "application/x-www-form-urlencoded" }),
                    Some(&form),
                )
            }
            "users" => self.get(&format!("/identity/users/{user}"), ""),
            "personas" => self.get(&format!("/identity/users/{user}/personas"), ""),
            "definitions" => self.get(
                "/identity/config/attribute-definitions",
                "category=common&name=employee-number",
            ),
            "subjects" => {
                self.get("/api/v1/sso/authentication-server-subjects", &format!("user_id={user}"))
            }
            "login" => event("GET", "/idhub/login/acme", "", json!({}), None),
            "site" => self.get("/health", ""),
            // The function ignores the event of a schedule.
            "sweeper" => json!({}),
            // The user does not exist. So the function reads the table and publishes no event.
            "stream" => {
                let keys = json!({
                    "pk": { "S": "T#acme#U#00000000-0000-7000-8000-000000000000" },
                    "sk": { "S": "PROFILE" }
                });
                json!({
                    "Records": [
                        {
                            "eventName": "MODIFY",
                            "dynamodb": { "Keys": keys, "SequenceNumber": "1" }
                        }
                    ]
                })
            }
            // The mail has been sent already: the function reads the table and sends nothing.
            "mailer" => {
                let keys = json!({
                    "pk": { "S": "OUTBOX#0" },
                    "sk": { "S": "2030-01-01T00:00:00.000Z#00000000-0000-7000-8000-000000000000" }
                });
                json!({
                    "Records": [
                        {
                            "eventName": "INSERT",
                            "dynamodb": { "Keys": keys, "SequenceNumber": "1" }
                        }
                    ]
                })
            }
            other => return Err(format!("nothing is known to ask of `{other}`").into()),
        };
        Ok(event.to_string().into())
    }

    fn get(&self, path: &str, query: &str) -> Value {
        event(
            "GET",
            path,
            query,
            json!({ "authorization": format!("Bearer {}", self.token) }),
            None,
        )
    }
}

/// An event of API Gateway, payload 2.0.
fn event(method: &str, path: &str, query: &str, mut headers: Value, body: Option<&str>) -> Value {
    if let Some(headers) = headers.as_object_mut() {
        headers.insert("host".to_owned(), DOMAIN.into());
        headers.insert("accept".to_owned(), "*/*".into());
    }
    json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": DOMAIN,
            "domainPrefix": "api",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "benches",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": format!("{method} {path}"),
            "stage": "$default",
            "time": "01/Jan/2030:00:00:00 +0000",
            "timeEpoch": 1_893_456_000_000_i64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}
