//! Messages: texts with their facts filled in, as plain text and as HTML, in one MIME document.
//!
//! Nothing in a message is fetched from elsewhere, and nothing tells that it was read (rule G51).

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message as Mime};
use maud::{DOCTYPE, html};
use shared::domain::id::{TenantId, UserId};
use shared::domain::people::{Browser, MailKind};
use shared::domain::text;
use shared::env::{Env, Timestamp};

use crate::texts::{Language, MailText};

/// A message, ready to send.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it says.
    pub kind: MailKind,
    /// The tenant.
    pub tenant: TenantId,
    /// The user whom it is about.
    pub user: UserId,
    /// The address of the sender.
    pub from: String,
    /// The address that it goes to.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text, for readers without HTML.
    pub text: String,
    /// The link with a token in it, if the mail has one.
    pub link: Option<String>,
    /// The whole message in the form of RFC 5322.
    pub mime: Vec<u8>,
}

/// What a message says beside its texts.
pub(crate) struct Content<'c> {
    pub(crate) kind: MailKind,
    pub(crate) language: Language,
    /// The host of the service.
    pub(crate) service: &'c str,
    pub(crate) username: &'c str,
    pub(crate) browser: Option<&'c Browser>,
    pub(crate) network: Option<&'c str>,
    pub(crate) passkey: Option<&'c str>,
    /// What became of the passkeys, if the mail tells of it.
    pub(crate) passkeys: Option<PasskeysAfter>,
    pub(crate) at: Timestamp,
    /// Where the button leads.
    pub(crate) target: &'c str,
}

/// What became of the passkeys of a person whose password was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasskeysAfter {
    /// They work as before.
    Kept,
    /// They were removed with the old password.
    Removed,
}

/// Whom a message is for.
pub(crate) struct Envelope<'e> {
    pub(crate) tenant: &'e TenantId,
    pub(crate) user: UserId,
    pub(crate) from: &'e Mailbox,
    pub(crate) to: &'e str,
    /// The link with a token in it, if the mail has one.
    pub(crate) link: Option<String>,
}

/// The address in the form in which messages carry it; `None` if no message can be sent there.
pub(crate) fn deliverable(address: &str) -> Option<Address> {
    let comparable = text::stored_email(address)?;
    // The domain as A-labels; the part before it as the person wrote it.
    let (_, domain) = comparable.rsplit_once('@')?;
    let (local, _) = address.rsplit_once('@')?;
    Address::new(local, domain).ok()
}

