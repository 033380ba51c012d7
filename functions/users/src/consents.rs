//! `/identity/users/{user_id}/consents` and `/identity/me/consents`: what people agreed to.
//!
//! Clients that are bound to systems see and write what is for their systems alone, and name people
//! as their systems know them (ADR 0061).

mod check;
mod person;
mod versions;

use shared::axum::routing::{get, post};
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::consent::{
    Consent, ConsentEvent, ConsentRecord, Decision, DecisionInput, MAX_PURPOSES,
};
use shared::domain::error::{Code, Error, Result, Violations};
use shared::domain::field::Fields;
use shared::domain::id::{PartyId, PurposeId, SHAPE};
use shared::domain::schema::Schema;
use shared::domain::{Json, Versioned};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::route::Conflict::State;
use shared::http::{Call, Route};
use shared::object;
use shared::store::consents::ConsentOf;

use self::person::{Whose, person, seen_event, seen_record, speaker};

/// Routes of consents.
pub(crate) const ROUTES: [Route; 12] = [
    Route::read(
        "GET",
        "/identity/users/{user_id}/consents",
        "list_user_consents",
        (200, "ConsentRecordList"),
        || get(async |call| list(call, Whose::Named).await),
    )
    .scope(UsersRead)
    .for_audience()
    .summary("List the consents of a user")
    .description("A client that is bound to systems sees those for its systems."),
    Route::write(
        "POST",
        "/identity/users/{user_id}/consents",
        "record_user_consent",
        (200, "RecordedConsent"),
        || post(async |call| record(call, Whose::Named).await),
    )
    .scope(UsersWrite)
    .for_audience()
    .json("ConsentDecision")
    .repeatable()
    .conflicts(&[State])
    .summary("Record what a user decided")
    .description("About the version in effect. A repeat changes nothing: `already` is true."),
    Route::read(
        "GET",
        "/identity/users/{user_id}/consents/{consent_id}",
        "get_user_consent",
        (200, "ConsentRecord"),
        || get(async |call| read(call, Whose::Named).await),
    )
    .scope(UsersRead)
    .for_audience()
    .query(&["audience"])
    .tagged()
    .summary("Read a consent of a user"),
    Route::write(
        "POST",
        "/identity/users/{user_id}/consents/{consent_id}/withdraw",
        "withdraw_user_consent",
        (200, "RecordedConsent"),
        || post(async |call| withdraw(call, Whose::Named).await),
    )
    .scope(UsersWrite)
    .for_audience()
    .optional_json("ConsentWithdrawal")
    .query(&["audience"])
    .repeatable()
    .if_match()
    .summary("Withdraw a consent of a user")
    .description("From all purposes, or from some."),
    Route::read(
        "GET",
        "/identity/users/{user_id}/consents/{consent_id}/history",
        "list_user_consent_events",
        (200, "ConsentHistory"),
        || get(async |call| history(call, Whose::Named).await),
    )
    .scope(UsersRead)
    .for_audience()
    .query(&["audience", "limit", "cursor"])
    .summary("List the history of a consent of a user")
    .description("Oldest entry first."),
    Route::read(
        "POST",
        "/identity/consents/check",
        "check_consent",
        (200, "ConsentStanding"),
        || post(check::check),
    )
    .scope(UsersRead)
    .for_audience()
    .json("ConsentQuestion")
    .summary("Check a consent")
    .description("Whether a user agrees to purposes, or to the use of attributes, now."),
    Route::read("GET", OWN, "list_own_consents", (200, "ConsentRecordList"), || {
        get(async |call| list(call, Whose::Own).await)
    })
    .people()
    .summary("List the own consents"),
    Route::write("POST", OWN, "record_own_consent", (200, "RecordedConsent"), || {
        post(async |call| record(call, Whose::Own).await)
    })
    .people()
    .json("ConsentDecision")
    .repeatable()
    .conflicts(&[State])
    .summary("Decide about a consent")
    .description("About the version in effect. A repeat changes nothing: `already` is true."),
    Route::read(
        "GET",
        "/identity/me/consents/{consent_id}",
        "get_own_consent",
        (200, "ConsentRecord"),
        || get(async |call| read(call, Whose::Own).await),
    )
    .people()
    .query(&["audience"])
    .tagged()
    .summary("Read an own consent"),
    Route::write(
        "POST",
        "/identity/me/consents/{consent_id}/withdraw",
        "withdraw_own_consent",
        (200, "RecordedConsent"),
        || post(async |call| withdraw(call, Whose::Own).await),
    )
    .people()
    .optional_json("ConsentWithdrawal")
    .query(&["audience"])
    .repeatable()
    .if_match()
    .summary("Withdraw an own consent")
    .description("From all purposes, or from some. Blocked people may, too."),
    Route::read(
        "GET",
        "/identity/me/consents/{consent_id}/history",
        "list_own_consent_events",
        (200, "ConsentHistory"),
        || get(async |call| history(call, Whose::Own).await),
    )
    .people()
    .query(&["audience", "limit", "cursor"])
    .summary("List the history of an own consent")
    .description("Oldest entry first."),
    versions::ROUTE,
];

