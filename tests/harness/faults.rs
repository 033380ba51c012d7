//! A network that fails as a test demands: before an operation takes effect, after it, or with an
//! error of DynamoDB.
//!
//! Calls are counted per attempt, from the last [`Faults::reset`] on, so "crash at the n-th call"
//! and "lose the answer of the n-th call" mean the same in every run. Each rule is used up by one
//! call, a crash by none.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use shared::env::Clock;

use crate::gate::Gate;
use crate::lag::Lag;
use crate::throughput::{SlowTransactions, Throughput};

/// A way in which a call of the table fails.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A 500 before anything happens.
    ServerError,
    /// The connection breaks before anything happens.
    Unreachable,
    /// It takes effect, and the connection breaks before the answer.
    Lost,
    /// It takes effect, and the answer never comes.
    Silent,
    /// It takes effect, and the answer is a 500.
    LostServerError,
    /// `ThrottlingException`.
    Throttled,
    /// `ProvisionedThroughputExceededException`.
    Exceeded,
    /// The transaction is cancelled because its member with this index is throttled.
    ThrottledMember(usize),
    /// The item with this index is part of another transaction at this moment.
    Conflict(usize),
    /// The call waits at the gate, then goes on.
    Held(Arc<Gate>),
}

impl Fault {
    /// Every fault that one call can meet by itself.
    pub fn all() -> Vec<Self> {
        vec![
            Self::ServerError,
            Self::Unreachable,
            Self::Lost,
            Self::Silent,
            Self::LostServerError,
            Self::Throttled,
            Self::Exceeded,
            Self::ThrottledMember(0),
            Self::Conflict(0),
        ]
    }

    /// The faults of one call among many: before its effect, after it, instead of it; the forms of
    /// each in turn.
    pub fn of_call(index: usize) -> [Self; 5] {
        let even = index.is_multiple_of(2);
        [
            if even { Self::Unreachable } else { Self::ServerError },
            if even { Self::Lost } else { Self::LostServerError },
            Self::Silent,
            if even { Self::Throttled } else { Self::ThrottledMember(0) },
            Self::Conflict(0),
        ]
    }

    /// The throttling of an operation.
    fn throttling(seen: &RecordedCall) -> Self {
        if seen.operation == "TransactWriteItems" {
            Self::ThrottledMember(0)
        } else {
            Self::Exceeded
        }
    }

    /// Whether the operation with this body can meet the fault.
    fn fits(&self, seen: &RecordedCall) -> bool {
        let members = seen.body.get("TransactItems").and_then(Value::as_array).map_or(0, Vec::len);
        match self {
            Self::ThrottledMember(k) => *k < members,
            Self::Conflict(k) => {
                let lone = ["PutItem", "UpdateItem", "DeleteItem"];
                *k < members || lone.contains(&seen.operation.as_str())
            }
            _ => true,
        }
    }
}

/// A call of the table, as it was sent over the network.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// The operation's name.
    pub operation: String,
    /// Its input.
    pub body: Arc<Value>,
}

