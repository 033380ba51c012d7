//! Where messages go.

use std::fmt;

use shared::aws::{RawMail, ServiceError};

use crate::Message;

/// Why a message was not sent. The reason is a code: it holds no address and no text of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The way out does not work now.
    Unavailable(String),
    /// The message is refused, and will be each time.
    Refused(String),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(code) => write!(f, "unavailable: {code}"),
            Self::Refused(code) => write!(f, "refused: {code}"),
        }
    }
}

/// Sends messages.
pub trait Transport: Send + Sync {
    /// Hands one message over.
    fn send(&self, message: &Message) -> impl Future<Output = Result<(), SendError>> + Send;
}

impl<T: Transport> Transport for &T {
    async fn send(&self, message: &Message) -> Result<(), SendError> {
        (**self).send(message).await
    }
}

/// SES v2, as a deployed function sends.
#[derive(Clone, Debug)]
pub struct Ses {
    /// The mailbox.
    pub mailbox: shared::aws::Mailbox,
    /// The configuration set by which SES tells of bounces and complaints.
    pub configuration_set: Option<String>,
}

/// The tag of a message that names its tenant.
pub(crate) const TENANT: &str = "tenant";
/// The tag of a message that names its user.
pub(crate) const USER: &str = "user";
/// The errors of SES that concern a message and not the account.
const OF_MESSAGE: [&str; 2] = ["MessageRejected", "BadRequestException"];

impl Transport for Ses {
    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let user = message.user.to_string();
        let tags = [(TENANT, message.tenant.as_str()), (USER, user.as_str())];
        let mail = RawMail {
            from: &message.from,
            to: &message.to,
            mime: &message.mime,
            tags: &tags,
            configuration_set: self.configuration_set.as_deref(),
        };
        self.mailbox.send(&mail).await.map_err(|error| match error {
            ServiceError::Refused(code) if OF_MESSAGE.contains(&code.as_str()) => {
                SendError::Refused(code)
            }
            // If SES refuses for another reason, somebody has to mend the account or the rights.
            // The mail waits for it.
            ServiceError::Refused(code) | ServiceError::Unavailable(code) => {
                SendError::Unavailable(code)
            }
        })
    }
}
