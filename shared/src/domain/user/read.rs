//! How users are read from documents.
//!
//! Every way of writing goes through one reading of a whole document. PUT sends it; PATCH merges
//! its patch into the document that callers see and sends that. A value that equals the stored one
//! is accepted unchecked. So non-editable fields may be sent back (rule P3), and a stricter
//! definition binds only values that change.

use super::{BOUND, MAX_PERSONAS, MAX_TEXT, User};
use crate::domain::consent;
use crate::domain::definition::Predefined;
use crate::domain::error::{Code, Result, Violations};
use crate::domain::field::{Fields, pointer};
use crate::domain::id::UserId;
use crate::domain::json::Json;
use crate::domain::patch::{
    merged, point_back, refuse_attribute_nulls, refuse_non_object, spread_attribute_values,
};
use crate::domain::persona::{self, Persona};
use crate::domain::text;
use crate::domain::value::{self, AttributeReader, Omitted};
use crate::domain::view::View;
use crate::domain::write_context::WriteContext;
use crate::env::Timestamp;
use crate::object;

/// Fields that callers see and cannot write by PUT or PATCH, with what to use instead.
const NOT_EDITABLE: [(&str, &str); 8] = [
    ("id", "ids never change"),
    ("email_verified", "use POST …/verify"),
    ("attribute_states", "use POST …/verify"),
    ("personas", "use the routes below …/personas"),
    ("status", "use POST …/block or …/unblock"),
    ("last_login_at", "the service sets it at each sign-in"),
    ("created_at", "the service sets it"),
    ("updated_at", "the service sets it"),
];

/// Fields that the service computes from the written values. A sent value is compared with the
/// result of the write, so that a repeat is answered as the first request (rule P3).
const FOLLOWING: [&str; 3] = ["email_verified", "attribute_states", "updated_at"];

/// Fields that are refused in the document of a new user.
const SET_BY_SERVICE: [&str; 6] =
    ["status", "last_login_at", "created_at", "updated_at", "attribute_states", BOUND];

/// Takes the field that says which attributes are bound to a consent: what the definitions say may
/// be sent back, of attributes that the document adds or removes too.
fn take_bound(fields: &mut Fields<'_>, context: &WriteContext<'_>) {
    let agrees = |path: &str, sent: &Json| {
        consent::governed(context.schema).any(|(definition, bound)| {
            let shown = context.view.shows(definition) && definition.path() == path;
            shown && Json::from(bound) == *sent
        })
    };
    match fields.value(BOUND) {
        None => {}
        Some(Json::Object(sent)) if sent.iter().all(|(path, sent)| agrees(path, sent)) => {}
        Some(_) => {
            let why = "definitions bind attributes to consents; omit this field";
            fields.refuse(BOUND, Code::NotEditable, why);
        }
    }
}

impl User {
    /// Makes a user from a whole document: `username` is required; `id`, `email_verified` and
    /// `personas` may be imported.
    pub fn create(document: Json, context: &WriteContext<'_>) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let now = context.env.clock.now();
        let id =
            fields.parsed("id", "a UUID").unwrap_or_else(|| UserId::new(context.env.new_uuid()));
        let verified = fields.boolean("email_verified").unwrap_or_default();
        let personas = take_personas(&mut fields, context);
        for name in SET_BY_SERVICE {
            fields.refuse_sent(name, Code::NotEditable, "the service sets this field; omit it");
        }
        let mut user = Self { personas, ..Self::new(id, String::new(), now) };
        user.read_editable(&mut fields, context, Omitted::Unnamed);
        user.email_verified = verified;
        if verified && user.preferred_email.is_none() {
            fields.refuse(
                "email_verified",
                Code::NotAllowed,
                "there is no `preferred_email` that could be verified; send one or omit this field",
            );
        }
        fields.finish_with(|| context.attribute_paths());
        persona::check_together(&user.personas, "/personas", &mut violations);
        user.check_required(None, context.schema, &mut violations);
        user.check_size(&mut violations);
        violations.check(user)
    }

    /// The user after a PUT: omitted editable fields are removed, omitted non-editable ones and
    /// hashed values stay.
    pub fn replace(&self, document: Json, context: &WriteContext<'_>) -> Result<Self> {
        let mut violations = Violations::default();
        let user = self.read(document, context, Omitted::Unnamed, &mut violations);
        user.check_required(None, context.schema, &mut violations);
        violations.check(user)
    }

