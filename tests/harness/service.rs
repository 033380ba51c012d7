//! The service in this process, its tenants and their clients.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use local::embedded::Embedded;
use local::serve;
use maintenance::check::{self, CheckReport};
use serde_json::Value;
use shared::app::App;
use shared::domain::Scopes;
use shared::domain::audit::{AuditSettings, Level};
use shared::domain::author::{Author, Reason};
use shared::domain::id::TenantId;
use shared::env::{Clock, Env, Random, Timestamp};
use shared::fetch::Fetcher;
use shared::script::Scripts;
use shared::store::definitions::DefinitionEdit;
use shared::store::{Key, Table};

use crate::call::Call;
use crate::engine::Engine;
use crate::faults::Faults;
use crate::snapshot::Snapshot;

/// The base URL of the service under test.
pub const BASE: &str = "https://kith.example";
/// The tenant that is there from the start.
pub const TENANT: &str = "acme";
/// When the stopped clock stands: 2026-11-21T10:00:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_795_255_200_000);

/// All functions in one process, each with caches of its own; clones share them.
#[derive(Clone, Debug)]
pub struct Service {
    /// The table.
    pub table: Table,
    /// The network between the functions and the table.
    pub faults: Faults,
    /// The clock of the rules; it stands still unless it is moved.
    pub clock: Clock,
    router: Router,
    embedded: Option<Embedded>,
}

impl Service {
    /// Starts on an empty table of the embedded engine, with the tenant [`TENANT`], at [`START`].
    pub async fn start() -> Self {
        let clock = Clock::stopped_at(START);
        let engine =
            Engine::embedded(Env { clock: clock.clone(), random: Random::default() }).await;
        Self::on(engine, clock).await
    }

    /// As [`Service::start`], with a tenant that keeps no audit: writes cost what they cost without.
    pub async fn start_unaudited() -> Self {
        let service = Self::start().await;
        service.end_audit().await;
        service
    }

    /// Ends the audit of [`TENANT`]. Functions know it after half a minute.
    pub async fn end_audit(&self) {
        let author = Author::service(tenant(TENANT), Reason::Operator);
        let off = AuditSettings { level: Level::Off, since: None, ..AuditSettings::default() };
        let decide = |_: Option<&_>, _: &_| Ok(DefinitionEdit::Replace(off.clone()));
        let key = Some(AuditSettings::KEY);
        let edited =
            self.table.edit_definition::<AuditSettings>(&author, key, decide, |_| Ok(Vec::new()));
        edited.await.expect("settings");
    }

    /// Replaces the settings of the audit of [`TENANT`].
    pub async fn set_audit(&self, settings: Value) {
        let administrator = self.client(TENANT, "administrator").await;
        let current = administrator.get("/identity/config/audit").await.is(200);
        let change = administrator.put("/identity/config/audit", settings);
        change.header("if-match", current.tag()).await.is(200);
    }

    /// Starts on an engine.
    pub async fn on(engine: Engine, clock: Clock) -> Self {
        let service = Self::over(engine, clock);
        service.create_tenant(TENANT).await;
        service
    }

    /// Starts on an engine with what its table has.
    pub(crate) fn over(engine: Engine, clock: Clock) -> Self {
        let Engine { table, faults, embedded } = engine;
        let router = router(&table, &Fetcher::default());
        Self { table, faults, clock, router, embedded }
    }

    /// Keeps the table as it is now, so that services can be started on copies of it.
    pub fn snapshot(&self) -> Snapshot {
        let embedded = self.embedded.as_ref().expect("the embedded engine");
        Snapshot::of(embedded, self.clock.now())
    }

    /// Puts an item into the table around the service, as somebody does who can write the table.
    pub async fn put_item(&self, attributes: HashMap<String, AttributeValue>) {
        let put = self.table.client().put_item().table_name(self.table.name());
        put.set_item(Some(attributes)).send().await.expect("a put");
    }

