//! The Lambda function `stream`.

use shared::lambda;
use stream::{Batch, EventBridge, handle};

fn main() -> Result<(), lambda_http::Error> {
    lambda::start_on(EventBridge::of, &async |app, bus, batch: Batch| Ok(handle(app.table(), batch, bus).await))
}
