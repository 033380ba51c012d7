//! Decisions about change requests: approved ones are applied by the write pipeline.

use std::sync::atomic::{AtomicBool, Ordering};

use shared::domain::author::{Author, Reason};
use shared::domain::change_request::{Actor, ChangeRequest, RequestStatus};
use shared::domain::error::{Error, Result};
use shared::domain::id::ChangeRequestId;
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::domain::{Versioned, WriteContext};
use shared::http::Call;
use shared::http::IdempotencyRecorder;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::profile::shown_request;
use shared::store::Retry;
use shared::store::change_requests::decide;
use shared::store::users::StoredUser;
use shared::writing::{Policy, WriteOutcome};

use super::check_seen;

/// Applies a change request, or finds that it cannot be applied any more.
pub(super) async fn approve(call: Call) -> HandlerResult {
    decide_by(call, RequestStatus::Approved).await
}

/// Rejects a change request.
pub(super) async fn reject(call: Call) -> HandlerResult {
    decide_by(call, RequestStatus::Rejected).await
}

async fn decide_by(call: Call, decision: RequestStatus) -> HandlerResult {
    let id: ChangeRequestId = call.id("id")?;
    // The current policy says who may decide, not a cached one (rule A5).
    call.app.schema_now(&call.caller.tenant).await?;
    // A repeat is answered from its record, but not if the person was blocked meanwhile.
    call.person().await?;
    call.once(async |record| {
        call.app
            .decide(&call.caller.tenant, async |schema| {
                let decision = Decision { call: &call, schema: &schema, status: decision, record };
                let mut retry = Retry::of(call.app.table());
                loop {
                    if let Some(answer) = decision.attempt(id).await? {
                        return Ok(answer);
                    }
                    retry.again().await?;
                }
            })
            .await
    })
    .await
}

/// A decision of the caller on a change request.
struct Decision<'d> {
    call: &'d Call,
    schema: &'d Schema,
    status: RequestStatus,
    record: IdempotencyRecorder<'d>,
}

/// A change request before and after its decision, and the answer that shows it.
struct DecidedRequest {
    request: Versioned<ChangeRequest>,
    next: Versioned<ChangeRequest>,
    answer: Answer,
}

impl Decision<'_> {
    /// Decides about a request in its current state; `None` if another write has changed it
    /// meanwhile.
    async fn attempt(&self, id: ChangeRequestId) -> Result<Option<Answer>> {
        let (call, table) = (self.call, self.call.app.table());
        let request = table.find_change_request(&call.caller.tenant, id).await?;
        let request = request.ok_or(Error::NotFound)?;
        let me = call.person().await?;
        let me = me.as_ref().map(|me| &me.value);
        let actor = self.check_may_decide(&request, me)?;
        match request.value.status(call.app.env().clock.now()) {
            RequestStatus::Pending => {}
            status if status == self.status => {
                return self.answer_repeat(&request).await.map(Some);
            }
            status => {
                return Err(Error::Conflict(format!(
                    "the change request is {status} already; it cannot be decided again"
                )));
            }
        }
        let next = request.changed_to(request.value.decided(self.status, Some(actor)));
        let answer = shown_request(&next, self.schema, call);
        let decided = DecidedRequest { request, next, answer };
        let author = call.author_of(me)?;
        if self.status == RequestStatus::Rejected {
            return self.write_status(&author, decided).await;
        }
        let requester = decided.request.value.requested_by.clone();
        let author = author.with_reason(Reason::Approval(id, requester));
        Box::pin(self.apply(&author, decided)).await
    }

    /// The person who decides. Fails unless the caller may see the request, may decide about it,
    /// and has read its current version.
    fn check_may_decide(
        &self,
        request: &Versioned<ChangeRequest>,
        me: Option<&User>,
    ) -> Result<Actor> {
        let (call, schema) = (self.call, self.schema);
        let actor = call.actor(me)?;
        check_seen(call, &request.value, me, schema)?;
        request.value.check_approver(&actor, call.policy_subject(me)?, schema)?;
        call.preconditions
            .check_write(&[&ChangeRequest::tag(request, call.app.env().clock.now())])?;
        Ok(actor)
    }

    /// Shows a request that was decided so already.
    async fn answer_repeat(&self, request: &Versioned<ChangeRequest>) -> HandlerResult {
        let answer = shown_request(request, self.schema, self.call);
        if let Some(record) = self.record.of(&answer)? {
            self.call.app.table().put_record(record).await?;
        }
        Ok(answer)
    }

    /// Writes a decision that changes no profile.
    async fn write_status(
        &self,
        author: &Author,
        decided: DecidedRequest,
    ) -> Result<Option<Answer>> {
        let DecidedRequest { request, next, answer } = decided;
        let record = self.record.of(&answer)?;
        let table = self.call.app.table();
        let written = table.write_decision(author, &request, &next, record).await?;
        Ok(written.then_some(answer))
    }

    /// Writes the user as the request has it, together with the request's new status. A request
    /// whose fields are no longer as they were becomes stale instead.
    async fn apply(&self, author: &Author, decided: DecidedRequest) -> Result<Option<Answer>> {
        let DecidedRequest { request, next, answer } = decided;
        let (call, schema) = (self.call, self.schema);
        let stale = AtomicBool::new(false);
        let apply = |current: &StoredUser, _: &WriteContext<'_>| {
            let applied = request.value.apply(&current.value, schema)?;
            stale.store(applied.is_none(), Ordering::Relaxed);
            Ok(applied.unwrap_or_else(|| current.value.clone()))
        };
        let status = |_: &WriteOutcome| {
            if stale.load(Ordering::Relaxed) {
                return Ok(Vec::new());
            }
            let mut writes = vec![decide(&author.tenant, &request, &next)];
            writes.extend(self.record.of(&answer)?);
            Ok(writes)
        };
        let writer = call.writer(author, schema, Policy::approval());
        match writer.change(request.value.user, apply, status).await {
            Ok(_) if stale.load(Ordering::Relaxed) => self.mark_stale(author, &request).await,
            Ok(_) => Ok(Some(answer)),
            Err(Error::AlreadyRecorded) => self.check_recorded(&request).await,
            Err(error) => Err(error),
        }
    }

    async fn mark_stale(
        &self,
        author: &Author,
        request: &Versioned<ChangeRequest>,
    ) -> Result<Option<Answer>> {
        let table = self.call.app.table();
        let stale = request.changed_to(request.value.decided(RequestStatus::Stale, None));
        if !table.write_decision(author, request, &stale, None).await? {
            return Ok(None);
        }
        let detail = "the profile has changed since this change request was made; the request \
                      is \
                      now STALE, make a new one";
        Err(Error::Conflict(detail.to_owned()))
    }

    /// If the record of this very request exists, returns its answer. Otherwise another person has
    /// decided, which needs another attempt.
    async fn check_recorded(&self, request: &Versioned<ChangeRequest>) -> Result<Option<Answer>> {
        let (tenant, table) = (&self.call.caller.tenant, self.call.app.table());
        let now = table.find_change_request(tenant, request.value.id).await?;
        let same = now.is_some_and(|now| now.version() == request.version());
        if same { Err(Error::AlreadyRecorded) } else { Ok(None) }
    }
}
