//! The client data (`WebAuthn` Level 3 §5.8.1): what the browser says of the page that asked.

use shared::domain::json::Json;

use super::RelyingParty;
use super::refusal::Refusal;

/// The longest client data that are read, in bytes.
const MAX_LENGTH: usize = 4 * 1024;

/// What an authenticator is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ceremony {
    /// To make a passkey.
    Create,
    /// To sign in with one.
    Get,
}

impl Ceremony {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }

    /// For what its challenges are sealed.
    pub(super) const fn purpose(self) -> &'static str {
        match self {
            Self::Create => "passkey create",
            Self::Get => "passkey get",
        }
    }
}

/// Checks client data of a ceremony but for their challenge, which they return. Members that are not
/// known are ignored, as the standard demands.
pub(super) fn challenge(
    text: &[u8],
    ceremony: Ceremony,
    party: &RelyingParty,
) -> Result<String, Refusal> {
    if text.len() > MAX_LENGTH {
        return Err(Refusal::Malformed("the client data are too long"));
    }
    let Ok(Json::Object(mut members)) = Json::parse(text) else {
        return Err(Refusal::Malformed("the client data are no JSON object"));
    };
    let member = |name: &str| members.get(name).and_then(Json::as_str);
    if member("type") != Some(ceremony.name()) {
        return Err(Refusal::Ceremony);
    }
    if member("origin") != Some(party.origin.as_str()) {
        return Err(Refusal::Origin);
    }
    // A page that is no frame of another site has no `topOrigin`.
    let same_site = matches!(members.get("crossOrigin"), None | Some(Json::Bool(false)));
    if !same_site || members.contains_key("topOrigin") {
        return Err(Refusal::CrossOrigin);
    }
    match members.swap_remove("challenge") {
        Some(Json::String(challenge)) => Ok(challenge),
        _ => Err(Refusal::Malformed("the client data have no challenge")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Refusal> {
        let party = RelyingParty::of("https://kith.example").unwrap();
        challenge(text.as_bytes(), Ceremony::Get, &party)
    }

    fn with(members: &str) -> Result<String, Refusal> {
        let due = r#""type":"webauthn.get","challenge":"AAAA","origin":"https://kith.example""#;
        read(&format!("{{{due}{members}}}"))
    }

    #[test]
    fn g53_client_data_name_the_ceremony_the_origin_and_the_challenge() {
        for more in ["", r#","crossOrigin":false"#, r#","other_keys_can_be_added_here":[{"a":1}]"#]
        {
            assert_eq!(with(more).as_deref(), Ok("AAAA"), "{more}");
        }
    }

    #[test]
    fn g53_another_ceremony_is_refused() {
        for kind in [r#""webauthn.create""#, r#""webauthn.Get""#, r#""payment.get""#, "null", "1"] {
            let text =
                format!(r#"{{"type":{kind},"challenge":"AAAA","origin":"https://kith.example"}}"#);
            assert_eq!(read(&text), Err(Refusal::Ceremony), "{kind}");
        }
    }

    #[test]
    fn g53_the_origin_is_compared_exactly() {
        for origin in [
            r#""https://kith.example/""#,
            r#""https://kith.example:443""#,
            r#""https://KITH.example""#,
            r#""https://sub.kith.example""#,
            r#""http://kith.example""#,
            r#""https://evil.example""#,
            r#"["https://kith.example"]"#,
            "null",
        ] {
            let text = format!(r#"{{"type":"webauthn.get","challenge":"AAAA","origin":{origin}}}"#);
            assert_eq!(read(&text), Err(Refusal::Origin), "{origin}");
        }
    }

    #[test]
    fn g53_a_frame_of_another_site_is_refused() {
        for more in [
            r#","crossOrigin":true"#,
            r#","crossOrigin":null"#,
            r#","crossOrigin":"false""#,
            r#","crossOrigin":0"#,
            r#","crossOrigin":false,"topOrigin":"https://evil.example""#,
        ] {
            assert_eq!(with(more), Err(Refusal::CrossOrigin), "{more}");
        }
    }

    #[test]
    fn g53_client_data_are_read_strictly() {
        let twice = r#","origin":"https://kith.example""#;
        for text in [
            "",
            "[]",
            "null",
            "{}}",
            "\u{feff}{}",
            r#"{"type":"webauthn.get","type":"webauthn.get"}"#,
        ] {
            assert!(matches!(read(text), Err(Refusal::Malformed(_))), "{text}");
        }
        assert!(matches!(with(twice), Err(Refusal::Malformed(_))));
        assert!(matches!(with(&" ".repeat(MAX_LENGTH)), Err(Refusal::Malformed(_))));
        for challenge in ["", r#","challenge":7"#, r#","challenge":null"#] {
            let due = r#""type":"webauthn.get","origin":"https://kith.example""#;
            let read = read(&format!("{{{due}{challenge}}}"));
            assert!(matches!(read, Err(Refusal::Malformed(_))), "{challenge}");
        }
    }
}
