//! An authorization request (OAuth 2.1 §4.1.1, OpenID Connect Core §3.1.2.1): how it is read, and
//! how it travels in a page.

use serde::{Deserialize, Serialize};
use shared::auth::pkce::is_challenge;
use shared::domain::client::{ClaimsRequest, Client, RedirectUri, named_audience};
use shared::domain::id::ClientId;
use shared::domain::scope::{Scope, Scopes};

use crate::fields::{Fields, with_query};

/// The path of the authorization endpoint.
pub(crate) const PATH: &str = "/idhub/oidc/v1/authorize";

/// How the answer goes back to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// What the client asks of the pages (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the parameter `prompt`")]
pub(crate) struct Prompt {
    /// No page at all.
    pub(crate) none: bool,
    /// The person signs in again.
    pub(crate) login: bool,
    /// The person consents again.
    pub(crate) consent: bool,
    /// The person says which account.
    pub(crate) select_account: bool,
}

impl Prompt {
    fn parse(text: Option<&str>) -> Result<Self, Wrong> {
        let mut prompt = Self::default();
        for word in text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
            let flag = match word {
                "none" => &mut prompt.none,
                "login" => &mut prompt.login,
                "consent" => &mut prompt.consent,
                "select_account" => &mut prompt.select_account,
                _ => {
                    return Err(Wrong::request(
                        "prompt: expected none, login, consent or select_account",
                    ));
                }
            };
            *flag = true;
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(Wrong::request("prompt: none cannot be combined with another value"));
        }
        Ok(prompt)
    }

    fn words(self) -> String {
        let words = [
            (self.none, "none"),
            (self.login, "login"),
            (self.consent, "consent"),
            (self.select_account, "select_account"),
        ];
        let words: Vec<_> = words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        words.join(" ")
    }
}

/// A request that may be answered at its redirect URI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthorizationRequest {
    /// The client that asks.
    pub(crate) client_id: ClientId,
    /// Where the answer goes.
    pub(crate) redirect_uri: RedirectUri,
    /// How it goes there.
    #[serde(default)]
    pub(crate) response_mode: ResponseMode,
    /// The scopes that may be granted.
    pub(crate) scopes: Scopes,
    /// Comes back with the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// Comes back in the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
    /// The challenge of PKCE, made with `S256`.
    pub(crate) code_challenge: String,
    /// What the pages are to ask.
    #[serde(default)]
    pub(crate) prompt: Prompt,
    /// How old the person's authentication may be, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<i64>,
    /// The languages of the pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ui_locales: Option<String>,
    /// The username that the client expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) login_hint: Option<String>,
    /// An ID token of the person whom the client expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id_token_hint: Option<String>,
    /// The claims that are asked for by name, as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claims: Option<String>,
    /// The services that the tokens are for, as they are registered; all of the client if the
    /// request names none (RFC 8707 §2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) audience: Vec<String>,
    /// The key to which the tokens are bound (RFC 9449 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dpop_jkt: Option<String>,
}

/// What is wrong with a request. The client gets it at its redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The error's code.
    pub(crate) code: &'static str,
    /// What the developer has to change, in characters that RFC 6749 §4.1.2.1 allows.
    pub(crate) detail: &'static str,
}

impl Wrong {
    pub(crate) const fn new(code: &'static str, detail: &'static str) -> Self {
        Self { code, detail }
    }

    const fn request(detail: &'static str) -> Self {
        Self::new("invalid_request", detail)
    }
}

/// Where an answer goes, known as soon as client and redirect URI are.
#[derive(Clone, Debug)]
pub(crate) struct ReplyTo {
    pub(crate) redirect_uri: RedirectUri,
    pub(crate) response_mode: ResponseMode,
    pub(crate) state: Option<String>,
    /// Whether no page may be shown.
    pub(crate) silent: bool,
}

impl ReplyTo {
    /// The address for errors of a request that is not read yet.
    pub(crate) fn of(fields: &Fields, redirect_uri: RedirectUri) -> Self {
        let response_mode = match fields.get("response_mode") {
            Some("form_post") => ResponseMode::FormPost,
            _ => ResponseMode::Query,
        };
        let state = fields.get("state").filter(|_| !fields.is_repeated("state"));
        let silent =
            fields.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|w| w == "none"));
        Self { redirect_uri, response_mode, state: state.map(str::to_owned), silent }
    }
}

impl AuthorizationRequest {
    /// Reads the parameters of a request whose client and redirect URI are good (rules G1, G3, G4).
    pub(crate) fn read(
        fields: &Fields,
        client: &Client,
        reply_to: &ReplyTo,
        base_url: &str,
    ) -> Result<Self, Wrong> {
        check_kind(fields, client)?;
        let code_challenge = challenge(fields)?;
        let max_age = match fields.get("max_age").map(str::parse::<u32>) {
            None => None,
            Some(Ok(seconds)) => Some(i64::from(seconds)),
            Some(Err(_)) => {
                return Err(Wrong::request("max_age: expected a whole number of seconds"));
            }
        };
        if let Some(claims) = fields.get("claims") {
            ClaimsRequest::parse(claims).map_err(|_| {
                Wrong::request(
                    "claims: expected a JSON object with the members userinfo and id_token",
                )
            })?;
        }
        if fields.get("dpop_jkt").is_some_and(|key| !is_challenge(key)) {
            return Err(Wrong::request(
                "dpop_jkt: expected the SHA-256 thumbprint of a key in base64url",
            ));
        }
        let text = |name: &str| fields.get(name).map(str::to_owned);
        Ok(Self {
            client_id: client.client_id.clone(),
            redirect_uri: reply_to.redirect_uri.clone(),
            response_mode: reply_to.response_mode,
            scopes: scopes(fields.get("scope"), client)?,
            state: reply_to.state.clone(),
            nonce: text("nonce"),
            code_challenge,
            prompt: Prompt::parse(fields.get("prompt"))?,
            max_age,
            ui_locales: text("ui_locales"),
            login_hint: text("login_hint"),
            id_token_hint: text("id_token_hint"),
            claims: text("claims"),
            audience: audience(fields, &client.audience_of_people(base_url))?,
            dpop_jkt: text("dpop_jkt"),
        })
    }

