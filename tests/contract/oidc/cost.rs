//! What exchanges cost, in the units that the table reports, when configuration and keys are known.

use super::Scene;

async fn warm() -> Scene {
    let scene = Scene::open().await;
    scene.sign_in("openid profile offline_access").await;
    scene
}

#[tokio::test]
async fn g6_an_exchange_reads_code_user_and_session_and_writes_the_code() {
    let scene = warm().await;
    let code = scene.service.give_code(&scene.app.code_of(&scene.jan.id, "openid")).await;
    assert_eq!(scene.app.exchange(&code).await.is(200).cost(), (3.0, 1.0, 0.0));
}

#[tokio::test]
async fn g14_an_exchange_with_a_refresh_token_is_one_transaction_of_five_items_or_six() {
    let scene = warm().await;
    let first_party = scene.service.person_client(|client| client.first_party = true).await;
    first_party.sign_in(&scene.jan.id, "openid").await;
    // Written are the code, the family and its name; checked are the user, the session, and for a
    // client that asks people what they granted to it.
    for (app, writes) in [(&scene.app, 12.0), (&first_party, 10.0)] {
        let give = app.code_of(&scene.jan.id, "openid offline_access");
        let code = scene.service.give_code(&give).await;
        assert_eq!(app.exchange(&code).await.is(200).cost(), (3.0, writes, 0.0));
    }
}

#[tokio::test]
async fn g14_a_refresh_reads_family_and_user_and_writes_the_family() {
    let scene = warm().await;
    let token = scene.sign_in("openid offline_access").await.field("refresh_token");
    assert_eq!(scene.app.refresh(&token).await.is(200).cost(), (2.0, 1.0, 0.0));
}

#[tokio::test]
async fn g7_userinfo_reads_whether_the_token_is_revoked_and_the_user() {
    let scene = warm().await;
    let token = scene.sign_in("openid profile").await.field("access_token");
    // The first call reads the client and the keys.
    scene.app.userinfo(&token).await.is(200);
    assert_eq!(scene.app.userinfo(&token).await.is(200).cost(), (2.0, 0.0, 0.0));
}
