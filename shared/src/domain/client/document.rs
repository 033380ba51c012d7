//! A client as callers write and read it.

use super::people::Grants;
use super::{
    ACCESS_TOKEN_LIVES, ACCESS_TOKEN_SECONDS, AuthMethod, Client, Grant, KeySource, MAX_AUDIENCE,
    MAX_AUDIENCE_BYTES, MAX_AUDIENCES, MAX_NAME, MAX_SYSTEMS, Secret, people,
};
use crate::domain::error::{Code, Error, Result, Violations, expected_not};
use crate::domain::field::{Fields, pointer};
use crate::domain::id::{ClientId, PartyId, SHAPE, TenantId};
use crate::domain::json::{Json, Object};
use crate::domain::jwk::{Algorithm, EITHER, take_jwks, take_jwks_uri};
use crate::domain::patch::{merged, refuse_non_object};
use crate::domain::scope::{Scope, Scopes};
use crate::domain::string_enum::{StringEnum, expected_word};
use crate::env::Env;
use crate::object;

/// The algorithms that access tokens are signed with.
const SIGNING: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];
/// The fields that the service makes.
const GENERATED: [&str; 2] = ["client_id", "secrets"];

impl Client {
    /// Reads the document of a client: of a new client of `tenant`, which has no secret yet, or of
    /// the replacement of `current`. Every violation is listed.
    pub fn read(
        document: Json,
        current: Option<&Self>,
        tenant: &TenantId,
        env: &Env,
    ) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        refuse_generated(&mut fields, current);
        let name = fields.required_text("name", MAX_NAME);
        let method = fields.string_enum("token_endpoint_auth_method").unwrap_or(super::basic());
        let scopes = take_scopes(&mut fields);
        let default_scopes = take_default_scopes(&mut fields, scopes.as_ref());
        let grants = Grants::take(&mut fields, method);
        let sign_in = people::take(&mut fields, grants);
        let keys = take_keys(&mut fields, method);
        let systems = take_systems(&mut fields);
        let integration = fields.string_enum("integration");
        let max_classifier =
            fields.string_enum("max_classifier").unwrap_or(super::Classifier::most());
        let access_token_lifetime = take_lifetime(&mut fields);
        let access_token_signing_alg = take_signing_alg(&mut fields);
        let audience = take_audience(&mut fields);
        let dpop_bound_access_tokens =
            fields.boolean("dpop_bound_access_tokens").unwrap_or_default();
        fields.finish();
        violations.check(())?;
        let (Some(name), Some(scopes)) = (name, scopes) else {
            return Err(Error::unexpected("a client without violations has a name and scopes"));
        };
        let secrets = current.filter(|_| method.takes_secrets()).map(|c| c.secrets.clone());
        Ok(Self {
            client_id: current.map_or_else(
                || ClientId::new(tenant, env.random.bytes()),
                |current| current.client_id.clone(),
            ),
            name,
            token_endpoint_auth_method: method,
            default_scopes: default_scopes.unwrap_or_else(|| scopes.clone()),
            scopes,
            refresh_token: grants.refresh_token,
            client_credentials: grants.client_credentials,
            authorization_code: grants.authorization_code,
            redirect_uris: sign_in.redirect_uris,
            post_logout_redirect_uris: sign_in.post_logout_redirect_uris,
            application_type: sign_in.application_type,
            first_party: sign_in.first_party,
            application_id: sign_in.application_id,
            keys,
            systems,
            integration,
            max_classifier,
            secrets: secrets.unwrap_or_default(),
            access_token_lifetime,
            access_token_signing_alg,
            audience,
            dpop_bound_access_tokens,
            created_at: current.map_or_else(|| env.clock.now(), |current| current.created_at),
        })
    }

    /// Reads the client after a merge patch. Default scopes that were all of its scopes stay all of
    /// them, unless the patch names them.
    pub fn patched(&self, patch: &Json, env: &Env) -> Result<Self> {
        refuse_non_object(patch)?;
        let shown = self.show();
        let mut violations = Violations::default();
        let sent = |name: &str| patch.as_object().and_then(|members| members.get(name));
        for name in GENERATED.into_iter().filter(|name| sent(name) == Some(&Json::Null)) {
            violations.add(
                pointer("", name),
                Code::NotEditable,
                format!("`{name}` cannot be removed"),
            );
        }
        let mut document = merged(shown, patch.clone());
        if let Json::Object(members) = &mut document
            && sent("default_scopes").is_none()
            && self.default_scopes == self.scopes
        {
            members.shift_remove("default_scopes");
        }
        violations.and(Self::read(document, Some(self), self.client_id.tenant(), env))
    }

    /// The client as callers see it: everything but what its secrets are.
    #[must_use]
    pub fn show(&self) -> Object {
        let (jwks, jwks_uri) = match &self.keys {
            Some(KeySource::Jwks(text)) => (Json::parse(text.as_bytes()).ok(), None),
            Some(KeySource::JwksUri(url)) => (None, Some(url)),
            None => (None, None),
        };
        let grants = Grants::of(self).held();
        let scopes = |scopes: &Scopes| scopes.iter().map(Scope::name).collect::<Vec<_>>();
        object! {
            "client_id" => &self.client_id,
            "name" => &self.name,
            "token_endpoint_auth_method" => self.token_endpoint_auth_method.name(),
            "scopes" => scopes(&self.scopes),
            "default_scopes" => scopes(&self.default_scopes),
            "grant_types" => grants.map(Grant::name).collect::<Vec<_>>(),
            "redirect_uris" => self.redirect_uris.clone(),
            "post_logout_redirect_uris" => self.post_logout_redirect_uris.clone(),
            "application_type" => self.application_type.name(),
            "first_party" => self.first_party,
            "application_id" => self.application_id.as_ref(),
            "jwks" => jwks,
            "jwks_uri" => jwks_uri,
            "systems" => self.systems.iter().map(Json::from).collect::<Vec<_>>(),
            "integration" => self.integration.map(super::Integration::name),
            "max_classifier" => self.max_classifier.name(),
            "access_token_lifetime" => u64::try_from(self.access_token_lifetime).unwrap_or_default(),
            "access_token_signing_alg" => self.access_token_signing_alg.name(),
            "audience" => self.audience.clone(),
            "dpop_bound_access_tokens" => self.dpop_bound_access_tokens,
            "secrets" => self.secrets.iter().map(Secret::show).collect::<Vec<_>>(),
        }
    }
}

