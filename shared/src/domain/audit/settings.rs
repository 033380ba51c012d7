//! The settings of a tenant's audit.

use serde::{Deserialize, Serialize};

use crate::domain::definition::{Definition, DefinitionKind, Noun};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::domain::string_enum::string_enum;
use crate::env::{Env, Timestamp};
use crate::object;

string_enum! {
    /// How much the audit keeps of each write.
    #[derive(Default)]
    Level {
        /// Nothing.
        Off = "off",
        /// Who did what, and which fields changed.
        Names = "names",
        /// The values too.
        #[default]
        Values = "values",
    }
}

/// How long a function may still write by settings that were changed, in seconds.
const SETTLED_SECONDS: i64 = 60;
/// How long entries are kept unless the settings say something else, in days.
const RETENTION: u32 = 400;
/// The longest retention, in days.
const MAX_RETENTION: u32 = 3650;

/// What a tenant's audit keeps, and how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditSettings {
    /// How much is kept.
    pub level: Level,
    /// How many days an entry is kept.
    pub retention_days: u32,
    /// Whether nobody may be forgotten for now.
    pub legal_hold: bool,
    /// Whether the entries of all users can be searched at once.
    pub search: bool,
    /// Since when each write has left an entry; `None` if that is not known, or if none does.
    pub since: Option<Timestamp>,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            level: Level::default(),
            retention_days: RETENTION,
            legal_hold: false,
            search: true,
            since: None,
        }
    }
}

impl AuditSettings {
    /// Its key among the definitions of its kind, of which it is the only one.
    pub const KEY: &'static str = "audit";

    /// The settings of a new tenant.
    #[must_use]
    pub fn starting(now: Timestamp) -> Self {
        Self { since: Some(now), ..Self::default() }
    }

    /// The time until which an entry of this time is kept.
    #[must_use]
    pub fn end(&self, at: Timestamp) -> Timestamp {
        at.plus_seconds(i64::from(self.retention_days) * 24 * 3600)
    }
}

impl Definition for AuditSettings {
    const KIND: DefinitionKind = DefinitionKind::Audit;
    const PATH: &'static str = "/identity/config/audit";
    const NOUN: Noun =
        Noun { one: "audit_settings", many: "audit_settings", title: "the settings of the audit" };
    const SCHEMA: &'static str = "AuditSettings";
    const FILTERS: &'static [&'static str] = &[];
    const ONLY: Option<&'static str> = Some(Self::KEY);

    fn key(&self) -> String {
        Self::KEY.to_owned()
    }

    fn read(document: Json, current: Option<&Self>, _schema: &Schema, env: &Env) -> Result<Self> {
        let usual = Self::default();
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let level = fields.string_enum("level").unwrap_or(usual.level);
        let retention_days = take_days(&mut fields).unwrap_or(usual.retention_days);
        let held = fields.boolean("legal_hold");
        if held.is_none() && current.is_some_and(|current| current.legal_hold) {
            let detail = "nobody may be forgotten for now; say with `true` or `false` whether that \
                          stays so";
            fields.refuse("legal_hold", Code::Required, detail.to_owned());
        }
        let legal_hold = held.unwrap_or(usual.legal_hold);
        let search = fields.boolean("search").unwrap_or(usual.search);
        let known = current.and_then(|current| current.since);
        let shown = known.map_or(Json::Null, |since| Json::String(since.to_string()));
        let detail = "the service sets this field; omit it";
        fields.unchanged("since", &shown, Code::Immutable, detail);
        fields.finish();
        let read = Self { level, retention_days, legal_hold, search, since: known };
        let was_on = current.is_some_and(|current| current.level != Level::Off);
        // Who saves them as they are says that each write leaves an entry from now on: an earlier
        // version of the service has written meanwhile.
        let anew = current == Some(&read);
        let since = match level {
            Level::Off => None,
            _ if was_on && known.is_some() && !anew => known,
            // Until then a function may still write by the settings that it remembers.
            _ => Some(env.clock.now().plus_seconds(SETTLED_SECONDS)),
        };
        violations.check(Self { since, ..read })
    }

    fn show(&self) -> Object {
        object! {
            "level" => self.level.name(),
            "retention_days" => u64::from(self.retention_days),
            "legal_hold" => self.legal_hold,
            "search" => self.search,
            "since" => self.since,
        }
    }

    fn matches(&self, _filter: &str, _value: &str) -> bool {
        false
    }

    fn check_removable(&self, _schema: &Schema) -> Result<()> {
        let detail = "the settings of the audit cannot be deleted";
        Err(Error::Conflict(detail.to_owned()))
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.audits
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.audits
    }
}

/// Takes the days of the retention.
fn take_days(fields: &mut Fields<'_>) -> Option<u32> {
    let value = fields.value("retention_days")?;
    let Json::Number(number) = &value else {
        fields.wrong_type("retention_days", "a number of days", &value);
        return None;
    };
    let days = number.parse().ok().filter(|days| (1..=MAX_RETENTION).contains(days));
    if days.is_none() {
        let detail = format!("expected a whole number of days from 1 to {MAX_RETENTION}");
        fields.refuse("retention_days", Code::WrongFormat, detail);
    }
    days
}
