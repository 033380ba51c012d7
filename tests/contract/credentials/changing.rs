//! The writer of accounts.

use shared::domain::audit::Operation;
use shared::domain::author::{Author, Reason};
use shared::domain::error::Error;
use shared::domain::people::{PasswordFacts, SecretHash, SetBy};
use shared::store::people::{delete_passkey, put_passkey};
use shared::store::{Condition, Key, Write};
use shared::writing::{Account, AccountChange, AccountWriter};
use tests::Service;
use tokio::task::JoinSet;

use super::{Home, tenant};
use crate::audit::complete;

#[tokio::test]
async fn g65_a_change_of_credentials_leaves_an_audit_entry_without_values() {
    let home = Home::start().await;
    let now = home.service.clock.now();
    let change = |account: &Account| {
        let mut facts = account.facts(&home.service.table.env().random);
        facts.password = Some(PasswordFacts::lasting(SetBy::Myself, now));
        Ok(Some(AccountChange::default().login(facts)))
    };
    home.change(Operation::UserPasswordSet, change).await.unwrap().unwrap();
    let entry = complete(&home.service, &home.user.id).await.pop().unwrap();
    assert_eq!(entry.operation(), "user.password_set");
    assert_eq!(entry.entry.actor.id.as_deref(), Some(home.user.id.as_str()));
    assert_eq!(entry.pointers(), Vec::<String>::new());
}

#[tokio::test]
async fn g53_a_passkey_is_nobody_elses() {
    let home = Home::start().await;
    let id = home.service.give_passkey(&home.user.id, "phone").await;
    let table = &home.service.table;
    let stored = table.find_passkey(&tenant(), &id).await.unwrap().unwrap();
    let other = home.crm.create_user("els").await;
    let els = Home { id: other.id.parse().unwrap(), user: other, ..home.clone() };
    let put = put_passkey(&tenant(), &id, &stored.value);
    let add = |_: &Account| Ok(Some(AccountChange::default().writes([put.clone()])));
    let refused = els.change(Operation::UserPasskeyAdd, add).await;
    assert!(matches!(refused, Err(Error::AlreadyRecorded)));
    // Nor can somebody else delete it.
    let delete = delete_passkey(&tenant(), &id, els.id);
    let remove = |_: &Account| Ok(Some(AccountChange::default().writes([delete.clone()])));
    let refused = els.change(Operation::UserPasskeyRemove, remove).await;
    assert!(matches!(refused, Err(Error::AlreadyRecorded)));
    assert!(table.find_passkey(&tenant(), &id).await.unwrap().is_some());
    home.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g55_of_many_changes_of_an_account_at_once_none_is_lost() {
    let home = Home::start().await;
    let mut running = JoinSet::new();
    for n in 0..6 {
        let home = home.clone();
        running
            .spawn(async move { home.service.give_passkey(&home.user.id, &n.to_string()).await });
    }
    let added: Vec<SecretHash> = running.join_all().await;
    let facts = home.service.table.login_facts(&tenant(), home.id).await.unwrap().unwrap();
    assert_eq!(facts.value.passkeys.len(), 6);
    assert!(added.iter().all(|id| facts.value.passkey(id).is_some()));
    home.service.check().await;
}

#[tokio::test]
async fn g50_an_address_that_is_confirmed_is_found_as_any_other() {
    let home = Home::start().await;
    let confirm = |account: &Account| {
        let mut user = account.user.value.clone();
        user.preferred_email = Some("new@example.org".to_owned());
        user.email_verified = true;
        Ok(Some(AccountChange::default().user(user)))
    };
    let changed = home.change(Operation::UserVerify, confirm).await.unwrap().unwrap();
    assert!(changed.value.email_verified);
    let filter = serde_json::json!({ "preferred_email": "new@example.org" });
    assert_eq!(home.crm.find(filter).await.len(), 1);
    let filter = serde_json::json!({ "preferred_email": "jan@example.org" });
    assert_eq!(home.crm.find(filter).await.len(), 0);
    home.service.check().await;
}

#[tokio::test]
async fn g62_nobody_changes_the_account_of_somebody_with_more_rights() {
    let home = Home::start().await;
    let boss = home.service.client(tests::TENANT, "administrator").await;
    boss.add_persona(&home.user, serde_json::json!({ "name": "administrator" })).await;
    let app = home.service.app();
    let schema = app.schema(&tenant()).await.unwrap();
    let helper = home.service.table.find_user(&tenant(), home.id).await.unwrap().unwrap();
    let writer = shared::domain::author::Writer::Client(
        home.crm.id.parse().unwrap(),
        "users:read users:write".parse().unwrap(),
    );
    let author = Author { writer, ..Author::service(tenant(), Reason::Request) };
    let refused = AccountWriter::new(&app, &author, &schema)
        .change(home.id, Operation::UserPasswordSet, |_| Ok(Some(AccountChange::default())))
        .await;
    // A cached definition refuses nothing by itself: the caller reads the definitions again.
    assert!(matches!(refused, Err(Error::NotAllowed(_) | Error::Outdated)));
    assert_eq!(home.service.version_of(&home.user.id).await, helper.version().0);
}

#[tokio::test]
async fn a_further_write_whose_condition_does_not_hold_leaves_everything_as_it_was() {
    for service in [Service::start().await, Service::start_unaudited().await] {
        let home = Home::of(service).await;
        let version = home.service.version_of(&home.user.id).await;
        let nowhere = Key::link(&tenant(), &SecretHash::of(b"x"));
        let gone = Write::Delete(nowhere, Condition::Version(shared::domain::Version::FIRST));
        let change = |account: &Account| {
            let facts = account.facts(&home.service.table.env().random);
            Ok(Some(AccountChange::default().login(facts).writes([gone.clone()]).sign_out()))
        };
        let refused = home.change(Operation::UserPasswordReset, change).await;
        assert!(matches!(refused, Err(Error::AlreadyRecorded)));
        assert_eq!(home.service.version_of(&home.user.id).await, version);
        assert!(home.service.table.login_facts(&tenant(), home.id).await.unwrap().is_none());
    }
}
