//! Which texts are taken, and which are equal.

use serde_json::json;
use tests::{Service, escape};

use super::{TWINS, USERS, count, service};

#[tokio::test]
async fn dt2_names_are_taken_as_they_are_and_found_in_any_spelling() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let names = [
        ("\u{963f}\u{5a1c}\u{5c14}\u{b7}\u{6258}\u{5408}\u{63d0}", None),
        ("COL\u{b7}LELL", Some("col\u{b7}lell")),
        ("\u{1107}\u{1161}\u{11a8}", Some("\u{bc15}")),
        ("\u{738b}\u{2ceb0}", None),
        ("\u{738b}\u{31350}", None),
        ("\u{738b}\u{9feb}", None),
        ("\u{1c9c}\u{1c98}", Some("\u{10dc}\u{10d8}")),
        ("\u{1e921}\u{1e900}", Some("\u{1e943}\u{1e922}")),
        ("\u{13a0}\u{13a1}", Some("\u{ab70}\u{ab71}")),
        ("\u{c5d}\u{c15}", None),
        ("\u{4f50}\u{303b}\u{6728}", None),
        ("\u{845b}\u{e0100}", Some("\u{845b}")),
        ("\u{645}\u{640}\u{62d}", None),
        ("\u{200e}Cohen\u{200e}", Some("cohen")),
        ("\u{391}\u{387}", None),
        ("Zoe \u{1f9d1}", None),
        ("\u{e000}", None),
    ];
    for (i, (name, other)) in names.into_iter().enumerate() {
        let body = json!({ "username": format!("n{i}"), "family_name": name, "given_name": name });
        let made = crm.create(USERS, body).await;
        assert_eq!(made.body["family_name"], name);
        for wanted in [Some(name), other].into_iter().flatten() {
            assert_eq!(count(&crm, json!({ "family_name": wanted })).await, 1, "{wanted:?}");
            let start: String = wanted.chars().take(2).collect();
            let filter = json!(format!("given_name sw {}", json!(start)));
            // A search by `sw` needs two characters after folding.
            if start.chars().count() == 2 && ![2, 11, 13].contains(&i) {
                assert!(count(&crm, filter).await >= 1, "{start:?}");
            }
        }
    }
    for wrong in ["a\u{0}b", "\u{7}", "a\nb", "a\u{85}b"] {
        let body = json!({ "username": "wrong", "family_name": wrong });
        let refused = crm.post(USERS, body).await.is(422);
        assert_eq!(refused.violations(), ["/family_name wrong-format"], "{wrong:?}");
    }
    service.check().await;
}

#[tokio::test]
async fn dt2_usernames_are_composed_before_they_are_judged() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for (composed, decomposed) in TWINS {
        crm.create(USERS, json!({ "username": decomposed })).await;
        assert_eq!(count(&crm, json!({ "username": composed })).await, 1);
        let refused = crm.post(USERS, json!({ "username": composed })).await.is(409);
        assert_eq!(refused.violations(), ["/username not-unique"]);
    }
    crm.create(USERS, json!({ "username": "\u{1e922}\u{1e923}" })).await;
    crm.post(USERS, json!({ "username": "\u{1e900}\u{1e901}" })).await.is(409);
    service.check().await;
}

#[tokio::test]
async fn dt4_one_text_in_two_spellings_is_one() {
    let (service, crm) = service().await;
    for (i, (composed, decomposed)) in TWINS.into_iter().enumerate() {
        let body = |name: &str, text: &str| {
            let address = format!("{text}@example.org");
            json!({
                "username": format!("{name}{i}"), "id_at_customer": format!("{name} {text}"),
                "preferred_email": &address,
                "attributes": { "common": {
                    "mail": [&address], "badge": [format!("{text}\n7")], "note": [format!("{text}\t·x")]
                } }
            })
        };
        let made = crm.create(USERS, body("a", decomposed)).await;
        assert_eq!(made.body, crm.read(&made.path).await);
        assert_eq!(made.body["preferred_email"], format!("{decomposed}@example.org"));
        let refused = crm.post(USERS, body("b", composed)).await.is(409);
        let due = ["/attributes/common/badge not-unique", "/attributes/common/mail not-unique"];
        assert_eq!(refused.violations(), due);
        for text in [composed, decomposed] {
            let address = format!("{text}@Example.org");
            for filter in [
                json!({ "preferred_email": address }),
                json!({ "attributes.common.mail": address }),
                json!({ "attributes.common.badge": format!("{text} 7") }),
                json!({ "attributes.common.note": format!("{text} ·X") }),
                json!(format!("attributes.common.note sw {}", json!(text))),
                json!({ "id_at_customer": format!("a {text}") }),
            ] {
                assert_eq!(count(&crm, filter.clone()).await, 1, "{filter}");
            }
            let upsert = format!("{USERS}/by/id_at_customer/{}", escape(&format!("a {text}")));
            crm.put(
                &upsert,
                json!({ "username": format!("a{i}"), "preferred_email": address,
                "attributes": made.body["attributes"] }),
            )
            .await
            .is(200);
        }
        assert_eq!(service.version_of(&made.id).await, 3);
    }
    assert_eq!(service.check().await.users, TWINS.len());
}

