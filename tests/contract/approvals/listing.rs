//! `GET /identity/change-requests`, other tenants, and forgotten users.

use serde_json::{Value, json};
use tests::{Client, Resource};

use super::{Office, REQUESTS, request_of, salary};

/// The requests of a list, page by page.
async fn all(client: &Client, query: &str, limit: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.read(&format!("{REQUESTS}?limit={limit}{query}{cursor}")).await;
        let items = page["items"].as_array().unwrap().clone();
        assert!(items.len() <= limit);
        found.extend(items.iter().map(|item| item["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => {
                assert!(!items.is_empty(), "a page before the last is empty");
                cursor = format!("&cursor={next}");
            }
            None => return found,
        }
    }
}

fn ids(requests: &[&Resource]) -> Vec<Value> {
    requests.iter().map(|request| json!(request.id)).collect()
}

/// Twelve requests of three users, one after another: of each user one is approved, one rejected,
/// one stale, one pending.
async fn twelve(office: &Office) -> Vec<(Resource, Vec<Resource>)> {
    let mut all = Vec::new();
    for name in ["jan", "els", "piet"] {
        let user = office.user(name).await;
        let mut requests = Vec::new();
        for value in ["approved", "rejected", "stale", "pending"] {
            office.service.clock.advance(1);
            requests.push(office.ask(&user, salary(value)).await);
        }
        office.approve(&requests[0]).await.is(200);
        office.reject(&requests[1]).await.is(200);
        office.approve(&requests[2]).await.is(409);
        all.push((user, requests));
    }
    all
}

#[tokio::test]
async fn h7_requests_are_listed_by_status_and_by_user() {
    let office = Office::open().await;
    let users = twelve(&office).await;
    for limit in [1, 2, 3, 100] {
        for (n, status) in ["APPROVED", "REJECTED", "STALE", "PENDING"].into_iter().enumerate() {
            let due: Vec<_> = users.iter().map(|(_, requests)| &requests[n]).collect();
            assert_eq!(
                all(&office.boss, &format!("&status={status}"), limit).await,
                ids(&due),
                "{status}"
            );
            for (user, requests) in &users {
                let query = format!("&status={status}&user_id={}", user.id);
                assert_eq!(all(&office.boss, &query, limit).await, ids(&[&requests[n]]), "{query}");
            }
        }
        for (user, requests) in &users {
            let due: Vec<_> = requests.iter().collect();
            assert_eq!(all(&office.boss, &format!("&user_id={}", user.id), limit).await, ids(&due));
        }
        let mut found = all(&office.boss, "", limit).await;
        let mut due: Vec<_> =
            users.iter().flat_map(|(_, requests)| requests).map(|r| json!(r.id)).collect();
        found.sort_by_key(Value::to_string);
        due.sort_by_key(Value::to_string);
        assert_eq!(found, due);
    }
    assert_eq!(all(&office.boss, "&status=EXPIRED", 2).await, ids(&[]));
    let list = office.boss.read(&format!("{REQUESTS}?status=PENDING")).await;
    assert_eq!(
        tests::without_tags(list)["items"][0],
        office.boss.read(&users[0].1[3].path).await,
        "a list has whole resources"
    );
}

#[tokio::test]
async fn h7_expired_requests_are_listed_as_such() {
    let mut office = Office::open().await;
    let users = twelve(&office).await;
    office.days_later(30).await;
    let fresh = office.ask(&users[0].0, salary("fresh")).await;
    for limit in [1, 100] {
        let expired: Vec<_> = users.iter().map(|(_, requests)| &requests[3]).collect();
        assert_eq!(all(&office.boss, "&status=EXPIRED", limit).await, ids(&expired));
        assert_eq!(all(&office.boss, "&status=PENDING", limit).await, ids(&[&fresh]));
        let of_jan = format!("&status=EXPIRED&user_id={}", users[0].0.id);
        assert_eq!(all(&office.boss, &of_jan, limit).await, ids(&[&users[0].1[3]]));
        assert_eq!(all(&office.boss, "", limit).await.len(), 13);
    }
}

