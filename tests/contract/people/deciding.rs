//! People who approve and reject what others ask for (rule A5).

use serde_json::{Value, json};
use tests::{Client, Person, Resource, TENANT, person};

use super::{Home, USERS, common};
use crate::approvals::{REQUESTS, request_of};

/// A home where `payroll` people approve the attribute `salary`, and `hr` people the attribute
/// `grade`.
struct Office {
    home: Home,
    crm: Client,
    /// A payroll clerk, with the persona by which she is one.
    els: Person,
    clerk: Resource,
    els_user: Resource,
}

fn by(persona: &str, scope: Option<&str>) -> Value {
    let mut statement = json!({ "persona": persona });
    if let Some(scope) = scope {
        statement["scope"] = json!(scope);
    }
    json!({ "approval_policy": { "statements": [statement] } })
}

impl Office {
    async fn open() -> Self {
        let home = Home::open().await;
        let crm = home.crm.clone();
        crm.define_persona("payroll", json!({ "scoped": true })).await;
        crm.define_persona("hr", json!({})).await;
        crm.define("salary", by("payroll", Some("be"))).await;
        crm.define("grade", by("hr", None)).await;
        let (els_user, els) = home.other("els").await;
        let clerk = crm.add_persona(&els_user, json!({ "name": "payroll", "scope": ["be"] })).await;
        let office = Self { home, crm, els, clerk, els_user };
        office.crm.act(&office.clerk.below("activate")).await.is(200);
        office
    }

    /// A client asks to change Jan.
    async fn ask(&self, attributes: Value) -> Resource {
        request_of(self.crm.patch(&self.home.user.path, common(&attributes)).if_match("*").await)
    }

    async fn status(&self, request: &Resource) -> String {
        self.crm.get(&request.path).await.is(200).field("status")
    }
}

#[tokio::test]
async fn a5_people_approve_and_reject_by_their_personas() {
    let office = Office::open().await;
    let request = office.ask(json!({ "salary": ["5"] })).await;
    let read = office.els.get(&request.path).await.is(200);
    assert_eq!((read.json(), read.tag()), (request.body.clone(), request.tag.clone()));
    office.els.get(&request.path).if_none_match(&request.tag).await.is(304);
    office.els.act(&request.below("approve")).if_match("\"old\"").await.is(412);
    let approved = office.els.act(&request.below("approve")).if_match(&request.tag).await.is(200);
    assert_eq!(approved.field("status"), "APPROVED");
    assert_eq!(approved.json()["decided_by"], json!({ "user_id": office.els_user.id }));
    assert_eq!(office.home.now().await["attributes"]["common"]["salary"], json!(["5"]));
    // Repeating it changes nothing; the other decision is a conflict.
    assert_eq!(office.els.act(&request.below("approve")).await.is(200).tag(), approved.tag());
    assert_eq!(office.els.act(&request.below("reject")).await.is(409).slug(), "conflict");
    let next = office.ask(json!({ "salary": ["6"] })).await;
    let rejected = office.els.act(&next.below("reject")).key("k").await.is(200);
    assert_eq!(rejected.field("status"), "REJECTED");
    let again = office.els.act(&next.below("reject")).key("k").await.is(200);
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &rejected.body));
    office.home.service.check().await;
}

#[tokio::test]
async fn a5_requests_that_are_not_ones_own_to_decide_are_not_there() {
    let office = Office::open().await;
    let salary = office.ask(json!({ "salary": ["5"] })).await;
    let grade = office.ask(json!({ "grade": ["1"] })).await;
    let both = office.ask(json!({ "salary": ["5"], "grade": ["1"] })).await;
    let (_, stranger) = office.home.other("stranger").await;
    // The requests are about Jan. That alone does not let Jan read them.
    for (who, hidden) in [
        (&office.els, vec![&grade, &both]),
        (&stranger, vec![&salary, &grade, &both]),
        (&office.home.jan, vec![&salary]),
    ] {
        for request in hidden {
            for call in [
                who.get(&request.path),
                who.act(&request.below("approve")),
                who.act(&request.below("reject")),
            ] {
                let answer = call.await.is(404);
                assert_eq!(answer.slug(), "not-found");
            }
            assert_eq!(office.status(request).await, "PENDING");
        }
    }
    // An id that never was is answered in the same words.
    let unknown =
        office.els.get(&format!("{REQUESTS}/0192f3c1-0000-7000-8000-0000000000aa")).await.is(404);
    assert_eq!(unknown.problem(), office.els.get(&grade.path).await.is(404).problem());
    office.els.act(&salary.below("approve")).await.is(200);
}

