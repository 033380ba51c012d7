//! The sweeper applies a changed workflow to every profile, and finishes erasures.

use serde_json::{Value, json};
use shared::app::App;
use shared::domain::id::UserId;
use shared::store::keys::{listing, listing_shard};
use sweeper::SweepReport;
use tests::{Client, Resource, Service, TENANT, person};

use super::{FAILING, USERS, answering, derive, found, full_names, held, rewrite, workflow};

/// How long functions may still write by the definitions before, and more.
const SETTLED: i64 = 61;

/// Sweeps until a change is applied: once to notice it, and once when no cache has the earlier
/// configuration.
pub async fn settle(service: &Service) -> SweepReport {
    service.sweep().await;
    service.clock.advance(SETTLED);
    service.sweep().await
}

/// Users `jan0`…, all with the given name Jan and family names of their own.
pub async fn people(crm: &Client, count: usize) -> Vec<Resource> {
    let mut users = Vec::new();
    for i in 0..count {
        let mut body = person(&format!("jan{i}"));
        body["family_name"] = json!(format!("F{i}"));
        users.push(crm.create(USERS, body).await);
    }
    users
}

#[tokio::test]
async fn a4_a_changed_workflow_is_applied_to_every_user_by_the_sweeper() {
    let (service, crm, workflow) = full_names().await;
    let users = people(&crm, 20).await;
    settle(&service).await;
    for user in &users {
        assert_eq!(crm.tag_of(&user.path).await, user.tag, "nothing has changed yet");
    }
    rewrite(
        &crm,
        &workflow,
        &answering("{ fullname: p.username === 'jan0' ? ['Jan F0'] : [p.family_name + ', Jan'] }"),
    )
    .await;
    assert_eq!(
        service.sweep().await,
        SweepReport::default(),
        "a function may still write by the old script"
    );
    service.clock.advance(SETTLED);

    let report = service.sweep().await;

    assert_eq!((report.derived, report.changed, report.failed), (20, 19, 0));
    let crm = crm.with_token().await;
    for (i, user) in users.iter().enumerate() {
        let now = crm.get(&user.path).await.is(200);
        let due = if i == 0 { "Jan F0".to_owned() } else { format!("F{i}, Jan") };
        assert_eq!(held(&now.json(), "fullname"), json!([due]));
        assert_eq!(now.tag() == user.tag, i == 0, "the tag moves where a value does");
        assert_eq!(service.version_of(&user.id).await, if i == 0 { 1 } else { 2 });
        assert_eq!(found(&crm, "fullname", &due).await, 1);
        assert_eq!(found(&crm, "fullname", &format!("Jan F{i}")).await, usize::from(i == 0));
    }
    service.check().await;
    assert_eq!(service.sweep().await, SweepReport::default(), "it is done once");
}

#[tokio::test]
async fn a4_a_new_link_is_applied_and_an_old_one_that_goes_leaves_what_was() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let users = people(&crm, 3).await;
    settle(&service).await;
    let made = workflow(&crm, &answering("{ out: [p.family_name] }")).await;
    let out = derive(&crm, "out", &made, json!({ "search": "exact" })).await;
    assert_eq!(settle(&service).await.changed, 3);
    assert_eq!(found(&crm, "out", "F1").await, 1);
    crm.patch(&out.path, json!({ "derived": null })).if_match("*").await.is(200);
    assert_eq!(settle(&service).await.changed, 0);
    assert_eq!(held(&crm.read(&users[1].path).await, "out"), json!(["F1"]));
    crm.patch(&out.path, json!({ "derived": { "workflow_id": made.id } }))
        .if_match("*")
        .await
        .is(200);
    rewrite(&crm, &made, &answering("{}")).await;
    assert_eq!(settle(&service).await.changed, 3);
    assert_eq!(found(&crm, "out", "F1").await, 0);
    service.check().await;
}

#[tokio::test]
async fn a4_a_script_that_fails_for_some_leaves_them_and_is_counted() {
    let (service, crm, workflow) = full_names().await;
    let users = people(&crm, 5).await;
    settle(&service).await;
    // Two of them fail: one throws, one clashes with another's value.
    let script = "{ fullname: [p.username === 'jan1' ? null.x : p.username === 'jan2' ? 'Jan F4' \
                  : 'new ' + p.username] }";
    rewrite(&crm, &workflow, &answering(script)).await;
    let report = settle(&service).await;
    // A profile with a clash succeeds in the next walk, when the other profile has changed. A
    // profile whose script fails is tried again without success.
    assert_eq!(report.changed, 4);
    assert!(report.failed >= 3, "{report:?}");
    for (i, user) in users.iter().enumerate() {
        let name = held(&crm.read(&user.path).await, "fullname")[0].clone();
        match i {
            1 => assert_eq!(
                (name, crm.tag_of(&user.path).await),
                (json!("Jan F1"), user.tag.clone())
            ),
            2 => assert_eq!(name, json!("Jan F4")),
            _ => assert_eq!(name, json!(format!("new jan{i}"))),
        }
    }
    service.check().await;
    rewrite(&crm, &workflow, FAILING).await;
    let report = settle(&service).await;
    assert_eq!((report.derived, report.changed, report.failed), (15, 0, 15), "three walks");
}

