//! Authentication servers and applications, and how their subjects map to users.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::definition::{Definition, Kind};
use super::error::{Code, Error, Result, Violations};
use super::field::Fields;
use super::id::{PartyId, SubjectId, TenantId, UserId};
use super::json::{Json, Object};
use super::schema::{Collection, Schema};
use crate::object;
use crate::world::World;

/// The authentication server that every user is linked to; its subject is the username.
pub const SYSTEM: &str = "system";

/// How the subjects of a server or an application are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectType {
    /// The subject is the preferred e-mail address of exactly one user.
    Email,
    /// The subject is the user's id.
    Userid,
    /// The subject is the username.
    Username,
    /// The subject is what a mapping says.
    Predefined,
}

impl SubjectType {
    const NAMES: [(Self, &'static str); 4] = [
        (Self::Email, "email"),
        (Self::Userid, "userid"),
        (Self::Username, "username"),
        (Self::Predefined, "predefined"),
    ];
}

impl fmt::Display for SubjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for SubjectType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::NAMES.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind).ok_or(())
    }
}

/// An identity provider whose subjects map to users, and whose tokens may be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationServer {
    /// The id, chosen by the caller.
    pub id: PartyId,
    /// The name on screens.
    pub name: String,
    /// How its subjects are found.
    pub subject_type: SubjectType,
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
    /// Which claim feeds which field: field by claim name.
    pub claims: BTreeMap<String, String>,
    /// Which provider wins when several feed one profile: the lowest number.
    pub priority: u32,
}

/// A service provider that knows users by subjects of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The id, chosen by the caller.
    pub id: PartyId,
    /// The name on screens.
    pub name: String,
    /// How its subjects are found.
    pub subject_type: SubjectType,
}

const MAX_TEXT: usize = 1024;

fn take_id<'a>(
    fields: &mut Fields<'_>,
    current: Option<&PartyId>,
    mut others: impl Iterator<Item = &'a PartyId>,
) -> Result<Option<PartyId>> {
    if let Some(id) = current {
        fields.unchanged("id", &Json::from(id), Code::Immutable, "ids never change");
        return Ok(Some(id.clone()));
    }
    let Some(text) = fields.required_text("id", MAX_TEXT) else {
        return Ok(None);
    };
    let Ok(id) = text.parse::<PartyId>() else {
        fields.refuse("id", Code::WrongFormat, "an id that matches `^[a-z][a-z0-9-]{1,62}$` is due");
        return Ok(None);
    };
    if others.any(|other| *other == id) {
        return Err(Error::taken("id"));
    }
    Ok(Some(id))
}

fn take_subject_type(fields: &mut Fields<'_>) -> SubjectType {
    let Some(name) = fields.required_text("subject_type", MAX_TEXT) else {
        return SubjectType::Predefined;
    };
    name.parse().unwrap_or_else(|()| {
        fields.refuse("subject_type", Code::NotInEnumeration, "one of email, userid, username, predefined is due");
        SubjectType::Predefined
    })
}

fn take_claims(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let mut claims = BTreeMap::new();
    let Some(value) = fields.value("claims") else {
        return claims;
    };
    let at = fields.at("claims");
    let mut members = match value {
        Json::Object(members) => members,
        other => {
            fields.refuse("claims", Code::WrongType, format!("an object of field names is due, not {}", other.kind()));
            return claims;
        }
    };
    let names: Vec<String> = members.keys().cloned().collect();
    let object = Json::Object(std::mem::take(&mut members));
    let mut inner = Fields::new(object, at, fields.violations());
    for name in names {
        if let Some(field) = inner.text(&name, 256) {
            claims.insert(name, field);
        }
    }
    claims
}

fn take_https(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let text = fields.text(name, MAX_TEXT)?;
    let https = text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if !https || text.contains(['|', '#', ' ', '\\']) {
        fields.refuse(name, Code::WrongFormat, "an https URL without `|`, `#`, spaces and backslashes is due");
        return None;
    }
    Some(text)
}

fn take_jwks(fields: &mut Fields<'_>) -> Option<String> {
    let value = fields.value("jwks")?;
    let keys = value.as_object().and_then(|members| members.get("keys"));
    let Some(Json::Array(keys)) = keys else {
        fields.refuse("jwks", Code::WrongType, "a JWK set is due: {\"keys\": […]}");
        return None;
    };
    let private =
        keys.iter().filter_map(Json::as_object).any(|key| ["d", "k", "p", "q"].iter().any(|m| key.contains_key(*m)));
    if private {
        fields.refuse("jwks", Code::NotAllowed, "the set holds a private or symmetric key; send public keys only");
        return None;
    }
    Some(value.to_text())
}

