//! A mail is not lost: it is tried again after failures and crashes, and may come twice.

use mailer::{MAX_TRIES, SendError};
use shared::domain::people::LinkToken;
use tests::{Fault, Snapshot};

use super::*;

fn busy() -> SendError {
    SendError::Unavailable("busy".to_owned())
}

#[tokio::test]
async fn g37_a_mail_is_tried_five_times_with_growing_pauses_and_then_given_up() {
    let post = Post::open().await;
    let way = Postbox::failing(vec![busy(); 10]);
    post.put(&post.mail(MailKind::Reset)).await;
    let mut tried = Vec::new();
    let start = post.service.clock.now().seconds();
    for _ in 0..180 {
        let before = way.messages().len();
        post.deliver(&way).await;
        if way.messages().len() > before {
            tried.push(post.service.clock.now().seconds() - start);
        }
        post.service.clock.advance(30);
    }
    assert_eq!(tried, [0, 60, 360, 1260, 4860]);
    assert_eq!((tried.len(), post.waiting().await), (MAX_TRIES, 0));
    // Each try has a link of its own, and the last one's works.
    let tokens: Vec<LinkToken> =
        way.mails().iter().map(|mail| mail.token().parse().unwrap()).collect();
    let mut live = 0;
    for token in &tokens {
        live += usize::from(post.service.table.find_link(token).await.unwrap().is_some());
    }
    assert_eq!(live, 1);
}

#[tokio::test]
async fn g37_a_mail_that_is_refused_for_good_is_not_tried_again() {
    let post = Post::open().await;
    let way = Postbox::failing([SendError::Refused("550".to_owned())]);
    post.put(&post.mail(MailKind::Reset)).await;
    let delivered = post.deliver(&way).await;
    assert_eq!((delivered.failed, delivered.sent, post.waiting().await), (1, 0, 0));
    post.service.clock.advance(3600);
    post.deliver(&way).await;
    assert_eq!(way.messages().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn g44_a_crash_after_the_sending_sends_again_and_the_first_link_is_dead() {
    let post = Post::open().await;
    post.put(&post.mail(MailKind::Invitation)).await;
    let operations = operations(&post.service.snapshot(), &post).await;
    // The last transaction deletes the mail.
    let deletion = operations.iter().rposition(|operation| operation == "TransactWriteItems");
    post.service.faults.reset();
    post.service.faults.from(deletion.unwrap(), Fault::Unreachable);
    let way = Postbox::default();
    let end = Timestamp::from_millis(i64::MAX);
    // The rest of the outbox cannot be read either.
    let _ = post.service.mailer(way.clone()).deliver_due(end).await;
    post.service.faults.reset();
    assert_eq!((way.messages().len(), post.waiting().await), (1, 1));
    // Not yet: another mailer may still be at it.
    post.deliver(&way).await;
    assert_eq!(way.messages().len(), 1);
    post.service.clock.advance(60);
    post.deliver(&way).await;
    let tokens = way.messages().into_iter().map(|message| message.link.unwrap());
    let tokens: Vec<LinkToken> =
        tokens.map(|link| link.split_once('#').unwrap().1.parse().unwrap()).collect();
    let [first, second] = &*tokens else { panic!("{tokens:?}") };
    assert!(post.service.table.find_link(first).await.unwrap().is_none());
    assert!(post.service.table.find_link(second).await.unwrap().is_some());
    assert_eq!(post.waiting().await, 0);
}

/// The store calls of a delivery without faults.
async fn operations(snapshot: &Snapshot, post: &Post) -> Vec<String> {
    let copy = post.at(&snapshot.start());
    copy.service.faults.reset();
    assert_eq!(copy.service.deliver_mails().await.len(), 1);
    copy.service.faults.operations()
}

#[tokio::test(start_paused = true)]
async fn i3_a_fault_at_any_store_call_loses_no_mail_and_leaves_one_live_link() {
    let post = Post::open().await;
    post.put(&post.mail(MailKind::Invitation)).await;
    let snapshot = post.service.snapshot();
    let calls = operations(&snapshot, &post).await.len();
    for call in 0..calls {
        for fault in Fault::all() {
            let what = format!("{fault:?} at {call}");
            let copy = post.at(&snapshot.start());
            copy.service.faults.reset();
            copy.service.faults.at(call, fault);
            let (way, end) = (Postbox::default(), Timestamp::from_millis(i64::MAX));
            // An error is the schedule's to repeat.
            let _ = copy.service.mailer(way.clone()).deliver_due(end).await;
            copy.service.faults.reset();
            copy.service.check().await;
            copy.service.clock.advance(60);
            copy.deliver(&way).await;
            let messages = way.messages();
            assert!((1..=2).contains(&messages.len()), "{what}: {}", messages.len());
            let link = messages.last().unwrap().link.clone().unwrap();
            let token: LinkToken = link.split_once('#').unwrap().1.parse().unwrap();
            assert!(copy.service.table.find_link(&token).await.unwrap().is_some(), "{what}");
            assert_eq!(copy.waiting().await, 0, "{what}");
            copy.service.check().await;
        }
    }
}
