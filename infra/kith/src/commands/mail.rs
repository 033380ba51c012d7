//! `kith mail`: the mails that wait, and addresses that take no mail.

use std::process::ExitCode;

use clap::Subcommand;
use maintenance::people::resume_mail;
use serde_json::json;
use shared::domain::id::TenantId;
use shared::domain::people::{Mail, Recipient};
use shared::env::Timestamp;
use shared::store::Table;
use shared::store::keys::OUTBOX_SHARDS;

use super::people;
use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted, say};

/// What is done with mails.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the mails of a tenant that wait to be sent, without addresses
    List {
        /// The tenant
        #[arg(long)]
        tenant: TenantId,
    },
    /// Send mail again to a user whose address bounced or complained
    Resume {
        /// The tenant of the user
        #[arg(long)]
        tenant: TenantId,
        /// The id or username of the user
        #[arg(value_name = "USER")]
        user: String,
    },
}

/// Does what the command says.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    match action {
        Action::List { tenant } => {
            list(&location.open_tenant(&tenant).await?, &tenant, console).await?;
        }
        Action::Resume { tenant, user } => {
            let app = people::open(location, &tenant).await?;
            let id = people::user(&app, &tenant, &user).await?.value.id;
            let resumed = Box::pin(resume_mail(&app, &tenant, id)).await;
            let resumed = resumed.map_err(Resource::User.failed())?;
            console.print(&json!({ "user_id": id, "resumed": resumed }), || {
                let was =
                    if resumed { "gets mail again" } else { "gets mail; nothing has changed" };
                format!("user {id} {was}")
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(table: &Table, tenant: &TenantId, console: Console) -> Result<(), Failure> {
    let mut mails = Vec::new();
    for shard in 0..OUTBOX_SHARDS {
        let waiting = table.mails(shard, Timestamp::from_millis(i64::MAX)).await;
        let waiting = waiting.map_err(Resource::Tenant.failed())?;
        let of_tenant = waiting.into_iter().map(|(_, mail)| mail.value);
        mails.extend(of_tenant.filter(|mail| mail.tenant == *tenant));
    }
    mails.sort_by_key(|mail| mail.created_at);
    if console.json {
        let shown = mails.iter().map(|mail| {
            json!({
                "kind": mail.kind, "user_id": user_of(mail), "created_at": mail.created_at,
                "tries": mail.tries, "next_at": mail.next_at,
            })
        });
        return say(json!(shown.collect::<Vec<_>>()));
    }
    for mail in &mails {
        let user = user_of(mail).unwrap_or_else(|| "-".to_owned());
        let (kind, created, tries) = (mail.kind, mail.created_at, counted(mail.tries, "try"));
        say(format_args!("{created}\t{kind}\t{user}\t{tries}"))?;
    }
    Ok(())
}

/// The user of a mail; `None` if the mailer has yet to find the user by a username or an address.
fn user_of(mail: &Mail) -> Option<String> {
    match mail.to {
        Recipient::User(user) => Some(user.to_string()),
        Recipient::Username(_) | Recipient::Address(_) => None,
    }
}
