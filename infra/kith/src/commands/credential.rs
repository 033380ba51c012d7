//! `kith credential`: takes credentials away in an emergency (rule G73), and adopts imported hashes
//! as passwords.

use std::process::ExitCode;

use clap::Subcommand;
use local::base_url::BaseUrl;
use maintenance::people::{Adoption, adopt, link, reset_credentials};
use serde_json::json;
use shared::domain::id::TenantId;

use super::people;
use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted, note, say};

/// What is done with credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Take password, passkeys, links and sessions of a user away, and print a link that sets
    /// another password
    Reset {
        /// The tenant of the user
        #[arg(long)]
        tenant: TenantId,
        /// The id or username of the user
        #[arg(value_name = "USER")]
        user: String,
        /// The base URL of the service; by default the one in `demo.env` of the data folder
        #[arg(long, value_name = "URL")]
        base_url: Option<BaseUrl>,
    },
    /// Make the imported hashes of an attribute the passwords of the people who have none; the
    /// hashes leave the attribute
    Adopt {
        /// The tenant
        #[arg(long)]
        tenant: TenantId,
        /// The attribute of the data format HASH, as `category.name`
        #[arg(long, value_name = "CATEGORY.NAME")]
        attribute: String,
        /// Say what would become of the hashes, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Does what the command says.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    match action {
        Action::Reset { tenant, user, base_url } => {
            let base_url = people::base_url(base_url, location)?;
            reset(&tenant, &user, &base_url, location, console).await
        }
        Action::Adopt { tenant, attribute, dry_run } => {
            let app = people::open(location, &tenant).await?;
            let adopted = Box::pin(adopt(&app, &tenant, &attribute, dry_run)).await;
            report(&adopted.map_err(Resource::User.failed())?, dry_run, console)
        }
    }
}

async fn reset(
    tenant: &TenantId,
    name: &str,
    base_url: &str,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let app = people::open(location, tenant).await?;
    let user = people::user(&app, tenant, name).await?.value.id;
    let reset = Box::pin(reset_credentials(&app, tenant, user)).await;
    let token = reset.map_err(Resource::User.failed())?;
    let token = token.ok_or_else(|| format!("tenant `{tenant}` has no user `{name}`"))?;
    let link = link(base_url, &token);
    console.print(&json!({ "user_id": user, "link": link }), || {
        format!(
            "user {user} has no password, no passkey and no session any more\n\n  {link}\n\nOpen the \
             link within 30 minutes to set another password. It is shown only now, and works once."
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Says what became of the hashes; fails if some cannot be passwords.
fn report(adoption: &Adoption, dry_run: bool, console: Console) -> Result<ExitCode, Failure> {
    let Adoption { adopted, kept, refused } = adoption;
    if console.json {
        let refused: Vec<_> =
            refused.iter().map(|(user, why)| json!({ "user_id": user, "detail": why })).collect();
        let shown = json!({ "adopted": adopted, "kept": kept, "refused": refused });
        say(shown)?;
    } else {
        for (user, why) in refused {
            note(format_args!("user {user}: {why}"));
        }
        let verb = if dry_run { "would be adopted" } else { "adopted" };
        say(format_args!(
            "{} {verb}, {} with a password already, {} refused",
            counted(*adopted, "password"),
            counted(*kept, "user"),
            refused.len()
        ))?;
    }
    Ok(if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
