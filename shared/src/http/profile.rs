//! How profiles are written over HTTP: the pipeline of [`crate::writing`] with the caller as
//! author, and its outcome as an answer.

use super::answer::{Answer, HandlerResult};
use super::call::Call;
use super::caller::not_looked_up;
use super::idempotency::IdempotencyRecorder;
use crate::auth::Subject;
use crate::domain::author::{Author, AuthorSession, Reason, Writer};
use crate::domain::change_request::ChangeRequest;
use crate::domain::error::{Error, Result};
use crate::domain::hashing::Hashes;
use crate::domain::id::UserId;
use crate::domain::patch::point_into;
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::{Json, Versioned, View, WriteContext};
use crate::store::Write;
use crate::store::users::StoredUser;
use crate::writing::{Policy, ProfileWriter, WriteOutcome, WriteTarget};

impl Call {
    /// The author of the call's writes. Reads the profile of a person who calls.
    pub async fn author(&self) -> Result<Author> {
        let me = self.person().await?;
        self.author_of(me.as_ref().map(|me| &me.value))
    }

    /// The author of the call's writes; `me` is the profile of a person who calls in self-service.
    pub fn author_of(&self, me: Option<&User>) -> Result<Author> {
        let scopes = &self.caller.grants.scopes;
        let writer = match (&self.caller.subject, self.administrator(), me) {
            (Subject::Client { id, .. }, ..) => Writer::Client(id.clone(), scopes.clone()),
            (_, Some(me), _) => Writer::Administrator(Box::new(me.clone()), scopes.clone()),
            (_, None, Some(me)) => Writer::Person(Box::new(me.clone())),
            (_, None, None) => return Err(not_looked_up()),
        };
        Ok(self.author_with(writer))
    }

    /// The author of a write by the person who calls. It comes from the token alone, because the
    /// user may not exist yet or may be deleted.
    pub fn author_by_token(&self) -> Result<Author> {
        let writer = match &self.caller.subject {
            Subject::Client { .. } => return Err(Error::NotFound),
            Subject::Local { user, .. } => Writer::User(*user),
            Subject::External(person) => Writer::Subject(person.base.clone()),
        };
        Ok(self.author_with(writer))
    }

    fn author_with(&self, writer: Writer) -> Author {
        let now = self.app.env().clock.now();
        let session = self.session().map(|session| AuthorSession {
            sid: session.sid.clone(),
            is_recent: session.is_recent(now),
        });
        Author {
            tenant: self.caller.tenant.clone(),
            writer,
            view: self.view(),
            request_id: Some(self.request_id.clone()),
            reason: Reason::Request,
            operation: self.route.operation,
            note: self.reason.clone(),
            session,
            confirms_address: matches!(self.caller.subject, Subject::Local { .. })
                && self.view() == View::SelfService,
        }
    }

    /// The salted hashes of this request.
    #[must_use]
    pub const fn hashes(&self) -> &Hashes {
        &self.hashes
    }

    /// Writes profiles by the configuration that the call was given.
    #[must_use]
    pub fn writer<'w>(
        &'w self,
        author: &'w Author,
        schema: &'w Schema,
        policy: Policy,
    ) -> ProfileWriter<'w> {
        ProfileWriter::new(&self.app, author, schema, &self.hashes, policy)
    }
}

/// Where a place in a user is in the body of the request that writes `target`.
fn place_in_body(target: WriteTarget, pointer: &str) -> Option<String> {
    match target {
        WriteTarget::User | WriteTarget::UserAndNewPersonas => None,
        WriteTarget::Persona(_) | WriteTarget::NewPersona(_) => {
            let (_, rest) = pointer.strip_prefix("/personas/")?.split_once('/')?;
            Some(format!("/{rest}"))
        }
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
    let now = call.app.env().clock.now();
    Answer::resource(request.value.show(schema, now), &ChangeRequest::tag(request, now))
        .replay_while_exists(request.value.user)
}

/// Creates the user that `read` reads, with what `also` writes in the same transaction.
pub async fn create(
    call: &Call,
    record: IdempotencyRecorder<'_>,
    read: impl Fn(&WriteContext<'_>) -> Result<User> + Send + Sync,
    also: impl Fn(&User) -> Option<Write> + Send + Sync,
    show: impl Fn(&Versioned<User>, &Schema) -> Answer + Send + Sync,
) -> HandlerResult {
    let author = &call.author().await?;
    let (read, also, show) = (&read, &also, &show);
    call.app
        .decide(&author.tenant, move |schema| async move {
            let schema = &*schema;
            let writer = call.writer(author, schema, Policy::request(WriteTarget::User));
            let recorded = |user: &Versioned<User>| {
                let record = record.of(&show(user, schema))?;
                Ok(record.into_iter().chain(also(&user.value)).collect())
            };
            let user = writer.create(read, recorded).await?;
            Ok(show(&user, schema))
        })
        .await
}

/// Changes a user as `edit` says, or makes a change request of it. `edit` returns the user as it is
/// to be, and the same user when nothing changes; `show` makes the answer of the user as it is
/// then.
pub async fn change(
    call: &Call,
    author: &Author,
    user: UserId,
    target: WriteTarget,
    record: IdempotencyRecorder<'_>,
    edit: impl Fn(&StoredUser, &WriteContext<'_>) -> Result<User> + Send + Sync,
    show: impl Fn(&Versioned<User>, &Schema) -> HandlerResult + Send + Sync,
) -> HandlerResult {
    let (edit, show) = (&edit, &show);
    call.app
        .decide(&author.tenant, move |schema| async move {
            let schema = &*schema;
            let recorded = |outcome: &WriteOutcome| match outcome {
                WriteOutcome::Written(user) | WriteOutcome::Unchanged(user)
                    if record.is_asked() =>
                {
                    Ok(record.of(&show(user, schema)?)?.into_iter().collect())
                }
                _ => Ok(Vec::new()),
            };
            let writer = call.writer(author, schema, Policy::request(target));
            let outcome = writer.change(user, edit, recorded).await;
            match outcome.map_err(|error| error.pointing(|place| place_in_body(target, place)))? {
                WriteOutcome::Written(user) | WriteOutcome::Unchanged(user) => show(&user, schema),
                WriteOutcome::Pending(request) => {
                    let location = request_location(&request.value);
                    Ok(shown_request(&request, schema, call).accepted_at(location))
                }
            }
        })
        .await
}

/// The answer to a PATCH of `body`, what is taken pointed at where the body has it.
pub async fn patched(call: &Call, body: &Json, changed: HandlerResult) -> HandlerResult {
    let Err(error @ (Error::NotUnique(_) | Error::Invalid(_))) = changed else { return changed };
    let schema = call.app.schema(&call.caller.tenant).await?;
    Err(point_into(error, body, &call.write_context(&schema)))
}
