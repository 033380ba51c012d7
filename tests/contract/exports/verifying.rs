//! What the verification of an export finds (rules AU-15, AU-21).

use aws_sdk_dynamodb::types::AttributeValue;
use maintenance::digests::verify;
use serde_json::json;
use shared::auth::signer::PrivateKey;
use shared::domain::audit::LedgerChain;
use shared::domain::jwk::Algorithm;
use shared::env::Random;
use shared::store::Key;
use tests::person;

use super::{Scene, digest_key, object_key, tenant};

const LAST: &str = "2026-11-21T12";

/// An export of four hours, of which three have entries.
async fn exported() -> Scene {
    let scene = Scene::open().await;
    for name in ["ann", "bob", "cor"] {
        let crm = scene.service.crm().await;
        crm.create("/identity/users", person(name)).await;
        scene.next_hour().await;
    }
    assert_eq!(scene.faults().await, [""; 0]);
    let report = scene.verify().await;
    assert_eq!((report.digests, report.objects), (4, 3));
    let (first, last) = report.hours.unwrap();
    assert_eq!((first.to_string(), last.to_string()), ("2026-11-21T09".into(), LAST.into()));
    scene
}

#[tokio::test]
async fn au15_what_was_changed_or_removed_is_named() {
    let scene = exported().await;
    let hour = "2026-11-21T11";
    let (digest, object) = (digest_key(hour), object_key(hour));
    let (of_digest, of_object) = (scene.read(&digest), scene.read(&object));

    scene.write(&object, &of_object.replace("user.create", "user.change"));
    assert_eq!(scene.faults().await, [format!("{object}: its content was changed")]);
    scene.remove(&object);
    assert_eq!(scene.faults().await, [format!("{object}: it is missing")]);
    scene.write(&object, &of_object);

    scene.write(&digest, &of_digest.replace(r#""entries":"#, r#""entries":1"#));
    let faults = scene.faults().await;
    assert_eq!(faults[0], format!("{digest}: its signature is not one of the key"));
    // The next digest says that it was another one, and nothing says whose the object is.
    let next = format!("{}: it does not name the digest before it as that is", digest_key(LAST));
    assert_eq!(faults[1..], [next, format!("{object}: no digest names it")]);

    scene.remove(&digest);
    let missing = format!("{digest}: the digests from {hour} to {hour} are missing");
    assert_eq!(scene.faults().await, [missing, format!("{object}: no digest names it")]);
    scene.write(&digest, &of_digest);

    let stray = object.replace(".ndjson", "-1.ndjson");
    scene.write(&stray, "{}\n");
    assert_eq!(scene.faults().await, [format!("{stray}: no digest names it")]);
    scene.remove(&stray);

    // A digest in the place of another one.
    scene.write(&digest, &scene.read(&digest_key(LAST)));
    let faults = scene.faults().await;
    assert_eq!(faults[0], format!("{digest}: it is the digest of another tenant or hour"));
    scene.write(&digest, &of_digest);
    assert_eq!(scene.faults().await, [""; 0]);
}

#[tokio::test]
async fn au15_a_cut_end_shows_against_the_table_and_a_cut_beginning_is_said() {
    let scene = exported().await;
    let last = digest_key(LAST);
    let text = scene.read(&last);
    scene.remove(&last);
    scene.remove(&object_key(LAST));
    let missing = "the service has written it, and it is missing; copy the bucket again";
    assert_eq!(scene.faults().await, [format!("{last}: {missing}")]);
    // Without the table nobody knows, and the last hour is told.
    let key = scene.service.table.digest_jwk().await.unwrap().unwrap();
    let report = verify(&scene.folder, &tenant(), &key, None).unwrap();
    assert_eq!(
        (report.faults.len(), report.hours.unwrap().1.to_string()),
        (0, "2026-11-21T11".into())
    );
    scene.write(&last, &text);
    let missing = format!("{}: it is missing", object_key(LAST));
    assert_eq!(scene.faults().await, [missing]);

    let scene = exported().await;
    scene.remove(&digest_key("2026-11-21T09"));
    let report = scene.verify().await;
    assert_eq!((report.faults.len(), report.is_later_part), (0, true));
}

#[tokio::test]
async fn au15_another_key_verifies_nothing() {
    let scene = exported().await;
    let random = Random::default();
    let other = PrivateKey::generate(Algorithm::Es256, &random).unwrap();
    let other = PrivateKey::parse(Algorithm::Es256, &other, &random).unwrap();
    let report = verify(&scene.folder, &tenant(), &other.jwk(Algorithm::Es256), None).unwrap();
    assert_eq!((report.digests, report.objects), (0, 0));
    assert!(report.faults.len() >= 4, "{:?}", report.faults);
    // The public half is in each digest, and in the table beside the private one.
    let key = scene.service.table.digest_jwk().await.unwrap().unwrap();
    assert_eq!(scene.digest(LAST)["jwk"], key.to_json());
    let item = scene.service.table.get(&Key::digest_key()).await.unwrap().unwrap();
    assert_eq!(item.get_text("public").unwrap(), key.to_json().to_string());
}

#[tokio::test]
async fn au21_a_ledger_that_lost_what_was_exported_shows_at_the_next_hour() {
    let scene = exported().await;
    scene.service.crm().await.define("size", json!({})).await;
    scene.next_hour().await;
    let table = &scene.service.table;
    let heads = scene.verify().await.heads;
    assert!(table.lost_of_ledger(&tenant(), &heads).await.unwrap().is_empty());
    // Somebody takes the table's ledger back to an earlier state.
    let head = Key::ledger_head(&tenant(), LedgerChain::Configuration);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let delete = table.client().delete_item().table_name(table.name());
    delete.key("pk", text(head.pk())).key("sk", text(head.sk())).send().await.unwrap();
    let lost = table.lost_of_ledger(&tenant(), &heads).await.unwrap();
    assert_eq!(lost, [LedgerChain::Configuration]);
    let mut report = scene.verify().await;
    report.lost(&tenant(), &lost);
    assert_eq!(report.faults[0].key, "acme/C");
    // The export goes on.
    scene.next_hour().await;
}
