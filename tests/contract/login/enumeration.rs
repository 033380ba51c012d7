//! Nobody learns who has an account (rules G39, G43).

use serde_json::json;
use tests::{Answer, Browser, Service, TENANT};

use super::{PASSWORD, WRONG, start};

const ACTION: &str = "/idhub/login/password";

/// Signs in with a new browser.
async fn answer_to(service: &Service, username: &str, password: &str) -> Answer {
    let browser = Browser::new(service);
    let page = browser.get(&format!("/idhub/login/{TENANT}")).await.is(200);
    browser
        .submit_form(&page, ACTION, &[("username", username), ("password", password)])
        .await
        .answer
}

/// What an answer shows to somebody who does not look into sealed fields.
fn shown(answer: &Answer, username: &str) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let mut body = answer.text().replace(username, "USERNAME");
    for field in ["state", "form_token"] {
        let start = format!("name=\"{field}\" value=\"");
        while let Some(at) = body.find(&start) {
            let from = at + start.len();
            let to = from + body[from..].find('"').unwrap();
            // The length is seen.
            body.replace_range(at..to, &format!("{field} of {} characters", to - from));
        }
    }
    (answer.code(), headers, body)
}

#[tokio::test]
async fn g39_unknown_wrong_none_blocked_unlinked_and_temporary_are_answered_alike() {
    let (service, ..) = start().await;
    let crm = service.crm().await;
    let blocked = service.member("zq3blk", PASSWORD).await;
    crm.act(&blocked.below("block")).await.is(200);
    let unlinked = service.member("zq4unl", PASSWORD).await;
    crm.act(&unlinked.below("principals/system/unlink")).await.is(200);
    crm.create_user("zq2non").await;
    service.member("zq1wrg", PASSWORD).await;
    let temporary = service.member("zq5tmp", PASSWORD).await;
    let facts = shared::domain::people::PasswordFacts::temporary(service.clock.now());
    service.give_password_as(&temporary.id, PASSWORD, facts).await;
    let first = answer_to(&service, "zq0unk", WRONG).await;
    let expected = shown(&first, "zq0unk");
    assert_eq!(expected.0, 422);
    for (username, password) in [
        ("zq9unk", PASSWORD),
        ("zq1wrg", WRONG),
        ("zq2non", PASSWORD),
        ("zq3blk", WRONG),
        ("zq4unl", PASSWORD),
        ("zq4unl", WRONG),
        ("zq5tmp", WRONG),
        // No username that anybody could have. All have six bytes: the length of the page is seen.
        ("zq 6ab", WRONG),
        ("\u{202e}6ab", WRONG),
    ] {
        let answer = answer_to(&service, username, password).await;
        let (status, headers, body) = shown(&answer, username);
        assert_eq!((status, &headers), (expected.0, &expected.1), "{username}");
        assert_eq!(body, expected.2, "{username}");
        assert_eq!(answer.units.hashes, 1, "{username}");
        assert_eq!(answer.cost(), first.cost(), "{username} costs another number of units");
    }
    // The browser of the test follows the redirect to the account.
    let right = answer_to(&service, "zq1wrg", PASSWORD).await.is(200);
    assert!(right.text().contains("/idhub/account/sign-out"), "{}", right.text());
}

#[tokio::test]
async fn g39_a_blocked_person_learns_it_after_the_right_password_alone() {
    let (service, ..) = start().await;
    let jan = service.member("zq1wrg", PASSWORD).await;
    let crm = service.crm().await;
    crm.act(&jan.below("block")).await.is(200);
    let before = crm.read(&jan.path).await;
    let wrong = answer_to(&service, "zq1wrg", WRONG).await;
    let unknown = answer_to(&service, "zq0unk", WRONG).await;
    assert_eq!(shown(&wrong, "zq1wrg"), shown(&unknown, "zq0unk"));
    assert_eq!(crm.read(&jan.path).await, before);
    service.clock.advance(61);
    let right = answer_to(&service, "zq1wrg", PASSWORD).await;
    assert_eq!(right.code(), 403);
    assert_ne!(right.text(), wrong.text());
    assert_eq!(right.headers.get("set-cookie"), None);
    // The sign-in is recorded, with the audit.
    let after = crm.read(&jan.path).await;
    assert_eq!(after["last_login_at"], json!(service.clock.now().to_string()));
    assert_eq!(after["status"], "BLOCKED");
    service.check().await;
}

#[tokio::test]
async fn g39_an_empty_field_is_told_without_a_look_at_the_account() {
    let (service, ..) = start().await;
    for (username, password) in [("jan", ""), ("eva", ""), ("", PASSWORD)] {
        let answer = answer_to(&service, username, password).await;
        assert_eq!((answer.code(), answer.units.hashes, answer.cost().1), (422, 0, 0.0));
    }
}

#[tokio::test]
async fn g32_a_password_is_nowhere_but_in_the_request() {
    let (service, ..) = start().await;
    let typed = "vuurtoren kompas zandloper";
    crate::edge::logs::keep();
    let answer = answer_to(&service, "jan", typed).await;
    assert!(!answer.text().contains("vuurtoren"));
    assert!(crate::edge::logs::lines_with("vuurtoren").is_empty());
    for item in service.items().await {
        assert!(!item.contains("vuurtoren") && !item.contains("argon2id"), "G31: {item}");
    }
}

#[tokio::test]
async fn g27_a_very_long_password_is_wrong_and_costs_one_hash() {
    let (service, ..) = start().await;
    for username in ["jan", "eva"] {
        let answer = answer_to(&service, username, &"x".repeat(50_000)).await;
        assert_eq!((answer.code(), answer.units.hashes), (422, 1));
    }
}
