//! Hours: what is exported when, once and in order (rule AU-15).

use serde_json::{Value, json};
use shared::domain::audit::{Hour, sha256};
use sweeper::DELAY_SECONDS;
use tests::{Fault, Service, TENANT, person};

use super::{HOUR, Scene, digest_key, tenant};

const USERS: &str = "/identity/users";

#[tokio::test]
async fn au15_each_hour_has_a_digest_that_names_the_one_before() {
    let scene = Scene::open().await;
    let crm = scene.service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    // The hour has to end, and the delay with it.
    scene.service.clock.advance(HOUR - DELAY_SECONDS);
    assert_eq!(scene.sweep().await.exported, 0);
    scene.service.clock.advance(DELAY_SECONDS);
    assert_eq!(scene.sweep().await.exported, 1);
    let crm = crm.with_token().await;
    crm.patch(&jan.path, json!({ "given_name": "J" })).if_match("*").await.is(200);
    scene.next_hour().await;
    assert_eq!(scene.sweep().await.exported, 0, "it is done");
    scene.next_hour().await;

    let first = scene.digest("2026-11-21T09");
    // The whole ledger so far, also what is younger than the hour.
    assert_eq!((&first["previous"], &first["objects"][0]["entries"]), (&Value::Null, &json!(1)));
    let mut before = "2026-11-21T09".to_owned();
    for (hour, operations) in [
        ("2026-11-21T10", Some("user.create")),
        ("2026-11-21T11", Some("user.change")),
        ("2026-11-21T12", None),
    ] {
        let digest = scene.digest(hour);
        assert_eq!((&digest["tenant"], &digest["hour"]), (&json!(TENANT), &json!(hour)));
        let key = digest_key(&before);
        let link = json!({ "key": key, "sha256": sha256(scene.read(&key).as_bytes()) });
        assert_eq!(digest["previous"], link);
        assert_eq!(digest["users"], true);
        let objects = digest["objects"].as_array().unwrap();
        assert_eq!(objects.len(), usize::from(operations.is_some()), "{hour}");
        for object in objects {
            let text = scene.read(&scene.object_key(hour));
            let hash = sha256(text.as_bytes());
            let path = hour.parse::<Hour>().unwrap().path();
            assert_eq!(
                object["key"],
                format!("{TENANT}/{path}-0.{}.ndjson", hash.get(..8).unwrap())
            );
            assert_eq!(object["sha256"], hash);
            assert_eq!(object["entries"], text.lines().count());
            assert!(text.contains(operations.unwrap()), "{hour}: {text}");
        }
        before = hour.to_owned();
    }
    assert_eq!(scene.operations(&jan.id), ["user.create 1", "user.change 2"]);
    // Each entry of the ledger is there, and the digest names the last ones.
    let report = scene.verify().await;
    assert_eq!((report.digests, report.faults.len(), report.is_later_part), (4, 0, false));
    let heads = scene.digest("2026-11-21T12")["heads"].clone();
    let exported = scene.lines();
    let heads = heads.as_array().unwrap();
    assert!(!heads.is_empty());
    for head in heads {
        let chain = format!("{}/", head["chain"].as_str().unwrap());
        let of_chain =
            |line: &&Value| line["metadata"]["uid"].as_str().unwrap().starts_with(&chain);
        let entries: Vec<_> = exported.iter().filter(of_chain).collect();
        assert_eq!(head["sequence"], entries.len(), "{chain}");
        assert_eq!(head["mac"], entries.last().unwrap()["unmapped"]["kith"]["mac"], "{chain}");
    }
}

#[tokio::test]
async fn au15_without_an_archive_nothing_is_exported() {
    let service = Service::start().await;
    service.clock.advance(2 * HOUR);
    assert_eq!(service.sweep().await.exported, 0);
    assert!(service.table.last_digest(&tenant()).await.unwrap().is_none());
    assert!(service.table.digest_jwk().await.unwrap().is_none());
}

