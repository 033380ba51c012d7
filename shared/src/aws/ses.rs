//! SES v2: sends messages that are complete, headers included.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::{Account, Service, ServiceError, domain, partition};

/// The name for which requests to SES are signed.
const SES: &str = "ses";
/// The label of the hosts of SES v2.
const HOST: &str = "email";
/// How long one attempt may take.
const SENDING: Duration = Duration::from_secs(5);

/// The way out of mail: SES of an account in a region.
#[derive(Clone, Debug)]
pub struct Mailbox(Service);

/// A message that is complete, and how SES treats it.
#[derive(Clone, Copy, Debug)]
pub struct RawMail<'m> {
    /// The address of the sender.
    pub from: &'m str,
    /// The address that the message goes to.
    pub to: &'m str,
    /// The message in the form of RFC 5322.
    pub mime: &'m [u8],
    /// Names and values that SES repeats in notifications about the message.
    pub tags: &'m [(&'m str, &'m str)],
    /// The configuration set by which SES tells of bounces and complaints.
    pub configuration_set: Option<&'m str>,
}

impl Account {
    /// The mailbox of the account in a region.
    #[must_use]
    pub fn mailbox(&self, region: &str) -> Mailbox {
        let own = || format!("https://{HOST}.{region}.{}", domain(partition(region)));
        let url = self.endpoint.clone().unwrap_or_else(own);
        Mailbox(self.service_at(SES, region, url.trim_end_matches('/').to_owned(), SENDING))
    }
}

impl Mailbox {
    /// Sends a message. It is sent twice if SES took it and the answer was lost.
    pub async fn send(&self, mail: &RawMail<'_>) -> Result<(), ServiceError> {
        let headers = [(CONTENT_TYPE.as_str(), "application/json")];
        let body = mail.document().to_string().into();
        self.0.ask(Method::POST, "/v2/email/outbound-emails", &headers, body).await.map(drop)
    }
}

impl RawMail<'_> {
    fn document(&self) -> Value {
        let tags = self.tags.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
        let mut document = json!({
            "FromEmailAddress": self.from,
            "Destination": { "ToAddresses": [self.to] },
            "Content": { "Raw": { "Data": STANDARD.encode(self.mime) } },
            "EmailTags": tags.collect::<Vec<_>>(),
        });
        if let (Some(set), Some(members)) = (self.configuration_set, document.as_object_mut()) {
            members.insert("ConfigurationSetName".to_owned(), set.into());
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use bytes::Bytes;

    use super::*;
    use crate::env::{Clock, Timestamp};
    use crate::https::Trust;

    fn mailbox(region: &str) -> Mailbox {
        let credentials = Credentials::new("AKID", "secret", Some("session".into()), None, "test");
        let clock = Clock::stopped_at(Timestamp::from_millis(1_795_255_200_000));
        Account::new(Trust::Amazon, credentials, clock, None).unwrap().mailbox(region)
    }

    const MAIL: RawMail<'_> = RawMail {
        from: "no-reply@example.org",
        to: "jan@example.org",
        mime: b"Subject: x\r\n\r\ny",
        tags: &[("tenant", "acme")],
        configuration_set: Some("kith"),
    };

    #[test]
    fn g72_the_call_is_signed_for_ses_at_the_host_of_email() {
        let mailbox = mailbox("eu-west-1");
        assert_eq!(mailbox.0.url, "https://email.eu-west-1.amazonaws.com");
        let headers = [(CONTENT_TYPE.as_str(), "application/json")];
        let path = "/v2/email/outbound-emails";
        let request = mailbox.0.request(&Method::POST, path, &headers, Bytes::from("{}")).unwrap();
        assert_eq!(request.uri().path(), path);
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let scope = "Credential=AKID/20261121/eu-west-1/ses/aws4_request, ";
        assert!(authorization.contains(scope), "{authorization}");
    }

    #[test]
    fn g72_the_document_names_the_recipient_once_and_the_set_if_there_is_one() {
        let document = MAIL.document();
        let expected = json!({
            "FromEmailAddress": "no-reply@example.org",
            "Destination": { "ToAddresses": ["jan@example.org"] },
            "Content": { "Raw": { "Data": "U3ViamVjdDogeA0KDQp5" } },
            "EmailTags": [{ "Name": "tenant", "Value": "acme" }],
            "ConfigurationSetName": "kith",
        });
        assert_eq!(document, expected);
        let without = RawMail { configuration_set: None, ..MAIL }.document();
        assert_eq!(without.get("ConfigurationSetName"), None);
    }

    #[test]
    fn g72_each_partition_has_its_own_host() {
        assert_eq!(mailbox("cn-north-1").0.url, "https://email.cn-north-1.amazonaws.com.cn");
    }
}
