//! Lists of which the caller may see little.

use serde_json::json;
use tests::person;

use crate::approvals::{REQUESTS, common, request_of};
use crate::people::Home;

#[tokio::test]
async fn wk6_an_approver_of_something_else_gets_pages_that_end() {
    let home = Home::open().await;
    let crm = home.crm.clone();
    for persona in ["payroll", "hr"] {
        crm.define_persona(persona, json!({})).await;
        let by = json!({ "approval_policy": { "statements": [{ "persona": persona }] } });
        crm.define(&format!("of-{persona}"), by).await;
    }
    let (user, els) = home.other("els").await;
    let clerk = crm.add_persona(&user, json!({ "name": "hr" })).await;
    crm.act(&clerk.below("activate")).await.is(200);
    let ask = async |path: &str, name: &str, value: usize| {
        let change = common(&json!({ name: [value.to_string()] }));
        request_of(crm.patch(path, change).if_match("*").await)
    };
    for i in 0..30 {
        let asked = crm.create("/identity/users", person(&format!("u{i}"))).await;
        for value in 0..20 {
            ask(&asked.path, "of-payroll", value).await;
        }
    }
    home.service.clock.advance(1);
    let last = crm.create("/identity/users", person("last")).await;
    let mine = ask(&last.path, "of-hr", 1).await;

    let first = els.get(&format!("{REQUESTS}?status=PENDING&limit=1")).await.is(200);
    assert_eq!(first.json()["items"], json!([]));
    // Of 500 requests the keys, the requests and the 25 or 26 users they are about; it grew with
    // what waits, a few reads for each request.
    assert!(first.units.read < 4000.0 / 4.0, "{:?}", first.units);
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let next = els.get(&format!("{REQUESTS}?status=PENDING&limit=1&cursor={cursor}")).await.is(200);
    assert_eq!(next.json()["items"][0]["id"], json!(mine.id));
}
