//! Users: the base profile of a person, with its personas inside.

mod read;
mod upsert;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::consent;
use super::definition::{AttributeDefinition, DefinitionKind, Predefined};
use super::error::{Code, Error, Result, Violations};
use super::field::pointer;
use super::id::{PartyId, UserId};
use super::json::{Json, Object};
use super::persona::{self, Persona};
use super::schema::Schema;
use super::string_enum::string_enum;
use super::text;
use super::value::{self, Values, VerifiedAddresses};
use super::versioned::{Version, content};
use super::view::View;
use crate::env::Timestamp;
use crate::object;

/// The most personas of one user.
pub const MAX_PERSONAS: usize = 20;
/// The most custom attributes of one user, those of its personas included.
pub const MAX_ATTRIBUTES: usize = 200;
/// The most bytes of a user's stored content.
pub const MAX_USER: usize = 200 * 1024;
/// The member of a profile that says which of its attributes are bound to a consent.
pub const BOUND: &str = "attribute_consents";
/// The longest text of a predefined attribute, in characters.
pub const MAX_TEXT: usize = 256;

string_enum! {
    /// Whether a person may be signed in.
    UserStatus {
        /// As usual.
        Active = "ACTIVE",
        /// Not to be let in; keeps its username.
        Blocked = "BLOCKED",
    }
}

string_enum! {
    /// The kind of user.
    #[derive(Default)]
    UserKind {
        /// A human being.
        #[default]
        Person = "person",
        /// A thing, such as a till or a sensor.
        Device = "device",
        /// A program.
        Application = "application",
    }
}

impl UserKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Where the value of a field comes from, if not from a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From a claim in a token of this authentication server.
    Server(PartyId),
    /// From the person, by self service.
    Person,
}

/// Where fields come from that no client wrote, by predefined name or by the id of the definition.
pub type Provenance = BTreeMap<String, Origin>;

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
    /// Whether the e-mail address is verified.
    pub email_verified: bool,
    /// Whether the person may be signed in.
    pub status: UserStatus,
    /// Whether the user is a person, a device or an application.
    #[serde(default, skip_serializing_if = "UserKind::is_usual")]
    pub kind: UserKind,
    /// Custom attributes.
    pub attributes: Values,
    /// The verified e-mail addresses among the custom attributes.
    #[serde(default, skip_serializing_if = "VerifiedAddresses::is_empty")]
    pub verified: VerifiedAddresses,
    /// The sources of fields that no client wrote; never shown.
    #[serde(rename = "sources", default, skip_serializing_if = "Provenance::is_empty")]
    pub provenance: Provenance,
    /// Personas, oldest first.
    pub personas: Vec<Persona>,
    /// When the person last signed in.
    pub last_login_at: Option<Timestamp>,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
    /// The version that ended all sessions of the person: what was signed in before it is over. An
    /// attribute of its own in the table, so that the tag does not cover it; never shown.
    #[serde(skip)]
    pub signed_out: u64,
}

impl User {
    /// A user with a username and no other values.
    #[must_use]
    pub fn new(id: UserId, username: String, now: Timestamp) -> Self {
        Self {
            id,
            username,
            id_at_customer: None,
            family_name: None,
            given_name: None,
            ui_locales: None,
            preferred_email: None,
            email_verified: false,
            status: UserStatus::Active,
            kind: UserKind::default(),
            attributes: Values::new(),
            verified: VerifiedAddresses::new(),
            provenance: Provenance::new(),
            personas: Vec::new(),
            last_login_at: None,
            created_at: now,
            updated_at: now,
            signed_out: 0,
        }
    }

    /// Whether what the sign-in of this version began is over: a session, a code, a family of
    /// refresh tokens.
    #[must_use]
    pub const fn has_signed_out(&self, user_version: Version) -> bool {
        user_version.0 < self.signed_out
    }

