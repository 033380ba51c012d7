//! `/identity/config/consents/{id}/versions`: what people read, and from when on.

use shared::axum::routing::{get, post};
use shared::domain::Scope::{ConfigRead, ConfigWrite};
use shared::domain::consent::{Consent, ConsentText, ConsentVersion, VersionInput};
use shared::domain::error::{Error, Result};
use shared::domain::id::PartyId;
use shared::domain::json::Object;
use shared::domain::schema::{Schema, StoredDefinition};
use shared::domain::{Tag, Versioned};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::route::Id;
use shared::http::{Call, Route, config};
use shared::store::consents::put_consent_text;
use shared::store::definitions::DefinitionEdit;

const VERSIONS: &str = "/identity/config/consents/{id}/versions";
const VERSION: &str = "/identity/config/consents/{id}/versions/{number}";

/// Routes of the versions of consents.
pub(crate) const ROUTES: [Route; 4] = [
    Route::write("POST", VERSIONS, "create_consent_version", (201, "ConsentVersion"), || {
        post(create)
    })
    .scope(ConfigWrite)
    .id(Id::Chosen)
    .json("ConsentVersionInput")
    .if_match()
    .summary("Create a version of a consent")
    .description("A snapshot of the terms, with texts. `If-Match` has the tag of the consent."),
    Route::read("GET", VERSIONS, "list_consent_versions", (200, "ConsentVersionList"), || {
        get(list)
    })
    .scope(ConfigRead)
    .id(Id::Chosen)
    .query(&["limit", "cursor"])
    .summary("List the versions of a consent")
    .description("Without texts, oldest first."),
    Route::read("GET", VERSION, "get_consent_version", (200, "ConsentVersion"), || get(read))
        .scope(ConfigRead)
        .id(Id::Chosen)
        .tagged()
        .summary("Read a version of a consent"),
    Route::write(
        "POST",
        "/identity/config/consents/{id}/versions/{number}/retire",
        "retire_consent_version",
        (200, "ConsentVersion"),
        || post(retire),
    )
    .scope(ConfigWrite)
    .id(Id::Chosen)
    .repeatable()
    .summary("Retire a version of a consent")
    .description("Nobody can agree to it any more. What people agreed to stays."),
];

/// A version with its texts, as callers see it, and its tag.
fn shown(
    call: &Call,
    consent: &Consent,
    version: &ConsentVersion,
    text: &ConsentText,
) -> (Object, Tag) {
    let status = consent.status(version, call.app.env().clock.now());
    (text.show(version, status), text.tag(version, status))
}

async fn create(mut call: Call) -> HandlerResult {
    let id: PartyId = call.id("id")?;
    let body = call.take_body();
    let now = call.app.env().clock.now();
    call.once(async |record| {
        let decide = |entry: Option<&StoredDefinition<Consent>>, _: &Schema| {
            let stored = &entry.ok_or(Error::NotFound)?.stored;
            call.preconditions.check_write(&[stored.tag()])?;
            let current = &stored.value;
            let input = VersionInput::read(body.clone())?;
            let (version, _) = input.version(current.versions.last(), &current.terms, now);
            Ok(DefinitionEdit::Replace(current.with_version(version, now)?))
        };
        let made = |next: &Versioned<Consent>| -> Result<(Answer, ConsentText)> {
            let (version, before) = next.value.versions.split_last().ok_or(Error::NotFound)?;
            let input = VersionInput::read(body.clone())?;
            let (_, text) = input.version(before.last(), &next.value.terms, now);
            let location = format!("/identity/config/consents/{id}/versions/{}", text.number);
            let (content, tag) = shown(&call, &next.value, version, &text);
            Ok((Answer::created(content, &tag, location), text))
        };
        let record = |next: &Versioned<Consent>| {
            let (answer, text) = made(next)?;
            let record = record.of(&answer)?.into_iter();
            let text = put_consent_text(&call.caller.tenant, &id, &text);
            Ok(record.chain([text]).collect())
        };
        let next = config::edited(&call, Some(id.as_str()), decide, record).await?;
        Ok(made(&next.ok_or(Error::NotFound)?)?.0)
    })
    .await
}

/// The consent that the path names.
async fn find(call: &Call) -> Result<Consent> {
    let id: PartyId = call.id("id")?;
    let schema = call.app.schema_now(&call.caller.tenant).await?;
    schema.consent(&id).cloned().ok_or(Error::NotFound)
}

async fn list(call: Call) -> HandlerResult {
    let size = call.page_size()?;
    let consent = find(&call).await?;
    let bound = consent.id.to_string();
    let after = call.open_cursor::<u32>(&bound, call.query("cursor")).await?.unwrap_or_default();
    let now = call.app.env().clock.now();
    let versions = consent.versions.iter().filter(|version| version.number > after);
    let shown = |version: &ConsentVersion| version.show(consent.status(version, now));
    call.page(&bound, size, versions.map(|version| (version.number, shown(version)))).await
}

/// The version that the path names, as callers see it, and its tag.
async fn named(call: &Call, consent: &Consent) -> Result<(Object, Tag)> {
    let number: u32 = call.id("number")?;
    let version = consent.version(number).ok_or(Error::NotFound)?;
    let text = call.app.table().consent_text(&call.caller.tenant, &consent.id, number).await?;
    let text = text.ok_or_else(|| Error::unexpected("a version of a consent has texts"))?;
    Ok(shown(call, consent, version, &text.value))
}

async fn read(call: Call) -> HandlerResult {
    let consent = find(&call).await?;
    let (content, tag) = named(&call, &consent).await?;
    call.show(&tag, || content)
}

async fn retire(call: Call) -> HandlerResult {
    let id: PartyId = call.id("id")?;
    let number: u32 = call.id("number")?;
    let decide = |entry: Option<&StoredDefinition<Consent>>, _: &Schema| {
        let current = &entry.ok_or(Error::NotFound)?.stored.value;
        current.version(number).ok_or(Error::NotFound)?;
        let next = current.with_retired(number, call.app.env().clock.now());
        let same = next == *current;
        Ok(if same { DefinitionEdit::Keep } else { DefinitionEdit::Replace(next) })
    };
    let edited = config::edited(&call, Some(id.as_str()), decide, |_| Ok(Vec::new())).await?;
    let (content, tag) = named(&call, &edited.ok_or(Error::NotFound)?.value).await?;
    Ok(Answer::resource(content, &tag))
}
