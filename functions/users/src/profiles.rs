//! System profiles: a person as one system sees and knows them.

mod bulk;
mod search;

use shared::axum::routing::{delete, get, patch, post, put};
use shared::domain::Result;
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::error::Error;
use shared::domain::id::ProfileName;
use shared::domain::system_profile::{ProfileWriteContext, SystemProfile};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::route::Conflict::SeveralFound;
use shared::http::route::Id;
use shared::http::{Call, Callers, Route};
use shared::store::system_profiles::EffectiveProfile;

pub use self::bulk::{MAX_PATHS, MAX_TEXT, bulk};
pub use self::search::search;
use super::system_context::{PROFILES, SystemContext};

const PROFILE: &str = "/api/v1/tenants/{tenant_id}/systems/{system_id}/users/{id}";

/// Routes of the profiles that systems have.
pub const ROUTES: [Route; 7] = [
    Route::read("GET", PROFILES, "find_system_profile", (200, "SystemProfile"), || get(search))
        .scope(UsersRead)
        .within_system()
        .required_query(&["filter"])
        .tagged()
        .finds_nothing()
        .conflicts(&[SeveralFound])
        .summary("Find one system profile")
        .description(
            "Finds the only profile that matches a filter over what the system sees of people.",
        ),
    Route::read(
        "GET",
        "/api/v1/tenants/{tenant_id}/systems/{system_id}/users/me",
        "get_own_system_profile",
        (200, "SystemProfile"),
        || get(me),
    )
    .people()
    .within_system()
    .tagged()
    .summary("Read the own system profile")
    .description("Without hidden attributes."),
    Route::read("GET", PROFILE, "get_system_profile", (200, "SystemProfile"), || get(read))
        .scope(UsersRead)
        .within_system()
        .id(Id::SystemProfile)
        .tagged()
        .summary("Read a system profile")
        .description("By its id, or by a base profile id of its person."),
    Route::write("PUT", PROFILE, "replace_system_profile", (200, "SystemProfile"), || put(replace))
        .scope(UsersWrite)
        .json("SystemProfileReplacement")
        .within_system()
        .id(Id::SystemProfile)
        .summary("Replace a system profile")
        .description("Replaces what the system overrides and the attributes that it declares."),
    Route::write("PATCH", PROFILE, "patch_system_profile", (200, "SystemProfile"), || patch(edit))
        .scope(UsersWrite)
        .json("SystemProfilePatch")
        .within_system()
        .id(Id::SystemProfile)
        .summary("Change a system profile")
        .description("Fields that are left out stay. `null` falls back to the base profile."),
    Route::write("DELETE", PROFILE, "forget_system_profile", (204, ""), || delete(forget))
        .callers(Callers::GrantedOrPeople(UsersWrite))
        .within_system()
        .id(Id::SystemProfile)
        .summary("Forget a person in one system")
        .description("Deletes the system profile. Base profile and other systems stay."),
    Route::read(
        "POST",
        "/api/v1/tenants/{tenant_id}/systems/{system_id}/users:bulk-search",
        "bulk_search_system_profiles",
        (200, "SystemProfileBulk"),
        || post(bulk),
    )
    .scope(UsersRead)
    .json("SystemProfileBulkSearch")
    .within_system()
    .summary("Read several system profiles")
    .description("At most 100, or selected parts of them."),
];

/// Reads the caller's own profile.
pub async fn me(call: Call) -> HandlerResult {
    let me = call.me().await?;
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let context = SystemContext::of(&call, &schema)?;
            let profile = call
                .app
                .table()
                .profile_of(context.tenant, me.value.id, &context.system.id)
                .await?;
            let found =
                EffectiveProfile { base: me.clone(), profile: profile.ok_or(Error::NotFound)? };
            show(&call, &context, &found)
        })
        .await
}

/// Reads a profile by its id or by a base profile id.
pub async fn read(call: Call) -> HandlerResult {
    let name: ProfileName = call.id("id")?;
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let context = SystemContext::of(&call, &schema)?;
            let found = call
                .app
                .table()
                .find_named_profile(context.tenant, &context.system.id, &name)
                .await?;
            show(&call, &context, &found.ok_or(Error::NotFound)?)
        })
        .await
}

fn show(call: &Call, context: &SystemContext<'_>, found: &EffectiveProfile) -> HandlerResult {
    let content = context.show(found)?;
    call.show(&found.tag(), || content)
}

/// Replaces what the profile has of its own and what it overrides.
pub async fn replace(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    change(&call, |profile, write_context| profile.replace(body.clone(), write_context)).await
}

/// Changes some of the profile's own attributes and overrides.
pub async fn edit(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    change(&call, |profile, write_context| profile.patch(&body, write_context)).await
}

async fn change(
    call: &Call,
    edit: impl Fn(&SystemProfile, &ProfileWriteContext<'_>) -> Result<SystemProfile> + Send + Sync,
) -> HandlerResult {
    let name: ProfileName = call.id("id")?;
    let author = call.author().await?;
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let context = SystemContext::of(call, &schema)?;
            let decide = |found: &EffectiveProfile| {
                call.preconditions.check_write(&[&found.tag()])?;
                let next = edit(&found.profile.value, &context.write_context(call, found)?)?;
                Ok((next != found.profile.value).then_some(next))
            };
            let (table, system) = (call.app.table(), &context.system.id);
            let changed = table.change_profile(&author, &schema, system, &name, decide).await?;
            context.shown(&changed)
        })
        .await
}

/// Forgets a person in this system; in self-service a person forgets no other.
pub async fn forget(call: Call) -> HandlerResult {
    let me = call.person().await?;
    let name: ProfileName = call.id("id")?;
    let author = call.author_of(me.as_ref().map(|me| &me.value))?;
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let context = SystemContext::of(&call, &schema)?;
            let check = |found: &EffectiveProfile| {
                if me.as_ref().is_some_and(|me| me.value.id != found.base.value.id) {
                    return Err(Error::NotFound);
                }
                call.preconditions.check_write(&[&found.tag()])
            };
            let (table, system) = (call.app.table(), &context.system.id);
            table.forget_profile(&author, &schema, system, &name, check).await?;
            Ok(Answer::nothing())
        })
        .await
}
