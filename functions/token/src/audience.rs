//! The audience of an access token: what the request names by `resource` (RFC 8707) or by
//! `audience`, within the audience that the client is registered with.

use shared::domain::client::Client;

use crate::error::{OAuthError, printable};
use crate::form::Form;

/// The audiences that tokens of the client may have: its registered audience, or else the service
/// itself.
pub(crate) fn allowed(client: &Client, base_url: &str) -> Vec<String> {
    if client.audience.is_empty() { vec![base_url.to_owned()] } else { client.audience.clone() }
}

/// The audiences that tokens of a person may have: those of the client and the service itself,
/// whose userinfo takes each of them.
pub(crate) fn of_person(client: &Client, base_url: &str) -> Vec<String> {
    let mut parties = client.audience.clone();
    if !parties.iter().any(|party| party == base_url) {
        parties.push(base_url.to_owned());
    }
    parties
}

/// The parties that a request names, as they are registered, each once. Empty if it names none.
pub(crate) fn requested(form: &Form, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    let mut parties: Vec<String> = Vec::new();
    for name in form.resources().chain(form.get("audience")) {
        let exact = allowed.iter().find(|party| *party == name);
        let party = exact.or_else(|| allowed.iter().find(|party| is_same(party, name)));
        let party = party.ok_or_else(|| invalid_target(Some(name), allowed))?;
        if !parties.contains(party) {
            parties.push(party.clone());
        }
    }
    Ok(parties)
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

/// Whether two names are one party. `https://api.example` and `https://api.example/` are one URI
/// (RFC 3986 §6.2.3), and many clients write the second.
fn is_same(one: &str, other: &str) -> bool {
    without_empty_path(one) == without_empty_path(other)
}

/// A URI without the slash of an empty path.
fn without_empty_path(uri: &str) -> &str {
    let is_root = |rest: &str| rest.find('/').is_some_and(|slash| slash + 1 == rest.len());
    match uri.split_once("://") {
        Some((_, rest)) if is_root(rest) => uri.strip_suffix('/').unwrap_or(uri),
        _ => uri,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ec10_what_is_named_exactly_comes_first() {
        let allowed = ["https://a.example".to_owned(), "https://a.example/".to_owned()];
        for name in &allowed {
            let form = Form::parse(format!("resource={name}").as_bytes()).unwrap();
            assert_eq!(requested(&form, &allowed).unwrap(), std::slice::from_ref(name));
        }
    }

    #[test]
    fn ec10_an_empty_path_is_a_slash() {
        for (one, other, same) in [
            ("https://a.example", "https://a.example/", true),
            ("https://a.example", "https://a.example", true),
            ("urn:x", "urn:x", true),
            ("https://a.example/x", "https://a.example/x/", false),
            ("https://a.example", "https://a.example//", false),
            ("https://a.example", "https://a.example.evil.example", false),
            ("urn:x", "urn:x/", false),
            ("a", "a/", false),
        ] {
            assert_eq!(is_same(one, other), same, "{one} {other}");
            assert_eq!(is_same(other, one), same, "{other} {one}");
        }
    }
}
