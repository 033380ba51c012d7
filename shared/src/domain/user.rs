//! Users: the base profile of a person, with its personas inside.
//!
//! Every way of writing goes through one reading of a whole document. PUT sends it; PATCH merges its patch into the document
//! that callers see and sends that. What equals the stored value is accepted as it is, so non-editable fields may be sent back
//! (rule P3) and a definition that became stricter binds only what changes.

use serde::{Deserialize, Serialize};

use super::definition::Kind;
use super::error::{Code, Result, Violations};
use super::field::{Fields, pointer};
use super::id::UserId;
use super::json::{Json, Object};
use super::patch::{
    point_back, refuse_attribute_nulls, refuse_non_object, refuse_unknown_nulls, spread_attribute_values,
};
use super::persona::{self, Persona};
use super::schema::Schema;
use super::text;
use super::value::{self, Values};
use super::versioned::content;
use super::word::words;
use crate::object;
use crate::world::{Timestamp, World};

/// The most personas of one user.
pub const MAX_PERSONAS: usize = 20;
/// The most custom attributes of one user, those of its personas included.
pub const MAX_ATTRIBUTES: usize = 200;
/// The most bytes of a user's stored content.
pub const MAX_USER: usize = 200 * 1024;
const MAX_TEXT: usize = 256;

words! {
    /// Whether a person may be signed in.
    UserStatus {
        /// As usual.
        Active = "ACTIVE",
        /// Not to be let in; keeps its username.
        Blocked = "BLOCKED",
    }
}

/// The base profile of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Unique in the tenant in its case-mapped form.
    pub username: String,
    /// The customer's own id of the person; unique in the tenant.
    pub id_at_customer: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// Language tags, separated by a space.
    pub ui_locales: Option<String>,
    /// The e-mail address.
    pub preferred_email: Option<String>,
    /// Whether the e-mail address is known to be the person's.
    pub email_verified: bool,
    /// Whether the person may be signed in.
    pub status: UserStatus,
    /// Custom attributes.
    pub attributes: Values,
    /// Personas, oldest first.
    pub personas: Vec<Persona>,
    /// When the person last signed in.
    pub last_login_at: Option<Timestamp>,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
}

/// Fields that callers see and cannot write by PUT or PATCH, with what to use instead.
const NOT_EDITABLE: [(&str, &str); 8] = [
    ("id", "ids never change"),
    ("email_verified", "it follows the e-mail address and its verification"),
    ("attribute_states", "states follow the values and their verification"),
    ("personas", "personas are changed through their own routes"),
    ("status", "use the block and unblock routes"),
    ("last_login_at", "it is set when the person signs in"),
    ("created_at", "it is set by the service"),
    ("updated_at", "it is set by the service"),
];

