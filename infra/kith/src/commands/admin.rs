//! `kith admin invite`: makes a person an administrator of a tenant, the first one above all (rule
//! G63).

use std::process::ExitCode;

use clap::Subcommand;
use local::base_url::BaseUrl;
use maintenance::people::{Invited, invite, link};
use serde_json::json;
use shared::domain::error::Error;
use shared::domain::id::TenantId;

use super::people;
use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::Console;

/// What is done with administrators.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Make a person an administrator and print the link that sets the password; the user is
    /// created if there is none, and no mail is sent
    Invite {
        /// The tenant
        #[arg(long)]
        tenant: TenantId,
        /// The username of the person
        #[arg(long)]
        username: String,
        /// The e-mail address of the person, who gets mails there later
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// The base URL of the service; by default the one in `demo.env` of the data folder
        #[arg(long, value_name = "URL")]
        base_url: Option<BaseUrl>,
    },
}

/// Does what the command says.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let Action::Invite { tenant, username, email, base_url } = action;
    let base_url = people::base_url(base_url, location)?;
    let app = people::open(location, &tenant).await?;
    let invited = Box::pin(invite(&app, &tenant, &username, email.as_deref())).await;
    let Invited { user, is_new, token } = invited.map_err(failed)?;
    let link = token.map(|token| link(&base_url, &token));
    let shown = json!({ "user_id": user, "created": is_new, "link": link });
    console.print(&shown, || {
        let what = if is_new { "created user" } else { "user" };
        match &link {
            Some(link) => format!(
                "{what} {user} is an administrator of {tenant}\n\n  {link}\n\nOpen the link within 7 \
                 days to set the password. It is shown only now, and works once."
            ),
            None => format!(
                "{what} {user} is an administrator of {tenant} and can sign in already; `kith \
                 credential reset` makes a link for another password"
            ),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Names the options in place of the members of the profile.
fn failed(error: Error) -> Failure {
    let option = |pointer: &str| match pointer {
        "/username" => Some("--username".to_owned()),
        "/preferred_email" => Some("--email".to_owned()),
        _ => None,
    };
    Resource::User.failed()(error.pointing(option))
}
