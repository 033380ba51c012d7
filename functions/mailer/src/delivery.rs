//! The delivery of one mail of the outbox.
//!
//! 1. Find out to whom it goes.
//! 2. Claim it in one transaction: the mail notes the try, the link is made, the person's mails are
//!    counted. Another mailer leaves a claimed mail alone until the time of the next try.
//! 3. Send it.
//! 4. Delete it.
//!
//! If the mailer stops between 3 and 4, the mail goes out again with another link, and the link of
//! before stops to work. A mail may come twice and is not lost.

use shared::domain::error::Result;
use shared::domain::lookup::email_hash;
use shared::domain::people::{Link, LinkKind, LinkToken, Mail, MailKind};
use shared::domain::user::User;
use shared::domain::versioned::Versioned;
use shared::env::Timestamp;
use shared::store::{CommitError, Condition, Key, Retry, Write, people};

use crate::addressee::{self, Addressee, Skipped};
use crate::limits;
use crate::message::{Content, Envelope, PasskeysAfter, compose};
use crate::texts::Language;
use crate::{Mailer, Message, SendError, Transport};

/// The pauses before the next try of a mail, in seconds. There is no try after the last one.
const PAUSES: [i64; MAX_TRIES] = [60, 300, 900, 3600, 3600];
/// How often a mail is tried.
pub const MAX_TRIES: usize = 5;

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was sent.
    Sent,
    /// It goes to nobody, and is deleted.
    Skipped(Skipped),
    /// It could not be sent and is tried again, or another mailer has it.
    Delayed,
    /// It can never be sent, and is deleted.
    Refused,
    /// It was tried often enough, and is deleted.
    GivenUp,
    /// It is not there any more.
    Gone,
}

impl<T: Transport> Mailer<T> {
    /// Delivers the mail with this key.
    pub async fn deliver(&self, key: &Key) -> Result<Outcome> {
        match self.app.table().mail(key).await? {
            Some(mail) => self.deliver_mail(key, mail).await,
            None => Ok(Outcome::Gone),
        }
    }

    /// Delivers a mail that was read.
    pub(crate) async fn deliver_mail(&self, key: &Key, mail: Versioned<Mail>) -> Result<Outcome> {
        if mail.value.next_at.is_some_and(|next| next > self.now()) {
            return Ok(Outcome::Delayed);
        }
        let Some(pause) = tries(&mail.value).and_then(|tries| PAUSES.get(tries)) else {
            self.delete(key, &mail).await?;
            return Ok(Outcome::GivenUp);
        };
        let addressee = match addressee::find(self.app.table(), &mail.value).await? {
            Ok(addressee) => addressee,
            Err(why) => return self.skip(key, &mail, why).await,
        };
        let (mail, token) = match self.claim(key, &mail, &addressee, *pause).await? {
            Claim::Made(mail, token) => (mail, token),
            Claim::Taken => return Ok(Outcome::Delayed),
            Claim::Limited => return self.skip(key, &mail, Skipped::Limited).await,
        };
        let Some(message) = self.message(&mail.value, &addressee, token.as_ref()) else {
            return self.skip(key, &mail, Skipped::NoAddress).await;
        };
        let sent = self.transport.send(&message).await;
        if let Err(error) = &sent {
            let (tenant, kind) = (&message.tenant, message.kind);
            tracing::warn!(operation = "send_mail", %tenant, %kind, cause = %error);
        }
        let outcome = match sent {
            Ok(()) => Outcome::Sent,
            Err(SendError::Refused(_)) => Outcome::Refused,
            Err(SendError::Unavailable(_)) if tries(&mail.value).is_none() => Outcome::GivenUp,
            Err(SendError::Unavailable(_)) => return Ok(Outcome::Delayed),
        };
        self.delete(key, &mail).await?;
        Ok(outcome)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.env().clock.now()
    }

    async fn skip(&self, key: &Key, mail: &Versioned<Mail>, why: Skipped) -> Result<Outcome> {
        let Mail { tenant, kind, .. } = &mail.value;
        tracing::info!(operation = "skip_mail", %tenant, %kind, cause = why.name());
        self.delete(key, mail).await?;
        Ok(Outcome::Skipped(why))
    }