fn refuse_generated(fields: &mut Fields<'_>, current: Option<&Client>) {
    let shown = current.map(Client::show).unwrap_or_default();
    for name in GENERATED {
        let stored = shown.get(name).cloned().unwrap_or(Json::Null);
        fields.unchanged(name, &stored, Code::NotEditable, "the service sets this field; omit it");
    }
}

/// Takes an array of words, each item of which must be one.
pub(super) fn take_string_enums<T: StringEnum>(
    fields: &mut Fields<'_>,
    name: &'static str,
) -> Option<Vec<T>> {
    let items = match fields.value(name)? {
        Json::Array(items) if items.len() <= T::ALL.len() => items,
        Json::Array(items) => {
            fields.too_many(name, items.len(), T::ALL.len());
            return None;
        }
        other => {
            fields.wrong_type(name, "an array of strings", &other);
            return None;
        }
    };
    let (wanted, mut words) = (items.len(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        let Some(text) = item.as_str() else {
            let detail = expected_not("a string", &item);
            fields.refuse_item(name, index, Code::WrongType, detail);
            continue;
        };
        if let Ok(word) = text.parse() {
            words.push(word);
        } else {
            let detail = expected_word(T::ALL, text);
            fields.refuse_item(name, index, Code::NotInEnumeration, detail);
        }
    }
    (words.len() == wanted).then_some(words)
}

fn take_scopes(fields: &mut Fields<'_>) -> Option<Scopes> {
    let scopes = take_string_enums::<Scope>(fields, "scopes");
    match &scopes {
        None => fields.violations().missing("/scopes", "scopes"),
        Some(scopes) if scopes.is_empty() => {
            fields.refuse("scopes", Code::Required, "a client needs at least one scope");
        }
        Some(_) => {}
    }
    scopes.map(Scopes::new)
}

/// Takes the default scopes, which must be among `scopes`, if these are known.
fn take_default_scopes(fields: &mut Fields<'_>, scopes: Option<&Scopes>) -> Option<Scopes> {
    let defaults = take_string_enums::<Scope>(fields, "default_scopes")?;
    if defaults.is_empty() {
        fields.refuse(
            "default_scopes",
            Code::Required,
            "at least one scope is required; omit the field for all of `scopes`",
        );
    }
    for (index, scope) in defaults.iter().enumerate() {
        if scopes.is_some_and(|scopes| !scopes.allows_all(&Scopes::new([*scope]))) {
            let detail = format!("`{scope}` is not among `scopes`; add it there first");
            fields.refuse_item("default_scopes", index, Code::NotAllowed, detail);
        }
    }
    Some(Scopes::new(defaults))
}

fn take_keys(fields: &mut Fields<'_>, method: AuthMethod) -> Option<KeySource> {
    let keys = match (take_jwks(fields), take_jwks_uri(fields)) {
        (Some(_), Some(_)) => {
            fields.refuse("jwks_uri", Code::NotAllowed, EITHER);
            None
        }
        (Some(jwks), None) => Some(KeySource::Jwks(jwks)),
        (None, jwks_uri) => jwks_uri.map(KeySource::JwksUri),
    };
    let said = ["/jwks", "/jwks_uri"].iter().any(|at| fields.violations().concern(at));
    if method == AuthMethod::None && keys.is_some() {
        let name = if matches!(keys, Some(KeySource::Jwks(_))) { "jwks" } else { "jwks_uri" };
        fields.refuse(
            name,
            Code::NotAllowed,
            "a public client does not authenticate; omit its keys",
        );
    }
    if method == AuthMethod::PrivateKeyJwt && keys.is_none() && !said {
        fields.refuse("jwks", Code::Required, "`private_key_jwt` needs `jwks` or `jwks_uri`");
    }
    keys
}

fn take_systems(fields: &mut Fields<'_>) -> Vec<PartyId> {
    let texts = fields.texts("systems", MAX_SYSTEMS, MAX_NAME).unwrap_or_default();
    let mut systems: Vec<PartyId> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(id) if systems.contains(&id) => {
                fields.refuse_item(
                    "systems",
                    index,
                    Code::NotUnique,
                    format!("`{id}` is listed twice"),
                );
            }
            Ok(id) => systems.push(id),
            Err(_) => {
                let detail = format!("expected the id of a system: {SHAPE}");
                fields.refuse_item("systems", index, Code::WrongFormat, detail);
            }
        }
    }
    systems
}

