//! To whom a mail goes: the user, the address and the name that the mail calls the user by. A mail
//! never goes to an address that no user has (rule G40), nor to one that takes no mail (rule G72).

use shared::domain::error::{Error, Result};
use shared::domain::id::{TenantId, UserId};
use shared::domain::lookup::email_hash;
use shared::domain::people::{LoginFacts, Mail, MailKind, Recipient};
use shared::domain::sso::SYSTEM;
use shared::domain::user::{User, UserStatus};
use shared::store::Table;

/// A user with an address for one mail.
pub(crate) struct Addressee {
    pub(crate) user: User,
    pub(crate) address: String,
    /// The usernames that the mail tells; more than one if it tells all of an address.
    pub(crate) usernames: String,
    /// Whether the person can sign in with a passkey.
    pub(crate) has_passkeys: bool,
}

/// Why a mail goes to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// There is no such user, or no user with such an address.
    Nobody,
    /// The user is blocked.
    Blocked,
    /// The user cannot sign in at the service itself.
    Unlinked,
    /// The user has no address, or another one than the mail is for.
    NoAddress,
    /// The address takes no mail.
    Bounced,
    /// The person got enough mails (rule G37).
    Limited,
}

impl Skipped {
    /// Its name in logs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Blocked => "blocked",
            Self::Unlinked => "unlinked",
            Self::NoAddress => "no_address",
            Self::Bounced => "bounced",
            Self::Limited => "limited",
        }
    }
}

/// Finds out to whom a mail goes.
pub(crate) async fn find(table: &Table, mail: &Mail) -> Result<Result<Addressee, Skipped>> {
    let tenant = &mail.tenant;
    let (users, wanted) = match &mail.to {
        Recipient::User(user) => (read(table, tenant, [*user]).await?, mail.facts.address.clone()),
        Recipient::Username(hash) => {
            let holder = table.holder_of_username(tenant, hash).await?;
            (read(table, tenant, holder).await?, mail.facts.address.clone())
        }
        Recipient::Address(hash) => {
            let holders = table.holders_of_address(tenant, hash).await?;
            let has = |user: &User| {
                user.preferred_email.as_deref().and_then(email_hash).as_ref() == Some(hash)
            };
            let mut users = read(table, tenant, holders).await?;
            // The address of a custom attribute is not one that the service writes to.
            users.retain(|user| has(user) && user.status == UserStatus::Active);
            (users, Some(hash.clone()))
        }
    };
    let mut usernames: Vec<_> = users.iter().map(|user| user.username.as_str()).collect();
    usernames.sort_unstable();
    let usernames = usernames.join(", ");
    let Some(user) = users.into_iter().next() else { return Ok(Err(Skipped::Nobody)) };
    if user.status == UserStatus::Blocked && !is_notice(mail.kind) {
        return Ok(Err(Skipped::Blocked));
    }
    if sets_password(mail.kind) && is_unlinked(table, tenant, user.id).await? {
        return Ok(Err(Skipped::Unlinked));
    }
    let login = table.login_facts(tenant, user.id).await?.map(|login| login.value);
    let address = match address(mail.kind, &user, login.as_ref(), wanted.as_deref()) {
        Some(address) => address.to_owned(),
        None => return Ok(Err(Skipped::NoAddress)),
    };
    let has_passkeys = login.as_ref().is_some_and(|login| !login.passkeys.is_empty());
    let bounced = login.and_then(|login| login.bounced);
    if bounced.is_some_and(|bounced| email_hash(&address) == Some(bounced.address)) {
        return Ok(Err(Skipped::Bounced));
    }
    Ok(Ok(Addressee { user, address, usernames, has_passkeys }))
}

async fn read(
    table: &Table,
    tenant: &TenantId,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<Vec<User>> {
    let mut users = Vec::new();
    for id in ids {
        let user = table.find_user(tenant, id).await?;
        users.extend(user.map(|user| user.into_stored().value));
    }
    Ok(users)
}

/// Whether a person sets a password by such a mail, and signs in with it.
const fn sets_password(kind: MailKind) -> bool {
    matches!(kind, MailKind::Invitation | MailKind::Reset)
}

/// Whether a user was unlinked from the service's own identity provider.
async fn is_unlinked(table: &Table, tenant: &TenantId, user: UserId) -> Result<bool> {
    let system = SYSTEM.parse().map_err(Error::unexpected)?;
    let principal = table.find_principal(tenant, user, &system).await?;
    Ok(principal.is_some_and(|principal| !principal.value.linked))
}

/// Whether a mail tells what has happened. The others help the person to get in.
const fn is_notice(kind: MailKind) -> bool {
    !matches!(
        kind,
        MailKind::Invitation
            | MailKind::Reset
            | MailKind::UsernameReminder
            | MailKind::AddressConfirm
            | MailKind::TemporaryPassword
    )
}

/// The address that a mail goes to. `wanted` is the hash of the only one that it may go to.
fn address<'a>(
    kind: MailKind,
    user: &'a User,
    login: Option<&'a LoginFacts>,
    wanted: Option<&str>,
) -> Option<&'a str> {
    let preferred = user.preferred_email.as_deref();
    let pending = login.and_then(|login| login.pending_address.as_ref());
    let old = login.and_then(|login| login.undo.as_ref()).and_then(|undo| undo.address.as_deref());
    let candidates = match kind {
        MailKind::AddressConfirm => [pending.map(|pending| pending.address.as_str()), None],
        // If the new address was confirmed before this mail went out, the old one is kept here.
        MailKind::AddressNotice => [old, preferred],
        _ => [preferred, None],
    };
    let mut candidates = candidates.into_iter().flatten();
    candidates
        .find(|address| wanted.is_none_or(|wanted| email_hash(address).as_deref() == Some(wanted)))
}

#[cfg(test)]
mod tests {
    use shared::domain::people::{PendingAddress, Undo};
    use shared::env::{Env, Timestamp};

    use super::*;

    fn jan() -> (User, LoginFacts) {
        let (env, now) = (Env::default(), Timestamp::from_millis(0));
        let mut user = User::new(UserId::new(env.new_uuid()), "jan".to_owned(), now);
        user.preferred_email = Some("jan@example.org".to_owned());
        let mut login = LoginFacts::new(&env.random);
        login.pending_address =
            Some(PendingAddress { address: "new@example.org".to_owned(), asked_at: now });
        let (address, verified) = (Some("old@example.org".to_owned()), true);
        login.undo = Some(Undo { address, verified, until: now });
        (user, login)
    }

    #[test]
    fn g50_a_notice_goes_to_the_old_address_and_a_confirmation_to_the_new_one() {
        let (user, login) = jan();
        let to = |kind, wanted: Option<&str>| {
            let wanted = wanted.and_then(email_hash);
            address(kind, &user, Some(&login), wanted.as_deref()).map(str::to_owned)
        };
        for (kind, wanted, due) in [
            (MailKind::AddressConfirm, Some("NEW@example.org"), Some("new@example.org")),
            (MailKind::AddressConfirm, Some("other@example.org"), None),
            (MailKind::AddressNotice, Some("old@example.org"), Some("old@example.org")),
            (MailKind::AddressNotice, Some("jan@example.org"), Some("jan@example.org")),
            (MailKind::Invitation, Some("jan@example.org"), Some("jan@example.org")),
            (MailKind::Invitation, Some("old@example.org"), None),
            (MailKind::PasswordChanged, None, Some("jan@example.org")),
        ] {
            assert_eq!(to(kind, wanted).as_deref(), due, "{kind} {wanted:?}");
        }
    }
}