#[tokio::test]
async fn au15_hours_that_were_missed_are_exported_in_their_order() {
    let scene = Scene::open().await;
    let crm = scene.service.crm().await;
    crm.create_user("jan").await;
    scene.service.clock.advance(30 * HOUR);
    assert_eq!(scene.sweep().await.exported, 30);
    assert_eq!(scene.faults().await, [""; 0]);
    assert_eq!(scene.verify().await.digests, 31);
}

/// What an export is apart from signatures, which are never the same twice.
fn unsigned(scene: &Scene) -> Vec<(String, Value)> {
    let files = scene.files().into_iter();
    files
        .map(|(key, text)| {
            let mut value: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
            if let Some(members) = value.as_object_mut() {
                members.remove("signature");
                members.remove("previous");
            }
            (key, value)
        })
        .collect()
}

#[tokio::test]
async fn au15_an_hour_that_is_interrupted_anywhere_has_equal_bytes_in_the_end() {
    let scene = Scene::open().await;
    let crm = scene.service.crm().await;
    for name in ["ann", "bob", "cor"] {
        let user = crm.create(USERS, person(name)).await;
        crm.patch(&user.path, json!({ "given_name": "X" })).if_match("*").await.is(200);
    }
    scene.service.clock.advance(HOUR);
    let snapshot = scene.service.snapshot();
    let copy = || scene.copied(snapshot.start());
    let whole = copy();
    whole.sweep().await;
    let calls = whole.service.faults.seen().len();
    let due = unsigned(&whole);
    assert_eq!(due.len(), 4, "{due:?}");
    tokio::time::pause();
    for fault in [Fault::ServerError, Fault::Lost] {
        for call in 0..calls {
            let copy = copy();
            // All that comes after it fails, as if the function was ended there.
            copy.service.faults.at(call, fault.clone());
            copy.service.faults.from(call + 1, Fault::ServerError);
            let _ = copy.try_sweep().await;
            copy.service.faults.reset();
            let signed = noted_signature(&copy).await;
            copy.sweep().await;
            assert_eq!(unsigned(&copy), due, "{fault:?} at {call}");
            assert_eq!(copy.faults().await, [""; 0], "{fault:?} at {call}");
            if let Some(signed) = signed {
                assert_eq!(copy.read(&digest_key("2026-11-21T10")), signed, "{fault:?} at {call}");
            }
        }
    }
}

