//! `kith check`: verifies a tenant and reports what is wrong.

use std::process::ExitCode;

use clap::Args;
use maintenance::check::{CheckReport, verify};
use serde_json::json;
use shared::domain::id::TenantId;

use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted, say};

/// What to verify.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The tenant to verify
    #[arg(long)]
    tenant: TenantId,
}

/// Verifies and prints the report; fails if something is wrong.
pub(crate) async fn run(
    options: Options,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let (table, tenant) = (location.open_tenant(&options.tenant).await?, options.tenant);
    let report = verify(&table, &tenant).await.map_err(Resource::Tenant.failed())?;
    let CheckReport { users, lookups, unfinished, forms, waiting, problems } = &report;
    let count = problems.len();
    if console.json {
        say(json!({
            "users": users, "index_entries": lookups, "unfinished_erasures": unfinished,
            "index_forms": forms, "outdated_users": waiting, "problems": problems
        }))?;
    } else {
        say(format_args!(
            "{}, {}, {}, {}",
            counted(*users, "user"),
            counted(*lookups, "index entry"),
            counted(*unfinished, "unfinished erasure"),
            counted(count, "problem")
        ))?;
        if *waiting > 0 {
            say(format_args!(
                "  {} {} index entries of an earlier form; the sweeper renews them",
                counted(*waiting, "user"),
                if *waiting == 1 { "has" } else { "have" }
            ))?;
        }
        for problem in problems {
            say(format_args!("  {problem}"))?;
        }
    }
    if problems.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(format!("tenant `{tenant}` has {}", counted(count, "problem")).into())
    }
}
