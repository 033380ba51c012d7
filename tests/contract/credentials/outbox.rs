//! The outbox.

use shared::domain::people::{Mail, MailKind, Recipient};
use shared::store::keys::OUTBOX_SHARDS;
use shared::store::people::{delete_mail, mail_count, update_mail};
use shared::store::{CommitError, Key};
use tests::Service;

use super::{Home, tenant};

fn mail(home: &Home, kind: MailKind) -> Mail {
    Mail::new(kind, tenant(), Recipient::User(home.id), home.service.clock.now())
}

/// The mails of all shards that are due.
async fn due(service: &Service) -> Vec<(Key, shared::domain::Versioned<Mail>)> {
    let (mut all, now) = (Vec::new(), service.clock.now());
    for shard in 0..OUTBOX_SHARDS {
        all.extend(service.table.mails(shard, now).await.unwrap());
    }
    all
}

#[tokio::test]
async fn mails_are_found_when_they_are_due_and_not_after_a_day() {
    let home = Home::start().await;
    let table = &home.service.table;
    for kind in [MailKind::Reset, MailKind::NewDevice] {
        table.put_mail(&mail(&home, kind)).await.unwrap();
    }
    let found = due(&home.service).await;
    assert_eq!(found.len(), 2);
    let (key, stored) = &found[0];
    let later = home.service.clock.now().plus_seconds(60);
    let next = Mail { tries: 1, next_at: Some(later), ..stored.value.clone() };
    table.commit(vec![update_mail(key, stored, next.clone())]).await.unwrap();
    assert_eq!(due(&home.service).await.len(), 1);
    home.service.clock.advance(60);
    assert_eq!(due(&home.service).await.len(), 2);
    // Who has read it before the change neither changes nor deletes it.
    let stale = table.commit(vec![update_mail(key, stored, next)]).await;
    assert!(matches!(stale, Err(CommitError::Conditions(_))));
    let stale = table.commit(vec![delete_mail(key, stored)]).await;
    assert!(matches!(stale, Err(CommitError::Conditions(_))));
    let current = table.mail(key).await.unwrap().unwrap();
    table.commit(vec![delete_mail(key, &current)]).await.unwrap();
    assert!(table.mail(key).await.unwrap().is_none());
    home.service.clock.advance(24 * 3600);
    assert_eq!(due(&home.service).await.len(), 0);
}

#[tokio::test]
async fn a_mail_names_its_person_by_id_and_holds_no_address() {
    let home = Home::start().await;
    home.service.table.put_mail(&mail(&home, MailKind::Reset)).await.unwrap();
    let items = home.service.items().await;
    let waiting: Vec<_> = items.iter().filter(|item| item.contains("OUTBOX#")).collect();
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].contains(&home.user.id) && !waiting[0].contains("jan@"), "{}", waiting[0]);
}

#[tokio::test]
async fn g37_mails_to_a_person_are_counted_up_to_the_limit_of_a_window() {
    let home = Home::start().await;
    let table = &home.service.table;
    let until = home.service.clock.now().plus_seconds(3600);
    for n in 0..5 {
        let counted = table.commit(vec![mail_count(&tenant(), home.id, 1, 3, until)]).await;
        assert_eq!(counted.is_ok(), n < 3, "{n}");
    }
    let other = table.commit(vec![mail_count(&tenant(), home.id, 2, 3, until)]).await;
    assert!(other.is_ok());
}

#[tokio::test]
async fn a_username_and_an_address_are_found_by_their_hashes() {
    let home = Home::start().await;
    let table = &home.service.table;
    let hash = |value: &str| shared::domain::lookup::ValueHash::of(value).to_string();
    let found = table.holder_of_username(&tenant(), &hash("jan")).await.unwrap();
    assert_eq!(found, Some(home.id));
    assert_eq!(table.holder_of_username(&tenant(), &hash("els")).await.unwrap(), None);
    let address = shared::domain::text::stored_email("jan@example.org").unwrap();
    let found = table.holders_of_address(&tenant(), &hash(&address)).await.unwrap();
    assert_eq!(found, [home.id]);
    assert_eq!(table.holders_of_address(&tenant(), &hash("x")).await.unwrap(), []);
}
