//! Mails that the service sends, kept for the test and read back as a mail program reads them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use mailer::{Mailer, Message, SendError, Transport};
use mailparse::{MailHeaderMap, ParsedMail, parse_mail};
use shared::app::App;
use shared::domain::people::MailKind;
use shared::env::Timestamp;

use crate::service::{BASE, Service, scripts};

/// The sender of mails in tests.
pub const MAIL_FROM: &str = "Kith <no-reply@kith.example>";

/// A mail as its reader sees it.
#[derive(Clone, Debug)]
pub struct MailSeen {
    /// What it says.
    pub kind: MailKind,
    /// The address that it went to.
    pub to: String,
    /// The decoded subject.
    pub subject: String,
    /// The decoded text.
    pub text: String,
    /// The decoded HTML.
    pub html: String,
    /// The link with a token, if there is one.
    pub link: Option<String>,
    /// The message as it was sent.
    pub mime: String,
}

impl MailSeen {
    /// Reads a message.
    pub fn of(message: &Message) -> Self {
        let parsed = parse_mail(&message.mime).expect("a message of RFC 5322");
        let part = |kind: &str| {
            let parts: Vec<_> =
                parsed.subparts.iter().filter(|p| p.ctype.mimetype == kind).collect();
            let [part]: [&ParsedMail<'_>; 1] = parts.try_into().expect("one part of each kind");
            part.get_body().expect("a body").replace("\r\n", "\n")
        };
        let seen = Self {
            kind: message.kind,
            to: message.to.clone(),
            subject: parsed.headers.get_first_value("Subject").expect("a subject"),
            text: part("text/plain"),
            html: part("text/html"),
            link: message.link.clone(),
            mime: String::from_utf8(message.mime.clone()).expect("text"),
        };
        assert_eq!(seen.subject, message.subject);
        assert_eq!(seen.text, message.text);
        seen
    }

    /// The link with a token.
    pub fn link(&self) -> &str {
        self.link.as_deref().expect("a mail with a link")
    }

    /// The token of the link: what stands behind `#`.
    pub fn token(&self) -> &str {
        self.link().split_once('#').expect("a fragment").1
    }

    /// A header by its name.
    pub fn header(&self, name: &str) -> Option<String> {
        let parsed = parse_mail(self.mime.as_bytes()).expect("a message of RFC 5322");
        parsed.headers.get_first_value(name)
    }
}

/// A way out that keeps mails, and fails as often as a test says.
#[derive(Clone, Debug, Default)]
pub struct Postbox(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    messages: Vec<Message>,
    failures: VecDeque<SendError>,
}

impl Postbox {
    /// One that fails with these errors first.
    pub fn failing(failures: impl IntoIterator<Item = SendError>) -> Self {
        let failures = failures.into_iter().collect();
        Self(Arc::new(Mutex::new(Kept { failures, ..Kept::default() })))
    }

    /// The messages that it got, those that it refused included.
    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).messages.clone()
    }

    /// The mails that it got, ordered by kind and address.
    pub fn mails(&self) -> Vec<MailSeen> {
        let mut mails: Vec<_> = self.messages().iter().map(MailSeen::of).collect();
        mails.sort_by(|a, b| (a.kind, &a.to).cmp(&(b.kind, &b.to)));
        mails
    }
}

impl Transport for Postbox {
    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.messages.push(message.clone());
        kept.failures.pop_front().map_or(Ok(()), Err)
    }
}

impl Service {
    /// A mailer that sends by this way.
    pub fn mailer(&self, way: Postbox) -> Mailer<Postbox> {
        let app = App::new(self.table.clone(), Some(BASE.to_owned()), scripts());
        Mailer::new(app, way, MAIL_FROM).expect("a mailer")
    }

    /// Sends what is due of the outbox, once; the mails are ordered by kind and address.
    pub async fn deliver_mails(&self) -> Vec<MailSeen> {
        let postbox = Postbox::default();
        let end = Timestamp::from_millis(i64::MAX);
        self.mailer(postbox.clone()).deliver_due(end).await.expect("a look at the outbox");
        postbox.mails()
    }
}