impl User {
    /// Makes a user from a whole document: `username` is required; `id`, `email_verified` and `personas` may be imported.
    pub fn create(document: Json, schema: &Schema, world: &World) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let now = world.clock.now();
        let id = fields.parsed("id", "a UUID").unwrap_or_else(|| UserId::new(world.new_uuid()));
        let verified = fields.boolean("email_verified").unwrap_or_default();
        let personas = take_personas(&mut fields, schema, world);
        for name in ["status", "last_login_at", "created_at", "updated_at", "attribute_states"] {
            if fields.take(name).is_some() {
                fields.refuse(name, Code::NotEditable, "it is set by the service");
            }
        }
        let mut user = Self {
            id,
            username: String::new(),
            id_at_customer: None,
            family_name: None,
            given_name: None,
            ui_locales: None,
            preferred_email: None,
            email_verified: false,
            status: UserStatus::Active,
            attributes: Values::new(),
            personas,
            last_login_at: None,
            created_at: now,
            updated_at: now,
        };
        user.read_editable(&mut fields, schema);
        user.email_verified = verified;
        if verified && user.preferred_email.is_none() {
            fields.refuse("email_verified", Code::NotAllowed, "there is no `preferred_email` to be verified");
        }
        fields.finish();
        persona::check_together(&user.personas, "/personas", &mut violations);
        user.check_required(None, schema, &mut violations);
        user.check_size(&mut violations);
        violations.check(user)
    }

    /// The user after a PUT: omitted editable fields are removed, omitted non-editable ones stay.
    pub fn replace(&self, document: Json, schema: &Schema) -> Result<Self> {
        let mut violations = Violations::default();
        let user = self.read(document, schema, &mut violations);
        user.check_required(None, schema, &mut violations);
        violations.check(user)
    }

    /// The user after a PATCH (RFC 7396), which may also name attributes by their definitions (`attribute_values`).
    pub fn patch(&self, patch: Json, schema: &Schema) -> Result<Self> {
        refuse_non_object(&patch)?;
        let mut violations = Violations::default();
        let (patch, renamed) = spread_attribute_values(patch, schema, &mut violations);
        let shown = self.show(schema);
        refuse_unknown_nulls(&patch, &shown, &mut violations);
        refuse_attribute_nulls(&patch, schema, &mut violations);
        for (name, why) in NOT_EDITABLE {
            let removed = patch.as_object().and_then(|patch| patch.get(name)) == Some(&Json::Null);
            if removed && shown.get(name) != Some(&Json::Null) {
                violations.add(pointer("", name), Code::NotEditable, why);
            }
        }
        let user = self.read(Json::Object(shown).merge(&patch), schema, &mut violations);
        user.check_required(Some(self), schema, &mut violations);
        violations.check(user).map_err(|error| point_back(error, &renamed))
    }

    fn read(&self, document: Json, schema: &Schema, violations: &mut Violations) -> Self {
        let mut fields = Fields::new(document, "", violations);
        let shown = self.show(schema);
        for (name, why) in NOT_EDITABLE {
            fields.unchanged(name, shown.get(name).unwrap_or(&Json::Null), Code::NotEditable, why);
        }
        let mut user = self.clone();
        user.read_editable(&mut fields, schema);
        if user.preferred_email != self.preferred_email {
            user.email_verified = false;
        }
        fields.finish();
        user.check_size(violations);
        user
    }

    fn read_editable(&mut self, fields: &mut Fields<'_>, schema: &Schema) {
        if let Some(username) = fields.required_text("username", MAX_TEXT) {
            if text::username(&username).is_none_or(|name| name.is_empty()) && username != self.username {
                let due = "a username of RFC 8265 is due: letters, digits and ASCII signs, no spaces";
                fields.refuse("username", Code::WrongFormat, due);
            }
            self.username = username;
        }
        self.id_at_customer = fields.text("id_at_customer", MAX_TEXT);
        self.family_name = take_name(fields, "family_name", self.family_name.as_deref());
        self.given_name = take_name(fields, "given_name", self.given_name.as_deref());
        self.ui_locales = take_locales(fields);
        let email = fields.text("preferred_email", text::MAX_EMAIL);
        if let Some(email) = &email
            && text::email(email).is_none()
            && self.preferred_email.as_ref() != Some(email)
        {
            fields.refuse("preferred_email", Code::WrongFormat, "an e-mail address is due, as jan@example.org");
        }
        self.preferred_email = email;
        let attributes = fields.value("attributes");
        self.attributes = value::read(attributes, "/attributes", schema, &self.attributes, None, fields.violations());
    }

    fn check_required(&self, before: Option<&Self>, schema: &Schema, violations: &mut Violations) {
        let of_personas = schema.persona_attributes();
        for definition in schema.attributes.values().filter(|a| a.required && !of_personas.contains(&a.id)) {
            let due = before.is_none_or(|before| before.attributes.contains_key(&definition.id));
            if due && !self.attributes.contains_key(&definition.id) {
                let at = format!("/attributes/{}/{}", definition.category, definition.name);
                violations.add(at, Code::Required, format!("`{}` is required", definition.name));
            }
        }
    }

    /// Checks what only the whole user can break: the number of attributes and the size.
    pub fn check_size(&self, violations: &mut Violations) {
        let attributes = self.attributes.len() + self.personas.iter().map(|p| p.attributes.len()).sum::<usize>();
        if attributes > MAX_ATTRIBUTES {
            let detail = format!("{attributes} attributes, at most {MAX_ATTRIBUTES} are allowed");
            violations.add("/attributes", Code::TooMany, detail);
        }
        let size = content(self).len();
        if size > MAX_USER {
            violations.add(
                "",
                Code::TooLarge,
                format!("the profile takes {size} bytes, at most {MAX_USER} are allowed"),
            );
        }
    }

    /// Whether two users differ in anything that a reader can see but for the time of the change.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        Self { updated_at: other.updated_at, ..self.clone() } != *other
    }

    /// The definitions that the user holds a value or a persona of.
    pub fn held(&self) -> impl Iterator<Item = (Kind, String)> {
        let own = self.attributes.keys().map(|id| (Kind::Attribute, *id));
        let personas = self.personas.iter().flat_map(|p| {
            let attributes = p.attributes.keys().map(|id| (Kind::Attribute, *id));
            std::iter::once((Kind::Persona, p.definition)).chain(attributes)
        });
        own.chain(personas).map(|(kind, id)| (kind, id.to_string()))
    }

    /// The document that callers see.
    #[must_use]
    pub fn show(&self, schema: &Schema) -> Object {
        object! {
            "id" => self.id,
            "username" => &self.username,
            "id_at_customer" => self.id_at_customer.clone(),
            "family_name" => self.family_name.clone(),
            "given_name" => self.given_name.clone(),
            "ui_locales" => self.ui_locales.clone(),
            "preferred_email" => self.preferred_email.clone(),
            "email_verified" => self.email_verified,
            "status" => self.status.name(),
            "attributes" => value::show(&self.attributes, schema),
            "attribute_states" => Object::new(),
            "personas" => self.personas.iter().map(|p| Json::Object(p.show(schema))).collect::<Vec<_>>(),
            "last_login_at" => self.last_login_at,
            "created_at" => self.created_at,
            "updated_at" => self.updated_at,
        }
    }
}

