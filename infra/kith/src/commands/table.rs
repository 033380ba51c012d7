//! `kith table`: makes a table in DynamoDB, or gives a restored one what DynamoDB does not restore.

use std::process::ExitCode;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use aws_sdk_dynamodb::types::{
    PointInTimeRecoverySpecification, StreamSpecification, StreamViewType,
};
use clap::Subcommand;
use local::table;
use serde_json::json;

use crate::failure::Failure;
use crate::location::TableLocation;
use crate::output::Console;
use crate::table_facts::{TableFacts, is_unknown, settled};

/// What is done with the table.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Create the table, or give an existing one what it lacks: stream, time-to-live, point-in-time
    /// recovery, deletion protection
    ///
    /// The command can be repeated. It prints the two ARNs that a deployment on this table needs.
    Create {
        /// Leave the deletion protection as it is
        #[arg(long)]
        unprotected: bool,
    },
}

/// Does what the command says and prints what it did.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let Action::Create { unprotected } = action;
    if !location.is_remote() {
        return Err("`table create` makes a table in DynamoDB; name it by --table".into());
    }
    let table = location.open().await?;
    let (client, name) = (table.client(), table.name());
    let (facts, did) = prepare(client, name, !unprotected).await?;
    let stream = facts.stream.as_ref().map(|stream| &stream.arn);
    let content = json!({ "table": name, "arn": facts.arn, "stream_arn": stream, "did": did });
    console.print(&content, || {
        let did = if did.is_empty() { "nothing was missing".to_owned() } else { did.join(", ") };
        let stream = stream.map_or("none", String::as_str);
        format!(
            "table `{name}`: {did}\nExistingTableArn        {}\nExistingTableStreamArn  {stream}",
            facts.arn
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Adds missing settings to a table. Returns its state afterwards, and the changes.
async fn prepare(
    client: &Client,
    name: &str,
    protect: bool,
) -> Result<(TableFacts, Vec<&'static str>), Failure> {
    let failed = |what: &str, error: String| format!("cannot {what} of table `{name}`: {error}");
    let mut did = Vec::new();
    if settled(client, name).await?.is_none() {
        table::definition(client, name)?.stream_specification(keys_only()?).send().await.map_err(
            |error| format!("cannot create table `{name}`: {}", DisplayErrorContext(error)),
        )?;
        did.push("created it");
    }
    let facts = read(client, name).await?;
    if !facts.fits {
        return Err(format!("table `{name}` has other keys or indexes than Kith needs").into());
    }
    match &facts.stream {
        Some(stream) if !stream.keys_only => {
            return Err(format!(
                "the stream of table `{name}` holds more than keys, which would hand personal data \
                 to its readers; disable the stream, then run this command again"
            )
            .into());
        }
        Some(_) => {}
        None => {
            let change = client.update_table().table_name(name).stream_specification(keys_only()?);
            change.send().await.map_err(|error| {
                failed("enable the stream", DisplayErrorContext(error).to_string())
            })?;
            settled(client, name).await?;
            did.push("enabled its stream");
        }
    }
    if !facts.expires {
        table::expire(client, name).await?;
        did.push("enabled its time-to-live");
    }
    if facts.recoverable == Some(false) {
        let recovery =
            PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true);
        let recovery = recovery.build().map_err(|error| error.to_string())?;
        let change = client
            .update_continuous_backups()
            .table_name(name)
            .point_in_time_recovery_specification(recovery);
        match change.send().await {
            Ok(_) => did.push("enabled its point-in-time recovery"),
            Err(error) if is_unknown(error.code()) => {}
            Err(error) => {
                let error = DisplayErrorContext(error).to_string();
                return Err(failed("enable the point-in-time recovery", error).into());
            }
        }
    }
    if protect && !facts.protected {
        let change = client.update_table().table_name(name).deletion_protection_enabled(true);
        change.send().await.map_err(|error| {
            failed("enable the deletion protection", DisplayErrorContext(error).to_string())
        })?;
        did.push("enabled its deletion protection");
    }
    Ok((read(client, name).await?, did))
}

async fn read(client: &Client, name: &str) -> Result<TableFacts, Failure> {
    let facts = TableFacts::read(client, name).await?;
    Ok(facts.ok_or_else(|| format!("there is no DynamoDB table `{name}`"))?)
}

fn keys_only() -> Result<StreamSpecification, Failure> {
    let keys = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::KeysOnly);
    Ok(keys.build().map_err(|error| error.to_string())?)
}