    /// The user after a PATCH (RFC 7396), which may also name attributes by their definitions
    /// (`attribute_values`).
    pub fn patch(&self, patch: Json, context: &WriteContext<'_>) -> Result<Self> {
        let schema = context.schema;
        refuse_non_object(&patch)?;
        let mut violations = Violations::default();
        let (patch, renamed) = spread_attribute_values(patch, context, &mut violations);
        let shown = self.show_to(schema, context.view);
        refuse_attribute_nulls(&patch, context, &mut violations);
        let refused = |field: Predefined| {
            context.view.refuses(schema.predefined(field)?).map(|why| (field.name(), why))
        };
        let fixed = NOT_EDITABLE
            .map(|(name, instead)| (name, (Code::NotEditable, not_by("PATCH", name, instead))));
        let kind = (context.view == View::SelfService)
            .then(|| ("kind", (Code::ReadOnly, KIND_IS_FIXED.to_owned())));
        let fixed = fixed.into_iter().chain(kind);
        for (name, (code, why)) in fixed.chain(Predefined::ALL.into_iter().filter_map(refused)) {
            let removed = patch.as_object().and_then(|patch| patch.get(name)) == Some(&Json::Null);
            if removed && shown.get(name).is_some_and(|value| *value != Json::Null) {
                violations.add(pointer("", name), code, why);
            }
        }
        let sent =
            FOLLOWING.map(|name| (name, patch.as_object().and_then(|p| p.get(name)).cloned()));
        let mut document = merged(shown, patch);
        if let Json::Object(members) = &mut document {
            // A field that the patch does not name counts as not sent.
            for (name, sent) in sent {
                members.shift_remove(name);
                if let Some(sent) = sent.filter(|sent| *sent != Json::Null) {
                    members.insert(name.to_owned(), sent);
                }
            }
        }
        let user = self.read(document, context, Omitted::Removed, &mut violations);
        user.check_required(Some(self), schema, &mut violations);
        violations.check(user).map_err(|error| point_back(error, &renamed))
    }

    pub(super) fn read(
        &self,
        document: Json,
        context: &WriteContext<'_>,
        omitted: Omitted,
        violations: &mut Violations,
    ) -> Self {
        let mut fields = Fields::new(document, "", violations);
        let shown = self.show_to(context.schema, context.view);
        let method = if omitted == Omitted::Removed { "PATCH" } else { "PUT" };
        let mut following = Vec::new();
        for (name, instead) in NOT_EDITABLE {
            let why = not_by(method, name, instead);
            if FOLLOWING.contains(&name) {
                following.extend(fields.take(name).map(|sent| (name, sent, why)));
                continue;
            }
            fields.unchanged(name, shown.get(name).unwrap_or(&Json::Null), Code::NotEditable, &why);
        }
        take_bound(&mut fields, context);
        let mut user = self.clone();
        user.read_editable(&mut fields, context, omitted);
        user.record_provenance(self, context.view);
        let now = user.show_to(context.schema, context.view);
        for (name, sent, why) in following {
            let left = now.get(name).unwrap_or(&Json::Null);
            let agrees = match name {
                "attribute_states" => value::states_agree(&sent, left),
                "updated_at" => sent == *left || self.had_changed_at(&sent) && !user.differs(self),
                _ => sent == *left,
            };
            if !agrees {
                let new_address = name == "email_verified" && self.email_verified;
                let why = if new_address && sent == Json::Bool(true) { NEW_ADDRESS } else { &why };
                fields.refuse(name, Code::NotEditable, why);
            }
        }
        fields.finish_with(|| context.attribute_paths());
        user.check_size(violations);
        user
    }

    /// Whether the profile may have had this time of its last change: a copy that was read before
    /// the last change has.
    fn had_changed_at(&self, sent: &Json) -> bool {
        sent.as_str()
            .and_then(Timestamp::parse)
            .is_some_and(|at| (self.created_at..=self.updated_at).contains(&at))
    }

    fn read_editable(
        &mut self,
        fields: &mut Fields<'_>,
        context: &WriteContext<'_>,
        omitted: Omitted,
    ) {
        self.read_these(&Predefined::ALL, fields, context, omitted);
        if context.view == View::SelfService {
            let kind = Json::from(self.kind.name());
            fields.unchanged("kind", &kind, Code::ReadOnly, KIND_IS_FIXED);
        } else {
            self.kind = fields.string_enum("kind").unwrap_or_default();
        }
    }

    /// Takes these predefined attributes and the custom ones. A value that equals the stored one is
    /// accepted unchecked.
    pub(in crate::domain) fn read_these(
        &mut self,
        predefined: &[Predefined],
        fields: &mut Fields<'_>,
        context: &WriteContext<'_>,
        omitted: Omitted,
    ) {
        for field in predefined.iter().copied() {
            let Some(definition) = context.schema.predefined(field) else { continue };
            let stored = self.predefined(field).map(str::to_owned);
            if !context.view.shows(definition) {
                // Not there for this writer: named it is unknown, as any other field that is not
                // there.
                let detail = format!("unknown field `{field}`");
                fields.refuse_sent(field.name(), Code::Unknown, detail);
                continue;
            }
            if let Some((code, why)) = context.view.refuses(definition) {
                fields.unchanged(field.name(), &Json::from(stored), code, &why);
                continue;
            }
            let value = take_predefined(field, fields, stored.as_deref());
            self.set(field, value);
        }
        let attributes = fields.value("attributes");
        let reading = AttributeReader { context, stored: &self.attributes, allowed: None, omitted };
        self.attributes = reading.read(attributes, "/attributes", fields.violations());
    }
}

