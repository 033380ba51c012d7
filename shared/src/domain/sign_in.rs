//! What a sign-in makes of a profile: the claims of the person's token feed it, and the login is
//! recorded.
//!
//! Claims never stand in the way of a sign-in: one that does not fit its field is dropped, and so
//! is one that nothing is mapped to. A value that a machine client or the person wrote stays when
//! its definition says Override; among providers the one with the lowest priority number wins, and
//! of equal ones the last.

use super::definition::{AttributeDefinition, Predefined};
use super::error::Violations;
use super::id::{BaseId, PartyId, UserId};
use super::json::Json;
use super::schema::Schema;
use super::sso::{AuthenticationServer, SubjectType, Target};
use super::text;
use super::user::{Source, User};
use super::value::read_values;
use super::writing::Writing;
use crate::world::Timestamp;

/// A sign-in that comes no later than this after the recorded one is not recorded, in seconds.
pub const RECORDED_AFTER_SECONDS: i64 = 60;

/// The claims of a token that feed a profile.
pub struct Claimed<'s> {
    server: &'s AuthenticationServer,
    fields: Vec<(Target<'s>, Json)>,
}

/// Which claims are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All that fit.
    All,
    /// All but those whose value another user may hold.
    Shared,
    /// None.
    None,
}

impl<'s> Claimed<'s> {
    /// The claims that the server's mapping names, as `claim` finds them.
    pub fn of(server: &'s AuthenticationServer, claim: impl Fn(&str) -> Option<Json>) -> Self {
        let fields = server.feeds().filter_map(|(name, target)| Some((target, claim(name)?)));
        Self { server, fields: fields.filter(|(_, value)| *value != Json::Null).collect() }
    }

    /// The server whose claims they are.
    #[must_use]
    pub const fn server(&self) -> &'s AuthenticationServer {
        self.server
    }

    fn value(&self, wanted: Target<'_>) -> Option<&Json> {
        self.fields.iter().find(|(target, _)| *target == wanted).map(|(_, value)| value)
    }

    /// The e-mail address that is known to be the person's, in its comparable form.
    #[must_use]
    pub fn verified_email(&self) -> Option<String> {
        let verified = match self.value(Target::EmailVerified)? {
            Json::Bool(verified) => *verified,
            // Some providers write it as text.
            other => other.as_str() == Some("true"),
        };
        let address = self.value(Target::Predefined(Predefined::PreferredEmail))?.as_str()?;
        text::email(address).filter(|_| verified)
    }

    /// The usernames for a user with this id that is made of the token, the best first. Whoever
    /// knows issuer and subject can compute the base profile id and be called so before; nobody
    /// can the user's own id, so the last one is free.
    #[must_use]
    pub fn usernames(&self, base: &BaseId, id: UserId) -> Vec<String> {
        let preferred = self.value(Target::Predefined(Predefined::Username)).and_then(Json::as_str);
        let preferred =
            preferred.and_then(|name| Predefined::Username.read(Json::from(name), None));
        let verified = self.verified_email();
        let named =
            preferred.into_iter().chain(verified.filter(|name| text::username(name).is_some()));
        named.chain([base.to_string(), id.to_string()]).collect()
    }
}

impl User {
    /// A user that is made by the sign-in of a subject, or for one that is to come.
    #[must_use]
    pub fn of_sign_in(
        id: UserId,
        username: String,
        subject: &str,
        claimed: &Claimed<'_>,
        taken: Taken,
        writing: &Writing<'_>,
    ) -> Self {
        let server = claimed.server;
        // A server whose subjects are usernames vouches for its own.
        let vouched = server.subject_type == SubjectType::Username
            && text::username(subject) == text::username(&username);
        let mut user = Self::new(id, username, writing.world.clock.now());
        if !vouched {
            user.sources
                .insert(Predefined::Username.to_string(), Source::Server(server.id.clone()));
        }
        user.fed(claimed, taken, writing)
    }

    /// Whether a sign-in at this time is a login that is not recorded yet.
    #[must_use]
    pub fn is_login(&self, at: Timestamp) -> bool {
        self.last_login_at.is_none_or(|last| last.plus_seconds(RECORDED_AFTER_SECONDS) <= at)
    }

    /// Whether the e-mail address is the person's as far as is known: it was verified, or a machine
    /// client wrote it. One that an unverified claim or the person brought gives nobody a right
    /// to the profile.
    #[must_use]
    pub fn owns_address(&self) -> bool {
        self.email_verified || !self.sources.contains_key(Predefined::PreferredEmail.name())
    }

