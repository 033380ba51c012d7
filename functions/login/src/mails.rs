//! Mails that this function asks for. The mailer looks the person up and sends them.

use shared::domain::id::{TenantId, UserId};
use shared::domain::people::{Mail, MailFacts, MailKind, Recipient};

use crate::visit::Visit;

/// A mail to a user about what happens in this request.
pub(crate) fn to_user(visit: &Visit, tenant: &TenantId, user: UserId, kind: MailKind) -> Mail {
    let now = visit.app.env().clock.now();
    let facts = MailFacts {
        browser: visit.browser(),
        network: visit.place(),
        at: Some(now),
        ..MailFacts::default()
    };
    let locale = Some(visit.locale.tag().to_owned());
    Mail { locale, facts, ..Mail::new(kind, tenant.clone(), Recipient::User(user), now) }
}

/// A mail to a user whose password is changed, with the passkeys removed or not.
pub(crate) fn password_changed(
    visit: &Visit,
    tenant: &TenantId,
    user: UserId,
    passkeys_removed: bool,
) -> Mail {
    let mut mail = to_user(visit, tenant, user, MailKind::PasswordChanged);
    mail.facts.passkeys_removed = passkeys_removed;
    mail
}
