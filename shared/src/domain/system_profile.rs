//! System profiles: a person as one system sees and knows them.
//!
//! A system profile inherits from the base profile every value that it does not override, and holds
//! the attributes that its system declares. It never tells who the person is elsewhere: no subject,
//! no issuer, no base profile id, no id of another system.

mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::read::ProfileWriteContext;
use super::client::Classifier;
use super::consent::Withheld;
use super::definition::{AttributeDefinition, DefinitionKind, Predefined, Search};
use super::error::{Code, Violations};
use super::id::{PartyId, ProfileId};
use super::json::{Json, Object};
use super::lookup::{CURRENT, EARLIER, Form, Lookup, MAX_LOOKUPS};
use super::schema::Schema;
use super::system::System;
use super::user::User;
use super::value::{self, Values};
use super::versioned::{Tag, Versioned};
use super::view::View;
use crate::env::{Env, Timestamp};
use crate::object;

/// The profile of a person in one system, beside what it inherits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemProfile {
    /// The id; random, and never given again.
    pub id: ProfileId,
    /// The system.
    pub system: PartyId,
    /// The values that replace values of the base profile.
    #[serde(default)]
    pub overrides: Overrides,
    /// The attributes that the system declares, by name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed itself.
    pub updated_at: Timestamp,
}

/// The values of a system profile that replace values of the base profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// Predefined attributes, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub predefined: BTreeMap<Predefined, String>,
    /// Custom attributes, by definition.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub attributes: Values,
}

/// A view on the profiles of a system: the system, and the attributes that the viewer may see.
#[derive(Clone, Copy)]
pub struct Viewer<'v> {
    /// The tenant's configuration.
    pub schema: &'v Schema,
    /// The system.
    pub system: &'v System,
    /// Whether inherited attributes that are hidden are there.
    pub view: View,
    /// The most sensitive of the system's own attributes that are there.
    pub most: Classifier,
}

impl Viewer<'_> {
    /// Whether the system declares an attribute of this name that is there for these eyes.
    #[must_use]
    pub fn declares(&self, name: &str) -> bool {
        self.declared().any(|declared| declared == name)
    }

    /// The names of the attributes that the system declares and that are there for these eyes.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        self.system.visible(self.most).map(|attribute| attribute.name.as_str())
    }
}

impl SystemProfile {
    /// The predefined attributes that a system profile inherits and may override.
    pub const INHERITED: [Predefined; 4] = [
        Predefined::FamilyName,
        Predefined::GivenName,
        Predefined::UiLocales,
        Predefined::PreferredEmail,
    ];