    /// Deletes a mail. If another mailer has it meanwhile, that one deletes it.
    async fn delete(&self, key: &Key, mail: &Versioned<Mail>) -> Result<()> {
        match self.app.table().commit(vec![people::delete_mail(key, mail)]).await {
            Ok(()) | Err(CommitError::Conditions(_)) => Ok(()),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Notes the try, counts the mail and makes its link, all in one transaction.
    async fn claim(
        &self,
        key: &Key,
        mail: &Versioned<Mail>,
        to: &Addressee,
        pause: i64,
    ) -> Result<Claim> {
        let (table, now) = (self.app.table(), self.now());
        let Mail { kind, tenant, .. } = &mail.value;
        let next = Mail {
            tries: mail.value.tries.saturating_add(1),
            next_at: Some(now.plus_seconds(pause)),
            counted: true,
            ..mail.value.clone()
        };
        let counts = if mail.value.counted {
            Vec::new()
        } else {
            limits::counts(*kind, tenant, to.user.id, now)
        };
        let mut retry = Retry::of(table);
        loop {
            let mut writes = vec![people::update_mail(key, mail, next.clone())];
            writes.extend(counts.iter().cloned());
            let token = match kind.link() {
                Some(kind) => Some(self.link(&mut writes, &mail.value, kind, to).await?),
                None => None,
            };
            match table.commit(writes).await {
                Ok(()) => {
                    return Ok(Claim::Made(Box::new(mail.changed_to(next)), token));
                }
                Err(failed) if failed.at(0) => return Ok(Claim::Taken),
                Err(failed) if (1..=counts.len()).any(|count| failed.at(count)) => {
                    return Ok(Claim::Limited);
                }
                // Another link of this kind was made, or the user was forgotten.
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Adds the writes of a new link, which ends the one of before (rule G44).
    async fn link(
        &self,
        writes: &mut Vec<Write>,
        mail: &Mail,
        kind: LinkKind,
        to: &Addressee,
    ) -> Result<LinkToken> {
        let (table, tenant, user) = (self.app.table(), &mail.tenant, to.user.id);
        let previous = table.link_name(tenant, user, kind).await?;
        let token = LinkToken::new(tenant, &self.app.env().random);
        let address = email_hash(&to.address);
        let link = Link { user, kind, address, ends_at: self.now().plus_seconds(kind.seconds()) };
        writes.extend(people::link_writes(&token, &link, previous.as_ref()));
        writes.push(Write::Check(Key::user(tenant, user), Condition::NotDeleted));
        Ok(token)
    }

    /// The message of a mail; `None` if no message can be sent to the address.
    fn message(&self, mail: &Mail, to: &Addressee, token: Option<&LinkToken>) -> Option<Message> {
        let Addressee { user, address, usernames, has_passkeys } = to;
        let language = language(mail, user);
        let link = token.map(|token| self.link_address(language, token));
        let target = link.clone().unwrap_or_else(|| self.page(mail, language));
        let content = Content {
            kind: mail.kind,
            language,
            service: &self.service,
            username: usernames,
            browser: mail.facts.browser.as_ref(),
            network: mail.facts.network.as_deref(),
            passkey: mail.facts.name.as_deref(),
            passkeys: passkeys_after(mail, *has_passkeys),
            at: mail.facts.at.unwrap_or(mail.created_at),
            target: &target,
        };
        let (tenant, from) = (&mail.tenant, &self.from);
        let envelope = Envelope { tenant, user: user.id, from, to: address, link };
        compose(&content, envelope, self.app.env())
    }

    /// The address of a link: the token is behind the `#`, which no browser sends (rule G44).
    fn link_address(&self, language: Language, token: &LinkToken) -> String {
        let (base, language) = (&self.base_url, language.tag());
        format!("{base}/idhub/login/link?ui_locales={language}#{token}")
    }

    /// Where a mail without a token leads: to the page for a new password, or to the sign-in.
    fn page(&self, mail: &Mail, language: Language) -> String {
        let (base, tenant, language) = (&self.base_url, &mail.tenant, language.tag());
        match mail.kind {
            MailKind::NewDevice
            | MailKind::Failures
            | MailKind::PasswordChanged
            | MailKind::PasskeyRemoved => {
                format!("{base}/idhub/login/forgot?tenant={tenant}&ui_locales={language}")
            }
            _ => format!("{base}/idhub/login/{tenant}?ui_locales={language}"),
        }
    }
}

/// The result of claiming a mail.
enum Claim {
    /// This mailer has it: the mail as it is now, and the token of its link.
    Made(Box<Versioned<Mail>>, Option<LinkToken>),
    /// Another mailer has it, or it is gone.
    Taken,
    /// The person got enough mails.
    Limited,
}

/// What became of the passkeys of a person whose password was changed, if the mail tells of it.
fn passkeys_after(mail: &Mail, has_passkeys: bool) -> Option<PasskeysAfter> {
    match mail.kind {
        MailKind::PasswordChanged if mail.facts.passkeys_removed => Some(PasskeysAfter::Removed),
        MailKind::PasswordChanged if has_passkeys => Some(PasskeysAfter::Kept),
        _ => None,
    }
}

/// How often a mail was tried; `None` if often enough.
fn tries(mail: &Mail) -> Option<usize> {
    usize::try_from(mail.tries).ok().filter(|tries| *tries < MAX_TRIES)
}

/// The language of a mail: that of the profile, else that of the page where it was asked for.
fn language(mail: &Mail, user: &User) -> Language {
    Language::choose([user.ui_locales.as_deref(), mail.locale.as_deref()].into_iter().flatten())
}