#[tokio::test]
async fn a5_personas_must_be_in_force_when_they_decide() {
    let office = Office::open().await;
    let request = office.ask(json!({ "salary": ["5"] })).await;
    let approve = || office.els.act(&request.below("approve"));
    let change = async |patch: Value| {
        office.crm.patch(&office.clerk.path, patch).if_match("*").await.is(200);
    };
    office.els.get(&request.path).await.is(200);
    office.crm.act(&office.clerk.below("suspend")).await.is(200);
    approve().await.is(404);
    office.crm.act(&office.clerk.below("activate")).await.is(200);
    change(json!({ "scope": ["nl"] })).await;
    approve().await.is(404);
    change(json!({ "scope": ["nl", "be"], "valid_from": "2026-11-21T10:00:10.000Z" })).await;
    approve().await.is(404);
    change(json!({ "valid_from": null, "valid_until": "2026-11-21T10:00:20.000Z" })).await;
    office.home.service.clock.advance(20);
    approve().await.is(404);
    change(json!({ "valid_until": null })).await;
    // The policy as it is now counts, too, though another instance changed it.
    let elsewhere = office.home.service.instance();
    let crm = office.crm.on(&elsewhere);
    let found = crm.read("/identity/config/attribute-definitions?name=salary").await;
    let path = format!(
        "/identity/config/attribute-definitions/{}",
        found["items"][0]["id"].as_str().unwrap()
    );
    crm.patch(&path, by("hr", None)).if_match("*").await.is(200);
    approve().await.is(404);
    crm.patch(&path, by("payroll", None)).if_match("*").await.is(200);
    assert_eq!(office.status(&request).await, "PENDING");
    approve().await.is(200);
}

#[tokio::test]
async fn a5_nobody_decides_about_an_own_request_as_a_person() {
    let office = Office::open().await;
    office.crm.define_persona("clerk", json!({})).await;
    // Els asks for what she may not write, and is then given the right to approve it.
    let asked = office.els.patch(super::ME, common(&json!({ "grade": ["1"] }))).if_match("*").await;
    let request = request_of(asked);
    assert_eq!(request.body["requested_by"], json!({ "user_id": office.els_user.id }));
    let hr = office.crm.add_persona(&office.els_user, json!({ "name": "hr" })).await;
    office.crm.act(&hr.below("activate")).await.is(200);
    for action in ["approve", "reject"] {
        let refused = office.els.act(&request.below(action)).await.is(403);
        assert_eq!(refused.slug(), "not-allowed");
        assert!(refused.text().contains("own"), "{}", refused.text());
    }
    assert_eq!(office.els.get(REQUESTS).await.is(200).json(), json!({ "items": [] }));
    // She may write it now, and approve what others ask of it.
    office.els.patch(super::ME, common(&json!({ "grade": ["2"] }))).if_match("*").await.is(200);
    let others = office.ask(json!({ "grade": ["3"] })).await;
    office.els.act(&others.below("approve")).await.is(200);
    // A second issuer's name of the same person does not make another person of her.
    let other = office.home.service.issuer("other", "predefined").await;
    let same = other.link(&office.els_user.id, "e").await;
    same.act(&request.below("reject")).await.is(403);
    assert_eq!(office.status(&request).await, "PENDING");
}

