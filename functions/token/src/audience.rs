//! The audience of an access token: what the request names by `resource` (RFC 8707) or by
//! `audience`, within the audience that the client is registered with.

use shared::domain::client::{Client, named_audience};
use shared::domain::people::Code;

use crate::error::{OAuthError, printable};
use crate::form::Form;

/// The audiences that tokens of the client may have: its registered audience, or else the service
/// itself.
pub(crate) fn allowed(client: &Client, base_url: &str) -> Vec<String> {
    if client.audience.is_empty() { vec![base_url.to_owned()] } else { client.audience.clone() }
}

/// The audiences that tokens of a code may have: those that its authorization request named, or
/// else all that tokens of people may have (RFC 8707 §2.2).
pub(crate) fn of_code(
    code: &Code,
    client: &Client,
    base_url: &str,
) -> Result<Vec<String>, OAuthError> {
    let mut parties = client.audience_of_people(base_url);
    parties.retain(|party| code.audience.is_empty() || code.audience.contains(party));
    if parties.is_empty() {
        let detail = "this client may not request the audience of the code any more";
        return Err(OAuthError::Refused("invalid_target", detail.into()));
    }
    Ok(parties)
}

/// The parties that a request names, as they are registered, each once. Empty if it names none.
pub(crate) fn requested(form: &Form, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    let names = form.resources().chain(form.get("audience"));
    named_audience(names, allowed).map_err(|name| invalid_target(Some(name), allowed))
}

/// Refuses an audience, or a request without one if no audience remains (RFC 8707 §2).
pub(crate) fn invalid_target(name: Option<&str>, allowed: &[String]) -> OAuthError {
    let refusal = match name {
        Some(name) => format!("this client may not request the audience `{}`", printable(name)),
        None => "this client may not request the audience of the refresh token".to_owned(),
    };
    let quoted: Vec<_> = allowed.iter().map(|party| format!("`{}`", printable(party))).collect();
    let advice = match quoted.as_slice() {
        [] => "; use client_credentials".to_owned(),
        parties => format!("; it may request {}", parties.join(", ")),
    };
    OAuthError::Refused("invalid_target", (refusal + &advice).into())
}
