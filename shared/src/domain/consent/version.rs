//! Versions of a consent: the texts that people read, and from when on.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::content::VersionContent;
use super::terms::Terms;
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::{Fields, TIME};
use crate::domain::https_url::HttpsUrl;
use crate::domain::json::{Json, Object};
use crate::domain::string_enum::string_enum;
use crate::domain::text::{self, hex};
use crate::domain::versioned::{Tag, Versioned};
use crate::env::Timestamp;
use crate::object;

/// The most versions of one consent.
pub const MAX_VERSIONS: usize = 100;
/// The most bytes of all texts of a version.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;
const MAX_LOCALES: usize = 50;
const MAX_TITLE: usize = 256;
const MAX_URI: usize = 2048;

string_enum! {
    /// What became of a version.
    VersionStatus {
        /// Its time has not come.
        Draft = "DRAFT",
        /// People are asked for it. It never changes.
        Effective = "EFFECTIVE",
        /// A later one took its place, or it was retired.
        Retired = "RETIRED",
    }
}

/// What a version asks of those who agreed to an earlier one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reconsent {
    /// Nothing.
    #[default]
    None,
    /// They have to agree anew from the time of the version on.
    Required,
    /// They have to agree anew until this time.
    By(Timestamp),
}

impl Reconsent {
    fn take(fields: &mut Fields<'_>) -> Self {
        const FIELD: &str = "reconsent";
        let at = fields.at(FIELD);
        match fields.value(FIELD) {
            None => Self::None,
            Some(Json::String(word)) if word == "none" => Self::None,
            Some(Json::String(word)) if word == "required" => Self::Required,
            Some(value @ Json::Object(_)) => {
                let mut inner = Fields::new(value, at, fields.violations());
                let by = inner.time("by");
                if by.is_none() {
                    inner.refuse("by", Code::Required, format!("expected {TIME}"));
                }
                inner.finish();
                by.map_or(Self::None, Self::By)
            }
            Some(_) => {
                let detail = "expected `none`, `required` or `{\"by\": <time>}`";
                fields.refuse(FIELD, Code::WrongFormat, detail);
                Self::None
            }
        }
    }

    /// As callers see it.
    #[must_use]
    pub fn show(self) -> Json {
        match self {
            Self::None => Json::from("none"),
            Self::Required => Json::from("required"),
            Self::By(time) => Json::Object(object! { "by" => time }),
        }
    }
}

/// A version as every function knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentVersion {
    /// Its number, from 1 on.
    pub number: u32,
    /// From when on people are asked for it.
    pub effective_at: Timestamp,
    /// What it asks of those who agreed before.
    pub reconsent: Reconsent,
    /// When it was retired by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// What people agree to; nothing, if it was retired before its time.
    pub content: VersionContent,
}

impl ConsentVersion {
    /// Whether it was retired before its time: it never was in effect and never will be.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.retired_at.is_some_and(|retired_at| retired_at < self.effective_at)
    }

    /// Whether it is or was in effect: one that was retired before its time never was.
    #[must_use]
    pub fn has_begun(&self, now: Timestamp) -> bool {
        self.effective_at <= now && !self.is_dropped()
    }

    /// The line of a list of versions.
    #[must_use]
    pub fn show(&self, status: VersionStatus) -> Object {
        object! {
            "version" => u64::from(self.number),
            "status" => status.name(),
            "effective_at" => self.effective_at,
            "reconsent" => self.reconsent.show(),
            "retired_at" => self.retired_at,
        }
    }
}

/// The text of a version in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocaleText {
    /// The title.
    pub title: String,
    /// The text, if it is kept here.
    pub text: Option<String>,
    /// Where the text is, if it is kept elsewhere.
    pub uri: Option<String>,
    /// Its media type.
    pub media_type: String,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// The texts of a version, in an item of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentText {
    /// The number of the version.
    pub number: u32,
    /// The text of each locale.
    pub locales: BTreeMap<String, LocaleText>,
    /// The terms as they were when the version was made.
    pub terms: Terms,
    /// When the version was made.
    pub created_at: Timestamp,
}

impl ConsentText {
    /// What every function knows of it.
    #[must_use]
    pub fn content(&self) -> VersionContent {
        let digest = |(locale, text): (&String, &LocaleText)| (locale.clone(), text.sha256.clone());
        VersionContent {
            locales: self.locales.iter().map(digest).collect(),
            ..VersionContent::of(&self.terms)
        }
    }

    /// The tag of a version with its texts.
    #[must_use]
    pub fn tag(&self, version: &ConsentVersion, status: VersionStatus) -> Tag {
        let retired = version.retired_at.map(|at| at.to_string()).unwrap_or_default();
        let text = Versioned::first(self.clone());
        Tag::of(format!("{}\n{status}\n{retired}", text.tag()).as_bytes(), 0)
    }

    /// The document that callers see of the version.
    #[must_use]
    pub fn show(&self, version: &ConsentVersion, status: VersionStatus) -> Object {
        let locales: Object = self
            .locales
            .iter()
            .map(|(locale, text)| {
                let shown = object! {
                    "title" => &text.title,
                    "text" => text.text.clone(),
                    "uri" => text.uri.clone(),
                    "media_type" => &text.media_type,
                    "sha256" => &text.sha256,
                };
                (locale.clone(), Json::Object(shown))
            })
            .collect();
        let mut shown = version.show(status);
        shown.insert("locales".to_owned(), Json::Object(locales));
        shown.insert("terms".to_owned(), Json::Object(self.terms.show()));
        shown.insert("created_at".to_owned(), Json::from(self.created_at));
        shown
    }
}

/// A version that somebody wants to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionInput {
    locales: BTreeMap<String, LocaleText>,
    effective_at: Option<Timestamp>,
    reconsent: Reconsent,
}

