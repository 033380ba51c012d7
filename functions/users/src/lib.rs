//! Users: the base profiles of a tenant's people.

mod filter;
mod me;
mod place;
mod principals;
pub mod profiles;
mod query;
mod requests;
mod sign_in;
mod userinfo;

use shared::axum::routing::{delete, get, patch, post, put};
use shared::domain::Scope::{Administrator, Openid, UsersRead, UsersWrite};
use shared::domain::error::{Error, Result};
use shared::domain::id::UserId;
use shared::domain::patch::point_into;
use shared::domain::schema::Schema;
use shared::domain::user::{User, UserStatus};
use shared::domain::{Versioned, Writing};
use shared::http::answer::{Answer, Answered};
use shared::http::call::Recorder;
use shared::http::profile::{self, Part};
use shared::http::{Call, Route};
use shared::store::users::LiveUser;

const USERS: &str = "/identity/users";
const USER: &str = "/identity/users/{user_id}";
const ME: &str = "/identity/me";
const REQUESTS: &str = "/identity/change-requests";
const REQUEST: &str = "/identity/change-requests/{id}";
const PROFILES: &str = "/api/v1/tenants/{tenant_id}/systems/{system_id}/users";
const PROFILE: &str = "/api/v1/tenants/{tenant_id}/systems/{system_id}/users/{id}";

/// The routes of this function.
pub static ROUTES: [Route; 28] = [
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
        .approval()
        .about("Replaces the editable fields of a user"),
    Route::write("PATCH", USER, "patch_user", (200, "User"), || patch(edit))
        .scope(UsersWrite)
        .json("UserPatch")
        .approval()
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
    Route::write("POST", "/identity/users/{user_id}/verify", "verify_user", (200, "User"), || post(verify))
        .scope(Administrator)
        .json("UserVerification")
        .about("Marks an e-mail address of a user as verified; repeating it changes nothing"),
    Route::read("GET", ME, "get_me", (200, "Me"), || get(me::read)).people().about("Reads the own profile"),
    Route::write("PATCH", ME, "patch_me", (200, "Me"), || patch(me::edit))
        .people()
        .json("UserPatch")
        .approval()
        .about("Changes some fields of the own profile (RFC 7396)"),
    Route::write("DELETE", ME, "forget_me", (204, ""), || delete(me::forget))
        .people()
        .about("Forgets the person everywhere"),
    Route::read("GET", "/idhub/oidc/v1/userinfo", "get_userinfo", (200, "UserInfo"), || get(userinfo::read))
        .people_with(Openid)
        .about("Says who the person is (OpenID Connect Core 1.0 §5.3)"),
    Route::read("GET", REQUESTS, "list_change_requests", (200, "ChangeRequestList"), || get(requests::list))
        .scope(UsersRead)
        .people()
        .query(&["limit", "cursor", "status", "user_id"])
        .about("Lists change requests, those of a user or of a status if one is named; people see those that they may decide"),
    Route::read("GET", REQUEST, "get_change_request", (200, "ChangeRequest"), || get(requests::read))
        .scope(UsersRead)
        .people()
        .about("Reads a change request; people see those that they asked for or may decide"),
    Route::write(
        "POST",
        "/identity/change-requests/{id}/approve",
        "approve_change_request",
        (200, "ChangeRequest"),
        || post(requests::approve),
    )
    .scope(UsersRead)
    .people()
    .about(
        "Applies a change request; the approval policies of what it changes say who may; repeating it changes nothing",
    ),
    Route::write(
        "POST",
        "/identity/change-requests/{id}/reject",
        "reject_change_request",
        (200, "ChangeRequest"),
        || post(requests::reject),
    )
    .scope(UsersRead)
    .people()
    .about("Rejects a change request; repeating it changes nothing"),
    Route::write("POST", PROFILES, "get_or_create_system_profile", (201, "SystemProfile"), || post(sign_in::arrive))
        .scope(UsersWrite)
        .integrated()
        .people()
        .optional_json("SystemProfileInput")
        .finds()
        .about("Gets or creates the profile of the person who calls, or whom a CRM or an IAM system brings"),
    Route::read("GET", PROFILES, "find_system_profile", (200, "SystemProfile"), || get(profiles::search))
        .scope(UsersRead)
        .query(&["filter"])
        .about("Finds exactly one profile of a system by what the system sees of people"),
    Route::read(
        "GET",
        "/api/v1/tenants/{tenant_id}/systems/{system_id}/users/me",
        "get_own_system_profile",
        (200, "SystemProfile"),
        || get(profiles::me),
    )
    .people()
    .about("Reads the caller's own profile in a system"),
    Route::read("GET", PROFILE, "get_system_profile", (200, "SystemProfile"), || get(profiles::read))
        .scope(UsersRead)
        .about("Reads a system profile, by its id or by a base profile id of its person"),
    Route::write("PUT", PROFILE, "replace_system_profile", (200, "SystemProfile"), || put(profiles::replace))
        .scope(UsersWrite)
        .json("SystemProfileReplacement")
        .about("Replaces what a system profile overrides and what its system declares"),
    Route::write("PATCH", PROFILE, "patch_system_profile", (200, "SystemProfile"), || patch(profiles::edit))
        .scope(UsersWrite)
        .json("SystemProfilePatch")
        .about("Changes some of what a system profile overrides and of what its system declares (RFC 7396)"),
    Route::write("DELETE", PROFILE, "forget_system_profile", (204, ""), || delete(profiles::forget))
        .scope(UsersWrite)
        .people()
        .about("Forgets a person in one system"),
    Route::read(
        "POST",
        "/api/v1/tenants/{tenant_id}/systems/{system_id}/users:bulk-search",
        "bulk_search_system_profiles",
        (200, "SystemProfileBulk"),
        || post(profiles::bulk),
    )
    .scope(UsersRead)
    .json("SystemProfileBulkSearch")
    .about("Reads up to 100 profiles of a system, or selected parts of them"),
    Route::read("GET", "/identity/users/{user_id}/principals", "list_principals", (200, "PrincipalList"), || {
        get(principals::list)
    })
    .scope(UsersRead)
    .about("Lists how far a user and each authentication server know each other"),
    Route::write(
        "POST",
        "/identity/users/{user_id}/principals/{authentication_server_id}/link",
        "link_principal",
        (200, "Principal"),
        || post(async |call| principals::set_linked(call, true).await),
    )
    .scope(UsersWrite)
    .about("Links a user to an authentication server again; repeating it changes nothing"),
    Route::write(
        "POST",
        "/identity/users/{user_id}/principals/{authentication_server_id}/unlink",
        "unlink_principal",
        (200, "Principal"),
        || post(async |call| principals::set_linked(call, false).await),
    )
    .scope(UsersWrite)
    .about("Refuses sign-ins of an authentication server as this user, and the matching of them; repeating it changes nothing"),
];