    /// Records where the fields come from that this view has changed since `before`, and marks new
    /// e-mail addresses as not verified.
    pub fn record_provenance(&mut self, before: &Self, view: View) {
        let predefined = Predefined::ALL
            .into_iter()
            .filter(|field| self.comparable(*field) != before.comparable(*field));
        let ids: BTreeSet<_> = self.attributes.keys().chain(before.attributes.keys()).collect();
        let custom =
            ids.into_iter().filter(|id| self.attributes.get(id) != before.attributes.get(id));
        let changed =
            predefined.map(|field| field.to_string()).chain(custom.map(ToString::to_string));
        for field in changed.collect::<Vec<_>>() {
            match view {
                View::Administrative | View::SystemOverride => self.provenance.remove(&field),
                View::SelfService => self.provenance.insert(field, Origin::Person),
            };
        }
        self.retain_verified_addresses(before);
    }

    /// Marks the e-mail addresses that `before` does not have as not verified. The same address in
    /// another case is not new.
    pub(super) fn retain_verified_addresses(&mut self, before: &Self) {
        if self.comparable(Predefined::PreferredEmail)
            != before.comparable(Predefined::PreferredEmail)
        {
            self.email_verified = false;
        }
        value::retain_verified(&mut self.verified, &self.attributes);
    }

    /// Refuses a person who is blocked.
    pub fn check_active(&self) -> Result<()> {
        if self.status == UserStatus::Blocked { Err(Error::Blocked) } else { Ok(()) }
    }

    /// The value of a predefined attribute.
    #[must_use]
    pub fn predefined(&self, field: Predefined) -> Option<&str> {
        match field {
            Predefined::Username => Some(&self.username),
            Predefined::IdAtCustomer => self.id_at_customer.as_deref(),
            Predefined::FamilyName => self.family_name.as_deref(),
            Predefined::GivenName => self.given_name.as_deref(),
            Predefined::UiLocales => self.ui_locales.as_deref(),
            Predefined::PreferredEmail => self.preferred_email.as_deref(),
        }
    }

    /// The value of a predefined attribute in the form in which it names the person: usernames and
    /// addresses without regard to case.
    #[must_use]
    pub fn comparable(&self, field: Predefined) -> Option<String> {
        let value = self.predefined(field)?;
        let comparable = match field {
            Predefined::Username => text::username(value),
            Predefined::PreferredEmail => text::stored_email(value),
            _ => None,
        };
        Some(comparable.unwrap_or_else(|| value.to_owned()))
    }

    /// Sets or removes the value of a predefined attribute; a user without a username has an empty
    /// one.
    pub(super) fn set(&mut self, field: Predefined, value: Option<String>) {
        match field {
            Predefined::Username => self.username = value.unwrap_or_default(),
            Predefined::IdAtCustomer => self.id_at_customer = value,
            Predefined::FamilyName => self.family_name = value,
            Predefined::GivenName => self.given_name = value,
            Predefined::UiLocales => self.ui_locales = value,
            Predefined::PreferredEmail => self.preferred_email = value,
        }
    }

    /// Checks that required values exist: all of them, or those that existed in `before`.
    pub fn check_required(
        &self,
        before: Option<&Self>,
        schema: &Schema,
        violations: &mut Violations,
    ) {
        let of_personas = schema.persona_attributes();
        for definition in
            schema.attributes.values().filter(|a| a.is_required() && !of_personas.contains(&a.id))
        {
            let (at, is_there): (_, &dyn Fn(&Self) -> bool) = match definition.predefined() {
                // The reader of the document reports a missing username.
                Some(Predefined::Username) => continue,
                Some(field) => {
                    (pointer("", field.name()), &move |user| user.predefined(field).is_some())
                }
                None => {
                    (definition.pointer(), &|user| user.attributes.contains_key(&definition.id))
                }
            };
            if before.is_none_or(is_there) && !is_there(self) {
                violations.missing(&at, &definition.name);
            }
        }
    }

    /// Checks what only the whole user can break: the number of attributes and the size.
    pub fn check_size(&self, violations: &mut Violations) {
        let attributes =
            self.attributes.len() + self.personas.iter().map(|p| p.attributes.len()).sum::<usize>();
        if attributes > MAX_ATTRIBUTES {
            let detail = format!(
                "expected at most {MAX_ATTRIBUTES} attributes on a user and its personas, found \
                 {attributes}"
            );
            violations.add("/attributes", Code::TooMany, detail);
        }
        let size = content(self).len();
        if size > MAX_USER {
            violations.add(
                "",
                Code::TooLarge,
                format!("expected a profile of at most {MAX_USER} bytes, found {size}"),
            );
        }
    }

