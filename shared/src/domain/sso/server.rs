//! Authentication servers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::claims::{self, ClaimTarget, take_claims};
use super::{MAX_TEXT, SubjectMatching, SubjectType, take_id};
use crate::domain::definition::{AttributeDefinition, Definition, DefinitionKind, Noun};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::PartyId;
use crate::domain::json::{Json, Object};
use crate::domain::jwk::{EITHER, take_https, take_issuers_jwks, take_jwks_uri};
use crate::domain::schema::{Collection, Schema};
use crate::env::Env;
use crate::object;

/// The authentication server that every user is linked to; its subject is the username.
pub const SYSTEM: &str = "system";

/// The claim that names the tenant unless the server says otherwise.
pub const TENANT_CLAIM: &str = "tenant";

/// An identity provider whose subjects map to users, and whose tokens may be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationServer {
    /// The id, chosen by the caller.
    pub id: PartyId,
    /// The name on screens.
    pub name: String,
    /// How its subjects are found.
    pub subject_type: SubjectType,
    /// Whether a subject that is a username may differ from it in the case of ASCII letters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignores_case: bool,
    /// The `iss` of its tokens; unique in the tenant.
    pub issuer: Option<String>,
    /// The `aud` that its tokens must name.
    pub audience: Option<String>,
    /// Its public keys (RFC 7517 §5), as JSON text.
    pub jwks: Option<String>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// The claim that names the tenant.
    pub tenant_claim: String,
    /// The claim mapping: the field of the profile by the name of the claim.
    pub claims: BTreeMap<String, String>,
    /// Which provider wins when several feed one profile: the lowest number.
    pub priority: u32,
    /// Whether addresses of its tokens are verified where no claim says whether they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub addresses_verified: bool,
}

impl Definition for AuthenticationServer {
    const KIND: DefinitionKind = DefinitionKind::Server;
    const PATH: &'static str = "/api/v1/sso/authentication-servers";
    const NOUN: Noun = Noun {
        one: "authentication_server",
        many: "authentication_servers",
        title: "an authentication server",
    };
    const SCHEMA: &'static str = "AuthenticationServer";
    const REPLACEABLE: bool = false;
    const CHOSEN_ID: bool = true;
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, _env: &Env) -> Result<Self> {
        if current.is_some_and(|c| c.id.as_str() == SYSTEM) {
            return Err(Error::Conflict(
                "the authentication server `system` is built in and cannot be changed".to_owned(),
            ));
        }
        let mut violations = Violations::default();
        let kept = kept_issuer(&document, current);
        let mut fields = Fields::new(document, "", &mut violations);
        let id =
            take_id(&mut fields, current.map(|c| &c.id), schema.servers.values().map(|s| &s.id));
        let name = fields.required_text("name", MAX_TEXT);
        let subject_type = fields.required_string_enum("subject_type");
        let ignores_case = take_matching(&mut fields) == SubjectMatching::AsciiCase;
        let issuer = if kept.is_some() {
            fields.take("issuer");
            kept
        } else {
            take_https(&mut fields, "issuer")
        };
        let audience = fields.text("audience", MAX_TEXT);
        let jwks = take_issuers_jwks(&mut fields);
        let jwks_uri = take_jwks_uri(&mut fields);
        if jwks.is_some() && jwks_uri.is_some() {
            fields.refuse("jwks_uri", Code::NotAllowed, EITHER);
        }
        let tenant_claim =
            fields.text("tenant_claim", 64).unwrap_or_else(|| TENANT_CLAIM.to_owned());
        let claims = take_claims(&mut fields, current.map(|c| &c.claims), schema);
        let priority = take_priority(&mut fields);
        let addresses_verified = fields.boolean("addresses_verified").unwrap_or_default();
        let taken = issuer.as_ref().is_some_and(|issuer| {
            schema
                .servers
                .values()
                .any(|s| s.issuer.as_ref() == Some(issuer) && Some(&s.id) != id.as_ref())
        });
        if taken {
            fields.taken("issuer");
        }
        fields.finish();
        violations.check(())?;
        match (id, name, subject_type) {
            (Some(id), Some(name), Some(subject_type)) => Ok(Self {
                id,
                name,
                subject_type,
                ignores_case,
                issuer,
                audience,
                jwks,
                jwks_uri,
                tenant_claim,
                claims,
                priority,
                addresses_verified,
            }),
            _ => Err(Error::unexpected("a server without violations has an id and a name")),
        }
    }

    fn show(&self) -> Object {
        let jwks = self.jwks.as_ref().and_then(|text| Json::parse(text.as_bytes()).ok());
        let claims: Object =
            self.claims.iter().map(|(claim, field)| (claim.clone(), Json::from(field))).collect();
        object! {
            "id" => &self.id,
            "name" => &self.name,
            "subject_type" => self.subject_type.name(),
            "subject_matching" => self.subject_matching().name(),
            "issuer" => self.issuer.clone(),
            "audience" => self.audience.clone(),
            "jwks" => jwks,
            "jwks_uri" => self.jwks_uri.clone(),
            "tenant_claim" => &self.tenant_claim,
            "claims" => claims,
            "priority" => u64::from(self.priority),
            "addresses_verified" => self.addresses_verified,
        }
    }

    fn matches(&self, _filter: &str, value: &str) -> bool {
        self.name == value
    }

    fn once_used(self, current: &Self, _unheld: &[String]) -> Result<Self> {
        if current.issuer.is_some() && self.issuer != current.issuer {
            let detail = "`issuer` cannot be changed: people who signed in are known by subject and \
                          issuer";
            return Err(Error::InUse(detail.to_owned()));
        }
        Ok(self)
    }

    fn trusted_issuer(&self) -> Option<(&str, &str)> {
        self.issuer.as_deref().map(|issuer| (issuer, self.tenant_claim.as_str()))
    }

    fn check_removable(&self, _schema: &Schema) -> Result<()> {
        if self.id.as_str() == SYSTEM {
            return Err(Error::InUse(
                "the authentication server `system` is built in and cannot be deleted".to_owned(),
            ));
        }
        Ok(())
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.servers
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.servers
    }
}

