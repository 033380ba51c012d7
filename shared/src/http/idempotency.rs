//! Idempotency: a POST that is repeated has one effect and one answer (rule I1).

use super::answer::{Answer, HandlerResult};
use super::call::Call;
use super::idempotency_key::IdempotencyKey;
use crate::domain::error::Result;
use crate::store::Write;

impl Call {
    /// Whether the request carries an Idempotency-Key.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        self.idempotency.is_some()
    }

    /// Does the effect of a POST once: a repeat with the same Idempotency-Key and body gets the
    /// first answer (rule I1).
    ///
    /// `work` is handed what makes the record of its answer, to be committed in the transaction of
    /// the effect.
    pub async fn once<'c, W: Future<Output = HandlerResult>>(
        &'c self,
        work: impl FnOnce(IdempotencyRecorder<'c>) -> W,
    ) -> HandlerResult {
        let Some(key) = &self.idempotency else {
            return work(IdempotencyRecorder(None)).await;
        };
        if let Some(answer) = key.replay(&self.app, (&self.caller, self.view)).await? {
            return Ok(answer);
        }
        match work(IdempotencyRecorder(Some((key, self)))).await {
            // Of two at once the loser may find anything but the record first: the winner's effect
            // in its own way.
            Err(error) => key.replay(&self.app, (&self.caller, self.view)).await?.ok_or(error),
            answered => answered,
        }
    }
}

/// Makes the idempotency record of an answer, where the request asks for one.
#[derive(Clone, Copy)]
pub struct IdempotencyRecorder<'c>(Option<(&'c IdempotencyKey, &'c Call)>);

impl IdempotencyRecorder<'_> {
    /// Records nothing.
    pub const NONE: Self = Self(None);

    /// Whether the request asks for a record.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.0.is_some()
    }

    /// The write that records the answer.
    pub fn of(&self, answer: &Answer) -> Result<Option<Write>> {
        self.0.map(|(key, call)| key.record(&call.app, &call.caller, answer)).transpose()
    }
}
