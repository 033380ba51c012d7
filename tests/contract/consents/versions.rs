//! Versions: drafts, what is in effect, and what never changes.

use serde_json::json;

use super::{CONSENTS, DAY, Office, terms};

#[tokio::test]
async fn co02_a_version_keeps_texts_purposes_and_digests_whatever_becomes_of_the_terms() {
    let office = Office::open().await;
    let path = format!("{CONSENTS}/news/versions/1");
    let before = office.crm.read(&path).await;
    assert_eq!(before["status"], "EFFECTIVE");
    let other = json!({ "jurisdiction": "NL", "minimum_age": 16, "purposes": [
        { "id": "letter", "name": "Another", "legal_basis": "contract" }
    ] });
    office.crm.patch(&format!("{CONSENTS}/news"), other).if_match("*").await.is(200);
    assert_eq!(office.crm.read(&path).await, before);
    for method in ["PUT", "PATCH", "DELETE"] {
        office.crm.call(method, &path).json(json!({})).if_match("*").await.is(405);
    }
    let next = office.version(json!({})).await;
    assert_eq!((&next["version"], &next["terms"]["jurisdiction"]), (&json!(2), &json!("NL")));
    let old = office.crm.read(&path).await;
    assert_eq!(old["status"], "RETIRED");
    assert_eq!((&old["locales"], &old["terms"]), (&before["locales"], &before["terms"]));
}

/// What became of the first two versions.
async fn statuses(office: &Office) -> [String; 2] {
    let status = async |number: u32| {
        let path = format!("{CONSENTS}/news/versions/{number}");
        office.crm.read(&path).await["status"].as_str().unwrap().to_owned()
    };
    [status(1).await, status(2).await]
}

#[tokio::test]
async fn co02_a_version_is_a_draft_until_its_time() {
    let mut office = Office::open().await;
    office.service.clock.advance(1);
    let at = "2026-11-22T10:00:00.000Z";
    let draft = office.version(json!({ "effective_at": at })).await;
    assert_eq!((&draft["version"], &draft["status"]), (&json!(2), &json!("DRAFT")));
    assert_eq!(statuses(&office).await, ["EFFECTIVE", "DRAFT"]);
    office.later(DAY).await;
    assert_eq!(statuses(&office).await, ["RETIRED", "EFFECTIVE"]);
    let list = office.crm.read(&format!("{CONSENTS}/news/versions")).await;
    let numbers: Vec<_> = list["items"].as_array().unwrap().iter().map(|v| &v["version"]).collect();
    assert_eq!(numbers, [&json!(1), &json!(2)]);
    assert!(list["items"][0].get("locales").is_none());
}

#[tokio::test]
async fn co02_versions_follow_one_another_in_time() {
    let office = Office::open().await;
    let path = format!("{CONSENTS}/news/versions");
    let locales = json!({ "en": { "title": "x", "text": "x" } });
    let earlier = json!({ "locales": locales, "effective_at": "2026-11-21T09:00:00Z" });
    let refused = office.crm.post(&path, earlier).await.is(422);
    assert!(refused.violations()[0].contains("/effective_at"), "{}", refused.text());
    for wrong in [
        json!({}),
        json!({ "locales": {} }),
        json!({ "locales": { "en": { "title": "x" } } }),
        json!({ "locales": { "e n": { "title": "x", "text": "x" } } }),
        json!({ "locales": { "en": { "title": "x", "text": "x", "uri": "https://x.example" } } }),
        json!({ "locales": { "en": { "title": "x", "uri": "https://x.example" } } }),
        json!({ "locales": { "en": { "title": "x", "text": "x", "sha256": "0".repeat(64) } } }),
        json!({ "locales": locales, "reconsent": "maybe" }),
        json!({ "locales": locales, "reconsent": { "by": "soon" } }),
        json!({ "locales": locales, "number": 7 }),
    ] {
        office.crm.post(&path, wrong.clone()).await.is(422);
    }
    assert_eq!(office.version(json!({})).await["version"], 2);
}

