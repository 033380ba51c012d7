//! Events on an EventBridge bus.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::retry::RetryConfig;
use aws_sdk_eventbridge::config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::config::{
    BehaviorVersion, Builder, IdentityCache, StalledStreamProtectionConfig,
};
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use shared::https;
use shared::lambda::Settings;

use crate::{Event, EventSink, SOURCE};

/// How many events one request takes.
const MOST: usize = 10;
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// How long one request may take, attempts and waits together.
const OPERATION: Duration = Duration::from_secs(8);

/// A bus.
#[derive(Clone, Debug)]
pub struct EventBridge {
    client: Client,
    bus: Option<String>,
}

impl EventBridge {
    /// The bus that a function's environment names.
    pub fn of(settings: &Settings) -> Result<Self, lambda_runtime::Error> {
        let mut config = client_settings()
            .region(settings.region.clone())
            .http_client(https::client_of_any(settings.trust)?);
        if let Some(credentials) = settings.credentials.clone() {
            config =
                config.credentials_provider(credentials).identity_cache(IdentityCache::no_cache());
        }
        if let Some(endpoint) = &settings.events_endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(Self::new(Client::from_conf(config.build()), settings.event_bus.clone()))
    }

    /// A bus by its name or ARN, or the account's default one, as a client reaches it.
    #[must_use]
    pub const fn new(client: Client, bus: Option<String>) -> Self {
        Self { client, bus }
    }

    async fn put(&self, events: &[Event]) -> Result<Vec<usize>, String> {
        let entries = events.iter().map(|event| {
            let detail = serde_json::to_string(&event.detail).map_err(|error| error.to_string())?;
            Ok(PutEventsRequestEntry::builder()
                .source(SOURCE)
                .detail_type(event.kind.as_str())
                .detail(detail)
                .set_event_bus_name(self.bus.clone())
                .build())
        });
        let entries = entries.collect::<Result<Vec<_>, String>>()?;
        let answer = self.client.put_events().set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| error.code().unwrap_or("no answer").to_owned())?;
        // Each entry has an answer; what had none was not taken.
        let mut failed: Vec<_> = (answer.entries().len()..events.len()).collect();
        for (position, entry) in answer.entries().iter().enumerate() {
            if let Some(code) = entry.error_code() {
                tracing::error!(operation = "put_events", cause = code);
                failed.push(position);
            }
        }
        Ok(failed)
    }
}

/// The client's settings that do not depend on where it runs: timeouts and retries, set on purpose.
#[must_use]
pub fn client_settings() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

impl EventSink for EventBridge {
    async fn publish(&self, events: &[Event]) -> Vec<usize> {
        let mut failed = Vec::new();
        for (request, some) in events.chunks(MOST).enumerate() {
            let first = request * MOST;
            match self.put(some).await {
                Ok(positions) => {
                    failed.extend(positions.into_iter().map(|position| first + position));
                }
                Err(cause) => {
                    // The bus cannot be reached: the others would wait as long, one after another.
                    tracing::error!(operation = "put_events", cause);
                    failed.extend(first..events.len());
                    break;
                }
            }
        }
        failed
    }
}
