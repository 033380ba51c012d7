//! The Lambda function `token`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::lambda::start_with_signing_keys(&token::ROUTES)
}
