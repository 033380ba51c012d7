//! `kith forget`: what it erases, says and finds.

use maintenance::forget::{ErasureOutcome, forget, replay};
use maintenance::traces::SearchText;
use shared::domain::id::UserId;
use shared::domain::lookup::ValueHash;
use shared::store::{Condition, Item, Key, Write};
use tests::{Browser, Engine, Service, TENANT};

use crate::login::{PASSWORD, WRONG};

/// The attributes in which a text is found, by what the item is.
async fn places(service: &Service, text: &str) -> Vec<String> {
    let found = service.traces(&[text.to_owned()]).await;
    found
        .iter()
        .map(|trace| format!("{}: {}", trace.kind, trace.attribute.as_deref().unwrap_or("a name")))
        .collect()
}

#[tokio::test]
async fn d7_every_value_of_a_person_is_found_before_and_none_after() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    for word in person.words.iter().filter(|word| !word.starts_with("Nieuw")) {
        let places = places(&setting.service, word).await;
        // A secret is a hash from the start, a subject at a token issuer too.
        let hashed =
            ["Fokkenmast", "Bezaan", "Takelage"].iter().any(|secret| word.starts_with(secret));
        assert_eq!(places.is_empty(), hashed, "{word}: {places:?}");
    }
    let kinds = [
        "a user: doc",
        "a subject: doc",
        "a system profile: doc",
        "a change request: doc",
        "a unique value: pk",
    ];
    let found = setting.service.traces(&person.words).await;
    for kind in kinds {
        assert!(
            found
                .iter()
                .any(|t| format!("{}: {}", t.kind, t.attribute.as_deref().unwrap()) == kind),
            "{kind}"
        );
    }
    let id = person.user.id.parse().unwrap();
    assert!(
        found.iter().all(|trace| trace.user == Some(id) || trace.kind == "an e-mail address"),
        "{found:?}"
    );

    let named = person.bases[0].as_str().parse().unwrap();
    let tenant = TENANT.parse().unwrap();
    assert_eq!(
        forget(&setting.service.table, &tenant, &named).await.unwrap(),
        Some((id, ErasureOutcome::Forgotten))
    );

    setting.gone(&person, "by its base profile id").await;
    assert_eq!(forget(&setting.service.table, &tenant, &named).await.unwrap(), None);
    let named = person.user.id.parse().unwrap();
    assert_eq!(
        forget(&setting.service.table, &tenant, &named).await.unwrap(),
        Some((id, ErasureOutcome::Before))
    );
    let nobody = setting.service.table.env().new_uuid().to_string().parse().unwrap();
    assert_eq!(forget(&setting.service.table, &tenant, &nobody).await.unwrap(), None);
}

