//! The rotation of a client's secret (rule O9).

use super::{Client, MAX_SECRETS, Secret};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::json::Json;
use crate::env::Timestamp;

/// How a secret succeeds others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// When the new secret ends; `None` when only revoking ends it.
    pub expires_at: Option<Timestamp>,
    /// When those end that were live before; `None` when they stay as they are.
    pub previous_expires_at: Option<Timestamp>,
}

impl Rotation {
    /// Reads one, as of `now`; every violation is listed.
    pub fn read(document: Json, now: Timestamp) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let expires_at = fields.time("expires_at");
        if expires_at.is_some_and(|end| end <= now) {
            fields.refuse("expires_at", Code::NotAllowed, format!("expected a time after {now}"));
        }
        let previous_expires_at = fields.time("previous_expires_at");
        if previous_expires_at.is_some_and(|end| end < now) {
            fields.refuse(
                "previous_expires_at",
                Code::NotAllowed,
                format!("expected a time not before {now}"),
            );
        }
        fields.finish();
        violations.check(Self { expires_at, previous_expires_at })
    }
}

impl Client {
    /// Adds `secret`. Current secrets end at `previous_expires_at`, if that is earlier than their
    /// own end.
    pub fn rotate(
        &mut self,
        secret: Secret,
        previous_expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        if !self.takes_secrets() {
            return Err(Error::Conflict(format!(
                "this client authenticates by `{}` and has no secrets",
                self.token_endpoint_auth_method
            )));
        }
        if let Some(end) = previous_expires_at {
            for previous in &mut self.secrets {
                previous.expires_at = Some(previous.expires_at.map_or(end, |set| set.min(end)));
            }
        }
        self.drop_ended_secrets(now);
        if self.secrets.len() >= MAX_SECRETS {
            return Err(Error::Conflict(format!(
                "the client has {MAX_SECRETS} live secrets, which is the most; revoke one or wait \
                 until one expires"
            )));
        }
        self.secrets.push(secret);
        Ok(())
    }
}