/// The digest that is signed and noted, and perhaps not yet stored.
async fn noted_signature(scene: &Scene) -> Option<String> {
    scene.progress().await?["signed"]["text"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn au15_a_digest_that_could_not_be_stored_is_stored_as_it_was_signed() {
    let scene = Scene::open().await;
    scene.service.crm().await.create_user("jan").await;
    scene.service.clock.advance(HOUR);
    // A file in the place of the folder that the digest needs.
    let folder = scene.folder.join(TENANT).join("digests");
    let aside = scene.folder.join("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "").unwrap();
    assert!(scene.try_sweep().await.is_err());
    let signed = noted_signature(&scene).await.expect("a digest that waits");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    assert_eq!(scene.sweep().await.exported, 1);
    assert_eq!(scene.read(&digest_key("2026-11-21T10")), signed);
    assert_eq!(scene.faults().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn au15_sweepers_that_run_at_once_export_each_hour_once() {
    let scene = std::sync::Arc::new(Scene::open().await);
    let crm = scene.service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    scene.service.clock.advance(5 * HOUR);
    let sweeps = (0..16).map(|_| {
        let scene = scene.clone();
        tokio::spawn(async move { scene.try_sweep().await.unwrap().exported })
    });
    let exported: u64 =
        futures_util::future::join_all(sweeps).await.into_iter().map(Result::unwrap).sum();
    // Those that were behind have noted nothing.
    assert_eq!(exported + scene.sweep().await.exported, 5);
    assert_eq!(scene.operations(&jan.id), ["user.create 1"]);
    assert_eq!(scene.faults().await, [""; 0]);
    let report = scene.verify().await;
    assert_eq!((report.digests, report.unnamed.len()), (6, 0));
}

#[tokio::test]
async fn au15_a_clock_that_is_ahead_does_not_stop_the_ledger() {
    let scene = Scene::open().await;
    // As `kith key rotate` writes to each tenant, on a machine whose clock is a year ahead.
    scene.service.clock.advance(365 * 24 * HOUR);
    scene.service.crm().await.define("ahead", json!({})).await;
    scene.service.clock.advance(-365 * 24 * HOUR);
    scene.service.crm().await.define("now", json!({})).await;
    scene.next_hour().await;
    scene.service.crm().await.define("later", json!({})).await;
    scene.next_hour().await;
    assert_eq!(sequences(&scene, "C"), [1, 2, 3]);
    assert_eq!(scene.faults().await, [""; 0]);
}

/// The sequences of the exported entries of a chain of the ledger, in their order.
fn sequences(scene: &Scene, chain: &str) -> Vec<u64> {
    let lines = scene.lines();
    let uids = lines.iter().map(|line| line["metadata"]["uid"].as_str().unwrap());
    let own = uids.filter_map(|uid| uid.rsplit_once('/')).filter(|(name, _)| *name == chain);
    own.map(|(_, sequence)| sequence.parse().unwrap()).collect()
}

#[tokio::test]
async fn au15_a_clock_that_goes_back_neither_reorders_nor_loses_the_ledger() {
    let scene = Scene::open().await;
    scene.service.clock.advance(5 * HOUR);
    scene.sweep().await;
    scene.service.crm().await.define("one", json!({})).await;
    scene.next_hour().await;
    // Of an hour that is exported already.
    scene.service.clock.advance(-2 * HOUR);
    let late = scene.service.crm().await;
    late.define("two", json!({})).await;
    late.create_user("late").await;
    scene.service.clock.advance(2 * HOUR);
    scene.service.crm().await.define("three", json!({})).await;
    scene.next_hour().await;
    assert_eq!(sequences(&scene, "C"), [1, 2, 3]);
    assert_eq!(scene.faults().await, [""; 0]);
}

#[tokio::test]
async fn au15_without_search_the_digest_says_that_users_are_missing() {
    let scene = Scene::open().await;
    scene.service.set_audit(json!({ "search": false })).await;
    let jan = scene.service.crm().await.create(USERS, person("jan")).await;
    scene.next_hour().await;
    assert_eq!(scene.digest("2026-11-21T10")["users"], false);
    assert!(scene.operations(&jan.id).is_empty());
    let lines = scene.lines();
    assert!(lines.iter().any(|line| line["message"] == "tenant.settings"), "{lines:?}");
    let report = scene.verify().await;
    assert_eq!((report.without_users, report.faults.len()), (1, 0));
}

#[tokio::test]
async fn au15_an_hour_in_which_search_was_switched_does_not_say_that_it_has_all_users() {
    let scene = Scene::open().await;
    scene.service.set_audit(json!({ "search": false })).await;
    scene.next_hour().await;
    scene.service.crm().await.create(USERS, person("unlisted")).await;
    scene.service.set_audit(json!({ "search": true })).await;
    scene.next_hour().await;
    // What was written before the switch is not there.
    assert_eq!(scene.digest("2026-11-21T11")["users"], false);
    scene.service.crm().await.create(USERS, person("listed")).await;
    scene.next_hour().await;
    assert_eq!(scene.digest("2026-11-21T12")["users"], true);
}

#[tokio::test]
async fn au15_settings_after_an_hour_change_nothing_of_its_export() {
    for search in [true, false] {
        let scene = Scene::open().await;
        scene.service.set_audit(json!({ "search": search })).await;
        scene.next_hour().await;
        let user = scene.service.crm().await.create(USERS, person("jan")).await;
        // Between the end of the hour and its export.
        scene.service.clock.advance(HOUR - DELAY_SECONDS + 60);
        scene.service.set_audit(json!({ "search": !search })).await;
        scene.service.clock.advance(DELAY_SECONDS - 60);
        assert_eq!(scene.sweep().await.exported, 1);
        assert_eq!(scene.digest("2026-11-21T11")["users"], search);
        assert_eq!(scene.operations(&user.id).len(), usize::from(search));
    }
}