    /// Where the answer goes.
    pub(crate) fn reply_to(&self) -> ReplyTo {
        ReplyTo {
            redirect_uri: self.redirect_uri.clone(),
            response_mode: self.response_mode,
            state: self.state.clone(),
            silent: self.prompt.none,
        }
    }

    /// The claims that are asked for by name.
    pub(crate) fn claims_request(&self) -> ClaimsRequest {
        let parse = |claims: &String| ClaimsRequest::parse(claims).ok();
        self.claims.as_ref().and_then(parse).unwrap_or_default()
    }

    /// The request at the endpoint, to start again.
    pub(crate) fn path(&self) -> String {
        let scopes = self.scopes.to_string();
        let prompt = self.prompt.words();
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let mode = match self.response_mode {
            ResponseMode::Query => None,
            ResponseMode::FormPost => Some("form_post"),
        };
        let parameters = [
            ("response_type", Some("code")),
            ("client_id", Some(self.client_id.as_str())),
            ("redirect_uri", Some(self.redirect_uri.as_str())),
            ("response_mode", mode),
            ("scope", Some(scopes.as_str())),
            ("state", self.state.as_deref()),
            ("nonce", self.nonce.as_deref()),
            ("code_challenge", Some(self.code_challenge.as_str())),
            ("code_challenge_method", Some("S256")),
            ("prompt", Some(prompt.as_str()).filter(|prompt| !prompt.is_empty())),
            ("max_age", max_age.as_deref()),
            ("ui_locales", self.ui_locales.as_deref()),
            ("login_hint", self.login_hint.as_deref()),
            ("id_token_hint", self.id_token_hint.as_deref()),
            ("claims", self.claims.as_deref()),
            ("dpop_jkt", self.dpop_jkt.as_deref()),
        ];
        let given = parameters.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let resources = self.audience.iter().map(|party| ("resource", party.as_str()));
        let parameters: Vec<_> = given.chain(resources).collect();
        with_query(PATH, &parameters)
    }

    /// The request of a person who has just done what `prompt` and `max_age` ask for.
    pub(crate) fn signed_in(&self) -> Self {
        let prompt = Prompt { login: false, select_account: false, ..self.prompt };
        Self { prompt, max_age: None, ..self.clone() }
    }

    /// The request once the person has chosen to sign in with another account.
    pub(crate) fn with_other_account(&self) -> Self {
        let prompt = Prompt { login: true, select_account: false, ..self.prompt };
        Self { prompt, ..self.clone() }
    }
}

/// Checks that the request is for a code, in the one way in which this service gives codes.
fn check_kind(fields: &Fields, client: &Client) -> Result<(), Wrong> {
    if fields.repeated().is_some() {
        return Err(Wrong::request("a parameter is sent twice"));
    }
    for (name, code) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        if fields.get(name).is_some() {
            return Err(Wrong::new(code, "send the parameters in the query or in a form"));
        }
    }
    match fields.get("response_type") {
        Some("code") => {}
        None => return Err(Wrong::request("response_type is required; the only one is code")),
        Some(_) => {
            return Err(Wrong::new("unsupported_response_type", "response_type: expected code"));
        }
    }
    if !matches!(fields.get("response_mode"), None | Some("query" | "form_post")) {
        return Err(Wrong::request("response_mode: expected query or form_post"));
    }
    if !client.authorization_code {
        let detail = "this client does not have the grant authorization_code";
        return Err(Wrong::new("unauthorized_client", detail));
    }
    Ok(())
}

/// The challenge of PKCE, which every client has to send (rule G4).
fn challenge(fields: &Fields) -> Result<String, Wrong> {
    if fields.get("code_challenge_method") != Some("S256") {
        return Err(Wrong::request("code_challenge_method: expected S256 (RFC 7636)"));
    }
    match fields.get("code_challenge") {
        Some(challenge) if is_challenge(challenge) => Ok(challenge.to_owned()),
        Some(_) => Err(Wrong::request("code_challenge: expected 43 characters of base64url")),
        None => Err(Wrong::request("code_challenge is required (RFC 7636)")),
    }
}

/// The scopes that may be granted: those of the request that the client holds. Words that are no
/// scopes are ignored.
fn scopes(asked: Option<&str>, client: &Client) -> Result<Scopes, Wrong> {
    let asked = asked.map_or_else(|| client.default_scopes.clone(), Scopes::known);
    let wrong = "scope: expected scopes that the client may request";
    if asked.allows(Scope::Openid) && !client.scopes.allows(Scope::Openid) {
        return Err(Wrong::new("invalid_scope", wrong));
    }
    let granted = asked.common(&client.scopes);
    if granted.is_empty() { Err(Wrong::new("invalid_scope", wrong)) } else { Ok(granted) }
}

/// The services that the request names, by `resource` or by `audience`: the token endpoint gives
/// tokens for no other ones.
fn audience(fields: &Fields, allowed: &[String]) -> Result<Vec<String>, Wrong> {
    let names = fields.resources().chain(fields.get("audience"));
    named_audience(names, allowed).map_err(|_| {
        let detail = "resource, audience: expected services that the client may have tokens for";
        Wrong::new("invalid_target", detail)
    })
}

#[cfg(test)]
mod tests;
