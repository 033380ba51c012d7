//! Faults of the network and of the table while a code is exchanged (rules G6, I3).

use tests::{Fault, GiveCode};

use super::{Scene, refused};

/// What a code is bound to: the same session each time.
async fn give(scene: &Scene, scope: &str) -> GiveCode {
    let session = scene.service.give_session(&scene.jan.id).await;
    GiveCode { session: Some(session), ..scene.app.code_of(&scene.jan.id, scope) }
}

#[tokio::test(start_paused = true)]
async fn g6_under_each_fault_a_code_brings_tokens_or_can_be_sent_again() {
    for scope in ["openid", "openid offline_access"] {
        let scene = Scene::open().await;
        let give = give(&scene, scope).await;
        // Caches are warm from here on.
        scene.app.sign_in_with(&give).await;
        let code = scene.service.give_code(&give).await;
        scene.service.faults.reset();
        scene.app.exchange(&code).await.is(200);
        let calls = scene.service.faults.operations().len();
        assert!(calls >= 4, "{calls}");
        for fault in Fault::all() {
            for at in 0..calls {
                let what = format!("{scope}: {fault:?} at {at}");
                let code = scene.service.give_code(&give).await;
                scene.service.faults.reset();
                scene.service.faults.at(at, fault.clone());
                let answer = scene.app.exchange(&code).await;
                scene.service.faults.reset();
                let tokens = match answer.code() {
                    200 => answer,
                    503 => scene.app.exchange(&code).await,
                    code => panic!("{what}: {code} {}", answer.text()),
                };
                if tokens.code() == 200 {
                    scene.app.userinfo(&tokens.field("access_token")).await.is(200);
                    if scope.contains("offline") {
                        scene.app.refresh(&tokens.field("refresh_token")).await.is(200);
                    }
                } else {
                    // It was exchanged, and the answer was lost: the person signs in again.
                    refused(&tokens, "invalid_grant");
                }
            }
        }
        scene.service.check().await;
    }
}

#[tokio::test(start_paused = true)]
async fn g6_a_table_that_is_down_uses_no_code_up() {
    let scene = Scene::open().await;
    let give = give(&scene, "openid offline_access").await;
    scene.app.sign_in_with(&give).await;
    let code = scene.service.give_code(&give).await;
    scene.service.faults.reset();
    scene.service.faults.from(0, Fault::Unreachable);
    let down = scene.app.exchange(&code).await;
    assert_eq!(down.code(), 503, "{}", down.text());
    assert!(down.header("retry-after").is_some());
    scene.service.faults.reset();
    scene.app.exchange(&code).await.is(200);
}
