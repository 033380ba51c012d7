//! `/identity/change-requests`: changes that wait for somebody who may approve them.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use shared::axum::routing::{get, post};
use shared::domain::Scope::UsersRead;
use shared::domain::author::Reason;
use shared::domain::change_request::{ChangeRequest, Status};
use shared::domain::error::{Error, Result};
use shared::domain::id::{ChangeRequestId, UserId, UserName};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::domain::{Json, Versioned, Writing};
use shared::http::answer::{Answer, Answered};
use shared::http::call::{MAX_PAGE_BYTES, Recorder};
use shared::http::profile::shown_request;
use shared::http::{Call, Route};
use shared::object;
use shared::store::Failed;
use shared::store::change_requests::{decide, position_of};
use shared::store::table::Position;
use shared::store::users::LiveUser;
use shared::writing::{Outcome, Policy};

const REQUESTS: &str = "/identity/change-requests";
const REQUEST: &str = "/identity/change-requests/{id}";

/// Routes of change requests.
pub const ROUTES: [Route; 4] = [
    Route::read("GET", REQUESTS, "list_change_requests", (200, "ChangeRequestList"), || get(list))
        .scope(UsersRead)
        .people()
        .query(&["limit", "cursor", "status", "user_id"])
        .about(
            "Lists change requests, those of a user or of a status if one is named; people see \
             those that they may decide",
        ),
    Route::read("GET", REQUEST, "get_change_request", (200, "ChangeRequest"), || get(read))
        .scope(UsersRead)
        .people()
        .about("Reads a change request; people see those that they asked for or may decide"),
    Route::write(
        "POST",
        "/identity/change-requests/{id}/approve",
        "approve_change_request",
        (200, "ChangeRequest"),
        || post(approve),
    )
    .scope(UsersRead)
    .people()
    .about(
        "Applies a change request; the approval policies of what it changes say who may; \
         repeating it changes nothing",
    ),
    Route::write(
        "POST",
        "/identity/change-requests/{id}/reject",
        "reject_change_request",
        (200, "ChangeRequest"),
        || post(reject),
    )
    .scope(UsersRead)
    .people()
    .about("Rejects a change request; repeating it changes nothing"),
];

/// How often a decision is taken anew when somebody else decides at the same time.
const TURNS: u32 = 8;
/// How many requests one call looks through for a person who may decide few of them, once it has
/// found one.
const LOOKED_THROUGH: usize = 500;

/// Where the next page of a list starts.
#[derive(Serialize, Deserialize)]
enum Next {
    /// After this request of the user that the list is of.
    OfUser(ChangeRequestId),
    /// In the list of this status, after this position.
    OfStatus(usize, Option<Position>),
}

/// Lists change requests.
pub async fn list(call: Call) -> Answered {
    let size = call.page_size()?;
    let status = call.query("status").map(str::parse::<Status>).transpose();
    let names = Status::ALL.map(Status::name).join(", ");
    let status = status.map_err(|_| Error::Malformed(format!("`status` is one of {names}")))?;
    let user = call.query("user_id").map(str::parse::<UserName>).transpose();
    let user =
        user.map_err(|_| Error::Malformed("`user_id` is a UUID or a base profile id".to_owned()))?;
    let bound = format!("{status:?} {user:?}");
    let next = call.open_cursor::<Next>(&bound, call.query("cursor")).await?;
    let now = call.app.world().clock.now();
    let me = call.person().await?;
    let schema = call.app.schema(&call.caller.tenant).await?;
    let me = me.as_ref().map(|me| &me.value);
    if me.is_some()
        && !schema.attributes.values().any(|a| a.is_approved_by(call.approver(me), &schema))
    {
        return Ok(Answer::content(object! { "items" => Vec::<Json>::new() }));
    }
    let actor = call.actor(me)?;
    let decides = |request: &ChangeRequest| {
        me.is_none() || request.check_approver(&actor, call.approver(me), &schema).is_ok()
    };
    let wanted = |request: &Versioned<ChangeRequest>| {
        status.is_none_or(|status| request.value.status(now) == status) && decides(&request.value)
    };
    let (requests, next) = match (user, next) {
        (Some(user), next) => {
            let after = if let Some(Next::OfUser(id)) = next { Some(id) } else { None };
            match call.app.table().resolve(&call.caller.tenant, &user).await? {
                Some(user) => of_user(&call, user, after, size, wanted).await?,
                None => (Vec::new(), None),
            }
        }
        (None, Some(Next::OfStatus(list, position))) => {
            of_statuses(&call, status, list, position, size, wanted).await?
        }
        (None, _) => of_statuses(&call, status, 0, None, size, wanted).await?,
    };
    let items: Vec<_> =
        requests.iter().map(|request| Json::Object(request.value.show(&schema, now))).collect();
    let mut content = object! { "items" => items };
    if let Some(next) = next {
        content.insert("next_cursor".to_owned(), Json::from(call.cursor(&bound, &next).await?));
    }
    Ok(Answer::content(content))
}