#[tokio::test]
async fn h7_a_cursor_whose_request_expired_since_goes_on_with_the_others() {
    let mut office = Office::open().await;
    let users = twelve(&office).await;
    office.days_later(30).await;
    // Of the three that wait the first is about to expire.
    office.service.clock.advance(-9);
    let page = format!("{REQUESTS}?status=PENDING&limit=1");
    let first = office.boss.read(&page).await;
    assert_eq!(first["items"][0]["id"], json!(users[0].1[3].id));
    office.service.clock.advance(2);
    let next = first["next_cursor"].as_str().unwrap();
    let second = office.boss.read(&format!("{page}&cursor={next}")).await;
    assert_eq!(second["items"][0]["id"], json!(users[1].1[3].id));
}

#[tokio::test]
async fn h7_a_page_that_is_cut_between_two_statuses_loses_nothing() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let mut asked = Vec::new();
    // Pending ones are listed first; 12 of 190 KB leave no room for one more on their page.
    for round in 0..15 {
        let values: Vec<_> =
            (0..12).map(|n| format!("{round}.{n}{}", "x".repeat(16_000))).collect();
        let long = json!({ "attributes": { "common": { "salary": values } } });
        let request = office.ask(&jan, long).await;
        if round < 3 {
            office.reject(&request).await.is(200);
        }
        asked.push(json!(request.id));
    }
    let first = office.boss.read(&format!("{REQUESTS}?limit=100")).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 12);
    let mut found = all(&office.boss, "", 100).await;
    found.sort_by_key(Value::to_string);
    asked.sort_by_key(Value::to_string);
    assert_eq!(found, asked);
}

#[tokio::test]
async fn h7_wrong_questions_and_borrowed_cursors_are_refused() {
    let office = Office::open().await;
    let users = twelve(&office).await;
    let reader = office.service.client("acme", "users:read").await;
    let writer = office.service.client("acme", "users:write").await;
    writer.get(REQUESTS).await.is(403);
    office.service.call("GET", REQUESTS).await.is(401);
    for wrong in [
        "status=pending",
        "status=X",
        "user_id=x",
        "limit=0",
        "limit=101",
        "cursor=x",
        "state=PENDING",
    ] {
        reader.get(&format!("{REQUESTS}?{wrong}")).await.is(400);
    }
    let of_jan = format!("&user_id={}", users[0].0.id);
    for query in ["", "&status=PENDING", &of_jan] {
        let page = reader.read(&format!("{REQUESTS}?limit=1{query}")).await;
        let cursor = page["next_cursor"].as_str().unwrap();
        reader.get(&format!("{REQUESTS}?limit=2&cursor={cursor}{query}")).await.is(200);
        reader.get(&format!("{REQUESTS}?cursor={cursor}&status=STALE")).await.is(400);
        office.boss.get(&format!("{REQUESTS}?cursor={cursor}{query}")).await.is(400);
    }
    let nobody = format!("{REQUESTS}?user_id=0192f3c1-0000-7000-8000-0000000000aa");
    assert_eq!(reader.read(&nobody).await, json!({ "items": [] }));
}

#[tokio::test]
async fn d5_requests_of_another_tenant_do_not_exist() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    office.service.create_tenant("globex").await;
    let stranger = office.service.client("globex", "administrator").await;
    for (theirs, nowhere) in [("", ""), ("/approve", "/approve"), ("/reject", "/reject")] {
        let method = if theirs.is_empty() { "GET" } else { "POST" };
        let theirs = stranger
            .call(method, &format!("{}{theirs}", request.path))
            .if_match(&request.tag)
            .await;
        let nobody = "0192f3c1-0000-7000-8000-0000000000aa";
        let never = stranger
            .call(method, &format!("{REQUESTS}/{nobody}{nowhere}"))
            .if_match(&request.tag)
            .await;
        assert_eq!((theirs.code(), theirs.problem()), (404, never.problem()));
    }
    for query in [String::new(), "?status=PENDING".to_owned(), format!("?user_id={}", jan.id)] {
        assert_eq!(
            stranger.read(&format!("{REQUESTS}{query}")).await,
            json!({ "items": [] }),
            "{query}"
        );
    }
    assert_eq!(office.status(&request).await, "PENDING");
}