impl VersionInput {
    /// Reads the body of a request.
    pub fn read(body: Json) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(body, "", &mut violations);
        let locales = take_locales(&mut fields);
        let effective_at = fields.time("effective_at");
        let reconsent = Reconsent::take(&mut fields);
        fields.finish();
        violations.check(Self { locales, effective_at, reconsent })
    }

    /// The version, with what follows the last one of the consent.
    #[must_use]
    pub fn version(
        &self,
        last: Option<&ConsentVersion>,
        terms: &Terms,
        now: Timestamp,
    ) -> (ConsentVersion, ConsentText) {
        let number = last.map_or(0, |last| last.number) + 1;
        let text = ConsentText {
            number,
            locales: self.locales.clone(),
            terms: terms.clone(),
            created_at: now,
        };
        let version = ConsentVersion {
            number,
            effective_at: self.effective_at.unwrap_or(now),
            reconsent: self.reconsent,
            retired_at: None,
            content: text.content(),
        };
        (version, text)
    }
}

fn take_locales(fields: &mut Fields<'_>) -> BTreeMap<String, LocaleText> {
    const FIELD: &str = "locales";
    let at = fields.at(FIELD);
    let members = match fields.value(FIELD) {
        Some(Json::Object(members)) if !members.is_empty() => members,
        Some(Json::Object(_)) | None => {
            fields.refuse(FIELD, Code::Required, "expected a text in at least one language");
            return BTreeMap::new();
        }
        Some(other) => {
            fields.wrong_type(FIELD, "an object `{\"<language tag>\": {…}}`", &other);
            return BTreeMap::new();
        }
    };
    if members.len() > MAX_LOCALES {
        fields.too_many(FIELD, members.len(), MAX_LOCALES);
        return BTreeMap::new();
    }
    let mut locales = BTreeMap::new();
    let mut bytes = 0;
    for (locale, value) in members {
        let at = crate::domain::field::pointer(&at, &locale);
        let Some(tag) = text::locales(&locale).filter(|tag| !tag.contains(' ')) else {
            let detail = "expected a language tag, e.g. `en` or `nl-BE`";
            fields.violations().add(at, Code::WrongFormat, detail);
            continue;
        };
        let mut inner = Fields::new(value, at.clone(), fields.violations());
        let text = take_text(&mut inner);
        inner.finish();
        bytes += text.as_ref().and_then(|text| text.text.as_ref()).map_or(0, String::len);
        if let Some(text) = text
            && locales.insert(tag, text).is_some()
        {
            fields.violations().add(at, Code::NotAllowed, "this language is sent twice");
        }
    }
    if bytes > MAX_TEXT_BYTES {
        let detail = format!(
            "expected at most {MAX_TEXT_BYTES} bytes of texts, found {bytes}; send `uri` and \
             `sha256` instead"
        );
        fields.refuse(FIELD, Code::TooLarge, detail);
    }
    locales
}

/// Takes the text of one language: the text itself, or where it is and its digest.
fn take_text(fields: &mut Fields<'_>) -> Option<LocaleText> {
    let title = fields.required_text("title", MAX_TITLE);
    let text = take_prose(fields);
    let uri = take_uri(fields, "uri");
    let media_type = fields.text("media_type", MAX_TITLE);
    let sha256 = take_digest(fields, "sha256");
    let (text, sha256) = match (text, &uri, sha256) {
        (Some(text), None, sent) => {
            let found = hex(digest(&SHA256, text.as_bytes()).as_ref());
            if sent.is_some_and(|sent| sent != found) {
                fields.refuse("sha256", Code::NotAllowed, "the text has another SHA-256");
            }
            (Some(text), found)
        }
        (None, Some(_), Some(sha256)) => (None, sha256),
        (None, Some(_), None) => {
            fields.refuse("sha256", Code::Required, "`sha256` is required beside `uri`");
            return None;
        }
        (Some(_), Some(_), _) => {
            fields.refuse("uri", Code::NotAllowed, "send either `text` or `uri`");
            return None;
        }
        (None, None, _) => {
            fields.refuse("text", Code::Required, "send either `text` or `uri`");
            return None;
        }
    };
    let media_type = media_type.unwrap_or_else(|| "text/plain".to_owned());
    Some(LocaleText { title: title?, text, uri, media_type, sha256 })
}

/// Takes the text that people read, which has lines.
fn take_prose(fields: &mut Fields<'_>) -> Option<String> {
    match fields.value("text")? {
        Json::String(text) if text.trim().is_empty() => {
            fields.refuse("text", Code::WrongFormat, "must not be empty");
            None
        }
        Json::String(text) if text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) => {
            let detail = "must not contain control characters other than line breaks and tabs";
            fields.refuse("text", Code::WrongFormat, detail);
            None
        }
        Json::String(text) => Some(text),
        other => {
            fields.wrong_type("text", "a string", &other);
            None
        }
    }
}

/// Takes an https URL.
pub(super) fn take_uri(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let uri = fields.text(name, MAX_URI)?;
    match HttpsUrl::parse(&uri) {
        Ok(_) => Some(uri),
        Err(why) => {
            fields.refuse(name, Code::WrongFormat, why);
            None
        }
    }
}

/// Takes a SHA-256 in hexadecimal digits.
pub(super) fn take_digest(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let text = fields.text(name, MAX_TITLE)?.to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some(text);
    }
    fields.refuse(name, Code::WrongFormat, "expected a SHA-256: 64 hexadecimal digits");
    None
}

/// Refuses a request that names a version which is not known.
pub(super) fn unknown_version(number: u32) -> Error {
    Error::invalid("/version", Code::NotFound, format!("the consent has no version {number}"))
}