type Page = (Vec<Versioned<ChangeRequest>>, Option<Next>);

async fn of_user(
    call: &Call,
    user: UserId,
    after: Option<ChangeRequestId>,
    size: usize,
    wanted: impl Fn(&Versioned<ChangeRequest>) -> bool,
) -> Result<Page> {
    let (tenant, table) = (&call.caller.tenant, call.app.table());
    if table.find_user(tenant, user).await?.is_none() {
        return Ok((Vec::new(), None));
    }
    let mut requests = table.change_requests_of(tenant, user).await?;
    requests
        .retain(|request| wanted(request) && after.is_none_or(|after| request.value.id > after));
    let (mut bytes, before) = (0, requests.len());
    requests.truncate(size);
    cut(&mut requests, &mut bytes, false);
    let more = requests.len() < before;
    let next = requests.last().filter(|_| more).map(|last| Next::OfUser(last.value.id));
    Ok((requests, next))
}

async fn of_statuses(
    call: &Call,
    status: Option<Status>,
    list: usize,
    position: Option<Position>,
    size: usize,
    wanted: impl Fn(&Versioned<ChangeRequest>) -> bool,
) -> Result<Page> {
    let (tenant, table) = (&call.caller.tenant, call.app.table());
    let lists = status.map_or_else(|| Status::ALL.to_vec(), |status| vec![status]);
    let (mut found, mut list, mut position, mut bytes) =
        (Vec::<Versioned<ChangeRequest>>::new(), list, position, 0);
    let mut looked_through = 0;
    while let Some(status) = lists.get(list) {
        let (mut page, next) =
            table.change_requests(tenant, *status, position.as_ref(), size - found.len()).await?;
        looked_through += page.len();
        // What is left of forgotten users is nobody's to see.
        let mut ids: Vec<_> = page.iter().map(|request| request.value.user).collect();
        ids.sort_unstable();
        ids.dedup();
        let live: Vec<_> =
            table.find_users(tenant, &ids).await?.iter().map(|user| user.value.id).collect();
        page.retain(|request| live.contains(&request.value.user) && wanted(request));
        let full = cut(&mut page, &mut bytes, !found.is_empty());
        found.extend(page);
        if full {
            position = found.last().map(|last| position_of(tenant, &last.value));
            break;
        }
        position = next;
        if position.is_none() {
            list += 1;
        }
        if found.len() >= size || (looked_through >= LOOKED_THROUGH && !found.is_empty()) {
            break;
        }
    }
    let more = position.is_some() || list < lists.len();
    Ok((found, more.then_some(Next::OfStatus(list, position))))
}

/// Cuts off what would make a page too large, the first request of the page excepted; whether
/// something was cut off.
fn cut(requests: &mut Vec<Versioned<ChangeRequest>>, bytes: &mut usize, begun: bool) -> bool {
    let fits = requests.iter().enumerate().position(|(i, request)| {
        *bytes += request.value.size();
        *bytes > MAX_PAGE_BYTES && (begun || i > 0)
    });
    if let Some(first) = fits {
        requests.truncate(first);
    }
    fits.is_some()
}

/// Reads a change request.
pub async fn read(call: Call) -> Answered {
    let tenant = &call.caller.tenant;
    let me = call.person().await?;
    let request = call
        .app
        .table()
        .find_change_request(tenant, call.id("id")?)
        .await?
        .ok_or(Error::NotFound)?;
    let schema = call.app.schema(tenant).await?;
    check_seen(&call, &request.value, me.as_ref().map(|me| &me.value), &schema)?;
    let now = call.app.world().clock.now();
    call.show(&ChangeRequest::tag(&request, now), || request.value.show(&schema, now))
}