    /// Whether the username is the person's as far as is known: a machine client wrote it, or a
    /// server whose subjects are usernames vouched for it. One that a claim or the person chose
    /// gives nobody whom a server calls so a right to the profile.
    #[must_use]
    pub fn owns_username(&self) -> bool {
        !self.sources.contains_key(Predefined::Username.name())
    }

    /// The user with what the claims feed.
    #[must_use]
    pub fn fed(&self, claimed: &Claimed<'_>, taken: Taken, writing: &Writing<'_>) -> Self {
        let mut user = self.clone();
        if taken == Taken::None {
            return user;
        }
        for (target, value) in &claimed.fields {
            match *target {
                // The username is chosen once; whether an address is verified goes with the
                // address.
                Target::Predefined(Predefined::Username) | Target::EmailVerified => {}
                Target::Predefined(field) => {
                    user.feed_predefined(field, value, claimed, taken, writing.schema);
                }
                Target::Attribute(category, name) => {
                    if let Some(definition) = writing.schema.attribute_named(category, name) {
                        user.feed_attribute(definition, value, claimed, taken, writing);
                    }
                }
            }
        }
        user.settle_addresses(self);
        let address = user.preferred_email.as_deref().and_then(text::email);
        if address.is_some() && address == claimed.verified_email() {
            user.email_verified = true;
        }
        user
    }

    fn feed_predefined(
        &mut self,
        field: Predefined,
        value: &Json,
        claimed: &Claimed<'_>,
        taken: Taken,
        schema: &Schema,
    ) {
        let Some(definition) = schema.predefined(field) else { return };
        let stored = self.predefined(field).map(str::to_owned);
        let unique = field == Predefined::IdAtCustomer;
        if unique && taken != Taken::All
            || !self.takes(field.name(), stored.is_some(), definition, claimed, schema)
        {
            return;
        }
        let value = match (field, value) {
            // Some providers write `en_US` (OpenID Connect Core §5.1).
            (Predefined::UiLocales, Json::String(locale)) => Json::String(locale.replace('_', "-")),
            (_, value) => value.clone(),
        };
        if let Some(value) = field.read(value, stored.as_deref()) {
            let before = self.comparable(field);
            self.set(field, Some(value));
            // Whoever says the same again is not where the value comes from.
            if self.comparable(field) != before {
                self.sources.insert(field.to_string(), Source::Server(claimed.server.id.clone()));
            }
        }
    }

    fn feed_attribute(
        &mut self,
        definition: &AttributeDefinition,
        value: &Json,
        claimed: &Claimed<'_>,
        taken: Taken,
        writing: &Writing<'_>,
    ) {
        let key = definition.id.to_string();
        let stored = self.attributes.get(&definition.id).cloned().unwrap_or_default();
        let unfit = definition.data_format.is_hashed() || definition.unique && taken != Taken::All;
        if unfit || !self.takes(&key, !stored.is_empty(), definition, claimed, writing.schema) {
            return;
        }
        let value = match value {
            Json::Array(_) => value.clone(),
            single => Json::Array(vec![single.clone()]),
        };
        let mut violations = Violations::default();
        let read = read_values(value, "", definition, &stored, writing, &mut violations);
        if let Some(values) = read.filter(|values| violations.is_empty() && !values.is_empty()) {
            if values != stored {
                self.sources.insert(key, Source::Server(claimed.server.id.clone()));
            }
            self.attributes.insert(definition.id, values);
        }
    }

    /// Whether a field takes what the server's token says.
    fn takes(
        &self,
        key: &str,
        is_there: bool,
        definition: &AttributeDefinition,
        claimed: &Claimed<'_>,
        schema: &Schema,
    ) -> bool {
        if definition.derived.is_some() || definition.approval_policy.is_some() {
            return false;
        }
        let rank = |server: &PartyId| {
            schema.servers.get(server.as_str()).map(|entry| entry.stored.value.priority)
        };
        match self.sources.get(key) {
            Some(Source::Server(other)) if *other != claimed.server.id => {
                rank(other).is_none_or(|rank| claimed.server.priority <= rank)
            }
            Some(Source::Server(_)) => true,
            Some(Source::Person) | None => !(is_there && definition.overrides),
        }
    }
}
