//! `/identity/me/sessions` and `/identity/users/{user_id}/sessions`: the browsers in which a person
//! is signed in (rule G24).

use shared::axum::routing::{delete, get};
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::error::{Error, Result};
use shared::domain::id::UserId;
use shared::domain::json::{Json, Object};
use shared::domain::people::rights::{check_account, portal_scopes};
use shared::domain::people::{KeptClaims, Life, Session, SessionHash};
use shared::domain::user::User;
use shared::domain::{Version, Versioned};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::{Call, Route};
use shared::object;
use shared::store::people::keep_session;
use shared::store::users::StoredUser;
use shared::store::{Retry, Write};
use shared::writing::{Account, AccountChange, AccountWriter};

const OWN: &str = "/identity/me/sessions";
const OWN_ONE: &str = "/identity/me/sessions/{session_id}";
const OF_USER: &str = "/identity/users/{user_id}/sessions";
const ONE_OF_USER: &str = "/identity/users/{user_id}/sessions/{session_id}";

/// Routes of sessions.
pub(crate) const ROUTES: [Route; 6] = [
    Route::read("GET", OWN, "list_own_sessions", (200, "UserSessionList"), || get(list_own))
        .people()
        .summary("List the own sessions")
        .description("The browsers in which the person is signed in, the last sign-in first."),
    Route::write("DELETE", OWN, "end_own_sessions", (204, ""), || delete(end_own))
        .people()
        .reauthenticate()
        .audited_as(Operation::UserSessionsEnd)
        .summary("End the other sessions")
        .description(
            "Signs the person out of every other browser and of every application. The session of \
             the request goes on.",
        ),
    Route::write("DELETE", OWN_ONE, "end_own_session", (204, ""), || delete(end_one_own))
        .people()
        .audited_as(Operation::UserSessionsEnd)
        .summary("End one of the own sessions")
        .description("Signs the person out of one browser, and of what was opened from there."),
    Route::read("GET", OF_USER, "list_user_sessions", (200, "UserSessionList"), || {
        get(list_of_user)
    })
    .scope(UsersRead)
    .summary("List the sessions of a user")
    .description("The browsers in which the person is signed in, the last sign-in first."),
    Route::write("DELETE", OF_USER, "end_user_sessions", (204, ""), || delete(end_of_user))
        .scope(UsersWrite)
        .reauthenticate()
        .audited_as(Operation::UserSessionsEnd)
        .summary("End the sessions of a user")
        .description("Signs the person out of every browser and of every application."),
    Route::write("DELETE", ONE_OF_USER, "end_user_session", (204, ""), || delete(end_one_of_user))
        .scope(UsersWrite)
        .reauthenticate()
        .audited_as(Operation::UserSessionsEnd)
        .summary("End a session of a user")
        .description("Signs the person out of one browser, and of what was opened from there."),
];

/// The sessions of a user that are alive.
struct LiveSessions {
    life: Life,
    sessions: Vec<(SessionHash, Versioned<Session>)>,
}

impl LiveSessions {
    async fn of(call: &Call, user: &StoredUser) -> Result<Self> {
        let (tenant, now) = (&call.caller.tenant, call.app.env().clock.now());
        let schema = call.app.schema_of(tenant, [&user.value]).await?;
        let life = Life::with(&portal_scopes(&user.value, &schema, now));
        let mut sessions = call.app.table().list_sessions(tenant, user.value.id).await?;
        sessions.retain(|(_, session)| session.value.is_alive(&user.value, life, now));
        Ok(Self { life, sessions })
    }

    fn show(&self, current: Option<&SessionHash>) -> Answer {
        let items = self.sessions.iter().map(|(hash, session)| {
            Json::Object(show(&session.value, self.life, current == Some(hash)))
        });
        Answer::content(object! { "items" => items.collect::<Vec<_>>() })
    }
}

fn show(session: &Session, life: Life, current: bool) -> Object {
    let end = session.auth_time.plus_seconds(life.absolute_seconds());
    let browser = session.browser.clone();
    let (browser, system) = browser.map_or((None, None), |known| (known.name, known.system));
    let mut shown = object! {
        "id" => &session.sid,
        "created_at" => session.created_at,
        "authenticated_at" => session.auth_time,
        "seen_at" => session.seen_at,
        "ends_at" => end.min(session.ends_at),
        "amr" => session.amr.iter().map(Json::from).collect::<Vec<_>>(),
        "acr" => session.acr.clone(),
        "browser" => browser,
        "operating_system" => system,
        "network" => session.network.clone(),
        "current" => current,
        "remembered" => session.keep,
    };
    let claims = session.claims.as_ref().map(|claims| Json::Object(show_claims(claims)));
    shown.extend(claims.map(|claims| ("claims".to_owned(), claims)));
    shown
}

