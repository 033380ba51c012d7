//! A tenant's configuration as a whole: what one query of its definitions partition loads.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

use ring::hmac;

use super::audit::AuditSettings;
use super::consent::Consent;
use super::definition::{
    AttributeDefinition, BuiltInPersona, Category, Definition, DefinitionKind, PersonaDefinition,
    Predefined, UserProfileDefinition, Workflow,
};
use super::error::{Error, Result};
use super::id::{DefinitionId, PartyId, TenantId};
use super::people::SignInSettings;
use super::sso::{Application, AuthenticationServer};
use super::string_enum::string_enum;
use super::system::System;
use super::user::User;
use super::versioned::{Version, Versioned, WriteLog};

/// The values of one kind by their id, in the order of their ids (UUIDs of version 7: the order of
/// creation).
#[derive(Clone, Debug)]
pub struct Collection<T>(BTreeMap<String, StoredDefinition<T>>);

/// A definition as it is stored.
#[derive(Clone, Debug)]
pub struct StoredDefinition<T> {
    /// The definition with its version and tag.
    pub stored: Versioned<T>,
    /// Whether a value or persona of it was ever assigned; moves neither version nor tag.
    pub used: bool,
    /// Its deprecated values that no user holds; moves neither version nor tag.
    pub unheld: Vec<String>,
    /// Whether it is there without being stored.
    pub built_in: bool,
}

impl<T: Definition> StoredDefinition<T> {
    fn built_in(value: T) -> Self {
        Self { stored: Versioned::first(value), used: false, unheld: Vec::new(), built_in: true }
    }
}

impl<T> Default for Collection<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Collection<T> {
    /// Puts a definition in.
    pub fn insert(&mut self, key: String, entry: StoredDefinition<T>) {
        self.0.insert(key, entry);
    }

    /// The definition with this id.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&StoredDefinition<T>> {
        self.0.get(key)
    }

    fn mark(&self, key: &str) -> Option<(Version, bool)> {
        self.get(key).map(|entry| (entry.stored.version(), entry.used))
    }

    /// The definitions, without the epoch and the marks of use.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().map(|entry| &entry.stored.value)
    }

    /// The definitions whose ids come after `key`.
    pub fn after<'a>(
        &'a self,
        key: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a StoredDefinition<T>)> {
        self.0.iter().filter(move |(id, _)| id.as_str() > key)
    }
}

/// The item that each change of a definition of the tenant writes, so that changes happen one after
/// another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// The version of its item.
    pub version: Version,
    /// The ids of the last changes.
    pub log: WriteLog,
}

string_enum! {
    /// The forms of values that a tenant's index entries have (ADR 0048).
    #[derive(Default)]
    LookupForms {
        /// The current forms and, where they differ, the earlier ones. Functions of both versions
        /// search and check uniqueness by them.
        #[default]
        Both = "both",
        /// The current forms. Users may still have entries of the earlier forms, which are being
        /// deleted.
        Current = "current",
        /// The current forms alone.
        Complete = "complete",
    }
}

impl LookupForms {
    /// Whether users get entries of the earlier form too.
    #[must_use]
    pub fn has_earlier(self) -> bool {
        self == Self::Both
    }
}

/// All configuration of one tenant.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The tenant.
    pub tenant: TenantId,
    /// The partition's epoch.
    pub epoch: Option<Epoch>,
    /// Attribute categories.
    pub categories: Collection<Category>,
    /// Attribute definitions.
    pub attributes: Collection<AttributeDefinition>,
    /// Persona definitions.
    pub personas: Collection<PersonaDefinition>,
    /// The user profile definition.
    pub profiles: Collection<UserProfileDefinition>,
    /// Workflows.
    pub workflows: Collection<Workflow>,
    /// Authentication servers.
    pub servers: Collection<AuthenticationServer>,
    /// Applications.
    pub applications: Collection<Application>,
    /// Systems.
    pub systems: Collection<System>,
    /// The settings of the audit.
    pub audits: Collection<AuditSettings>,
    /// Consents.
    pub consents: Collection<Consent>,
    /// The settings of the sign-in.
    pub sign_ins: Collection<SignInSettings>,
    /// How many definitions are stored.
    pub stored: usize,
    /// How many bytes they have.
    pub bytes: usize,
    /// Whether it was compared with the table for the decision at hand.
    pub verified: bool,
    /// The forms of values that the index entries of the tenant's users have.
    pub forms: LookupForms,
    /// The key of the tenant's searchable hashes, where an attribute has them.
    pub hash_key: Option<HashKey>,
}

