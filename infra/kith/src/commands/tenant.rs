//! `kith tenant`: creates and lists tenants.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use shared::domain::id::TenantId;

use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::Console;

/// What is done with tenants.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Create a tenant with the built-in definitions
    Create {
        /// The name: 2 to 63 lower-case letters, digits and hyphens, starting with a letter
        name: TenantId,
    },
    /// List the tenants
    List,
}

/// Does what the command says.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let table = location.open().await?;
    let failed = Resource::Tenant.failed();
    match action {
        Action::Create { name } => {
            if !table.create_tenant(&name).await.map_err(failed)? {
                return Err(format!("there is a tenant `{name}` already").into());
            }
            console.print(&json!({ "id": name }), || format!("created tenant {name}"))?;
        }
        Action::List => {
            let tenants = table.tenants().await.map_err(failed)?;
            console.print(&json!(tenants), || {
                let lines: Vec<_> = tenants
                    .iter()
                    .map(|tenant| format!("{}\t{}", tenant.id, tenant.created_at))
                    .collect();
                lines.join("\n")
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
