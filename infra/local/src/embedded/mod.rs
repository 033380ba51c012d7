//! The DynamoDB table inside this process.
//!
//! `kith serve` and the tests reach the table through the ordinary
//! `aws-sdk-dynamodb` client, so that they run the code that is deployed. Only
//! the client's HTTP layer is replaced, and nothing is signed: [`Embedded`] reads each request's
//! `x-amz-target`, runs the operation on a [`dynoxide::Database`] and answers
//! in the JSON that the service would send. It has the operations that Kith
//! uses and no others.
//!
//! **Where an operation runs.** In memory, on the task that asks, after one
//! yield: it takes microseconds, a blocking thread and back take seventy more,
//! and without the yield a task would never let another in between its
//! operations, so that no race could happen. In a data folder, on tokio's
//! blocking threads, reads included: a commit waits for an fsync, and a read
//! waits behind it for the one connection.
//!
//! **The outbox.** In a data folder, a trigger adds the writes of users to an outbox, from
//! which events are published. An engine in memory has no outbox.
//!
//! Invariants:
//! - An acknowledged write to a data folder outlives the process.
//! - A call may still take effect after its caller was dropped, as over a network.
//! - One process at a time has a data folder open. Across processes the engine would keep a write
//!   atomic, but not the creation of a table nor a transactional read, and two that open a new file
//!   at once can fail.

mod errors;
mod outbox;
#[cfg(test)]
mod tests;
mod tokens;

use std::fs::{File, OpenOptions, create_dir_all};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, io};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use axum::body::Bytes;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::outbox::Outbox;
pub use self::outbox::OutboxEntry;
use self::tokens::Tokens;

/// Runs DynamoDB operations in memory or in a data folder; clones share it.
#[derive(Clone)]
pub struct Embedded {
    // INVARIANT: declared before the lock, so that the last clone closes the
    // file before another process may open it.
    database: Database,
    tokens: Tokens,
    /// `None` in memory.
    outbox: Option<Outbox>,
    /// `None` in memory.
    lock: Option<Arc<[File; 2]>>,
}

impl Embedded {
    /// Starts empty, in memory; the last clone takes the content with it.
    pub fn memory() -> io::Result<Self> {
        let database = Database::memory().map_err(io::Error::other)?;
        Ok(Self { database, tokens: Tokens::default(), outbox: None, lock: None })
    }

    /// Writes the content of an engine in memory to a new file at `path`.
    pub fn snapshot(&self, path: &Path) -> io::Result<()> {
        let path = path.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        self.database.vacuum_into(path).map_err(io::Error::other)
    }

    /// Starts in memory with a copy of what [`Embedded::snapshot`] wrote to `path`.
    pub fn restored(path: &Path) -> io::Result<Self> {
        let this = Self::memory()?;
        let path = path.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        this.database.restore_from(path).map_err(io::Error::other)?;
        Ok(this)
    }

    /// Opens the data folder at `path`, or creates it, its files for the owner only.
    ///
    /// It stays locked until the last clone is gone, and an SDK client holds
    /// one. If it is open already, in this process or another, the error is
    /// `ResourceBusy`. Errors are one line to show to the user.
    pub fn open(path: &Path) -> io::Result<Self> {
        open_folder(path).map_err(|error| {
            let path = path.display();
            match error.kind() {
                io::ErrorKind::WouldBlock => io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    format!(
                        "`{path}` is in use by another kith process; stop it, or choose another \
                         data folder"
                    ),
                ),
                kind => io::Error::new(kind, format!("cannot open `{path}`: {error}")),
            }
        })
    }

    /// Returns the HTTP client to build an `aws_sdk_dynamodb::Config` with.
    ///
    /// Its calls need a tokio runtime.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// Answers a request in DynamoDB's protocol whose header `x-amz-target` names the operation:
    /// the status, and the JSON of the body.
    pub(crate) async fn answer(&self, target: String, body: Bytes) -> io::Result<(u16, Vec<u8>)> {
        let tokens = self.tokens.clone();
        self.run(move |database| answer(database, &tokens, &target, &body)).await
    }

    /// Deletes what is past its TTL attribute and returns the number of items.
    ///
    /// The service does so by itself within days, the engine never.
    pub async fn sweep_ttl(&self) -> io::Result<usize> {
        self.run(Database::sweep_ttl).await?.map_err(io::Error::other)
    }

    /// Adds each write of a user to the outbox from now on, in a data folder; an engine in memory
    /// has no outbox. The table has to exist.
    pub async fn start_outbox(&self) -> io::Result<()> {
        self.with_outbox(Outbox::begin).await
    }

    /// The oldest entries of the outbox, at most `limit` of them; those of one user in the order of
    /// its writes.
    pub async fn changes(&self, limit: u32) -> io::Result<Vec<OutboxEntry>> {
        self.with_outbox(move |outbox| outbox.oldest(limit)).await
    }

    /// Deletes entries of the outbox by their numbers.
    pub async fn delete_from_outbox(&self, numbers: Vec<i64>) -> io::Result<()> {
        self.with_outbox(move |outbox| outbox.delete(&numbers)).await
    }

    async fn with_outbox<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&Outbox) -> dynoxide::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let Some(outbox) = self.outbox.clone() else { return Ok(T::default()) };
        let lock = self.lock.clone();
        let work = tokio::task::spawn_blocking(move || {
            let done = work(&outbox);
            drop((outbox, lock));
            done
        });
        work.await?.map_err(io::Error::other)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> T + Send + 'static,
    ) -> io::Result<T> {
        if self.lock.is_none() {
            tokio::task::yield_now().await;
            return Ok(work(&self.database));
        }
        let this = self.clone();
        let work = tokio::task::spawn_blocking(move || work(&this.database));
        work.await.map_err(io::Error::other)
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}

