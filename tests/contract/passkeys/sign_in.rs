//! How people sign in with passkeys (rules G42, G53 and G55, one test for each clause of G53).

use serde_json::{Value, json};
use shared::domain::people::MailKind;
use tests::{Authenticator, BASE, Browser, Page, Parts, base64url, flag, person};

use super::{
    ACCOUNT, Home, OPTIONS, PASSKEY, PASSWORD, REMOVE, SESSIONS, SIGN_IN, USERS, assert_refused,
    assert_signed_in, sign_in, signed_in, try_sign_in,
};

/// Asserts that nobody is signed in by an answer that differs in this way.
async fn refused(change: impl FnOnce(&mut Parts)) {
    refused_with(Authenticator::new("ES256"), change).await;
}

async fn refused_with(authenticator: Authenticator, change: impl FnOnce(&mut Parts)) {
    let (home, mut authenticator) = Home::with(authenticator).await;
    let browser = home.stranger();
    assert_refused(&try_sign_in(&browser, &mut authenticator, change).await, &browser);
    // The same authenticator signs in when nothing is wrong.
    assert_signed_in(&sign_in(&browser, &mut authenticator).await);
}

#[tokio::test]
async fn g42_the_options_are_the_same_for_everybody() {
    let (home, _) = Home::with(Authenticator::new("ES256")).await;
    let empty = Home::open().await;
    let mut answers = Vec::new();
    for browser in [home.stranger(), empty.stranger(), home.browser.clone()] {
        browser.get("/idhub/login/acme?login_hint=jan").await.is(200);
        let answer = browser.call("POST", OPTIONS).await.is(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answers.push((answer.body.len(), answer.json()));
    }
    for (length, options) in &answers {
        let expected = json!({
            "challenge": options["challenge"],
            "rpId": "kith.example",
            "allowCredentials": [],
            "userVerification": "required",
            "timeout": 300_000,
        });
        assert_eq!((*length, options), (answers[0].0, &expected));
    }
    assert_ne!(answers[0].1["challenge"], answers[1].1["challenge"]);
}

#[tokio::test]
async fn g19_options_are_for_pages_of_this_service_in_a_browser_with_its_cookie() {
    let home = Home::open().await;
    let bare = home.stranger();
    assert_eq!(bare.call("POST", OPTIONS).await.code(), 400);
    let foreign = home.service.call("POST", OPTIONS).header("origin", "https://evil.example");
    assert_eq!(foreign.await.code(), 403);
    assert_eq!(home.service.call("POST", OPTIONS).await.code(), 403);
    assert_eq!(
        home.service.call("POST", PASSKEY).form(&[]).header("origin", BASE).await.code(),
        400
    );
}

#[tokio::test]
async fn g53_keys_of_all_three_algorithms_sign_in() {
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let (home, mut authenticator) = Home::with(Authenticator::new(algorithm)).await;
        for _ in 0..2 {
            assert_signed_in(&sign_in(&home.stranger(), &mut authenticator).await);
        }
    }
}

#[tokio::test]
async fn g53_the_ceremony_is_a_sign_in() {
    refused(|parts| parts.client_data["type"] = json!("webauthn.create")).await;
}

#[tokio::test]
async fn g53_the_challenge_is_of_this_browser() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let (mine, other) = (home.stranger(), home.stranger());
    other.get(SIGN_IN).await.is(200);
    let foreign = other.call("POST", OPTIONS).await.is(200).json();
    let creation = home.creation_options().await;
    for challenge in [&foreign["challenge"], &creation["challenge"], &json!("AAAA"), &json!("")] {
        let change = |parts: &mut Parts| parts.client_data["challenge"] = challenge.clone();
        assert_refused(&try_sign_in(&mine, &mut phone, change).await, &mine);
    }
}

#[tokio::test]
async fn g53_the_challenge_is_good_for_five_minutes() {
    for (seconds, good) in [(299, true), (300, false)] {
        let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
        let browser = home.stranger();
        let page = browser.get(SIGN_IN).await.is(200);
        let answer = phone.get(&browser.call("POST", OPTIONS).await.is(200).json());
        home.service.clock.advance(seconds);
        let page = browser.submit_form(&page, PASSKEY, &[("credential", &answer)]).await;
        if good {
            assert_signed_in(&page);
        } else {
            assert_refused(&page, &browser);
        }
    }
}

#[tokio::test]
async fn g53_the_origin_is_that_of_the_service() {
    for origin in ["https://evil.example", "https://sub.kith.example", "http://kith.example"] {
        refused(|parts| parts.client_data["origin"] = json!(origin)).await;
    }
}

