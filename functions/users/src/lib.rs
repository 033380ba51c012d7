//! Users: the base profiles of a tenant's people.

mod audit;
mod batch;
mod by;
mod consents;
mod imports;
mod invite;
mod list;
mod me;
mod principals;
pub mod profiles;
mod query;
mod requests;
mod sessions;
mod sign_in;
mod system_context;
mod upsert;
mod userinfo;

use std::sync::LazyLock;

use shared::axum::routing::{delete, get, patch, post, put};
use shared::domain::Scope::{Administrator, UsersRead, UsersWrite};
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::error::Result;
use shared::domain::id::UserId;
use shared::domain::people::rights::check_account;
use shared::domain::schema::Schema;
use shared::domain::user::{User, UserStatus};
use shared::domain::{Versioned, WriteContext};
use shared::http::IdempotencyRecorder;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::profile;
use shared::http::route::Conflict::{AlreadyExists, LastAdministrator};
use shared::http::{Call, Route};
use shared::store::users::StoredUser;
use shared::writing::WriteTarget;

pub use self::batch::MAX_IDS;

const USERS: &str = "/identity/users";
const USER: &str = "/identity/users/{user_id}";

/// The routes of this function.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let groups: [&[Route]; 14] = [
        &USER_ROUTES,
        &by::BY_ID_AT_CUSTOMER,
        &by::BY_USERNAME,
        &by::BY_PREFERRED_EMAIL,
        &imports::ROUTES,
        &requests::ROUTES,
        &principals::ROUTES,
        &me::ROUTES,
        &sign_in::ROUTES,
        &profiles::ROUTES,
        &audit::ROUTES,
        &consents::ROUTES,
        &sessions::ROUTES,
        &invite::ROUTES,
    ];
    groups.concat()
});

/// Routes of users as machine clients see them.
const USER_ROUTES: [Route; 12] = [
    Route::write("POST", USERS, "create_user", (201, "User"), || post(create))
        .scope(UsersWrite)
        .json("UserInput")
        .conflicts(&[AlreadyExists])
        .summary("Create a user")
        .description(
            "May bring `id`, `email_verified` and `personas`. With `\"invite\": true` the person \
             gets a mail to set a password.",
        ),
    Route::read("GET", USERS, "list_users", (200, "UserList"), || get(list::list))
        .scope(UsersRead)
        .query(&["limit", "cursor", "updated_since"])
        .summary("List users")
        .description(
            "In the order of their last changes. With `updated_since`, users that changed \
             since then and tombstones of deleted users, for systems that synchronise.",
        ),
    Route::read("POST", "/identity/users/batch-get", "get_users", (200, "UserBatch"), || {
        post(batch::get)
    })
    .scope(UsersRead)
    .json("UserNames")
    .summary("Read several users")
    .description("At most 100, by user ids or base profile ids."),
    Route::write(
        "PUT",
        "/identity/users/by/id_at_customer/{value}",
        "upsert_user",
        (201, "User"),
        || put(upsert::upsert),
    )
    .scope(UsersWrite)
    .json("UserUpsert")
    .upsert()
    .conflicts(&[AlreadyExists])
    .summary("Create or replace a user")
    .description("The path names the user by the customer's own id. A repeat changes nothing."),
    Route::read("POST", "/identity/users/query", "query_users", (200, "UserQueryResult"), || {
        post(query::query)
    })
    .scope(UsersRead)
    .json("UserQuery")
    .summary("Find users")
    .description(
        "By a filter over fields, attributes and personas. Filters that use an index \
         entry see every acknowledged write.",
    ),
    Route::read("GET", USER, "get_user", (200, "User"), || get(read))
        .scope(UsersRead)
        .tagged()
        .summary("Read a user")
        .description("With personas and custom attributes."),
    Route::write("PUT", USER, "replace_user", (200, "User"), || put(replace))
        .scope(UsersWrite)
        .json("UserReplacement")
        .approval()
        .conflicts(&[AlreadyExists])
        .summary("Replace a user")
        .description("Editable fields that are left out are removed. Hashed values stay."),
    Route::write("PATCH", USER, "patch_user", (200, "User"), || patch(edit))
        .scope(UsersWrite)
        .json("UserPatch")
        .approval()
        .conflicts(&[AlreadyExists])
        .summary("Change a user")
        .description("Fields that are left out stay. `null` removes a field."),
    Route::write("DELETE", USER, "forget_user", (204, ""), || delete(forget))
        .scope(UsersWrite)
        .reauthenticate()
        .conflicts(&[LastAdministrator])
        .summary("Forget a user")
        .description(
            "Deletes the user and all that belongs to the user, in every system. A \
             tombstone remains for 90 days.",
        ),
    Route::write("POST", "/identity/users/{user_id}/block", "block_user", (200, "User"), || {
        post(async |call| set_status(call, UserStatus::Blocked).await)
    })
    .scope(UsersWrite)
    .if_match()
    .conflicts(&[AlreadyExists, LastAdministrator])
    .audited_as(Operation::UserBlock)
    .summary("Block a user")
    .description("Refuses tokens and sign-ins of the person. A repeat changes nothing."),
    Route::write(
        "POST",
        "/identity/users/{user_id}/unblock",
        "unblock_user",
        (200, "User"),
        || post(async |call| set_status(call, UserStatus::Active).await),
    )
    .scope(UsersWrite)
    .if_match()
    .conflicts(&[AlreadyExists])
    .audited_as(Operation::UserUnblock)
    .summary("Unblock a user")
    .description("A repeat changes nothing."),
    Route::write("POST", "/identity/users/{user_id}/verify", "verify_user", (200, "User"), || {
        post(verify)
    })
    .scope(Administrator)
    .json("UserVerification")
    .if_match()
    .conflicts(&[AlreadyExists])
    .audited_as(Operation::UserVerify)
    .summary("Verify an e-mail address")
    .description(
        "Marks an address of the user as known to be the person's. A repeat changes \
         nothing.",
    ),
];