fn shown(user: &Versioned<User>, schema: &Schema) -> Answer {
    Answer::resource(user.value.show(schema), user.tag()).about(user.value.id)
}

async fn create(call: Call) -> Answered {
    profile::create(call, |user, schema| shown(user, schema).created_at(format!("{USERS}/{}", user.value.id))).await
}

async fn read(call: Call) -> Answered {
    let tenant = &call.caller.tenant;
    let user = call.app.table().get_user(tenant, call.user("user_id").await?).await?;
    let schema = call.app.schema_of(tenant, [&user.value]).await?;
    call.show(user.tag(), || user.value.show(&schema))
}

async fn replace(mut call: Call) -> Answered {
    let body = call.take_body();
    change(&call, Recorder::NONE, |user, writing| user.replace(body.clone(), writing)).await
}

async fn edit(mut call: Call) -> Answered {
    let body = call.take_body();
    let changed = change(&call, Recorder::NONE, |user, writing| user.patch(body.clone(), writing)).await;
    let Err(error @ Error::Taken(_)) = changed else { return changed };
    let schema = call.app.schema(&call.caller.tenant).await?;
    Err(point_into(error, &body, &call.writing(&schema)))
}

async fn verify(mut call: Call) -> Answered {
    let body = call.take_body();
    let (call, body) = (&call, &body);
    call.once(|record| change(call, record, |user, writing| user.verify(body.clone(), writing.schema))).await
}

async fn set_status(call: Call, status: UserStatus) -> Answered {
    call.once(|record| change(&call, record, move |user, _| Ok(User { status, ..user.clone() }))).await
}

async fn change(
    call: &Call,
    record: Recorder<'_>,
    edit: impl Fn(&User, &Writing<'_>) -> Result<User> + Send + Sync,
) -> Answered {
    let guarded = |live: &LiveUser, writing: &Writing<'_>| {
        call.guard(&[live.tag()])?;
        edit(&live.value, writing)
    };
    profile::change(call, call.user("user_id").await?, Part::User, record, guarded, |user, schema| {
        Ok(shown(user, schema))
    })
    .await
}

async fn forget(call: Call) -> Answered {
    let id: UserId = call.user("user_id").await?;
    call.app.table().forget_user(&call.caller.tenant, id, |live| call.guard(&[live.tag()])).await?;
    Ok(Answer::nothing())
}
