//! Notifications of SES that an address does not take mail (rule G72).
//!
//! A notification comes through SNS, from the destination of events of the configuration set. It
//! names the tenant and the user by the tags of the message, so nobody is looked up by address.

use serde::Deserialize;
use shared::domain::id::{TenantId, UserId};

/// A notification, as far as it is read. Members of other kinds of notifications are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    #[serde(alias = "notificationType")]
    event_type: String,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    mail: Sent,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

#[derive(Debug, Deserialize)]
struct Sent {
    #[serde(default)]
    tags: Tags,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tags {
    tenant: Vec<String>,
    user: Vec<String>,
}

/// Why an address does not take mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Bounce,
    Complaint,
}

impl Reason {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
        }
    }
}

impl Notification {
    /// Reads the text of a notification; `None` if it is of another form.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whose mail it is about.
    pub(crate) fn user(&self) -> Option<(TenantId, UserId)> {
        let Tags { tenant, user } = &self.mail.tags;
        Some((tenant.first()?.parse().ok()?, user.first()?.parse().ok()?))
    }

    /// The addresses that take no mail from now on, and why: those of a permanent bounce or of a
    /// complaint. A mailbox that is full may be empty tomorrow.
    pub(crate) fn dead(&self) -> Option<(Reason, Vec<&str>)> {
        let (reason, recipients) = match (self.event_type.as_str(), &self.bounce, &self.complaint) {
            ("Bounce", Some(bounce), _) if bounce.bounce_type == "Permanent" => {
                (Reason::Bounce, &bounce.bounced_recipients)
            }
            ("Complaint", _, Some(complaint)) => {
                (Reason::Complaint, &complaint.complained_recipients)
            }
            _ => return None,
        };
        let addresses = recipients.iter().map(|recipient| bare(&recipient.email_address));
        Some((reason, addresses.collect()))
    }
}

/// An address without the name and the brackets that may stand around it.
fn bare(address: &str) -> &str {
    let inner = address.rsplit_once('<').map_or(address, |(_, rest)| rest);
    inner.trim_end_matches('>').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "0192f3c1-0000-7000-8000-000000000001";

    fn notification(event: &str) -> Notification {
        let mail = format!("\"mail\":{{\"tags\":{{\"tenant\":[\"acme\"],\"user\":[\"{USER}\"]}}}}");
        Notification::read(&format!("{{{event},{mail}}}")).unwrap()
    }

    #[test]
    fn g72_a_permanent_bounce_and_a_complaint_name_dead_addresses() {
        let bounced = |kind: &str| {
            notification(&format!(
                "\"eventType\":\"Bounce\",\"bounce\":{{\"bounceType\":\"{kind}\",\
                 \"bouncedRecipients\":[{{\"emailAddress\":\"Jan <jan@example.org>\"}}]}}"
            ))
        };
        let permanent = bounced("Permanent");
        assert_eq!(permanent.dead(), Some((Reason::Bounce, vec!["jan@example.org"])));
        let (tenant, user) = permanent.user().unwrap();
        assert_eq!((tenant.as_str(), user.to_string().as_str()), ("acme", USER));
        assert_eq!(bounced("Transient").dead(), None);
        let complained = notification(
            "\"notificationType\":\"Complaint\",\"complaint\":{\"complainedRecipients\":\
             [{\"emailAddress\":\"jan@example.org\"}]}",
        );
        assert_eq!(complained.dead(), Some((Reason::Complaint, vec!["jan@example.org"])));
        assert_eq!(notification("\"eventType\":\"Delivery\"").dead(), None);
    }

    #[test]
    fn g72_a_notification_without_tags_or_of_another_form_names_nobody() {
        let without = Notification::read("{\"eventType\":\"Bounce\",\"mail\":{}}").unwrap();
        assert!(without.user().is_none());
        for other in ["", "[]", "{}", "Successfully validated SNS topic"] {
            assert!(Notification::read(other).is_none(), "{other}");
        }
    }
}
