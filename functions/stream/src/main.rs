//! The Lambda function `stream`.

use std::time::Duration;

use shared::lambda;
use stream::{EventBridge, StreamBatch, handle};

/// How long it waits before it answers that the table or the bus could not be reached. Lambda
/// counts attempts: those of an outage shall take long, and those with a record that never reads
/// shall not.
const PAUSE: Duration = Duration::from_secs(30);

fn main() -> Result<(), lambda_runtime::Error> {
    lambda::start_on(EventBridge::of, &async |app, bus, batch: StreamBatch| {
        let failures = handle(app.table(), batch, bus).await;
        if failures.may_pass {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(failures)
    })
}
