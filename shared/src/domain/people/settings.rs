//! The settings of a tenant's sign-in.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::domain::definition::{Definition, DefinitionKind, Noun};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::env::Env;
use crate::object;

/// What a tenant may choose as the fewest characters of a new password (rule G27).
pub const MINIMUM_LENGTHS: RangeInclusive<u16> = 15..=64;

/// What a tenant asks of the credentials of its people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInSettings {
    /// Whether administrators may set temporary passwords (rule G33).
    pub temporary_passwords: bool,
    /// The fewest characters of a new password. A shorter one from before stays good.
    pub minimum_password_length: u16,
}

impl Default for SignInSettings {
    fn default() -> Self {
        Self { temporary_passwords: true, minimum_password_length: *MINIMUM_LENGTHS.start() }
    }
}

impl SignInSettings {
    /// Its key among the definitions of its kind, of which it is the only one.
    pub const KEY: &'static str = "sign-in";
}

impl Definition for SignInSettings {
    const KIND: DefinitionKind = DefinitionKind::SignIn;
    const PATH: &'static str = "/identity/config/sign-in";
    const NOUN: Noun = Noun {
        one: "sign_in_settings",
        many: "sign_in_settings",
        title: "the settings of the sign-in",
    };
    const SCHEMA: &'static str = "SignInSettings";
    const FILTERS: &'static [&'static str] = &[];
    const ONLY: Option<&'static str> = Some(Self::KEY);

    fn key(&self) -> String {
        Self::KEY.to_owned()
    }

    fn read(document: Json, _current: Option<&Self>, _schema: &Schema, _env: &Env) -> Result<Self> {
        let usual = Self::default();
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let allowed = fields.boolean("temporary_passwords").unwrap_or(usual.temporary_passwords);
        let minimum = take_length(&mut fields).unwrap_or(usual.minimum_password_length);
        fields.finish();
        violations.check(Self { temporary_passwords: allowed, minimum_password_length: minimum })
    }

    fn show(&self) -> Object {
        object! {
            "temporary_passwords" => self.temporary_passwords,
            "minimum_password_length" => u64::from(self.minimum_password_length),
        }
    }

    fn matches(&self, _filter: &str, _value: &str) -> bool {
        false
    }

    fn check_removable(&self, _schema: &Schema) -> Result<()> {
        let detail = "the settings of the sign-in cannot be deleted";
        Err(Error::Conflict(detail.to_owned()))
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.sign_ins
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.sign_ins
    }
}

/// Takes the fewest characters of a new password.
fn take_length(fields: &mut Fields<'_>) -> Option<u16> {
    const NAME: &str = "minimum_password_length";
    let value = fields.value(NAME)?;
    let Json::Number(number) = &value else {
        fields.wrong_type(NAME, "a number of characters", &value);
        return None;
    };
    let length = number.parse().ok().filter(|length| MINIMUM_LENGTHS.contains(length));
    if length.is_none() {
        let (least, most) = (*MINIMUM_LENGTHS.start(), *MINIMUM_LENGTHS.end());
        let detail = format!("expected a whole number of characters from {least} to {most}");
        fields.refuse(NAME, Code::WrongFormat, detail);
    }
    length
}
