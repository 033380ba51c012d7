//! Definitions: which attributes and personas a tenant's profiles may hold, and the one shape all
//! definitions share.

mod attribute;
mod built_in;
mod category;
mod persona;
mod policy;
mod predefined;
mod profile;
mod properties;
mod workflow;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::attribute::AttributeDefinition;
pub use self::built_in::BuiltInPersona;
pub use self::category::{COMMON, Category};
pub use self::persona::PersonaDefinition;
pub(super) use self::persona::take_all_attributes;
pub use self::policy::{ApprovalPolicy, PolicySubject};
pub use self::predefined::Predefined;
pub use self::profile::UserProfileDefinition;
pub use self::properties::{DataFormat, DerivedBy, Raise, Search};
pub use self::workflow::{MAX_SCRIPT, Workflow};
use super::error::{Code, Result, Violations};
use super::field::Fields;
use super::id::DefinitionId;
use super::json::{Json, Object};
use super::schema::{Collection, Schema};
use super::scope::Scopes;
use crate::env::Env;

/// The kinds of configuration that live in a tenant's definitions partition; each is the prefix of
/// its sort keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DefinitionKind {
    /// Attribute categories.
    Category,
    /// Attribute definitions.
    Attribute,
    /// Persona definitions.
    Persona,
    /// The user profile definition.
    Profile,
    /// Workflows.
    Workflow,
    /// Authentication servers.
    Server,
    /// Applications.
    Application,
    /// Systems.
    System,
    /// The settings of the audit.
    Audit,
    /// Consents.
    Consent,
    /// The settings of the sign-in.
    SignIn,
}

impl DefinitionKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Category,
        Self::Attribute,
        Self::Persona,
        Self::Profile,
        Self::Workflow,
        Self::Server,
        Self::Application,
        Self::System,
        Self::Audit,
        Self::Consent,
        Self::SignIn,
    ];

    /// Why a definition that was assigned is not deleted, and what to do instead.
    #[must_use]
    pub const fn in_use(self) -> &'static str {
        match self {
            Self::Category => "the category has attributes; delete them first",
            Self::Attribute | Self::Persona => {
                "users may hold this definition; set `deprecated`, and repeat the request when the \
                 sweeper has found that no user holds it, after ten minutes or a day"
            }
            Self::Profile | Self::Workflow | Self::Audit | Self::SignIn => {
                "the definition is in use"
            }
            Self::Server | Self::Application => {
                "users have subjects or sign-ins here; it cannot be deleted"
            }
            Self::System => {
                "people have profiles in this system, or decided about consents for it; it cannot \
                 be deleted"
            }
            Self::Consent => "people have decided about this consent; retire its versions",
        }
    }

    /// The prefix in sort keys.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Category => "CATEGORY",
            Self::Attribute => "ATTRIBUTE",
            Self::Persona => "PERSONA",
            Self::Profile => "PROFILE",
            Self::Workflow => "WORKFLOW",
            Self::Server => "SERVER",
            Self::Application => "APPLICATION",
            Self::System => "SYSTEM",
            Self::Audit => "AUDIT",
            Self::Consent => "CONSENT",
            Self::SignIn => "SIGN-IN",
        }
    }
}

/// The names of a kind of definitions in operations.
#[derive(Clone, Copy, Debug)]
pub struct Noun {
    /// The singular, in snake case.
    pub one: &'static str,
    /// The plural, in snake case.
    pub many: &'static str,
    /// The singular with its article, in words.
    pub title: &'static str,
}

