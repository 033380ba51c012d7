//! `kith serve`: all functions on one port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use shared::app::App;
use shared::archive::Archive;
use shared::env::Env;
use shared::fetch::Fetcher;
use shared::http;
use shared::http::Route;
use shared::script::{self, Scripts};
use shared::store::Table;
use sweeper::Export;
use tokio::net::TcpListener;

use crate::Failure;
use crate::base_url::BaseUrl;
use crate::connections;
use crate::cors::{self, Origin};
use crate::demo::{self, Demonstration};
use crate::dynamodb;
use crate::embedded::Embedded;
use crate::events::{EventPublisher, Round};
use crate::mail::{self, Folder, Teller, Told};
use crate::table::open_embedded;

/// How long requests under way may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How often items past their time are deleted; until then they are treated as gone (rule D8).
const EXPIRE: Duration = Duration::from_hours(1);
/// How long the sweeper rests.
const SWEEP: Duration = Duration::from_secs(10);

/// The route tables of all functions.
#[must_use]
pub fn functions() -> [&'static [Route]; 7] {
    [
        &token::ROUTES,
        &users::ROUTES,
        &personas::ROUTES,
        &definitions::ROUTES,
        &subjects::ROUTES,
        &login::ROUTES,
        &site::ROUTES,
    ]
}

/// The routers of all functions in one, each on the state that `state` makes for it.
pub fn router(env: Env, state: impl Fn() -> App) -> Router {
    http::serve(merged(state), env)
}

pub(crate) fn merged(state: impl Fn() -> App) -> Router {
    functions()
        .into_iter()
        .fold(Router::new(), |merged, routes| merged.merge(http::route::router(routes, state())))
}

/// The state of one function that shares nothing with the others but the table and the key of the
/// audit, as each deployed function has it: what one has read, the others have not.
#[must_use]
pub fn own_state(table: &Table, base_url: &str, scripts: &Scripts, fetcher: &Fetcher) -> App {
    App::with_fetcher(table.another(), Some(base_url.to_owned()), scripts.clone(), fetcher.clone())
}

/// A service that listens and is not yet served.
pub struct Service {
    listener: TcpListener,
    router: Router,
    /// The state of the sweeper. In a deployment a schedule calls the sweeper.
    sweeping: App,
    /// Where the sweeper exports the audit to, if it does.
    export: Option<Export>,
    engine: Embedded,
    /// Where the table is lent to other programs, if it is.
    lending: Option<TcpListener>,
    /// Publishes change events. When the service is deployed, the function `stream` does so.
    events: EventPublisher,
    /// How mails leave. When the service is deployed, the function `mailer` sends them.
    mails: Told,
    /// The sender of mails.
    mail_from: String,
    /// Its base URL, where it can be called.
    pub url: String,
    /// Where the demonstration's credentials are.
    pub env_file: PathBuf,
    /// The link by which the demonstration's administrator sets a password, until it has one.
    pub invitation: Option<String>,
}

