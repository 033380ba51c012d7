//! `/identity/users/{user_id}/principals`: a user as each authentication server of the tenant knows
//! it.

use shared::axum::routing::{get, post};
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::error::{Error, Result};
use shared::domain::id::PartyId;
use shared::domain::json::Object;
use shared::domain::people::LoginFacts;
use shared::domain::people::rights::check_account;
use shared::domain::schema::Schema;
use shared::domain::sso::{AuthenticationServer, Principal, SYSTEM};
use shared::domain::{Json, Versioned};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::route::Conflict::LastAdministrator;
use shared::http::{Call, Route};
use shared::object;
use shared::store::principals::LinkChange;
use shared::store::users::StoredUser;

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
    .description(
        "One for each authentication server of the tenant. That of `system` says what is known of \
         the credentials.",
    ),
    Route::write(
        "POST",
        "/identity/users/{user_id}/principals/{authentication_server_id}/link",
        "link_principal",
        (200, "Principal"),
        || post(async |call| set_linked(call, true).await),
    )
    .scope(UsersWrite)
    .if_match()
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
    .conflicts(&[LastAdministrator])
    .summary("Unlink a user from an authentication server")
    .description(
        "Refuses sign-ins of the server as this user, and does not match its subjects. \
         A repeat changes nothing. At `system` it signs the person out, and no password or passkey \
         is good until the user is linked again.",
    ),
];

/// Lists the principals of a user: one for each authentication server, the built-in one first.
pub(crate) async fn list(call: Call) -> HandlerResult {
    let (tenant, table) = (&call.caller.tenant, call.app.table());
    let user = call.user("user_id").await?;
    table.get_user(tenant, user).await?;
    let stored = table.principals(tenant, user).await?;
    let login = table.login_facts(tenant, user).await?;
    let schema = call.app.schema_now(tenant).await?;
    let mut servers: Vec<_> = schema.servers.values().collect();
    servers.sort_by_key(|server| server.id.as_str() != SYSTEM);
    let items = servers.into_iter().map(|server| {
        let known = stored.iter().find(|principal| principal.value.server == server.id).cloned();
        let principal =
            known.unwrap_or_else(|| Versioned::first(Principal::pending(server.id.clone())));
        let mut shown = principal.tag().with(principal.value.show(server));
        if principal.value.is_built_in() {
            let details = details(login.as_ref().map(|login| &login.value));
            shown.insert("details".to_owned(), Json::Object(details));
        }
        Json::Object(shown)
    });
    Ok(Answer::content(object! { "items" => items.collect::<Vec<_>>() }))
}

/// What is known of the person's credentials at this service, and never a credential (rule G33).
fn details(login: Option<&LoginFacts>) -> Object {
    let password = login.and_then(|login| login.password.as_ref()).map(|password| {
        Json::Object(object! {
            "set_at" => password.set_at,
            "set_by" => password.set_by.name(),
            "last_used_at" => password.last_used_at,
            "must_change" => password.must_change,
            "ends_at" => password.ends_at,
        })
    });
    let passkeys = login.map_or(0, |login| login.passkeys.len());
    object! {
        "password" => password.unwrap_or(Json::Null),
        "passkeys" => passkeys as u64,
        "pending_address" => login.is_some_and(|login| login.pending_address.is_some()),
    }
}

/// Links a user to an authentication server or unlinks it; doing it again changes nothing.
pub(crate) async fn set_linked(call: Call, linked: bool) -> HandlerResult {
    let server: PartyId = call.id("authentication_server_id")?;
    let user = call.user("user_id").await?;
    let author = call.author().await?;
    call.once(async |record| {
        call.app
            .decide(&call.caller.tenant, async |schema| {
                let shown = server_of(&schema, &server)?;
                let decide = |user: &StoredUser, principal: &Versioned<Principal>| {
                    check_account(&author, &user.value, &schema)?;
                    call.preconditions.check_write(&[principal.tag()])
                };
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
