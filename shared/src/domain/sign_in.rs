//! The writes of a sign-in to a profile: the mapped claims of the person's token, and the login.
//!
//! Claims never block a sign-in: a claim that does not fit its field is dropped, and so is a claim
//! without a mapping. A value that a machine client or the person wrote stays when its definition
//! says Override; among providers the one with the lowest priority number wins, and of equal ones
//! the last.

use super::definition::{AttributeDefinition, Predefined};
use super::error::Violations;
use super::id::{BaseId, PartyId, UserId};
use super::json::Json;
use super::schema::Schema;
use super::sso::{AuthenticationServer, ClaimTarget, SubjectType};
use super::text;
use super::user::{Origin, User};
use super::value::read_values;
use super::write_context::WriteContext;
use crate::env::Timestamp;

/// A sign-in that comes no later than this after the recorded one is recorded only if its claims
/// change the profile, in seconds.
pub const RECORDED_AFTER_SECONDS: i64 = 60;

/// The claims of a token that the server's mapping names, by the field that they are mapped to.
pub struct MappedClaims<'s> {
    server: &'s AuthenticationServer,
    fields: Vec<(ClaimTarget<'s>, Json)>,
}

/// Which claims a sign-in uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimSelection {
    /// All that fit.
    All,
    /// All but those whose value another user may hold.
    Shared,
    /// None.
    None,
}

impl<'s> MappedClaims<'s> {
    /// The claims that the server's mapping names, as `claim` finds them.
    pub fn of(server: &'s AuthenticationServer, claim: impl Fn(&str) -> Option<Json>) -> Self {
        let fields =
            server.mapped_claims().filter_map(|(name, target)| Some((target, claim(name)?)));
        Self { server, fields: fields.filter(|(_, value)| *value != Json::Null).collect() }
    }

    /// The server whose claims they are.
    #[must_use]
    pub const fn server(&self) -> &'s AuthenticationServer {
        self.server
    }

    fn value(&self, wanted: ClaimTarget<'_>) -> Option<&Json> {
        self.fields.iter().find(|(target, _)| *target == wanted).map(|(_, value)| value)
    }

    /// The verified e-mail address, in its comparable form.
    #[must_use]
    pub fn verified_email(&self) -> Option<String> {
        self.verified_address().and_then(text::email)
    }

    /// The verified e-mail address in the claims.
    #[must_use]
    pub fn verified_address(&self) -> Option<&str> {
        let verified = match self.value(ClaimTarget::EmailVerified) {
            // Some providers verify all addresses but send no claim that says so.
            None => self.server.addresses_verified,
            Some(Json::Bool(verified)) => *verified,
            // Some providers send it as text, e.g. `True`, or as a number.
            Some(Json::Number(number)) => number == "1",
            Some(other) => {
                other.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
            }
        };
        let address = self.value(ClaimTarget::Predefined(Predefined::PreferredEmail))?.as_str()?;
        (verified && text::email(address).is_some()).then_some(address)
    }

    /// Candidate usernames for a new user with this id, best first. Anyone who knows issuer and
    /// subject can compute the base profile id and may have taken it as a username. The fresh user
    /// id cannot be guessed, so the last candidate is always free.
    #[must_use]
    pub fn usernames(&self, base: &BaseId, id: UserId) -> Vec<String> {
        let preferred =
            self.value(ClaimTarget::Predefined(Predefined::Username)).and_then(Json::as_str);
        let preferred =
            preferred.and_then(|name| Predefined::Username.read(Json::from(name), None));
        let verified = self.verified_email();
        let named =
            preferred.into_iter().chain(verified.filter(|name| text::username(name).is_some()));
        named.chain([base.to_string(), id.to_string()]).collect()
    }
}

impl User {
    /// A user that is created by the sign-in of a subject, or for a later sign-in.
    #[must_use]
    pub fn of_sign_in(
        id: UserId,
        username: String,
        subject: &str,
        claims: &MappedClaims<'_>,
        selection: ClaimSelection,
        context: &WriteContext<'_>,
    ) -> Self {
        let server = claims.server;
        // A server whose subjects are usernames vouches for its own.
        let vouched =
            server.subject_type == SubjectType::Username && server.subject_is(subject, &username);
        let mut user = Self::new(id, username, context.env.clock.now());
        if !vouched {
            user.provenance
                .insert(Predefined::Username.to_string(), Origin::Server(server.id.clone()));
        }
        user.with_claims(claims, selection, context)
    }

    /// Whether a sign-in at this time is a login that is not recorded yet.
    #[must_use]
    pub fn is_login(&self, at: Timestamp) -> bool {
        self.last_login_at.is_none_or(|last| last.plus_seconds(RECORDED_AFTER_SECONDS) <= at)
    }

