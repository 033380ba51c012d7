//! The passkeys of the person who is signed in: added, renamed and removed on the account page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use shared::app::SignedIn;
use shared::axum::response::Response;
use shared::domain::audit::Operation;
use shared::domain::error::{Error, Result};
use shared::domain::people::{
    LoginFacts, MAX_PASSKEYS, Mail, MailKind, Passkey, PasskeyFacts, SecretHash,
};
use shared::env::Timestamp;
use shared::store::Retry;
use shared::store::people::{delete_passkey, mail_write, put_passkey};
use shared::writing::{Account, AccountChange};

use super::challenge::{self, Challenge};
use super::client_data::Ceremony;
use super::cose::{self, PublicKey};
use super::refusal::Refusal;
use super::registration::{NewPasskey, Registration};
use super::{Failed, RelyingParty, TIMEOUT};
use crate::account::{self, Done};
use crate::fields::{Fields, with_query};
use crate::mails;
use crate::pages::passkeys::MAX_NAME;
use crate::pages::{Failure, Shell};
use crate::respond;
use crate::visit::{Submission, Visit};

const ACCOUNT: &str = "/idhub/account";

/// Answers with the options of a new passkey (rule G52).
pub(super) async fn options(visit: Visit) -> Result<Response, respond::Refusal> {
    visit.check_script_call()?;
    let party = RelyingParty::of_service(&visit).ok_or(respond::Refusal::of(Failure::NotFound))?;
    let Some(signed_in) = visit.signed_in().await? else {
        return Ok(elsewhere(ACCOUNT));
    };
    if !visit.is_recent(&signed_in.session.value) {
        let again = [("prompt", "login"), ("return_to", ACCOUNT)];
        return Ok(elsewhere(&with_query(&format!("/idhub/login/{}", signed_in.tenant), &again)));
    }
    Ok(super::json(StatusCode::OK, &creation_options(&visit, &signed_in, &party).await?))
}

/// Sends the person to another page of this service.
fn elsewhere(location: &str) -> Response {
    super::json(StatusCode::FORBIDDEN, &json!({ "location": location }))
}

async fn creation_options(
    visit: &Visit,
    signed_in: &SignedIn,
    party: &RelyingParty,
) -> Result<Value> {
    let (table, tenant) = (visit.app.table(), &signed_in.tenant);
    let user = &signed_in.user.value;
    let login = table.login_facts(tenant, user.id).await?;
    let facts = login.map_or_else(|| LoginFacts::new(&visit.app.env().random), |login| login.value);
    let mut known = Vec::new();
    for passkey in &facts.passkeys {
        if let Some(passkey) = table.find_passkey(tenant, &passkey.id).await? {
            known.push(json!({ "type": "public-key", "id": passkey.value.credential_id }));
        }
    }
    let handle = facts.user_handle.as_str();
    let session = &signed_in.session.value.sid;
    let challenge = challenge::issue(visit, Ceremony::Create, session, handle).await?;
    let algorithms: Vec<_> = cose::ALGORITHMS
        .iter()
        .map(|algorithm| json!({ "type": "public-key", "alg": algorithm }))
        .collect();
    Ok(json!({
        "challenge": challenge,
        "rp": { "id": party.id, "name": Shell::new(visit.locale, Some(tenant)).brand.name },
        "user": { "id": handle, "name": user.username, "displayName": user.username },
        "pubKeyCredParams": algorithms,
        "excludeCredentials": known,
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": true,
            "userVerification": "required",
        },
        "attestation": "none",
        "timeout": TIMEOUT,
    }))
}