fn made(user: &Versioned<User>, schema: &Schema) -> Answer {
    shown(user, schema).created_at(format!("{USERS}/{}", user.value.id))
}

fn shown(user: &Versioned<User>, schema: &Schema) -> Answer {
    Answer::resource(user.value.show(schema), user.tag()).replay_while_exists(user.value.id)
}

async fn create(mut call: Call) -> HandlerResult {
    call.preconditions.check_collection()?;
    let mut body = call.take_body();
    let invites = invite::take(&mut body)?;
    let read = |context: &WriteContext<'_>| {
        let user = User::create(body.clone(), context)?;
        if invites {
            invite::check(&user)?;
        }
        Ok(user)
    };
    let (tenant, env) = (&call.caller.tenant, call.app.env());
    let mail = |user: &User| invites.then(|| invite::mail(tenant, user, env));
    call.once(|record| profile::create(&call, record, read, mail, made)).await
}

async fn read(call: Call) -> HandlerResult {
    let tenant = &call.caller.tenant;
    let user = call.app.table().get_user(tenant, call.user("user_id").await?).await?;
    let schema = call.app.schema_of(tenant, [&user.value]).await?;
    call.show(user.tag(), || user.value.show(&schema))
}

async fn replace(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    let replace = |user: &User, context: &WriteContext<'_>| user.replace(body.clone(), context);
    change(&call, call.user("user_id").await?, IdempotencyRecorder::NONE, replace).await
}

async fn edit(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    let edit = |user: &User, context: &WriteContext<'_>| user.patch(body.clone(), context);
    let id = call.user("user_id").await?;
    let changed = change(&call, id, IdempotencyRecorder::NONE, edit).await;
    profile::patched(&call, &body, changed).await
}

async fn verify(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    let verify =
        |user: &User, context: &WriteContext<'_>| user.verify(body.clone(), context.schema);
    let id = call.user("user_id").await?;
    call.once(|record| change(&call, id, record, verify)).await
}

async fn set_status(call: Call, status: UserStatus) -> HandlerResult {
    let id = call.user("user_id").await?;
    let set = move |user: &User, _: &WriteContext<'_>| Ok(User { status, ..user.clone() });
    call.once(|record| change(&call, id, record, set)).await
}

async fn change(
    call: &Call,
    id: UserId,
    record: IdempotencyRecorder<'_>,
    edit: impl Fn(&User, &WriteContext<'_>) -> Result<User> + Send + Sync,
) -> HandlerResult {
    let guarded = |live: &StoredUser, context: &WriteContext<'_>| {
        call.preconditions.check_write(&[live.tag()])?;
        edit(&live.value, context)
    };
    let author = call.author().await?;
    let show = |user: &Versioned<User>, schema: &Schema| Ok(shown(user, schema));
    profile::change(call, &author, id, WriteTarget::User, record, guarded, show).await
}

async fn forget(call: Call) -> HandlerResult {
    let id: UserId = call.user("user_id").await?;
    let check = |live: &StoredUser, _: &Schema| call.preconditions.check_write(&[live.tag()]);
    erase(&call, &call.author().await?, id, check).await?;
    Ok(Answer::nothing())
}

/// Erases a user whose rights the author has, if `check` agrees.
pub(crate) async fn erase(
    call: &Call,
    author: &Author,
    user: UserId,
    check: impl Fn(&StoredUser, &Schema) -> Result<()> + Send + Sync,
) -> Result<()> {
    let check = &check;
    call.app
        .decide(&author.tenant, move |schema| async move {
            let schema = &*schema;
            let check = |live: &StoredUser| {
                check_account(author, &live.value, schema)?;
                check(live, schema)
            };
            call.app.table().forget_user(author, Some(schema), user, check).await
        })
        .await
}
