//! `/identity/users/by/{field}/{value}`: the one user who has this value in a field that back ends
//! know.

use shared::axum::routing::{delete, get, patch};
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::definition::Predefined;
use shared::domain::error::{Error, Result};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::domain::{Json, WriteContext};
use shared::filter::search::{SearchLimits, UserSearch};
use shared::filter::{Candidate, Filter};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::page::{MAX_PAGE, MAX_PAGE_BYTES};
use shared::http::route::Conflict::{AlreadyExists, LastAdministrator, SeveralFound};
use shared::http::{Call, IdempotencyRecorder, Route, profile};
use shared::object;
use shared::store::Retry;
use shared::store::users::StoredUser;

use super::{change, erase};

const SEVERAL: &str = "The path names the user. Refuses with 409 if several users have the value.";

macro_rules! routes_by {
    ($field:ident, $name:literal, $words:literal) => {
        [
            Route::read(
                "GET",
                concat!("/identity/users/by/", $name, "/{value}"),
                concat!("get_user_by_", $name),
                (200, "User"),
                || get(async |call| read(call, Predefined::$field).await),
            )
            .scope(UsersRead)
            .tagged()
            .conflicts(&[SeveralFound])
            .summary(concat!("Read a user by ", $words))
            .description(SEVERAL),
            Route::write(
                "PATCH",
                concat!("/identity/users/by/", $name, "/{value}"),
                concat!("patch_user_by_", $name),
                (200, "User"),
                || patch(async |call| edit(call, Predefined::$field).await),
            )
            .scope(UsersWrite)
            .json("UserPatch")
            .approval()
            .conflicts(&[AlreadyExists, SeveralFound])
            .summary(concat!("Change a user by ", $words))
            .description(SEVERAL),
            Route::write(
                "DELETE",
                concat!("/identity/users/by/", $name, "/{value}"),
                concat!("forget_user_by_", $name),
                (204, ""),
                || delete(async |call| forget(call, Predefined::$field).await),
            )
            .scope(UsersWrite)
            .reauthenticate()
            .conflicts(&[SeveralFound, LastAdministrator])
            .summary(concat!("Forget a user by ", $words))
            .description(SEVERAL),
        ]
    };
}

/// The routes by the customer's own id.
pub(crate) const BY_ID_AT_CUSTOMER: [Route; 3] =
    routes_by!(IdAtCustomer, "id_at_customer", "the customer's id");
/// The routes by username.
pub(crate) const BY_USERNAME: [Route; 3] = routes_by!(Username, "username", "username");
/// The routes by e-mail address.
pub(crate) const BY_PREFERRED_EMAIL: [Route; 3] =
    routes_by!(PreferredEmail, "preferred_email", "e-mail address");

/// The filter that the users of the path fulfil. A value that nobody can have is not found.
fn filter(call: &Call, field: Predefined, schema: &Schema) -> Result<Filter> {
    let value: String = call.id("value")?;
    let by = Json::Object(object! { field.name() => value });
    Filter::read(&by, schema).map_err(|_| Error::NotFound)
}

/// Finds the one user of the path.
async fn find(call: &Call, field: Predefined) -> Result<StoredUser> {
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let filter = filter(call, field, &schema)?;
            let search = UserSearch::of(call.app.table(), &schema, &filter);
            let limits = SearchLimits { users: MAX_PAGE, bytes: MAX_PAGE_BYTES };
            let (page, _) = search.page(None, limits).await?;
            let mut users = page.users;
            match (users.pop(), users.len()) {
                (None, _) => Err(Error::NotFound),
                (Some(user), 0) => Ok(user),
                (Some(_), others) => Err(Error::Several(others + 1)),
            }
        })
        .await
}

/// Refuses a user who has another value by now.
fn check_named(call: &Call, field: Predefined, user: &User, schema: &Schema) -> Result<()> {
    let named = filter(call, field, schema)?.matches(&Candidate::from(user), schema);
    if named { Ok(()) } else { Err(Error::NotFound) }
}

async fn read(call: Call, field: Predefined) -> HandlerResult {
    let user = find(&call, field).await?;
    let schema = call.app.schema_of(&call.caller.tenant, [&user.value]).await?;
    call.show(user.tag(), || user.value.show(&schema))
}

/// Changes the user. If the user was deleted or got another value meanwhile, searches again.
async fn edit(mut call: Call, field: Predefined) -> HandlerResult {
    let body = call.take_body();
    let mut retry = Retry::of(call.app.table());
    loop {
        let id = find(&call, field).await?.value.id;
        let edit = |user: &User, context: &WriteContext<'_>| {
            check_named(&call, field, user, context.schema)?;
            user.patch(body.clone(), context)
        };
        match change(&call, id, IdempotencyRecorder::NONE, edit).await {
            Err(Error::NotFound) => retry.again().await?,
            changed => return profile::patched(&call, &body, changed).await,
        }
    }
}

/// Forgets the user, as [`edit`] changes it.
async fn forget(call: Call, field: Predefined) -> HandlerResult {
    let author = call.author().await?;
    let mut retry = Retry::of(call.app.table());
    loop {
        let id = find(&call, field).await?.value.id;
        let check = |live: &StoredUser, schema: &Schema| {
            check_named(&call, field, &live.value, schema)?;
            call.preconditions.check_write(&[live.tag()])
        };
        match erase(&call, &author, id, check).await {
            Err(Error::NotFound) => retry.again().await?,
            gone => return gone.map(|()| Answer::nothing()),
        }
    }
}
