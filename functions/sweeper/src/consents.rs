//! Consents that end: subscribers are told, nothing else depends on it. Whether a grant is over is
//! computed whenever it is read (rule CO-07).

use shared::app::App;
use shared::domain::author::{Author, Reason};
use shared::domain::consent::ConsentRecord;
use shared::domain::error::{Error, Result};
use shared::domain::schema::Schema;
use shared::domain::versioned::Versioned;
use shared::env::Timestamp;
use shared::store::consents::ConsentOf;

use super::SweepReport;

/// Notes in the histories of consents which grants are over.
pub(crate) async fn expire(
    app: &App,
    schema: &Schema,
    until: Timestamp,
    report: &mut SweepReport,
) -> Result<()> {
    let (table, clock) = (app.table(), &app.env().clock);
    // A tenant without consents costs nothing.
    if schema.consents.values().next().is_none() {
        return Ok(());
    }
    let author = Author::service(schema.tenant.clone(), Reason::Expiry);
    for (user, named) in table.ended_consents(&schema.tenant).await? {
        if clock.now() >= until {
            break;
        }
        let of = ConsentOf { user, consent: &named.consent, audience: named.audience.as_ref() };
        let id = app.env().random_uuid().to_string();
        let decide = |record: Option<&Versioned<ConsentRecord>>| {
            Ok(record.and_then(|record| record.value.expiry(id.clone(), clock.now())))
        };
        match table.record_consent(&author, schema, of, decide).await {
            Ok((_, written)) => report.expired += u64::from(written),
            // Forgotten meanwhile.
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
