//! Events that are published again (`kith events replay`).

use maintenance::replay::replay;
use serde_json::json;
use shared::env::Timestamp;
use tests::{Service, TENANT};

use super::{Told, said};

#[tokio::test]
async fn users_that_changed_since_a_time_are_published_again_in_the_order_of_their_changes() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let before = crm.create_user("before").await;
    service.clock.advance(100);
    let since = service.table.env().clock.now();
    let (els, jan, piet) =
        (crm.create_user("els").await, crm.create_user("jan").await, crm.create_user("piet").await);
    for (user, seconds) in [(&jan, 1), (&els, 1)] {
        service.clock.advance(seconds);
        crm.patch(&user.path, json!({ "given_name": "New" })).if_match("*").await.is(200);
    }
    service.clock.advance(1);
    crm.delete(&piet.path).await.is(204);
    let tenant = TENANT.parse().unwrap();
    let told = Told::default();
    let done = replay(&service.table, &tenant, since, &told).await.unwrap();
    assert_eq!((done.published, done.unreadable, done.stopped_at), (3, vec![], None));
    let due = [
        said("user.updated", &jan.id, 2),
        said("user.updated", &els.id, 2),
        said("user.deleted", &piet.id, 2),
    ];
    assert_eq!(told.take(), due);
    // From the start, while the bus refuses the events of one user.
    told.refuse(&[&els.id]);
    let start = Timestamp::from_millis(0);
    let done = replay(&service.table, &tenant, start, &told).await.unwrap();
    assert_eq!(done.stopped_at.unwrap().0.to_string(), els.id);
    assert!(told.take().contains(&said("user.updated", &before.id, 1)));
    told.refuse(&[]);
    let (_, at) = done.stopped_at.unwrap();
    assert_eq!(replay(&service.table, &tenant, at, &told).await.unwrap().published, 2);
    assert_eq!(told.take(), due[1..]);
}
