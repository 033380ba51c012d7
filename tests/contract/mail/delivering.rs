//! To whom mails go.

use mailer::SendError;
use serde_json::json;
use shared::domain::people::{MailFacts, PendingAddress, Undo};
use shared::env::Env;
use tests::Fault;

use super::*;
use crate::edge::logs;

#[tokio::test]
async fn g38_each_kind_of_mail_goes_to_the_person_it_is_about() {
    let post = Post::open().await;
    let now = post.service.clock.now();
    let change = |login: &mut shared::domain::people::LoginFacts| {
        let address = "new@example.org".to_owned();
        login.pending_address = Some(PendingAddress { address, asked_at: now });
        let until = now.plus_seconds(3600);
        let address = Some("old@example.org".to_owned());
        login.undo = Some(Undo { address, verified: true, until });
    };
    post.service.change_account(&post.jan.id, Vec::new(), change).await;
    for kind in MailKind::ALL {
        let mails = post.send(kind).await;
        let [mail] = &*mails else { panic!("{kind}: {mails:?}") };
        let due = match kind {
            MailKind::AddressConfirm => "new@example.org",
            MailKind::AddressNotice => "old@example.org",
            _ => "jan@example.org",
        };
        assert_eq!((mail.kind, mail.to.as_str()), (kind, due));
        assert!(mail.text.contains("jan"), "{kind}: {}", mail.text);
        assert_eq!(mail.link.is_some(), kind.link().is_some(), "{kind}");
        assert_eq!(post.waiting().await, 0, "{kind}");
    }
    post.service.check().await;
}

#[tokio::test]
async fn g40_nobody_gets_a_mail_who_is_not_known() {
    let post = Post::open().await;
    let stranger = UserId::new(Env::default().new_uuid());
    let unknown = [
        Recipient::User(stranger),
        Recipient::Username(ValueHash::of("piet").to_string()),
        Recipient::Username("no hash".to_owned()),
        Recipient::Address(hash_of("piet@example.org")),
    ];
    for (to, kind) in unknown.into_iter().zip([
        MailKind::Invitation,
        MailKind::Reset,
        MailKind::Reset,
        MailKind::UsernameReminder,
    ]) {
        post.put(&Mail::new(kind, tenant(), to, post.service.clock.now())).await;
    }
    let way = Postbox::default();
    let delivered = post.deliver(&way).await;
    assert_eq!((delivered.sent, delivered.skipped), (0, 4));
    assert!(way.messages().is_empty());
    assert_eq!(post.waiting().await, 0);
}

#[tokio::test]
async fn g40_a_reset_is_asked_for_by_the_hash_of_a_username() {
    let post = Post::open().await;
    let to = Recipient::Username(ValueHash::of("jan").to_string());
    post.put(&Mail::new(MailKind::Reset, tenant(), to, post.service.clock.now())).await;
    let outbox = outbox(&post.service).await;
    let [item] = &*outbox else { panic!("{outbox:?}") };
    assert!(!item.contains("jan") && !item.contains(&post.jan.id), "{item}");
    let mails = post.service.deliver_mails().await;
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["jan@example.org"]);
}

/// The items of the outbox.
async fn outbox(service: &Service) -> Vec<String> {
    let items = service.items().await;
    items.into_iter().filter(|item| item.contains("OUTBOX#")).collect()
}

#[tokio::test]
async fn g43_a_reminder_tells_all_usernames_of_an_address_in_one_mail() {
    let post = Post::open().await;
    let twin = json!({ "username": "jan.work", "preferred_email": "Jan@Example.org" });
    post.crm.create("/identity/users", twin).await;
    let blocked = json!({ "username": "jan.old", "preferred_email": "jan@example.org" });
    let blocked = post.crm.create("/identity/users", blocked).await;
    post.crm.act(&blocked.below("block")).await.is(200);
    post.crm.define("spare", json!({ "data_format": "EMAIL" })).await;
    let other = json!({
        "username": "piet", "preferred_email": "piet@example.org",
        "attributes": { "common": { "spare": ["jan@example.org"] } },
    });
    post.service.clock.advance(31);
    post.crm.create("/identity/users", other).await;
    let to = Recipient::Address(hash_of("jan@example.org"));
    let now = post.service.clock.now();
    post.put(&Mail::new(MailKind::UsernameReminder, tenant(), to, now)).await;
    let mails = post.service.deliver_mails().await;
    let [mail] = &*mails else { panic!("{mails:?}") };
    assert!(mail.text.contains("\n\njan, jan.work\n\n"), "{}", mail.text);
    assert!(!mail.text.contains("jan.old") && !mail.text.contains("piet"), "{}", mail.text);
}

