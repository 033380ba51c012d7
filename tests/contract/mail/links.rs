//! One-time links: made by the mailer, in the mail alone, the newest only.

use futures_util::future::join_all;
use shared::domain::people::{LinkKind, LinkToken, MailFacts, PendingAddress};
use tests::BASE;

use super::*;

fn token(mail: &MailSeen) -> LinkToken {
    mail.token().parse().unwrap()
}

#[tokio::test]
async fn g44_a_token_is_in_its_mail_and_nowhere_in_the_table() {
    let post = Post::open().await;
    post.put(&post.mail(MailKind::Invitation)).await;
    let before = post.service.items().await;
    let waiting: Vec<_> = before.iter().filter(|item| item.contains("OUTBOX#")).collect();
    assert!(!waiting.is_empty() && !waiting[0].contains("example.org"), "{waiting:?}");
    assert!(before.iter().all(|item| !item.contains("#LK#")), "a link before its mail");
    let mails = post.service.deliver_mails().await;
    let token = mails[0].token();
    let secret = token.split_once('.').unwrap().1;
    assert_eq!(secret.len(), 43);
    let items = post.service.items().await;
    assert!(items.iter().all(|item| !item.contains(secret)));
    let hash = token.parse::<LinkToken>().unwrap().hash();
    assert!(items.iter().any(|item| item.contains(hash.as_str())));
}

#[tokio::test]
async fn g44_the_newest_link_of_a_kind_ends_the_one_before() {
    let post = Post::open().await;
    let table = &post.service.table;
    let first = token(&post.send(MailKind::Reset).await[0]);
    let other = token(&post.send(MailKind::Invitation).await[0]);
    assert!(table.find_link(&first).await.unwrap().is_some());
    let second = token(&post.send(MailKind::Reset).await[0]);
    assert!(table.find_link(&first).await.unwrap().is_none());
    for live in [&second, &other] {
        assert!(table.find_link(live).await.unwrap().is_some());
    }
    post.service.check().await;
}

#[tokio::test]
async fn g45_a_link_is_for_its_person_its_address_and_its_time() {
    let post = Post::open().await;
    let now = post.service.clock.now();
    let ask = |login: &mut shared::domain::people::LoginFacts| {
        let address = "new@example.org".to_owned();
        login.pending_address = Some(PendingAddress { address, asked_at: now });
    };
    post.service.change_account(&post.jan.id, Vec::new(), ask).await;
    for (kind, link, address, seconds) in [
        (MailKind::Invitation, LinkKind::Invitation, "jan@example.org", 604_800),
        (MailKind::Reset, LinkKind::Reset, "jan@example.org", 1800),
        (MailKind::AddressConfirm, LinkKind::Address, "new@example.org", 86_400),
        (MailKind::AddressNotice, LinkKind::Undo, "jan@example.org", 259_200),
    ] {
        let address = hash_of(address);
        let facts = MailFacts { address: Some(address.clone()), ..MailFacts::default() };
        post.put(&Mail { facts, ..post.mail(kind) }).await;
        let mails = post.service.deliver_mails().await;
        let found = post.service.table.find_link(&token(&mails[0])).await.unwrap().unwrap().value;
        assert_eq!((found.user, found.kind, found.address), (post.id, link, Some(address)));
        assert_eq!(found.ends_at, now.plus_seconds(seconds), "{kind}");
    }
}

#[tokio::test]
async fn g47_links_lead_to_the_configured_host_with_the_token_behind_the_number_sign() {
    let post = Post::open().await;
    post.change(json!({ "ui_locales": "de" })).await;
    let mails = post.send(MailKind::Reset).await;
    let link = mails[0].link();
    let page = format!("{BASE}/idhub/login/link?ui_locales=de#{TENANT}.");
    assert!(link.starts_with(&page), "{link}");
    assert!(mails[0].text.contains(&format!("\n{link}\n")), "{}", mails[0].text);
    let twice = mails[0].html.matches(&format!("href=\"{link}\"")).count();
    assert_eq!(twice, 2, "{}", mails[0].html);
    for (kind, page) in [
        (MailKind::NewDevice, format!("{BASE}/idhub/login/forgot?tenant={TENANT}&ui_locales=de")),
        (MailKind::UsernameReminder, format!("{BASE}/idhub/login/{TENANT}?ui_locales=de")),
    ] {
        let mails = post.send(kind).await;
        assert!(mails[0].text.contains(&format!("\n{page}\n")), "{}", mails[0].text);
    }
}

#[tokio::test]
async fn g47_a_mailer_without_a_configured_base_url_does_not_start() {
    let post = Post::open().await;
    let made = mailer::Mailer::new(post.service.app(), Postbox::default(), tests::MAIL_FROM);
    assert!(made.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn g44_of_many_mailers_at_once_one_sends_a_mail_and_its_link_works() {
    let post = Post::open().await;
    for _ in 0..2 {
        post.put(&post.mail(MailKind::Invitation)).await;
    }
    let ways: Vec<_> = (0..12).map(|_| Postbox::default()).collect();
    let sending = ways.iter().map(|way| {
        let (post, way) = (post.clone(), way.clone());
        tokio::spawn(async move { post.deliver(&way).await })
    });
    for sent in join_all(sending).await {
        sent.unwrap();
    }
    let mails: Vec<_> = ways.iter().flat_map(Postbox::mails).collect();
    assert_eq!(mails.len(), 2, "two mails were put");
    let mut live = 0;
    for mail in &mails {
        live += usize::from(post.service.table.find_link(&token(mail)).await.unwrap().is_some());
    }
    assert_eq!(live, 1);
    assert_eq!(post.waiting().await, 0);
    post.service.check().await;
}
