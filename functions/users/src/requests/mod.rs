//! `/identity/change-requests`: changes that wait for an approval.

mod decide;
mod list;

use shared::axum::routing::{get, post};
use shared::domain::Scope::UsersRead;
use shared::domain::change_request::ChangeRequest;
use shared::domain::error::{Error, Result};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::http::answer::HandlerResult;
use shared::http::route::Conflict::{AlreadyExists, State};
use shared::http::{Call, Callers, Route};

const REQUESTS: &str = "/identity/change-requests";
const REQUEST: &str = "/identity/change-requests/{id}";

/// Routes of change requests.
pub(crate) const ROUTES: [Route; 4] = [
    Route::read("GET", REQUESTS, "list_change_requests", (200, "ChangeRequestList"), || {
        get(list::list)
    })
    .callers(Callers::GrantedOrPeople(UsersRead))
    .query(&["limit", "cursor", "status", "user_id"])
    .summary("List change requests")
    .description("People see those that they may decide."),
    Route::read("GET", REQUEST, "get_change_request", (200, "ChangeRequest"), || get(read))
        .callers(Callers::GrantedOrPeople(UsersRead))
        .tagged()
        .summary("Read a change request")
        .description("People see those that they made or may decide."),
    Route::write(
        "POST",
        "/identity/change-requests/{id}/approve",
        "approve_change_request",
        (200, "ChangeRequest"),
        || post(decide::approve),
    )
    .callers(Callers::GrantedOrPeople(UsersRead))
    .if_match()
    .conflicts(&[AlreadyExists, State])
    .summary("Approve a change request")
    .description(
        "Applies the changes. The approval policies of the attributes say who may. A \
         repeat changes nothing.",
    ),
    Route::write(
        "POST",
        "/identity/change-requests/{id}/reject",
        "reject_change_request",
        (200, "ChangeRequest"),
        || post(decide::reject),
    )
    .callers(Callers::GrantedOrPeople(UsersRead))
    .if_match()
    .conflicts(&[State])
    .summary("Reject a change request")
    .description("The approval policies of the attributes say who may. A repeat changes nothing."),
];

/// Reads a change request.
pub(crate) async fn read(call: Call) -> HandlerResult {
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
    let now = call.app.env().clock.now();
    call.show(&ChangeRequest::tag(&request, now), || request.value.show(&schema, now))
}

/// Refuses a request that the person may not see. People see the requests that they made or may
/// decide.
fn check_seen(
    call: &Call,
    request: &ChangeRequest,
    me: Option<&User>,
    schema: &Schema,
) -> Result<()> {
    let actor = call.actor(me)?;
    let seen = me.is_none()
        || request.requested_by == actor
        || request.check_approver(&actor, call.policy_subject(me)?, schema).is_ok();
    if seen { Ok(()) } else { Err(Error::NotFound) }
}
