//! Users: the base profiles of a tenant's people.

mod filter;
mod query;

use shared::axum::routing::{delete, get, patch, post, put};
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::error::Result;
use shared::domain::id::UserId;
use shared::domain::schema::Schema;
use shared::domain::user::{User, UserStatus};
use shared::domain::{Json, Versioned};
use shared::http::answer::{Answer, Answered};
use shared::http::{Call, Route};

const USERS: &str = "/identity/users";
const USER: &str = "/identity/users/{user_id}";

/// The routes of this function.
pub static ROUTES: [Route; 8] = [
    Route::write("POST", USERS, "create_user", (201, "User"), || post(create))
        .scope(UsersWrite)
        .json("UserInput")
        .about("Creates a user"),
    Route::read("POST", "/identity/users/query", "query_users", (200, "UserQueryResult"), || post(query::query))
        .scope(UsersRead)
        .json("UserQuery")
        .about("Finds users by a filter; sees every write that was acknowledged before"),
    Route::read("GET", USER, "get_user", (200, "User"), || get(read)).scope(UsersRead).about("Reads a user"),
    Route::write("PUT", USER, "replace_user", (200, "User"), || put(replace))
        .scope(UsersWrite)
        .json("UserReplacement")
        .about("Replaces the editable fields of a user"),
    Route::write("PATCH", USER, "patch_user", (200, "User"), || patch(edit))
        .scope(UsersWrite)
        .json("UserPatch")
        .about("Changes some fields of a user (RFC 7396)"),
    Route::write("DELETE", USER, "forget_user", (204, ""), || delete(forget))
        .scope(UsersWrite)
        .about("Forgets a user everywhere"),
    Route::write("POST", "/identity/users/{user_id}/block", "block_user", (200, "User"), || {
        post(async |call| set_status(call, UserStatus::Blocked).await)
    })
    .scope(UsersWrite)
    .about("Blocks a user; repeating it changes nothing"),
    Route::write("POST", "/identity/users/{user_id}/unblock", "unblock_user", (200, "User"), || {
        post(async |call| set_status(call, UserStatus::Active).await)
    })
    .scope(UsersWrite)
    .about("Unblocks a user; repeating it changes nothing"),
];

fn shown(user: &Versioned<User>, schema: &Schema) -> Answer {
    Answer::resource(user.value.show(schema), user.tag()).about(user.value.id)
}

async fn create(mut call: Call) -> Answered {
    call.guard_collection()?;
    let body = call.take_body();
    let (call, body) = (&call, &body);
    call.once(|record| {
        call.app.decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            let user = Versioned::first(User::create(body.clone(), schema, call.app.world())?);
            let answer = shown(&user, schema).created_at(format!("{USERS}/{}", user.value.id));
            call.app.table().create_user(schema, &user, record.of(&answer)?).await?;
            Ok(answer)
        })
    })
    .await
}

async fn read(call: Call) -> Answered {
    let tenant = &call.caller.tenant;
    let user = call.app.table().get_user(tenant, call.id("user_id")?).await?;
    let schema = call.app.schema_of(tenant, [&user.value]).await?;
    call.show(user.tag(), || user.value.show(&schema))
}

async fn replace(mut call: Call) -> Answered {
    let body = call.take_body();
    change(&call, |user, schema| user.replace(body.clone(), schema)).await
}

async fn edit(mut call: Call) -> Answered {
    let body: Json = call.take_body();
    change(&call, |user, schema| user.patch(body.clone(), schema)).await
}

async fn change(call: &Call, edit: impl Fn(&User, &Schema) -> Result<User>) -> Answered {
    let id: UserId = call.id("user_id")?;
    let edit = &edit;
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            let write = |live: &shared::store::users::LiveUser| {
                call.guard(&[live.tag()])?;
                let user = edit(&live.value, schema)?;
                Ok(user.differs(&live.value).then_some(user))
            };
            let user = call.app.table().change_user(schema, id, write, |_| Ok(None)).await?;
            Ok(shown(&user, schema))
        })
        .await
}

async fn set_status(call: Call, status: UserStatus) -> Answered {
    let id: UserId = call.id("user_id")?;
    let call = &call;
    call.once(|record| {
        call.app.decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            let write = |live: &shared::store::users::LiveUser| {
                call.guard(&[live.tag()])?;
                Ok((live.value.status != status).then(|| User { status, ..live.value.clone() }))
            };
            let kept = |next: &Versioned<User>| record.of(&shown(next, schema));
            let user = call.app.table().change_user(schema, id, write, kept).await?;
            Ok(shown(&user, schema))
        })
    })
    .await
}

async fn forget(call: Call) -> Answered {
    let id: UserId = call.id("user_id")?;
    call.app.table().forget_user(&call.caller.tenant, id, |live| call.guard(&[live.tag()])).await?;
    Ok(Answer::nothing())
}
