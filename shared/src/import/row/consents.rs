//! What a row says that the person decided about consents (rule CO-12).

use super::ProcessedRow;
use crate::domain::author::Author;
use crate::domain::change_request::Actor;
use crate::domain::consent::{ConsentRecord, Decision, Speaker};
use crate::domain::error::Result;
use crate::domain::id::{PartyId, UserId};
use crate::domain::import::apply;
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::versioned::Versioned;
use crate::store::consents::ConsentOf;

impl ProcessedRow<'_> {
    /// The decisions of the row; those that break a rule refuse the whole row. `user` is as the row
    /// leaves it; without it nobody's age is looked at.
    pub(super) fn consents(
        &self,
        user: Option<&User>,
        schema: &Schema,
    ) -> Result<Vec<(PartyId, Option<PartyId>, Decision)>> {
        let client = &self.rows.import.client;
        let speaker = Speaker {
            actor: Some(Actor::ClientId(client.clone())),
            client: Some(client.clone()),
            ..Speaker::default()
        };
        let now = self.rows.app.env().clock.now();
        apply::consents(self.document, user, schema, &speaker, now)
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
                for (consent, audience, decision) in self.consents(None, &schema)? {
                    let of = (consent, audience);
                    recorded |= self.record(author, &schema, user, of, &decision).await?;
                }
                Ok(recorded)
            })
            .await
    }

    /// Records a decision. One that is older than what the person decided since changes nothing that
    /// holds, and is kept in the history.
    async fn record(
        &self,
        author: &Author,
        schema: &Schema,
        user: UserId,
        (consent, audience): (PartyId, Option<PartyId>),
        decision: &Decision,
    ) -> Result<bool> {
        let (env, table) = (self.rows.app.env(), self.rows.app.table());
        let id = env.random_uuid().to_string();
        let of = ConsentOf { user, consent: &consent, audience: audience.as_ref() };
        let empty = of.empty();
        let decide = |record: Option<&Versioned<ConsentRecord>>, others: &[ConsentRecord]| {
            let current = record.map_or(&empty, |record| &record.value);
            Ok(decision.event(current, others, id.clone(), env.clock.now()))
        };
        if table.record_consent(author, schema, of, decide).await?.1 {
            return Ok(true);
        }
        let history = table.consent_history(&schema.tenant, of).await?;
        let decide = |record: Option<&Versioned<ConsentRecord>>, _: &[ConsentRecord]| {
            let current = record.map_or(&empty, |record| &record.value);
            Ok(decision.earlier_event(current, &history, id.clone(), env.clock.now()))
        };
        Ok(table.record_consent(author, schema, of, decide).await?.1)
    }
}
