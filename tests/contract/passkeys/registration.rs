//! How a new passkey is verified (rules G52 and G53, one test for each clause).

use serde_json::{Value, json};
use tests::{Authenticator, Parts, attestation_object, base64url, flag, person};

use super::{ACCOUNT, ADD, ADD_OPTIONS, Home, USERS, signed_in};

/// Asserts that no passkey comes of an answer that differs in this way.
async fn refused(home: &Home, change: impl FnOnce(&mut Parts)) {
    refused_by(home, Authenticator::new("ES256"), change).await;
}

async fn refused_by(home: &Home, mut by: Authenticator, change: impl FnOnce(&mut Parts)) {
    let page = home.try_add(&mut by, "phone", change).await.is(422);
    assert!(page.text().contains("The passkey was refused"), "{}", page.text());
    assert!(home.passkeys().await.is_empty());
}

#[tokio::test]
async fn g52_the_options_ask_for_a_discoverable_passkey_that_verifies_its_person() {
    let home = Home::open().await;
    let options = home.creation_options().await;
    let expected = json!({
        "rp": { "id": "kith.example", "name": options["rp"]["name"] },
        "user": { "id": options["user"]["id"], "name": "jan", "displayName": "jan" },
        "challenge": options["challenge"],
        "pubKeyCredParams": [
            { "type": "public-key", "alg": -7 },
            { "type": "public-key", "alg": -8 },
            { "type": "public-key", "alg": -257 },
        ],
        "excludeCredentials": [],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": true,
            "userVerification": "required",
        },
        "attestation": "none",
        "timeout": 300_000,
    });
    assert_eq!(options, expected);
}

#[tokio::test]
async fn g52_the_user_handle_is_random_and_stays() {
    let home = Home::with_password().await;
    let handle = home.creation_options().await["user"]["id"].clone();
    let text = handle.as_str().unwrap();
    // 32 bytes, and not the id of the user in any form.
    assert_eq!(text.len(), 43);
    assert!(!text.contains(&home.user.id) && text != base64url(&home.user.id));
    assert_eq!(home.creation_options().await["user"]["id"], handle);
    let (mut phone, mut key) = (Authenticator::new("ES256"), Authenticator::new("EdDSA"));
    home.add(&mut phone, "phone").await;
    home.add(&mut key, "key").await;
    assert_eq!(
        (base64url(&phone.user_handle), base64url(&key.user_handle)),
        (text.into(), text.into())
    );
}

#[tokio::test]
async fn g52_passkeys_that_the_person_has_are_excluded() {
    let (home, phone) = Home::with(Authenticator::new("ES256")).await;
    let excluded = home.creation_options().await["excludeCredentials"].clone();
    assert_eq!(excluded, json!([{ "type": "public-key", "id": base64url(&phone.id) }]));
}

#[tokio::test]
async fn g52_keys_of_all_three_algorithms_are_added() {
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let (home, _) = Home::with(Authenticator::new(algorithm)).await;
        home.service.check().await;
    }
    let (home, _) = Home::with(Authenticator::synced()).await;
    assert!(home.passkeys().await[0].backed_up);
}

#[tokio::test]
async fn g22_adding_needs_a_sign_in_within_five_minutes() {
    let home = Home::open().await;
    let options = home.creation_options().await;
    home.service.clock.advance(299);
    let answer = Authenticator::new("ES256").create(&options);
    home.send(&answer, "phone").await.is(200);
    assert_eq!(home.passkeys().await.len(), 1);
    let home = Home::open().await;
    let answer = Authenticator::new("ES256").create(&home.creation_options().await);
    let page = home.browser.get(ACCOUNT).await.is(200);
    home.service.clock.advance(301);
    let fields = [("credential", &*answer), ("name", "phone")];
    let page = home.browser.submit_form(&page, ADD, &fields).await;
    assert!(page.url.contains("/idhub/login/acme?prompt=login"), "{}", page.url);
    assert!(home.passkeys().await.is_empty());
    // The script is told where to go.
    let options = home.browser.call("POST", ADD_OPTIONS).await.is(403).json();
    assert_eq!(
        options,
        json!({ "location": "/idhub/login/acme?prompt=login&return_to=%2Fidhub%2Faccount" })
    );
    let nobody = home.stranger();
    nobody.get(super::SIGN_IN).await.is(200);
    let options = nobody.call("POST", ADD_OPTIONS).await.is(403).json();
    assert_eq!(options, json!({ "location": "/idhub/account" }));
}

