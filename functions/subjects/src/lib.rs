//! Authentication servers, applications, and how their subjects map to users.

mod resolve;

use std::sync::LazyLock;

use shared::axum::routing::{delete, get, post};
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::author::Author;
use shared::domain::error::{Error, Result, Violations};
use shared::domain::id::{PartyId, SubjectId, UserId, UserName};
use shared::domain::people::rights::check_account;
use shared::domain::schema::Schema;
use shared::domain::sso::{
    Application, AuthenticationServer, SYSTEM, Side, SubjectInput, SubjectMapping, refuse_absent,
};
use shared::domain::{Json, Versioned};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::route::Conflict::{AlreadyExists, SeveralFound, State};
use shared::http::{Call, Route, config};
use shared::object;

/// The routes of this function.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let mut routes =
        [config::routes::<AuthenticationServer>(), config::routes::<Application>()].concat();
    routes.extend(SUBJECTS);
    routes
});

const SERVER_SUBJECTS: &str = "/api/v1/sso/authentication-server-subjects";
const SERVER_SUBJECT: &str = "/api/v1/sso/authentication-server-subjects/{id}";
const APPLICATION_SUBJECTS: &str = "/api/v1/sso/application-subjects";
const APPLICATION_SUBJECT: &str = "/api/v1/sso/application-subjects/{id}";

const SUBJECTS: [Route; 10] = [
    Route::write(
        "POST",
        SERVER_SUBJECTS,
        "create_authentication_server_subject",
        (201, "AuthenticationServerSubject"),
        || post(async |call| create(call, Side::Server).await),
    )
    .scope(UsersWrite)
    .json("AuthenticationServerSubjectInput")
    .conflicts(&[AlreadyExists, State])
    .summary("Map a subject of an authentication server")
    .description(
        "To the user who has it. The mapping counts before the subject type of the server, at \
         sign-ins and when a subject is resolved.",
    ),
    Route::read(
        "GET",
        SERVER_SUBJECTS,
        "list_authentication_server_subjects",
        (200, "AuthenticationServerSubjectList"),
        || get(async |call| list(call, Side::Server).await),
    )
    .scope(UsersRead)
    .query(&["authentication_server_id"])
    .required_query(&["user_id"])
    .summary("List the authentication server subjects of a user")
    .description("The one at the built-in server `system`, which is the username, is among them."),
    Route::read(
        "GET",
        SERVER_SUBJECT,
        "get_authentication_server_subject",
        (200, "AuthenticationServerSubject"),
        || get(async |call| read(call, Side::Server).await),
    )
    .scope(UsersRead)
    .tagged()
    .summary("Read an authentication server subject"),
    Route::write(
        "DELETE",
        SERVER_SUBJECT,
        "delete_authentication_server_subject",
        (204, ""),
        || delete(async |call| remove(call, Side::Server).await),
    )
    .scope(UsersWrite)
    .conflicts(&[State])
    .summary("Delete an authentication server subject")
    .description("The one at the built-in server `system` stays as long as its user."),
    Route::write(
        "POST",
        APPLICATION_SUBJECTS,
        "create_application_subject",
        (201, "ApplicationSubject"),
        || post(async |call| create(call, Side::Application).await),
    )
    .scope(UsersWrite)
    .json("ApplicationSubjectInput")
    .conflicts(&[AlreadyExists, State])
    .summary("Map a subject of an application")
    .description(
        "To the user whom the application knows by it. The mapping counts before the subject type \
         of the application.",
    ),
    Route::read(
        "GET",
        APPLICATION_SUBJECTS,
        "list_application_subjects",
        (200, "ApplicationSubjectList"),
        || get(async |call| list(call, Side::Application).await),
    )
    .scope(UsersRead)
    .query(&["application_id"])
    .required_query(&["user_id"])
    .summary("List the application subjects of a user")
    .description("All of them: there are no pages."),
    Route::read(
        "GET",
        APPLICATION_SUBJECT,
        "get_application_subject",
        (200, "ApplicationSubject"),
        || get(async |call| read(call, Side::Application).await),
    )
    .scope(UsersRead)
    .tagged()
    .summary("Read an application subject"),
    Route::write("DELETE", APPLICATION_SUBJECT, "delete_application_subject", (204, ""), || {
        delete(async |call| remove(call, Side::Application).await)
    })
    .scope(UsersWrite)
    .summary("Delete an application subject")
    .description("The application does not know the user by it any more."),
    Route::read(
        "POST",
        "/api/v1/sso/authentication-server-subjects/resolve",
        "resolve_authentication_server_subject",
        (200, "User"),
        || post(resolve::user),
    )
    .scope(UsersRead)
    .json("AuthenticationServerSubjectQuestion")
    .tagged()
    .finds_nothing()
    .conflicts(&[SeveralFound])
    .summary("Find the user of a subject")
    .description(
        "Finds the one user whom an authentication server means: the user to whom the subject is \
         mapped, else whom the subject type of the server finds.",
    ),
    Route::read(
        "POST",
        "/api/v1/sso/application-subjects/resolve",
        "resolve_application_subject",
        (200, "ResolvedApplicationSubject"),
        || post(resolve::subject),
    )
    .scope(UsersRead)
    .json("ApplicationSubjectQuestion")
    .finds_nothing()
    .conflicts(&[SeveralFound])
    .summary("Find the subject of a user")
    .description(
        "Finds the subject by which an application knows the user: the one that is mapped, else \
         the one that the subject type of the application says. A subject that is mapped to another \
         user is not found by the subject type.",
    ),
];