#[derive(Clone, Debug)]
enum FaultTrigger {
    At(usize),
    From(usize),
    Next(&'static str),
    /// Every call of this operation that names this.
    Naming(&'static str, String),
}

#[derive(Debug, Default)]
struct FaultPlan {
    rules: Vec<(FaultTrigger, Fault)>,
    seen: Vec<RecordedCall>,
}

impl FaultPlan {
    /// Notes a call and takes the fault that it meets.
    fn meet(&mut self, seen: RecordedCall) -> Option<Fault> {
        let n = self.seen.len();
        let due = self.rules.iter().position(|(when, fault)| {
            let hit = match when {
                FaultTrigger::At(at) => n == *at,
                FaultTrigger::From(from) => n >= *from,
                FaultTrigger::Next(operation) => seen.operation == *operation,
                FaultTrigger::Naming(operation, name) => {
                    seen.operation == *operation && seen.body.to_string().contains(name)
                }
            };
            hit && fault.fits(&seen)
        });
        self.seen.push(seen);
        let due = due?;
        match self.rules.get(due)? {
            (FaultTrigger::From(_) | FaultTrigger::Naming(..), fault) => Some(fault.clone()),
            _ => Some(self.rules.remove(due).1),
        }
    }
}

/// The network between the service and the table; clones share it.
#[derive(Clone)]
pub struct Faults {
    inner: SharedHttpClient,
    plan: Arc<Mutex<FaultPlan>>,
    lag: Arc<Mutex<Option<Lag>>>,
    throughput: Arc<Mutex<Option<Throughput>>>,
    slow: Arc<Mutex<Option<SlowTransactions>>>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}

impl Faults {
    /// A network without faults before an engine.
    pub fn before(inner: SharedHttpClient) -> Self {
        let (plan, lag, throughput) = (Arc::default(), Arc::default(), Arc::default());
        Self { inner, plan, lag, throughput, slow: Arc::default() }
    }

    /// The client to configure the SDK with.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    fn plan<T>(&self, work: impl FnOnce(&mut FaultPlan) -> T) -> T {
        work(&mut lock(&self.plan))
    }

    /// Forgets all rules and calls: the next call is the first.
    pub fn reset(&self) {
        self.plan(|plan| *plan = FaultPlan::default());
    }

    /// Lets the call with this index meet the fault.
    pub fn at(&self, index: usize, fault: Fault) {
        self.plan(|plan| plan.rules.push((FaultTrigger::At(index), fault)));
    }

    /// Lets every call from this index on meet the fault.
    pub fn from(&self, index: usize, fault: Fault) {
        self.plan(|plan| plan.rules.push((FaultTrigger::From(index), fault)));
    }

    /// Lets the process crash when the call with this index has taken effect.
    pub fn crash_after(&self, index: usize) {
        self.at(index, Fault::Lost);
        self.from(index + 1, Fault::Unreachable);
    }

    /// Lets the next call of this operation fail with this fault; if called twice, the next two
    /// calls.
    pub fn next(&self, operation: &'static str, fault: Fault) {
        self.plan(|plan| plan.rules.push((FaultTrigger::Next(operation), fault)));
    }

    /// Lets no call of this operation through that names this, until [`Faults::mend`].
    pub fn cut(&self, operation: &'static str, name: &str) {
        self.plan(|plan| {
            plan.rules.push((FaultTrigger::Naming(operation, name.to_owned()), Fault::Unreachable));
        });
    }

    /// Lets calls through again that name this.
    pub fn mend(&self, name: &str) {
        self.plan(|plan| {
            plan.rules.retain(
                |(when, _)| !matches!(when, FaultTrigger::Naming(_, other) if other == name),
            );
        });
    }

    /// From now on the listing is so many milliseconds of this clock behind the users, each write
    /// by a time of its own. It shows what is written from the first time on.
    pub fn lag(&self, clock: &Clock, seed: u64, millis: Range<u64>) {
        match &mut *lock(&self.lag) {
            Some(lag) => lag.change(seed, millis),
            none => *none = Some(Lag::new(clock.clone(), seed, millis)),
        }
    }

    /// From now on each partition takes so many write units a second.
    pub fn limit_partitions(&self, per_second: f64) {
        *lock(&self.throughput) = Some(Throughput::new(per_second));
    }

    /// From now on each transaction that names this takes so many seconds of this clock.
    pub fn slow_down(&self, clock: &Clock, naming: &str, seconds: i64) {
        let slow = SlowTransactions { clock: clock.clone(), naming: naming.to_owned(), seconds };
        *lock(&self.slow) = Some(slow);
    }

    fn admits(&self, seen: &RecordedCall) -> bool {
        lock(&self.throughput).as_mut().is_none_or(|throughput| throughput.admits(seen))
    }

    /// Does a call, behind an index that lags if it does.
    async fn effect(
        &self,
        inner: &SharedHttpConnector,
        request: HttpRequest,
        seen: &RecordedCall,
    ) -> Result<HttpResponse, ConnectorError> {
        if let Some(answer) = lock(&self.lag).as_ref().and_then(|lag| lag.answer(seen)) {
            return Ok(answer);
        }
        let answer = inner.call(request).await?;
        if answer.status().is_success()
            && let Some(lag) = lock(&self.lag).as_mut()
        {
            lag.note(seen);
        }
        if let Some(slow) = &*lock(&self.slow) {
            slow.spend(seen);
        }
        Ok(answer)
    }

    /// Holds the next call of this operation at a gate.
    pub fn hold(&self, operation: &'static str) -> Arc<Gate> {
        let gate = Gate::closed();
        self.next(operation, Fault::Held(gate.clone()));
        gate
    }

    /// Holds each call of this operation that names this at a gate.
    pub fn hold_naming(&self, operation: &'static str, name: &str) -> Arc<Gate> {
        let gate = Gate::closed();
        let trigger = FaultTrigger::Naming(operation, name.to_owned());
        self.plan(|plan| plan.rules.push((trigger, Fault::Held(gate.clone()))));
        gate
    }

    /// The calls since the last reset, attempts counted one by one.
    pub fn seen(&self) -> Vec<RecordedCall> {
        self.plan(|plan| plan.seen.clone())
    }

    /// The names of the operations since the last reset.
    pub fn operations(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.operation).collect()
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HttpClient for Faults {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        parts: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, parts);
        SharedHttpConnector::new(Connector { inner, faults: self.clone() })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    inner: SharedHttpConnector,
    faults: Faults,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
        let seen = RecordedCall { operation, body: Arc::new(body.unwrap_or_default()) };
        let fault = self.faults.plan(|plan| plan.meet(seen.clone()));
        let fault =
            fault.or_else(|| (!self.faults.admits(&seen)).then(|| Fault::throttling(&seen)));
        let (inner, faults) = (self.inner.clone(), self.faults.clone());
        HttpConnectorFuture::new(async move {
            match fault {
                None => faults.effect(&inner, request, &seen).await,
                Some(Fault::Held(gate)) => {
                    gate.pass().await;
                    faults.effect(&inner, request, &seen).await
                }
                Some(Fault::Unreachable) => Err(broken()),
                Some(Fault::Lost) => {
                    faults.effect(&inner, request, &seen).await?;
                    Err(broken())
                }
                Some(Fault::Silent) => {
                    faults.effect(&inner, request, &seen).await?;
                    std::future::pending().await
                }
                Some(Fault::LostServerError) => {
                    faults.effect(&inner, request, &seen).await?;
                    Ok(error(500, "InternalServerError", None))
                }
                Some(Fault::ServerError) => Ok(error(500, "InternalServerError", None)),
                Some(Fault::Throttled) => Ok(error(400, "ThrottlingException", None)),
                Some(Fault::Exceeded) => {
                    Ok(error(400, "ProvisionedThroughputExceededException", None))
                }
                Some(Fault::ThrottledMember(k)) => Ok(cancelled(&seen, k, "ThrottlingError")),
                Some(Fault::Conflict(_)) if seen.operation != "TransactWriteItems" => {
                    Ok(error(400, "TransactionConflictException", None))
                }
                Some(Fault::Conflict(k)) => Ok(cancelled(&seen, k, "TransactionConflict")),
            }
        })
    }
}

fn broken() -> ConnectorError {
    ConnectorError::io("the connection broke".into())
}

/// A message that must never reach a caller (rule E2).
const MESSAGE: &str = "a message of DynamoDB that quotes a secret value";

fn error(status: u16, name: &str, reasons: Option<Vec<Value>>) -> HttpResponse {
    let mut body =
        json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": MESSAGE });
    if let (Some(reasons), Some(members)) = (reasons, body.as_object_mut()) {
        members.insert("CancellationReasons".to_owned(), Value::Array(reasons));
    }
    let status = StatusCode::try_from(status).expect("a status");
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

fn cancelled(seen: &RecordedCall, member: usize, code: &str) -> HttpResponse {
    let members = seen.body.get("TransactItems").and_then(Value::as_array).map_or(0, Vec::len);
    let reason = |i| {
        if i == member {
            json!({ "Code": code, "Message": MESSAGE })
        } else {
            json!({ "Code": "None" })
        }
    };
    error(400, "TransactionCanceledException", Some((0..members).map(reason).collect()))
}