#[tokio::test]
async fn a4_a_script_that_was_changed_and_changed_back_leaves_nobody_behind() {
    let (service, crm, workflow) = full_names().await;
    let users = people(&crm, 3).await;
    settle(&service).await;
    let old = workflow.body["script"].as_str().unwrap();
    // The sweeper comes each minute; both changes fall in between, and a write too.
    rewrite(&crm, &workflow, &answering("{ fullname: ['wrong ' + p.username] }")).await;
    crm.patch(&users[1].path, json!({ "ui_locales": "nl" })).if_match("*").await.is(200);
    assert_eq!(held(&crm.read(&users[1].path).await, "fullname"), json!(["wrong jan1"]));
    rewrite(&crm, &workflow, old).await;
    settle(&service).await;
    settle(&service).await;
    assert_eq!(held(&crm.read(&users[1].path).await, "fullname"), json!(["Jan F1"]));
}

/// Users who all stand in one shard of the listing.
async fn crowd(service: &Service, crm: &Client, count: usize) -> Vec<Resource> {
    let tenant = TENANT.parse().unwrap();
    let mut users = Vec::new();
    while users.len() < count {
        let id = service.table.env().new_uuid();
        if listing(&tenant, UserId::new(id)) == listing_shard(&tenant, 0) {
            let body = json!({ "id": id.to_string(), "username": format!("jan{}", users.len()) });
            users.push(crm.create(USERS, body).await);
        }
    }
    users
}

#[tokio::test]
async fn a4_a_shard_of_several_pages_is_walked_to_its_end() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let users = crowd(&service, &crm, 230).await;
    let made = workflow(&crm, &answering("{ out: ['I am ' + p.username] }")).await;
    derive(&crm, "out", &made, json!({ "search": "exact" })).await;
    service.sweep().await;
    service.clock.advance(SETTLED);
    // The function has no time left: nothing is walked, and nothing forgotten.
    let app = App::new(service.table.clone(), None, tests::scripts());
    assert_eq!(
        Box::pin(sweeper::sweep(&app, None, service.clock.now())).await.unwrap(),
        SweepReport::default()
    );

    let report = service.sweep().await;

    // A user that was written moves to the end of the shard, so the walk visits the user again.
    assert_eq!((report.changed, report.failed), (230, 0));
    assert!(report.derived >= 230);
    let crm = crm.with_token().await;
    for (i, user) in users.iter().enumerate().step_by(10) {
        assert_eq!(found(&crm, "out", &format!("I am jan{i}")).await, 1);
        assert_eq!(service.version_of(&user.id).await, 2);
    }
    assert_eq!(service.sweep().await, SweepReport::default());
    service.check().await;
}

#[tokio::test]
async fn a4_each_tenant_is_walked_by_its_own_workflows() {
    let (service, crm, workflow) = full_names().await;
    people(&crm, 2).await;
    service.create_tenant("globex").await;
    let globex = service.client("globex", "administrator").await;
    let theirs = people(&globex, 2).await;
    settle(&service).await;
    rewrite(&crm, &workflow, &answering("{ fullname: ['new ' + p.username] }")).await;
    assert_eq!(settle(&service).await.derived, 2);
    assert_eq!(globex.tag_of(&theirs[0].path).await, theirs[0].tag);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a4_writes_during_the_walk_and_two_sweepers_end_consistent() {
    let (service, crm, workflow) = full_names().await;
    let mut users = people(&crm, 24).await;
    settle(&service).await;
    rewrite(&crm, &workflow, &answering("{ fullname: [p.family_name + ' ' + p.given_name] }"))
        .await;
    service.sweep().await;
    service.clock.advance(SETTLED);
    let crm = crm.with_token().await;
    let sweeps: Vec<_> = (0..2)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { service.sweep().await })
        })
        .collect();
    let mut running = tokio::task::JoinSet::new();
    for (i, user) in users.drain(..8).enumerate() {
        let crm = crm.clone();
        running.spawn(async move {
            for n in 0..3 {
                let patch = json!({ "given_name": format!("N{n}") });
                crm.patch(&user.path, patch).if_match("*").await.is(200);
            }
            let now: Value = crm.read(&user.path).await;
            assert_eq!(held(&now, "fullname"), json!([format!("F{i} N2")]));
        });
    }
    for user in users.drain(..4) {
        let crm = crm.clone();
        running.spawn(async move { drop(crm.delete(&user.path).await.is(204)) });
    }
    running.join_all().await;
    for sweep in sweeps {
        sweep.await.unwrap();
    }
    // A sweeper may leave the rest of the walk to another one.
    let report = service.sweep().await;
    assert_eq!((report.changed, report.failed), (0, 0));
    for (i, user) in users.iter().enumerate() {
        let i = i + 12;
        assert_eq!(held(&crm.read(&user.path).await, "fullname"), json!([format!("F{i} Jan")]));
        assert_eq!(service.version_of(&user.id).await, 2);
    }
    service.check().await;
}

#[tokio::test]
async fn a4_unique_values_that_trade_places_are_right_in_the_end() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let workflow = workflow(&crm, &answering("{ place: [p.family_name] }")).await;
    derive(&crm, "place", &workflow, json!({ "unique": true })).await;
    let users = people(&crm, 10).await;
    settle(&service).await;
    // Everybody takes the value of the next one; nobody can before the next one has moved on.
    rewrite(&crm, &workflow, &answering("{ place: ['F' + (Number(p.family_name.slice(1)) + 1)] }"))
        .await;

    let report = settle(&service).await;

    assert_eq!(report.changed, 10, "{report:?}");
    let crm = crm.with_token().await;
    for (i, user) in users.iter().enumerate() {
        assert_eq!(held(&crm.read(&user.path).await, "place"), json!([format!("F{}", i + 1)]));
    }
    service.check().await;
}
