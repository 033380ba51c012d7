//! Copies of a prepared table, which many tests start from.

use serde_json::json;
use tests::{Service, person};

#[tokio::test]
async fn forks_share_nothing_with_each_other_and_with_what_they_come_from() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create("/identity/users", person("jan")).await;
    let snapshot = service.snapshot();
    let (one, other) = (snapshot.start(), snapshot.start());

    // The fork has the same resources, and tokens are valid there.
    let there = crm.on(&one);
    assert_eq!(there.get(&jan.path).await.is(200).tag(), jan.tag);
    let changed = json!({ "given_name": "Johan" });
    there.patch(&jan.path, changed).if_match(&jan.tag).await.is(200);
    there.create_user("els").await;
    one.clock.advance(100);

    for untouched in [&service, &other, &snapshot.start()] {
        let crm = crm.on(untouched);
        assert_eq!(crm.read(&jan.path).await, jan.body);
        assert_eq!(crm.find(json!({ "username": "els" })).await.len(), 0);
        assert_ne!(untouched.clock.now(), one.clock.now());
        untouched.check().await;
    }
    crm.delete(&jan.path).await.is(204);
    assert_eq!(there.read(&jan.path).await["given_name"], "Johan");
    one.check().await;
}
