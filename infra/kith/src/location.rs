//! Where the table is: in a data folder, or in DynamoDB.

use std::path::PathBuf;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Region;
use clap::Args;
use local::table::open_local;
use shared::env::Env;
use shared::https::{self, Trust};
use shared::store::Table;
use shared::store::table::client_settings;

use crate::failure::Failure;

/// Where the table is.
#[derive(Clone, Debug, Args)]
pub(crate) struct TableLocation {
    /// The data folder of the embedded table.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = ".kith",
        conflicts_with = "table"
    )]
    pub(crate) data: PathBuf,
    /// The name of a DynamoDB table, reached with your AWS credentials.
    #[arg(long, global = true, value_name = "NAME")]
    table: Option<String>,
    /// Another endpoint than DynamoDB's own.
    #[arg(long, global = true, value_name = "URL", requires = "table")]
    endpoint: Option<String>,
    /// Another region than that of your AWS configuration.
    #[arg(long, global = true, value_name = "REGION", requires = "table")]
    region: Option<String>,
}

impl TableLocation {
    /// Whether the table is in DynamoDB, where functions may be serving it.
    pub(crate) const fn is_remote(&self) -> bool {
        self.table.is_some()
    }

    /// Opens the table.
    pub(crate) async fn open(&self) -> Result<Table, Failure> {
        match &self.table {
            Some(name) => self.open_remote(name).await,
            None if !self.data.exists() => {
                Err(format!("there is no data folder `{}`", self.data.display()).into())
            }
            None => Ok(open_local(Some(&self.data), Env::default()).await?),
        }
    }

    /// Opens another table of the same account.
    pub(crate) async fn open_other(&self, name: &str) -> Result<Table, Failure> {
        if self.table.is_none() {
            return Err("only a DynamoDB table replaces another: say --table".into());
        }
        self.open_remote(name).await
    }

    /// Opens a table in DynamoDB with the operator's own credentials and region.
    async fn open_remote(&self, name: &str) -> Result<Table, Failure> {
        let http = https::client(Trust::System).map_err(|error| error.to_string())?;
        let mut loader =
            aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http.clone());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = loader.load().await;
        let region =
            config.region().cloned().ok_or("no AWS region is known: set AWS_REGION or --region")?;
        let credentials = config.credentials_provider().ok_or("no AWS credentials are known")?;
        let mut settings =
            client_settings().region(region).credentials_provider(credentials).http_client(http);
        if let Some(endpoint) = &self.endpoint {
            settings = settings.endpoint_url(endpoint);
        }
        Ok(Table::new(Client::from_conf(settings.build()), name, Env::default()))
    }
}
