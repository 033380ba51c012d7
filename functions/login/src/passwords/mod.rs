//! Passwords: how they are hashed and verified, and which ones are taken (rules G27 to G31).
//!
//! A stored hash is a PHC string. The store seals it with a key that this function alone reads, so
//! the text never leaves this module and the store unsealed.

mod argon2id;
mod legacy;
mod policy;
mod prepare;
#[cfg(test)]
mod tests;

use std::fmt;

use shared::app::App;
use shared::domain::error::{Code, Error, Result};
use shared::domain::id::{TenantId, UserId};
use shared::domain::people::SignInSettings;
use shared::domain::user::User;
use shared::env::Env;
use shared::store::write::Write;
use shared::work::HASHES;

use self::argon2id::Argon2idHash;
use self::legacy::ForeignHash;
use self::policy::Context;
pub(crate) use self::policy::Refusal;
use self::prepare::prepared;

/// The longest text that is compared with a hash, in bytes. Longer ones are no password: a new one
/// has at most 256 characters.
const MAX_TYPED: usize = 4096;

/// A password in the form in which it is hashed: `OpaqueString` of RFC 8265. Its `Debug` form hides
/// it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Prepared(String);

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared(…)")
    }
}

/// The outcome of a comparison with the stored hash.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// The password is wrong, or there is no hash to compare with.
    No,
    /// The password is right.
    Yes {
        /// The hash to store in place of the verified one, which was made with weaker parameters or
        /// by another system.
        rehash: Option<String>,
    },
}

/// Compares a password with the stored hash. Without a stored hash it does the same work and finds
/// the password wrong (rule G39).
pub(crate) async fn verify(password: &str, stored: Option<&str>, env: &Env) -> Result<Verified> {
    let typed = if password.len() <= MAX_TYPED { forms(password) } else { vec![String::new()] };
    let stored = stored.filter(|_| password.len() <= MAX_TYPED).map(str::to_owned);
    let salt = env.random.bytes();
    HASHES.run(move || compare(&typed, stored.as_deref(), &salt)).await?
}

/// The forms in which a password may have been hashed: as this service prepares it, and as it was
/// typed, which is how other systems hash it.
fn forms(password: &str) -> Vec<String> {
    let mut forms = Vec::from_iter(prepared(password));
    if forms.first().is_none_or(|prepared| prepared != password) {
        forms.push(password.to_owned());
    }
    forms
}

fn compare(forms: &[String], stored: Option<&str>, salt: &[u8; 16]) -> Result<Verified> {
    let (dummy, known) = (Argon2idHash::dummy(), stored.and_then(StoredHash::parse));
    if stored.is_some() && known.is_none() {
        tracing::error!("a stored hash of a password has an unknown form");
    }
    let Some(known) = known else {
        for form in forms {
            let _ = dummy.is_of(form.as_bytes());
        }
        return Ok(Verified::No);
    };
    if !forms.iter().any(|form| known.is_of(form.as_bytes())) {
        return Ok(Verified::No);
    }
    let rehash = match (known.is_present(), forms.first()) {
        (false, Some(form)) => Some(argon2id::hash(form.as_bytes(), salt)?),
        _ => None,
    };
    Ok(Verified::Yes { rehash })
}

/// A stored hash, by the algorithm that made it.
enum StoredHash<'a> {
    Argon2id(Argon2idHash),
    Foreign(ForeignHash<'a>),
}

impl<'a> StoredHash<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let own = Argon2idHash::parse(text).map(Self::Argon2id);
        own.or_else(|| ForeignHash::parse(text).map(Self::Foreign))
    }

    /// Whether it is the hash of this password.
    fn is_of(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2id(hash) => hash.is_of(password),
            Self::Foreign(hash) => hash.is_of(password),
        }
    }

    /// Whether it is as this service makes hashes now.
    fn is_present(&self) -> bool {
        matches!(self, Self::Argon2id(hash) if hash.is_present())
    }
}

/// Hashes a new password.
pub(crate) async fn hash(password: &Prepared, env: &Env) -> Result<String> {
    let (secret, salt) = (password.0.clone(), env.random.bytes());
    HASHES.run(move || argon2id::hash(secret.as_bytes(), &salt)).await?
}

/// The write that stores a new password, sealed.
pub(crate) async fn sealed(
    app: &App,
    tenant: &TenantId,
    user: UserId,
    password: &Prepared,
) -> Result<Write> {
    let hash = hash(password, app.env()).await?;
    app.table().password_write(tenant, user, &hash).await
}

/// Judges a new password of a tenant with these settings: the form in which it is hashed, or why it
/// is refused.
async fn check(
    password: &str,
    settings: SignInSettings,
    context: &Context<'_>,
) -> Result<Result<Prepared, Refusal>> {
    let (password, words) = (password.to_owned(), context.words());
    // The first judgement builds the lists of common passwords.
    HASHES.run(move || policy::judge(&password, settings.minimum_password_length, &words)).await
}

/// Judges a password that a person chose on a page. Outdated settings refuse none.
pub(crate) async fn check_chosen(
    app: &App,
    password: &str,
    user: &User,
    tenant: &TenantId,
) -> Result<Result<Prepared, Refusal>> {
    let context = Context::of(user, tenant);
    let known = app.schema(tenant).await?.sign_in();
    let judged = check(password, known, &context).await?;
    if !matches!(judged, Err(Refusal::TooShort(_))) {
        return Ok(judged);
    }
    let current = app.schema_now(tenant).await?.sign_in();
    if current == known { Ok(judged) } else { check(password, current, &context).await }
}

/// Judges a password that an administrator sets for a user by a request of the API.
pub(crate) async fn check_policy(
    password: &str,
    settings: SignInSettings,
    about: &User,
    tenant: &TenantId,
) -> Result<Prepared> {
    let judged = check(password, settings, &Context::of(about, tenant)).await?;
    judged.map_err(|why| {
        let code = match why {
            Refusal::TooLong => Code::TooLong,
            Refusal::TooShort(_) | Refusal::Characters => Code::WrongFormat,
            _ => Code::NotAllowed,
        };
        Error::invalid("/password", code, why.for_clients())
    })
}

/// The characters of a password that this service makes: no two look alike.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The fewest characters of a password that this service makes: four groups, 100 bits.
const MADE: usize = 23;

/// A random password that is long enough for a tenant with these settings, in groups that are easy to
/// copy: `k7mqp-x2fha-…`.
pub(crate) fn random(settings: SignInSettings, env: &Env) -> String {
    let least = usize::from(settings.minimum_password_length).max(MADE);
    let mut password = String::new();
    while password.len() < least {
        if !password.is_empty() {
            password.push('-');
        }
        for byte in env.random.bytes::<5>() {
            let character = ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
            password.push(char::from(character));
        }
    }
    password
}