/// Adds the passkey that an authenticator made.
pub(super) async fn add(submission: Submission) -> Result<Response, respond::Refusal> {
    let visit = &submission.visit;
    let signed_in = visit.required().await?;
    if !visit.is_recent(&signed_in.session.value) {
        return Ok(Visit::sign_in_again(&signed_in.tenant, ACCOUNT));
    }
    let texts = &visit.shell(Some(&signed_in.tenant)).texts.passkeys;
    let Some(name) = name_of(&submission.fields) else {
        return refuse(visit, &signed_in, texts.wrong_name).await;
    };
    let problem = match register(visit, &signed_in, &submission.fields, &name).await {
        Ok(Outcome::Done) => return Ok(account::done(Done::PasskeyAdded)),
        Ok(Outcome::Full) => texts.limit,
        Ok(Outcome::Held) => texts.held,
        Ok(Outcome::Stale) => texts.refused,
        Err(Failed::Refused(reason)) => {
            tracing::info!(%reason, "passkey refused");
            texts.refused
        }
        Err(Failed::Fault(Error::SignedOut)) => {
            return Ok(Visit::sign_in_again(&signed_in.tenant, ACCOUNT));
        }
        Err(Failed::Fault(error)) => return Err(error.into()),
    };
    refuse(visit, &signed_in, problem).await
}

