//! `/identity/me`: people read, change and delete their own profile, with tokens of this service or
//! of issuers that their tenant trusts.
//!
//! Hidden attributes are omitted, read-only ones are refused, and a change under an approval policy
//! becomes a change request. The other rules are those of every write of a profile.

use shared::axum::routing::{delete, get, patch, post};
use shared::domain::Scope::Openid;
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::domain::{Versioned, View, WriteContext};
use shared::http::IdempotencyRecorder;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::profile;
use shared::http::route::Conflict::{AlreadyExists, LastAdministrator};
use shared::http::{Call, Callers, Route};
use shared::store::users::StoredUser;
use shared::writing::WriteTarget;

use super::erase;

/// The path of the own profile.
pub(crate) const PATH: &str = "/identity/me";

/// Routes of people about themselves.
pub(crate) const ROUTES: [Route; 5] = [
    Route::read("GET", PATH, "get_me", (200, "Me"), || get(read))
        .people()
        .tagged()
        .summary("Read the own profile")
        .description("Without hidden attributes."),
    Route::write("PATCH", PATH, "patch_me", (200, "Me"), || patch(edit))
        .people()
        .json("UserPatch")
        .approval()
        .conflicts(&[AlreadyExists])
        .summary("Change the own profile")
        .description("Fields that are left out stay. `null` removes a field."),
    Route::write("DELETE", PATH, "forget_me", (204, ""), || delete(forget))
        .people()
        .reauthenticate()
        .conflicts(&[LastAdministrator])
        .summary("Forget the own user")
        .description("Deletes the caller's user in every system."),
    Route::read("GET", "/idhub/oidc/v1/userinfo", "get_userinfo", (200, "UserInfo"), || {
        get(super::userinfo::read)
    })
    .callers(Callers::People(Some(Openid)))
    .for_audience()
    .summary("Read claims about the person")
    .description("The userinfo endpoint (OpenID Connect Core 1.0 §5.3)."),
    Route::read("POST", "/idhub/oidc/v1/userinfo", "post_userinfo", (200, "UserInfo"), || {
        post(super::userinfo::read_posted)
    })
    .callers(Callers::People(Some(Openid)))
    .for_audience()
    .form("UserInfoForm")
    .summary("Read claims about the person by POST")
    .description("The token is in the header, or in the form (RFC 6750 §2.2)."),
];

/// Reads the own profile.
pub(crate) async fn read(call: Call) -> HandlerResult {
    let me = call.me().await?;
    let schema = call.app.schema_of(&call.caller.tenant, [&me.value]).await?;
    call.show(me.tag(), || me.value.show_to(&schema, View::SelfService))
}

/// The answer that shows the own profile.
pub(crate) fn shown(user: &Versioned<User>, schema: &Schema) -> Answer {
    Answer::resource(user.value.show_to(schema, View::SelfService), user.tag())
        .replay_while_exists(user.value.id)
}

/// Changes the caller's own profile. A change that needs an approval becomes a change request.
pub(crate) async fn edit(mut call: Call) -> HandlerResult {
    let me = call.me().await?;
    let (id, author) = (me.value.id, call.author_of(Some(&me.value))?);
    let body = call.take_body();
    let patch = |live: &StoredUser, context: &WriteContext<'_>| {
        live.value.check_active()?;
        call.preconditions.check_write(&[live.tag()])?;
        live.value.patch(body.clone(), context)
    };
    let show = |user: &Versioned<User>, schema: &Schema| Ok(shown(user, schema));
    let target = WriteTarget::User;
    let changed =
        profile::change(&call, &author, id, target, IdempotencyRecorder::NONE, patch, show).await;
    profile::patched(&call, &body, changed).await
}

/// Deletes the person everywhere. An interrupted erasure continues where it stopped, as long as the
/// token identifies the person.
pub(crate) async fn forget(call: Call) -> HandlerResult {
    let author = call.author_by_token()?;
    let check = |live: &StoredUser, _: &Schema| {
        live.value.check_active()?;
        call.caller.check_signed_in(&live.value)?;
        call.preconditions.check_write(&[live.tag()])
    };
    erase(&call, &author, call.linked_user().await?, check).await?;
    Ok(Answer::nothing())
}
