//! Authorisation: who calls, and whether the route takes such callers.

use http::request::Parts;

use super::credentials::{self, Identified};
use super::edge::name_caller;
use super::rejection::Rejection;
use super::route::Route;
use crate::app::App;
use crate::auth::{Caller, Subject, Via};
use crate::domain::id::UserId;
use crate::domain::people::rights::portal_scopes;
use crate::domain::{Error, View};
use crate::store::users::StoredUser;

/// A caller who may call the route.
pub(super) struct Authorised {
    pub(super) caller: Caller,
    /// The fields of profiles that the caller may see and set.
    pub(super) view: View,
    /// The user of a local person, where it was read to find out what the person may do.
    pub(super) user: Option<Box<StoredUser>>,
}

/// Finds out who calls and checks that the route takes such callers: 401, 403.
pub(super) async fn authorise(
    app: &App,
    parts: &Parts,
    route: &Route,
) -> Result<Authorised, Rejection> {
    let people = route.callers.include_people();
    let Identified { mut caller, signed_in } = credentials::identify(app, parts, people).await?;
    name_caller(&parts.extensions, &caller.tenant, caller.logged());
    let mut user = None;
    if let Subject::Local { user: id, via: Via::Client(_), .. } = caller.subject
        && let Some(right) = route.callers.granted_to_people()
        && caller.has_scope(right)
    {
        let holder = holder(app, &caller, id).await?;
        let schema = app.schema_of(&caller.tenant, [&holder.value]).await?;
        let rights = portal_scopes(&holder.value, &schema, app.env().clock.now());
        let granted = caller.grants.scopes.administrative().common(&rights);
        caller.grants.scopes = caller.grants.scopes.personal().with(&granted);
        if !people && !caller.has_scope(right) {
            return Err(Rejection::MissingRight(right));
        }
        user = Some(Box::new(holder));
    }
    let view = route.callers.check(&caller)?;
    if !(caller.grants.systems.is_empty() || route.within_system || route.for_audience) {
        let detail = "this client is bound to systems; it may call the routes of their profiles \
                      and consents only";
        return Err(Error::NotAllowed(detail.to_owned()).into());
    }
    let Some(signed_in) = signed_in else { return Ok(Authorised { caller, view, user }) };
    let now = app.env().clock.now();
    if route.reauthenticate && caller.session().is_some_and(|session| !session.is_recent(now)) {
        return Err(Error::Reauthenticate.into());
    }
    app.see_again(&signed_in).await?;
    Ok(Authorised { caller, view, user: Some(Box::new(signed_in.user)) })
}

/// The user of a local person who asks for rights with a token. Refused once the user is blocked,
/// deleted, or signed out of everything.
async fn holder(app: &App, caller: &Caller, user: UserId) -> Result<StoredUser, Rejection> {
    let user = app.table().find_user(&caller.tenant, user).await?;
    let gone = "the user of the token has been deleted";
    let gone =
        if caller.jkt.is_some() { Rejection::BadBoundToken } else { Rejection::BadToken }(gone);
    let user = user.ok_or(gone)?;
    user.value.check_active()?;
    caller.check_signed_in(&user.value)?;
    Ok(user)
}
