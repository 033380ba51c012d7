//! One walk: its caller, its steps, and how they are shown.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};
use local::demo::{PEOPLE_CLIENT, Variables};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use shared::env::Env;

use super::options::Options;
use crate::failure::Failure;
use crate::output::{say, say_styled};

/// A client.
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: String,
}

/// A tour through the service.
pub(super) struct Tour {
    http: reqwest::Client,
    pub(super) url: String,
    pub(super) client: Credentials,
    admin: Credentials,
    /// The id of the client in which people sign in.
    pub(super) people_client: String,
    pub(super) token: String,
    pub(super) admin_token: String,
    steps: usize,
    colour: bool,
    /// Keeps names of this walk apart from those of others.
    pub(super) mark: String,
}

/// A response of the tour.
pub(super) struct TourResponse {
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl TourResponse {
    pub(super) fn etag(&self) -> &str {
        self.headers.get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn text(&self, pointer: &str) -> Result<String, Failure> {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        Ok(text
            .map(str::to_owned)
            .ok_or_else(|| format!("the answer of the service has no `{pointer}`"))?)
    }
}

/// A request of the tour.
pub(super) struct TourRequest<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: Option<Value>,
    pub(super) headers: Vec<(&'static str, &'a str)>,
}

impl<'a> TourRequest<'a> {
    pub(super) const fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, body: None, headers: Vec::new() }
    }

    pub(super) fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: &'a str, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }

    pub(super) fn patch(path: &'a str, tag: &'a str, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PATCH, path) }.with("if-match", tag)
    }

    pub(super) fn with(mut self, name: &'static str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Tour {
    pub(super) fn new(options: Options, variables: &Variables) -> Result<Self, Failure> {
        let value = |given: Option<String>, name: &str| {
            let missing = || {
                format!("{name} is not set; use the option, or run in the folder of a `demo.env`")
            };
            given.or_else(|| variables.get(name).cloned()).ok_or_else(missing)
        };
        let client = Credentials {
            id: value(options.client_id, "KITH_CLIENT_ID")?,
            secret: value(options.client_secret, "KITH_CLIENT_SECRET")?,
        };
        let admin = Credentials {
            id: value(options.admin_client_id, "KITH_ADMIN_CLIENT_ID")?,
            secret: value(options.admin_client_secret, "KITH_ADMIN_CLIENT_SECRET")?,
        };
        // Only the flow of people needs it.
        let people_client = value(options.people_client_id, PEOPLE_CLIENT).unwrap_or_default();
        let url = value(options.url, "KITH_URL")?.trim_end_matches('/').to_owned();
        let env = Env::default();
        let mark = format!("{:08x}", u32::from_be_bytes(env.random.bytes()));
        let colour = std::io::stdout().is_terminal();
        let (token, admin_token) = (String::new(), String::new());
        Ok(Self {
            http: reqwest::Client::new(),
            url,
            client,
            admin,
            people_client,
            token,
            admin_token,
            steps: 0,
            colour,
            mark,
        })
    }

    /// Says how many steps were walked.
    pub(super) fn end(&self) -> Result<(), Failure> {
        self.paint(
            AnsiColor::Green.on_default().bold(),
            &format!("\nAll {} steps succeeded.", self.steps),
        )
    }

    /// The name of something that this walk makes.
    pub(super) fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.mark)
    }

    pub(super) async fn sign_in(&mut self, admin: bool) -> Result<(), Failure> {
        let who = if admin { &self.admin } else { &self.client };
        let (id, secret) = (who.id.clone(), who.secret.clone());
        let title =
            if admin { "A token for the administrator" } else { "A token for the back end" };
        let form =
            [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &secret)];
        let reply = self.grant(title, &form).await?;
        self.token = reply.text("/access_token")?;
        if let Ok(refresh) = reply.text("/refresh_token") {
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", &refresh),
                ("client_id", &id),
                ("client_secret", &secret),
            ];
            self.token = self
                .grant("The refresh token for the next one", &form)
                .await?
                .text("/access_token")?;
        }
        Ok(())
    }

    /// A step with the administrator's token.
    pub(super) async fn administrator(
        &mut self,
        title: &str,
        ask: TourRequest<'_>,
        due: u16,
    ) -> Result<TourResponse, Failure> {
        std::mem::swap(&mut self.token, &mut self.admin_token);
        let reply = self.step(title, ask, due).await;
        std::mem::swap(&mut self.token, &mut self.admin_token);
        reply
    }

    pub(super) async fn grant(
        &mut self,
        title: &str,
        form: &[(&str, &str)],
    ) -> Result<TourResponse, Failure> {
        self.title(title)?;
        let shown = form.iter().map(|(name, value)| {
            if name.ends_with("secret") || ["refresh_token", "code", "code_verifier"].contains(name)
            {
                format!("{name}=…")
            } else {
                format!("{name}={value}")
            }
        });
        self.request("POST", "/idhub/oidc/v1/token", &[], &shown.collect::<Vec<_>>().join("&"))?;
        let sent =
            self.http.post(format!("{}/idhub/oidc/v1/token", self.url)).form(form).send().await;
        self.answer(sent, 200).await
    }

    pub(super) async fn step(
        &mut self,
        title: &str,
        ask: TourRequest<'_>,
        due: u16,
    ) -> Result<TourResponse, Failure> {
        self.title(title)?;
        let body = ask.body.as_ref().map(Value::to_string).unwrap_or_default();
        self.request(ask.method.as_str(), ask.path, &ask.headers, &body)?;
        let mut request =
            self.http.request(ask.method.clone(), format!("{}{}", self.url, ask.path));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        self.answer(request.send().await, due).await
    }

    async fn answer(
        &mut self,
        sent: Result<reqwest::Response, reqwest::Error>,
        due: u16,
    ) -> Result<TourResponse, Failure> {
        let response =
            sent.map_err(|error| format!("{} does not answer: {}", self.url, error.without_url()))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.map_err(|error| error.to_string())?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        self.reply(status, &headers, &hide_tokens(text, &body))?;
        if status.as_u16() != due {
            return Err(
                format!("step {}: expected status {due}, found {status}", self.steps).into()
            );
        }
        Ok(TourResponse { headers, body })
    }

    pub(super) fn title(&mut self, title: &str) -> Result<(), Failure> {
        self.steps += 1;
        self.paint(Style::new().bold(), &format!("\n{}. {title}", self.steps))
    }

    pub(super) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(), Failure> {
        self.paint(AnsiColor::Cyan.on_default(), &format!("   {method} {path}"))?;
        for (name, value) in headers {
            say(format_args!("   {name}: {value}"))?;
        }
        if body.is_empty() { Ok(()) } else { say(format_args!("   {body}")) }
    }

    fn reply(&self, status: StatusCode, headers: &HeaderMap, body: &str) -> Result<(), Failure> {
        let colour = if status.is_client_error() || status.is_server_error() {
            AnsiColor::Yellow
        } else {
            AnsiColor::Green
        };
        self.paint(colour.on_default(), &format!("   → {status}"))?;
        for name in ["location", "etag", "idempotency-replayed"] {
            if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
                say(format_args!("     {name}: {value}"))?;
            }
        }
        if body.is_empty() { Ok(()) } else { say(format_args!("     {body}")) }
    }

    pub(super) fn paint(&self, style: Style, text: &str) -> Result<(), Failure> {
        if self.colour { say_styled(style, text) } else { say(text) }
    }
}

/// The answer's text with tokens cut short: they are secrets, and long.
fn hide_tokens(text: String, body: &Value) -> String {
    let tokens = ["access_token", "refresh_token", "id_token", "client_secret"]
        .into_iter()
        .filter_map(|name| body.get(name)?.as_str());
    tokens.fold(text, |text, token| {
        let start: String = token.chars().take(12).collect();
        text.replace(token, &format!("{start}…"))
    })
}

/// Fails a step whose answer is not what it should be.
pub(super) fn expect(holds: bool, otherwise: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
