//! `kith definition purge`: deletes a used definition that no user holds any more.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use maintenance::purge::{PurgeOutcome, SETTLED, purge};
use serde_json::json;
use shared::domain::id::TenantId;

use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted, note};

/// What is done with definitions.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Deprecate an attribute or persona definition, wait until no function has the older version
    /// in its cache, and delete it if no user has it
    Purge {
        /// The tenant of the definition
        #[arg(long)]
        tenant: TenantId,
        /// The id of the definition
        id: String,
    },
}

/// Purges and prints the outcome; fails if a user holds the definition.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let Action::Purge { tenant, id } = action;
    // Nothing serves an embedded table while this program has it open.
    let wait = if location.is_remote() { SETTLED } else { Duration::ZERO };
    let table = location.open_tenant(&tenant).await?;
    if !wait.is_zero() && !console.json && !console.quiet {
        note(format_args!(
            "waiting {} s, until no function has the older version in its cache",
            wait.as_secs()
        ));
    }
    let purged = purge(&table, &tenant, &id, wait).await;
    match purged.map_err(Resource::Definition.failed())? {
        PurgeOutcome::Unknown => {
            let detail = format!("tenant `{tenant}` has no attribute or persona definition `{id}`");
            return Err(detail.into());
        }
        PurgeOutcome::Gone => console
            .print(&json!({ "id": id, "purged": true }), || format!("deleted definition {id}"))?,
        PurgeOutcome::InUse(count, some) => {
            let some: Vec<_> = some.iter().map(ToString::to_string).collect();
            return Err(format!(
                "{} still {} this definition, which stays deprecated: {}",
                counted(count, "user"),
                if count == 1 { "has" } else { "have" },
                some.join(", ")
            )
            .into());
        }
    }
    Ok(ExitCode::SUCCESS)
}
