//! The verification of chains: whatever is changed in the table behind the service's back is found
//! and named (rule AU-07).

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use shared::domain::Version;
use shared::domain::audit::{Chain, LedgerChain};
use shared::env::Timestamp;
use shared::store::audit::{AuditFault, AuditReport, ChainReport, VerifyPosition};
use shared::store::keys::{Children, partition_of_ledger, partition_of_user};
use shared::store::table::Range;
use shared::store::{Item, Key};
use tests::{Client, Resource, Service, person};

use super::{USERS, tenant};

pub type Attributes = HashMap<String, AttributeValue>;

pub const END: Timestamp = Timestamp::from_millis(i64::MAX);

pub struct Scene {
    pub service: Service,
    pub crm: Client,
    pub jan: Resource,
}

impl Scene {
    /// A user with five entries, some time after the audit began.
    pub async fn open() -> Self {
        let service = Service::start().await;
        service.clock.advance(120);
        let crm = service.crm().await;
        let jan = crm.create(USERS, person("jan")).await;
        let scene = Self { service, crm, jan };
        for name in ["A", "B", "C", "D"] {
            scene.change(name).await;
        }
        scene
    }

    pub async fn change(&self, name: &str) {
        self.service.clock.advance(1);
        let patch = self.crm.patch(&self.jan.path, json!({ "given_name": name }));
        patch.if_match("*").await.is(200);
    }

    pub fn user(&self) -> Key {
        Key::user(&tenant(), self.jan.id.parse().unwrap())
    }

    pub async fn entries(&self) -> Vec<Item> {
        let partition = partition_of_user(&tenant(), self.jan.id.parse().unwrap());
        let range = Range::StartsWith(Children::AuditEntries.prefix());
        self.service.table.query_all(&partition, range).await.unwrap()
    }

    pub async fn put(&self, attributes: Attributes) {
        self.service.put_item(attributes).await;
    }

    pub async fn delete(&self, key: &Key) {
        self.service.delete_item(key).await;
    }

    pub async fn verify(&self) -> ChainReport {
        let user = self.jan.id.parse().unwrap();
        let found = self.service.table.verify_user(&tenant(), user).await.unwrap();
        found.expect("a user")
    }

    pub async fn verify_all(&self) -> AuditReport {
        let start = VerifyPosition::default();
        let table = &self.service.table;
        table.verify_tenant(&tenant(), start, END, usize::MAX).await.unwrap().0
    }

    #[track_caller]
    pub fn finds<'s>(
        &'s self,
        sequence: u64,
        fault: AuditFault,
        what: &'s str,
    ) -> impl Future<Output = ()> + 's {
        let at = std::panic::Location::caller();
        async move {
            let report = self.verify().await;
            let first = report.faults.first_key_value().map(|(at, fault)| (at.0, *fault));
            assert_eq!(first, Some((sequence, fault)), "{what}, at {at}: {report:?}");
        }
    }
}

/// The item with one byte of an attribute changed; `None` if it has no such byte.
pub fn flipped(attributes: &Attributes, name: &str, byte: usize) -> Option<Attributes> {
    let mut changed = attributes.clone();
    let value = match attributes.get(name)? {
        AttributeValue::B(blob) => {
            let mut bytes = blob.as_ref().to_vec();
            *bytes.get_mut(byte)? ^= 1;
            AttributeValue::B(Blob::new(bytes))
        }
        AttributeValue::S(text) => {
            let mut bytes = text.as_bytes().to_vec();
            *bytes.get_mut(byte)? ^= 1;
            AttributeValue::S(String::from_utf8(bytes).ok()?)
        }
        AttributeValue::N(number) => {
            let number: i64 = number.parse().ok()?;
            let place = u32::try_from(byte).ok()?;
            let step = 10_i64.checked_pow(place).filter(|step| *step <= number)?;
            AttributeValue::N((number + step).to_string())
        }
        _ => return None,
    };
    changed.insert(name.to_owned(), value);
    Some(changed)
}

