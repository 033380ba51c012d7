//! System profiles: a person as one system sees and knows them.

mod bulk;
mod search;

use shared::axum::routing::{delete, get, patch, post, put};
use shared::domain::Result;
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::error::Error;
use shared::domain::id::ProfileName;
use shared::domain::system_profile::{Editing, SystemProfile};
use shared::http::answer::{Answer, Answered};
use shared::http::{Call, Callers, Route};
use shared::store::system_profiles::Effective;

pub use self::bulk::{MAX_PATHS, MAX_TEXT, bulk};
pub use self::search::search;
use super::place::{PROFILES, Place};

const PROFILE: &str = "/api/v1/tenants/{tenant_id}/systems/{system_id}/users/{id}";

/// Routes of the profiles that systems have.
pub const ROUTES: [Route; 7] = [
    Route::read("GET", PROFILES, "find_system_profile", (200, "SystemProfile"), || get(search))
        .scope(UsersRead)
        .query(&["filter"])
        .within_system()
        .about("Finds exactly one profile of a system by what the system sees of people"),
    Route::read(
        "GET",
        "/api/v1/tenants/{tenant_id}/systems/{system_id}/users/me",
        "get_own_system_profile",
        (200, "SystemProfile"),
        || get(me),
    )
    .people()
    .within_system()
    .about("Reads the caller's own profile in a system"),
    Route::read("GET", PROFILE, "get_system_profile", (200, "SystemProfile"), || get(read))
        .scope(UsersRead)
        .within_system()
        .about("Reads a system profile, by its id or by a base profile id of its person"),
    Route::write("PUT", PROFILE, "replace_system_profile", (200, "SystemProfile"), || put(replace))
        .scope(UsersWrite)
        .json("SystemProfileReplacement")
        .within_system()
        .about("Replaces what a system profile overrides and what its system declares"),
    Route::write("PATCH", PROFILE, "patch_system_profile", (200, "SystemProfile"), || patch(edit))
        .scope(UsersWrite)
        .json("SystemProfilePatch")
        .within_system()
        .about(
            "Changes some of what a system profile overrides and of what its system declares (RFC \
             7396)",
        ),
    Route::write("DELETE", PROFILE, "forget_system_profile", (204, ""), || delete(forget))
        .callers(Callers::GrantedOrPeople(UsersWrite))
        .within_system()
        .about("Forgets a person in one system"),
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
    .about("Reads up to 100 profiles of a system, or selected parts of them"),
];

/// Reads the caller's own profile.
pub async fn me(call: Call) -> Answered {
    let me = call.me().await?;
    let (call, me) = (&call, &me);
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let place = Place::of(call, &schema)?;
            let profile =
                call.app.table().profile_of(place.tenant, me.value.id, &place.system.id).await?;
            let found = Effective { base: me.clone(), profile: profile.ok_or(Error::NotFound)? };
            show(call, &place, &found)
        })
        .await
}

/// Reads a profile by its id or by a base profile id.
pub async fn read(call: Call) -> Answered {
    let name: ProfileName = call.id("id")?;
    let (call, name) = (&call, &name);
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let place = Place::of(call, &schema)?;
            let found =
                call.app.table().find_named_profile(place.tenant, &place.system.id, name).await?;
            show(call, &place, &found.ok_or(Error::NotFound)?)
        })
        .await
}

fn show(call: &Call, place: &Place<'_>, found: &Effective) -> Answered {
    let content = place.show(found)?;
    call.show(&found.tag(), || content)
}

/// Replaces what the profile has of its own and what it overrides.
pub async fn replace(mut call: Call) -> Answered {
    let body = call.take_body();
    change(&call, |profile, editing| profile.replace(body.clone(), editing)).await
}

/// Changes some of what the profile has of its own and of what it overrides.
pub async fn edit(mut call: Call) -> Answered {
    let body = call.take_body();
    change(&call, |profile, editing| profile.patch(&body, editing)).await
}

async fn change(
    call: &Call,
    edit: impl Fn(&SystemProfile, &Editing<'_>) -> Result<SystemProfile> + Send + Sync,
) -> Answered {
    let name: ProfileName = call.id("id")?;
    let author = call.author().await?;
    let (author, name, edit) = (&author, &name, &edit);
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let place = Place::of(call, &schema)?;
            let decide = |found: &Effective| {
                call.guard(&[&found.tag()])?;
                let next = edit(&found.profile.value, &place.editing(call, found)?)?;
                Ok((next != found.profile.value).then_some(next))
            };
            let (table, system) = (call.app.table(), &place.system.id);
            let changed = table.change_profile(author, &schema, system, name, decide).await?;
            place.shown(&changed)
        })
        .await
}

/// Forgets a person in this system; in self-service a person forgets no other.
pub async fn forget(call: Call) -> Answered {
    let me = call.person().await?;
    let name: ProfileName = call.id("id")?;
    let author = call.author_of(me.as_ref().map(|me| &me.value))?;
    let (call, author, me, name) = (&call, &author, &me, &name);
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let place = Place::of(call, &schema)?;
            let check = |found: &Effective| {
                if me.as_ref().is_some_and(|me| me.value.id != found.base.value.id) {
                    return Err(Error::NotFound);
                }
                call.guard(&[&found.tag()])
            };
            call.app.table().forget_profile(author, &place.system.id, name, check).await?;
            Ok(Answer::nothing())
        })
        .await
}
