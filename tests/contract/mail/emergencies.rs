//! What an operator does in an emergency (rule G73).

use maintenance::people::{end_all_sessions, end_sessions, reset_credentials};
use shared::app::App;
use shared::domain::people::{LinkKind, SessionCookie};

use super::*;

const PASSWORD: &str = "sunlight over a quiet harbour";

async fn is_signed_in(app: &App, cookie: &str) -> bool {
    let cookie: SessionCookie = cookie.parse().unwrap();
    app.signed_in(&cookie).await.unwrap().is_some()
}

#[tokio::test]
async fn g73_the_sessions_of_a_person_or_of_everybody_end_at_once() {
    let post = Post::open().await;
    let eva = post.crm.create("/identity/users", person("eva")).await;
    let app = post.service.app();
    let jans = post.service.give_session(&post.jan.id).await;
    let evas = post.service.give_session(&eva.id).await;
    assert!(is_signed_in(&app, &jans).await && is_signed_in(&app, &evas).await);
    assert!(Box::pin(end_sessions(&app, &tenant(), post.id)).await.unwrap());
    assert!(!is_signed_in(&app, &jans).await && is_signed_in(&app, &evas).await);
    let again = post.service.give_session(&post.jan.id).await;
    let piet = post.crm.create("/identity/users", person("piet")).await;
    let ended = Box::pin(end_all_sessions(&app, &tenant())).await.unwrap();
    assert_eq!(ended, 2, "piet has never signed in");
    assert!(!is_signed_in(&app, &again).await && !is_signed_in(&app, &evas).await);
    for id in [&post.jan.id, &eva.id, &piet.id] {
        let id = id.parse().unwrap();
        assert!(post.service.table.list_sessions(&tenant(), id).await.unwrap().is_empty());
    }
    let nobody = UserId::new(post.service.table.env().new_uuid());
    assert!(!Box::pin(end_sessions(&app, &tenant(), nobody)).await.unwrap());
    post.service.check().await;
}

#[tokio::test]
async fn g73_a_reset_takes_every_credential_and_link_away_and_makes_one_link() {
    let post = Post::open().await;
    let (table, app) = (&post.service.table, post.service.app());
    post.service.give_password(&post.jan.id, PASSWORD).await;
    let passkey = post.service.give_passkey(&post.jan.id, "phone").await;
    let session = post.service.give_session(&post.jan.id).await;
    let mut links = Vec::new();
    for kind in LinkKind::ALL {
        links.push(post.service.give_link(&post.jan.id, kind).await);
    }
    let token = Box::pin(reset_credentials(&app, &tenant(), post.id)).await.unwrap().unwrap();
    assert!(table.find_password(&tenant(), post.id).await.unwrap().is_none());
    assert!(table.find_passkey(&tenant(), &passkey).await.unwrap().is_none());
    let facts = table.login_facts(&tenant(), post.id).await.unwrap().unwrap().value;
    assert!(!facts.has_credential());
    assert!(!is_signed_in(&app, &session).await);
    for link in &links {
        assert!(table.find_link(link).await.unwrap().is_none());
    }
    let found = table.find_link(&token).await.unwrap().unwrap().value;
    assert_eq!((found.kind, found.address), (LinkKind::Reset, None));
    post.service.check().await;
    let nobody = UserId::new(table.env().new_uuid());
    assert!(Box::pin(reset_credentials(&app, &tenant(), nobody)).await.unwrap().is_none());
}
