//! Authorisation: who calls, and whether the route takes such callers.

use http::request::Parts;

use super::credentials;
use super::edge::name_caller;
use super::rejection::Rejection;
use super::route::Route;
use crate::app::App;
use crate::auth::{Caller, Subject};
use crate::domain::id::UserId;
use crate::domain::{Error, View};
use crate::store::users::StoredUser;

/// A caller who may call the route.
pub(super) struct Authorised {
    pub(super) caller: Caller,
    /// The fields of profiles that the caller may see and set.
    pub(super) view: View,
    /// The user of a local person who acts by what is granted.
    pub(super) administrator: Option<Box<StoredUser>>,
}

/// Finds out who calls and checks that the route takes such callers: 401, 403.
pub(super) async fn authorise(
    app: &App,
    parts: &Parts,
    route: &Route,
) -> Result<Authorised, Rejection> {
    let caller = credentials::caller(app, parts, route.callers.include_people()).await?;
    name_caller(&parts.extensions, &caller.tenant, caller.logged());
    let view = route.callers.check(&caller)?;
    if !(caller.grants.systems.is_empty() || route.within_system || route.for_audience) {
        let detail = "this client is bound to systems; it may call the routes of their profiles and consents \
             only";
        return Err(Error::NotAllowed(detail.to_owned()).into());
    }
    let administrator = match (&caller.subject, view) {
        (Subject::Local { user, .. }, View::Administrative) => {
            Some(Box::new(administrator(app, &caller, *user).await?))
        }
        _ => None,
    };
    Ok(Authorised { caller, view, administrator })
}

/// The user of a local person who acts by granted scopes. Refused once the user is blocked or
/// deleted.
async fn administrator(app: &App, caller: &Caller, user: UserId) -> Result<StoredUser, Rejection> {
    let user = app.table().find_user(&caller.tenant, user).await?;
    let gone = "the user of the token has been deleted";
    let gone =
        if caller.jkt.is_some() { Rejection::BadBoundToken } else { Rejection::BadToken }(gone);
    let user = user.ok_or(gone)?;
    user.value.check_active()?;
    Ok(user)
}
