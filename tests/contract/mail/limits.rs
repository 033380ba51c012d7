//! How many mails a person gets, and what a mail costs.

use shared::store::meter::CapacityMeter;

use super::*;

const HOUR: i64 = 3600;

#[tokio::test]
async fn g37_a_person_gets_three_mails_an_hour_and_ten_a_day_and_then_silence() {
    let post = Post::open().await;
    let mut sent = Vec::new();
    // The clock stands at ten; the day ends at midnight.
    for _ in 0..14 {
        let mut of_hour = 0;
        for _ in 0..5 {
            of_hour += post.send(MailKind::Reset).await.len();
        }
        sent.push(of_hour);
        post.service.clock.advance(HOUR);
    }
    assert_eq!(sent, [3, 3, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(post.waiting().await, 0);
    assert_eq!(post.send(MailKind::Reset).await.len(), 1, "a new day");
}

#[tokio::test]
async fn g37_resets_that_strangers_ask_for_stop_no_other_mail() {
    let post = Post::open().await;
    let eva = post.crm.create("/identity/users", person("eva")).await;
    for _ in 0..5 {
        post.send(MailKind::Reset).await;
    }
    // A reminder is asked for by strangers too.
    assert!(post.send(MailKind::UsernameReminder).await.is_empty());
    assert_eq!(post.send(MailKind::Invitation).await.len(), 1);
    for _ in 0..12 {
        assert_eq!(post.send(MailKind::NewDevice).await.len(), 1);
    }
    let to = Recipient::User(eva.id.parse().unwrap());
    post.put(&Mail { to, ..post.mail(MailKind::Reset) }).await;
    assert_eq!(post.service.deliver_mails().await.len(), 1);
}

#[tokio::test]
async fn g37_a_mail_that_is_tried_again_counts_once() {
    let post = Post::open().await;
    let busy = || mailer::SendError::Unavailable("busy".to_owned());
    let way = Postbox::failing([busy(), busy(), busy()]);
    post.put(&post.mail(MailKind::Reset)).await;
    for pause in [60, 300, 900, 0] {
        post.deliver(&way).await;
        post.service.clock.advance(pause);
    }
    assert_eq!((way.messages().len(), post.waiting().await), (4, 0));
    for _ in 0..2 {
        assert_eq!(post.send(MailKind::Reset).await.len(), 1);
    }
    assert!(post.send(MailKind::Reset).await.is_empty());
}

#[tokio::test]
async fn g37_what_a_mail_costs() {
    let post = Post::open().await;
    for (kind, read, write) in [
        // The four parts of the outbox, the user, and what is known of credentials.
        (MailKind::NewDevice, 6.0, 3.0),
        // The principal and the name of the link before are read too. Two counts, the link, its
        // name, the user and the mail in one transaction cost twice.
        (MailKind::Reset, 8.0, 14.0),
    ] {
        post.put(&post.mail(kind)).await;
        let meter = CapacityMeter::default();
        let sent = Box::pin(meter.measure(post.service.deliver_mails())).await;
        assert_eq!(sent.len(), 1);
        let units = meter.units();
        assert_eq!((units.read, units.write, units.index_write), (read, write, 0.0), "{kind}");
    }
}
