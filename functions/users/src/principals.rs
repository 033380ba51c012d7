//! `/identity/users/{user_id}/principals`: a user as each authentication server of the tenant knows
//! it.

use shared::axum::routing::{get, post};
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::error::{Error, Result};
use shared::domain::id::PartyId;
use shared::domain::schema::Schema;
use shared::domain::sso::{AuthenticationServer, Principal, SYSTEM};
use shared::domain::{Json, Versioned};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::route::Conflict::State;
use shared::http::{Call, Route};
use shared::object;
use shared::store::principals::LinkChange;

/// Routes of principals.
pub(crate) const ROUTES: [Route; 3] = [
    Route::read(
        "GET",
        "/identity/users/{user_id}/principals",
        "list_principals",
        (200, "PrincipalList"),
        || get(list),
    )
    .scope(UsersRead)
    .summary("List the principals of a user")
    .description("One for each authentication server of the tenant."),
    Route::write(
        "POST",
        "/identity/users/{user_id}/principals/{authentication_server_id}/link",
        "link_principal",
        (200, "Principal"),
        || post(async |call| set_linked(call, true).await),
    )
    .scope(UsersWrite)
    .if_match()
    .conflicts(&[State])
    .summary("Link a user to an authentication server")
    .description("Sign-ins of the server reach the user again. A repeat changes nothing."),
    Route::write(
        "POST",
        "/identity/users/{user_id}/principals/{authentication_server_id}/unlink",
        "unlink_principal",
        (200, "Principal"),
        || post(async |call| set_linked(call, false).await),
    )
    .scope(UsersWrite)
    .if_match()
    .conflicts(&[State])
    .summary("Unlink a user from an authentication server")
    .description(
        "Refuses sign-ins of the server as this user, and does not match its subjects. \
         A repeat changes nothing.",
    ),
];

/// Lists the principals of a user: one for each authentication server, the built-in one first.
pub(crate) async fn list(call: Call) -> HandlerResult {
    let (tenant, table) = (&call.caller.tenant, call.app.table());
    let user = call.user("user_id").await?;
    table.get_user(tenant, user).await?;
    let stored = table.principals(tenant, user).await?;
    let schema = call.app.schema_now(tenant).await?;
    let mut servers: Vec<_> = schema.servers.values().collect();
    servers.sort_by_key(|server| server.id.as_str() != SYSTEM);
    let items = servers.into_iter().map(|server| {
        let known = stored.iter().find(|principal| principal.value.server == server.id).cloned();
        let principal =
            known.unwrap_or_else(|| Versioned::first(Principal::pending(server.id.clone())));
        Json::Object(principal.tag().with(principal.value.show(server)))
    });
    Ok(Answer::content(object! { "items" => items.collect::<Vec<_>>() }))
}

/// Links a user to an authentication server or unlinks it; doing it again changes nothing.
pub(crate) async fn set_linked(call: Call, linked: bool) -> HandlerResult {
    let server: PartyId = call.id("authentication_server_id")?;
    let user = call.user("user_id").await?;
    let decide = |principal: &Versioned<Principal>| {
        call.preconditions.check_write(&[principal.tag()])?;
        if principal.value.is_built_in() && !linked {
            let detail =
                "every user is linked to the authentication server `system`; it cannot be unlinked";
            return Err(Error::Conflict(detail.to_owned()));
        }
        Ok(())
    };
    let author = call.author().await?;
    call.once(async |record| {
        call.app
            .decide(&call.caller.tenant, async |schema| {
                let shown = server_of(&schema, &server)?;
                let answer = |principal: &Versioned<Principal>| {
                    Answer::resource(principal.value.show(shown), principal.tag())
                        .replay_while_exists(user)
                };
                let record = |next: &Versioned<Principal>| record.of(&answer(next));
                let link = LinkChange { user, server: &server, linked };
                let principal =
                    call.app.table().link(&author, &schema, link, decide, record).await?;
                Ok(answer(&principal))
            })
            .await
    })
    .await
}

/// The authentication server with this id; a remembered configuration that knows none may be
/// outdated.
fn server_of<'s>(schema: &'s Schema, server: &PartyId) -> Result<&'s AuthenticationServer> {
    match schema.servers.get(server.as_str()) {
        Some(entry) => Ok(&entry.stored.value),
        None if schema.verified => Err(Error::NotFound),
        None => Err(Error::Outdated),
    }
}