    /// A new profile that inherits everything.
    #[must_use]
    pub fn new(system: PartyId, env: &Env) -> Self {
        let now = env.clock.now();
        Self {
            id: ProfileId::new(env.random_uuid()),
            system,
            overrides: Overrides::default(),
            attributes: BTreeMap::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// The tag of the effective view: it changes with the profile itself, with the base profile and
    /// with the withheld attributes. It is a hash, because the base profile's own tag is the same for
    /// every system.
    #[must_use]
    pub fn tag(profile: &Versioned<Self>, base: &Versioned<User>, withheld: &Withheld) -> Tag {
        let mut content = format!("{}\n{}\n{}", profile.value.id, profile.tag(), base.tag());
        if !withheld.is_empty() {
            content = format!("{content}\n{}", withheld.fingerprint());
        }
        Tag::of(content.as_bytes(), 0)
    }

    /// The base profile as the system sees it: overrides replace inherited values. An address that
    /// replaces another is not verified.
    #[must_use]
    pub fn effective(&self, base: &User) -> User {
        let mut user = base.clone();
        for (field, value) in &self.overrides.predefined {
            user.set(*field, Some(value.clone()));
        }
        user.attributes.extend(self.overrides.attributes.clone());
        user.retain_verified_addresses(base);
        user
    }

    /// The look-up that finds a person whose attribute has this comparable value in this system and
    /// not in the base profile.
    #[must_use]
    pub fn lookup(system: &PartyId, attribute: impl fmt::Display, comparable: &str) -> Lookup {
        Lookup::exact(format_args!("{system}.{attribute}"), comparable)
    }

    /// The look-ups that the profile owns, one for each searchable value that it overrides; more
    /// than [`MAX_LOOKUPS`], and more than it had `before`, are a violation.
    #[must_use]
    pub fn lookups(
        &self,
        before: &Self,
        schema: &Schema,
        violations: &mut Violations,
    ) -> BTreeSet<Lookup> {
        let mut lookups = self.lookups_in(schema, &CURRENT);
        let found = lookups.len();
        if found > MAX_LOOKUPS && found > before.lookups_in(schema, &CURRENT).len() {
            let detail = format!(
                "expected at most {MAX_LOOKUPS} index entries, found {found}; override fewer \
                 searchable values"
            );
            violations.add("", Code::TooMany, detail);
        }
        if schema.forms.has_earlier() {
            let room = MAX_LOOKUPS.saturating_sub(lookups.len());
            let earlier = self.lookups_in(schema, &EARLIER);
            let earlier: Vec<_> = earlier.difference(&lookups).take(room).cloned().collect();
            lookups.extend(earlier);
        }
        lookups
    }

    fn lookups_in(&self, schema: &Schema, form: &Form) -> BTreeSet<Lookup> {
        let mut lookups = BTreeSet::new();
        for (field, value) in &self.overrides.predefined {
            let comparable = match field {
                Predefined::FamilyName | Predefined::GivenName => (form.name)(value),
                Predefined::PreferredEmail => (form.email)(value),
                Predefined::Username | Predefined::IdAtCustomer | Predefined::UiLocales => None,
            };
            lookups.extend(
                comparable.map(|comparable| Self::lookup(&self.system, field, &comparable)),
            );
        }
        for (id, values) in &self.overrides.attributes {
            let Some(definition) = schema.attribute(*id).filter(|a| a.search != Search::None)
            else {
                continue;
            };
            let comparable = values.iter().map(|value| (form.value)(value, definition.data_format));
            lookups
                .extend(comparable.map(|comparable| Self::lookup(&self.system, id, &comparable)));
        }
        lookups
    }

    /// The definitions of which the profile overrides values.
    pub fn used_definitions(&self) -> impl Iterator<Item = (DefinitionKind, String)> {
        self.overrides.attributes.keys().map(|id| (DefinitionKind::Attribute, id.to_string()))
    }

    /// The document that callers see: the effective view, and the profile's own attributes.
    #[must_use]
    pub fn show(&self, base: &User, viewer: Viewer<'_>) -> Object {
        let user = self.effective(base);
        let own = self.attributes.iter().filter(|(name, _)| viewer.declares(name));
        let own: Object =
            own.map(|(name, values)| (name.clone(), Json::from(values.clone()))).collect();
        let mut shown = object! {
            "id" => self.id,
            "tenant_id" => &viewer.schema.tenant,
            "system_id" => &self.system,
            "family_name" => user.family_name,
            "given_name" => user.given_name,
            "ui_locales" => user.ui_locales,
            "preferred_email" => user.preferred_email,
            "email_verified" => user.email_verified,
            "attributes" => value::show(&user.attributes, viewer.schema, viewer.view),
            "system_attributes" => own,
            "overrides" => self.overrides.overridden_names(viewer),
            "created_at" => self.created_at,
            "updated_at" => self.updated_at.max(base.updated_at),
        };
        for field in Self::INHERITED {
            if viewer
                .schema
                .predefined(field)
                .is_some_and(|definition| !viewer.view.shows(definition))
            {
                shown.shift_remove(field.name());
            }
        }
        shown
    }
}

impl Overrides {
    /// The overridden fields, by the names that callers use.
    fn overridden_names(&self, viewer: Viewer<'_>) -> Vec<String> {
        let ids =
            self.predefined.keys().map(|field| field.id()).chain(self.attributes.keys().copied());
        let definitions =
            ids.filter_map(|id| viewer.schema.attribute(id)).filter(|a| viewer.view.shows(a));
        definitions.map(AttributeDefinition::path).collect()
    }
}