impl Service {
    /// Opens the table in `data` (or in memory, with `data` for credentials and mails alone),
    /// fills it for a first start, and listens. Without a base URL it is that of this machine.
    pub async fn start(
        listen: SocketAddr,
        base_url: Option<BaseUrl>,
        data: &Path,
        memory: bool,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            format!("cannot listen on {listen}: {error}; use another address by --listen")
        })?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let BaseUrl(url) = base_url.map_or_else(|| BaseUrl::of(address), Ok)?;
        let (table, engine) = open_embedded((!memory).then_some(data), Env::default()).await?;
        // One state for all: a caller who changes a definition and then a user need not wait
        // until caches are young.
        let state = own_state(&table, &url, &scripts()?, &Fetcher::default());
        let Demonstration { env_file, identity_provider, invitation } =
            Box::pin(demo::prepare(&state, data, &url)).await?;
        let router = merged(|| state.clone()).merge(identity_provider.router());
        let router = http::serve(router, table.env().clone());
        let folder = Folder::new(data.join(mail::FOLDER), table.env().clone());
        Ok(Self {
            listener,
            router,
            sweeping: state,
            export: None,
            lending: None,
            events: EventPublisher::new(engine.clone(), table, data),
            engine,
            mails: Told { route: mail::Route::Folder(folder), teller: None },
            mail_from: mail::FROM.to_owned(),
            url,
            env_file,
            invitation,
        })
    }

    /// Sends mails by another way than into the data folder, from this sender.
    #[must_use]
    pub fn mailing(self, route: mail::Route, from: String) -> Self {
        Self { mails: Told { route, ..self.mails }, mail_from: from, ..self }
    }

    /// Tells of each mail that is sent.
    #[must_use]
    pub fn telling_mails(self, teller: Teller) -> Self {
        Self { mails: Told { teller: Some(teller), ..self.mails }, ..self }
    }

    /// Exports the audit to a folder while the service runs.
    #[must_use]
    pub fn exporting_audit(self, folder: PathBuf) -> Self {
        Self { export: Some(Archive::Folder(folder).into()), ..self }
    }

    /// Lends the table to other programs of this machine while the service runs: they reach it over
    /// DynamoDB's protocol, under the name [`LOCAL`](crate::table::LOCAL). Returns the address.
    pub async fn lend(&mut self, at: SocketAddr) -> Result<SocketAddr, Failure> {
        let listener = dynamodb::listen(at).await?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        self.lending = Some(listener);
        Ok(address)
    }

    /// Lets web pages of these origins call.
    #[must_use]
    pub fn called_from(mut self, origins: Vec<Origin>) -> Self {
        self.router = cors::allow(self.router, origins);
        self
    }

    /// Serves until `stop` is done, then lets requests under way finish.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure> {
        let (stopping, stopped) = tokio::sync::oneshot::channel();
        let serving = connections::serve(self.listener, self.router, async move {
            stop.await;
            // The receiver is gone only when serving has ended.
            let _ = stopping.send(());
        });
        let events = self.events.clone();
        let lent = dynamodb::router(self.engine.clone());
        let lending = async move {
            match self.lending {
                Some(listener) => connections::serve(listener, lent, std::future::pending()).await,
                None => std::future::pending().await,
            }
        };
        let mailing = mail::run(self.sweeping.clone(), self.mails, self.mail_from);
        tokio::select! {
            never = Box::pin(sweep(self.sweeping, self.export)) => match never {},
            never = Box::pin(mailing) => match never {},
            never = expire(self.engine) => match never {},
            never = Box::pin(self.events.run()) => match never {},
            () = Box::pin(lending) => {}
            () = Box::pin(serving) => {}
            () = async {
                if stopped.await.is_err() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(GRACE).await;
            } => {}
        }
        // The events of the last requests; the next start publishes those that fail now.
        while Box::pin(events.round()).await == Round::Published {}
        Ok(())
    }
}

/// Deletes what is past its time again and again, as DynamoDB does by itself.
async fn expire(engine: Embedded) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(EXPIRE).await;
        if let Err(error) = engine.sweep_ttl().await {
            tracing::error!(operation = "expire", cause = format!("{error}"));
        }
    }
}

/// Calls the sweeper again and again.
async fn sweep(app: App, export: Option<Export>) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(SWEEP).await;
        let until = app.env().clock.now().plus_seconds(sweeper::BUDGET_SECONDS);
        if let Err(error) = Box::pin(sweeper::sweep(&app, export.as_ref(), until)).await {
            tracing::error!(operation = "sweep", cause = %error);
        }
    }
}

/// Runs scripts in worker processes of this same program.
pub fn scripts() -> Result<Scripts, Failure> {
    let program =
        std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    Ok(Scripts::new(program, vec![script::WORKER.to_owned()]))
}