#[tokio::test]
async fn g52_a_challenge_is_good_once() {
    let home = Home::with_password().await;
    let options = home.creation_options().await;
    let first = Authenticator::new("ES256").create(&options);
    let second = Authenticator::new("ES256").create(&options);
    home.send(&first, "first").await.is(200);
    home.send(&second, "second").await.is(422);
    assert_eq!(home.passkeys().await.len(), 1);
}

#[tokio::test]
async fn g52_a_challenge_is_of_this_session_and_this_ceremony() {
    let home = Home::open().await;
    let mine = home.creation_options().await;
    for other in [
        home.browser.call("POST", super::OPTIONS).await.is(200).json()["challenge"].clone(),
        {
            // Another session of the same person, in a browser of its own.
            let browser = signed_in(&home.service, &home.user.id).await;
            browser.call("POST", ADD_OPTIONS).await.is(200).json()["challenge"].clone()
        },
        json!("AAAA"),
        json!(base64url([7; 32])),
        json!(""),
    ] {
        let mut options = mine.clone();
        options["challenge"] = other;
        let answer = Authenticator::new("ES256").create(&options);
        home.send(&answer, "phone").await.is(422);
        assert!(home.passkeys().await.is_empty());
    }
}

#[tokio::test]
async fn g53_the_ceremony_is_a_creation() {
    let home = Home::open().await;
    refused(&home, |parts| parts.client_data["type"] = json!("webauthn.get")).await;
    refused(&home, |parts| parts.client_data["type"] = json!(null)).await;
}

#[tokio::test]
async fn g53_the_origin_is_that_of_the_service() {
    let home = Home::open().await;
    for origin in [
        "https://evil.example",
        "https://sub.kith.example",
        "http://kith.example",
        "https://kith.example:444",
    ] {
        refused_by(&home, Authenticator::new("ES256").at(origin), |_| ()).await;
    }
}

#[tokio::test]
async fn g53_the_page_is_not_in_a_frame_of_another_site() {
    let home = Home::open().await;
    refused(&home, |parts| parts.client_data["crossOrigin"] = json!(true)).await;
    refused(&home, |parts| parts.client_data["topOrigin"] = json!("https://evil.example")).await;
}

