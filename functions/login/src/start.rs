//! The sign-in page of a tenant, for people who come without an application.

use shared::axum::extract::Path;
use shared::axum::response::Response;
use shared::axum::routing::get;
use shared::domain::id::TenantId;
use shared::http::Route;

use crate::fields::is_own_path;
use crate::pages::Failure;
use crate::respond::{Refusal, secured, see_other};
use crate::sign_in;
use crate::state::PageState;
use crate::visit::Visit;

/// The routes of the sign-in page.
pub(crate) const ROUTES: [Route; 1] =
    [Route::page("/idhub/login/{tenant}", "get_sign_in", || secured(get(show)))
        .summary("Show the sign-in page of a tenant")];

/// Where a person goes who is signed in.
const ACCOUNT: &str = "/idhub/account";

/// Shows the sign-in page, or sends a person on who is signed in. `return_to` says where to;
/// `prompt=login` asks for a sign-in in any case.
async fn show(Path(tenant): Path<String>, visit: Visit) -> Result<Response, Refusal> {
    let unknown = || Refusal::of(Failure::UnknownTenant);
    let tenant: TenantId = tenant.parse().map_err(|_| unknown())?;
    if visit.schema(&tenant).await?.epoch.is_none() {
        return Err(unknown());
    }
    visit.log_for(&tenant, None);
    let return_to = visit.query.get("return_to").filter(|path| is_own_path(path));
    let path = return_to.unwrap_or(ACCOUNT).to_owned();
    let username = visit.query.get("login_hint").map(str::to_owned);
    let state = PageState { username, ..PageState::of_path(tenant.clone(), path.clone()) };
    let signed_in = visit.signed_in().await?.filter(|signed_in| signed_in.tenant == tenant);
    let state = match signed_in {
        Some(_) if visit.query.get("prompt") != Some("login") => return Ok(see_other(&path)),
        Some(signed_in) => {
            let user = &signed_in.user.value;
            PageState { username: Some(user.username.clone()), ..state.of_person(user.id) }
        }
        None => state,
    };
    Ok(sign_in::show(&visit, &state).await?)
}
