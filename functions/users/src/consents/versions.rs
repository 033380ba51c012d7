//! `GET /identity/consents/{consent_id}/versions/{version}`: the words that people read, for all who
//! show them or have to know them.

use shared::axum::routing::get;
use shared::domain::Scope::UsersRead;
use shared::domain::error::{Error, Result};
use shared::domain::id::PartyId;
use shared::domain::json::Object;
use shared::domain::schema::Schema;
use shared::domain::versioned::Tag;
use shared::http::answer::HandlerResult;
use shared::http::{Call, Callers, Route};

use super::find_consent;

/// The name of the version that people are asked for now.
const EFFECTIVE: &str = "effective";

/// The route of texts.
pub(super) const ROUTE: Route = Route::read(
    "GET",
    "/identity/consents/{consent_id}/versions/{version}",
    "get_consent_text",
    (200, "ConsentVersion"),
    || get(read),
)
.callers(Callers::GrantedOrPeople(UsersRead))
.for_audience()
.tagged()
.summary("Read what a consent says")
.description("By number, or `effective`. Drafts are not found.");

async fn read(call: Call) -> HandlerResult {
    let tenant = &call.caller.tenant;
    let (content, tag) =
        call.app.decide(tenant, async |schema| shown(&call, &schema).await).await?;
    call.show(&tag, || content)
}

/// The version that the path names, if its time has come, and its tag.
async fn shown(call: &Call, schema: &Schema) -> Result<(Object, Tag)> {
    let consent: PartyId = call.id("consent_id")?;
    let named: String = call.id("version")?;
    let consent = find_consent(schema, &consent)?;
    let now = call.app.env().clock.now();
    let version = if named == EFFECTIVE {
        consent.effective(now)
    } else {
        let number = named.parse().ok().and_then(|number| consent.version(number));
        number.filter(|version| version.has_begun(now))
    };
    let missing = if schema.verified { Error::NotFound } else { Error::Outdated };
    let version = version.ok_or(missing)?;
    let text = call.app.table().consent_text(&schema.tenant, &consent.id, version.number).await?;
    let text = text.ok_or_else(|| Error::unexpected("a version of a consent has texts"))?;
    let status = consent.status(version, now);
    Ok((text.value.show(version, status), text.value.tag(version, status)))
}