/// What an authentication server said beyond the attributes. The session alone holds it.
fn show_claims(kept: &KeptClaims) -> Object {
    let claims = kept.claims.iter().filter_map(|(name, value)| {
        Some((name.clone(), Json::parse(value.to_string().as_bytes()).ok()?))
    });
    object! {
        "authentication_server_id" => &kept.server,
        "claims" => Json::Object(claims.collect()),
    }
}

async fn list_own(call: Call) -> HandlerResult {
    let me = call.me().await?;
    let current = call.session().map(|session| &session.hash);
    Ok(LiveSessions::of(&call, &me).await?.show(current))
}

async fn list_of_user(call: Call) -> HandlerResult {
    let user = call.user("user_id").await?;
    let user = call.app.table().get_user(&call.caller.tenant, user).await?;
    let current = call.session().map(|session| &session.hash);
    Ok(LiveSessions::of(&call, &user).await?.show(current))
}

/// Ends every session but that of the request.
async fn end_own(call: Call) -> HandlerResult {
    let me = call.me().await?;
    call.preconditions.check_collection()?;
    let author = call.author_of(Some(&me.value))?;
    let (table, tenant, user) = (call.app.table(), &call.caller.tenant, me.value.id);
    let mut retry = Retry::of(table);
    loop {
        let kept = match call.session() {
            Some(current) => {
                let stored = table.read_session(tenant, user, &current.hash).await?;
                stored.map(|stored| (current.hash.clone(), stored))
            }
            None => None,
        };
        let writes = |version: Version| -> Vec<Write> {
            let keep = |(hash, stored): &(_, _)| keep_session(tenant, user, hash, stored, version);
            kept.iter().map(keep).collect()
        };
        let ended = end(&call, &author, user, |account| {
            Ok(AccountChange::default().sign_out().writes(writes(account.next_version())))
        });
        match ended.await {
            // Another request with this session has noted meanwhile that it is used.
            Err(Error::AlreadyRecorded) => retry.again().await?,
            ended => return ended.map(|()| Answer::nothing()),
        }
    }
}

/// Ends every session of a user.
async fn end_of_user(call: Call) -> HandlerResult {
    call.preconditions.check_collection()?;
    let user = call.user("user_id").await?;
    let author = call.author().await?;
    end(&call, &author, user, |_| Ok(AccountChange::default().sign_out())).await?;
    Ok(Answer::nothing())
}

async fn end_one_own(call: Call) -> HandlerResult {
    let me = call.me().await?;
    let sid: String = call.id("session_id")?;
    if call.session().is_some_and(|current| current.sid != sid) {
        call.check_recent()?;
    }
    let author = call.author_of(Some(&me.value))?;
    end_one(&call, &author, me.value.id, &sid).await
}

async fn end_one_of_user(call: Call) -> HandlerResult {
    let user = call.user("user_id").await?;
    let user = call.app.table().get_user(&call.caller.tenant, user).await?;
    let sid: String = call.id("session_id")?;
    let author = call.author().await?;
    end_one(&call, &author, user.value.id, &sid).await
}

/// Ends one session that is alive, and the families of refresh tokens that it started.
async fn end_one(call: &Call, author: &Author, user: UserId, sid: &str) -> HandlerResult {
    call.preconditions.check_collection()?;
    let now = call.app.env().clock.now();
    let ended = call.app.decide(&call.caller.tenant, move |schema| async move {
        let schema = &*schema;
        let is_alive = |user: &User, session: &Session| {
            session.is_alive(user, Life::with(&portal_scopes(user, schema, now)), now)
        };
        AccountWriter::new(&call.app, author, schema).end_session(user, sid, is_alive).await
    });
    if ended.await? { Ok(Answer::nothing()) } else { Err(Error::NotFound) }
}

/// Ends sessions with a write of the user, which the audit tells of.
async fn end(
    call: &Call,
    author: &Author,
    user: UserId,
    change: impl Fn(&Account) -> Result<AccountChange> + Send + Sync,
) -> Result<()> {
    let change = &change;
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            let writer = AccountWriter::new(&call.app, author, schema);
            let decide = |account: &Account| {
                check_account(author, &account.user.value, schema)?;
                change(account).map(Some)
            };
            writer.change(user, Operation::UserSessionsEnd, decide).await?.ok_or(Error::NotFound)
        })
        .await
        .map(drop)
}