    /// Whether a sign-in at this time is later than all that is known of the user, so that what its
    /// claims change is news. An older token takes nothing back.
    #[must_use]
    pub fn is_older_than(&self, at: Timestamp) -> bool {
        self.last_login_at.is_none_or(|last| last < at) && self.updated_at <= at
    }

    /// Whether the e-mail address identifies the person: it was verified, or a machine client wrote
    /// it. An address from an unverified claim or from the person gives nobody a right to the
    /// profile.
    #[must_use]
    pub fn owns_address(&self) -> bool {
        self.email_verified || !self.provenance.contains_key(Predefined::PreferredEmail.name())
    }

    /// Whether the username identifies the person: a machine client wrote it, or a server whose
    /// subjects are usernames vouched for it. A username that a claim or the person chose does not.
    /// A server's subject of that name gets no right to the profile.
    #[must_use]
    pub fn owns_username(&self) -> bool {
        !self.provenance.contains_key(Predefined::Username.name())
    }

    /// The user with the values of the claims.
    #[must_use]
    pub fn with_claims(
        &self,
        claims: &MappedClaims<'_>,
        selection: ClaimSelection,
        context: &WriteContext<'_>,
    ) -> Self {
        let mut user = self.clone();
        if selection == ClaimSelection::None {
            return user;
        }
        for (target, value) in &claims.fields {
            match *target {
                // A later sign-in does not change the username. `email_verified` is set together
                // with the address.
                ClaimTarget::Predefined(Predefined::Username) | ClaimTarget::EmailVerified => {}
                ClaimTarget::Predefined(field) => {
                    user.set_predefined_from_claim(field, value, claims, selection, context.schema);
                }
                ClaimTarget::Attribute(category, name) => {
                    if let Some(definition) = context.schema.attribute_named(category, name) {
                        user.set_attribute_from_claim(
                            definition, value, claims, selection, context,
                        );
                    }
                }
            }
        }
        user.retain_verified_addresses(self);
        let address = user.preferred_email.as_deref().and_then(text::stored_email);
        if address.is_some() && address == claims.verified_email() {
            user.email_verified = true;
        }
        user
    }

    fn set_predefined_from_claim(
        &mut self,
        field: Predefined,
        value: &Json,
        claims: &MappedClaims<'_>,
        selection: ClaimSelection,
        schema: &Schema,
    ) {
        let Some(definition) = schema.predefined(field) else { return };
        let stored = self.predefined(field).map(str::to_owned);
        let unique = field == Predefined::IdAtCustomer;
        if unique && selection != ClaimSelection::All
            || !self.accepts_claim(field.name(), stored.is_some(), definition, claims, schema)
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
            // A source that repeats a value is not where the value comes from.
            if self.comparable(field) != before {
                self.provenance.insert(field.to_string(), Origin::Server(claims.server.id.clone()));
            }
        }
    }

    fn set_attribute_from_claim(
        &mut self,
        definition: &AttributeDefinition,
        value: &Json,
        claims: &MappedClaims<'_>,
        selection: ClaimSelection,
        context: &WriteContext<'_>,
    ) {
        let key = definition.id.to_string();
        let stored = self.attributes.get(&definition.id).cloned().unwrap_or_default();
        let unfit = definition.data_format.is_hashed()
            || definition.unique && selection != ClaimSelection::All;
        if unfit
            || !self.accepts_claim(&key, !stored.is_empty(), definition, claims, context.schema)
        {
            return;
        }
        let value = match value {
            Json::Array(_) => value.clone(),
            single => Json::Array(vec![single.clone()]),
        };
        let mut violations = Violations::default();
        let read = read_values(value, "", definition, &stored, context, &mut violations);
        if let Some(values) = read.filter(|values| violations.is_empty() && !values.is_empty()) {
            if values != stored {
                self.provenance.insert(key, Origin::Server(claims.server.id.clone()));
            }
            self.attributes.insert(definition.id, values);
        }
    }

    /// Whether the claim may set the field.
    fn accepts_claim(
        &self,
        key: &str,
        is_there: bool,
        definition: &AttributeDefinition,
        claims: &MappedClaims<'_>,
        schema: &Schema,
    ) -> bool {
        if definition.derived.is_some() || definition.approval_policy.is_some() {
            return false;
        }
        let rank = |server: &PartyId| {
            schema.servers.get(server.as_str()).map(|entry| entry.stored.value.priority)
        };
        match self.provenance.get(key) {
            Some(Origin::Server(other)) if *other != claims.server.id => {
                rank(other).is_none_or(|rank| claims.server.priority <= rank)
            }
            Some(Origin::Server(_)) => true,
            Some(Origin::Person) | None => !(is_there && definition.overrides),
        }
    }
}
