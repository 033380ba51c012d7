//! The Idempotency-Key of a request, and the record that is stored under it.
//!
//! The key is bound to tenant, client, method and path, and stored only as a hash. The record of
//! the answer is sealed under a key derived from the Idempotency-Key itself, so only a repeat of
//! the request can read the stored record.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use ring::digest::{Context, SHA256};
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, JSON};
use super::route::{Effect, Route};
use crate::app::App;
use crate::auth::{Caller, Subject};
use crate::domain::View;
use crate::domain::error::{Code, Error, Result};
use crate::domain::system_profile::Viewer;
use crate::seal::{open, seal};
use crate::store::Write;
use crate::store::records::{IdempotencyRecord, ShownResource};

/// How long a record is kept, in seconds: 24 hours.
pub(super) const KEPT_SECONDS: i64 = 24 * 3600;
/// The longest key, in characters.
const MAX_KEY: usize = 255;

/// The Idempotency-Key of a request, bound to what it is for.
pub(super) struct IdempotencyKey {
    scope: String,
    sealing: [u8; 32],
    digest: String,
}

/// A stored response; its body follows in the sealed bytes, after a line end.
#[derive(Serialize, Deserialize)]
struct StoredResponse {
    digest: String,
    status: u16,
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_etag: Option<String>,
    location: Option<String>,
}

impl IdempotencyKey {
    /// `content` are the parts that a repeat must have in common with the request. Reads the header
    /// where the route takes it; a route whose answer carries a secret refuses it.
    pub(super) fn read(
        headers: &HeaderMap,
        route: &Route,
        (caller, view): (&Caller, View),
        path: &str,
        content: &[&[u8]],
    ) -> Result<Option<Self>> {
        let mut lines = headers.get_all("idempotency-key").iter();
        let Some(line) = lines.next() else {
            return Ok(None);
        };
        if route.effect == Effect::Secret {
            return Err(Error::Malformed(
                "the answer of this route carries a secret; omit `Idempotency-Key`".to_owned(),
            ));
        }
        if !route.takes_idempotency_key() {
            return Ok(None);
        }
        let legal = |byte: &u8| byte.is_ascii_graphic();
        let key = line.as_bytes();
        if lines.next().is_some() || key.is_empty() || key.len() > MAX_KEY || !key.iter().all(legal)
        {
            return Err(Error::Malformed(format!(
                "`Idempotency-Key`: expected one word of 1 to {MAX_KEY} visible ASCII characters"
            )));
        }
        // How much the caller sees is part of the answer: of a system's profiles by the classifier,
        // and for a local person by the scopes of this very token.
        let classifier = if route.within_system { caller.grants.max_classifier.name() } else { "" };
        let sees = match &caller.subject {
            Subject::Client { .. } => classifier.to_owned(),
            Subject::Local { .. } => format!("{classifier} {view:?}"),
            Subject::External(_) => String::new(),
        };
        let bound =
            format!("{}\n{}\n{}\n{path}\n{sees}", caller.tenant, caller.name(), route.method);
        let tag = |purpose: &[u8]| {
            let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
            context.update(purpose);
            context.update(bound.as_bytes());
            context.sign()
        };
        let sealing = tag(b"seal\n").as_ref().first_chunk::<32>().copied().unwrap_or_default();
        let mut hash = Context::new(&SHA256);
        for part in content {
            hash.update(part);
        }
        Ok(Some(Self {
            scope: URL_SAFE_NO_PAD.encode(tag(b"scope\n")),
            sealing,
            digest: URL_SAFE_NO_PAD.encode(hash.finish()),
        }))
    }

    /// The answer to the first request, if there was one.
    pub(super) async fn replay(
        &self,
        app: &App,
        (caller, view): (&Caller, View),
    ) -> Result<Option<Answer>> {
        let Some(record) = app.table().find_record(&caller.tenant, &self.scope).await? else {
            return Ok(None);
        };
        let broken = || Error::unexpected("cannot open a stored idempotency record");
        let opened = open(&self.sealing, &self.scope, &record.sealed).ok_or_else(broken)?;
        let end = opened.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
        let (stored, body) = opened.split_at_checked(end).ok_or_else(broken)?;
        let stored: StoredResponse = serde_json::from_slice(stored).map_err(|_| broken())?;
        let body = body.get(1..).filter(|body| !body.is_empty()).map(Bytes::copy_from_slice);
        if stored.digest != self.digest {
            let detail = "this `Idempotency-Key` was used with another body; use a new key";
            return Err(Error::invalid("", Code::NotAllowed, detail));
        }
        let changed = match &record.shows {
            None => None,
            Some(shown) => still_shown(app, (caller, view), shown).await?,
        };
        let answer = Answer {
            status: StatusCode::from_u16(stored.status).map_err(Error::unexpected)?,
            etag: stored.etag,
            user_etag: stored.user_etag,
            location: stored.location,
            body,
            shows: record.shows,
            media: JSON,
            replayed: true,
            secret: false,
        };
        Ok(Some(match changed {
            Some(Answer { etag, body, .. }) => Answer { etag, body, ..answer },
            None => answer,
        }))
    }

    /// The write that records an answer.
    pub(super) fn record(&self, app: &App, caller: &Caller, answer: &Answer) -> Result<Write> {
        let stored = StoredResponse {
            digest: self.digest.clone(),
            status: answer.status.as_u16(),
            etag: answer.etag.clone(),
            user_etag: answer.user_etag.clone(),
            location: answer.location.clone(),
        };
        let mut stored = serde_json::to_vec(&stored).map_err(Error::unexpected)?;
        stored.push(b'\n');
        stored.extend_from_slice(answer.body.as_deref().unwrap_or_default());
        let sealed = seal(&self.sealing, &self.scope, stored, app.env())?;
        let until = app.env().clock.now().plus_seconds(KEPT_SECONDS);
        Ok(IdempotencyRecord { sealed, shows: answer.shows.clone() }.write(
            &caller.tenant,
            &self.scope,
            until,
        ))
    }
}

/// Looks whether what an answer shows is still there. Of a system profile from which something else
/// is withheld now than then it returns what the caller gets now: a replay gives nobody what the
/// person has taken back.
async fn still_shown(
    app: &App,
    (caller, view): (&Caller, View),
    shown: &ShownResource,
) -> Result<Option<Answer>> {
    let (table, tenant) = (app.table(), &caller.tenant);
    let (system, id, withheld) = match shown {
        ShownResource::User(user) => {
            return table.find_user(tenant, *user).await?.map(|_| None).ok_or(Error::NotFound);
        }
        ShownResource::Profile { system, id, withheld } => (system, *id, withheld),
    };
    let schema = app.schema(tenant).await?;
    let found = table.find_profile(&schema, system, id).await?.ok_or(Error::NotFound)?;
    if found.withheld.fingerprint() == *withheld {
        return Ok(None);
    }
    let schema = app.schema_of(tenant, [&found.user()]).await?;
    let entry = schema.systems.get(system.as_str()).ok_or(Error::NotFound)?;
    let most = caller.grants.max_classifier;
    let viewer = Viewer { schema: &schema, system: &entry.stored.value, view, most };
    let content = found.visible_profile().show(&found.visible_base(), viewer);
    Ok(Some(Answer::resource(content, &found.tag())))
}
