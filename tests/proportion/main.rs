//! The measured cost of a request: its peak memory and its processor time, over every route with
//! hostile bodies, queries and headers. Both stay within a budget, and grow no faster than the
//! request (rules WK1 to WK4).
//!
//! The table is in this process too, so what it takes is counted with the rest.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::missing_panics_doc,
    reason = "helpers of tests fail by panicking, and print what they measured"
)]

mod files;
mod shapes;

use std::fmt::Write as _;
use std::time::Duration;

use local::serve;
use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use shared::domain::client::Integration;
use shared::http::{Body, Callers, Route};
use tests::{Call, Person, Resource, Service, TENANT, person};
use tokio::sync::{Mutex, MutexGuard};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The bytes of the largest body. A program without optimisation is slow, and tries smaller ones.
const FULL: usize = if cfg!(debug_assertions) { 48 * 1024 } else { 256 * 1024 - 64 };
const QUARTER: usize = FULL / 4;
/// The most memory of a request beyond what the service has when it is idle: 32 MB for 256 KB.
const MAX_MEMORY: usize = FULL * 122;
/// The most processor time; of a program without optimisation.
const MAX_TIME: Duration =
    if cfg!(debug_assertions) { Duration::from_secs(8) } else { Duration::from_secs(1) };
/// Costs below these are not compared with those of smaller requests: they hardly grow.
const SMALL_MEMORY: usize = 6_000_000;
const SMALL_TIME: Duration = Duration::from_millis(250);
/// The memory of one Argon2id, which a route that stores a password takes whatever the request has.
const HASH_MEMORY: usize = 26_000_000;
/// How many times as much a request of four times the size may cost: what is noise, and what
/// doubles its memory when it is full.
const GROWTH: f64 = 7.0;

/// The cost of one request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// The most memory that it held at a time, in bytes.
    pub memory: usize,
    /// Its processor time, on every thread.
    pub time: Duration,
    /// The bytes of its answer.
    pub answer: usize,
}

impl Cost {
    /// The cost without that of a hash, which does not depend on the request.
    fn of_request(self, what: &str) -> Self {
        let hash = if what.contains("/temporary-password") { HASH_MEMORY } else { 0 };
        Self { memory: self.memory.saturating_sub(hash), ..self }
    }
}

/// Sends a request and measures it.
pub async fn measure(call: Call) -> (u16, Cost) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let begun = processor_time();
    let answer = call.await;
    let time = processor_time().saturating_sub(begun);
    let memory = MEMORY.peak_usage().saturating_sub(before);
    (answer.code(), Cost { memory, time, answer: answer.body.len() })
}

fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.try_into().unwrap(), now.tv_nsec.try_into().unwrap())
}

/// The measurements, and those that exceed the budget.
#[derive(Default)]
pub struct Ledger {
    costs: Vec<(String, Cost)>,
    faults: Vec<String>,
}

impl Ledger {
    /// Notes a cost; says whether it is large enough to be compared with that of a smaller request.
    pub fn note(&mut self, what: &str, code: u16, cost: Cost, most: usize) -> bool {
        let cost = cost.of_request(what);
        if code >= 500 {
            self.faults.push(format!("{what}: {code}"));
        }
        if cost.memory > most || cost.time > MAX_TIME || cost.answer > 3_000_000 {
            self.faults.push(format!("{what}: {cost:?}"));
        }
        self.costs.push((what.to_owned(), cost));
        cost.memory > SMALL_MEMORY || cost.time > SMALL_TIME
    }

    fn compare(&mut self, what: &str, quarter: Cost, full: Cost) {
        let (quarter, full) = (quarter.of_request(what), full.of_request(what));
        let times = |full: f64, quarter: f64, least: f64| full / quarter.max(least);
        let memory = times(full.memory as f64, quarter.memory as f64, SMALL_MEMORY as f64 / 4.0);
        let least = SMALL_TIME.as_secs_f64() / 4.0;
        let time = times(full.time.as_secs_f64(), quarter.time.as_secs_f64(), least);
        if memory > GROWTH || time > GROWTH {
            self.faults.push(format!("{what}: {quarter:?} grows to {full:?}"));
        }
    }

    /// Prints the largest costs and fails if one is too much.
    pub fn close(mut self) {
        let mut said = format!("{} requests\n", self.costs.len());
        self.costs.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.memory));
        for (what, cost) in self.costs.iter().take(12) {
            let _ = writeln!(said, "{:>7.1} MB {what}", cost.memory as f64 / 1e6);
        }
        self.costs.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.time));
        for (what, cost) in self.costs.iter().take(12) {
            let _ = writeln!(said, "{:>7} ms {what}", cost.time.as_millis());
        }
        println!("{said}");
        assert!(self.faults.is_empty(), "{:#?}", self.faults);
    }
}

/// `cargo test` runs the tests of a file in one process, whose memory and processor time they
/// measure: one at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// The service with a user who has everything, and tokens for every route.
struct Scene {
    _alone: MutexGuard<'static, ()>,
    service: Service,
    token: String,
    jan: Person,
    user: Resource,
    persona: String,
}