/// The account page with what was wrong.
async fn refuse(
    visit: &Visit,
    signed_in: &SignedIn,
    problem: &str,
) -> Result<Response, respond::Refusal> {
    account::again(visit, signed_in, problem, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// The name in a form, without spaces around it.
fn name_of(fields: &Fields) -> Option<String> {
    let name = fields.get("name")?.trim();
    let good =
        !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    good.then(|| name.to_owned())
}

/// What came of a passkey that is good.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// The person has as many as can be.
    Full,
    /// Somebody holds it.
    Held,
    /// It was made for a handle that the person has no more.
    Stale,
}

async fn register(
    visit: &Visit,
    signed_in: &SignedIn,
    fields: &Fields,
    name: &str,
) -> Result<Outcome, Failed> {
    let party = RelyingParty::of_service(visit).ok_or(Refusal::RelyingParty)?;
    let answer = fields.get("credential").unwrap_or_default();
    let registration = Registration::parse(answer, &party)?;
    let (session, asked) = (&signed_in.session.value.sid, registration.challenge.clone());
    let challenge = Challenge::open(visit, Ceremony::Create, session, asked).await?;
    let made = registration.verify(&party)?;
    let algorithm = PublicKey::parse(&made.key)?.algorithm();
    challenge.spend(visit, &signed_in.tenant).await?;
    let (tenant, user) = (&signed_in.tenant, signed_in.user.value.id);
    let id = SecretHash::of(&made.id);
    let handle: SecretHash = challenge.memory.parse().map_err(|_| Refusal::Challenge)?;
    let now = visit.app.env().clock.now();
    let passkey = Passkey {
        user,
        user_handle: handle.to_string(),
        credential_id: URL_SAFE_NO_PAD.encode(&made.id),
        algorithm,
        public_key: URL_SAFE_NO_PAD.encode(&made.key),
        counter: made.counter,
        backup_eligible: made.backup_eligible,
        backed_up: made.backed_up,
        created_at: now,
    };
    let mail = mail(visit, signed_in, MailKind::PasskeyAdded, name);
    let mut outcome = Outcome::Done;
    let change = |account: &Account| -> Result<Option<AccountChange>> {
        let mut facts = account.facts(&visit.app.env().random);
        if account.login.is_none() {
            facts.user_handle = handle.clone();
        }
        if facts.passkeys.len() >= MAX_PASSKEYS {
            outcome = Outcome::Full;
            return Ok(None);
        }
        // The credentials of the person were made anew since the options were read.
        if facts.user_handle != handle {
            outcome = Outcome::Stale;
            return Ok(None);
        }
        facts.passkeys.push(new_facts(&id, name, &made, now));
        let writes = vec![put_passkey(tenant, &id, &passkey), mail_write(&mail, visit.app.env())];
        Ok(Some(AccountChange::default().login(facts).writes(writes)))
    };
    match account::change(visit, signed_in, Operation::UserPasskeyAdd, change).await {
        Ok(_) => Ok(outcome),
        Err(Error::AlreadyRecorded) => Ok(Outcome::Held),
        Err(error) => Err(error.into()),
    }
}

fn new_facts(id: &SecretHash, name: &str, made: &NewPasskey, now: Timestamp) -> PasskeyFacts {
    PasskeyFacts {
        id: id.clone(),
        name: name.to_owned(),
        created_at: now,
        last_used_at: None,
        backed_up: made.backed_up,
    }
}

/// Renames a passkey.
pub(super) async fn rename(submission: Submission) -> Result<Response, respond::Refusal> {
    let visit = &submission.visit;
    let signed_in = visit.required().await?;
    let Some(name) = name_of(&submission.fields) else {
        let texts = visit.shell(Some(&signed_in.tenant)).texts;
        return refuse(visit, &signed_in, texts.passkeys.wrong_name).await;
    };
    let id = id_of(&submission.fields)?;
    let (table, tenant, user) = (visit.app.table(), &signed_in.tenant, signed_in.user.value.id);
    let mut retry = Retry::of(table);
    loop {
        let stored = table.login_facts(tenant, user).await?;
        let stored = stored.ok_or(respond::Refusal::of(Failure::NotFound))?;
        let mut facts = stored.value.clone();
        let mut held = facts.passkeys.iter_mut();
        let passkey = held.find(|passkey| passkey.id == id);
        passkey.ok_or(respond::Refusal::of(Failure::NotFound))?.name.clone_from(&name);
        if table.update_login(tenant, user, &stored, facts).await? {
            return Ok(account::done(Done::PasskeyRenamed));
        }
        retry.again().await?;
    }
}

/// The passkey that a form is about.
fn id_of(fields: &Fields) -> Result<SecretHash, respond::Refusal> {
    let id = fields.get("id").and_then(|id| id.parse().ok());
    id.ok_or(respond::Refusal::of(Failure::NotFound))
}

/// Removes a passkey, unless it is the last way in (rule G55). One that is removed already is done.
pub(super) async fn remove(submission: Submission) -> Result<Response, respond::Refusal> {
    let visit = &submission.visit;
    let signed_in = visit.required().await?;
    if !visit.is_recent(&signed_in.session.value) {
        return Ok(Visit::sign_in_again(&signed_in.tenant, ACCOUNT));
    }
    let id = id_of(&submission.fields)?;
    let (tenant, user) = (&signed_in.tenant, signed_in.user.value.id);
    let now = visit.app.env().clock.now();
    let mut last_way = false;
    let change = |account: &Account| -> Result<Option<AccountChange>> {
        let mut facts = account.facts(&visit.app.env().random);
        let Some(at) = facts.passkeys.iter().position(|passkey| passkey.id == id) else {
            return Ok(None);
        };
        let removed = facts.passkeys.remove(at);
        let has_password = facts.password.as_ref().is_some_and(|password| !password.is_over(now));
        last_way = facts.passkeys.is_empty() && !has_password;
        if last_way {
            return Ok(None);
        }
        let mail = mail(visit, &signed_in, MailKind::PasskeyRemoved, &removed.name);
        let writes = vec![delete_passkey(tenant, &id, user), mail_write(&mail, visit.app.env())];
        Ok(Some(AccountChange::default().login(facts).writes(writes)))
    };
    match account::change(visit, &signed_in, Operation::UserPasskeyRemove, change).await {
        Ok(_) => {}
        Err(Error::SignedOut) => return Ok(Visit::sign_in_again(tenant, ACCOUNT)),
        Err(error) => return Err(error.into()),
    }
    if last_way {
        let texts = visit.shell(Some(tenant)).texts;
        return refuse(visit, &signed_in, texts.passkeys.last_way).await;
    }
    Ok(account::done(Done::PasskeyRemoved))
}

/// What the person is told of a change of the passkeys (rule G38).
fn mail(visit: &Visit, signed_in: &SignedIn, kind: MailKind, name: &str) -> Mail {
    let mut mail = mails::to_user(visit, &signed_in.tenant, signed_in.user.value.id, kind);
    mail.facts.name = Some(name.to_owned());
    mail
}