const OWN: &str = "/identity/me/consents";

/// The consent with this id. A remembered configuration that knows none may be outdated.
fn find_consent<'s>(schema: &'s Schema, id: &PartyId) -> Result<&'s Consent> {
    match schema.consent(id) {
        Some(consent) => Ok(consent),
        None if schema.verified => Err(Error::NotFound),
        None => Err(Error::Outdated),
    }
}

/// A refusal by a remembered configuration, which may be outdated.
fn if_current(schema: &Schema, refusal: Error) -> Error {
    match refusal {
        Error::Conflict(_) if !schema.verified => Error::Outdated,
        refusal => refusal,
    }
}

/// The answer that shows a record after a decision; `already` if it changed nothing.
fn recorded(call: &Call, record: &Versioned<ConsentRecord>, already: bool) -> Answer {
    let now = call.app.env().clock.now();
    let mut shown = seen_record(call, &record.value).show(now);
    shown.insert("already".to_owned(), Json::Bool(already));
    Answer::resource(shown, &ConsentRecord::tag(record, now))
}

/// Lists what a person decided.
async fn list(call: Call, whose: Whose) -> HandlerResult {
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let user = person(&call, &schema, whose).await?.value.id;
            let mut records = call.app.table().consents_of(&schema.tenant, user, None).await?;
            let systems = &call.caller.grants.systems;
            records.retain(|record| {
                let audience = record.value.audience.as_ref();
                systems.is_empty() || audience.is_some_and(|system| systems.contains(system))
            });
            let now = call.app.env().clock.now();
            let shown = |record: &Versioned<ConsentRecord>| {
                let seen = seen_record(&call, &record.value);
                Json::Object(ConsentRecord::tag(record, now).with(seen.show(now)))
            };
            let items = records.iter().map(shown).collect::<Vec<_>>();
            Ok(Answer::content(object! { "items" => items }))
        })
        .await
}

/// Reads what a person decided about one consent.
async fn read(call: Call, whose: Whose) -> HandlerResult {
    let consent: PartyId = call.id("consent_id")?;
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let user = person(&call, &schema, whose).await?.value.id;
            let audience = call.asked_audience()?;
            let of = ConsentOf { user, consent: &consent, audience: audience.as_ref() };
            let record = call.app.table().consent_of(&schema.tenant, of).await?;
            let record = record.ok_or(Error::NotFound)?;
            let now = call.app.env().clock.now();
            let seen = seen_record(&call, &record.value);
            call.show(&ConsentRecord::tag(&record, now), || seen.show(now))
        })
        .await
}

/// Lists the history of what a person decided about one consent.
async fn history(call: Call, whose: Whose) -> HandlerResult {
    let consent: PartyId = call.id("consent_id")?;
    let (size, audience) = (call.page_size()?, call.asked_audience()?);
    let bound = format!("{consent} {audience:?}");
    let after = call.open_cursor::<u64>(&bound, call.query("cursor")).await?.unwrap_or_default();
    let events = call
        .app
        .decide(&call.caller.tenant, async |schema| {
            let user = person(&call, &schema, whose).await?.value.id;
            let of = ConsentOf { user, consent: &consent, audience: audience.as_ref() };
            call.app.table().consent_events(&schema.tenant, of, after, size + 1).await
        })
        .await?;
    if events.is_empty() && after == 0 {
        return Err(Error::NotFound);
    }
    let shown = |event: ConsentEvent| (event.sequence, seen_event(&call, event).show());
    call.page(&bound, size, events.into_iter().map(shown)).await
}