    /// Deletes an item of the table around the service.
    pub async fn delete_item(&self, key: &Key) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let delete = self.table.client().delete_item().table_name(self.table.name());
        let delete = delete.key("pk", text(key.pk())).key("sk", text(key.sk()));
        delete.send().await.expect("a deletion");
    }

    /// Another instance of every function on the same table: what one has read, the other has not.
    pub fn instance(&self) -> Self {
        self.fetching(&Fetcher::default())
    }

    /// Another instance of every function, which fetches what others publish in its own way.
    pub fn fetching(&self, fetcher: &Fetcher) -> Self {
        Self { router: router(&self.table, fetcher), ..self.clone() }
    }

    /// Another instance, in which all functions have one memory, as under `kith serve`.
    pub fn in_one(&self) -> Self {
        let state = serve::own_state(&self.table, BASE, &scripts(), &Fetcher::default());
        Self { router: serve::router(self.table.env().clone(), || state.clone()), ..self.clone() }
    }

    /// Makes a tenant.
    pub async fn create_tenant(&self, name: &str) {
        let made = self.table.create_tenant(&tenant(name)).await.expect("a tenant");
        assert!(made, "there is a tenant `{name}`");
    }

    /// Registers a client that holds the refresh grant, and gets it a token with all its scopes.
    pub async fn client(&self, tenant_name: &str, scopes: &str) -> Client {
        let scopes: Scopes = scopes.parse().expect("scopes");
        self.register(tenant_name, scopes, true).await.with_token().await
    }

    /// Registers a client; it has no token yet.
    pub async fn register(&self, tenant_name: &str, scopes: Scopes, refresh: bool) -> Client {
        let env = self.table.env();
        let (client, secret) = shared::domain::client::Client::register(
            &tenant(tenant_name),
            "test",
            scopes,
            refresh,
            env,
        );
        self.table.create_client(&client).await.expect("a client");
        let (id, secret) = (client.client_id.to_string(), secret.reveal().to_owned());
        Client { service: self.clone(), id, secret, token: String::new() }
    }

    /// A client of [`TENANT`] that may do everything that machine clients do.
    pub async fn crm(&self) -> Client {
        self.client(TENANT, "users:read users:write config:read config:write").await
    }

    /// A request without a token.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.router.clone(), method, path)
    }

    /// A request to the token endpoint.
    pub fn token(&self, form: &[(&str, &str)]) -> Call {
        self.call("POST", "/idhub/oidc/v1/token").form(form)
    }

    /// Calls the sweeper, which works until no work is due.
    pub async fn sweep(&self) -> sweeper::SweepReport {
        let (app, end) = (self.app(), Timestamp::from_millis(i64::MAX));
        Box::pin(sweeper::sweep(&app, None, end)).await.expect("a sweep")
    }

    /// The state of a function without routes.
    pub fn app(&self) -> App {
        App::new(self.table.clone(), None, scripts())
    }

    /// Every item of the table as text, for tests that look for what must not be there.
    pub async fn items(&self) -> Vec<String> {
        let mut pages = self
            .table
            .client()
            .scan()
            .table_name(self.table.name())
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            let item: BTreeMap<_, _> = item.expect("a page of items").into_iter().collect();
            items.push(format!("{item:?}"));
        }
        items
    }

    /// The version of a user of [`TENANT`]: how many writes were committed.
    pub async fn version_of(&self, user: &str) -> u64 {
        let key = Key::user(&tenant(TENANT), user.parse().expect("a user's id"));
        let item = self.table.get(&key).await.expect("a read").expect("a user");
        item.version().expect("a version").0
    }

    /// Asserts rule D1 over [`TENANT`] and returns what there is.
    #[track_caller]
    pub fn check(&self) -> impl Future<Output = CheckReport> {
        let at = std::panic::Location::caller();
        async move {
            let tenant = tenant(TENANT);
            let report = Box::pin(check::verify(&self.table, &tenant)).await.expect("a report");
            assert_eq!(report.problems, Vec::<String>::new(), "D1 does not hold at {at}");
            report
        }
    }
}

/// All functions, each with a state of its own.
fn router(table: &Table, fetcher: &Fetcher) -> Router {
    let scripts = scripts();
    serve::router(table.env().clone(), || serve::own_state(table, BASE, &scripts, fetcher))
}

/// Runs scripts, in the worker that is built beside the tests.
pub fn scripts() -> Scripts {
    let test = std::env::current_exe().expect("the test's own path");
    let worker = test.ancestors().nth(2).expect("the build's folder").join("script-worker");
    Scripts::new(worker, Vec::new())
}

/// A tenant's id.
fn tenant(name: &str) -> TenantId {
    name.parse().expect("a tenant's name")
}

/// A machine client.
#[derive(Clone, Debug)]
pub struct Client {
    /// The service that it calls.
    pub service: Service,
    /// The client's id.
    pub id: String,
    /// The client's secret.
    pub secret: String,
    /// The access token that it sends.
    pub token: String,
}

impl Client {
    /// The client with a new token that has all its scopes.
    pub async fn with_token(mut self) -> Self {
        self.token = self
            .token_for(&[("grant_type", "client_credentials")])
            .await
            .is(200)
            .field("access_token");
        self
    }

    /// The same client of another instance.
    pub fn on(&self, service: &Service) -> Self {
        Self { service: service.clone(), ..self.clone() }
    }

    /// A request to the token endpoint with the client's credentials.
    pub fn token_for(&self, form: &[(&str, &str)]) -> Call {
        let credentials =
            [("client_id", self.id.as_str()), ("client_secret", self.secret.as_str())];
        self.service.token(&[form, &credentials].concat())
    }

    /// A request with the client's token.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.service.call(method, path).token(&self.token)
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// A POST with a JSON body.
    pub fn post(&self, path: &str, body: Value) -> Call {
        self.call("POST", path).json(body)
    }

    /// A POST without a body.
    pub fn act(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    /// A PUT with a JSON body.
    pub fn put(&self, path: &str, body: Value) -> Call {
        self.call("PUT", path).json(body)
    }

    /// A PATCH with a JSON body.
    pub fn patch(&self, path: &str, body: Value) -> Call {
        self.call("PATCH", path).json(body)
    }
}
