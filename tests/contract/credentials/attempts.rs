//! Counters of attempts.

use shared::domain::people::{Reservation, Throttle};
use shared::store::Table;
use shared::store::meter::CapacityMeter;
use tests::Service;
use tokio::task::JoinSet;

const NAME: &str = "account\nacme\njan";

async fn reserve(table: &Table) -> Reservation {
    table.reserve_attempt(NAME, &Throttle::STRANGERS).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g34_of_a_thousand_attempts_at_once_at_most_six_may_be_made() {
    let service = Service::start().await;
    let mut running = JoinSet::new();
    for _ in 0..1000 {
        let table = service.table.clone();
        running.spawn(async move { reserve(&table).await.is_granted() });
    }
    let granted = running.join_all().await.into_iter().filter(|granted| *granted).count();
    // Five are free of waits, and of those at once after them one is made.
    assert!((5..=6).contains(&granted), "{granted}");
}

#[tokio::test]
async fn g35_an_attempt_waits_twice_as_long_as_the_one_before_up_to_900_seconds() {
    let service = Service::start().await;
    let (table, clock) = (&service.table, &service.clock);
    let mut failures = Vec::new();
    for _ in 0..6 {
        match reserve(table).await {
            Reservation::Granted { failures: before } => failures.push(before),
            refused => panic!("{refused:?}"),
        }
    }
    assert_eq!(failures, [0, 0, 0, 0, 0, 5]);
    for (n, seconds) in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900].into_iter().enumerate() {
        let until = clock.now().plus_seconds(seconds);
        assert_eq!(reserve(table).await, Reservation::Wait { until }, "{seconds}");
        // A refused attempt does not make the wait longer.
        clock.advance(seconds - 1);
        assert_eq!(reserve(table).await, Reservation::Wait { until }, "{seconds}");
        clock.advance(1);
        let failures = 6 + u32::try_from(n).unwrap();
        assert_eq!(reserve(table).await, Reservation::Granted { failures }, "{seconds}");
    }
}

#[tokio::test]
async fn g35_strangers_are_refused_after_a_hundred_attempts_until_the_counter_is_cleared() {
    let service = Service::start().await;
    let (table, clock) = (&service.table, &service.clock);
    for n in 0..100 {
        assert!(reserve(table).await.is_granted(), "attempt {n}");
        clock.advance(900);
    }
    assert_eq!(reserve(table).await, Reservation::Closed);
    clock.advance(400 * 24 * 3600);
    assert_eq!(reserve(table).await, Reservation::Closed);
    // The counter of a device that is known is another one.
    let device = table.reserve_attempt("device\nacme\njan", &Throttle::WAITS).await.unwrap();
    assert!(device.is_granted());
    table.clear_attempts(NAME).await.unwrap();
    assert_eq!(reserve(table).await, Reservation::Granted { failures: 0 });
}

#[tokio::test]
async fn g35_a_counter_begins_anew_when_nobody_tried_for_thirty_days() {
    let service = Service::start().await;
    let (table, clock) = (&service.table, &service.clock);
    for _ in 0..12 {
        clock.advance(900);
        assert!(reserve(table).await.is_granted());
    }
    clock.advance(Throttle::STRANGERS.kept);
    assert_eq!(reserve(table).await, Reservation::Granted { failures: 0 });
    assert!(reserve(table).await.is_granted());
}

#[tokio::test]
async fn g71_a_counter_does_not_say_whose_it_is() {
    let service = Service::start().await;
    reserve(&service.table).await;
    let items = service.items().await;
    let counters: Vec<_> = items.iter().filter(|item| item.contains("counted")).collect();
    assert_eq!(counters.len(), 1);
    assert!(!counters[0].contains("jan"), "{}", counters[0]);
}

#[tokio::test]
async fn an_attempt_costs_one_write_unit_while_it_is_free_of_waits() {
    let service = Service::start().await;
    let meter = CapacityMeter::default();
    meter.measure(reserve(&service.table)).await;
    let units = meter.units();
    assert_eq!((units.read, units.write, units.index_write), (0.0, 1.0, 0.0));
}
