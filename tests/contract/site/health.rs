//! Health: 200 only while the table answers, at the cost of one read a second.

use std::future::IntoFuture as _;

use serde_json::json;
use tests::{Fault, Service};

use super::assert_secure;

#[tokio::test]
async fn health_reads_the_table_at_most_once_a_second() {
    let service = Service::start().await;
    let healthy = service.call("GET", "/health").await.is(200);
    assert_eq!(healthy.json(), json!({ "status": "ok" }));
    assert_eq!(healthy.header("cache-control"), Some("no-store"));
    assert_eq!(healthy.cost(), (1.0, 0.0, 0.0));
    assert_secure(&healthy);
    for method in ["GET", "HEAD", "GET"] {
        assert_eq!(service.call(method, "/health").await.is(200).cost(), (0.0, 0.0, 0.0));
    }
    service.clock.advance(1);
    assert_eq!(service.call("HEAD", "/health").await.is(200).cost(), (1.0, 0.0, 0.0));
}

#[tokio::test]
async fn health_reads_what_is_there_now() {
    let service = Service::start().await;
    service.faults.reset();
    service.call("GET", "/health").await.is(200);
    let seen = service.faults.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].operation, "GetItem");
    assert_eq!(seen[0].body["ConsistentRead"], true);
}

#[tokio::test]
async fn checks_that_come_together_read_once() {
    let service = Service::start().await;
    service.faults.reset();
    let gate = service.faults.hold("GetItem");
    let checks: Vec<_> =
        (0..20).map(|_| tokio::spawn(service.call("GET", "/health").into_future())).collect();
    gate.reached().await;
    gate.open();
    for check in checks {
        check.await.unwrap().is(200);
    }
    assert_eq!(service.faults.operations(), ["GetItem"]);
}

#[tokio::test(start_paused = true)]
async fn e2_a_table_that_does_not_answer_is_503_without_details() {
    for fault in [
        Fault::Unreachable,
        Fault::ServerError,
        Fault::Lost,
        Fault::Silent,
        Fault::Throttled,
        Fault::Exceeded,
    ] {
        let service = Service::start().await;
        service.faults.reset();
        service.faults.from(0, fault.clone());
        let started = tokio::time::Instant::now();
        let failing = service.call("GET", "/health").await.is(503);
        assert!(started.elapsed().as_millis() <= 2_000, "{fault:?}: {:?}", started.elapsed());
        assert_eq!(
            (failing.slug().as_str(), failing.header("retry-after")),
            ("unavailable", Some("1"))
        );
        assert_eq!(
            failing.problem()["detail"],
            "the service cannot do this now; try again after the time in `Retry-After`"
        );
        assert_secure(&failing);
        let tries = service.faults.seen().len();
        service.call("GET", "/health").await.is(503);
        assert_eq!(service.faults.seen().len(), tries, "{fault:?} is remembered");
        service.faults.reset();
        service.clock.advance(1);
        service.call("GET", "/health").await.is(200);
    }
}
