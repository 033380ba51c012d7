//! The table of this machine: in memory or in a data folder. And how a table is made.

use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{ReconnectMode, RetryConfig};
use aws_sdk_dynamodb::config::{IdentityCache, Region, SharedHttpClient};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use shared::env::Env;
use shared::store::Table;
use shared::store::table::client_settings;

use crate::Failure;
use crate::embedded::Embedded;

/// The attribute that has the time of the end of an item.
pub const EXPIRES_AT: &str = "expires_at";
/// The index.
pub const INDEX: &str = "gsi1";

/// The name of the embedded table.
pub const LOCAL: &str = "kith";

/// A client of the embedded engine. It signs nothing: nobody would read the signature.
#[must_use]
pub fn embedded_client(http: SharedHttpClient) -> Client {
    let settings = client_settings()
        .region(Region::new("local"))
        .identity_cache(IdentityCache::no_cache())
        .allow_no_auth()
        .http_client(http);
    let settings = settings.build();
    // There is no connection that could be closed after a failure.
    let retries = settings.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
    let retries = retries.with_reconnect_mode(ReconnectMode::ReuseAllConnections);
    Client::from_conf(settings.to_builder().retry_config(retries).build())
}

/// Opens the table in a data folder, or in memory.
pub async fn open_local(data: Option<&Path>, env: Env) -> Result<Table, Failure> {
    open_embedded(data, env).await.map(|(table, _)| table)
}

/// Opens the table in a data folder, or in memory, with its engine.
pub async fn open_embedded(data: Option<&Path>, env: Env) -> Result<(Table, Embedded), Failure> {
    let engine = match data {
        Some(folder) => Embedded::open(folder),
        None => Embedded::memory(),
    };
    let engine = engine.map_err(|error| error.to_string())?;
    let client = embedded_client(engine.http_client());
    create(&client, LOCAL).await?;
    engine.start_outbox().await.map_err(|error| format!("cannot record changes: {error}"))?;
    Ok((Table::new(client, LOCAL, env), engine))
}

/// The request that makes the table with the keys and the index of `template.yaml`.
pub fn definition(client: &Client, name: &str) -> Result<CreateTableFluentBuilder, Failure> {
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
    };
    let key = |name: &str, kind: KeyType| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
    };
    let request = || {
        let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
        let index = GlobalSecondaryIndex::builder()
            .index_name(INDEX)
            .key_schema(key("gsi1pk", KeyType::Hash)?)
            .key_schema(key("gsi1sk", KeyType::Range)?)
            .projection(projection)
            .build()?;
        Ok::<_, aws_sdk_dynamodb::error::BuildError>(
            client
                .create_table()
                .table_name(name)
                .billing_mode(BillingMode::PayPerRequest)
                .attribute_definitions(attribute("pk")?)
                .attribute_definitions(attribute("sk")?)
                .attribute_definitions(attribute("gsi1pk")?)
                .attribute_definitions(attribute("gsi1sk")?)
                .key_schema(key("pk", KeyType::Hash)?)
                .key_schema(key("sk", KeyType::Range)?)
                .global_secondary_indexes(index),
        )
    };
    Ok(request().map_err(|error| error.to_string())?)
}

/// Lets DynamoDB remove items whose time has ended.
pub async fn expire(client: &Client, name: &str) -> Result<(), Failure> {
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(EXPIRES_AT).build();
    let ttl = ttl.map_err(|error| error.to_string())?;
    let set = client.update_time_to_live().table_name(name).time_to_live_specification(ttl);
    let set = set.send().await;
    set.map_err(|error| format!("cannot set the TTL of the table: {}", why(&error)))?;
    Ok(())
}

/// Makes the table as `template.yaml` does, unless it is there.
pub async fn create(client: &Client, name: &str) -> Result<(), Failure> {
    match definition(client, name)?.send().await {
        Ok(_) => {}
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            return Ok(());
        }
        Err(error) => {
            return Err(format!("cannot open the table: {}", why(&error)).into());
        }
    }
    expire(client, name).await
}

/// Why an operation failed, in one line.
fn why<E: ProvideErrorMetadata + std::error::Error, R: std::fmt::Debug>(
    error: &SdkError<E, R>,
) -> String {
    match error.message() {
        Some(message) => message.to_owned(),
        None => error.to_string(),
    }
}