/// Makes a message; `None` if no message can be sent to the address.
pub(crate) fn compose(content: &Content<'_>, envelope: Envelope<'_>, env: &Env) -> Option<Message> {
    let Envelope { tenant, user, from, to, link } = envelope;
    let to = deliverable(to)?;
    let subject = content.fill(content.text().subject);
    let (text, html) = (content.plain(), content.html(&subject));
    let now = u64::try_from(env.clock.now().millis()).unwrap_or_default();
    let body = MultiPart::alternative()
        .boundary(env.random_uuid().simple().to_string())
        .singlepart(SinglePart::plain(text.clone()))
        .singlepart(SinglePart::html(html));
    let mime = Mime::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(subject.clone())
        .date(UNIX_EPOCH + Duration::from_millis(now))
        .message_id(Some(format!("<{}@{}>", env.random_uuid(), from.email.domain())))
        .raw_header(header(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated"))
        .raw_header(header(HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All"))
        .raw_header(header(
            HeaderName::new_from_ascii_str("Content-Language"),
            content.language.tag(),
        ))
        .multipart(body)
        .ok()?
        .formatted();
    let tenant = tenant.clone();
    let (kind, from, to) = (content.kind, from.email.to_string(), to.to_string());
    Some(Message { kind, tenant, user, from, to, subject, text, link, mime })
}

fn header(name: HeaderName, value: &str) -> HeaderValue {
    HeaderValue::new(name, value.to_owned())
}

impl Content<'_> {
    fn text(&self) -> &'static MailText {
        self.language.texts().of(self.kind)
    }

    /// A text with its placeholders filled in. A value that holds braces is not filled in again.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            filled.push_str(before);
            filled.push_str(&self.value(name));
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    fn value(&self, name: &str) -> String {
        let texts = self.language.texts();
        let known = |value: Option<&str>| {
            let value = value.map(one_line).filter(|value| !value.is_empty());
            value.unwrap_or_else(|| texts.unknown.to_owned())
        };
        match name {
            "service" => self.service.to_owned(),
            "username" => one_line(self.username),
            "browser" => known(self.browser.map(|browser| texts.browser(browser)).as_deref()),
            "network" => known(self.network),
            "passkey" => known(self.passkey),
            "time" => minute(self.at),
            _ => String::new(),
        }
    }

    fn paragraphs(&self, texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| self.fill(text)).collect()
    }

    /// The paragraphs before the link: the first one says what happened.
    fn before(&self) -> Vec<String> {
        let mut paragraphs = self.paragraphs(self.text().before);
        if self.passkeys == Some(PasskeysAfter::Removed) {
            let text = self.language.texts().passkeys_removed;
            paragraphs.insert(paragraphs.len().min(1), text.to_owned());
        }
        paragraphs
    }

    /// The paragraphs after the link.
    fn after(&self) -> Vec<String> {
        let mut paragraphs = self.paragraphs(self.text().after);
        if self.passkeys == Some(PasskeysAfter::Kept) {
            paragraphs.push(self.language.texts().passkeys_kept.to_owned());
        }
        paragraphs
    }

    fn plain(&self) -> String {
        let text = self.text();
        let mut paragraphs = self.before();
        paragraphs.push(format!("{}:\n{}", text.action, self.target));
        paragraphs.extend(self.after());
        paragraphs.push(format!("-- \n{}", self.fill(self.language.texts().footer)));
        paragraphs.join("\n\n") + "\n"
    }

    fn html(&self, subject: &str) -> String {
        let (text, texts) = (self.text(), self.language.texts());
        let document = html! {
            (DOCTYPE)
            html lang=(self.language.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width";
                    meta name="color-scheme" content="light dark";
                    title { (subject) }
                }
                body style=(BODY) {
                    h1 style=(HEADING) { (subject) }
                    @for paragraph in self.before() { p { (paragraph) } }
                    p { a href=(self.target) style=(BUTTON) { (text.action) } }
                    p { (texts.copy_link) br; a href=(self.target) { (self.target) } }
                    @for paragraph in self.after() { p { (paragraph) } }
                    p style=(FOOTER) { (self.fill(texts.footer)) }
                }
            }
        };
        document.into_string()
    }
}

/// A time as a reader takes it in: the day and the minute in UTC.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    let minute = text.get(..16).unwrap_or(&text).replace('T', " ");
    format!("{minute} UTC")
}

/// A text that somebody typed, on one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

const BODY: &str = "max-width:36em;margin:0 auto;padding:1em;line-height:1.5;\
                    font-family:system-ui,sans-serif;overflow-wrap:anywhere";
const HEADING: &str = "font-size:1.25em";
const BUTTON: &str = "display:inline-block;padding:.6em 1.2em;border-radius:.3em;\
                      background:#1a4d8f;color:#ffffff;text-decoration:none";
const FOOTER: &str = "font-size:.85em";

#[cfg(test)]
mod tests {
    use super::*;

    fn content<'c>(username: &'c str, target: &'c str) -> Content<'c> {
        Content {
            kind: MailKind::NewDevice,
            language: Language::English,
            service: "id.example",
            username,
            browser: None,
            network: Some("192.0.2.0"),
            passkey: None,
            passkeys: None,
            at: Timestamp::from_millis(1_795_255_200_000),
            target,
        }
    }

    #[test]
    fn g51_what_a_person_typed_is_text_and_is_filled_in_once() {
        let content = content("<b>{time}\r\nX</b>", "https://id.example/?a=1&b=2");
        let (plain, html) = (content.plain(), content.html("s"));
        assert!(plain.contains("account <b>{time}  X</b> with"), "{plain}");
        assert!(html.contains("account &lt;b&gt;{time}  X&lt;/b&gt; with"), "{html}");
        assert!(html.contains("href=\"https://id.example/?a=1&amp;b=2\""), "{html}");
        let line = "Browser: unknown. Network: 192.0.2.0. Time: 2026-11-21 10:00 UTC.";
        assert!(plain.contains(line), "{plain}");
    }

    #[test]
    fn g51_an_address_is_sent_with_its_domain_in_a_labels() {
        let due = [
            ("Jan@Example.ORG", Some("Jan@example.org")),
            ("jan@bücher.example", Some("jan@xn--bcher-kva.example")),
            ("jan", None),
        ];
        for (address, due) in due {
            let found = deliverable(address).map(|address| address.to_string());
            assert_eq!(found.as_deref(), due, "{address}");
        }
    }
}
