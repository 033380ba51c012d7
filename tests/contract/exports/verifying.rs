//! What the verification of an export finds (rules AU-15, AU-21).

use maintenance::digests::verify;
use serde_json::json;
use shared::auth::signer::PrivateKey;
use shared::domain::Version;
use shared::domain::audit::{Chain, LedgerChain};
use shared::domain::jwk::Algorithm;
use shared::env::Random;
use shared::store::Key;
use shared::store::audit::AuditFault;
use tests::{TENANT, person};

use super::{Scene, digest_key, tenant};

const LAST: &str = "2026-11-21T12";

/// An export of four hours with entries.
async fn exported() -> Scene {
    let scene = Scene::open().await;
    for name in ["ann", "bob", "cor"] {
        let crm = scene.service.crm().await;
        crm.create("/identity/users", person(name)).await;
        scene.next_hour().await;
    }
    assert_eq!(scene.faults().await, [""; 0]);
    let report = scene.verify().await;
    assert_eq!((report.digests, report.objects), (4, 4));
    let (first, last) = report.hours.unwrap();
    assert_eq!((first.to_string(), last.to_string()), ("2026-11-21T09".into(), LAST.into()));
    scene
}

#[tokio::test]
async fn au15_what_was_changed_or_removed_is_named() {
    let scene = exported().await;
    let hour = "2026-11-21T11";
    let (digest, object) = (digest_key(hour), scene.object_key(hour));
    let (of_digest, of_object) = (scene.read(&digest), scene.read(&object));

    scene.write(&object, &of_object.replace("user.create", "user.change"));
    assert_eq!(scene.faults().await, [format!("{object}: the content was changed")]);
    scene.remove(&object);
    assert_eq!(scene.faults().await, [format!("{object}: the object is missing")]);
    scene.write(&object, &of_object);

    scene.write(&digest, &of_digest.replace(r#""entries":"#, r#""entries":1"#));
    let faults = scene.faults().await;
    assert_eq!(faults[0], format!("{digest}: the signature does not match the public key"));
    // The next digest says that it was another one, and nothing says whose the object is.
    let next = "`previous` does not match the digest of the hour before";
    assert_eq!(faults[1..], [format!("{}: {next}", digest_key(LAST))]);
    assert_eq!(scene.verify().await.unnamed, std::slice::from_ref(&object));

    scene.remove(&digest);
    let missing = format!("{digest}: the digests from {hour} to {hour} are missing");
    assert_eq!(scene.faults().await, [missing]);
    assert_eq!(scene.verify().await.unnamed, std::slice::from_ref(&object));
    scene.write(&digest, &of_digest);

    // A digest in the place of another one.
    scene.write(&digest, &scene.read(&digest_key(LAST)));
    let faults = scene.faults().await;
    assert_eq!(faults[0], format!("{digest}: the digest is one of another tenant or hour"));
    scene.write(&digest, &of_digest);
    assert_eq!(scene.faults().await, [""; 0]);
}

#[tokio::test]
async fn au15_files_that_no_digest_names_are_listed_and_no_digest_is_a_fault() {
    let scene = exported().await;
    let folder = format!("{TENANT}/2026/11/21");
    let of_hour = |name: &str| format!("{folder}/{name}");
    let due: Vec<_> = [
        "09-0.00000000.ndjson",
        "10-extra.ndjson",
        "11-1.00000000.ndjson",
        "20-0.00000000.ndjson",
        "forged.ndjson",
    ]
    .map(of_hour)
    .into();
    for key in &due {
        scene.write(key, "{\"forged\":1}\n");
    }
    // The digest of the next hour is not stored yet.
    scene.write(&of_hour("13-0.00000000.ndjson"), "{}\n");
    let report = scene.verify().await;
    assert_eq!((report.faults, report.unnamed), (vec![], due));

    std::fs::remove_dir_all(scene.folder.join(TENANT).join("digests")).unwrap();
    let key = scene.service.table.digest_jwk().await.unwrap().unwrap();
    let report = verify(&scene.folder, &tenant(), &key, None).unwrap();
    assert_eq!(report.faults.len(), 1);
    assert_eq!(report.faults[0].detail, "there are no digests; copy the whole bucket");
    assert!(report.unnamed.len() > 6);
}

#[tokio::test]
async fn au15_a_cut_end_shows_against_the_table_and_a_cut_beginning_is_said() {
    let scene = exported().await;
    let last = digest_key(LAST);
    let text = scene.read(&last);
    let object = scene.object_key(LAST);
    scene.remove(&last);
    scene.remove(&object);
    let missing = "the digest that the service has written last is missing; copy the bucket again";
    assert_eq!(scene.faults().await, [format!("{last}: {missing}")]);
    // Without the table nobody knows, and the last hour is told.
    let key = scene.service.table.digest_jwk().await.unwrap().unwrap();
    let report = verify(&scene.folder, &tenant(), &key, None).unwrap();
    assert_eq!(
        (report.faults.len(), report.hours.unwrap().1.to_string()),
        (0, "2026-11-21T11".into())
    );
    scene.write(&last, &text);
    let missing = format!("{object}: the object is missing");
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
    scene.delete(&head).await;
    let lost = table.lost_of_ledger(&tenant(), &heads).await.unwrap();
    let chain = Chain::Ledger(LedgerChain::Configuration);
    assert_eq!(lost, [(chain, Version(1), AuditFault::HeadMissing)]);
    let mut report = scene.verify().await;
    report.lost(&tenant(), &lost);
    assert_eq!(report.faults[0].key, "acme/C/1");
    // The export goes on.
    scene.next_hour().await;
}
