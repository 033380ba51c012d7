//! `POST /identity/consents/check`: whether a person agrees, in one read.

use shared::domain::Json;
use shared::domain::consent::{Consent, ConsentRecord, Needs, Standing};
use shared::domain::definition::AttributeDefinition;
use shared::domain::error::{Code, Error, Result, Violations};
use shared::domain::field::Fields;
use shared::domain::id::{DefinitionId, PartyId, PurposeId, SHAPE, UserId};
use shared::domain::schema::Schema;
use shared::domain::suggest::unknown;
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};

use super::person::{known_to_system, user_name};
use super::take_purposes;

/// The most attributes of one question.
const MAX_ATTRIBUTES: usize = 100;
const MAX_TEXT: usize = 256;

/// Answers whether a person agrees.
pub(super) async fn check(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let question = Question::read(body.clone(), &schema)?;
            let audience = call.audience(question.audience)?;
            let now = call.app.env().clock.now();
            let Some(consent) = schema.consent(&question.consent) else {
                let detail = format!("there is no consent `{}`", question.consent);
                return Err(Error::invalid("/consent", Code::NotFound, detail));
            };
            let silent = consent.content_at(now).needs == Needs::OptOut;
            let records = records(&call, &schema, &question.user, consent, silent).await?;
            let asked = (&*question.purposes, &*question.attributes);
            let standing =
                Standing::check(consent, &records, audience.as_ref(), asked, &schema, now)?;
            Ok(Answer::content(standing.show()))
        })
        .await
}

/// What the person decided about the consent. Nobody can tell from the records of nobody that the
/// user exists: where silence means agreement, the user is read.
async fn records(
    call: &Call,
    schema: &Schema,
    named: &str,
    consent: &Consent,
    silent: bool,
) -> Result<Vec<ConsentRecord>> {
    let missing =
        || Error::invalid("/user", Code::NotFound, "there is no such user; send the id of one");
    let (table, tenant) = (call.app.table(), &schema.tenant);
    let user: UserId = if call.caller.grants.systems.is_empty() {
        let name = user_name(named).ok_or_else(missing)?;
        table.resolve(tenant, &name).await?.ok_or_else(missing)?
    } else {
        let name = named.parse().map_err(|_| missing())?;
        known_to_system(call, schema, &name).await?.ok_or_else(missing)?.value.id
    };
    let records = table.consents_of(tenant, user, Some(&consent.id)).await?;
    if records.is_empty() && silent && table.find_user(tenant, user).await?.is_none() {
        return Err(missing());
    }
    Ok(records.into_iter().map(|record| record.value).collect())
}

struct Question {
    user: String,
    consent: PartyId,
    audience: Option<PartyId>,
    purposes: Vec<PurposeId>,
    attributes: Vec<DefinitionId>,
}

impl Question {
    fn read(body: Json, schema: &Schema) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(body, "", &mut violations);
        let user = fields.required_text("user", MAX_TEXT);
        fields.require("consent");
        let consent = fields.parsed("consent", SHAPE);
        let audience = fields.parsed("audience", SHAPE);
        let purposes = take_purposes(&mut fields).unwrap_or_default();
        let attributes = take_attributes(&mut fields, schema);
        fields.finish();
        violations.check(())?;
        match (user, consent) {
            (Some(user), Some(consent)) => {
                Ok(Self { user, consent, audience, purposes, attributes })
            }
            _ => Err(Error::unexpected("a question without violations names user and consent")),
        }
    }
}

/// Takes the field `attributes`: definitions, by their ids or as profiles name them.
fn take_attributes(fields: &mut Fields<'_>, schema: &Schema) -> Vec<DefinitionId> {
    const FIELD: &str = "attributes";
    let mut attributes = Vec::new();
    let texts = fields.texts(FIELD, MAX_ATTRIBUTES, MAX_TEXT).unwrap_or_default();
    for (i, text) in texts.iter().enumerate() {
        let by_id = text.parse().ok().and_then(|id| schema.attribute(id));
        let named = || schema.attributes.values().find(|a| a.path() == *text);
        let Some(definition) = by_id.or_else(named) else {
            let paths: Vec<_> = schema.attributes.values().map(AttributeDefinition::path).collect();
            let detail = unknown("attribute", text, paths.iter().map(String::as_str));
            fields.refuse_item(FIELD, i, Code::NotFound, detail);
            continue;
        };
        attributes.push(definition.id);
    }
    attributes
}
