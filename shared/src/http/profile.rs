//! The use case of writing a profile: read, decide, derive, ask for approval where it is due,
//! commit.
//!
//! Every route that writes a user or a persona goes through here, so no path gets round a rule.

use super::answer::{Answer, Answered};
use super::call::{Call, Recorder};
use crate::domain::change_request::{ChangeRequest, refuse_added, refuse_new, unapproved};
use crate::domain::error::{Error, Result};
use crate::domain::id::{PersonaId, UserId};
use crate::domain::patch::point_into;
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::{Json, Versioned, Writing};
use crate::script;
use crate::store::Write;
use crate::store::users::{Edit, LiveUser};

/// What of a user is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its own fields.
    User,
    /// One of its personas.
    Persona(PersonaId),
    /// A persona that it does not have yet.
    NewPersona(PersonaId),
    /// Its own fields, and personas that it does not have yet.
    Whole,
}

impl Part {
    /// Where a place in the user is in the body of the request.
    fn within(self, pointer: &str) -> Option<String> {
        let below = pointer
            .strip_prefix("/personas/")
            .filter(|_| !matches!(self, Self::User | Self::Whole))?;
        below.split_once('/').map(|(_, rest)| format!("/{rest}"))
    }
}

/// Where a change request is.
#[must_use]
pub fn request_location(request: &ChangeRequest) -> String {
    format!("/identity/change-requests/{}", request.id)
}

/// Shows a change request.
#[must_use]
pub fn shown_request(request: &Versioned<ChangeRequest>, schema: &Schema, call: &Call) -> Answer {
    let now = call.app.world().clock.now();
    Answer::resource(request.value.show(schema, now), &ChangeRequest::tag(request, now))
        .about(request.value.user)
}

/// Creates a user from the body.
pub async fn create(
    mut call: Call,
    show: impl Fn(&Versioned<User>, &Schema) -> Answer + Send + Sync,
) -> Answered {
    call.guard_collection()?;
    let body: Json = call.take_body();
    let (call, body) = (&call, &body);
    call.once(|record| make(call, record, |writing| User::create(body.clone(), writing), show))
        .await
}

/// Creates the user that `read` reads.
pub async fn make(
    call: &Call,
    record: Recorder<'_>,
    read: impl Fn(&Writing<'_>) -> Result<User> + Send + Sync,
    show: impl Fn(&Versioned<User>, &Schema) -> Answer + Send + Sync,
) -> Answered {
    let (read, show) = (&read, &show);
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            let writing = call.writing(schema);
            let user = read(&writing)?;
            refuse_new(&user, None, &unapproved(None, &user, call.approver(None), schema))?;
            let user =
                Versioned::first(script::derive(call.app.scripts(), &writing, None, user).await?);
            let answer = show(&user, schema);
            call.app.table().create_user(schema, &user, record.of(&answer)?).await?;
            Ok(answer)
        })
        .await
}

/// Changes a user as `edit` says, or makes a change request of it. `edit` returns the user as it is
/// to be, and the same user when nothing changes; `show` makes the answer of the user as it is
/// then.
pub async fn change(
    call: &Call,
    user: UserId,
    part: Part,
    record: Recorder<'_>,
    edit: impl Fn(&LiveUser, &Writing<'_>) -> Result<User> + Send + Sync,
    show: impl Fn(&Versioned<User>, &Schema) -> Answered + Send + Sync,
) -> Answered {
    let (edit, show) = (&edit, &show);
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            let mut changing = Changing { call, schema, part, record, edit, show, request: None };
            let changed = call.app.table().change_user(schema, user, &mut changing).await;
            let next = changed.map_err(|error| error.pointing(|pointer| part.within(pointer)))?;
            let Some(request) = changing.request else { return show(&next, schema) };
            let request =
                call.app.table().create_change_request(schema, request, &call.hashes).await?;
            Ok(shown_request(&request, schema, call).accepted_at(request_location(&request.value)))
        })
        .await
}

/// The answer to a PATCH of `body`, what is taken pointed at where the body has it.
pub async fn patched(call: &Call, body: &Json, changed: Answered) -> Answered {
    let Err(error @ Error::Taken(_)) = changed else { return changed };
    let schema = call.app.schema(&call.caller.tenant).await?;
    Err(point_into(error, body, &call.writing(&schema)))
}

struct Changing<'d, E, S> {
    call: &'d Call,
    schema: &'d Schema,
    part: Part,
    record: Recorder<'d>,
    edit: &'d E,
    show: &'d S,
    /// What is to be asked for instead of being written.
    request: Option<ChangeRequest>,
}

impl<E, S> Edit for Changing<'_, E, S>
where
    E: Fn(&LiveUser, &Writing<'_>) -> Result<User> + Send + Sync,
    S: Fn(&Versioned<User>, &Schema) -> Answered + Send + Sync,
{
    async fn edit(&mut self, live: &LiveUser) -> Result<Option<User>> {
        let (call, schema) = (self.call, self.schema);
        self.request = None;
        let writing = call.writing(schema);
        let user = (self.edit)(live, &writing)?;
        if !user.differs(&live.value) {
            return Ok(None);
        }
        let unapproved =
            unapproved(Some(&live.value), &user, call.approver(Some(&live.value)), schema);
        let persona = match self.part {
            Part::User => None,
            Part::Whole => {
                refuse_added(&live.value, &user, &unapproved)?;
                None
            }
            Part::Persona(id) => Some(id),
            Part::NewPersona(id) => {
                refuse_new(&user, Some(id), &unapproved)?;
                None
            }
        };
        if !unapproved.is_empty() {
            let request = ChangeRequest::new(
                live,
                &user,
                persona,
                call.actor(Some(&live.value))?,
                schema,
                call.app.world(),
            )?;
            self.request = Some(request);
            return Ok(None);
        }
        script::derive(call.app.scripts(), &writing, Some(&live.value), user).await.map(Some)
    }

    fn companions(&mut self, next: &Versioned<User>) -> Result<Vec<Write>> {
        if self.request.is_some() || !self.record.is_asked() {
            return Ok(Vec::new());
        }
        Ok(self.record.of(&(self.show)(next, self.schema)?)?.into_iter().collect())
    }
}
