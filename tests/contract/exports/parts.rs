//! Parts: an hour in several objects, and steps that are repeated after something was erased (rule
//! AU-15).

use std::collections::BTreeSet;

use serde_json::json;
use shared::domain::audit::Hour;
use shared::store::audit::{ExportPosition, PartSize};
use tests::{Fault, Service, person};

use super::{HOUR, Scene, tenant};

const USERS: &str = "/identity/users";

#[tokio::test]
async fn au15_parts_of_an_hour_have_each_entry_once() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for number in 0..12 {
        crm.define(&format!("a{number}"), json!({})).await;
        let user = crm.create(USERS, person(&format!("user{number}"))).await;
        crm.patch(&user.path, json!({ "given_name": "X" })).if_match("*").await.is(200);
    }
    let hour = Hour::of(service.clock.now());
    service.clock.advance(HOUR);
    let mut counts = BTreeSet::new();
    let table = &service.table;
    let begin = async || {
        let begun = table.begin_hour(&tenant(), hour, &ExportPosition::default()).await.unwrap();
        assert_eq!(begun.1, []);
        begun.0
    };
    let whole = PartSize::default();
    for size in [
        PartSize { entries: 1, ..whole },
        PartSize { bytes: 1, ..whole },
        PartSize { entries: 7, ..whole },
        whole,
    ] {
        let (mut position, mut lines, mut parts) = (begin().await, Vec::new(), 0);
        while !position.is_end() {
            let part = table.export_part(&tenant(), hour, &position, size).await.unwrap();
            let again = table.export_part(&tenant(), hour, &position, size).await.unwrap();
            assert_eq!((&part.lines, part.faults.len()), (&again.lines, 0));
            let text = String::from_utf8(part.lines).unwrap();
            lines.extend(text.lines().map(str::to_owned));
            (position, parts) = (part.next, parts + 1);
        }
        let distinct: BTreeSet<_> = lines.iter().cloned().collect();
        assert_eq!(distinct.len(), lines.len());
        counts.insert(lines.len());
        let is_whole = size.entries == whole.entries && size.bytes == whole.bytes;
        assert_eq!(parts > 1, !is_whole, "{parts} parts of {size:?}");
    }
    assert_eq!(counts.len(), 1, "{counts:?}");
    assert!(counts.into_iter().all(|count| count >= 36));
}

/// A scene with users and definitions in one hour, which is over.
async fn two_kinds() -> Scene {
    let scene = Scene::open().await;
    let crm = scene.service.crm().await;
    crm.define("size", json!({})).await;
    for name in ["ann", "bob", "cor"] {
        crm.create(USERS, person(name)).await;
    }
    scene.service.clock.advance(HOUR);
    scene
}

#[tokio::test]
async fn au15_an_hour_in_several_objects_is_one_export_also_if_it_is_interrupted() {
    let mut scene = two_kinds().await;
    scene.part.entries = 1;
    let snapshot = scene.service.snapshot();
    let whole = scene.copied(snapshot.start());
    whole.sweep().await;
    let objects = whole.digest("2026-11-21T10")["objects"].as_array().unwrap().len();
    assert!(objects > 1, "{objects} objects");
    assert_eq!(whole.faults().await, [""; 0]);
    assert_eq!(whole.verify().await.objects, 1 + objects as u64);
    let uids = |scene: &Scene| {
        let lines = scene.lines();
        let uids: BTreeSet<_> =
            lines.iter().map(|line| line["metadata"]["uid"].to_string()).collect();
        assert_eq!(uids.len(), lines.len(), "each once");
        uids
    };
    let due = uids(&whole);
    let calls = whole.service.faults.seen().len();
    tokio::time::pause();
    for call in (0..calls).step_by(3) {
        let copy = scene.copied(snapshot.start());
        copy.service.faults.from(call, Fault::ServerError);
        let _ = copy.try_sweep().await;
        copy.service.faults.reset();
        copy.sweep().await;
        assert_eq!(uids(&copy), due, "{call}");
        let report = copy.verify().await;
        assert_eq!((report.faults, report.unnamed), (vec![], vec![]), "{call}");
    }
}

#[tokio::test]
async fn au15_what_a_step_stored_before_an_erasure_is_no_fault_and_is_not_replaced() {
    let scene = two_kinds().await;
    // The function stores the object, and ends before it has noted that.
    for operation in ["PutItem", "TransactWriteItems"] {
        scene.service.faults.cut(operation, "EXPORT");
    }
    tokio::time::pause();
    scene.try_sweep().await.unwrap_err();
    tokio::time::resume();
    scene.service.faults.reset();
    let of_hour = |key: &String| key.contains("/10-") && key.ends_with(".ndjson");
    let (left, text) = scene.files().into_iter().find(|(key, _)| of_hour(key)).unwrap();
    let crm = scene.service.crm().await;
    let users = crm.read("/identity/users?limit=100").await;
    let ann = users["items"][0]["id"].as_str().unwrap();
    crm.delete(&format!("{USERS}/{ann}")).await.is(204);
    scene.sweep().await;
    let report = scene.verify().await;
    assert_eq!((report.faults, report.unnamed), (vec![], vec![left.clone()]));
    assert_eq!(scene.read(&left), text);
    assert_ne!(scene.object_key("2026-11-21T10"), left);
}
