use shared::domain::id::TenantId;
use shared::env::Env;

use super::*;

const BASE: &str = "https://id.example";
const CALLBACK: &str = "https://app.example/callback";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client() -> Client {
    let tenant: TenantId = "acme".parse().unwrap();
    let scopes = "openid profile users:read".parse().unwrap();
    let uris = vec![CALLBACK.to_owned()];
    Client::register_person_client(&tenant, "App", scopes, uris, &Env::default())
}

fn good() -> Vec<(&'static str, &'static str)> {
    vec![
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

fn read(parameters: &[(&str, &str)]) -> Result<AuthorizationRequest, Wrong> {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let (fields, client) = (Fields::parse(query.as_bytes()), client());
    let reply_to = ReplyTo::of(&fields, client.redirect_uri(CALLBACK).unwrap());
    AuthorizationRequest::read(&fields, &client, &reply_to, BASE)
}

/// The good request with one parameter changed, added or, without a value, left out.
fn with(name: &'static str, value: Option<&'static str>) -> Result<AuthorizationRequest, Wrong> {
    let mut parameters = good();
    parameters.retain(|(other, _)| *other != name);
    parameters.extend(value.map(|value| (name, value)));
    read(&parameters)
}

#[test]
fn g3_each_fault_has_its_code() {
    for (name, value, code) in [
        ("response_type", None, "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", Some("code id_token"), "unsupported_response_type"),
        ("response_mode", Some("fragment"), "invalid_request"),
        ("scope", Some("email"), "invalid_scope"),
        ("scope", Some("address"), "invalid_scope"),
        ("scope", Some("no-scope-of-ours"), "invalid_scope"),
        ("request", Some("x.y.z"), "request_not_supported"),
        ("request_uri", Some("https://app.example/r"), "request_uri_not_supported"),
        ("registration", Some("{}"), "registration_not_supported"),
        ("prompt", Some("none login"), "invalid_request"),
        ("prompt", Some("create"), "invalid_request"),
        ("max_age", Some("-1"), "invalid_request"),
        ("max_age", Some("x"), "invalid_request"),
        ("claims", Some("x"), "invalid_request"),
        ("dpop_jkt", Some("x"), "invalid_request"),
        ("resource", Some("https://other.example"), "invalid_target"),
        ("audience", Some("other"), "invalid_target"),
    ] {
        let wrong = with(name, value).unwrap_err();
        assert_eq!(wrong.code, code, "{name} {value:?}");
    }
    let twice = [&good()[..], &[("nonce", "a"), ("nonce", "b")]].concat();
    assert_eq!(read(&twice).unwrap_err().code, "invalid_request");
    let mut machine = client();
    machine.authorization_code = false;
    let fields = Fields::parse(b"response_type=code");
    let reply_to = ReplyTo::of(&fields, machine.redirect_uri(CALLBACK).unwrap());
    let wrong = AuthorizationRequest::read(&fields, &machine, &reply_to, BASE).unwrap_err();
    assert_eq!(wrong.code, "unauthorized_client");
}

#[test]
fn g3_a_description_has_only_characters_that_it_may_have() {
    let faults = [("response_type", None), ("code_challenge", None), ("prompt", Some("x"))];
    for (name, value) in faults {
        let detail = with(name, value).unwrap_err().detail;
        let plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        assert!(detail.chars().all(plain), "{detail}");
    }
}

#[test]
fn g4_every_client_sends_a_challenge_of_s256() {
    for (name, value) in [
        ("code_challenge", None),
        ("code_challenge", Some("short")),
        ("code_challenge_method", None),
        ("code_challenge_method", Some("plain")),
        ("code_challenge_method", Some("s256")),
    ] {
        assert_eq!(with(name, value).unwrap_err().code, "invalid_request", "{name} {value:?}");
    }
}

#[test]
fn g1_unknown_parameters_and_words_of_scope_are_ignored() {
    let request = with("extra", Some("1")).unwrap();
    assert_eq!(request.scopes.to_string(), "openid");
    let request = with("scope", Some("unknown openid email profile")).unwrap();
    assert_eq!(request.scopes, "openid profile".parse().unwrap());
    for display in ["page", "popup"] {
        assert!(with("display", Some(display)).is_ok());
    }
}

#[test]
fn g13_a_request_repeats_itself_in_a_path() {
    let more = [
        ("response_mode", "form_post"),
        ("nonce", "n&n"),
        ("prompt", "consent login"),
        ("max_age", "60"),
        ("ui_locales", "nl fr"),
        ("login_hint", "jan"),
        ("id_token_hint", "x.y.z"),
        ("claims", r#"{"userinfo":{"name":null}}"#),
        ("dpop_jkt", CHALLENGE),
        ("resource", BASE),
        ("resource", "https://id.example/"),
    ];
    let request = read(&[&good()[..], &more].concat()).unwrap();
    assert_eq!(request.audience, [BASE]);
    let path = request.path();
    let query = path.strip_prefix("/idhub/oidc/v1/authorize?").unwrap();
    let (fields, client) = (Fields::parse(query.as_bytes()), client());
    let reply_to = ReplyTo::of(&fields, client.redirect_uri(CALLBACK).unwrap());
    let again = AuthorizationRequest {
        client_id: request.client_id.clone(),
        ..AuthorizationRequest::read(&fields, &client, &reply_to, BASE).unwrap()
    };
    assert_eq!(again, request);
    let signed_in = request.signed_in();
    assert_eq!((signed_in.prompt.words().as_str(), signed_in.max_age), ("consent", None));
    let sealed = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<AuthorizationRequest>(&sealed).unwrap(), request);
}
