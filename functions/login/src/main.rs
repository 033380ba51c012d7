//! The Lambda function `login`.

use std::error::Error;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    if sandbox::is_worker() {
        return Ok(sandbox::serve());
    }
    sandbox::protect();
    shared::lambda::start(&login::ROUTES)?;
    Ok(ExitCode::SUCCESS)
}
