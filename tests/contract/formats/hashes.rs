//! Hashed values: how they are kept, replaced, removed, searched and compared without being shown
//! (rules A2, D2, H4).

use serde_json::{Value, json};
use tests::Service;

use super::secrets::stored;
use super::{Desk, Place, USERS, attribute, said};
use crate::races::{at_once, count};

const HASHED: [&str; 2] = ["HASH", "SEARCHABLE_HASH"];

fn set(n: usize) -> Value {
    json!(vec![json!({ "set": true }); n])
}

impl Desk {
    /// The stored values of `common.x`, the user's or the persona's.
    async fn hashes(&self, place: Place) -> Vec<String> {
        let user = stored(&self.service, "acme", &self.user.id).await;
        let owner = if place.is_persona() { &user["personas"][0] } else { &user };
        let values = owner["attributes"][&self.x.id].as_array().cloned().unwrap_or_default();
        values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a2_what_is_shown_is_taken_back_unchanged_and_partial_arrays_keep_by_position() {
    for format in HASHED {
        let desk = Desk::with(json!({ "data_format": format })).await;
        for place in Place::ALL.into_iter().filter(|place| place.changes()) {
            desk.clear().await;
            let first = desk.write(place, r#"["one","two"]"#).await.is(200);
            let before = desk.hashes(place).await;
            let same = desk.write(place, &set(2).to_string()).await.is(200);
            assert_eq!((same.tag(), same.cost().1), (first.tag(), 0.0), "{format} {place:?}");
            assert_eq!(desk.hashes(place).await, before);

            desk.write(place, r#"[{"set":true},"other","third"]"#).await.is(200);
            let after = desk.hashes(place).await;
            assert_eq!((after.len(), &after[0]), (3, &before[0]), "{format} {place:?}");
            assert_ne!(after[1], before[1]);
            desk.write(place, &set(2).to_string()).await.is(200);
            assert_eq!(desk.hashes(place).await, after[..2], "{format} {place:?}");
            desk.write(place, r#"["new",{"set":true}]"#).await.is(200);
            assert_eq!(desk.hashes(place).await[1], after[1], "{format} {place:?}");

            let refused = desk.write(place, &set(3).to_string()).await.is(422);
            assert_eq!(
                refused.violations(),
                [format!("{}/2 not-found", place.pointer())],
                "{format} {place:?}"
            );
            assert!(said(&refused).contains("in this place"), "{}", said(&refused));
            let removed = desk.write(place, "[]").await.is(200);
            assert_eq!(place.shown(&removed, "attributes"), Value::Null);
            assert!(desk.hashes(place).await.is_empty(), "{format} {place:?}");
        }
    }
}

#[tokio::test]
async fn a2_put_that_omits_a_hash_keeps_it() {
    for format in HASHED {
        let desk = Desk::with(json!({ "data_format": format })).await;
        desk.write(Place::Patch, r#"["one"]"#).await.is(200);
        desk.write(Place::SetById, r#"["two"]"#).await.is(200);
        let kept = [desk.hashes(Place::Patch).await, desk.hashes(Place::SetById).await];
        let put =
            async |body: Value| desk.crm.put(&desk.user.path, body).if_match("*").await.is(200);
        for body in [
            json!({ "username": "jan" }),
            json!({ "username": "jan", "attributes": {} }),
            json!({ "username": "jan", "attributes": { "common": {} } }),
        ] {
            let replaced = put(body).await;
            assert_eq!(
                replaced.json()["attributes"],
                attribute("x", &set(1))["attributes"],
                "{format}"
            );
        }
        // The whole profile sent back, personas included, changes nothing.
        let read = desk.crm.get(&desk.user.path).await.is(200);
        let back = put(read.json()).await;
        assert_eq!((back.tag(), back.cost().1), (read.tag(), 0.0));
        assert_eq!([desk.hashes(Place::Patch).await, desk.hashes(Place::SetById).await], kept);

        put(json!({ "username": "jan", "attributes": { "common": { "x": [] } } })).await;
        assert!(desk.hashes(Place::Patch).await.is_empty());
        put(json!({ "username": "jan" })).await;
        assert!(desk.hashes(Place::Patch).await.is_empty());
    }
}

#[tokio::test]
async fn a2_null_in_a_patch_removes_a_hash() {
    for format in HASHED {
        let desk = Desk::with(json!({ "data_format": format })).await;
        for place in [Place::Patch, Place::ById, Place::PatchPersona] {
            desk.write(place, r#"["one"]"#).await.is(200);
            let removed = desk.write(place, "null").await.is(200);
            assert_eq!(place.shown(&removed, "attributes"), Value::Null);
            assert!(desk.hashes(place).await.is_empty(), "{format} {place:?}");
        }
    }
}

#[tokio::test]
async fn d2_every_write_of_a_salted_hash_moves_tag_and_version() {
    let desk = Desk::with(json!({ "data_format": "HASH" })).await;
    for place in Place::ALL.into_iter().filter(|place| place.changes()) {
        let first = desk.write(place, r#"["one"]"#).await.is(200);
        let (version, hash) =
            (desk.service.version_of(&desk.user.id).await, desk.hashes(place).await);
        let second = desk.write(place, r#"["one"]"#).await.is(200);
        assert_ne!(second.tag(), first.tag(), "{place:?}");
        assert_eq!(desk.service.version_of(&desk.user.id).await, version + 1, "{place:?}");
        assert_ne!(desk.hashes(place).await, hash, "{place:?}");
        desk.call(place, r#"["one"]"#)
            .await
            .without("if-match")
            .if_match(&first.tag())
            .await
            .is(412);
    }
}

#[tokio::test]
async fn a2_a_searchable_hash_of_the_same_value_is_the_same_and_another_moves_the_tag() {
    let desk = Desk::with(json!({ "data_format": "SEARCHABLE_HASH" })).await;
    for place in Place::ALL.into_iter().filter(|place| place.changes()) {
        let first = desk.write(place, r#"["One  two"]"#).await.is(200);
        let same = desk.write(place, r#"["one TWO"]"#).await.is(200);
        assert_eq!((same.tag(), same.cost().1), (first.tag(), 0.0), "{place:?}");
        let other = desk.write(place, r#"["one three"]"#).await.is(200);
        assert_ne!(other.tag(), first.tag(), "{place:?}");
        assert_eq!(place.shown(&other, "attributes"), set(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_of_many_writes_of_one_hash_with_one_tag_one_wins() {
    let desk = Desk::with(json!({ "data_format": "HASH" })).await;
    let tag = desk.write(Place::Patch, r#"["one"]"#).await.is(200).tag();
    let patch = attribute("x", &json!(["two"]));
    let answers =
        at_once((0..12).map(|_| desk.crm.patch(&desk.user.path, patch.clone()).if_match(&tag)))
            .await;
    assert_eq!(count(&answers, &[200, 412]), [1, 11]);
    desk.service.check().await;
}

#[tokio::test]
async fn a2_equality_finds_a_searchable_hash_whatever_its_case() {
    let desk = Desk::with(json!({ "data_format": "SEARCHABLE_HASH", "search": "exact" })).await;
    let crm = &desk.crm;
    let path = "attributes.common.x";
    desk.write(Place::Patch, r#"["Åke Öst","Second"]"#).await.is(200);
    desk.write(Place::SetById, r#"["Persona"]"#).await.is(200);
    for word in ["Åke Öst", "åke  öst ", "ÅKE ÖST", "A\u{30a}ke O\u{308}st", "second"] {
        assert_eq!(crm.find(json!({ path: word })).await.len(), 1, "{word}");
        assert_eq!(
            crm.find(json!(format!("{path} eq \"{word}\" and username eq \"jan\""))).await.len(),
            1,
            "{word}"
        );
    }
    // Like every attribute, a filter means the user's own values and not those of personas.
    for word in ["Ake Ost", "Åke", "persona", "", "{\"set\":true}", "true"] {
        assert!(crm.find(json!({ path: word })).await.is_empty(), "{word}");
    }
    let user = stored(&desk.service, "acme", &desk.user.id).await;
    let hash = user["attributes"][&desk.x.id][0].as_str().unwrap().to_owned();
    assert!(
        crm.find(json!({ path: hash })).await.is_empty(),
        "the hash is no password to the value"
    );

    desk.write(Place::Patch, r#"[{"set":true}]"#).await.is(200);
    assert!(crm.find(json!({ path: "second" })).await.is_empty());
    assert_eq!(crm.find(json!({ path: "åke öst" })).await.len(), 1);
    desk.clear().await;
    assert!(crm.find(json!({ path: "åke öst" })).await.is_empty());
    desk.service.check().await;
}

#[tokio::test]
async fn a2_a_salted_hash_cannot_be_searched() {
    for (format, search) in [("HASH", "none"), ("SEARCHABLE_HASH", "none")] {
        let desk = Desk::with(json!({ "data_format": format, "search": search })).await;
        desk.write(Place::Patch, r#"["one"]"#).await.is(200);
        let query = json!({ "filter": { "attributes.common.x": "one" } });
        let refused = desk.crm.post(&format!("{USERS}/query"), query).await.is(400);
        assert_eq!(refused.slug(), "unsupported-filter", "{format}");
    }
}

#[tokio::test]
async fn d3_a_unique_searchable_hash_is_unique_for_users_and_personas() {
    let desk = Desk::with(json!({ "data_format": "SEARCHABLE_HASH", "unique": true })).await;
    let crm = &desk.crm;
    let els = crm
        .create(
            USERS,
            json!({ "username": "els", "attributes": { "common": { "x": ["Badge 1"] } } }),
        )
        .await;
    for place in Place::ALL {
        let refused = desk.write(place, r#"["badge  1"]"#).await.is(409);
        assert_eq!(refused.slug(), "already-exists", "{place:?}");
        assert!(!refused.text().to_lowercase().contains("badge"), "{}", refused.text());
    }
    assert_eq!(crm.find(json!({ "attributes.common.x": "BADGE 1" })).await[0]["id"], json!(els.id));
    crm.patch(&els.path, attribute("x", &json!([]))).if_match("*").await.is(200);
    desk.write(Place::SetById, r#"["BADGE 1"]"#).await.is(200);
    // One's own persona is not somebody else.
    desk.write(Place::Patch, r#"["badge 1"]"#).await.is(200);
    crm.patch(&els.path, attribute("x", &json!(["badge 1"]))).if_match("*").await.is(409);
    desk.service.check().await;
}

#[tokio::test]
async fn a3_a_required_hash_may_be_omitted_by_put_and_not_removed() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for (i, format) in HASHED.into_iter().enumerate() {
        let name = format!("pin{i}");
        let pin = crm.define(&name, json!({ "data_format": format })).await;
        let mut body = attribute(&name, &json!(["one"]));
        body["username"] = json!(format!("jan{i}"));
        let jan = crm.create(USERS, body).await;
        crm.patch(&pin.path, json!({ "required": true })).if_match("*").await.is(200);
        let crm = crm.on(&service.instance());
        let put = |body: Value| crm.put(&jan.path, body).if_match("*");
        put(json!({ "username": jan.body["username"] })).await.is(200);
        let mut empty = attribute(&name, &json!([]));
        empty["username"] = jan.body["username"].clone();
        assert_eq!(
            put(empty).await.is(422).violations(),
            [format!("/attributes/common/{name} required")]
        );
        crm.patch(&jan.path, attribute(&name, &Value::Null)).if_match("*").await.is(422);
        crm.patch(&pin.path, json!({ "required": false })).if_match("*").await.is(200);
    }
}
