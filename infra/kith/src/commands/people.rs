//! What the commands for people who sign in share: the state of the service over the table, the
//! users whom they name, and the links that they print.

use local::base_url::BaseUrl;
use local::demo::{self, ENV_FILE};
use local::serve;
use maintenance::people;
use shared::app::App;
use shared::domain::id::TenantId;
use shared::store::Table;
use shared::store::users::StoredUser;

use crate::failure::{Failure, Resource};
use crate::location::TableLocation;

/// Opens the table of a tenant as the functions have it.
pub(crate) async fn open(location: &TableLocation, tenant: &TenantId) -> Result<App, Failure> {
    over(location.open_tenant(tenant).await?)
}

/// The state of the service over a table.
pub(crate) fn over(table: Table) -> Result<App, Failure> {
    Ok(App::new(table, None, serve::scripts()?))
}

/// The user with this id or username.
pub(crate) async fn user(app: &App, tenant: &TenantId, name: &str) -> Result<StoredUser, Failure> {
    let found = people::find(app.table(), tenant, name).await;
    let found = found.map_err(Resource::User.failed())?;
    Ok(found.ok_or_else(|| format!("tenant `{tenant}` has no user `{name}`"))?)
}

/// The base URL of links: the one that is given, or that of `kith serve` on this data folder.
pub(crate) fn base_url(
    given: Option<BaseUrl>,
    location: &TableLocation,
) -> Result<String, Failure> {
    if let Some(given) = given {
        return Ok(given.as_str().to_owned());
    }
    let known = if location.is_remote() {
        None
    } else {
        demo::read_env(&location.data.join(ENV_FILE))
            .ok()
            .and_then(|mut known| known.remove("KITH_URL"))
    };
    Ok(known
        .ok_or("name the base URL of the service by --base-url, e.g. https://id.example.org")?)
}