async fn create(mut call: Call, side: Side) -> HandlerResult {
    call.preconditions.check_collection()?;
    let body = call.take_body();
    let path = if side == Side::Server { SERVER_SUBJECTS } else { APPLICATION_SUBJECTS };
    let author = call.author().await?;
    call.once(async |record| {
        call.app
            .decide(&call.caller.tenant, async |schema| {
                let mut violations = Violations::default();
                let input = SubjectInput::read(body.clone(), side, &mut violations);
                let known = |party: &PartyId| match side {
                    Side::Server => schema.servers.get(party.as_str()).is_some(),
                    Side::Application => schema.applications.get(party.as_str()).is_some(),
                };
                if let Some(party) = input.party.as_ref().filter(|party| !known(party)) {
                    refuse_absent(side.field(), party.as_str(), &mut violations);
                }
                let mut user = None;
                if let Some(named) = &input.user {
                    let table = call.app.table();
                    user = table.resolve(&schema.tenant, named).await?;
                    // The commit checks that a user is there. What is refused anyway is not
                    // committed.
                    let absent = !violations.is_empty()
                        && table.find_named(&schema.tenant, named).await?.is_none();
                    if user.is_none() || absent {
                        refuse_absent("user_id", &named.to_string(), &mut violations);
                    }
                }
                violations.check(())?;
                let (Some(party), Some(subject), Some(user)) = (input.party, input.subject, user)
                else {
                    return Err(Error::unexpected("a mapping without violations names all three"));
                };
                check_rights(&call, side, &author, &schema, user).await?;
                let subject = Versioned::first(SubjectMapping::new(
                    &schema.tenant,
                    side,
                    party,
                    subject,
                    user,
                ));
                let location = format!("{path}/{}", subject.value.id);
                let answer = Answer::created(subject.value.show(), subject.tag(), location)
                    .replay_while_exists(subject.value.user);
                call.app
                    .table()
                    .create_subject(&author, &schema, &subject, record.of(&answer)?)
                    .await?;
                Ok(answer)
            })
            .await
    })
    .await
}

/// Refuses to say who signs in as a user with more rights than the author has (rule G62).
async fn check_rights(
    call: &Call,
    side: Side,
    author: &Author,
    schema: &Schema,
    user: UserId,
) -> Result<()> {
    if side == Side::Application {
        return Ok(());
    }
    match call.app.table().find_user(&author.tenant, user).await? {
        Some(live) => check_account(author, &live.value, schema),
        // The commit says so.
        None => Ok(()),
    }
}

async fn list(call: Call, side: Side) -> HandlerResult {
    let named: UserName = match call.query("user_id") {
        Some(id) => id
            .parse()
            .map_err(|error| Error::Malformed(format!("query parameter `user_id`: {error}")))?,
        None => {
            return Err(Error::Malformed("the query parameter `user_id` is required".to_owned()));
        }
    };
    let party = call.query(side.field());
    let tenant = &call.caller.tenant;
    let Some(live) = call.app.table().find_named(tenant, &named).await? else {
        return Ok(Answer::content(object! { "items" => Vec::<Json>::new() }));
    };
    let user = live.value.id;
    let mut items = Vec::new();
    if side == Side::Server && party.is_none_or(|party| party == SYSTEM) {
        items.push(shown(&Versioned::first(computed(&live.value)?)));
    }
    let mapped = call.app.table().subjects(tenant, user, side, party).await?;
    items.extend(mapped.iter().map(shown));
    Ok(Answer::content(object! { "items" => items }))
}

/// A mapping as a list shows it.
fn shown(subject: &Versioned<SubjectMapping>) -> Json {
    Json::Object(subject.tag().with(subject.value.show()))
}

async fn find(call: &Call, side: Side) -> Result<Option<Versioned<SubjectMapping>>> {
    let id: SubjectId = call.id("id")?;
    let found = call.app.table().find_subject(&call.caller.tenant, id).await?;
    Ok(found.filter(|subject| subject.value.side == side))
}

async fn read(call: Call, side: Side) -> HandlerResult {
    if let Some(subject) = find(&call, side).await? {
        return call.show(subject.tag(), || subject.value.show());
    }
    let user = system_user(&call, side).await?.ok_or(Error::NotFound)?;
    let subject = Versioned::first(computed(&user)?);
    call.show(subject.tag(), || subject.value.show())
}

async fn remove(call: Call, side: Side) -> HandlerResult {
    if let Some(subject) = find(&call, side).await? {
        call.preconditions.check_write(&[subject.tag()])?;
        let author = &call.author().await?;
        let (call, subject) = (&call, &subject.value);
        call.app
            .decide(&call.caller.tenant, move |schema| async move {
                check_rights(call, side, author, &schema, subject.user).await?;
                call.app.table().delete_subject(author, &schema, subject).await
            })
            .await?;
        return Ok(Answer::nothing());
    }
    system_user(&call, side).await?.ok_or(Error::NotFound)?;
    Err(Error::Conflict(
        "the subject at `system` is the username; it is deleted with the user".to_owned(),
    ))
}

/// The user whose subject at the built-in server the path names: the id of that mapping is the
/// user's own.
async fn system_user(call: &Call, side: Side) -> Result<Option<shared::domain::user::User>> {
    if side != Side::Server {
        return Ok(None);
    }
    let user = call.app.table().find_user(&call.caller.tenant, call.id("id")?).await?;
    Ok(user.map(|live| live.into_stored().value))
}

/// The subject of a user at the built-in server: its username, computed and never stored.
fn computed(user: &shared::domain::user::User) -> Result<SubjectMapping> {
    Ok(SubjectMapping {
        id: user.id.to_string().parse().map_err(Error::unexpected)?,
        side: Side::Server,
        party: SYSTEM.parse().map_err(Error::unexpected)?,
        subject: user.username.clone(),
        user: user.id,
    })
}
