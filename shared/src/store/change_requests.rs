//! Change requests in the table.
//!
//! A request lives in the partition of its user, where a forget finds it, and is found by its id
//! through a look-up item. The index lists requests by status. It is a moment behind, so each
//! listed request is read again.

use super::index::{Position, SortRange};
use super::item::Item;
use super::keys::{self, Child, Children, Key};
use super::retry::Retry;
use super::table::Table;
use super::users::check_exists;
use super::write::{CommitError, Condition, Write};
use crate::domain::author::Author;
use crate::domain::change_request::{
    Actor, ChangeRequest, MAX_PENDING, MAX_PENDING_OF_PERSON, PENDING_SECONDS, RequestStatus,
};
use crate::domain::definition::DefinitionKind;
use crate::domain::error::{Code, Error, Result};
use crate::domain::hashing::{Hashes, MAX_COMPARED};
use crate::domain::id::{ChangeRequestId, TenantId, UserId};
use crate::domain::schema::Schema;
use crate::domain::versioned::{Version, Versioned, WriteLog};
use crate::env::uuid_at;
use crate::work::are_same_values;

/// Some change requests, and the position after which there are more.
pub type ChangeRequestPage = (Vec<Versioned<ChangeRequest>>, Option<Position>);

fn child(tenant: &TenantId, user: UserId, id: ChangeRequestId) -> Key {
    Key::child(tenant, user, Child::ChangeRequest(id))
}

fn item(tenant: &TenantId, request: &Versioned<ChangeRequest>) -> Item {
    let ChangeRequest { id, user, .. } = request.value;
    Item::at(&child(tenant, user, id))
        .versioned(request)
        .text("holder", user.to_string())
        .text("forward", Key::change_request(tenant, id).pk())
        .listed(keys::requests(tenant, request.value.stored_status()), id.to_string())
        .expiring(request.value.expires_at())
}

/// Where a list of its status goes on after a request.
#[must_use]
pub fn position_of(tenant: &TenantId, request: &ChangeRequest) -> Position {
    Position::of(&child(tenant, request.user, request.id), request.id.to_string())
}

/// The write that replaces a request by `next`, unless it was written since it was read.
#[must_use]
pub fn decide(
    tenant: &TenantId,
    before: &Versioned<ChangeRequest>,
    next: &Versioned<ChangeRequest>,
) -> Write {
    Write::Put(item(tenant, next), Condition::Version(before.version()))
}

/// Refuses one more request beside those of the user that wait.
fn check_pending(waiting: &[Versioned<ChangeRequest>], requested_by: &Actor) -> Result<()> {
    let own = waiting.iter().filter(|other| other.value.requested_by == *requested_by).count();
    let (found, most, whose) = match requested_by {
        Actor::UserId(_) if own >= MAX_PENDING_OF_PERSON => {
            (own, MAX_PENDING_OF_PERSON, "of one person")
        }
        _ => (waiting.len(), MAX_PENDING, "of a user"),
    };
    if found < most {
        return Ok(());
    }
    let detail = format!(
        "expected at most {most} waiting change requests {whose}, found {found}; \
         wait until one is decided"
    );
    Err(Error::invalid("", Code::TooMany, detail))
}