#[tokio::test]
async fn co02_a_repeat_with_a_key_makes_one_version() {
    let office = Office::open().await;
    let path = format!("{CONSENTS}/news/versions");
    let body = json!({ "locales": { "en": { "title": "x", "text": "x" } } });
    let first = office.crm.post(&path, body.clone()).key("k").await.is(201);
    let again = office.crm.post(&path, body).key("k").await.is(201);
    assert_eq!(first.header("location"), Some("/identity/config/consents/news/versions/2"));
    assert_eq!((first.header("location"), first.json()), (again.header("location"), again.json()));
    let list = office.crm.read(&path).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn co13_a_consent_with_versions_is_not_deleted() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    let path = format!("{CONSENTS}/news");
    let refused = office.crm.delete(&path).await.is(409);
    assert_eq!(refused.slug(), "in-use");
    let retire = format!("{path}/versions/1/retire");
    let retired = office.crm.act(&retire).await.is(200).json();
    assert_eq!(retired["status"], "RETIRED");
    assert_eq!(office.crm.act(&retire).await.is(200).json(), retired);
    office.crm.delete(&path).await.is(409);
    office.crm.create(CONSENTS, terms("other", json!({}))).await;
    office.crm.delete(&format!("{CONSENTS}/other")).await.is(204);
}

#[tokio::test]
async fn co13_what_a_consent_names_is_not_deleted() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    let shoe = office.crm.define("shoe-size", json!({})).await;
    let hat = office.crm.define("hat", json!({})).await;
    let purpose = json!({
        "id": "fit", "name": "Fit", "legal_basis": "consent", "attributes": [shoe.id],
        "recipients": ["shop"]
    });
    office.crm.create(CONSENTS, terms("fit", json!({ "purposes": [purpose] }))).await;
    for path in [shoe.path.as_str(), "/identity/config/systems/shop"] {
        assert_eq!(office.crm.delete(path).await.is(409).slug(), "in-use", "{path}");
    }
    let bind = json!({ "consent": "fit/fit" });
    office.crm.patch(&shoe.path, bind).if_match("*").await.is(200);
    let other = json!({ "purposes": [{ "id": "x1", "name": "X", "legal_basis": "consent" }] });
    office.crm.patch(&format!("{CONSENTS}/fit"), other).if_match("*").await.is(422);
    assert_eq!(office.crm.delete(&format!("{CONSENTS}/fit")).await.is(409).slug(), "in-use");
    for wrong in ["fit/none", "none/fit", "fit", "none"] {
        let unknown = json!({ "consent": wrong });
        office.crm.patch(&shoe.path, unknown).if_match("*").await.is(422);
    }
    // CO-04: the purpose has to list the attribute.
    office.crm.patch(&hat.path, json!({ "consent": "fit/fit" })).if_match("*").await.is(422);
    let unlisted = json!({ "purposes": [super::uses("fit", &[&hat.id])] });
    office.crm.patch(&format!("{CONSENTS}/fit"), unlisted).if_match("*").await.is(422);
}

#[tokio::test]
async fn co13_what_a_version_names_is_not_deleted_though_the_terms_drop_it() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    let shoe = office.crm.define("shoe", json!({})).await;
    let mut purpose = super::uses("fit", &[&shoe.id]);
    purpose["recipients"] = json!(["shop"]);
    office.crm.create(CONSENTS, terms("fit", json!({ "purposes": [purpose] }))).await;
    let text = json!({ "en": { "title": "x", "text": "x" } });
    let body = json!({ "locales": text });
    office.crm.post(&format!("{CONSENTS}/fit/versions"), body).await.is(201);
    let bare = json!({ "purposes": [super::uses("fit", &[])] });
    office.crm.patch(&format!("{CONSENTS}/fit"), bare).if_match("*").await.is(200);
    for path in [shoe.path.as_str(), "/identity/config/systems/shop"] {
        assert_eq!(office.crm.delete(path).await.is(409).slug(), "in-use", "{path}");
    }
}

#[tokio::test]
async fn co02_a_draft_that_was_retired_stands_in_nobodys_way() {
    let office = Office::open().await;
    let wrong = office.version(json!({ "effective_at": "2072-11-21T10:00:00Z" })).await;
    let path = format!("{CONSENTS}/news/versions");
    let body = json!({ "locales": { "en": { "title": "x", "text": "x" } } });
    office.crm.post(&path, body.clone()).await.is(422);
    office.crm.act(&format!("{path}/{}/retire", wrong["version"])).await.is(200);
    let next = office.crm.post(&path, body).await.is(201).json();
    assert_eq!((&next["version"], &next["status"]), (&json!(3), &json!("EFFECTIVE")));
    // What the draft said can be read still.
    assert_eq!(office.crm.read(&format!("{path}/2")).await["locales"], wrong["locales"]);
}

