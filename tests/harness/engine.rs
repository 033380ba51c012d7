//! The engine under a test: embedded and in memory, or the one that `KITH_ENDPOINT` names.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Region;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use local::embedded::Embedded;
use local::table;
use shared::env::Env;
use shared::https::{self, Trust};
use shared::store::Table;

use crate::faults::Faults;

/// An empty table, and the network between it and the service.
#[derive(Clone, Debug)]
pub struct Engine {
    /// The table as the service reaches it.
    pub table: Table,
    /// The network between them.
    pub faults: Faults,
    /// The embedded engine, if it is that.
    pub embedded: Option<Embedded>,
}

/// Where the second engine listens, if the tests are to run on it.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the tests read their environment"
)]
pub fn endpoint() -> Option<String> {
    std::env::var("KITH_ENDPOINT").ok().filter(|url| !url.is_empty())
}

impl Engine {
    /// Makes an empty table on the engine that the environment asks for.
    pub async fn open(env: Env) -> Self {
        match endpoint() {
            Some(url) => Self::remote(&url, env).await,
            None => Self::embedded(env).await,
        }
    }

    /// Makes an empty table on the embedded engine.
    pub async fn embedded(env: Env) -> Self {
        let engine = Self::over(Embedded::memory().expect("an engine in memory"), env);
        engine.create().await
    }

    /// Reaches the table that an embedded engine has.
    pub fn over(embedded: Embedded, env: Env) -> Self {
        let faults = Faults::before(embedded.http_client());
        let client = table::embedded_client(faults.http_client());
        Self { embedded: Some(embedded), ..Self::reach(&client, faults, table::LOCAL, env) }
    }

    async fn remote(url: &str, env: Env) -> Self {
        let faults = Faults::before(https::client(Trust::Amazon).unwrap());
        let client = table::embedded_client(faults.http_client());
        let config = client
            .config()
            .to_builder()
            .endpoint_url(url)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"));
        let name = format!("kith-{}", env.new_uuid());
        Self::reach(&Client::from_conf(config.build()), faults, &name, env).create().await
    }

    fn reach(client: &Client, faults: Faults, name: &str, env: Env) -> Self {
        // The SDK shares its allowance of retries among the clients of a process: one test's faults
        // must not use up another's.
        static ENGINES: AtomicUsize = AtomicUsize::new(0);
        let partition =
            RetryPartition::new(format!("test-{}", ENGINES.fetch_add(1, Ordering::Relaxed)));
        let client =
            Client::from_conf(client.config().to_builder().retry_partition(partition).build());
        Self { table: Table::new(client, name, env), faults, embedded: None }
    }

    async fn create(self) -> Self {
        table::create(self.table.client(), self.table.name()).await.expect("an empty table");
        self
    }
}
