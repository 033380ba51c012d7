//! Where the table is: in a data folder, or in DynamoDB.

use std::path::PathBuf;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Region, SharedHttpClient};
use clap::Args;
use local::table::open_local;
use shared::auth::SigningKeys;
use shared::auth::signing::Sealing;
use shared::aws;
use shared::domain::Error;
use shared::domain::id::TenantId;
use shared::env::Env;
use shared::https::{self, Trust};
use shared::store::Table;
use shared::store::table::client_settings;
use stream::EventBridge;

use crate::failure::{Failure, Resource};

const NO_CREDENTIALS: &str = "no AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID \
                              and AWS_SECRET_ACCESS_KEY";

/// The first cause of an error.
fn root(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root)
}

/// Where the table is.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct TableLocation {
    /// The data folder of the embedded table
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = ".kith",
        conflicts_with = "table"
    )]
    pub(crate) data: PathBuf,
    /// The name of a DynamoDB table, reached with your AWS credentials
    #[arg(long, global = true, value_name = "NAME")]
    table: Option<String>,
    /// Another endpoint than the one of DynamoDB
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,
    /// Another region than the one of your AWS configuration
    #[arg(long, global = true, value_name = "REGION")]
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
            Some(name) => {
                let table = self.open_remote(name).await?;
                let services = self.services(table.env()).await?;
                Ok(table.with_sealing(&Sealing::new(services, None)))
            }
            None if !self.data.exists() => {
                let data = self.data.display();
                let instead = "run `kith serve` first, or name one by --data";
                Err(format!("there is no data folder `{data}`; {instead}").into())
            }
            None => Ok(open_local(Some(&self.data), Env::default()).await?),
        }
    }

    /// Names the table in a failure that says that it does not exist.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match (failure, &self.table) {
            (Failure::Table(_, Error::Unexpected(what)), Some(table))
                if what.ends_with("ResourceNotFoundException") =>
            {
                format!("there is no DynamoDB table `{table}`; check --table and --region").into()
            }
            (failure, _) => failure,
        }
    }

    /// Opens the table for a command about a tenant, which has to exist.
    pub(crate) async fn open_tenant(&self, tenant: &TenantId) -> Result<Table, Failure> {
        let table = self.open().await?;
        let tenants = table.tenants().await.map_err(Resource::Tenant.failed())?;
        if tenants.iter().any(|known| known.id == *tenant) {
            return Ok(table);
        }
        let list = "see `kith tenant list`, or create it with `kith tenant create";
        Err(format!("there is no tenant `{tenant}`; {list} {tenant}`").into())
    }

    /// Refuses what says which table of DynamoDB is meant if none is: clap does not see it beside
    /// an option that has a default.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let set = [("--endpoint", &self.endpoint), ("--region", &self.region)];
        match set.iter().find(|(_, value)| value.is_some() && self.table.is_none()) {
            Some((option, _)) => {
                let detail = "is for a table in DynamoDB; name the table by --table";
                Err(format!("{option} {detail}").into())
            }
            None => Ok(()),
        }
    }

    /// Refuses a table where a command calls a running service.
    pub(crate) fn refuse_table(&self, command: &str) -> Result<(), Failure> {
        if self.is_remote() {
            let detail = format!("`{command}` calls a running service; use --url, not --table");
            return Err(detail.into());
        }
        Ok(())
    }

    /// Opens another table of the same account.
    pub(crate) async fn open_other(&self, name: &str) -> Result<Table, Failure> {
        if self.table.is_none() {
            return Err("--replay-from needs a DynamoDB table; name it by --table".into());
        }
        self.open_remote(name).await
    }

    /// Opens a table in DynamoDB with the operator's own credentials and region.
    async fn open_remote(&self, name: &str) -> Result<Table, Failure> {
        let http = https::client(Trust::System).map_err(|error| error.to_string())?;
        let Account { region, credentials } = self.account(http.clone()).await?;
        let mut settings =
            client_settings().region(region).credentials_provider(credentials).http_client(http);
        if let Some(endpoint) = &self.endpoint {
            settings = settings.endpoint_url(endpoint);
        }
        Ok(Table::new(Client::from_conf(settings.build()), name, Env::default()))
    }

    /// The event bus with this name in the account of the table, or the account's default one.
    pub(crate) async fn event_bus(&self, name: Option<String>) -> Result<EventBridge, Failure> {
        let http = https::client_of_any(Trust::System).map_err(|error| error.to_string())?;
        let Account { region, credentials } = self.account(http.clone()).await?;
        let mut settings = stream::client_settings()
            .region(region)
            .credentials_provider(credentials)
            .http_client(http);
        if let Some(endpoint) = &self.endpoint {
            settings = settings.endpoint_url(endpoint);
        }
        Ok(EventBridge::new(aws_sdk_eventbridge::Client::from_conf(settings.build()), name))
    }

    /// The account of the table, for services without a client of their own.
    pub(crate) async fn services(&self, env: &Env) -> Result<aws::Account, Failure> {
        let http = https::client_of_any(Trust::System).map_err(|error| error.to_string())?;
        let credentials = self.account(http).await?.credentials.provide_credentials().await;
        let credentials = credentials.map_err(|error| root(&error))?;
        let (clock, endpoint) = (env.clock.clone(), self.endpoint.clone());
        let account = aws::Account::new(Trust::System, credentials, clock, endpoint);
        Ok(account.map_err(|error| error.to_string())?)
    }

    /// The signing keys of the table, which may be sealed if it is in DynamoDB.
    pub(crate) async fn signing_keys(&self, table: &Table) -> Result<SigningKeys, Failure> {
        let keys = SigningKeys::new(table.clone());
        if !self.is_remote() {
            return Ok(keys);
        }
        Ok(keys.with_sealing(Sealing::new(self.services(table.env()).await?, None)))
    }

    /// The operator's credentials and region.
    async fn account(&self, http: SharedHttpClient) -> Result<Account, Failure> {
        let mut loader =
            aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http);
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = loader.load().await;
        let region = config
            .region()
            .cloned()
            .ok_or("no AWS region is set; set AWS_REGION or use --region")?;
        let credentials = config.credentials_provider().ok_or(NO_CREDENTIALS)?;
        credentials.provide_credentials().await.map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => NO_CREDENTIALS.to_owned(),
            other => format!("cannot get AWS credentials: {}", root(&other)),
        })?;
        Ok(Account { region, credentials })
    }
}

/// How the operator reaches AWS.
struct Account {
    region: Region,
    credentials: SharedCredentialsProvider,
}