#[tokio::test]
async fn g53_client_data_are_strict_json() {
    let home = Home::open().await;
    refused(&home, |parts| {
        let text = parts.client_data.to_string();
        parts.client_data_text = Some(text.replacen('{', r#"{"type":"webauthn.create","#, 1));
    })
    .await;
    refused(&home, |parts| parts.client_data_text = Some(format!("{} x", parts.client_data))).await;
    refused(&home, |parts| parts.client_data_text = Some(String::new())).await;
}

#[tokio::test]
async fn g53_the_passkey_is_for_this_relying_party() {
    let home = Home::open().await;
    for host in ["evil.example", "example", "https://kith.example", ""] {
        refused(&home, |parts| parts.rp_id = host.to_owned()).await;
    }
}

#[tokio::test]
async fn g53_the_person_was_present_and_verified() {
    let home = Home::open().await;
    refused(&home, |parts| parts.flags &= !flag::VERIFIED).await;
    refused(&home, |parts| parts.flags &= !flag::PRESENT).await;
}

#[tokio::test]
async fn g53_what_is_backed_up_can_be_backed_up() {
    let home = Home::open().await;
    refused(&home, |parts| parts.flags |= flag::BACKED_UP).await;
}

#[tokio::test]
async fn g53_the_algorithm_is_one_that_was_asked_for() {
    let home = Home::open().await;
    // ES384 and PS256 in place of ES256.
    for algorithm in [[0x38, 0x22], [0x38, 0x24]] {
        refused(&home, |parts| {
            parts.public_key.splice(4..5, algorithm);
        })
        .await;
    }
}

#[tokio::test]
async fn g53_the_public_key_is_a_point_on_the_curve() {
    let home = Home::open().await;
    refused(&home, |parts| {
        let last = parts.public_key.len() - 1;
        parts.public_key[last] ^= 1;
    })
    .await;
}

#[tokio::test]
async fn g53_cbor_is_canonical() {
    let home = Home::open().await;
    // A key of the map occurs twice; the map has an entry more than it says; a tag.
    refused(&home, |parts| {
        parts.public_key[0] = 0xa6;
        parts.public_key.splice(3..3, [0x01, 0x02]);
    })
    .await;
    refused(&home, |parts| parts.public_key[0] = 0xa4).await;
    refused(&home, |parts| parts.public_key.insert(0, 0xc0)).await;
    // The number 2 in two bytes.
    refused(&home, |parts| {
        parts.public_key.splice(2..3, [0x18, 0x02]);
    })
    .await;
    // Bytes behind the authenticator data, and behind the attestation object.
    refused(&home, |parts| parts.rest = vec![0]).await;
    refused(&home, |parts| {
        let mut object = attestation_object(&parts.authenticator_data());
        object.push(0);
        parts.attestation = Some(object);
    })
    .await;
}

#[tokio::test]
async fn g53_the_attestation_is_none() {
    let home = Home::open().await;
    for format in ["pack", "nonf"] {
        refused(&home, |parts| {
            let mut object = attestation_object(&parts.authenticator_data());
            object[6..10].copy_from_slice(format.as_bytes());
            parts.attestation = Some(object);
        })
        .await;
    }
    refused(&home, |parts| parts.attestation = Some(vec![0xa0])).await;
    refused(&home, |parts| parts.attestation = Some(Vec::new())).await;
}

#[tokio::test]
async fn g53_a_credential_id_has_16_to_1023_bytes_and_is_the_signed_one() {
    let home = Home::open().await;
    for length in [0, 15, 1024] {
        refused(&home, |parts| {
            parts.id = vec![7; length];
            parts.sent_id = parts.id.clone();
        })
        .await;
    }
    refused(&home, |parts| parts.sent_id = vec![7; 32]).await;
    let mut longest = Authenticator::new("ES256");
    longest.id = vec![7; 1023];
    home.add(&mut longest, "longest").await;
    // It is excluded by its whole id.
    let excluded = home.creation_options().await["excludeCredentials"].clone();
    assert_eq!(excluded[0]["id"], base64url([7; 1023]));
}

#[tokio::test]
async fn g53_a_passkey_that_somebody_holds_is_not_added() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let held = "This passkey is in use already";
    // Neither by the same person nor by another one.
    let page = home.try_add(&mut phone, "again", |_| ()).await.is(422);
    assert!(page.text().contains(held), "{}", page.text());
    let an = home.service.crm().await.create(USERS, person("an")).await;
    let browser = signed_in(&home.service, &an.id).await;
    let options = browser.call("POST", ADD_OPTIONS).await.is(200).json();
    let page = browser.get(ACCOUNT).await;
    let answer = phone.create(&options);
    let page = browser.submit_form(&page, ADD, &[("credential", &answer), ("name", "an's")]).await;
    assert!(page.is(422).text().contains(held));
    assert_eq!(home.passkeys().await.len(), 1);
    home.service.check().await;
}

#[tokio::test]
async fn g53_an_answer_that_is_none_is_refused() {
    let home = Home::open().await;
    let long = "x".repeat(20_000);
    for answer in ["", "{", "[]", "null", r#"{"type":"public-key"}"#, &long] {
        home.send(answer, "phone").await.is(422);
    }
    let good = Authenticator::new("ES256").create(&home.creation_options().await);
    let good: Value = serde_json::from_str(&good).unwrap();
    for (pointer, value) in [
        ("/type", json!("password")),
        ("/id", json!("?")),
        ("/id", json!(null)),
        ("/response", json!([])),
        ("/response/clientDataJSON", json!(7)),
        ("/response/attestationObject", json!(null)),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        home.send(&wrong.to_string(), "phone").await.is(422);
    }
    assert!(home.passkeys().await.is_empty());
}

/// An extension that was not asked for is read over.
#[tokio::test]
async fn g53_extensions_are_ignored() {
    let home = Home::open().await;
    let mut phone = Authenticator::new("ES256");
    let with_extension = |parts: &mut Parts| {
        parts.flags |= flag::EXTENSIONS;
        parts.rest = b"\xa1\x6bcredProtect\x02".to_vec();
    };
    home.try_add(&mut phone, "phone", with_extension).await.is(200);
    assert_eq!(home.passkeys().await.len(), 1);
}