impl Definition for AuthenticationServer {
    const KIND: Kind = Kind::Server;
    const PATH: &'static str = "/api/v1/sso/authentication-servers";
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, _world: &World) -> Result<Self> {
        if current.is_some_and(|c| c.id.as_str() == SYSTEM) {
            return Err(Error::Conflict("the authentication server `system` is built in and never changes".to_owned()));
        }
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let id = take_id(&mut fields, current.map(|c| &c.id), schema.servers.values().map(|s| &s.id))?;
        let name = fields.required_text("name", MAX_TEXT);
        let subject_type = take_subject_type(&mut fields);
        let issuer = take_https(&mut fields, "issuer");
        let audience = fields.text("audience", MAX_TEXT);
        let jwks = take_jwks(&mut fields);
        let jwks_uri = take_https(&mut fields, "jwks_uri");
        if jwks.is_some() && jwks_uri.is_some() {
            fields.refuse("jwks_uri", Code::NotAllowed, "either `jwks` or `jwks_uri` is due, not both");
        }
        let tenant_claim = fields.text("tenant_claim", 64).unwrap_or_else(|| "tenant".to_owned());
        let claims = take_claims(&mut fields);
        let priority = take_priority(&mut fields);
        let taken = issuer.as_ref().is_some_and(|issuer| {
            schema.servers.values().any(|s| s.issuer.as_ref() == Some(issuer) && Some(&s.id) != id.as_ref())
        });
        fields.finish();
        violations.check(())?;
        match (id, name) {
            _ if taken => Err(Error::taken("issuer")),
            (Some(id), Some(name)) => {
                Ok(Self { id, name, subject_type, issuer, audience, jwks, jwks_uri, tenant_claim, claims, priority })
            }
            _ => Err(Error::unexpected("a server without violations has an id and a name")),
        }
    }

    fn show(&self) -> Object {
        let jwks = self.jwks.as_ref().and_then(|text| Json::parse(text.as_bytes()).ok());
        let claims: Object = self.claims.iter().map(|(claim, field)| (claim.clone(), Json::from(field))).collect();
        object! {
            "id" => &self.id,
            "name" => &self.name,
            "subject_type" => self.subject_type.to_string(),
            "issuer" => self.issuer.clone(),
            "audience" => self.audience.clone(),
            "jwks" => jwks,
            "jwks_uri" => self.jwks_uri.clone(),
            "tenant_claim" => &self.tenant_claim,
            "claims" => claims,
            "priority" => u64::from(self.priority),
        }
    }

    fn matches(&self, _filter: &str, value: &str) -> bool {
        self.name == value
    }

    fn removable(&self, _schema: &Schema) -> Result<()> {
        if self.id.as_str() == SYSTEM {
            return Err(Error::InUse("the authentication server `system` is built in".to_owned()));
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

fn take_priority(fields: &mut Fields<'_>) -> u32 {
    match fields.value("priority") {
        None => 0,
        Some(Json::Number(text)) if text.parse::<u32>().is_ok() => text.parse().unwrap_or_default(),
        Some(_) => {
            fields.refuse("priority", Code::WrongType, "a whole number from 0 is due; the lowest wins");
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
            issuer: None,
            audience: None,
            jwks: None,
            jwks_uri: None,
            tenant_claim: "tenant".to_owned(),
            claims: BTreeMap::new(),
            priority: 0,
        })
    }
}

impl Definition for Application {
    const KIND: Kind = Kind::Application;
    const PATH: &'static str = "/api/v1/sso/applications";
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, _world: &World) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let id = take_id(&mut fields, current.map(|c| &c.id), schema.applications.values().map(|a| &a.id))?;
        let name = fields.required_text("name", MAX_TEXT);
        let subject_type = take_subject_type(&mut fields);
        fields.finish();
        violations.check(())?;
        match (id, name) {
            (Some(id), Some(name)) => Ok(Self { id, name, subject_type }),
            _ => Err(Error::unexpected("an application without violations has an id and a name")),
        }
    }

    fn show(&self) -> Object {
        object! { "id" => &self.id, "name" => &self.name, "subject_type" => self.subject_type.to_string() }
    }

    fn matches(&self, _filter: &str, value: &str) -> bool {
        self.name == value
    }

    fn removable(&self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.applications
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.applications
    }
}

/// Which side a subject belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A subject of an authentication server.
    Server,
    /// A subject of an application.
    Application,
}

impl Side {
    /// The field that names the server or the application.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Server => "authentication_server_id",
            Self::Application => "application_id",
        }
    }
}

/// One mapping: a server or an application knows this user by this subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The id; a function of side, server or application, and subject.
    pub id: SubjectId,
    /// Which side it belongs to.
    pub side: Side,
    /// The server or application.
    pub party: PartyId,
    /// What that side calls the user.
    pub subject: String,
    /// The user.
    pub user: UserId,
}

impl Subject {
    /// Reads a mapping; whether the server or application and the user exist is for the caller to see.
    pub fn read(document: Json, side: Side, tenant: &TenantId) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let party = fields.required_text(side.field(), MAX_TEXT);
        let subject = fields.required_text("subject", MAX_TEXT);
        let user = fields.required_text("user_id", MAX_TEXT);
        fields.finish();
        violations.check(())?;
        let missing = |field: &str| {
            Error::invalid(format!("/{field}"), Code::NotFound, format!("`{field}` names nothing that exists"))
        };
        let party: PartyId = party.as_deref().and_then(|id| id.parse().ok()).ok_or_else(|| missing(side.field()))?;
        let user: UserId = user.as_deref().and_then(|id| id.parse().ok()).ok_or_else(|| missing("user_id"))?;
        if side == Side::Server && party.as_str() == SYSTEM {
            let detail = "the subject at `system` is the username; it is computed and not mapped";
            return Err(Error::invalid("/authentication_server_id", Code::NotAllowed, detail));
        }
        let subject = subject.unwrap_or_default();
        Ok(Self { id: Self::id(tenant, side, &party, &subject), side, party, subject, user })
    }

    /// The id of the mapping of `subject`: equal subjects have equal ids, so the id is what makes a subject unique and what
    /// finds it.
    #[must_use]
    pub fn id(tenant: &TenantId, side: Side, party: &PartyId, subject: &str) -> SubjectId {
        let hash = digest(&SHA256, format!("{tenant}#{}#{party}#{subject}", side.field()).as_bytes());
        let bytes = hash.as_ref().first_chunk::<16>().copied().unwrap_or_default();
        SubjectId::new(Uuid::new_v8(bytes))
    }

    /// The document that callers see.
    #[must_use]
    pub fn show(&self) -> Object {
        object! {
            "id" => self.id,
            self.side.field() => &self.party,
            "subject" => &self.subject,
            "user_id" => self.user,
        }
    }
}
