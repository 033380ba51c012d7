//! `kith token`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::service::{Service, text};

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_says_what_the_options_say_and_the_service_takes_it() {
    let service = Service::start("token");
    let ended = service.run(&["token", "--subject", "mia"]);
    assert!(ended.status.success(), "{ended:?}");
    let token = text(&ended.stdout).trim_end();
    let mut found = claims(token);
    let times = |name: &str| found[name].as_i64().unwrap();
    assert_eq!(times("exp") - times("iat"), 3600);
    found.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "exp" | "iat"));
    let issuer = format!("{}/demo-idp", service.url);
    let due = json!({
        "iss": issuer, "sub": "mia", "aud": service.url, "tenant": "acme", "scope": "openid"
    });
    assert_eq!(found, due);

    let me = reqwest::Client::new().get(format!("{}/identity/me", service.url));
    let status = me.bearer_auth(token).send().await.unwrap().status();
    assert_eq!(status.as_u16(), 404, "the token is taken, and its person has no profile yet");

    let line = "--json token --subject mia --email mia@example.org --email-verified false \
                --given-name Mia --family-name Maes --username mia.maes --locale nl-BE --claim \
                department=sales --claim groups=[\"a\"] --claim level=3 --scope openid --system \
                webshop --lifetime 60";
    let ended = service.run(&line.split_whitespace().collect::<Vec<_>>());
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(60)));
    let found = claims(answer["access_token"].as_str().unwrap());
    for (name, value) in [
        ("aud", json!([service.url, "webshop"])),
        ("azp", json!("webshop")),
        ("email", json!("mia@example.org")),
        ("email_verified", json!(false)),
        ("name", json!("Mia Maes")),
        ("given_name", json!("Mia")),
        ("family_name", json!("Maes")),
        ("preferred_username", json!("mia.maes")),
        ("locale", json!("nl-BE")),
        ("department", json!("sales")),
        ("groups", json!(["a"])),
        ("level", json!(3)),
    ] {
        assert_eq!(found[name], value, "{name}");
    }
}

#[test]
fn s2_no_token_is_issued_for_a_deployed_service() {
    let service = Service::start("deployed");
    for (arguments, code, due) in [
        (&["--url", "https://id.example.org"][..], 1, "is not the service of"),
        (&["--url", &format!("{}/", service.url)], 0, ""),
        (&["--table", "kith-prod"], 1, "a deployed service takes those"),
        (&["--claim", "iss=https://id.example.org"], 2, "sets the claim `iss` itself"),
        (&["--claim", "x"], 2, "expected NAME=VALUE"),
        (&["--lifetime", "0"], 2, "1..=86400"),
        (&["--system", "Web shop"], 2, "2 to 63 lower-case letters"),
    ] {
        let ended = service.run(&[&["token", "--subject", "mia"], arguments].concat());
        assert_eq!(ended.status.code(), Some(code), "{ended:?}");
        assert!(text(&ended.stderr).contains(due), "{ended:?}");
    }
    let ended = crate::service::kith(&["--data", "/nowhere", "token", "--subject", "mia"]).output();
    assert!(text(&ended.unwrap().stderr).contains("run `kith serve` first"));
}
