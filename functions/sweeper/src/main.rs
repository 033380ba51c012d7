//! The Lambda function `sweeper`.

use std::error::Error;
use std::process::ExitCode;

use shared::lambda::{self, Settings};
use sweeper::{BUDGET_SECONDS, sweep};

fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    if sandbox::is_worker() {
        return Ok(sandbox::serve());
    }
    sandbox::protect();
    lambda::start_scheduled(Settings::archive, &async |app, archive| {
        let until = app.env().clock.now().plus_seconds(BUDGET_SECONDS);
        sweep(app, archive.as_ref(), until).await
    })?;
    Ok(ExitCode::SUCCESS)
}