/// Refuses a person a request that is not there for them: people see those that they asked for or
/// may decide.
fn check_seen(
    call: &Call,
    request: &ChangeRequest,
    me: Option<&User>,
    schema: &Schema,
) -> Result<()> {
    let actor = call.actor(me)?;
    let seen = me.is_none()
        || request.requested_by == actor
        || request.check_approver(&actor, call.approver(me), schema).is_ok();
    if seen { Ok(()) } else { Err(Error::NotFound) }
}

/// Applies a change request, or finds that it cannot be applied any more.
pub async fn approve(call: Call) -> Answered {
    decide_by(call, Status::Approved).await
}

/// Rejects a change request.
pub async fn reject(call: Call) -> Answered {
    decide_by(call, Status::Rejected).await
}

async fn decide_by(call: Call, decision: Status) -> Answered {
    let id: ChangeRequestId = call.id("id")?;
    let call = &call;
    // Who may decide is looked up now and not as it was half a minute ago (rule A5).
    call.app.schema_now(&call.caller.tenant).await?;
    // A repeat is answered by its record, but not to somebody who was blocked meanwhile.
    call.person().await?;
    call.once(|record| {
        call.app.decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            for turn in 1..=TURNS {
                if let Some(answer) = decide_once(call, id, decision, record, schema).await? {
                    return Ok(answer);
                }
                call.app.table().pause(turn).await;
            }
            Err(Error::Unavailable("too many decide at once".to_owned()))
        })
    })
    .await
}

/// Decides about a request as it is now; `None` when somebody else wrote it meanwhile.
async fn decide_once(
    call: &Call,
    id: ChangeRequestId,
    decision: Status,
    record: Recorder<'_>,
    schema: &Schema,
) -> Result<Option<Answer>> {
    let (tenant, table) = (&call.caller.tenant, call.app.table());
    let request = table.find_change_request(tenant, id).await?.ok_or(Error::NotFound)?;
    let me = call.person().await?;
    let me = me.as_ref().map(|me| &me.value);
    let actor = call.actor(me)?;
    check_seen(call, &request.value, me, schema)?;
    request.value.check_approver(&actor, call.approver(me), schema)?;
    let now = call.app.world().clock.now();
    call.guard(&[&ChangeRequest::tag(&request, now)])?;
    match request.value.status(now) {
        Status::Pending => {}
        status if status == decision => {
            let answer = shown_request(&request, schema, call);
            if let Some(record) = record.of(&answer)? {
                table.commit(vec![record]).await.map_err(|failed| match failed {
                    Failed::Conditions(_) => Error::AlreadyRecorded,
                    failed => failed.into(),
                })?;
            }
            return Ok(Some(answer));
        }
        status => return Err(Error::Conflict(format!("the change request is {status}"))),
    }
    let decided = request.changed_to(request.value.decided(decision, Some(actor)));
    let answer = shown_request(&decided, schema, call);
    if decision == Status::Rejected {
        let settled =
            table.settle_change_request(tenant, &request, &decided, record.of(&answer)?).await?;
        return Ok(settled.then_some(answer));
    }
    let author = call.author_of(me)?.because(Reason::Approval(id));
    let stale = AtomicBool::new(false);
    let apply = |current: &LiveUser, _: &Writing<'_>| {
        let applied = request.value.apply(&current.value, schema)?;
        stale.store(applied.is_none(), Ordering::Relaxed);
        Ok(applied.unwrap_or_else(|| current.value.clone()))
    };
    let decided = |_: &Outcome| {
        if stale.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let mut writes = vec![decide(tenant, &request, &decided)];
        writes.extend(record.of(&answer)?);
        Ok(writes)
    };
    let writer = call.writer(&author, schema, Policy::approval());
    match writer.change(request.value.user, apply, decided).await {
        Ok(_) if stale.load(Ordering::Relaxed) => {
            let stale = request.changed_to(request.value.decided(Status::Stale, None));
            let settled = table.settle_change_request(tenant, &request, &stale, None).await?;
            let detail = "the profile is no longer what the change request was made for; the \
                          request is STALE now";
            if settled { Err(Error::Conflict(detail.to_owned())) } else { Ok(None) }
        }
        Ok(_) => Ok(Some(answer)),
        // Somebody else decided, or this very request was answered already: its record says which.
        Err(Error::AlreadyRecorded) => {
            let now = table.find_change_request(tenant, id).await?;
            if now.is_some_and(|now| now.version() == request.version()) {
                return Err(Error::AlreadyRecorded);
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