/// Records what a person decided.
async fn record(mut call: Call, whose: Whose) -> HandlerResult {
    let body = call.take_body();
    let id = call.app.env().random_uuid().to_string();
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let user = person(&call, &schema, whose).await?;
            let (author, speaker) = speaker(&call, whose, &user.value)?;
            if whose == Whose::Own {
                user.value.check_active()?;
            }
            call.preconditions.check_collection()?;
            let input = DecisionInput::read(body.clone())?;
            let audience = call.audience(input.audience.clone())?;
            if audience.as_ref().is_some_and(|id| schema.systems.get(id.as_str()).is_none()) {
                let detail = "there is no such system; name a system, or omit the field";
                return Err(Error::invalid("/audience", Code::NotFound, detail));
            }
            let Some(consent) = schema.consent(&input.consent) else {
                let detail = format!("there is no consent `{}`", input.consent);
                return Err(Error::invalid("/consent", Code::NotFound, detail));
            };
            let of = ConsentOf {
                user: user.value.id,
                consent: &consent.id,
                audience: audience.as_ref(),
            };
            let empty = of.empty();
            let decide = |record: Option<&Versioned<ConsentRecord>>, others: &[ConsentRecord]| {
                let now = call.app.env().clock.now();
                let decision = input
                    .check(consent, &user.value, &schema, speaker.clone(), now)
                    .map_err(|refusal| if_current(&schema, refusal))?;
                let current = record.map_or(&empty, |record| &record.value);
                Ok(decision.event(current, others, id.clone(), now))
            };
            let table = call.app.table();
            let (record, written) = table.record_consent(&author, &schema, of, decide).await?;
            let record = record.ok_or_else(|| Error::unexpected("a decision leaves a record"))?;
            Ok(recorded(&call, &record, !written))
        })
        .await
}

/// Withdraws what a person agreed to: as easily as it was given, also by those who are blocked, and
/// from versions that are retired (rule CO-03).
async fn withdraw(mut call: Call, whose: Whose) -> HandlerResult {
    let consent: PartyId = call.id("consent_id")?;
    let body = call.take_body();
    let id = call.app.env().random_uuid().to_string();
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let user = person(&call, &schema, whose).await?;
            let (author, speaker) = speaker(&call, whose, &user.value)?;
            let consent = find_consent(&schema, &consent)?;
            let audience = call.asked_audience()?;
            let purposes = purposes_to_withdraw(body.clone())?;
            let of = ConsentOf {
                user: user.value.id,
                consent: &consent.id,
                audience: audience.as_ref(),
            };
            let empty = of.empty();
            let decide = |record: Option<&Versioned<ConsentRecord>>, others: &[ConsentRecord]| {
                let now = call.app.env().clock.now();
                let tag = record.map(|record| ConsentRecord::tag(record, now));
                call.preconditions.check_write(tag.as_ref().as_slice())?;
                let current = record.map_or(&empty, |record| &record.value);
                let all = [std::slice::from_ref(current), others].concat();
                let (system, named) = (audience.as_ref(), purposes.as_deref());
                let speaker = speaker.clone();
                let decision = Decision::withdrawal(consent, &all, system, named, speaker, now)?;
                match decision.event(current, others, id.clone(), now) {
                    None if record.is_none() => Err(Error::NotFound),
                    event => Ok(event),
                }
            };
            let table = call.app.table();
            let (record, written) = table.record_consent(&author, &schema, of, decide).await?;
            Ok(recorded(&call, &record.ok_or(Error::NotFound)?, !written))
        })
        .await
}

/// The purposes that a withdrawal names, if it names some.
fn purposes_to_withdraw(body: Json) -> Result<Option<Vec<PurposeId>>> {
    let body = if body == Json::Null { Json::Object(object! {}) } else { body };
    let mut violations = Violations::default();
    let mut fields = Fields::new(body, "", &mut violations);
    let purposes = take_purposes(&mut fields);
    fields.finish();
    violations.check(purposes)
}

/// Takes the field `purposes`, a list of ids.
fn take_purposes(fields: &mut Fields<'_>) -> Option<Vec<PurposeId>> {
    let texts = fields.texts("purposes", MAX_PURPOSES, 64)?;
    let mut purposes = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        if let Ok(id) = text.parse() {
            purposes.push(id);
        } else {
            fields.refuse_item("purposes", i, Code::WrongFormat, format!("expected {SHAPE}"));
        }
    }
    Some(purposes)
}