fn take_name(fields: &mut Fields<'_>, field: &str, stored: Option<&str>) -> Option<String> {
    let name = fields.text(field, MAX_TEXT)?;
    if text::folded(&name).is_none() && stored != Some(&name) {
        fields.refuse(field, Code::WrongFormat, "the text has characters that no name has");
        return None;
    }
    Some(name)
}

fn take_locales(fields: &mut Fields<'_>) -> Option<String> {
    let text = match fields.value("ui_locales")? {
        Json::String(text) => text,
        Json::Array(items) if items.is_empty() => return None,
        Json::Array(items)
            if items
                .iter()
                .all(|item| item.as_str().is_some_and(|tag| !tag.is_empty() && !tag.contains([' ', ',']))) =>
        {
            items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" ")
        }
        other => {
            let detail = format!("a string or an array of language tags is due, not {}", other.kind());
            fields.refuse("ui_locales", Code::WrongType, detail);
            return None;
        }
    };
    if text.len() > MAX_TEXT {
        fields.refuse("ui_locales", Code::TooLong, format!("{} bytes, at most {MAX_TEXT} are allowed", text.len()));
        return None;
    }
    let locales = text::locales(&text);
    if locales.is_none() {
        fields.refuse("ui_locales", Code::WrongFormat, "BCP 47 language tags are due, as fr-BE nl-BE");
    }
    locales
}

fn take_personas(fields: &mut Fields<'_>, schema: &Schema, world: &World) -> Vec<Persona> {
    let at = fields.at("personas");
    match fields.value("personas") {
        None => Vec::new(),
        Some(Json::Array(items)) if items.len() <= MAX_PERSONAS => items
            .into_iter()
            .enumerate()
            .filter_map(|(i, item)| {
                Persona::create(item, &format!("{at}/{i}"), None, schema, world, fields.violations())
            })
            .collect(),
        Some(Json::Array(items)) => {
            let detail = format!("{} personas, at most {MAX_PERSONAS} are allowed", items.len());
            fields.refuse("personas", Code::TooMany, detail);
            Vec::new()
        }
        Some(other) => {
            fields.refuse("personas", Code::WrongType, format!("an array of personas is due, not {}", other.kind()));
            Vec::new()
        }
    }
}
