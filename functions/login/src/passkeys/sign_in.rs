//! The sign-in with a passkey.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::json;
use shared::axum::response::Response;
use shared::domain::error::{Error, Result};
use shared::domain::id::TenantId;
use shared::domain::people::{MailKind, Passkey, PasskeyFacts, SecretHash};
use shared::domain::sso::Principal;
use shared::domain::versioned::Versioned;
use shared::store::Retry;
use shared::store::people::update_passkey;
use shared::writing::Account;

use super::assertion::{Assertion, Known, Use};
use super::challenge::{self, Challenge};
use super::client_data::Ceremony;
use super::refusal::Refusal;
use super::{Failed, RelyingParty, TIMEOUT};
use crate::mails;
use crate::pages::{Failure, SignInFailure};
use crate::respond;
use crate::sign_in::{
    Authenticated, Finished, Used, again, finish_sign_in, principal, record_blocked,
};
use crate::state::PageState;
use crate::visit::{Submission, Visit};

/// Answers with what a browser needs to ask for a passkey. It is the same for everybody: the browser
/// finds the passkeys that it has for this service (rule G42).
pub(super) async fn options(visit: Visit) -> Result<Response, respond::Refusal> {
    visit.check_script_call()?;
    let party = RelyingParty::of_service(&visit).ok_or(respond::Refusal::of(Failure::NotFound))?;
    let challenge = challenge::issue(&visit, Ceremony::Get, "", "").await?;
    let options = json!({
        "challenge": challenge,
        "rpId": party.id,
        "allowCredentials": [],
        "userVerification": "required",
        "timeout": TIMEOUT,
    });
    Ok(super::json(StatusCode::OK, &options))
}

/// Signs in with what an authenticator answered.
pub(super) async fn sign_in(submission: Submission) -> Result<Response, respond::Refusal> {
    let state = submission.state()?;
    let visit = &submission.visit;
    let keep = submission.fields.get("keep").is_some();
    let answer = submission.fields.get("credential").unwrap_or_default();
    let (failure, status) = match Box::pin(finish(visit, state, answer, keep)).await {
        Ok(Finished::Answer(response)) => return Ok(response),
        Ok(Finished::Blocked) => (SignInFailure::Blocked, StatusCode::FORBIDDEN),
        Ok(Finished::Unlinked | Finished::Again) => {
            (SignInFailure::PasskeyRefused, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(Failed::Refused(reason)) => {
            tracing::info!(%reason, "passkey refused");
            (SignInFailure::PasskeyRefused, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(Failed::Fault(error)) => return Err(error.into()),
    };
    Ok(again(visit, state, failure, status).await?)
}

async fn finish(
    visit: &Visit,
    state: &PageState,
    answer: &str,
    keep: bool,
) -> Result<Finished, Failed> {
    let party = RelyingParty::of_service(visit).ok_or(Refusal::RelyingParty)?;
    let assertion = Assertion::parse(answer, &party)?;
    let asked = assertion.challenge.clone();
    let challenge = Challenge::open(visit, Ceremony::Get, "", asked).await?;
    let mut spent = false;
    let mut retry = Retry::of(visit.app.table());
    loop {
        let held = Held::find(visit, &state.tenant, assertion.credential_id()).await?;
        let verified = held.verify(&assertion, &party);
        if matches!(verified, Err(Refusal::Counter) | Ok(_)) && !spent {
            challenge.spend(visit, &state.tenant).await?;
            spent = true;
        }
        if verified == Err(Refusal::Counter) {
            held.tell(visit, &state.tenant).await?;
        }
        let authenticated = held.authenticated(&state.tenant, verified?, keep);
        let user = authenticated.account.user.value.id;
        match Box::pin(finish_sign_in(visit, state, authenticated)).await? {
            Finished::Again => retry.again().await?,
            Finished::Blocked => {
                record_blocked(visit, &state.tenant, user).await?;
                return Ok(Finished::Blocked);
            }
            finished => return Ok(finished),
        }
    }
}

/// A passkey that somebody holds.
struct Held {
    id: SecretHash,
    passkey: Versioned<Passkey>,
    /// Its holder, read after it: an account that still names the passkey has not lost it.
    account: Account,
    facts: PasskeyFacts,
    principal: Option<Versioned<Principal>>,
}

impl Held {
    async fn find(visit: &Visit, tenant: &TenantId, id: &[u8]) -> Result<Self, Failed> {
        let id = SecretHash::of(id);
        let table = visit.app.table();
        let passkey = table.find_passkey(tenant, &id).await?.ok_or(Refusal::Unknown)?;
        let user = passkey.value.user;
        // The principal comes after the user: an unlink writes both, and one that comes between the
        // two reads is seen by the second, or it fails the commit.
        let account = table.find_account(tenant, user).await?;
        let principal = principal(visit, tenant, user).await?;
        let (user, login) = account.ok_or(Refusal::Unknown)?;
        let account = Account { user, login };
        let named = account.login.as_ref().and_then(|login| login.value.passkey(&id));
        let facts = named.ok_or(Refusal::Unknown)?.clone();
        Ok(Self { id, passkey, account, facts, principal })
    }

    fn verify(&self, assertion: &Assertion, party: &RelyingParty) -> Result<Use, Refusal> {
        const BROKEN: Refusal = Refusal::Malformed("the stored passkey is broken");
        let stored = &self.passkey.value;
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| BROKEN);
        let (key, user_handle) = (bytes(&stored.public_key)?, bytes(&stored.user_handle)?);
        let known = Known {
            key: &key,
            user_handle: &user_handle,
            counter: stored.counter,
            backup_eligible: stored.backup_eligible,
        };
        assertion.verify(known, party)
    }

    /// What the sign-in needs. The passkey is written only if it counts or its backup changed.
    fn authenticated(self, tenant: &TenantId, now: Use, keep: bool) -> Authenticated {
        let Self { id, passkey, account, principal, .. } = self;
        let Use { counter, backed_up } = now;
        let next = Passkey { counter, backed_up, ..passkey.value.clone() };
        let changed = next != passkey.value;
        let companions = changed.then(|| update_passkey(tenant, &id, &passkey, next));
        Authenticated {
            account,
            principal,
            used: Used::Passkey { id, backed_up },
            keep,
            companions: companions.into_iter().collect(),
            failures: 0,
        }
    }

    /// Tells the person that there may be a copy of the passkey.
    async fn tell(&self, visit: &Visit, tenant: &TenantId) -> Result<(), Error> {
        let user = self.passkey.value.user;
        let mut mail = mails::to_user(visit, tenant, user, MailKind::PasskeyCopied);
        mail.facts.name = Some(self.facts.name.clone());
        visit.app.table().put_mail(&mail).await
    }
}
