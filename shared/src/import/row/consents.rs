//! What a row says that the person decided about consents (rule CO-12).

use super::ProcessedRow;
use crate::domain::author::Author;
use crate::domain::change_request::Actor;
use crate::domain::consent::{ConsentRecord, Decision, Speaker};
use crate::domain::error::Result;
use crate::domain::id::{PartyId, UserId};
use crate::domain::import::apply;
use crate::domain::schema::Schema;
use crate::domain::versioned::Versioned;
use crate::store::consents::ConsentOf;

impl ProcessedRow<'_> {
    /// The decisions of the row; those that break a rule refuse the whole row.
    pub(super) fn consents(
        &self,
        schema: &Schema,
    ) -> Result<Vec<(PartyId, Option<PartyId>, Decision)>> {
        let client = &self.rows.import.client;
        let speaker = Speaker {
            actor: Some(Actor::ClientId(client.clone())),
            client: Some(client.clone()),
            is_person: false,
        };
        apply::consents(self.document, schema, &speaker, self.rows.app.env().clock.now())
    }

    /// Records the decisions of the row; whether one was new. A row that is worked twice records
    /// them once, because a repeat changes nothing.
    pub(super) async fn record_consents(&self, user: UserId) -> Result<bool> {
        if self.rows.import.dry_run || !self.document.contains_key(apply::CONSENTS) {
            return Ok(false);
        }
        let author = &self.author();
        self.rows
            .app
            .decide(self.rows.tenant, move |schema| async move {
                let mut recorded = false;
                for (consent, audience, decision) in self.consents(&schema)? {
                    let of = (consent, audience);
                    recorded |= self.record(author, &schema, user, of, &decision).await?;
                }
                Ok(recorded)
            })
            .await
    }

    async fn record(
        &self,
        author: &Author,
        schema: &Schema,
        user: UserId,
        (consent, audience): (PartyId, Option<PartyId>),
        decision: &Decision,
    ) -> Result<bool> {
        let env = self.rows.app.env();
        let id = env.random_uuid().to_string();
        let empty = ConsentRecord::empty(consent.clone(), audience.clone());
        let decide = |record: Option<&Versioned<ConsentRecord>>| {
            let current = record.map_or(&empty, |record| &record.value);
            Ok(decision.event(current, id.clone(), env.clock.now()))
        };
        let of = ConsentOf { user, consent: &consent, audience: audience.as_ref() };
        Ok(self.rows.app.table().record_consent(author, schema, of, decide).await?.1)
    }
}
