//! A running service as `kith import` and `kith export` call it: with a token that is renewed, and
//! with patience.

mod message;

use std::path::Path;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;
use shared::domain::Json;
use shared::domain::json::Object;
use shared::env::{Clock, Env};

pub(crate) use self::message::{RemoteRequest, RemoteResponse};
use crate::access::{Access, BACK_END, Credentials};
use crate::failure::Failure;

/// How long a service that has answered before may be away.
const AWAY: i64 = 300_000;
/// How long a service that has not answered yet may be.
const UNMET: i64 = 10_000;
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A service that is called with a client's token.
pub(crate) struct Remote {
    http: reqwest::Client,
    env: Env,
    /// Without a slash at the end.
    pub(crate) url: String,
    pub(crate) client_id: String,
    secret: String,
    token: Option<String>,
    /// Whether it has answered.
    met: bool,
}

/// How long a request is retried.
struct RetryLimits {
    clock: Clock,
    /// Milliseconds since the epoch.
    ends: i64,
    pause: Duration,
}

impl RetryLimits {
    /// Waits for the least time, or a little longer each time; fails with the reason when the
    /// patience has ended.
    async fn rest(&mut self, least: Duration, why: Failure) -> Result<(), Failure> {
        if self.clock.now().millis() > self.ends {
            return Err(why);
        }
        tokio::time::sleep(least.max(self.pause).min(LONGEST_PAUSE)).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(5));
        Ok(())
    }
}

/// The result of one attempt.
enum RemoteAttempt {
    HandlerResult(RemoteResponse),
    Pause(Duration, Failure),
    TokenRefused,
}

impl Access {
    /// Opens the service; nothing is sent yet.
    pub(crate) fn open(self, data: &Path, env: Env) -> Result<Remote, Failure> {
        self.credentials(data, BACK_END)?.open(env)
    }
}

impl Credentials {
    /// Opens the service; nothing is sent yet.
    pub(crate) fn open(self, env: Env) -> Result<Remote, Failure> {
        let Self { url, client_id, client_secret: secret } = self;
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Remote { http, env, url, client_id, secret, token: None, met: false })
    }
}

impl Remote {
    /// Sends a request until it is answered: with a new token when the old one has ended, after
    /// `Retry-After` when the service asks for it, and again when the service is away, for five
    /// minutes at the most.
    pub(crate) async fn send(
        &mut self,
        ask: &RemoteRequest<'_>,
    ) -> Result<RemoteResponse, Failure> {
        let mut patience = self.patience();
        let mut refused = false;
        loop {
            match self.attempt(ask).await? {
                RemoteAttempt::HandlerResult(reply) => {
                    self.met = true;
                    return Ok(reply);
                }
                RemoteAttempt::TokenRefused if refused => {
                    return Err(
                        format!("{} refuses the tokens that it issued itself", self.url).into()
                    );
                }
                RemoteAttempt::TokenRefused => {
                    refused = true;
                    self.token = None;
                }
                RemoteAttempt::Pause(due, why) => patience.rest(due, why).await?,
            }
        }
    }

    /// Asks for a token, so that a caller without access learns it before anything else
    /// happens.
    pub(crate) async fn sign_in(&mut self) -> Result<(), Failure> {
        let mut patience = self.patience();
        while let Err(RemoteAttempt::Pause(due, why)) = self.new_token().await? {
            patience.rest(due, why).await?;
        }
        self.met = true;
        Ok(())
    }

    /// The token that it sends; a new one if there is none yet.
    pub(crate) async fn token(&mut self) -> Result<String, Failure> {
        if self.token.is_none() {
            self.sign_in().await?;
        }
        Ok(self.token.clone().ok_or_else(|| format!("{} issued no token", self.url))?)
    }

    /// Sends a request once, with another token.
    pub(crate) async fn send_with(
        &self,
        token: &str,
        ask: &RemoteRequest<'_>,
    ) -> Result<RemoteResponse, Failure> {
        match self.answer(self.request(token, ask)).await {
            RemoteAttempt::HandlerResult(reply) => Ok(reply),
            RemoteAttempt::Pause(_, why) => Err(why),
            RemoteAttempt::TokenRefused => Err(format!("{} refuses the token", self.url).into()),
        }
    }

