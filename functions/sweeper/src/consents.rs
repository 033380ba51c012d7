//! Consents that end: subscribers are told, nothing else depends on it. Whether a grant is over is
//! computed whenever it is read (rule CO-07).

use shared::app::App;
use shared::domain::author::{Author, Reason};
use shared::domain::consent::{Consent, ConsentRecord};
use shared::domain::error::{Error, Result};
use shared::domain::id::UserId;
use shared::domain::schema::Schema;
use shared::domain::versioned::Versioned;
use shared::env::Timestamp;
use shared::store::consents::ConsentOf;
use shared::store::keys::{NamedConsent, SHARDS};

use super::SweepReport;

/// Notes in the histories of consents which grants are over, until none is left or `until` has come.
/// One that fails does not keep the others waiting; the first failure is the answer then.
pub(crate) async fn expire(
    app: &App,
    schema: &Schema,
    until: Timestamp,
    report: &mut SweepReport,
) -> Result<()> {
    // A tenant whose consents do not end costs nothing.
    if !schema.consents.values().any(Consent::has_ends) {
        return Ok(());
    }
    let (mut after, mut failure) = (None, None);
    for shard in 0..SHARDS {
        loop {
            let page = app.table().ended_consents(&schema.tenant, shard, after.as_ref()).await?;
            for (user, named) in page.0 {
                if app.env().clock.now() >= until {
                    return failure.map_or(Ok(()), Err);
                }
                match note(app, schema, user, &named).await {
                    Ok(written) => report.expired += u64::from(written),
                    // Forgotten meanwhile.
                    Err(Error::NotFound) => {}
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            after = page.1;
            if after.is_none() {
                break;
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Notes which grants of one record are over; whether some are of which nobody was told.
async fn note(app: &App, schema: &Schema, user: UserId, named: &NamedConsent) -> Result<bool> {
    let author = Author::service(schema.tenant.clone(), Reason::Expiry);
    let of = ConsentOf { user, consent: &named.consent, audience: named.audience.as_ref() };
    let id = app.env().random_uuid().to_string();
    let decide = |record: Option<&Versioned<ConsentRecord>>, _: &[ConsentRecord]| {
        let now = app.env().clock.now();
        Ok(record.and_then(|record| record.value.expiry(id.clone(), now)))
    };
    Ok(app.table().record_consent(&author, schema, of, decide).await?.1)
}
