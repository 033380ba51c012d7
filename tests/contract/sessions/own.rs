//! The own profile by cookie: what self-service hides and refuses (rules G50, G64 and G67).

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona::Administrator;
use tests::{Client, SignedIn};

use super::{House, ME, USERS};
use crate::approvals::by_administrators;

async fn attributes(admin: &Client) {
    admin.define("secret-score", json!({ "hidden": true })).await;
    admin.define("fixed", json!({ "read_only": true })).await;
}

#[tokio::test]
async fn g67_a_hidden_attribute_is_in_no_answer_of_self_service() {
    let house = House::open().await;
    attributes(&house.admin).await;
    let (jan, browser) = house.guest("jan").await;
    let set = json!({ "attributes": { "common": { "secret-score": ["42z"], "fixed": ["1"] } } });
    house.admin.patch(&jan.path, set).if_match("*").await.is(200);
    for path in [ME, "/identity/me/audit", "/identity/me/sessions", "/identity/me/consents"] {
        let answer = browser.get(path).await.is(200);
        for text in ["secret-score", "42z"] {
            assert!(!answer.text().contains(text), "{path}: {}", answer.text());
        }
    }
    let patched = browser.patch(ME, json!({ "given_name": "J" })).if_match("*").await.is(200);
    assert!(!patched.text().contains("secret-score"));
    assert_eq!(patched.json()["attributes"]["common"], json!({ "fixed": ["1"] }));
    for (name, why) in [("secret-score", "unknown"), ("fixed", "read-only")] {
        let set = json!({ "attributes": { "common": { name: ["2"] } } });
        let refused = browser.patch(ME, set).if_match("*").await.is(422);
        assert_eq!(refused.violations(), [format!("/attributes/common/{name} {why}")]);
    }
    let kept = house.admin.read(&jan.path).await["attributes"]["common"].clone();
    assert_eq!(kept, json!({ "secret-score": ["42z"], "fixed": ["1"] }));
}

#[tokio::test]
async fn g67_an_administrator_sees_hidden_attributes_of_others_and_not_in_self_service() {
    let house = House::open().await;
    attributes(&house.admin).await;
    let (boss, browser) = house.official("boss", Administrator).await;
    let set = json!({ "attributes": { "common": { "secret-score": ["7"] } } });
    browser.patch(&boss.path, set).if_match("*").await.is(200);
    assert!(browser.get(&boss.path).await.is(200).text().contains("secret-score"));
    assert!(!browser.get(ME).await.is(200).text().contains("secret-score"));
}

/// What a person may send to change the address.
fn other_addresses(definition: &str) -> [(Value, &'static str); 3] {
    let by_definition = |value: Value| {
        let named = json!({ "attribute_definition_id": definition });
        json!({ "attribute_values": [tests::with(named, json!({ "value": value }))] })
    };
    [
        (json!({ "preferred_email": "eve@example.org" }), "/preferred_email"),
        (json!({ "preferred_email": null }), "/preferred_email"),
        (by_definition(json!(["eve@example.org"])), "/attribute_values/0/value"),
    ]
}

#[tokio::test]
async fn g50_the_own_address_is_changed_on_the_account_page_alone() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let definition = shared::domain::definition::Predefined::PreferredEmail.id().to_string();
    let token = house.admin.local_person(&jan.id, "userdata").await;
    for (patch, at) in other_addresses(&definition) {
        for call in [browser.patch(ME, patch.clone()), token.patch(ME, patch.clone())] {
            let refused = call.if_match("*").await.is(422);
            assert_eq!(refused.violations(), [format!("{at} not-editable")]);
            assert!(refused.text().contains("account page"), "{}", refused.text());
        }
    }
    assert_eq!(house.admin.read(&jan.path).await["preferred_email"], "jan@example.org");
    // The same address may be sent back.
    let me = browser.get(ME).await.is(200).json();
    browser.patch(ME, me).if_match("*").await.is(200);
    // A person who signs in elsewhere changes it as before, and so does an administrator.
    let corp = house.service.issuer("corp", "predefined").await;
    let external = corp.link(&jan.id, "jan").await;
    let patch = json!({ "preferred_email": "jan@work.example" });
    external.patch(ME, patch).if_match("*").await.is(200);
    let (_, boss) = house.official("boss", Administrator).await;
    let patch = json!({ "preferred_email": "jan@home.example" });
    boss.patch(&jan.path, patch).if_match("*").await.is(200);
}

#[tokio::test]
async fn g64_nobody_approves_a_change_of_their_own() {
    let house = House::open().await;
    house.admin.define("salary", by_administrators()).await;
    let (_, boss) = house.official("boss", Administrator).await;
    let (_, other) = house.official("other", Administrator).await;
    let salary = |value: &str| json!({ "attributes": { "common": { "salary": [value] } } });
    let asked = boss.patch(ME, salary("10")).if_match("*").await.is(202);
    let request = asked.header("location").unwrap().to_owned();
    for act in ["approve", "reject"] {
        let refused = boss.act(&format!("{request}/{act}")).await.is(403);
        assert_eq!(refused.slug(), "not-allowed");
        assert!(refused.text().contains("your own"), "{}", refused.text());
    }
    assert_eq!(boss.get(&request).await.is(200).field("status"), "PENDING");
    other.act(&format!("{request}/approve")).await.is(200);
    assert_eq!(boss.get(ME).await.is(200).json()["attributes"]["common"]["salary"], json!(["10"]));
}

#[tokio::test]
async fn g62_people_without_rights_have_self_service_and_nothing_else() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    for path in [USERS.to_owned(), jan.path.clone(), jan.below("sessions")] {
        let refused = browser.get(&path).await.is(403);
        assert_eq!(refused.slug(), "insufficient-scope");
        assert!(refused.text().contains("no persona of yours grants"), "{}", refused.text());
        assert_eq!(refused.header("www-authenticate"), None);
    }
    let nothing = |browser: &SignedIn| browser.get("/identity/change-requests");
    assert_eq!(nothing(&browser).await.is(200).json()["items"], json!([]));
}

#[tokio::test]
async fn g20_an_application_that_knows_the_person_is_no_browser_of_the_person() {
    let house = House::open().await;
    let (jan, _) = house.guest("jan").await;
    let token = house.admin.local_person(&jan.id, "openid profile email").await;
    for call in [
        token.get(ME),
        token.patch(ME, json!({ "given_name": "X" })).if_match("*"),
        token.delete(ME),
        token.get("/identity/me/sessions"),
        token.get("/identity/me/audit"),
        token.get("/identity/change-requests"),
    ] {
        let refused = call.await.is(403);
        assert_eq!(refused.slug(), "insufficient-scope");
        assert!(refused.header("www-authenticate").unwrap().contains("scope=\"userdata\""));
    }
    token.get("/idhub/oidc/v1/userinfo").await.is(200);
}