#[tokio::test]
async fn a5_a_person_lists_what_the_person_may_decide() {
    let office = Office::open().await;
    let mut mine = Vec::new();
    for turn in 0..5 {
        // Ids are in the order of their time.
        office.home.service.clock.advance(1);
        mine.push(office.ask(json!({ "salary": [turn.to_string()] })).await.id);
        office.ask(json!({ "grade": [turn.to_string()] })).await;
    }
    office.home.service.clock.advance(1);
    let els = office.crm.create(USERS, person("other")).await;
    let of_other = request_of(
        office.crm.patch(&els.path, common(&json!({ "salary": ["9"] }))).if_match("*").await,
    );
    let ids = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let jan = &office.home.user.id;
    let base = office.home.issuer.base("jan");
    for user in [jan, &base] {
        let page = office.els.get(&format!("{REQUESTS}?user_id={user}")).await.is(200).json();
        assert_eq!(ids(&page), mine, "{user}");
        let page = office.crm.get(&format!("{REQUESTS}?user_id={user}")).await.is(200).json();
        assert_eq!(ids(&page).len(), 10, "machine clients see all of them");
    }
    let all = [mine.clone(), vec![of_other.id.clone()]].concat();
    for limit in [1, 2, 50] {
        for query in ["", "&status=PENDING"] {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = office
                    .els
                    .get(&format!("{REQUESTS}?limit={limit}{query}{cursor}"))
                    .await
                    .is(200)
                    .json();
                let next = page["next_cursor"].as_str().map(|next| format!("&cursor={next}"));
                assert!(
                    next.is_none() || !ids(&page).is_empty(),
                    "a page is never empty before the last"
                );
                found.extend(ids(&page));
                let Some(next) = next else { break };
                cursor = next;
            }
            assert_eq!(found, all, "{limit} {query}");
        }
    }
    assert_eq!(
        ids(&office.els.get(&format!("{REQUESTS}?status=APPROVED")).await.is(200).json()),
        Vec::<String>::new()
    );
    // A cursor is its owner's.
    let next = office.els.get(&format!("{REQUESTS}?limit=1")).await.is(200).field("next_cursor");
    let (_, stranger) = office.home.other("stranger").await;
    stranger.get(&format!("{REQUESTS}?limit=1&cursor={next}")).await.is(400);
    // A person that no policy names sees no requests, and the cost does not grow with their number.
    let nothing = stranger.get(REQUESTS).await.is(200);
    assert_eq!((nothing.json(), nothing.cost().0), (json!({ "items": [] }), 2.0));
    let unknown = office.els.get(&format!("{REQUESTS}?user_id={}", "0".repeat(64))).await.is(200);
    assert_eq!(unknown.json(), json!({ "items": [] }));
    office.els.get(&format!("{REQUESTS}?user_id=x")).await.is(400);
}

#[tokio::test]
async fn a5_a_blocked_approver_is_not_answered_from_a_record() {
    let office = Office::open().await;
    let request = office.ask(json!({ "salary": ["5"] })).await;
    office.els.act(&request.below("approve")).key("k").await.is(200);
    office.crm.act(&office.els_user.below("block")).await.is(200);
    let answer = office.els.act(&request.below("approve")).key("k").await.is(403);
    assert_eq!(answer.slug(), "user-blocked");
}

#[tokio::test]
async fn d5_a_person_of_another_tenant_decides_nothing_here() {
    let office = Office::open().await;
    let service = &office.home.service;
    service.create_tenant("globex").await;
    let request = office.ask(json!({ "salary": ["5"] })).await;
    let globex = service.client("globex", "administrator").await;
    globex.get(&request.path).await.is(404);
    let token = office.home.issuer.token_with("els", json!({}), json!({ "tenant": "globex" }));
    service.call("GET", &request.path).token(&token).await.is(401);
    let boss = service.client(TENANT, "administrator").await;
    // Persona policies name people: scopes of a client fulfil none.
    assert_eq!(boss.act(&request.below("approve")).await.is(403).slug(), "not-allowed");
}