#[tokio::test]
async fn g53_the_page_is_not_in_a_frame_of_another_site() {
    refused(|parts| parts.client_data["crossOrigin"] = json!(true)).await;
    refused(|parts| parts.client_data["topOrigin"] = json!("https://evil.example")).await;
}

#[tokio::test]
async fn g53_the_passkey_is_for_this_relying_party() {
    refused(|parts| parts.rp_id = "evil.example".to_owned()).await;
}

#[tokio::test]
async fn g53_the_person_was_present_and_verified() {
    refused(|parts| parts.flags &= !flag::VERIFIED).await;
    refused(|parts| parts.flags &= !flag::PRESENT).await;
}

#[tokio::test]
async fn g53_the_backup_is_consistent_and_that_of_the_registration() {
    // Backed up and not able to be, and suddenly able to be.
    refused(|parts| parts.flags |= flag::BACKED_UP).await;
    refused(|parts| parts.flags |= flag::ELIGIBLE | flag::BACKED_UP).await;
    refused_with(Authenticator::synced(), |parts| {
        parts.flags &= !(flag::ELIGIBLE | flag::BACKED_UP);
    })
    .await;
    // A passkey that can be backed up may cease to be.
    let (home, mut synced) = Home::with(Authenticator::synced()).await;
    assert!(home.passkeys().await[0].backed_up);
    let change = |parts: &mut Parts| parts.flags &= !flag::BACKED_UP;
    assert_signed_in(&try_sign_in(&home.stranger(), &mut synced, change).await);
    assert!(!home.passkeys().await[0].backed_up);
}

#[tokio::test]
async fn g53_the_passkey_is_known_and_of_the_person_whom_it_names() {
    refused(|parts| parts.sent_id = vec![7; 32]).await;
    refused(|parts| parts.sent_id = Vec::new()).await;
    refused(|parts| parts.user_handle = vec![7; 32]).await;
    refused(|parts| parts.user_handle = Vec::new()).await;
}

#[tokio::test]
async fn g53_the_signature_is_of_the_registered_key() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let browser = home.stranger();
    let own = std::mem::replace(&mut phone.key, Authenticator::new("ES256").key);
    assert_refused(&sign_in(&browser, &mut phone).await, &browser);
    phone.key = own;
    for pointer in
        ["/response/signature", "/response/authenticatorData", "/response/clientDataJSON"]
    {
        let page = browser.get(SIGN_IN).await.is(200);
        let options = browser.call("POST", OPTIONS).await.is(200).json();
        let mut answer: Value = serde_json::from_str(&phone.get(&options)).unwrap();
        *answer.pointer_mut(pointer).unwrap() = json!(base64url([0; 37]));
        let fields = [("credential", &*answer.to_string())];
        assert_refused(&browser.submit_form(&page, PASSKEY, &fields).await, &browser);
    }
    assert_signed_in(&sign_in(&browser, &mut phone).await);
}

#[tokio::test]
async fn g53_a_counter_that_does_not_rise_is_refused_and_told() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    phone.counter = Some(41);
    assert_signed_in(&sign_in(&home.stranger(), &mut phone).await);
    home.mails().await;
    let browser = home.stranger();
    for counter in [42, 1, 0] {
        let change = |parts: &mut Parts| parts.counter = counter;
        assert_refused(&try_sign_in(&browser, &mut phone, change).await, &browser);
        assert_eq!(home.mails().await, [MailKind::PasskeyCopied], "{counter}");
    }
    // Only the holder of the key is believed.
    let own = std::mem::replace(&mut phone.key, Authenticator::new("ES256").key);
    let change = |parts: &mut Parts| parts.counter = 1;
    assert_refused(&try_sign_in(&browser, &mut phone, change).await, &browser);
    assert!(home.mails().await.is_empty());
    (phone.key, phone.counter) = (own, Some(42));
    assert_signed_in(&sign_in(&browser, &mut phone).await);
}

#[tokio::test]
async fn g53_an_authenticator_that_does_not_count_signs_in_again_and_again() {
    let (home, mut synced) = Home::with(Authenticator::synced()).await;
    for _ in 0..3 {
        assert_signed_in(&sign_in(&home.stranger(), &mut synced).await);
    }
}

#[tokio::test]
async fn g53_an_answer_that_is_none_is_refused() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let browser = home.stranger();
    let created = phone.create(&home.creation_options().await);
    let long = "x".repeat(20_000);
    for answer in ["", "{", "[]", "null", r#"{"type":"public-key"}"#, &created, &long] {
        let page = browser.get(SIGN_IN).await.is(200);
        let page = browser.submit_form(&page, PASSKEY, &[("credential", answer)]).await;
        assert_refused(&page, &browser);
    }
}

