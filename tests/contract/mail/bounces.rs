//! Addresses that do not take mail.

use mailer::{MailerEvent, handle};
use serde_json::Value;

use super::*;
use crate::edge::logs;

/// A notification of SES about a mail to this user, as SNS brings it.
fn notification(tenant: &str, user: &str, what: &Value) -> MailerEvent {
    let mut message = json!({ "mail": { "tags": {
        "tenant": [tenant], "user": [user], "ses:configuration-set": ["kith"],
    } } });
    for (name, value) in what.as_object().unwrap() {
        message[name] = value.clone();
    }
    let event = json!({ "Records": [{
        "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:x",
        "Sns": { "Type": "Notification", "MessageId": "1", "Message": message.to_string() },
    }] });
    serde_json::from_value(event).unwrap()
}

fn bounce(kind: &str, address: &str) -> Value {
    json!({ "eventType": "Bounce", "bounce": {
        "bounceType": kind, "bouncedRecipients": [{ "emailAddress": address }],
    } })
}

fn complaint(address: &str) -> Value {
    json!({ "eventType": "Complaint", "complaint": {
        "complainedRecipients": [{ "emailAddress": address }],
    } })
}

impl Post {
    async fn hear(&self, event: MailerEvent) {
        let mailer = self.service.mailer(Postbox::default());
        handle(&mailer, event, Timestamp::from_millis(i64::MAX)).await.unwrap();
    }

    async fn gets_mail(&self) -> bool {
        !self.send(MailKind::NewDevice).await.is_empty()
    }
}

#[tokio::test]
async fn g72_an_address_that_bounces_or_complains_gets_no_mail_any_more() {
    for what in [bounce("Permanent", "Jan@example.org"), complaint("<jan@example.org>")] {
        let post = Post::open().await;
        assert!(post.gets_mail().await);
        post.hear(notification(TENANT, &post.jan.id, &what)).await;
        assert!(!post.gets_mail().await, "{what}");
        assert!(post.send(MailKind::Reset).await.is_empty(), "{what}");
        assert_eq!(post.waiting().await, 0, "{what}");
        // Another address of the person is another mailbox.
        post.move_to("jan@elsewhere.example").await;
        assert!(post.gets_mail().await, "{what}");
        post.move_to("jan@example.org").await;
        assert!(!post.gets_mail().await, "{what}");
        post.service.check().await;
    }
}

#[tokio::test]
async fn g72_a_full_mailbox_another_address_and_other_news_stop_no_mail() {
    let post = Post::open().await;
    for what in [
        bounce("Transient", "jan@example.org"),
        bounce("Undetermined", "jan@example.org"),
        bounce("Permanent", "piet@example.org"),
        json!({ "eventType": "Delivery" }),
    ] {
        post.hear(notification(TENANT, &post.jan.id, &what)).await;
    }
    let nobody = "0192f3c1-0000-7000-8000-000000000001";
    for (tenant, user) in [("globex", post.jan.id.as_str()), (TENANT, nobody), ("No Tenant", "x")] {
        post.hear(notification(tenant, user, &bounce("Permanent", "jan@example.org"))).await;
    }
    let other = json!({ "Records": [{ "Sns": { "Message": "no JSON" } }, { "Sns": {} }, {}] });
    post.hear(serde_json::from_value(other).unwrap()).await;
    assert!(post.gets_mail().await);
    post.service.check().await;
}

#[tokio::test]
async fn g72_an_operator_lets_mail_go_to_an_address_again() {
    let post = Post::open().await;
    let event = notification(TENANT, &post.jan.id, &bounce("Permanent", "jan@example.org"));
    post.hear(event).await;
    assert!(!post.gets_mail().await);
    let app = post.service.app();
    let resume = async || maintenance::people::resume_mail(&app, &tenant(), post.id).await.unwrap();
    assert!(resume().await);
    assert!(!resume().await, "a repeat changes nothing");
    assert!(post.gets_mail().await);
    post.service.check().await;
}

#[tokio::test]
async fn g37_the_stream_brings_new_mails_and_the_schedule_those_that_wait() {
    let post = Post::open().await;
    post.put(&post.mail(MailKind::Reset)).await;
    let (key, _) = mails_of(&post).await;
    let record = |name: &str| {
        json!({ "eventID": "1", "eventName": name, "dynamodb": {
            "Keys": { "pk": { "S": key.pk() }, "sk": { "S": key.sk() } }, "SequenceNumber": "1",
        } })
    };
    let way = Postbox::default();
    let mailer = post.service.mailer(way.clone());
    let end = Timestamp::from_millis(i64::MAX);
    let removed = json!({ "Records": [record("REMOVE"), record("MODIFY")] });
    let handled = handle(&mailer, serde_json::from_value(removed).unwrap(), end).await.unwrap();
    assert_eq!(handled.deliveries.sent, 0);
    let twice = json!({ "Records": [record("INSERT"), record("INSERT")] });
    let handled = handle(&mailer, serde_json::from_value(twice).unwrap(), end).await.unwrap();
    assert_eq!((handled.deliveries.sent, way.messages().len()), (1, 1));

    let busy = Postbox::failing([mailer::SendError::Unavailable("busy".to_owned())]);
    post.put(&post.mail(MailKind::NewDevice)).await;
    let mailer = post.service.mailer(busy.clone());
    logs::keep();
    for (pause, sent, age) in [(60, 0, 0), (0, 1, 60)] {
        let schedule = serde_json::from_value(json!({ "sweep": true })).unwrap();
        let handled = handle(&mailer, schedule, end).await.unwrap();
        assert_eq!((handled.deliveries.sent, handled.deliveries.oldest_seconds), (sent, age));
        post.service.clock.advance(pause);
    }
    assert_eq!(busy.messages().len(), 2);
    assert!(!logs::lines_with("\"oldest_mail_seconds\":60").is_empty());
}

/// The one mail that waits, with its key.
async fn mails_of(post: &Post) -> (shared::store::Key, Mail) {
    for shard in 0..4 {
        let mails = post.service.table.mails(shard, post.service.clock.now()).await.unwrap();
        if let Some((key, mail)) = mails.into_iter().next() {
            return (key, mail.value);
        }
    }
    panic!("no mail waits");
}