impl Scene {
    async fn open() -> Self {
        let alone = ALONE.lock().await;
        let service = Service::start().await;
        let setting = service.setting().await;
        let corp = service.issuer("idp", "predefined").await;
        let crm = &setting.crm;
        let role = "employee";
        let mut body = person("jan");
        body["personas"] = serde_json::json!([{ "name": role, "scope": ["a"] }]);
        let user = crm.create("/identity/users", body).await;
        let persona = user.body["personas"][0]["id"].as_str().unwrap().to_owned();
        let jan = corp.link(&user.id, "jan").await;
        let client = service
            .register_as(TENANT, "administrator", |client| {
                client.integration = Some(Integration::Crm);
            })
            .await
            .with_token()
            .await;
        Self { _alone: alone, service, token: client.token, jan, user, persona }
    }

    fn path(&self, route: &Route) -> String {
        let nobody = "0192f3c1-0000-7000-8000-00000000dead";
        // The hash of a password is expensive by purpose, and costs the same for each password.
        let user = if route.name == "set_temporary_password" { nobody } else { &self.user.id };
        let path = route.path.replace("{tenant_id}", TENANT).replace("{system_id}", "crm");
        path.replace("{client_id}", "acme.000102030405060708090a0b0c0d0e0f")
            .replace("{secret_id}", nobody)
            .replace("{user_id}", user)
            .replace("{persona_id}", &self.persona)
            .replace("{session_id}", nobody)
            .replace("{authentication_server_id}", "corp")
            .replace("{value}", "nobody")
            .replace("{consent_id}", "nothing")
            .replace("{number}", "1")
            .replace("{version}", "effective")
            .replace(
                "{id}",
                if route.path.contains("/users/{id}") { &self.user.id } else { nobody },
            )
    }

    fn call(&self, route: &Route, path: &str) -> Call {
        let call = match route.callers {
            Callers::People(_) => self.jan.call(route.method, path),
            _ => self.service.call(route.method, path).token(&self.token),
        };
        if matches!(route.method, "PUT" | "PATCH") { call.if_match("*") } else { call }
    }
}

fn routes() -> impl Iterator<Item = &'static Route> {
    serve::functions().into_iter().flatten().filter(|route| route.method != "DELETE")
}

#[tokio::test]
async fn wk3_every_body_costs_in_proportion_to_its_size() {
    let scene = Scene::open().await;
    let description: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut ledger = Ledger::default();
    for route in
        routes().filter(|route| matches!(route.body, Body::Json(_) | Body::OptionalJson(_)))
    {
        let path = scene.path(route);
        let fields = shapes::fields(&description, route);
        let send = async |body: &str| {
            let call = scene.call(route, &path);
            measure(call.body("application/json", body.to_owned())).await
        };
        let quarter = shapes::of(QUARTER, &fields);
        for ((name, full), (_, quarter)) in shapes::of(FULL, &fields).zip(quarter) {
            let what = format!("{} {} {name}", route.method, route.path);
            let (code, cost) = send(&full).await;
            if ledger.note(&what, code, cost, MAX_MEMORY) {
                let (_, smaller) = send(&quarter).await;
                ledger.compare(&what, smaller, cost);
            }
        }
    }
    ledger.close();
}

#[tokio::test]
async fn wk3_queries_paths_and_headers_cost_in_proportion_to_their_size() {
    const MOST: usize = 60_000;
    let scene = Scene::open().await;
    let mut ledger = Ledger::default();
    let texts = [
        ("letters", "x".repeat(MOST)),
        ("escapes", "%C3%A9".repeat(MOST / 6)),
        ("commas", "a,".repeat(MOST / 2)),
        ("brackets", "(".repeat(MOST)),
        ("tags", "%22a%22,".repeat(MOST / 8)),
    ];
    for route in routes() {
        let path = scene.path(route);
        for (name, text) in &texts {
            let mut calls = Vec::new();
            let query = route.query.iter().chain(route.required_query).copied().chain(["unknown"]);
            for parameter in query {
                let call = scene.call(route, &format!("{path}?{parameter}={text}"));
                calls.push((format!("?{parameter}={name}"), call));
            }
            if route.path.contains("{id}") {
                let path = route.path.replace("{id}", text);
                calls.push((format!("{{id}}={name}"), scene.call(route, &path)));
            }
            let plain = text.replace('%', "\"");
            for header in
                ["if-match", "if-none-match", "accept", "content-type", "idempotency-key", "dpop"]
            {
                let call = scene.call(route, &path).header(header, &plain);
                calls.push((format!("{header}: {name}"), call));
            }
            let call = scene.service.call(route.method, &path).token(&plain);
            calls.push((format!("authorization: {name}"), call));
            for (place, call) in calls {
                let what = format!("{} {} {place}", route.method, route.path);
                let (code, cost) = measure(call).await;
                ledger.note(&what, code, cost, MAX_MEMORY);
            }
        }
    }
    ledger.close();
}

#[tokio::test]
async fn wk8_forms_of_strangers_cost_little() {
    let scene = Scene::open().await;
    let mut ledger = Ledger::default();
    let most = 16 * 1024 - 300;
    for path in ["token", "introspect", "revoke"] {
        for (name, form) in shapes::forms(most) {
            let call = scene.service.call("POST", &format!("/idhub/oidc/v1/{path}"));
            let call = call.body("application/x-www-form-urlencoded", form);
            let (code, cost) = measure(call).await;
            ledger.note(&format!("{path} {name}"), code, cost, 1_000_000);
        }
        let call = scene.service.call("POST", &format!("/idhub/oidc/v1/{path}"));
        let call = call.body("application/x-www-form-urlencoded", "a".repeat(200_000));
        let (code, cost) = measure(call).await;
        assert_eq!(code, 400);
        ledger.note(&format!("{path} too large"), code, cost, 500_000);
    }
    ledger.close();
}