impl Predefined {
    /// Reads one value by itself; `None` when it does not fit.
    #[must_use]
    pub fn read(self, value: Json, stored: Option<&str>) -> Option<String> {
        let mut violations = Violations::default();
        let document = object! { self.name() => value };
        let read = take_predefined(
            self,
            &mut Fields::new(Json::Object(document), "", &mut violations),
            stored,
        );
        read.filter(|_| violations.is_empty())
    }
}

/// The error message for an address that is sent as verified and was never verified.
const NEW_ADDRESS: &str = "the address changes and is not verified yet; omit email_verified or send \
                           false, and use POST …/verify";

const KIND_IS_FIXED: &str = "only clients set the kind; omit the field";

/// The error message for a field that this way of writing cannot change.
fn not_by(method: &str, name: &str, instead: &str) -> String {
    format!("{name} cannot be changed by {method}; {instead}")
}

/// Takes a predefined attribute. A value that equals the stored one is accepted unchecked.
fn take_predefined(
    field: Predefined,
    fields: &mut Fields<'_>,
    stored: Option<&str>,
) -> Option<String> {
    let name = field.name();
    match field {
        Predefined::Username => {
            let username = fields.required_text(name, MAX_TEXT)?;
            if text::username(&username).is_none_or(|name| name.is_empty())
                && stored != Some(&username)
            {
                let detail = "use letters, digits and punctuation, no spaces (RFC 8265)";
                fields.refuse(name, Code::WrongFormat, detail);
            }
            Some(username)
        }
        Predefined::IdAtCustomer => {
            let id = fields.text(name, MAX_TEXT)?;
            // A column of fixed width would make a second person of the first.
            if id.trim() != id && stored != Some(&id) {
                let detail = "must not start or end with a space";
                fields.refuse(name, Code::WrongFormat, detail);
            }
            Some(id)
        }
        // A person chooses the name freely: it is folded for search, and never refused for its
        // form. Blanks around it are removed.
        Predefined::FamilyName | Predefined::GivenName => {
            let name = fields.text(name, MAX_TEXT)?;
            let kept = stored == Some(&name);
            Some(if kept { name } else { name.trim().to_owned() })
        }
        Predefined::UiLocales => take_locales(fields),
        Predefined::PreferredEmail => {
            let email = fields.text(name, text::MAX_EMAIL)?;
            if text::email(&email).is_none() && stored != Some(&email) {
                fields.refuse(name, Code::WrongFormat, text::EXPECTED_EMAIL);
            }
            Some(email)
        }
    }
}

fn take_locales(fields: &mut Fields<'_>) -> Option<String> {
    let text = match fields.value("ui_locales")? {
        Json::String(text) => text,
        Json::Array(items) if items.is_empty() => return None,
        Json::Array(items)
            if items.iter().all(|item| {
                item.as_str().is_some_and(|tag| !tag.is_empty() && !tag.contains([' ', ',']))
            }) =>
        {
            items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" ")
        }
        other => {
            fields.wrong_type("ui_locales", "a string or an array of language tags", &other);
            return None;
        }
    };
    let length = text.chars().count();
    if length > MAX_TEXT {
        let at = fields.at("ui_locales");
        fields.violations().too_long(at, length, MAX_TEXT);
        return None;
    }
    let locales = text::locales(&text);
    if locales.is_none() {
        fields.refuse(
            "ui_locales",
            Code::WrongFormat,
            "expected language tags (BCP 47), e.g. `fr-BE nl-BE`",
        );
    }
    locales
}

fn take_personas(fields: &mut Fields<'_>, context: &WriteContext<'_>) -> Vec<Persona> {
    let at = fields.at("personas");
    match fields.value("personas") {
        None => Vec::new(),
        Some(Json::Array(items)) if items.len() <= MAX_PERSONAS => items
            .into_iter()
            .enumerate()
            .filter_map(|(i, item)| {
                Persona::create(item, &format!("{at}/{i}"), None, context, fields.violations())
            })
            .collect(),
        Some(Json::Array(items)) => {
            fields.too_many("personas", items.len(), MAX_PERSONAS);
            Vec::new()
        }
        Some(other) => {
            fields.wrong_type("personas", "an array of personas", &other);
            Vec::new()
        }
    }
}