fn open_folder(path: &Path) -> io::Result<Embedded> {
    create_dir_all(path)?;
    let lock = owners_file(&path.join("lock"))?;
    lock.try_lock()?;
    let path = path.join("table.sqlite");
    let emptied = path.metadata().is_ok_and(|file| file.len() == 0);
    // The engine's further files take over the permissions of this one. It is locked too, so that
    // no other process opens the table if the lock file is deleted. The engine's own locks are of
    // another kind.
    let table = owners_file(&path)?;
    table.try_lock()?;
    if emptied {
        let file = path.display();
        tracing::warn!(operation = "table", "`{file}` is empty; the table starts empty");
    }
    let path = path.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    let database = Database::new(path).map_err(io::Error::other)?;
    let outbox = Outbox::open(path).map_err(io::Error::other)?;
    Ok(Embedded {
        database,
        tokens: Tokens::default(),
        outbox: Some(outbox),
        lock: Some(Arc::new([lock, table])),
    })
}

/// Opens a file. A new file is readable by its owner alone, because the table holds private keys
/// and personal data.
fn owners_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl HttpClient for Embedded {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Embedded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        let tokens = self.tokens.clone();
        HttpConnectorFuture::new(async move {
            let (status, body) = this
                .run(move |database| {
                    let target = request.headers().get("x-amz-target").unwrap_or_default();
                    let body = request.body().bytes().unwrap_or_default();
                    answer(database, &tokens, target, body)
                })
                .await
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            let status = StatusCode::try_from(status)
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            let headers = response.headers_mut();
            headers.insert("content-type", "application/x-amz-json-1.0");
            headers.insert("x-amzn-requestid", request_id());
            Ok(response)
        })
    }
}

/// Counts, in as many characters as the service's ids have: enough to tell the
/// requests of one process apart, and the same in each run of a test.
fn request_id() -> String {
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    format!("{:052}", REQUESTS.fetch_add(1, Ordering::Relaxed))
}

/// The status and the body of the answer to a request for the operation that `target` names.
fn answer(database: &Database, tokens: &Tokens, target: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let operation = target.strip_prefix("DynamoDB_20120810.").unwrap_or(target);
    match dispatch(database, tokens, operation, body) {
        Ok(output) => {
            if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems") {
                errors::write_succeeded();
            }
            (200, output)
        }
        Err(failure) => errors::answer(operation, failure),
    }
}

/// The step at which an operation ended without an output.
enum FailedStep {
    /// There is no such operation here.
    Unknown,
    /// The body is not the operation's input.
    Unreadable(serde_json::Error),
    /// The engine refused it, or failed.
    Engine(DynoxideError),
}

fn dispatch(
    db: &Database,
    tokens: &Tokens,
    operation: &str,
    body: &[u8],
) -> Result<Vec<u8>, FailedStep> {
    match operation {
        "GetItem" => perform(body, |input| db.get_item(input)),
        "PutItem" => perform(body, |input| db.put_item(input)),
        "UpdateItem" => perform(body, |input| db.update_item(input)),
        "DeleteItem" => perform(body, |input| db.delete_item(input)),
        "BatchGetItem" => perform(body, |input| db.batch_get_item(input)),
        "Query" => perform(body, |input| db.query(input)),
        "Scan" => perform(body, |input| db.scan(input)),
        "TransactWriteItems" => perform(body, |input| tokens.transact(db, input)),
        "TransactGetItems" => perform(body, |input| db.transact_get_items(input)),
        "CreateTable" => perform(body, |input| db.create_table(input)),
        "DescribeTable" => perform(body, |input| db.describe_table(input)),
        "DescribeTimeToLive" => perform(body, |input| db.describe_time_to_live(input)),
        "UpdateTimeToLive" => perform(body, |input| db.update_time_to_live(input)),
        _ => Err(FailedStep::Unknown),
    }
}

fn perform<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    operation: impl FnOnce(I) -> dynoxide::Result<O>,
) -> Result<Vec<u8>, FailedStep> {
    let input = serde_json::from_slice(body).map_err(FailedStep::Unreadable)?;
    let output = operation(input).map_err(FailedStep::Engine)?;
    serde_json::to_vec(&output)
        .map_err(|error| FailedStep::Engine(DynoxideError::InternalServerError(error.to_string())))
}
