//! Room for the owner of an e-mail address that others only claim.
//!
//! Few users share an address. A person who opens accounts at an identity provider that does not
//! verify addresses could claim any address so often that its owner cannot have it. So an owner,
//! whose address is verified or was written by a machine client, replaces such a user.

use super::pipeline::ProfileWriter;
use super::policy::Policy;
use crate::app::App;
use crate::domain::author::{Author, Reason};
use crate::domain::definition::Predefined;
use crate::domain::error::{Error, Result};
use crate::domain::hashing::Hashes;
use crate::domain::lookup::Lookup;
use crate::domain::people::rights::held_scopes;
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::write_context::WriteContext;
use crate::store::users::StoredUser;

/// Takes the address from one of the users who only claim it; whether there was one. A user with
/// rights keeps it: nobody else changes how the person gets mail.
pub async fn make_room(app: &App, schema: &Schema, address: &Lookup) -> Result<bool> {
    let Some(claimant) = app.table().claimant_of(&schema.tenant, address).await? else {
        return Ok(false);
    };
    if !held_scopes(&claimant.value, schema).is_empty() {
        return Ok(false);
    }
    let author = Author::service(schema.tenant.clone(), Reason::AddressOfOwner);
    let hashes = Hashes::default();
    let policy = Policy::sign_in(app.table().write_id());
    let writer = ProfileWriter::new(app, &author, schema, &hashes, policy);
    let without = |current: &StoredUser, _: &WriteContext<'_>| {
        let mut user = current.value.clone();
        if current.lookups().contains(address) && !user.owns_address() {
            forget_address(&mut user);
        }
        Ok(user)
    };
    match Box::pin(writer.change(claimant.value.id, without, |_| Ok(Vec::new()))).await {
        // Forgotten meanwhile: there is room too.
        Ok(_) | Err(Error::NotFound) => Ok(true),
        Err(error) => Err(error),
    }
}

fn forget_address(user: &mut User) {
    user.preferred_email = None;
    user.provenance.remove(Predefined::PreferredEmail.name());
}