#[tokio::test]
async fn co02_only_the_first_version_begins_in_the_past() {
    let office = Office::open().await;
    office.crm.create(CONSENTS, terms("old", json!({}))).await;
    let path = format!("{CONSENTS}/old/versions");
    let body =
        |more| super::with(json!({ "locales": { "en": { "title": "x", "text": "x" } } }), more);
    let past = json!({ "effective_at": "2020-01-01T10:00:00Z" });
    let first = office.crm.post(&path, body(past.clone())).await.is(201).json();
    assert_eq!(first["status"], "EFFECTIVE");
    for (wrong, at) in [
        (past, "/effective_at"),
        (json!({ "effective_at": "2026-11-21T09:59:59Z" }), "/effective_at"),
        (json!({ "reconsent": { "by": "2026-11-21T09:00:00Z" } }), "/reconsent/by"),
        (
            json!({
                "effective_at": "2026-12-01T00:00:00Z",
                "reconsent": { "by": "2026-12-01T00:00:00Z" }
            }),
            "/reconsent/by",
        ),
    ] {
        let refused = office.crm.post(&path, body(wrong)).await.is(422);
        assert!(refused.violations()[0].contains(at), "{}", refused.text());
    }
}

#[tokio::test]
async fn co02_a_version_is_made_of_the_terms_that_were_reviewed() {
    let office = Office::open().await;
    let path = format!("{CONSENTS}/news");
    let tag = office.crm.tag_of(&path).await;
    let body = json!({ "locales": { "en": { "title": "x", "text": "x" } } });
    let post = || office.crm.post(&format!("{path}/versions"), body.clone()).if_match(&tag);
    post().await.is(201);
    office.crm.patch(&path, json!({ "jurisdiction": "NL" })).if_match("*").await.is(200);
    post().await.is(412);
}

#[tokio::test]
async fn co10_who_has_to_show_a_text_can_read_it() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    office.version(json!({ "effective_at": "2026-11-22T10:00:00Z" })).await;
    let issuer = office.service.issuer("corp", "predefined").await;
    let jan = issuer.link(&office.jan.id, "jan").await;
    let shop = office.bound(&["shop"]).await;
    let path = |version: &str| format!("/identity/consents/news/versions/{version}");
    for version in ["1", "effective"] {
        let text = jan.get(&path(version)).await.is(200).json();
        assert_eq!(text["locales"]["en"]["sha256"], office.digest(1).await.as_str());
        assert_eq!(shop.read(&path(version)).await, text);
        assert_eq!(office.crm.read(&path(version)).await, text);
    }
    for missing in ["2", "3", "0", "x"] {
        jan.get(&path(missing)).await.is(404);
    }
    jan.get("/identity/consents/none/versions/1").await.is(404);
    office.service.call("GET", &path("1")).await.is(401);
}

#[tokio::test]
async fn co11_silence_agrees_to_nothing_that_needs_a_yes() {
    let office = Office::open().await;
    let quiet = || terms("quiet", super::silent());
    for wrong in [
        json!({ "minimum_age": 16 }),
        json!({ "purposes": [
            { "id": "aa", "name": "A", "legal_basis": "legitimate_interests", "sensitive": true }
        ] }),
        json!({ "purposes": [{ "id": "aa", "name": "A", "legal_basis": "consent" }] }),
    ] {
        let refused = office.crm.post(CONSENTS, super::with(quiet(), wrong)).await.is(422);
        assert!(refused.violations()[0].contains("/needs"), "{}", refused.text());
    }
    office.crm.create(CONSENTS, quiet()).await;
}

#[tokio::test]
async fn terms_say_all_that_is_wrong_at_once() {
    let office = Office::open().await;
    let wrong = json!({
        "id": "X", "kind": "law", "purposes": [
            { "id": "aa", "name": "A", "legal_basis": "hope", "recipients": ["nowhere"] },
            { "id": "aa", "name": "A", "legal_basis": "consent" },
            { "id": "bb", "name": "B", "legal_basis": "consent", "attributes": ["x"] }
        ],
        "controller": { "name": "Acme" }, "expires_after_days": 0, "minimum_age": 1.5,
        "needs": "luck"
    });
    let said = office.crm.post(CONSENTS, wrong).await.is(422).violations().join("\n");
    for at in [
        "/id",
        "/kind",
        "/purposes/0/legal_basis",
        "/purposes/0/recipients/0",
        "/purposes/2/attributes/0",
        "/controller/contact",
        "/controller/phone",
        "/jurisdiction",
        "/expires_after_days",
        "/minimum_age",
        "/needs",
    ] {
        assert!(said.contains(at), "{at}: {said}");
    }
}