/// The issuer of the server, if the document has the same one. Its form is not checked again: the
/// issuer of the demonstration's identity provider is an `http` URL.
fn kept_issuer(document: &Json, current: Option<&AuthenticationServer>) -> Option<String> {
    let issuer = current?.issuer.as_ref()?;
    let sent = document.as_object()?.get("issuer")?.as_str()?;
    (sent == issuer).then(|| issuer.clone())
}

/// Takes how usernames are compared; without it they are compared byte by byte.
fn take_matching(fields: &mut Fields<'_>) -> SubjectMatching {
    fields.string_enum("subject_matching").unwrap_or(SubjectMatching::Exact)
}

fn take_priority(fields: &mut Fields<'_>) -> u32 {
    match fields.value("priority") {
        None => 0,
        Some(Json::Number(text)) if text.parse::<u32>().is_ok() => text.parse().unwrap_or_default(),
        Some(_) => {
            fields.refuse(
                "priority",
                Code::WrongType,
                "expected a whole number from 0 on; the lowest wins",
            );
            0
        }
    }
}

impl AuthenticationServer {
    /// The built-in server, as each tenant has it from the start.
    pub fn system() -> Result<Self> {
        Ok(Self {
            id: SYSTEM.parse().map_err(Error::unexpected)?,
            name: "Built-in identity provider".to_owned(),
            subject_type: SubjectType::Username,
            ignores_case: false,
            issuer: None,
            audience: None,
            jwks: None,
            jwks_uri: None,
            tenant_claim: TENANT_CLAIM.to_owned(),
            claims: BTreeMap::new(),
            priority: 0,
            addresses_verified: false,
        })
    }

    /// How a subject is compared with a username.
    #[must_use]
    pub const fn subject_matching(&self) -> SubjectMatching {
        if self.ignores_case { SubjectMatching::AsciiCase } else { SubjectMatching::Exact }
    }

    /// Whether a subject, which tells upper from lower case (OpenID Connect Core §2), is this
    /// username.
    #[must_use]
    pub fn subject_is(&self, subject: &str, username: &str) -> bool {
        if self.ignores_case { subject.eq_ignore_ascii_case(username) } else { subject == username }
    }

    /// The mapping of its tokens: the name of a claim, and the field of profiles that takes its
    /// value. Each field occurs once.
    pub fn mapped_claims(&self) -> impl Iterator<Item = (&str, ClaimTarget<'_>)> {
        claims::mapped_claims(&self.claims)
    }

    /// Whether a claim of its tokens is mapped to this custom attribute.
    #[must_use]
    pub fn maps_to_attribute(&self, attribute: &AttributeDefinition) -> bool {
        self.mapped_claims().any(|(_, target)| target.is(attribute))
    }
}