fn take_lifetime(fields: &mut Fields<'_>) -> i64 {
    let lives = ACCESS_TOKEN_LIVES;
    let detail =
        format!("expected a whole number of seconds from {} to {}", lives.start(), lives.end());
    match fields.value("access_token_lifetime") {
        None => return ACCESS_TOKEN_SECONDS,
        Some(Json::Number(text)) => match text.parse() {
            Ok(seconds) if lives.contains(&seconds) => return seconds,
            Ok(_) => fields.refuse("access_token_lifetime", Code::NotAllowed, detail),
            Err(_) => fields.refuse("access_token_lifetime", Code::WrongFormat, detail),
        },
        Some(_) => fields.refuse("access_token_lifetime", Code::WrongType, detail),
    }
    ACCESS_TOKEN_SECONDS
}

fn take_signing_alg(fields: &mut Fields<'_>) -> Algorithm {
    const NAME: &str = "access_token_signing_alg";
    let Some(text) = fields.text(NAME, 512) else { return super::es256() };
    SIGNING.into_iter().find(|algorithm| algorithm.name() == text).unwrap_or_else(|| {
        fields.refuse(
            NAME,
            Code::NotInEnumeration,
            expected_word(&SIGNING.map(Algorithm::name), &text),
        );
        super::es256()
    })
}

fn take_audience(fields: &mut Fields<'_>) -> Vec<String> {
    let audience = fields.texts("audience", MAX_AUDIENCES, MAX_AUDIENCE).unwrap_or_default();
    let bytes: usize = audience.iter().map(String::len).sum();
    if bytes > MAX_AUDIENCE_BYTES {
        let detail = format!("expected at most {MAX_AUDIENCE_BYTES} bytes together, found {bytes}");
        fields.refuse("audience", Code::TooLarge, detail);
    }
    for (index, name) in audience.iter().enumerate() {
        if audience.iter().take(index).any(|other| other == name) {
            fields.refuse_item(
                "audience",
                index,
                Code::NotUnique,
                format!("`{name}` is listed twice"),
            );
        } else if !is_audience(name) {
            let detail =
                "expected an absolute URI without a fragment, or a name without `:` and spaces";
            fields.refuse_item("audience", index, Code::WrongFormat, detail);
        }
    }
    audience
}

/// Whether `text` is a URI, which it must be when it has a colon (RFC 7519 §2), or a word.
fn is_audience(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c);
    let scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let absolute =
        text.split_once(':').is_none_or(|(before, rest)| scheme(before) && !rest.is_empty());
    absolute && text.chars().all(plain)
}