fn sequence_of(item: &Item) -> u64 {
    let key = item.key();
    key.sk().rsplit('#').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn au07_one_byte_of_any_entry_is_found_and_named() {
    let scene = Scene::open().await;
    assert_eq!(scene.verify().await.faults.len(), 0);
    assert_eq!(scene.verify().await.entries, 5);
    let names = ["doc", "sealed", "salt", "mac", "holder", "expires_at", "gsi1pk", "gsi1sk"];
    for (n, item) in scene.entries().await.into_iter().enumerate() {
        let sequence = sequence_of(&item);
        let attributes = item.into_attributes();
        for name in names {
            assert!(attributes.contains_key(name), "{name}");
            // One entry byte by byte, the others here and there.
            let step = if n == 2 || name == "expires_at" { 1 } else { 17 };
            for byte in (0..).step_by(step) {
                let Some(changed) = flipped(&attributes, name, byte) else { break };
                scene.put(changed).await;
                let what = format!("byte {byte} of {name} of {sequence}");
                scene.finds(sequence, AuditFault::EntryChanged, &what).await;
            }
            scene.put(attributes.clone()).await;
        }
    }
    assert_eq!(scene.verify().await.faults.len(), 0);
}

#[tokio::test]
async fn au07_removed_swapped_and_added_entries_are_found() {
    let scene = Scene::open().await;
    let items = scene.entries().await;
    for item in &items {
        scene.delete(&item.key()).await;
        scene.finds(sequence_of(item), AuditFault::EntryMissing, "removed").await;
        scene.put(item.clone().into_attributes()).await;
    }
    // The newest two, and all of them.
    for tail in [3, 0] {
        for item in &items[tail..] {
            scene.delete(&item.key()).await;
        }
        scene.finds(5, AuditFault::EntryMissing, "a tail is cut").await;
        for item in &items[tail..] {
            scene.put(item.clone().into_attributes()).await;
        }
    }
    // The content of one in the place of another.
    let swapped = |at: &Item, of: &Item| {
        let mut attributes = of.clone().into_attributes();
        for name in ["pk", "sk"] {
            attributes.insert(name.to_owned(), at.clone().into_attributes()[name].clone());
        }
        attributes
    };
    for (a, b) in [(0, 1), (1, 3), (3, 4)] {
        scene.put(swapped(&items[a], &items[b])).await;
        scene.put(swapped(&items[b], &items[a])).await;
        scene.finds(sequence_of(&items[a]), AuditFault::EntryChanged, "swapped").await;
        scene.put(items[a].clone().into_attributes()).await;
        scene.put(items[b].clone().into_attributes()).await;
    }
    // One more above the newest, and one below the oldest.
    let user = scene.jan.id.parse().unwrap();
    for (sequence, of) in [(6, 4), (0, 0)] {
        let key = Key::audit_entry(&tenant(), Chain::User(user), Version(sequence));
        let place = Item::at(&key);
        scene.put(swapped(&place, &items[of])).await;
        scene.finds(sequence, AuditFault::EntryAdded, "added").await;
        scene.delete(&key).await;
    }
    assert_eq!(scene.verify().await.faults.len(), 0);
    // That of another user.
    let els = scene.crm.create(USERS, person("els")).await;
    let other = partition_of_user(&tenant(), els.id.parse().unwrap());
    let range = Range::StartsWith(Children::AuditEntries.prefix());
    let other = scene.service.table.query_all(&other, range).await.unwrap();
    scene.put(swapped(&items[0], &other[0])).await;
    scene.finds(1, AuditFault::EntryChanged, "of another user").await;
}

#[tokio::test]
async fn au07_a_head_that_is_stripped_changed_or_put_back_is_found() {
    let scene = Scene::open().await;
    let item = scene.service.table.get(&scene.user()).await.unwrap().unwrap();
    let attributes = item.into_attributes();
    let mut stripped = attributes.clone();
    stripped.remove("audit");
    scene.put(stripped.clone()).await;
    scene.finds(5, AuditFault::HeadMissing, "stripped").await;
    for byte in 0..88 {
        scene.put(flipped(&attributes, "audit", byte).unwrap()).await;
        let report = scene.verify().await;
        let changed = report.faults.values().any(|fault| *fault == AuditFault::HeadChanged);
        assert!(changed, "byte {byte}: {report:?}");
    }
    scene.put(attributes.clone()).await;
    // An earlier head, with and without the entries after it.
    scene.change("E").await;
    let newer = scene.service.table.get(&scene.user()).await.unwrap().unwrap().into_attributes();
    let mut back = newer.clone();
    back.insert("audit".to_owned(), attributes["audit"].clone());
    scene.put(back).await;
    scene.finds(6, AuditFault::EntryAdded, "put back").await;
    let newest = scene.entries().await.pop().unwrap();
    scene.delete(&newest.key()).await;
    scene.finds(6, AuditFault::HeadChanged, "put back, and the tail is cut").await;
    scene.put(newer).await;
    scene.put(newest.into_attributes()).await;
    assert_eq!(scene.verify().await.faults.len(), 0);
    // No entry and no head at all.
    for item in scene.entries().await {
        scene.delete(&item.key()).await;
    }
    scene.put(stripped).await;
    scene.finds(5, AuditFault::HeadMissing, "nothing is left").await;
}

#[tokio::test]
async fn au07_the_ledger_is_verified_too() {
    let scene = Scene::open().await;
    scene.crm.define("note", json!({})).await;
    scene.crm.define("more", json!({})).await;
    let els = scene.crm.create(USERS, person("els")).await;
    scene.crm.delete(&els.path).await.is(204);
    let clean = scene.verify_all().await;
    assert_eq!((clean.faults.len(), clean.users, clean.ledgers), (0, 2, 50));
    assert!(clean.entries > 8, "{clean:?}");
    let partition = partition_of_ledger(&tenant());
    let items = scene.service.table.query_all(&partition, Range::All).await.unwrap();
    for item in items {
        let key = item.key();
        let (start, _) = key.sk().split_once('#').unwrap();
        let name = if start == "HEAD" { &key.sk()[5..] } else { start };
        let chain = Chain::Ledger(name.parse::<LedgerChain>().unwrap());
        let attributes = item.clone().into_attributes();
        let names: &[&str] = if start == "HEAD" { &["audit"] } else { &["doc", "salt", "mac"] };
        for name in names {
            for byte in (0..).step_by(61) {
                let Some(changed) = flipped(&attributes, name, byte) else { break };
                scene.put(changed).await;
                let report = scene.verify_all().await;
                let (found, ..) = report.first_fault().expect("a fault");
                assert_eq!(found, chain, "byte {byte} of {name}");
            }
        }
        scene.delete(&key).await;
        let (found, ..) = scene.verify_all().await.first_fault().expect("a fault");
        assert_eq!(found, chain);
        scene.put(attributes).await;
    }
    assert_eq!(scene.verify_all().await.faults.len(), 0);
}

#[tokio::test]
async fn au07_gaps_are_no_faults_and_users_without_an_audit_neither() {
    let service = Service::start().await;
    service.set_audit(json!({ "level": "off" })).await;
    service.clock.advance(31);
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let scene = Scene { service, crm, jan };
    scene.change("A").await;
    assert_eq!(scene.verify().await, ChainReport::default());
    scene.service.set_audit(json!({ "level": "values" })).await;
    scene.service.clock.advance(31);
    scene.change("B").await;
    scene.change("C").await;
    scene.service.set_audit(json!({ "level": "off" })).await;
    scene.service.clock.advance(31);
    scene.change("D").await;
    let off = scene.verify().await;
    assert_eq!((off.entries, off.faults.len()), (2, 0));
    scene.service.set_audit(json!({ "level": "names" })).await;
    scene.service.clock.advance(31);
    scene.change("E").await;
    let on = scene.verify().await;
    assert_eq!((on.entries, on.gaps, on.faults.len()), (3, 1, 0), "{on:?}");
}

#[tokio::test]
async fn au07_a_missing_key_is_an_error_and_no_fault() {
    let scene = Scene::open().await;
    scene.delete(&Key::audit_key()).await;
    let user = scene.jan.id.parse().unwrap();
    let failed = scene.service.table.verify_user(&tenant(), user).await.unwrap_err();
    assert!(failed.to_string().contains("the key of the audit"), "{failed}");
    // A table that does not answer is neither.
    scene.service.faults.reset();
    scene.service.faults.from(0, tests::Fault::Unreachable);
    let failed = scene.service.table.verify_user(&tenant(), user).await.unwrap_err();
    assert!(failed.is_temporary(), "{failed}");
}