/// The key under which a tenant's searchable hashes are made.
#[derive(Clone)]
pub struct HashKey(hmac::Key);

impl HashKey {
    /// Derives a tenant's key from the service's.
    #[must_use]
    pub fn derive(secret: &[u8], tenant: &TenantId) -> Self {
        Self(derive(&hmac::Key::new(hmac::HMAC_SHA256, secret), tenant.as_str()))
    }

    /// The hash of a value in its comparable form, under a key of its attribute alone.
    #[must_use]
    pub fn hash(&self, attribute: DefinitionId, comparable: &str) -> hmac::Tag {
        hmac::sign(&derive(&self.0, &attribute.to_string()), comparable.as_bytes())
    }
}

fn derive(key: &hmac::Key, purpose: &str) -> hmac::Key {
    hmac::Key::new(
        hmac::HMAC_SHA256,
        hmac::sign(key, format!("searchable-hash\n{purpose}").as_bytes()).as_ref(),
    )
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

/// The predefined attributes, as long as they are unchanged.
static PREDEFINED: LazyLock<Collection<AttributeDefinition>> = LazyLock::new(|| {
    let entry = |field: Predefined| {
        (field.id().to_string(), StoredDefinition::built_in(field.definition()))
    };
    Collection(Predefined::ALL.into_iter().map(entry).collect())
});

/// The built-in persona definitions. They count as used: no user's persona has to mark them.
static PERSONAS: LazyLock<Collection<PersonaDefinition>> = LazyLock::new(|| {
    let entry = |persona: BuiltInPersona| {
        let entry = StoredDefinition::built_in(persona.definition());
        (persona.id().to_string(), StoredDefinition { used: true, ..entry })
    };
    Collection(BuiltInPersona::ALL.into_iter().map(entry).collect())
});

/// The user profile definition, as long as it is unchanged.
static PROFILE: LazyLock<Collection<UserProfileDefinition>> = LazyLock::new(|| {
    let entry = StoredDefinition::built_in(UserProfileDefinition::default());
    Collection(BTreeMap::from([(UserProfileDefinition::KEY.to_owned(), entry)]))
});

/// The settings of the audit as long as nobody changed them.
static AUDIT: LazyLock<Collection<AuditSettings>> = LazyLock::new(|| {
    let entry = StoredDefinition::built_in(AuditSettings::default());
    Collection(BTreeMap::from([(AuditSettings::KEY.to_owned(), entry)]))
});

/// The settings of the sign-in as long as nobody changed them.
static SIGN_IN: LazyLock<Collection<SignInSettings>> = LazyLock::new(|| {
    let entry = StoredDefinition::built_in(SignInSettings::default());
    Collection(BTreeMap::from([(SignInSettings::KEY.to_owned(), entry)]))
});

impl Schema {
    /// The configuration of a tenant that has only predefined definitions.
    #[must_use]
    pub fn empty(tenant: TenantId) -> Self {
        Self {
            tenant,
            epoch: None,
            categories: Collection::default(),
            attributes: PREDEFINED.clone(),
            personas: PERSONAS.clone(),
            profiles: PROFILE.clone(),
            workflows: Collection::default(),
            servers: Collection::default(),
            applications: Collection::default(),
            systems: Collection::default(),
            audits: AUDIT.clone(),
            consents: Collection::default(),
            sign_ins: SIGN_IN.clone(),
            stored: 0,
            bytes: 0,
            verified: false,
            forms: LookupForms::default(),
            hash_key: None,
        }
    }

    /// Takes the built-in persona definitions out whose names stored ones have.
    pub fn prefer_stored_personas(&mut self) {
        let entries = self.personas.0.values().filter(|entry| !entry.built_in);
        let stored: HashSet<_> = entries.map(|entry| entry.stored.value.name.clone()).collect();
        self.personas
            .0
            .retain(|_, entry| !entry.built_in || !stored.contains(&entry.stored.value.name));
    }

    /// The settings of the audit.
    #[must_use]
    pub fn audit(&self) -> AuditSettings {
        let stored = self.audits.get(AuditSettings::KEY);
        stored.map(|entry| entry.stored.value.clone()).unwrap_or_default()
    }

    /// The settings of the sign-in.
    #[must_use]
    pub fn sign_in(&self) -> SignInSettings {
        let stored = self.sign_ins.get(SignInSettings::KEY);
        stored.map(|entry| entry.stored.value).unwrap_or_default()
    }

    /// The attribute definition with this id.
    #[must_use]
    pub fn attribute(&self, id: DefinitionId) -> Option<&AttributeDefinition> {
        self.attributes.get(&id.to_string()).map(|entry| &entry.stored.value)
    }

    /// The custom attributes: all but the predefined ones, which are fields of every profile.
    pub fn custom_attributes(&self) -> impl Iterator<Item = &AttributeDefinition> {
        self.attributes.values().filter(|a| !a.system)
    }

    /// The names of the attribute categories.
    pub fn category_names(&self) -> impl Iterator<Item = &str> {
        self.categories.values().map(|category| category.name.as_str())
    }

    /// The names of the persona definitions.
    pub fn persona_names(&self) -> impl Iterator<Item = &str> {
        self.personas.values().map(|definition| definition.name.as_str())
    }

    /// The custom attribute with this name in this category.
    #[must_use]
    pub fn attribute_named(&self, category: &str, name: &str) -> Option<&AttributeDefinition> {
        self.custom_attributes().find(|a| a.category == category && a.name == name)
    }

    /// The definition of a predefined attribute.
    #[must_use]
    pub fn predefined(&self, field: Predefined) -> Option<&AttributeDefinition> {
        self.attribute(field.id())
    }

    /// The attribute whose approval policy names this persona.
    #[must_use]
    pub fn approved_by(&self, persona: &str) -> Option<&AttributeDefinition> {
        self.attributes
            .values()
            .find(|a| a.approval_policy.as_ref().is_some_and(|p| p.names_persona(persona)))
    }

    /// The persona definition with this id.
    #[must_use]
    pub fn persona(&self, id: DefinitionId) -> Option<&PersonaDefinition> {
        self.personas.get(&id.to_string()).map(|entry| &entry.stored.value)
    }

    /// The consent with this id.
    #[must_use]
    pub fn consent(&self, id: &PartyId) -> Option<&Consent> {
        self.consents.get(id.as_str()).map(|entry| &entry.stored.value)
    }

    /// The authentication server whose tokens name this issuer.
    #[must_use]
    pub fn issuer(&self, issuer: &str) -> Option<&AuthenticationServer> {
        self.servers.values().find(|server| server.issuer.as_deref() == Some(issuer))
    }

    /// The version of a definition and whether it is marked as assigned.
    #[must_use]
    pub fn mark(&self, kind: DefinitionKind, id: &str) -> Option<(Version, bool)> {
        match kind {
            DefinitionKind::Category => self.categories.mark(id),
            DefinitionKind::Attribute => self.attributes.mark(id),
            DefinitionKind::Persona => self.personas.mark(id),
            DefinitionKind::Profile => self.profiles.mark(id),
            DefinitionKind::Workflow => self.workflows.mark(id),
            DefinitionKind::Server => self.servers.mark(id),
            DefinitionKind::Application => self.applications.mark(id),
            DefinitionKind::System => self.systems.mark(id),
            DefinitionKind::Audit => self.audits.mark(id),
            DefinitionKind::Consent => self.consents.mark(id),
            DefinitionKind::SignIn => self.sign_ins.mark(id),
        }
    }

    /// Whether every definition that the user holds a value or a persona of is here.
    #[must_use]
    pub fn covers(&self, user: &User) -> bool {
        user.used_definitions().all(|(kind, id)| match kind {
            DefinitionKind::Persona => self.personas.get(&id).is_some(),
            _ => self.attributes.get(&id).is_some(),
        })
    }

    /// Says that the configuration is outdated when the user holds what it does not know: showing
    /// or merging the user by it would hide values.
    pub fn check_covers(&self, user: &User) -> Result<()> {
        if self.verified || self.covers(user) { Ok(()) } else { Err(Error::Outdated) }
    }

    /// The attributes that personas may hold; what is required of them is required there.
    #[must_use]
    pub fn persona_attributes(&self) -> HashSet<DefinitionId> {
        self.personas.values().flat_map(|p| p.attributes.iter().copied()).collect()
    }
}
