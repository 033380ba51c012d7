//! Decisions that imports bring: made before, on paper say, about versions that were in effect then
//! (rule CO-12).

use super::{Decision, DecisionInput, Speaker};
use crate::domain::consent::content::VersionContent;
use crate::domain::consent::record::Method;
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::PartyId;
use crate::domain::json::Json;
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::env::Timestamp;

/// The most decisions of one row of an import.
const MAX_IMPORTED: usize = 100;

/// Reads the decisions of a row of an import: about which consent, for which audience, and what
/// (rule CO-12). They were made about versions that were in effect then. `user` is as the row leaves
/// it; without it nobody's age is looked at.
pub fn imported(
    consents: &Json,
    user: Option<&User>,
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
        let checked = input.check_imported(given_at, schema, &at, now).and_then(|content| {
            let said = (speaker, at.as_str());
            if let Some(user) = user {
                input.check_age(content, user, schema, said, given_at)?;
            }
            Ok(content)
        });
        match checked {
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
    ) -> Result<&'s VersionContent> {
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
        // A refusal is as good later: nobody has to wait for the next version.
        let end = consent.end_of(version, now).filter(|_| self.grants());
        if given_at > now
            || given_at < version.effective_at
            || end.is_some_and(|end| given_at >= end)
        {
            let until = end.map_or_else(|| "now".to_owned(), |end| end.to_string());
            let detail = format!(
                "expected a time while the version was in effect: from {} until {until}",
                version.effective_at
            );
            return refuse("given_at", Code::NotAllowed, detail);
        }
        let content = &version.content;
        self.check_purposes(content, at)?;
        let digest = self.locale.as_ref().map(|locale| content.locales.get(locale));
        if digest == Some(None) {
            let detail = "the version has no text in this language";
            return refuse("locale", Code::NotFound, detail.to_owned());
        }
        let is_text = |sent: &String| match digest.flatten() {
            Some(digest) => sent == digest,
            None => content.locales.values().any(|digest| sent == digest),
        };
        if !self.text_sha256.as_ref().is_none_or(is_text) {
            let detail = "the text of this version has another SHA-256";
            return refuse("text_sha256", Code::NotAllowed, detail.to_owned());
        }
        Ok(content)
    }
}