#[tokio::test]
async fn dt4_a_verified_address_stays_verified_in_another_spelling() {
    let (service, crm) = service().await;
    let admin = service.client(tests::TENANT, "administrator").await;
    let (composed, decomposed) = TWINS[0];
    let body = json!({
        "username": "jan", "preferred_email": format!("{decomposed}@example.org"),
        "attributes": { "common": { "mail": [format!("{decomposed}@example.org")] } }
    });
    let jan = crm.create(USERS, body).await;
    for attribute in ["preferred_email", "common.mail"] {
        let body = json!({ "attribute": attribute, "value": format!("{composed}@example.org") });
        admin.post(&jan.below("verify"), body).await.is(200);
    }
    let other = json!({
        "preferred_email": format!("{composed}@example.org"),
        "attributes": { "common": { "mail": [format!("{composed}@example.org")] } }
    });
    let now = crm.patch(&jan.path, other).if_match("*").await.is(200).json();
    assert_eq!(now["email_verified"], true);
    assert_eq!(now["attribute_states"], json!({ "common": { "mail": ["VERIFIED"] } }));
}

#[tokio::test]
async fn dt8_lengths_are_those_that_the_description_says() {
    let (_, crm) = service().await;
    let letter = "\u{915}";
    let body = |length: usize| {
        let text = letter.repeat(length);
        json!({ "username": text, "id_at_customer": text, "family_name": text, "given_name": text })
    };
    crm.create(USERS, body(256)).await;
    let refused = crm.post(USERS, body(257)).await.is(422);
    let due = ["family_name", "given_name", "id_at_customer", "username"];
    assert_eq!(refused.violations(), due.map(|field| format!("/{field} too-long")));
    assert!(refused.text().contains("expected at most 256 characters, found 257"));
    let category = |length: usize| {
        let display_name = "\u{e01}".repeat(length);
        json!({ "name": format!("c{length}"), "display_name": display_name })
    };
    let categories = "/identity/config/attribute-categories";
    crm.post(categories, category(1024)).await.is(201);
    crm.post(categories, category(1025)).await.is(422);
}

#[tokio::test]
async fn dt10_names_of_attributes_in_filters_know_no_case() {
    let (_, crm) = service().await;
    let body = json!({ "username": "jan", "attributes": { "common": { "badge": ["1"] } } });
    crm.create(USERS, body).await;
    for filter in [
        "attributes.Common.Badge eq \"1\"",
        "Attributes.common.badge pr",
        "ATTRIBUTES.COMMON.BADGE eq \"1\" and USERNAME pr",
        "not (Attributes.Common.badge eq \"2\")",
    ] {
        assert_eq!(count(&crm, json!(filter)).await, 1, "{filter}");
    }
    assert_eq!(count(&crm, json!({ "Attributes.Common.Badge": "1" })).await, 1);
}

#[tokio::test]
async fn dt_an_id_of_the_customer_has_no_spaces_at_its_ends() {
    let (_, crm) = service().await;
    for id in ["B12-1     ", "B12-1\u{a0}", " B12-1"] {
        let refused = crm.post(USERS, json!({ "username": "b", "id_at_customer": id })).await;
        assert_eq!(refused.is(422).violations(), ["/id_at_customer wrong-format"], "{id:?}");
    }
    crm.create(USERS, json!({ "username": "b", "id_at_customer": "B12 1" })).await;
}