#[tokio::test]
async fn d7_a_text_is_found_in_every_type_and_every_escape() {
    let service = Service::start().await;
    let planted = [
        ("plain", "Åsa Östlund-Ñandú"),
        ("case", "ÅSA ÖSTLUND-ÑANDÚ"),
        ("decomposed", "A\u{30a}sa  O\u{308}stlund-N\u{303}andu\u{301}"),
        ("wide", "Ａ\u{30a}sa Östlund-Ñandú"),
        ("json", r#"{"x":"\u00c5sa \u00D6stlund-\u00f1and\u00fa"}"#),
        ("json_in_json", r#"{"x":"{\"y\":\"\\u00c5sa \\u00D6stlund-\\u00f1and\\u00fa\"}"}"#),
        ("url", "x?name=%C3%85sa%20%C3%96stlund-%c3%91and%C3%BA&y"),
        ("form", "name=%C3%85sa+%C3%96stlund-%c3%91and%C3%BA"),
        ("url_in_json", r#"{"x":"%C3%85sa+%C3%96stlund-\u0025c3\u002591and%C3%BA"}"#),
    ];
    let nobody = UserId::new(service.table.env().new_uuid());
    for (name, text) in planted {
        let key = Key::stored(&format!("T#{TENANT}#Z#{name}"), "-");
        for (form, item) in [
            ("text", Item::at(&key).text("x", format!("before {text} after"))),
            ("bytes", Item::at(&key).bytes("x", format!("\u{0}{text}\u{0}").into_bytes())),
            ("list", Item::at(&key).texts("x", ["other".to_owned(), text.to_owned()])),
            ("index", Item::at(&key).listed(text, "x").text("x", "")),
        ] {
            let item = item.text("holder", nobody.to_string());
            service.table.commit(vec![Write::Put(item, Condition::Absent)]).await.unwrap();
            let attribute = if form == "index" { "gsi1pk" } else { "x" };
            let due = [format!("an unknown item: {attribute}")];
            assert_eq!(places(&service, "åsa östlund-ñandú").await, due, "{name} as {form}");
            let [other] = places(&service, "Åsa Östlund-Ñandu\u{301}").await.try_into().unwrap();
            assert_eq!(other, due[0]);
            assert!(places(&service, "Åsa Östlund-Nandu").await.is_empty(), "{name} as {form}");
            service
                .table
                .commit(vec![Write::Delete(key.clone(), Condition::Owner(nobody))])
                .await
                .unwrap();
        }
    }
    let hashed = format!("T#acme#Q#x#{}", ValueHash::of("östlund"));
    for (pk, sk) in [("T#acme#Z#x", "östlund#x"), ("Z#östlund", "-"), (&*hashed, "-")] {
        service
            .table
            .commit(vec![Write::Put(Item::at(&Key::stored(pk, sk)), Condition::Absent)])
            .await
            .unwrap();
    }
    let due = ["a unique value: pk", "an unknown item: pk", "an unknown item: sk"];
    assert_eq!(places(&service, "Östlund").await, due);
    let marked = Item::at(&Key::stored("T#acme#Z#name", "-")).marked("Östlund", true);
    service.table.commit(vec![Write::Put(marked, Condition::Absent)]).await.unwrap();
    assert!(places(&service, "Östlund").await.contains(&"an unknown item: a name".to_owned()));
}

#[tokio::test]
async fn d5_d7_other_tenants_are_not_searched() {
    let service = Service::start().await;
    service.create_tenant("globex").await;
    let other = service.client("globex", "users:read users:write").await;
    other.create_user("Zwaardvis").await;
    assert!(places(&service, "Zwaardvis").await.is_empty());
    service.crm().await.create_user("Zwaardvis").await;
    assert_eq!(
        places(&service, "zwaardvis").await,
        ["a unique value: pk", "a user: doc", "a user: ix"]
    );
}

#[tokio::test]
async fn d7_g35_the_counter_of_strangers_at_a_username_goes_with_the_person() {
    let service = Service::start().await;
    let person = service.member("Zwaardvis", PASSWORD).await;
    let try_once = async || {
        Browser::new(&service).sign_in(TENANT, "zwaardvis", WRONG).await.is(422);
    };
    let counter = "a count of failures: pk".to_owned();
    try_once().await;
    assert!(places(&service, "ZWAARDVIS").await.contains(&counter));
    service.crm().await.delete(&person.path).await.is(204);
    assert_eq!(places(&service, "Zwaardvis").await, [""; 0]);
    // Attempts at the name are counted again, as at any name that nobody has.
    try_once().await;
    assert_eq!(places(&service, "Zwaardvis").await, [counter]);
}

#[tokio::test]
async fn d7_g35_the_counter_of_the_present_password_goes_with_the_person() {
    let service = Service::start().await;
    let person = service.member("Zwaardvis", PASSWORD).await;
    let browser = service.browser_of("Zwaardvis", PASSWORD).await;
    let counter = "a count of failures: pk".to_owned();
    assert!(!places(&service, "zwaardvis").await.contains(&counter));
    let page = browser.get("/idhub/account").await.is(200);
    let fields = [("current_password", WRONG), ("new_password", "wagon lemon orbit thirteen")];
    browser.submit_form(&page, "/idhub/account/password", &fields).await.is(422);
    assert!(places(&service, "zwaardvis").await.contains(&counter));
    service.crm().await.delete(&person.path).await.is(204);
    assert_eq!(places(&service, "Zwaardvis").await, [""; 0]);
}

#[tokio::test]
async fn d7_g35_the_counter_of_a_username_of_before_is_found_and_stays() {
    let service = Service::start().await;
    let person = service.member("Zwaardvis", PASSWORD).await;
    Browser::new(&service).sign_in(TENANT, "zwaardvis", WRONG).await.is(422);
    let crm = service.crm().await;
    let renamed = serde_json::json!({ "username": "Zeearend" });
    crm.patch(&person.path, renamed).if_match("*").await.is(200);
    crm.delete(&person.path).await.is(204);
    assert_eq!(places(&service, "Zeearend").await, [""; 0]);
    assert_eq!(places(&service, "Zwaardvis").await, ["a count of failures: pk"]);
    // It ends by itself.
    service.clock.advance(30 * 24 * 3600);
    let counter = shared::domain::people::strangers_counter(&TENANT.parse().unwrap(), "zwaardvis");
    assert!(service.table.get(&Key::attempts(&counter)).await.unwrap().is_none());
}

#[test]
fn d7_texts_that_stand_everywhere_are_refused_and_none_is_shown() {
    for short in ["", "ab", "  a ", "é1", "\u{3000}ab\u{3000}"] {
        assert!(SearchText::read(short).is_err(), "{short:?}");
    }
    assert_eq!(format!("{:?}", SearchText::read("Zwaardvis").unwrap()), "Text");
}

/// The state of a table from before some erasures, as a restore brings it back.
#[tokio::test]
async fn d7_a_restored_table_learns_from_the_one_it_replaces_whom_to_forget() {
    let (setting, first) = Service::start().await.person_with_everything().await;
    let (second, kept) = (setting.person().await, setting.person().await);
    let restored = Engine::embedded(setting.service.table.env().clone()).await;
    let restored = Service::on(restored, setting.service.clock.clone()).await;
    let mut pages = setting
        .service
        .table
        .client()
        .scan()
        .table_name(setting.service.table.name())
        .into_paginator()
        .items()
        .send();
    while let Some(item) = pages.next().await {
        restored.put_item(item.unwrap()).await;
    }
    setting.crm.delete(&first.user.path).await.is(204);
    setting.service.faults.reset();
    setting.service.faults.cut("Query", &format!("#U#{}", second.user.id));
    // Begun and not finished.
    setting.crm.delete(&second.user.path).await.is(503);
    setting.service.faults.reset();
    assert!(!restored.traces(&first.words).await.is_empty());

    let tenant = TENANT.parse().unwrap();
    assert_eq!(replay(&restored.table, &tenant, &setting.service.table).await.unwrap(), (2, 2));

    assert_eq!(restored.traces(&[first.words, second.words].concat()).await, []);
    assert_eq!(restored.check().await.users, 1);
    let crm = setting.crm.on(&restored);
    crm.get(&kept.user.path).await.is(200);
    assert_eq!(replay(&restored.table, &tenant, &setting.service.table).await.unwrap(), (2, 0));
}
