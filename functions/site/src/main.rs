//! The Lambda function `site`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::lambda::start(&site::ROUTES)
}