    /// Calls a list page by page and hands over each of its items.
    pub(crate) async fn each(
        &mut self,
        path: &str,
        mut take: impl FnMut(&Object) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut cursor = None;
        loop {
            let items = self.page(path, &mut cursor).await?;
            items.iter().try_for_each(&mut take)?;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Calls one page of a list, and moves the cursor to the next one; `None` after the last.
    pub(crate) async fn page(
        &mut self,
        path: &str,
        cursor: &mut Option<String>,
    ) -> Result<Vec<Object>, Failure> {
        let mut ask = RemoteRequest::get(path).query("limit", "100");
        if let Some(cursor) = cursor.take() {
            ask = ask.query("cursor", cursor);
        }
        let page = self.send(&ask).await?.good(path)?.json()?;
        let page = page.as_object().ok_or_else(|| format!("{path} did not answer with a list"))?;
        let Some(Json::Array(items)) = page.get("items") else {
            return Err(format!("{path} did not answer with a list").into());
        };
        *cursor = page.get("next_cursor").and_then(Json::as_str).map(str::to_owned);
        Ok(items.iter().filter_map(Json::as_object).cloned().collect())
    }

    fn patience(&self) -> RetryLimits {
        let clock = self.env.clock.clone();
        let ends = clock.now().millis() + if self.met { AWAY } else { UNMET };
        RetryLimits { clock, ends, pause: Duration::from_millis(200) }
    }

    async fn attempt(&mut self, ask: &RemoteRequest<'_>) -> Result<RemoteAttempt, Failure> {
        let token = match &self.token {
            Some(token) => token.clone(),
            None => match self.new_token().await? {
                Ok(token) => token,
                Err(pause) => return Ok(pause),
            },
        };
        let attempt = self.answer(self.request(&token, ask)).await;
        Ok(match attempt {
            RemoteAttempt::HandlerResult(reply) if reply.status == StatusCode::UNAUTHORIZED => {
                RemoteAttempt::TokenRefused
            }
            attempt => attempt,
        })
    }

    fn request(&self, token: &str, ask: &RemoteRequest<'_>) -> reqwest::RequestBuilder {
        let mut request =
            self.http.request(ask.method.clone(), format!("{}{}", self.url, ask.path));
        request = request.query(&ask.query).bearer_auth(token);
        for (name, value) in &ask.headers {
            request = request.header(*name, *value);
        }
        if let Some((content_type, body)) = &ask.body {
            request = request.header(CONTENT_TYPE, *content_type).body(body.clone());
        }
        request
    }

    async fn new_token(&mut self) -> Result<Result<String, RemoteAttempt>, Failure> {
        const PATH: &str = "/idhub/oidc/v1/token";
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.secret),
        ];
        let request = self.http.post(format!("{}{PATH}", self.url)).form(&form);
        let reply = match self.answer(request).await {
            RemoteAttempt::HandlerResult(reply) => reply,
            pause => return Ok(Err(pause)),
        };
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        match body.get("access_token").and_then(Value::as_str) {
            Some(token) if reply.status.is_success() => {
                self.token = Some(token.to_owned());
                Ok(Ok(token.to_owned()))
            }
            _ => {
                let why =
                    body.get("error").and_then(Value::as_str).unwrap_or("the answer has no token");
                Err(format!(
                    "{} issued no token to client `{}`: {}, {why}",
                    self.url, self.client_id, reply.status
                )
                .into())
            }
        }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> RemoteAttempt {
        let away = |error: reqwest::Error| {
            let causes =
                std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
            let cause = causes.last().map(|cause| format!(" ({cause})")).unwrap_or_default();
            RemoteAttempt::Pause(
                Duration::ZERO,
                format!("{} does not answer: {}{cause}", self.url, error.without_url()).into(),
            )
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return away(error),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = match response.bytes().await {
            Ok(body) => body.to_vec(),
            Err(error) => return away(error),
        };
        if matches!(status.as_u16(), 429 | 502 | 503 | 504) {
            let seconds = headers
                .get(RETRY_AFTER)
                .and_then(|after| after.to_str().ok()?.parse().ok())
                .unwrap_or(1);
            return RemoteAttempt::Pause(
                Duration::from_secs(seconds),
                format!("{} still answers {status}", self.url).into(),
            );
        }
        RemoteAttempt::HandlerResult(RemoteResponse { status, headers, body })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::{get, post};

    use super::{Access, RemoteRequest};

    #[tokio::test]
    async fn a_token_that_ended_is_replaced_and_a_busy_service_is_waited_for() {
        let (tokens, answers) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (issued, answered) = (tokens.clone(), answers.clone());
        let token = move || async move {
            format!("{{\"access_token\":\"t{}\"}}", issued.fetch_add(1, Ordering::SeqCst))
        };
        let answer = move |headers: HeaderMap| async move {
            match (
                answered.fetch_add(1, Ordering::SeqCst),
                headers.get("authorization").unwrap().to_str().unwrap(),
            ) {
                (0, _) => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")]),
                (1, _) => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]),
                (_, "Bearer t0") => (StatusCode::UNAUTHORIZED, [("retry-after", "0")]),
                _ => (StatusCode::OK, [("retry-after", "0")]),
            }
        };
        let refused = || async { StatusCode::UNAUTHORIZED };
        let router = Router::new()
            .route("/idhub/oidc/v1/token", post(token))
            .route("/busy", get(answer))
            .route("/refused", get(refused));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        let access = Access {
            url: Some(url),
            client_id: Some("id".to_owned()),
            client_secret: Some("secret".to_owned()),
        };
        let mut remote =
            access.open(std::path::Path::new("/nowhere"), shared::env::Env::default()).unwrap();
        remote.sign_in().await.unwrap();
        assert_eq!(remote.send(&RemoteRequest::get("/busy")).await.unwrap().status, StatusCode::OK);
        assert_eq!((tokens.load(Ordering::SeqCst), answers.load(Ordering::SeqCst)), (2, 4));
        assert!(remote.send(&RemoteRequest::get("/refused")).await.is_err());
    }
}
