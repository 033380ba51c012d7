//! Links that many change at once

use serde_json::json;
use tests::{Call, Service, TENANT};
use tokio::task::JoinSet;

use super::{bind, is_unlinked, list, principal, scene};

const TASKS: usize = 64;

async fn all(calls: impl Iterator<Item = Call>) -> Vec<u16> {
    let mut tasks = JoinSet::new();
    for call in calls {
        tasks.spawn(async move { call.await.code() });
    }
    tasks.join_all().await
}

/// How many writes of the principal at `corp` were committed.
async fn version(service: &Service, user: &str) -> u64 {
    let (tenant, corp) = (TENANT.parse().unwrap(), "corp".parse().unwrap());
    let found = service.table.find_principal(&tenant, user.parse().unwrap(), &corp).await.unwrap();
    found.unwrap().version().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_of_64_that_unlink_with_one_tag_one_wins() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    for bound in [false, true] {
        let piet = crm.create_user(&format!("piet{bound}")).await;
        if bound {
            bind(&service, &piet, "corp").await;
        }
        let unlink = piet.below("principals/corp/unlink");
        let tag = crm.act(&piet.below("principals/corp/link")).await.is(200).tag();
        let instances: Vec<_> = (0..4).map(|_| crm.on(&service.instance())).collect();
        let calls = (0..TASKS)
            .zip(instances.iter().cycle())
            .map(|(_, crm)| crm.act(&unlink).if_match(&tag));
        let codes = all(calls).await;
        let won = codes.iter().filter(|code| **code == 200).count();
        let lost = codes.iter().filter(|code| **code == 412).count();
        assert_eq!((won, lost), (1, TASKS - 1), "{codes:?}");
        assert_eq!(version(&service, &piet.id).await, if bound { 2 } else { 1 });
    }
    assert_eq!(list(&crm, &jan).await[1], principal("corp", true, "PENDING"));
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_the_look_up_says_what_the_principal_says_after_any_race() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let base = bind(&service, &jan, "corp").await;
    let instances: Vec<_> = (0..4).map(|_| crm.on(&service.instance())).collect();
    for _ in 0..4 {
        let calls = (0..16).zip(instances.iter().cycle()).map(|(i, crm)| {
            crm.act(&jan.below(if i % 2 == 0 {
                "principals/corp/link"
            } else {
                "principals/corp/unlink"
            }))
        });
        let codes = all(calls).await;
        assert!(codes.iter().all(|code| [200, 503].contains(code)), "{codes:?}");
        let shown = list(&crm, &jan).await[1]["linked"].clone();
        assert_eq!(
            is_unlinked(&service, &base).await.map(|unlinked| json!(!unlinked)),
            Some(shown)
        );
    }
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_no_principal_outlives_a_user_who_is_forgotten_while_links_change() {
    let service = Service::start().await;
    let (crm, _) = scene(&service).await;
    for round in 0..6 {
        let user = crm.create_user(&format!("user{round}")).await;
        let base = if round % 2 == 0 { Some(bind(&service, &user, "corp").await) } else { None };
        let links = (0..8).map(|i| {
            crm.act(&user.below(if i % 2 == 0 {
                "principals/corp/unlink"
            } else {
                "principals/corp/link"
            }))
        });
        let calls: Vec<_> = links.chain([crm.delete(&user.path)]).collect();
        let codes = all(calls.into_iter()).await;
        assert!(codes.iter().all(|code| [200, 204, 404, 503].contains(code)), "{codes:?}");
        assert!([204, 404].contains(&crm.delete(&user.path).await.code()));
        service.sweep().await;
        let left = service
            .table
            .principals(&TENANT.parse().unwrap(), user.id.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(left, []);
        if let Some(base) = base {
            assert_eq!(is_unlinked(&service, &base).await, None);
        }
    }
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i1_of_64_with_one_key_one_has_an_effect_and_all_one_answer() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    bind(&service, &jan, "corp").await;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let call = crm.act(&jan.below("principals/corp/unlink")).key("k");
        tasks.spawn(async move { call.await.is(200) });
    }
    let answers = tasks.join_all().await;
    let first =
        answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    assert_eq!(first, 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.body == answers[0].body && answer.tag() == answers[0].tag())
    );
    assert_eq!(version(&service, &jan.id).await, 2);
}
