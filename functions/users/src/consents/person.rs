//! Whose consents a call is about, for which system, and who says so.

use shared::domain::author::Author;
use shared::domain::consent::{ConsentEvent, ConsentRecord, Speaker};
use shared::domain::error::{Error, Result};
use shared::domain::id::{ProfileName, UserName};
use shared::domain::schema::Schema;
use shared::domain::user::{User, UserStatus};
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
            let user = call.app.table().get_user(&call.caller.tenant, user).await?;
            if user.value.status == UserStatus::Active {
                call.caller.check_signed_in(&user.value)?;
            }
            Ok(user)
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
        by_system: is_bound(call),
    };
    Ok((author, speaker))
}

/// What the caller may see of a record.
pub(super) fn seen_record(call: &Call, record: &ConsentRecord) -> ConsentRecord {
    let record = record.clone();
    if is_bound(call) { record.masked_for(call.caller.client()) } else { record }
}

/// What the caller may see of an entry of a history.
pub(super) fn seen_event(call: &Call, event: ConsentEvent) -> ConsentEvent {
    if is_bound(call) { event.masked_for(call.caller.client()) } else { event }
}

fn is_bound(call: &Call) -> bool {
    !call.caller.grants.systems.is_empty()
}