#[tokio::test]
async fn d7_a_forget_takes_the_requests_along() {
    const WORD: &str = "Boegspriet";
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let els = office.user("els").await;
    let kept = office.ask(&els, salary("5")).await;
    let requests = [
        office.ask(&jan, salary(&format!("{WORD}-1"))).await,
        office.ask(&jan, salary(&format!("{WORD}-2"))).await,
        office
            .ask(
                &jan,
                json!({ "given_name": WORD, "attributes": { "common": { "salary": ["3"] } } }),
            )
            .await,
    ];
    office.boss.act(&requests[0].below("approve")).key("k").await.is(200);
    office.boss.act(&requests[1].below("reject")).key("k").await.is(200);
    let holding = async |word: &str| {
        office.service.items().await.iter().filter(|item| item.contains(word)).count()
    };
    assert!(holding(WORD).await >= 3);

    office.crm.delete(&jan.path).await.is(204);

    assert_eq!(holding(WORD).await, 0);
    for request in &requests {
        assert_eq!(holding(&request.id).await, 0);
        office.boss.get(&request.path).await.is(404);
        for action in ["approve", "reject"] {
            office.boss.act(&request.below(action)).await.is(404);
            office.boss.act(&request.below(action)).key("k").await.is(404);
        }
    }
    assert_eq!(all(&office.boss, "", 100).await, ids(&[&kept]));
    assert_eq!(all(&office.boss, &format!("&user_id={}", jan.id), 100).await, ids(&[]));
    office.crm.patch(&jan.path, salary("5")).if_match("*").await.is(404);
    office.approve(&kept).await.is(200);
    office.service.check().await;
}

#[tokio::test]
async fn s1_a_page_of_large_requests_ends_early_and_loses_none() {
    let office = Office::open().await;
    let admin = office.service.client(tests::TENANT, "config:write").await;
    admin.define("essay", super::by_administrators()).await;
    let mut asked = Vec::new();
    for name in ["jan", "els"] {
        let user = office.user(name).await;
        for i in 0..15 {
            let values: Vec<_> = (0..90).map(|j| format!("{i} {j} {}", "x".repeat(1000))).collect();
            let change = super::common(&json!({ "essay": values }));
            asked.push(json!(
                request_of(office.crm.patch(&user.path, change).if_match("*").await).id
            ));
        }
        let of_user = all(&office.crm, &format!("&user_id={}", user.id), 100).await;
        assert_eq!(of_user, sorted(&asked[asked.len() - 15..]));
    }
    let page = office.crm.get(&format!("{REQUESTS}?limit=100")).await.is(200);
    assert!(page.text().len() < 4_000_000, "{} bytes", page.text().len());
    assert!(page.json()["next_cursor"].is_string());

    assert_eq!(all(&office.crm, "", 100).await, sorted(&asked));
}

/// Ids in the order of lists: the clock stands still, so ids made at one time are in any order.
fn sorted(ids: &[Value]) -> Vec<Value> {
    let mut ids = ids.to_vec();
    ids.sort_by_key(ToString::to_string);
    ids
}

#[tokio::test]
async fn s1_a_request_is_no_larger_than_its_limit() {
    let office = Office::open().await;
    let admin = office.service.client(tests::TENANT, "config:write").await;
    let user = office.user("jan").await;
    for name in ["one", "two"] {
        admin.define(name, super::by_administrators()).await;
        let values = |with: &str| -> Vec<_> {
            (0..11).map(|i| format!("{i}{with}{}", "x".repeat(9000))).collect()
        };
        let change = |with: &str| super::common(&json!({ name: values(with) }));
        office.boss.patch(&user.path, change("a")).if_match("*").await.is(200);
        if name == "two" {
            let both = super::common(&json!({ "one": values("b"), "two": values("b") }));
            let refused = office.crm.patch(&user.path, both).if_match("*").await.is(422);
            assert_eq!(refused.violations(), [" too-large"]);
        }
    }
}
