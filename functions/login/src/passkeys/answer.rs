//! What a page sends of an authenticator's answer: the members of `PublicKeyCredential.toJSON()`
//! (`WebAuthn` Level 3 §5.1) that are verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::domain::json::{Json, Object};

use super::refusal::Refusal;

/// The longest answer that is read, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// An answer of an authenticator; nothing of it is verified yet.
pub(super) struct Answer {
    /// The id of the credential.
    pub(super) id: Vec<u8>,
    /// The client data, as the authenticator signed their hash.
    pub(super) client_data: Vec<u8>,
    members: Object,
}

impl Answer {
    /// Takes an answer apart. Members that are not known are ignored.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("the answer is no public key credential");
        if text.len() > MAX_LENGTH {
            return Err(Refusal::Malformed("the answer is too long"));
        }
        let Ok(Json::Object(mut members)) = Json::parse(text.as_bytes()) else {
            return Err(WRONG);
        };
        if members.get("type").and_then(Json::as_str) != Some("public-key") {
            return Err(WRONG);
        }
        let Some(Json::Object(response)) = members.swap_remove("response") else {
            return Err(WRONG);
        };
        let id = bytes(&members, "id").ok_or(WRONG)?;
        let client_data = bytes(&response, "clientDataJSON").ok_or(WRONG)?;
        Ok(Self { id, client_data, members: response })
    }

    /// A member of the response that is bytes in base64url.
    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        bytes(&self.members, name).ok_or(Refusal::Malformed("a member of the answer is missing"))
    }
}

fn bytes(members: &Object, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(members.get(name)?.as_str()?).ok()
}