/// A piece of configuration that is created, listed, read, replaced, patched and deleted over HTTP.
///
/// One shape serves every kind: a whole document comes in, the rules of the kind make a value of it
/// or say all that is wrong.
pub trait Definition:
    Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + Sized + 'static
{
    /// Which kind this is.
    const KIND: DefinitionKind;
    /// The path of the collection, for its routes and for `Location`.
    const PATH: &'static str;
    /// An older path of the same collection, and its noun in the names of operations.
    const ALIAS: Option<(&'static str, Noun)> = None;
    /// The noun in the names and summaries of operations.
    const NOUN: Noun;
    /// The name of the schema in `openapi.json`.
    const SCHEMA: &'static str;
    /// Whether a PUT replaces one.
    const REPLACEABLE: bool = true;
    /// The query parameters that narrow a list.
    const FILTERS: &'static [&'static str];
    /// Whether the caller chooses the id, and not the service.
    const CHOSEN_ID: bool = false;
    /// The key of the only one of its kind, whose path names no id.
    const ONLY: Option<&'static str> = None;

    /// The id, as the path and the table carry it.
    fn key(&self) -> String;
    /// Makes a new value, or the replacement of `current`, from a whole document.
    fn read(document: Json, current: Option<&Self>, schema: &Schema, env: &Env) -> Result<Self>;
    /// The document that callers see.
    fn show(&self) -> Object;
    /// Whether the value of a list's filter matches.
    fn matches(&self, filter: &str, value: &str) -> bool;
    /// The fields that never change: a PUT that leaves them out leaves them as they are.
    fn immutable_fields(&self) -> &'static [&'static str] {
        &[]
    }
    /// The replacement of `current` to store, if users have had values of `current`; an error if
    /// those values forbid it. No user holds the values `unheld`.
    fn once_used(self, _current: &Self, _unheld: &[String]) -> Result<Self> {
        Ok(self)
    }
    /// The values that no user held at the previous version and that are still deprecated. No user
    /// can have got one since.
    fn still_unheld(&self, _unheld: &[String]) -> Vec<String> {
        Vec::new()
    }
    /// The issuer whose tokens it makes the tenant trust, and the claim of theirs that names the
    /// tenant.
    fn trusted_issuer(&self) -> Option<(&str, &str)> {
        None
    }
    /// Whether it takes no new assignments.
    fn is_deprecated(&self) -> bool {
        false
    }
    /// The scopes that people get by it.
    fn grants(&self) -> Scopes {
        Scopes::default()
    }
    /// Says why the value cannot be deleted, going by the other definitions; whether users hold it
    /// is not known here.
    fn check_removable(&self, schema: &Schema) -> Result<()>;
    /// Where the values of this kind are in a schema.
    fn collection(schema: &Schema) -> &Collection<Self>;
    /// The collection of this kind in a schema, to fill it.
    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self>;
}

/// The longest text of a definition, in bytes.
pub(super) const MAX_TEXT: usize = 1024;

/// The form of the names of categories and attributes, as a regular expression.
pub const NAME_PATTERN: &str = "^[a-z][a-z0-9-]{0,62}$";
/// The form of the names that definitions may have which the service makes, as a regular
/// expression.
pub const NAME_OR_PREDEFINED_PATTERN: &str = "^[a-z][a-z0-9_-]{0,62}$";

fn is_name(text: &str, underscores: bool) -> bool {
    text.len() <= 63
        && text.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && text.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || (underscores && b == b'_')
        })
}

/// The error message for properties that callers cannot set.
pub(super) const SET_BY_SERVICE: &str = "the service sets this field; omit it";

/// Takes the field `name`, whose form is fixed and which must be free among `others`.
pub(super) fn take_name<'a>(
    fields: &mut Fields<'_>,
    underscores: bool,
    mut others: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let name = fields.required_text("name", MAX_TEXT)?;
    if !is_name(&name, underscores) {
        let detail = if underscores {
            "use lower-case letters, digits, hyphens and underscores, starting with a letter (max. \
             63)"
        } else {
            "use lower-case letters, digits and hyphens, starting with a letter (max. 63)"
        };
        fields.refuse("name", Code::WrongFormat, detail);
        return None;
    }
    if others.any(|other| other == name) {
        fields.taken("name");
    }
    Some(name)
}

/// Opens the document of a definition whose id the service makes, once: its fields, and the id.
pub(super) fn open<'v>(
    document: Json,
    current: Option<DefinitionId>,
    env: &Env,
    violations: &'v mut Violations,
) -> (Fields<'v>, DefinitionId) {
    let mut fields = Fields::new(document, "", violations);
    keep_id(&mut fields, current.map(String::from));
    (fields, current.unwrap_or_else(|| DefinitionId::new(env.new_uuid())))
}

/// Refuses a change of the id that was given when the definition was made.
pub(super) fn keep_id(fields: &mut Fields<'_>, id: Option<String>) {
    let stored = id.map_or(Json::Null, Json::String);
    fields.unchanged(
        "id",
        &stored,
        Code::Immutable,
        "the service makes ids, and they never change; omit the field",
    );
}