    /// The user with `persona` put in place of the one with its id, or added. At most one persona
    /// stays preferred, and none may repeat another's definition and scope.
    pub fn with_persona(&self, persona: Persona) -> Result<Self> {
        let mut user = self.clone();
        let mut violations = Violations::default();
        let twin = |other: &&Persona| {
            other.id != persona.id
                && other.definition == persona.definition
                && other.scope == persona.scope
        };
        if user.personas.iter().any(|other| twin(&other)) {
            violations.taken("/scope", persona::TWIN);
        }
        if persona.preferred {
            for other in
                user.personas.iter_mut().filter(|other| other.preferred && other.id != persona.id)
            {
                other.preferred = false;
                other.rev += 1;
                other.update_tag();
            }
        }
        match user.personas.iter_mut().find(|other| other.id == persona.id) {
            Some(place) => *place = persona,
            None => user.personas.push(persona),
        }
        if user.personas.len() > MAX_PERSONAS {
            violations.add(
                "",
                Code::TooMany,
                format!("expected at most {MAX_PERSONAS} personas on a user"),
            );
        }
        violations.check(user)
    }

    /// Whether two users differ in anything that a reader can see but for the time of the change.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        let Self { updated_at, signed_out, .. } = *other;
        Self { updated_at, signed_out, ..self.clone() } != *other
    }

    /// The definitions that the user holds a value or a persona of.
    pub fn used_definitions(&self) -> impl Iterator<Item = (DefinitionKind, String)> {
        let own = self.attributes.keys().map(|id| (DefinitionKind::Attribute, *id));
        let personas = self.personas.iter().flat_map(|p| {
            let attributes = p.attributes.keys().map(|id| (DefinitionKind::Attribute, *id));
            std::iter::once((DefinitionKind::Persona, p.definition)).chain(attributes)
        });
        own.chain(personas).map(|(kind, id)| (kind, id.to_string()))
    }

    /// The document that machine clients see.
    #[must_use]
    pub fn show(&self, schema: &Schema) -> Object {
        self.show_to(schema, View::Administrative)
    }

    /// The document that a caller with this view sees.
    #[must_use]
    pub fn show_to(&self, schema: &Schema, view: View) -> Object {
        let personas = self.personas.iter().map(|p| Json::Object(p.show_to(schema, view)));
        let mut shown = object! {
            "id" => self.id,
            "username" => &self.username,
            "id_at_customer" => self.id_at_customer.clone(),
            "family_name" => self.family_name.clone(),
            "given_name" => self.given_name.clone(),
            "ui_locales" => self.ui_locales.clone(),
            "preferred_email" => self.preferred_email.clone(),
            "email_verified" => self.email_verified,
            "status" => self.status.name(),
            "kind" => self.kind.name(),
            "attributes" => value::show(&self.attributes, schema, view),
            "attribute_states" => value::show_states(&self.attributes, &self.verified, schema, view),
            "personas" => personas.collect::<Vec<_>>(),
            "last_login_at" => self.last_login_at,
            "created_at" => self.created_at,
            "updated_at" => self.updated_at,
        };
        for field in Predefined::ALL {
            if schema.predefined(field).is_some_and(|definition| !view.shows(definition)) {
                shown.shift_remove(field.name());
            }
        }
        let bound = self.bound_attributes(schema, view);
        if !bound.is_empty() {
            shown.insert(BOUND.to_owned(), Json::Object(bound));
        }
        shown
    }

    /// The attributes of the user that systems get only while the person agrees, each with the
    /// purpose to which it is bound (ADR 0062).
    fn bound_attributes(&self, schema: &Schema, view: View) -> Object {
        let held = |definition: &AttributeDefinition| match definition.predefined() {
            Some(field) => self.predefined(field).is_some(),
            None => self.attributes.contains_key(&definition.id),
        };
        consent::governed(schema)
            .filter(|(definition, _)| view.shows(definition) && held(definition))
            .map(|(definition, bound)| (definition.path(), Json::from(bound)))
            .collect()
    }
}
