//! Whose consents a call is about, for which system, and who says so.

use shared::domain::author::Author;
use shared::domain::consent::Speaker;
use shared::domain::error::{Error, Result};
use shared::domain::id::{PartyId, ProfileName, UserName, WrongShape};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::http::Call;
use shared::store::users::StoredUser;

/// Whose consents a route is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of the user whom the path names.
    Named,
    /// Those of the person who calls.
    Own,
}

/// The person whom a call is about. One who is blocked is found: withdrawing is possible then, too.
pub(super) async fn person(call: &Call, schema: &Schema, whose: Whose) -> Result<StoredUser> {
    match whose {
        Whose::Own => {
            let user = call.linked_user().await?;
            call.app.table().get_user(&call.caller.tenant, user).await
        }
        Whose::Named if call.caller.grants.systems.is_empty() => {
            let user = call.user("user_id").await?;
            call.app.table().get_user(&call.caller.tenant, user).await
        }
        Whose::Named => {
            let name: ProfileName = call.id("user_id")?;
            known_to_system(call, schema, &name).await?.ok_or(Error::NotFound)
        }
    }
}

/// The person whom one of the caller's systems knows by this name: the id of the system profile, or
/// a base profile id.
pub(super) async fn known_to_system(
    call: &Call,
    schema: &Schema,
    name: &ProfileName,
) -> Result<Option<StoredUser>> {
    for system in &call.caller.grants.systems {
        let found = call.app.table().find_named_profile(schema, system, name).await?;
        if let Some(found) = found {
            return Ok(Some(found.base));
        }
    }
    Ok(None)
}

/// The user whom a text names, where the caller is not bound to systems.
pub(super) fn user_name(text: &str) -> Option<UserName> {
    text.parse().ok()
}

/// The author of a decision, and what evidence says of it.
pub(super) fn speaker(call: &Call, whose: Whose, user: &User) -> Result<(Author, Speaker)> {
    let author = call.author_of((whose == Whose::Own).then_some(user))?;
    let speaker = Speaker {
        actor: author.actor(),
        client: call.caller.client().cloned(),
        is_person: whose == Whose::Own,
    };
    Ok((author, speaker))
}

/// The system for which a call is, if it is for one: a client that is bound to systems calls for
/// one of its own (rule CO-10).
pub(super) fn audience(call: &Call, named: Option<PartyId>) -> Result<Option<PartyId>> {
    let systems = call.caller.grants.systems.as_slice();
    match (systems, named) {
        ([], named) => Ok(named),
        (systems, Some(named)) if systems.contains(&named) => Ok(Some(named)),
        (_, Some(_)) => Err(Error::NotFound),
        ([only], None) => Ok(Some(only.clone())),
        (_, None) => {
            let detail = "this client is bound to several systems; name one as `audience`";
            Err(Error::Malformed(detail.to_owned()))
        }
    }
}

/// The system that the query names.
pub(super) fn asked_audience(call: &Call) -> Result<Option<PartyId>> {
    let named = call.query("audience").map(str::parse::<PartyId>).transpose();
    let named = named.map_err(|error: WrongShape| {
        Error::Malformed(format!("query parameter `audience`: {error}"))
    })?;
    audience(call, named)
}
