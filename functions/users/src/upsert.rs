//! `PUT /identity/users/by/id_at_customer/{value}`: creates or replaces the user who has this id at
//! the customer.

use std::sync::{Mutex, PoisonError};

use shared::domain::error::{Error, Result};
use shared::domain::id::UserId;
use shared::domain::lookup;
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::domain::{Json, Versioned, WriteContext, text};
use shared::http::Call;
use shared::http::IdempotencyRecorder;
use shared::http::answer::HandlerResult;
use shared::http::profile;
use shared::store::Retry;
use shared::store::users::StoredUser;
use shared::writing::WriteTarget;

use super::{made, shown};

/// Where the id stands in the body.
const ID_AT_CUSTOMER: &str = "/id_at_customer";

/// Creates or replaces a user; the write decides, depending on whether a user has the id then.
pub(crate) async fn upsert(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    let id_at_customer: String = call.id("value")?;
    let (table, lookups) = (call.app.table(), lookup::of_id_at_customer(&id_at_customer));
    let mut refusal = None;
    let mut retry = Retry::of(table);
    loop {
        let holder = table.holder_of(&call.caller.tenant, &lookups).await?;
        let done = match (holder, refusal.take()) {
            (Some(user), _) => match replace(&call, user, &id_at_customer, &body).await {
                // Forgotten, or given another id, since the look-up was read.
                Err(Error::NotFound) => None,
                done => Some(done),
            },
            (None, Some(error)) if !concerns_id_at_customer(&error) => return Err(error),
            (None, _) => match create(&call, &id_at_customer, &body).await {
                // Another request may have created the same user at the same time.
                Err(error @ Error::NotUnique(_)) => {
                    refusal = Some(error);
                    None
                }
                done => Some(done),
            },
        };
        match done {
            Some(done) => return done,
            None => {
                retry.again().await.map_err(|error| refusal.take().unwrap_or(error))?;
            }
        }
    }
}

fn concerns_id_at_customer(error: &Error) -> bool {
    let Error::NotUnique(violations) = error else { return false };
    violations.iter().any(|violation| violation.pointer == ID_AT_CUSTOMER)
}

async fn create(call: &Call, id_at_customer: &str, body: &Json) -> HandlerResult {
    call.preconditions.check_upsert(&[])?;
    let read = |context: &WriteContext<'_>| User::create_by(id_at_customer, body.clone(), context);
    profile::create(call, IdempotencyRecorder::NONE, read, |_| None, made).await
}

async fn replace(call: &Call, user: UserId, id_at_customer: &str, body: &Json) -> HandlerResult {
    let gained = Mutex::new(None);
    let edit = |live: &StoredUser, context: &WriteContext<'_>| -> Result<User> {
        let stored = live.value.id_at_customer.as_deref().map(text::nfc);
        if stored != Some(text::nfc(id_at_customer)) {
            return Err(Error::NotFound);
        }
        call.preconditions.check_upsert(&[live.tag()])?;
        let read = live.value.replace_by(id_at_customer, body.clone(), context);
        let before = live.value.personas.len();
        let places = read.as_ref().ok().map(|(_, places)| (before, places.clone()));
        *gained.lock().unwrap_or_else(PoisonError::into_inner) = places;
        read.map(|(user, _)| user)
    };
    let (author, target) = (call.author().await?, WriteTarget::UserAndNewPersonas);
    let show = |user: &Versioned<User>, schema: &Schema| Ok(shown(user, schema));
    let done =
        profile::change(call, &author, user, target, IdempotencyRecorder::NONE, edit, show).await;
    let gained = gained.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.map_err(|error| error.pointing(|pointer| place_in_body(pointer, gained.as_ref()?)))
}

/// Where in the body a place in the user is, of a persona that the user gains: after the personas
/// that it had come those at these places.
fn place_in_body(pointer: &str, (before, places): &(usize, Vec<usize>)) -> Option<String> {
    let (number, rest) = pointer.strip_prefix("/personas/")?.split_once('/')?;
    let place = places.get(number.parse::<usize>().ok()?.checked_sub(*before)?)?;
    Some(format!("/personas/{place}/{rest}"))
}
