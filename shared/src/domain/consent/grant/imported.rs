//! Decisions that imports bring: made before, on paper say, about versions that were in effect then
//! (rule CO-12).

use super::{Decision, DecisionInput, Speaker};
use crate::domain::consent::VersionContent;
use crate::domain::consent::record::Method;
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::PartyId;
use crate::domain::json::Json;
use crate::domain::schema::Schema;
use crate::env::Timestamp;

/// The most decisions of one row of an import.
const MAX_IMPORTED: usize = 20;

/// Reads the decisions of a row of an import: about which consent, for which audience, and what
/// (rule CO-12). They were made about versions that were in effect then.
pub fn imported(
    consents: &Json,
    schema: &Schema,
    speaker: &Speaker,
    now: Timestamp,
) -> Result<Vec<(PartyId, Option<PartyId>, Decision)>> {
    const AT: &str = "/consents";
    let mut violations = Violations::default();
    let items = match consents {
        Json::Null => return Ok(Vec::new()),
        Json::Array(items) => items,
        other => {
            violations.wrong_type(AT, "an array of consents", other);
            return violations.check(Vec::new());
        }
    };
    if items.len() > MAX_IMPORTED {
        violations.too_many(AT, items.len(), MAX_IMPORTED);
        return violations.check(Vec::new());
    }
    let mut decisions = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let at = format!("{AT}/{i}");
        let mut fields = Fields::new(item.clone(), at.clone(), &mut violations);
        fields.require("given_at");
        let given_at = fields.time("given_at");
        let input = DecisionInput::take(&mut fields, Method::Import);
        fields.finish();
        let (Some(input), Some(given_at)) = (input, given_at) else { continue };
        let input = DecisionInput { given_at: Some(given_at), ..input };
        match input.check_imported(given_at, schema, &at, now) {
            Ok(content) => {
                let decision = input.decision(content, speaker.clone(), now);
                decisions.push((input.consent, input.audience, decision));
            }
            Err(Error::Invalid(found)) => {
                for violation in found {
                    violations.add(violation.pointer, violation.code, violation.detail);
                }
            }
            Err(error) => return Err(error),
        }
    }
    violations.check(decisions)
}

impl DecisionInput {
    /// What is known of the version that an imported decision was about.
    fn check_imported<'s>(
        &self,
        given_at: Timestamp,
        schema: &'s Schema,
        at: &str,
        now: Timestamp,
    ) -> Result<Option<&'s VersionContent>> {
        let refuse = |field: &str, code, detail: String| {
            Err(Error::invalid(format!("{at}/{field}"), code, detail))
        };
        let Some(consent) = schema.consent(&self.consent) else {
            return refuse("consent", Code::NotFound, "there is no such consent".to_owned());
        };
        if self.audience.as_ref().is_some_and(|id| schema.systems.get(id.as_str()).is_none()) {
            return refuse("audience", Code::NotFound, "there is no such system".to_owned());
        }
        let Some(version) = consent.version(self.version).filter(|version| version.has_begun(now))
        else {
            let detail = "no version of this number was in effect";
            return refuse("version", Code::NotFound, detail.to_owned());
        };
        if given_at > now || given_at < version.effective_at {
            let detail = format!(
                "expected a time from {}, when the version took effect, until now",
                version.effective_at
            );
            return refuse("given_at", Code::NotAllowed, detail);
        }
        let content = version.content.as_ref();
        let terms = content.map_or(&consent.terms, |content| &content.terms);
        self.check_purposes(terms, at)?;
        let digest = content.and_then(|content| content.locales.get(self.locale.as_ref()?));
        if self.locale.is_some() && content.is_some() && digest.is_none() {
            let detail = "the version has no text in this language";
            return refuse("locale", Code::NotFound, detail.to_owned());
        }
        if let (Some(sent), Some(digest)) = (&self.text_sha256, digest)
            && sent != digest
        {
            let detail = "the text of this version has another SHA-256";
            return refuse("text_sha256", Code::NotAllowed, detail.to_owned());
        }
        Ok(content)
    }
}
