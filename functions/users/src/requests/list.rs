//! Lists of change requests: of one user, or of the tenant by status.

use serde::{Deserialize, Serialize};
use shared::domain::change_request::{ChangeRequest, RequestStatus};
use shared::domain::error::{Error, Result};
use shared::domain::id::{ChangeRequestId, UserId, UserName};
use shared::domain::string_enum::expected_word;
use shared::domain::{Json, Versioned};
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::page::MAX_PAGE_BYTES;
use shared::object;
use shared::store::change_requests::position_of;
use shared::store::index::Position;

/// How many requests one call looks through for a person who may decide few of them. The page may
/// be empty then and still have a cursor.
const LOOKED_THROUGH: usize = 500;
/// How many requests are read at a time for such a person, with every page size.
const READ_AT_ONCE: usize = 50;

/// The position of the next page, as its cursor holds it.
#[derive(Serialize, Deserialize)]
enum RequestPosition {
    /// After this request of the user that the list is of.
    OfUser(ChangeRequestId),
    /// In the list of this status, after this position.
    OfStatus(usize, Option<Position>),
}

/// Lists change requests.
pub(super) async fn list(call: Call) -> HandlerResult {
    let size = call.page_size()?;
    let status = |text: &str| {
        let wrong =
            || format!("query parameter `status`: {}", expected_word(&RequestStatus::ALL, text));
        text.parse::<RequestStatus>().map_err(|_| Error::Malformed(wrong()))
    };
    let status = call.query("status").map(status).transpose()?;
    let user = call.query("user_id").map(str::parse::<UserName>).transpose();
    let user =
        user.map_err(|error| Error::Malformed(format!("query parameter `user_id`: {error}")))?;
    let bound = format!("{status:?} {user:?}");
    let next = call.open_cursor::<RequestPosition>(&bound, call.query("cursor")).await?;
    let now = call.app.env().clock.now();
    let me = call.person().await?;
    let schema = call.app.schema(&call.caller.tenant).await?;
    let me = me.as_ref().map(|me| &me.value);
    let subject = call.policy_subject(me)?;
    if me.is_some() && !schema.attributes.values().any(|a| a.is_approved_by(subject, &schema)) {
        return Ok(Answer::content(object! { "items" => Vec::<Json>::new() }));
    }
    let actor = call.actor(me)?;
    let decides = |request: &ChangeRequest| {
        me.is_none() || request.check_approver(&actor, subject, &schema).is_ok()
    };
    let wanted = |request: &Versioned<ChangeRequest>| {
        status.is_none_or(|status| request.value.status(now) == status) && decides(&request.value)
    };
    let (requests, next) = match (user, next) {
        (Some(user), next) => {
            let after = if let Some(RequestPosition::OfUser(id)) = next { Some(id) } else { None };
            match call.app.table().resolve(&call.caller.tenant, &user).await? {
                Some(user) => of_user(&call, user, after, size, wanted).await?,
                None => (Vec::new(), None),
            }
        }
        (None, next) => {
            let (list, position) = match next {
                Some(RequestPosition::OfStatus(list, position)) => (list, position),
                _ => (0, None),
            };
            // Clients see every request, so what is read for them is on the page.
            let least = if me.is_some() { READ_AT_ONCE } else { 1 };
            of_statuses(&call, status, (list, position), (size, least), wanted).await?
        }
    };
    let show = |request: &Versioned<ChangeRequest>| {
        Json::Object(ChangeRequest::tag(request, now).with(request.value.show(&schema, now)))
    };
    let items: Vec<_> = requests.iter().map(show).collect();
    let mut content = object! { "items" => items };
    if let Some(next) = next {
        content.insert("next_cursor".to_owned(), Json::from(call.cursor(&bound, &next).await?));
    }
    Ok(Answer::content(content))
}

type RequestPage = (Vec<Versioned<ChangeRequest>>, Option<RequestPosition>);

async fn of_user(
    call: &Call,
    user: UserId,
    after: Option<ChangeRequestId>,
    size: usize,
    wanted: impl Fn(&Versioned<ChangeRequest>) -> bool,
) -> Result<RequestPage> {
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
    let next = requests.last().filter(|_| more).map(|last| RequestPosition::OfUser(last.value.id));
    Ok((requests, next))
}

async fn of_statuses(
    call: &Call,
    status: Option<RequestStatus>,
    (mut list, mut position): (usize, Option<Position>),
    (size, least): (usize, usize),
    wanted: impl Fn(&Versioned<ChangeRequest>) -> bool,
) -> Result<RequestPage> {
    let (tenant, table) = (&call.caller.tenant, call.app.table());
    let lists = status.map_or_else(|| RequestStatus::ALL.to_vec(), |status| vec![status]);
    let (mut found, mut bytes) = (Vec::<Versioned<ChangeRequest>>::new(), 0);
    let mut looked_through = 0;
    while let Some(status) = lists.get(list) {
        let left = size - found.len();
        let (mut page, next) =
            table.change_requests(tenant, *status, position.as_ref(), left.max(least)).await?;
        looked_through += page.len();
        // Change requests of deleted users are shown to nobody.
        let mut ids: Vec<_> = page.iter().map(|request| request.value.user).collect();
        ids.sort_unstable();
        ids.dedup();
        let live: Vec<_> =
            table.find_users(tenant, &ids).await?.iter().map(|user| user.value.id).collect();
        page.retain(|request| live.contains(&request.value.user) && wanted(request));
        let rest = page.len() > left;
        page.truncate(left);
        let full = cut(&mut page, &mut bytes, !found.is_empty()) || rest;
        if full {
            // Of a page that was cut off whole nothing is listed: the next call begins with it.
            let last = page.last().map(|last| position_of(tenant, &last.value));
            position = last.or(position);
            found.extend(page);
            break;
        }
        found.extend(page);
        position = next;
        if position.is_none() {
            list += 1;
        }
        if found.len() >= size || looked_through >= LOOKED_THROUGH {
            break;
        }
    }
    let more = position.is_some() || list < lists.len();
    Ok((found, more.then_some(RequestPosition::OfStatus(list, position))))
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
