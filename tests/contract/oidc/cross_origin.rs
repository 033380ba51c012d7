//! Pages of other origins (rule G19): the pages of a public client may read the answers to its own
//! requests, and nobody else's.

use tests::{Answer, Call, ORIGIN, PersonClient};

use super::Scene;

const EVIL: &str = "https://evil.example";
const ENDPOINTS: [&str; 2] = ["/idhub/oidc/v1/token", "/idhub/oidc/v1/userinfo"];

/// The origin whose pages may read an answer.
#[track_caller]
fn open_to(answer: &Answer) -> Option<&str> {
    let opened = answer.header("access-control-allow-origin");
    assert!(answer.header("access-control-allow-credentials").is_none());
    opened
}

fn from(origin: &str, call: Call) -> Call {
    call.header("origin", origin)
}

#[tokio::test]
async fn g19_pages_of_a_public_client_read_tokens_and_userinfo() {
    let scene = Scene::open().await;
    let code = async || {
        scene.service.give_code(&scene.app.code_of(&scene.jan.id, "openid offline_access")).await
    };
    let answer = from(ORIGIN, scene.app.exchange(&code().await)).await.is(200);
    assert_eq!(open_to(&answer), Some(ORIGIN));
    assert_eq!(answer.header("vary"), Some("origin"));
    let refreshed = from(ORIGIN, scene.app.refresh(&answer.field("refresh_token"))).await.is(200);
    assert_eq!(open_to(&refreshed), Some(ORIGIN));
    // Refusals are read too, so that the page can say what to do.
    let refused = from(ORIGIN, scene.app.exchange("x")).await.is(400);
    assert_eq!(open_to(&refused), Some(ORIGIN));
    let token = refreshed.field("access_token");
    let userinfo = from(ORIGIN, scene.app.userinfo(&token)).await.is(200);
    assert_eq!(open_to(&userinfo), Some(ORIGIN));
    // Other origins read nothing, and without an origin nothing is said.
    let answer = from(EVIL, scene.app.exchange(&code().await)).await.is(200);
    assert_eq!(open_to(&answer), None);
    assert_eq!(open_to(&from(EVIL, scene.app.userinfo(&token)).await.is(200)), None);
    assert_eq!(open_to(&from("null", scene.app.userinfo(&token)).await.is(200)), None);
    assert_eq!(open_to(&scene.app.userinfo(&token).await.is(200)), None);
}

#[tokio::test]
async fn g19_confidential_clients_and_unknown_ones_have_no_pages() {
    let scene = Scene::open().await;
    let app = scene.service.confidential_client(|_| {}).await;
    let code = scene.service.give_code(&app.code_of(&scene.jan.id, "openid")).await;
    let answer = from(ORIGIN, app.exchange(&code)).await.is(200);
    assert_eq!(open_to(&answer), None);
    let token = answer.field("access_token");
    assert_eq!(open_to(&from(ORIGIN, app.userinfo(&token)).await.is(200)), None);
    let unknown = PersonClient { id: format!("acme.{}", "0".repeat(32)), ..scene.app.clone() };
    assert_eq!(open_to(&from(ORIGIN, unknown.exchange("x")).await.is(401)), None);
    assert_eq!(open_to(&from(ORIGIN, scene.app.userinfo("x")).await.is(401)), None);
}

#[tokio::test]
async fn g19_preflights_of_these_two_endpoints_are_answered_for_every_origin() {
    let scene = Scene::open().await;
    let preflight = |path: &str| {
        let call = scene.service.call("OPTIONS", path).header("origin", ORIGIN);
        call.header("access-control-request-method", "POST")
    };
    for path in ENDPOINTS {
        let answer = preflight(path).await.is(204);
        assert_eq!(open_to(&answer), Some(ORIGIN), "{path}");
        let headers = answer.header("access-control-allow-headers").unwrap();
        assert!(headers.contains("authorization") && headers.contains("dpop"), "{headers}");
        // Without the question it is no preflight.
        scene.service.call("OPTIONS", path).header("origin", ORIGIN).await.is(405);
    }
    for path in ["/identity/me", "/identity/users", "/idhub/oidc/v1/introspect"] {
        assert_eq!(open_to(&preflight(path).await.is(204)), None, "{path}");
    }
}

#[tokio::test]
async fn g19_what_is_published_is_open_to_all() {
    let scene = Scene::open().await;
    for path in ["/idhub/oidc/v1/jwks", "/idhub/oidc/.well-known/openid-configuration"] {
        let answer = from(EVIL, scene.service.call("GET", path)).await.is(200);
        assert_eq!(open_to(&answer), Some("*"), "{path}");
    }
    // The API itself is open to no page.
    let token = scene.sign_in("openid userdata").await.field("access_token");
    let me = scene.service.call("GET", "/identity/me").token(&token);
    assert_eq!(open_to(&from(ORIGIN, me).await.is(200)), None);
}