impl Table {
    /// Stores a new request while its user is live. When the same caller already waits for the same
    /// changes, that request is the answer: asking twice does not ask for two decisions.
    pub async fn create_change_request(
        &self,
        author: &Author,
        schema: &Schema,
        request: ChangeRequest,
        hashes: &Hashes,
    ) -> Result<Versioned<ChangeRequest>> {
        let tenant = &author.tenant;
        self.mark_used(
            schema,
            request.used_definitions().map(|id| (DefinitionKind::Attribute, id.to_string())),
        )
        .await?;
        let (user, id) = (request.user, request.id);
        let request = Versioned::first(request);
        let forward = Item::at(&Key::change_request(tenant, id))
            .text("holder", user.to_string())
            .expiring(request.value.expires_at());
        let write_id = self.write_id();
        let mut retry = Retry::of(self);
        // A repeat tells hashes of one secret by hashing it once more for each of them.
        let mut comparisons = MAX_COMPARED;
        loop {
            let (guard, mut waiting) = self.pending_requests(tenant, user).await?;
            if let Some(same) = waiting.iter().position(|other| {
                other.value.compare(&request.value, hashes).is_some_and(|pairs| pairs.is_empty())
            }) {
                return Ok(waiting.swap_remove(same));
            }
            check_pending(&waiting, &request.value.requested_by)?;
            // A repeat usually equals the newest request, so the newest comes first.
            let mut same = None;
            for (i, other) in waiting.iter().enumerate().rev() {
                let Some(pairs) = other.value.compare(&request.value, hashes) else { continue };
                if are_same_values(hashes, &pairs, &mut comparisons).await? {
                    same = Some(i);
                    break;
                }
            }
            if let Some(same) = same {
                return Ok(waiting.swap_remove(same));
            }
            let writes = vec![
                check_exists(tenant, user),
                guard,
                Write::Put(item(tenant, &request), Condition::Absent),
                Write::Put(forward.clone(), Condition::Absent),
            ];
            match self.commit_as(write_id, writes).await {
                Ok(()) => return Ok(request),
                Err(failed) if failed.at(0) => return Err(Error::NotFound),
                // Another change request was made at this moment.
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// The pending requests of a user, and a write that fails if another request is stored
    /// meanwhile: it changes an item that every new request of the user changes.
    async fn pending_requests(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<(Write, Vec<Versioned<ChangeRequest>>)> {
        let now = self.env.clock.now();
        let key = Key::child(tenant, user, Child::ChangeRequestGuard);
        // The guard sorts before the requests that it guards, so it is read first.
        let items = self.children(tenant, user, Children::ChangeRequestsWithGuard).await?;
        let (guards, requests): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.key() == key);
        let (version, condition, log) =
            match guards.first().and_then(|item| Some((item.version()?, item.log()))) {
                None => (Version::FIRST, Condition::Absent, WriteLog::default()),
                Some((version, log)) => (version.next(), Condition::Version(version), log),
            };
        let guard = Item::at(&key).guarded(version, &log).text("holder", user.to_string());
        let mut requests: Vec<Versioned<ChangeRequest>> =
            requests.into_iter().map(Item::read).collect::<Result<_>>()?;
        requests.retain(|request| request.value.status(now) == RequestStatus::Pending);
        Ok((Write::Put(guard, condition), requests))
    }

    /// Reads a request of a live user.
    pub async fn find_change_request(
        &self,
        tenant: &TenantId,
        id: ChangeRequestId,
    ) -> Result<Option<Versioned<ChangeRequest>>> {
        let forward = self.get(&Key::change_request(tenant, id)).await?;
        let Some(user) = forward.and_then(|item| item.owner()) else { return Ok(None) };
        if self.find_user(tenant, user).await?.is_none() {
            return Ok(None);
        }
        self.get(&child(tenant, user, id)).await?.map(|item| item.read()).transpose()
    }

    /// Writes the decision on a request, unless the request was written since it was read. Returns
    /// whether it was written.
    pub async fn write_decision(
        &self,
        author: &Author,
        before: &Versioned<ChangeRequest>,
        next: &Versioned<ChangeRequest>,
        record: Option<Write>,
    ) -> Result<bool> {
        let tenant = &author.tenant;
        let mut writes = vec![decide(tenant, before, next)];
        writes.extend(record);
        match self.commit(writes).await {
            Ok(()) => Ok(true),
            Err(CommitError::Contended) => Ok(false),
            Err(failed) if failed.at(0) || failed.at(1) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// All requests of a user, oldest first.
    pub async fn change_requests_of(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<Vec<Versioned<ChangeRequest>>> {
        let items = self.children(tenant, user, Children::ChangeRequests).await?;
        items.iter().map(Item::read).collect()
    }

    /// Requests of a status, oldest first, at most `limit` of those after the position `after`.
    ///
    /// A request without a decision in time is still stored as pending. Its id begins with its
    /// time, which distinguishes it from requests that wait.
    pub async fn change_requests(
        &self,
        tenant: &TenantId,
        status: RequestStatus,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<ChangeRequestPage> {
        let now = self.env.clock.now();
        let oldest =
            ChangeRequestId::new(uuid_at(now.plus_seconds(-PENDING_SECONDS).next())).to_string();
        let (stored, sorts) = match status {
            RequestStatus::Pending => (RequestStatus::Pending, SortRange::From(&oldest)),
            RequestStatus::Expired => (RequestStatus::Pending, SortRange::Before(&oldest)),
            status => (status, SortRange::All),
        };
        // The request that a cursor names may have expired since. The table refuses a start outside
        // the bounds.
        let after = after.filter(|after| match sorts {
            SortRange::From(first) => after.sort() >= first,
            _ => true,
        });
        let page = self
            .query_index(&keys::requests(tenant, stored), sorts, after, i32::try_from(limit).ok())
            .await?;
        let mut requests: Vec<Versioned<ChangeRequest>> = Vec::with_capacity(page.keys.len());
        for item in self.get_many(&page.keys).await? {
            requests.push(item.read()?);
        }
        // The index may list a request that was just decided.
        requests.retain(|request| request.value.status(now) == status);
        requests.sort_by_key(|request| request.value.id);
        Ok((requests, page.next))
    }
}