#[tokio::test]
async fn g45_a_mail_for_an_address_that_the_person_does_not_have_any_more_is_not_sent() {
    let post = Post::open().await;
    let address = Some(hash_of("jan@example.org"));
    let facts = MailFacts { address, ..MailFacts::default() };
    for kind in [MailKind::Invitation, MailKind::Reset] {
        post.put(&Mail { facts: facts.clone(), ..post.mail(kind) }).await;
    }
    post.move_to("jan@elsewhere.example").await;
    assert!(post.service.deliver_mails().await.is_empty());
    assert_eq!(post.waiting().await, 0);
}

#[tokio::test]
async fn g39_a_blocked_person_is_told_what_happened_and_gets_no_way_in() {
    let post = Post::open().await;
    post.crm.act(&post.jan.below("block")).await.is(200);
    for (kind, sent) in [
        (MailKind::Invitation, 0),
        (MailKind::Reset, 0),
        (MailKind::UsernameReminder, 0),
        (MailKind::TemporaryPassword, 0),
        (MailKind::PasswordChanged, 1),
    ] {
        assert_eq!(post.send(kind).await.len(), sent, "{kind}");
    }
}

#[tokio::test]
async fn g39_a_person_who_is_unlinked_from_the_service_gets_no_link_for_a_password() {
    let post = Post::open().await;
    let admin = post.service.client(TENANT, "administrator users:write").await;
    admin.act(&post.jan.below("principals/system/unlink")).await.is(200);
    for (kind, sent) in
        [(MailKind::Invitation, 0), (MailKind::Reset, 0), (MailKind::PasswordChanged, 1)]
    {
        assert_eq!(post.send(kind).await.len(), sent, "{kind}");
    }
    admin.act(&post.jan.below("principals/system/link")).await.is(200);
    assert_eq!(post.send(MailKind::Reset).await.len(), 1);
}

#[tokio::test]
async fn g40_a_forgotten_person_gets_no_mail() {
    let post = Post::open().await;
    post.put(&post.mail(MailKind::Reset)).await;
    post.crm.delete(&post.jan.path).await.is(204);
    assert!(post.service.deliver_mails().await.is_empty());
    assert_eq!(post.waiting().await, 0);
    post.service.check().await;
}

#[tokio::test]
async fn g71_the_log_counts_mails_for_each_tenant_and_names_nobody() {
    logs::keep();
    let post = Post::open().await;
    let service = &post.service;
    service.create_tenant("globex-mails").await;
    let theirs = service.client("globex-mails", "users:read users:write").await;
    let body = json!({
        "username": "boomkikker", "preferred_email": "boomkikker@example.org",
    });
    let frog = theirs.create("/identity/users", body).await;
    let tenant: TenantId = "globex-mails".parse().unwrap();
    let to = Recipient::User(frog.id.parse().unwrap());
    for kind in [MailKind::Reset, MailKind::NewDevice] {
        let mail = Mail::new(kind, tenant.clone(), to.clone(), service.clock.now());
        service.table.put_mail(&mail).await.unwrap();
    }
    let unknown = Recipient::Username(ValueHash::of("x").to_string());
    let unknown = Mail::new(MailKind::Reset, tenant, unknown, service.clock.now());
    service.table.put_mail(&unknown).await.unwrap();
    let way = Postbox::failing([SendError::Unavailable("busy".to_owned())]);
    post.deliver(&way).await;
    let lines = logs::lines_with("globex-mails");
    let counts: Vec<_> = lines.iter().filter(|line| line["operation"] == "mails").collect();
    let [count] = &*counts else { panic!("{lines:?}") };
    let numbers =
        ["sent", "skipped", "limited", "delayed", "failed"].map(|name| count[name].clone());
    assert_eq!(numbers, [1, 1, 0, 1, 0].map(serde_json::Value::from));
    let failed: Vec<_> = lines.iter().filter(|line| line["operation"] == "send_mail").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["cause"], "unavailable: busy");
    assert!(logs::lines_with("boomkikker").is_empty());
    let token = way.mails().iter().find_map(|mail| mail.link.clone()).unwrap();
    let token = token.split_once('#').unwrap().1.to_owned();
    assert!(logs::lines_with(&token).is_empty());
}

#[tokio::test(start_paused = true)]
async fn g71_the_table_cannot_be_read_and_the_mailer_says_so() {
    let post = Post::open().await;
    post.put(&post.mail(MailKind::Reset)).await;
    post.service.faults.reset();
    post.service.faults.from(0, Fault::Unreachable);
    let end = Timestamp::from_millis(i64::MAX);
    let way = Postbox::default();
    assert!(post.service.mailer(way.clone()).deliver_due(end).await.is_err());
    post.service.faults.reset();
    assert!(way.messages().is_empty());
    assert_eq!(post.service.deliver_mails().await.len(), 1);
}
