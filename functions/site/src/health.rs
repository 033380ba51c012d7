//! Whether the service and its table answer.

use std::time::Duration;

use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde_json::json;
use shared::app::App;
use shared::axum::Json;
use shared::axum::response::{IntoResponse as _, Response};
use shared::domain::error::{Error, Result};
use shared::env::Timestamp;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long the table may take to answer.
const LIMIT: Duration = Duration::from_secs(2);
/// How long an answer of the table holds, in milliseconds: many checks cost one read a second.
const FRESH: i64 = 1000;

/// The last check of the table's health by this process: its time and the fault.
#[derive(Default)]
pub(crate) struct Health(Mutex<Option<(Timestamp, Option<String>)>>);

impl Health {
    /// Answers 200 if the table answers, and 503 if not. Checks that come together wait for one
    /// read.
    pub(crate) async fn check(&self, app: &App) -> Result<Response> {
        let mut last = self.0.lock().await;
        let age = |seen: Timestamp| app.env().clock.now().millis() - seen.millis();
        let fault = match &*last {
            Some((seen, fault)) if (0..FRESH).contains(&age(*seen)) => fault.clone(),
            _ => {
                let fault = match timeout(LIMIT, app.table().ping()).await {
                    Ok(answered) => answered.err().map(|error| error.to_string()),
                    Err(_) => Some("no answer within two seconds".to_owned()),
                };
                last.insert((app.env().clock.now(), fault)).1.clone()
            }
        };
        if let Some(fault) = fault {
            return Err(Error::Unavailable(format!("health check: {fault}")));
        }
        let mut response = Json(json!({ "status": "ok" })).into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}
