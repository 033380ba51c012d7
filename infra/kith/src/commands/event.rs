//! `kith event`: a sample event with a token, and with ids that a service knows, as `cargo lambda
//! invoke` sends it to a function.
//!
//! The token and the ids come from a running service that works on the same table as the function:
//! `kith serve --dynamodb` on this machine. Resources that the event names are created there if
//! they are missing. The event contains the credentials of the demonstration.

mod consents;
mod placeholders;
mod sample;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use shared::env::Env;

use self::sample::SampleEvent;
use self::world::World;
use crate::access::{ADMINISTRATOR, Access, base_url};
use crate::commands::token::Demonstration;
use crate::failure::Failure;
use crate::location::TableLocation;
use crate::output::say;

/// Which event.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The event: its function and its name, e.g. `users/get_user`, or the path of its file
    #[arg(value_name = "EVENT")]
    event: String,
    /// The folder of the sample events
    #[arg(long, value_name = "DIR", default_value = "events")]
    events: PathBuf,
    /// Send this token instead of one that the service issues
    #[arg(long, hide_env_values = true)]
    token: Option<String>,
    /// The base URL of the service; by default the one in `demo.env` of the data folder
    #[arg(long, env = "KITH_URL", value_parser = base_url)]
    url: Option<String>,
    /// The id of a client with the scope administrator
    #[arg(long, env = "KITH_ADMIN_CLIENT_ID", value_name = "ID")]
    client_id: Option<String>,
    /// The secret of the client; the variable keeps it out of the list of processes
    #[arg(long, env = "KITH_ADMIN_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    client_secret: Option<String>,
}

/// Prints the event.
pub(crate) async fn run(options: Options, location: &TableLocation) -> Result<ExitCode, Failure> {
    location.refuse_table("event")?;
    let Options { event, events, token, url, client_id, client_secret } = options;
    let mut sample = SampleEvent::read(&event, &events)?;
    // A service without a demonstration takes no tokens of its identity provider.
    let people = Demonstration::read(location, url.as_deref()).ok();
    let access = |client_id, client_secret| Access { url: url.clone(), client_id, client_secret };
    let administrator =
        access(client_id, client_secret).credentials(&location.data, ADMINISTRATOR)?;
    let back_end = access(None, None).open(&location.data, Env::default()).ok();
    if !local::is_of_this_machine(&administrator.url) {
        return Err(format!(
            "`{}` is not on this machine: this command changes users, definitions and clients, so it \
             works with `kith serve` alone",
            administrator.url
        )
        .into());
    }
    let mut world = World::open(administrator, back_end, people)?;
    world.fill(&mut sample, token).await?;
    say(sample.finish(&world.url, world.now()))?;
    Ok(ExitCode::SUCCESS)
}
