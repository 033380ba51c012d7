//! The Lambda function `subjects`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::lambda::start(&subjects::ROUTES)
}
