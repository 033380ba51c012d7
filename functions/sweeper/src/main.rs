//! The Lambda function `sweeper`.

use std::error::Error;
use std::process::ExitCode;

use shared::lambda::{self, Settings};
use sweeper::{BUDGET_SECONDS, Export, sweep};

fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    if sandbox::is_worker() {
        return Ok(sandbox::serve());
    }
    sandbox::protect();
    let export = |settings: &Settings| Ok(settings.archive()?.map(Export::from));
    lambda::start_scheduled(export, &async |app, export| {
        let until = app.env().clock.now().plus_seconds(BUDGET_SECONDS);
        Box::pin(sweep(app, export.as_ref(), until)).await
    })?;
    Ok(ExitCode::SUCCESS)
}
