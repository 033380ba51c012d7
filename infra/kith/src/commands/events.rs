//! `kith events`: publishes again what became of users.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use maintenance::replay::{Replayed, replay};
use serde_json::json;
use shared::domain::field::TIME;
use shared::domain::id::TenantId;
use shared::env::Timestamp;
use shared::log;
use shared::store::Table;
use stream::{Event, EventSink};

use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted, note, say};

/// What is done with events.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Publish an event for each user that was created, changed or deleted since a time
    ///
    /// Subscribers that missed events are up to date then, and ignore what they know by its
    /// version. Users created since are published as `user.updated`. Deleted users are known for 90
    /// days.
    Replay(Replay),
}

/// What to publish again, and where to.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The tenant of the users
    #[arg(long)]
    tenant: TenantId,
    /// The time, e.g. 2026-11-21T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Timestamp,
    /// The name or ARN of the event bus; the default bus of the account without it
    #[arg(long, value_name = "NAME")]
    event_bus: Option<String>,
    /// Print the events, one a line, and publish none; always so with a data folder
    #[arg(long, conflicts_with = "event_bus")]
    print: bool,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| format!("expected {TIME}"))
}

/// Publishes and prints how many events there were; fails if one was not published.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let Action::Replay(Replay { tenant, since, event_bus, print }) = action;
    let table = location.open_tenant(&tenant).await?;
    if print || !location.is_remote() {
        publish(&table, &tenant, since, &Printed).await?;
        return Ok(ExitCode::SUCCESS);
    }
    // The bus says there why it takes an event not.
    log::to(std::io::stderr);
    let bus = location.event_bus(event_bus).await?;
    let count = publish(&table, &tenant, since, &bus).await?;
    console.print(&json!({ "published": count }), || {
        format!("published {}", counted(count, "event"))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The standard output.
struct Printed;

impl EventSink for Printed {
    async fn publish(&self, events: &[Event]) -> Vec<usize> {
        let print = |event: &Event| {
            let line = serde_json::to_string(event).map_err(|error| error.to_string())?;
            say(line)
        };
        let done = events.iter().try_for_each(print);
        done.err().map_or_else(Vec::new, |_| (0..events.len()).collect())
    }
}

/// Publishes; fails if a user was not published, and says how to resume.
async fn publish(
    table: &Table,
    tenant: &TenantId,
    since: Timestamp,
    sink: &impl EventSink,
) -> Result<usize, Failure> {
    let replayed = replay(table, tenant, since, sink).await;
    let Replayed { published, unreadable, stopped_at } =
        replayed.map_err(Resource::Tenant.failed())?;
    for user in unreadable {
        note(format_args!("cannot read user {user}; run `kith check --tenant {tenant}`"));
    }
    match stopped_at {
        None => Ok(published),
        Some((user, at)) => Err(format!(
            "published {}, but not user {user}; to go on, run the command with --since {at}",
            counted(published, "event")
        )
        .into()),
    }
}
