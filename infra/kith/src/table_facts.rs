//! The description of a table by DynamoDB, and whether it has the settings that the service needs.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    KeySchemaElement, PointInTimeRecoveryStatus, StreamSpecification, StreamViewType,
    TableDescription, TableStatus, TimeToLiveStatus,
};
use local::table::{EXPIRES_AT, INDEX};

use crate::failure::Failure;

/// How long a table may take to be created or changed.
const PATIENCE: u32 = 300;

/// The description of a table by DynamoDB.
#[derive(Debug)]
pub(crate) struct TableFacts {
    pub(crate) arn: String,
    /// Whether it has the keys and the index of the service.
    pub(crate) fits: bool,
    pub(crate) stream: Option<Stream>,
    pub(crate) protected: bool,
    pub(crate) expires: bool,
    /// Whether it can be restored to a point in time; `None` where the engine does not know that.
    pub(crate) recoverable: Option<bool>,
}

/// The stream of a table.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) arn: String,
    /// Whether it holds keys alone.
    pub(crate) keys_only: bool,
}

impl TableFacts {
    /// Asks for the facts of a table, once it is active; `None` if there is none.
    pub(crate) async fn read(client: &Client, name: &str) -> Result<Option<Self>, Failure> {
        let Some(table) = settled(client, name).await? else { return Ok(None) };
        let stream = table.latest_stream_arn().filter(|_| {
            table.stream_specification().is_some_and(StreamSpecification::stream_enabled)
        });
        let view = table.stream_specification().and_then(|stream| stream.stream_view_type());
        let ttl = client.describe_time_to_live().table_name(name).send().await;
        let ttl = ttl.map_err(|error| failed("TTL", DisplayErrorContext(error)))?;
        let expires = ttl.time_to_live_description().is_some_and(|ttl| {
            ttl.attribute_name() == Some(EXPIRES_AT)
                && matches!(
                    ttl.time_to_live_status(),
                    Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
                )
        });
        Ok(Some(Self {
            arn: table.table_arn().unwrap_or_default().to_owned(),
            fits: fits(&table),
            stream: stream.map(|arn| Stream {
                arn: arn.to_owned(),
                keys_only: view == Some(&StreamViewType::KeysOnly),
            }),
            protected: table.deletion_protection_enabled().unwrap_or_default(),
            expires,
            recoverable: recoverable(client, name).await?,
        }))
    }
}

/// Waits until a table is active.
pub(crate) async fn settled(
    client: &Client,
    name: &str,
) -> Result<Option<TableDescription>, Failure> {
    for _ in 0..PATIENCE {
        match client.describe_table().table_name(name).send().await {
            Ok(answer) => match answer.table {
                Some(table) if table.table_status() == Some(&TableStatus::Active) => {
                    return Ok(Some(table));
                }
                _ => tokio::time::sleep(Duration::from_secs(1)).await,
            },
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeTableError::is_resource_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed("description", DisplayErrorContext(error))),
        }
    }
    Err(format!("table `{name}` is not active after {PATIENCE} s; run the command again").into())
}

async fn recoverable(client: &Client, name: &str) -> Result<Option<bool>, Failure> {
    match client.describe_continuous_backups().table_name(name).send().await {
        Ok(answer) => {
            let status = answer
                .continuous_backups_description()
                .and_then(|backups| backups.point_in_time_recovery_description())
                .and_then(|recovery| recovery.point_in_time_recovery_status());
            Ok(Some(status == Some(&PointInTimeRecoveryStatus::Enabled)))
        }
        Err(error) if is_unknown(error.code()) => Ok(None),
        Err(error) => Err(failed("backups", DisplayErrorContext(error))),
    }
}

/// Whether an engine does not know an operation.
pub(crate) fn is_unknown(code: Option<&str>) -> bool {
    matches!(code, Some("UnknownOperationException" | "UnknownOperation" | "InvalidAction"))
}

fn failed(what: &str, error: impl std::fmt::Display) -> Failure {
    format!("cannot read the {what} of the table: {error}").into()
}

fn fits(table: &TableDescription) -> bool {
    let has = |keys: &[KeySchemaElement], names: [&str; 2]| {
        keys.iter().map(KeySchemaElement::attribute_name).eq(names)
    };
    has(table.key_schema(), ["pk", "sk"])
        && table.global_secondary_indexes().iter().any(|index| {
            index.index_name() == Some(INDEX) && has(index.key_schema(), ["gsi1pk", "gsi1sk"])
        })
}
