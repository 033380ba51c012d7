//! `kith session end`: ends the sessions of a person or of a whole tenant, in an emergency (rule
//! G73).

use std::process::ExitCode;

use clap::Subcommand;
use maintenance::people::{end_all_sessions, end_sessions};
use serde_json::json;
use shared::app::App;
use shared::domain::id::TenantId;

use super::people;
use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted};

/// What is done with sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// End all sessions of a user, or of every user of the tenant: cookies, codes, refresh tokens
    /// and access tokens stop to work at once
    End {
        /// The tenant
        #[arg(long)]
        tenant: TenantId,
        /// The id or username of the user; without it everybody
        #[arg(long)]
        user: Option<String>,
    },
}

/// Does what the command says.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let Action::End { tenant, .. } = &action;
    let app = people::open(location, tenant).await?;
    act(action, &app, console).await?;
    Ok(ExitCode::SUCCESS)
}

async fn act(action: Action, app: &App, console: Console) -> Result<(), Failure> {
    let Action::End { tenant, user } = action;
    let failed = Resource::User.failed();
    let ended = match user {
        Some(name) => {
            let user = people::user(app, &tenant, &name).await?;
            let ended = Box::pin(end_sessions(app, &tenant, user.value.id)).await;
            usize::from(ended.map_err(failed)?)
        }
        None => Box::pin(end_all_sessions(app, &tenant)).await.map_err(failed)?,
    };
    console.print(&json!({ "tenant": tenant, "users": ended }), || {
        format!("ended the sessions of {}", counted(ended, "user"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{action, table};

    #[tokio::test]
    async fn g73_a_user_who_is_not_there_is_named() {
        let app = people::over(table().await).unwrap();
        for (words, due) in [
            (&["end", "--tenant", "acme"][..], None),
            (
                &["end", "--tenant", "acme", "--user", "jan"],
                Some("tenant `acme` has no user `jan`"),
            ),
        ] {
            let words: Vec<_> = ["session"].iter().chain(words).copied().collect();
            let ended = act(action(&words).unwrap(), &app, Console::default()).await;
            assert_eq!(ended.err().map(|failure| failure.to_string()).as_deref(), due);
        }
    }
}