#[tokio::test]
async fn g54_the_sign_in_page_offers_passkeys_in_the_username_field_and_by_a_button() {
    let home = Home::open().await;
    let page = home.stranger().get(SIGN_IN).await.is(200);
    assert!(page.text().contains(r#"autocomplete="username webauthn""#), "{}", page.text());
    assert!(page.text().contains(r#"id="passkey-button" type="button""#));
    let script = page.text().split(r#"src=""#).nth(1).and_then(|rest| rest.split('"').next());
    let script = home.stranger().call("GET", script.unwrap()).await.is(200);
    // Both requests go through one controller, so each aborts the other.
    for part in [r#""conditional""#, "AbortController", "isConditionalMediationAvailable"] {
        assert!(script.text().contains(part), "{part}");
    }
    let policy = page.answer.header("content-security-policy").unwrap();
    assert!(policy.contains("connect-src 'self'"), "{policy}");
}

#[tokio::test]
async fn g55_a_passkey_is_two_factors() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let browser = home.stranger();
    assert_signed_in(&sign_in(&browser, &mut phone).await);
    let sessions = browser.call("GET", SESSIONS).await.is(200).json();
    let current = sessions["items"].as_array().unwrap().iter().find(|one| one["current"] == true);
    let current = current.unwrap();
    assert_eq!((&current["amr"], &current["acr"]), (&json!(["swk", "user"]), &json!("2")));
}

#[tokio::test]
async fn g55_the_last_use_is_shown() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    assert_eq!(home.passkeys().await[0].last_used_at, None);
    home.service.clock.advance(60);
    let page = sign_in(&home.stranger(), &mut phone).await;
    assert_eq!(home.passkeys().await[0].last_used_at, Some(home.service.clock.now()));
    assert!(page.text().contains("last used on 21 November 2026 at 10:01 UTC"), "{}", page.text());
}

#[tokio::test]
async fn g35_strangers_do_not_stop_a_passkey_and_it_lets_the_person_try_again() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    home.service.give_password(&home.user.id, PASSWORD).await;
    let guesser = Browser::new(&home.service).from("203.0.113.7");
    for _ in 0..7 {
        guesser.sign_in("acme", "jan", "a wrong password of a stranger").await;
    }
    // The right password is not tried during the wait of strangers.
    let browser = home.stranger().from("198.51.100.2");
    assert_eq!(browser.sign_in("acme", "jan", PASSWORD).await.answer.code(), 422);
    assert_signed_in(&sign_in(&browser, &mut phone).await);
    let another = home.stranger().from("198.51.100.3");
    assert_signed_in(&another.sign_in("acme", "jan", PASSWORD).await);
}

#[tokio::test]
async fn g39_a_blocked_person_learns_it_after_the_right_passkey_alone() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let crm = home.service.crm().await;
    crm.act(&home.user.below("block")).await.is(200);
    let browser = home.stranger();
    let change = |parts: &mut Parts| parts.flags &= !flag::VERIFIED;
    assert_refused(&try_sign_in(&browser, &mut phone, change).await, &browser);
    let page: Page = sign_in(&browser, &mut phone).await.is(403);
    assert!(page.text().contains("blocked"), "{}", page.text());
    assert_eq!(browser.cookie("session"), None);
}

#[tokio::test]
async fn g55_a_removed_passkey_signs_nobody_in() {
    let home = Home::with_password().await;
    let (mut phone, mut other) = (Authenticator::new("ES256"), Authenticator::synced());
    home.add(&mut phone, "phone").await;
    home.add(&mut other, "other").await;
    let id = home.passkeys().await[0].id.to_string();
    let page = home.browser.get(ACCOUNT).await.is(200);
    home.browser.submit_form(&page, REMOVE, &[("id", &id)]).await.is(200);
    let browser = home.stranger();
    assert_refused(&sign_in(&browser, &mut phone).await, &browser);
    assert_signed_in(&sign_in(&browser, &mut other).await);
}

#[tokio::test]
async fn g55_a_passkey_signs_in_its_own_person_whoever_typed_a_username() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let an = home.service.crm().await.create(USERS, person("an")).await;
    let browser = signed_in(&home.service, &an.id).await;
    let page = sign_in(&browser, &mut phone).await;
    assert_signed_in(&page);
    assert!(page.text().contains("jan"), "{}", page.text());
}
