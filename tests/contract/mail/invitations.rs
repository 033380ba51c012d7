//! The first administrator of a tenant (rule G63).

use maintenance::people::{Invited, invite, link};
use shared::domain::error::Error;
use shared::domain::people::{LinkKind, LinkToken, rights};
use tests::BASE;

use super::*;

async fn invited(post: &Post, username: &str, address: Option<&str>) -> Result<Invited, Error> {
    Box::pin(invite(&post.service.app(), &tenant(), username, address)).await
}

async fn is_administrator(post: &Post, user: UserId) -> bool {
    let user = post.service.table.get_user(&tenant(), user).await.unwrap();
    let schema = post.service.table.schema(&tenant()).await.unwrap();
    rights::is_administrator(&user.value, &schema, post.service.clock.now())
}

async fn lives(post: &Post, token: &LinkToken) -> bool {
    post.service.table.find_link(token).await.unwrap().is_some()
}

#[tokio::test]
async fn g63_an_invitation_makes_an_administrator_and_a_link_and_sends_no_mail() {
    let post = Post::open().await;
    let made = invited(&post, "root", Some("root@example.org")).await.unwrap();
    assert!(made.is_new && is_administrator(&post, made.user).await);
    let token = made.token.unwrap();
    let found = post.service.table.find_link(&token).await.unwrap().unwrap().value;
    // It went to no address, so it verifies none.
    assert_eq!((found.user, found.kind, found.address), (made.user, LinkKind::Invitation, None));
    assert_eq!(found.ends_at, post.service.clock.now().plus_seconds(604_800));
    let address = link("https://kith.example/", &token);
    assert_eq!(address, format!("{BASE}/idhub/login/link#{token}"));
    assert_eq!(post.waiting().await, 0);
    assert!(post.service.items().await.iter().all(|item| !item.contains(&token.to_string())));
    let again = invited(&post, "ROOT", None).await.unwrap();
    assert_eq!((again.user, again.is_new), (made.user, false));
    assert!(!lives(&post, &token).await && lives(&post, &again.token.unwrap()).await);
    post.service.check().await;
}

#[tokio::test]
async fn g63_a_user_who_is_there_becomes_an_administrator_once_and_keeps_the_password() {
    let post = Post::open().await;
    let first = invited(&post, "jan", Some("JAN@example.org")).await.unwrap();
    assert!(!first.is_new && is_administrator(&post, post.id).await);
    post.service.give_password(&post.jan.id, "sunlight over a quiet harbour").await;
    let again = invited(&post, "jan", None).await.unwrap();
    assert!(again.token.is_none());
    let personas = post.crm.read(&post.jan.below("personas")).await;
    assert_eq!(personas["items"].as_array().unwrap().len(), 1);
    post.service.check().await;
}

#[tokio::test]
async fn g63_who_is_blocked_or_has_another_address_is_not_invited() {
    let post = Post::open().await;
    post.crm.create_user("eva").await;
    let error = invited(&post, "eva", Some("eva@example.org")).await.unwrap_err();
    assert!(matches!(&error, Error::Conflict(why) if why.contains("or none")), "{error}");
    let error = invited(&post, "jan", Some("other@example.org")).await.unwrap_err();
    assert!(matches!(&error, Error::Conflict(why) if why.contains("another e-mail")), "{error}");
    post.crm.act(&post.jan.below("block")).await.is(200);
    let error = invited(&post, "jan", None).await.unwrap_err();
    assert!(matches!(&error, Error::Conflict(why) if why.contains("is blocked")), "{error}");
    assert!(!is_administrator(&post, post.id).await);
    for (username, address) in
        [("no spaces", None), ("root", Some("no address")), ("eva", Some("x"))]
    {
        let error = invited(&post, username, address).await.unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error}");
    }
    post.service.check().await;
}
