//! Personas: the roles of a user, inside the user's own item and under its version.

use shared::axum::routing::{delete, get, patch, post};
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::audit::Operation;
use shared::domain::error::{Error, Result, Violations};
use shared::domain::id::{PersonaId, UserId};
use shared::domain::persona::{Persona, PersonaStatus};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::domain::{Json, Versioned, WriteContext};
use shared::http::IdempotencyRecorder;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::profile;
use shared::http::route::Conflict::{AlreadyExists, LastAdministrator};
use shared::http::{Call, Route};
use shared::object;
use shared::store::users::StoredUser;
use shared::writing::WriteTarget;

const PERSONAS: &str = "/identity/users/{user_id}/personas";
const PERSONA: &str = "/identity/users/{user_id}/personas/{persona_id}";

/// The routes of this function.
pub static ROUTES: [Route; 9] = [
    Route::write("POST", PERSONAS, "create_persona", (201, "Persona"), || post(create))
        .scope(UsersWrite)
        .of_user()
        .json("PersonaInput")
        .if_match()
        .conflicts(&[AlreadyExists])
        .audited_as(Operation::PersonaCreate)
        .summary("Add a persona to a user")
        .description(
            "`If-Match` is that of the user. To grant rights takes these rights, and of a person \
             with a cookie a sign-in within the last five minutes.",
        ),
    Route::read("GET", PERSONAS, "list_personas", (200, "PersonaList"), || get(list))
        .scope(UsersRead)
        .summary("List the personas of a user")
        .description("All of them: there are no pages."),
    Route::read("GET", PERSONA, "get_persona", (200, "Persona"), || get(read))
        .scope(UsersRead)
        .tagged()
        .summary("Read a persona"),
    Route::write("PATCH", PERSONA, "patch_persona", (200, "Persona"), || patch(edit))
        .scope(UsersWrite)
        .of_user()
        .json("PersonaPatch")
        .approval()
        .conflicts(&[AlreadyExists, LastAdministrator])
        .audited_as(Operation::PersonaChange)
        .summary("Change a persona")
        .description("Fields that are left out stay. `null` removes a field."),
    Route::write("DELETE", PERSONA, "delete_persona", (204, ""), || delete(remove))
        .scope(UsersWrite)
        .of_user()
        .conflicts(&[LastAdministrator])
        .audited_as(Operation::PersonaDelete)
        .summary("Remove a persona")
        .description("`If-Match` takes the tag of the persona, or that of its user."),
    Route::write(
        "PATCH",
        "/identity/users/{user_id}/personas/{persona_id}/attribute",
        "set_persona_attribute",
        (200, "Persona"),
        || patch(set_attribute),
    )
    .scope(UsersWrite)
    .of_user()
    .json("PersonaAttribute")
    .approval()
    .conflicts(&[AlreadyExists])
    .audited_as(Operation::PersonaChange)
    .summary("Set an attribute of a persona")
    .description("Replaces the values of one attribute. An empty array removes them."),
    Route::write(
        "POST",
        "/identity/users/{user_id}/personas/{persona_id}/prefer",
        "prefer_persona",
        (200, "Persona"),
        || post(async |call| act(call, |p| Persona { preferred: true, ..p }).await),
    )
    .scope(UsersWrite)
    .of_user()
    .if_match()
    .audited_as(Operation::PersonaPrefer)
    .summary("Prefer a persona")
    .description("Makes it the preferred persona of its user. A repeat changes nothing."),
    Route::write(
        "POST",
        "/identity/users/{user_id}/personas/{persona_id}/activate",
        "activate_persona",
        (200, "Persona"),
        || post(async |call| act(call, |p| Persona { status: PersonaStatus::Active, ..p }).await),
    )
    .scope(UsersWrite)
    .of_user()
    .if_match()
    .audited_as(Operation::PersonaActivate)
    .summary("Activate a persona")
    .description("Puts the persona in force between its dates. A repeat changes nothing."),
    Route::write(
        "POST",
        "/identity/users/{user_id}/personas/{persona_id}/suspend",
        "suspend_persona",
        (200, "Persona"),
        || {
            post(async |call| {
                act(call, |p| Persona { status: PersonaStatus::Suspended, ..p }).await
            })
        },
    )
    .scope(UsersWrite)
    .of_user()
    .if_match()
    .conflicts(&[LastAdministrator])
    .audited_as(Operation::PersonaSuspend)
    .summary("Suspend a persona")
    .description("The persona is not in force until it is activated. A repeat changes nothing."),
];

fn found(user: &User, id: PersonaId) -> Result<&Persona> {
    user.personas.iter().find(|persona| persona.id == id).ok_or(Error::NotFound)
}

fn shown(user: &Versioned<User>, id: PersonaId, schema: &Schema) -> HandlerResult {
    let persona = found(&user.value, id)?;
    Ok(Answer::resource(persona.show(schema), &persona.tag)
        .with_user_tag(user.tag())
        .replay_while_exists(user.value.id))
}

async fn create(mut call: Call) -> HandlerResult {
    let user_id: UserId = call.user("user_id").await?;
    let body = call.take_body();
    // The id is the same in every turn of a contended write.
    let fresh = PersonaId::new(call.app.env().new_uuid());
    let add = |live: &StoredUser, context: &WriteContext<'_>| {
        call.preconditions.check_write(&[live.tag()])?;
        let mut violations = Violations::default();
        let persona = Persona::create(body.clone(), "", Some(fresh), context, &mut violations);
        let persona = violations
            .check(persona)?
            .ok_or_else(|| Error::unexpected("a persona without violations"))?;
        live.value.with_persona(persona)
    };
    let made = |user: &Versioned<User>, schema: &Schema| {
        let location = format!("/identity/users/{user_id}/personas/{fresh}");
        shown(user, fresh, schema).map(|answer| answer.created_at(location))
    };
    let (author, target) = (call.author().await?, WriteTarget::NewPersona(fresh));
    call.once(|record| profile::change(&call, &author, user_id, target, record, add, made)).await
}

async fn list(call: Call) -> HandlerResult {
    let tenant = &call.caller.tenant;
    let user = call
        .app
        .table()
        .find_user(tenant, call.user("user_id").await?)
        .await?
        .ok_or(Error::NotFound)?;
    let schema = call.app.schema_of(tenant, [&user.value]).await?;
    let items: Vec<_> =
        user.value.personas.iter().map(|p| Json::Object(p.tag.with(p.show(&schema)))).collect();
    Ok(Answer::content(object! { "items" => items }))
}

async fn read(call: Call) -> HandlerResult {
    let tenant = &call.caller.tenant;
    let user = call
        .app
        .table()
        .find_user(tenant, call.user("user_id").await?)
        .await?
        .ok_or(Error::NotFound)?;
    let persona = found(&user.value, call.id("persona_id")?)?;
    let schema = call.app.schema_of(tenant, [&user.value]).await?;
    call.show(&persona.tag, || persona.show(&schema))
}

/// Changes one persona. Its write is conditional on the persona's own tag or on that of the user,
/// which contains it.
async fn change(
    call: &Call,
    record: IdempotencyRecorder<'_>,
    edit: impl Fn(&Persona, &WriteContext<'_>) -> Result<Persona> + Send + Sync,
) -> HandlerResult {
    let id: PersonaId = call.id("persona_id")?;
    let write = |live: &StoredUser, context: &WriteContext<'_>| {
        let before = found(&live.value, id)?;
        call.preconditions.check_write(&[&before.tag, live.tag()])?;
        let mut after = edit(before, context)?;
        if !after.differs(before) {
            return Ok(live.value.clone());
        }
        after.rev += 1;
        after.update_tag();
        live.value.with_persona(after)
    };
    let show = |user: &Versioned<User>, schema: &Schema| shown(user, id, schema);
    let (author, user) = (call.author().await?, call.user("user_id").await?);
    profile::change(call, &author, user, WriteTarget::Persona(id), record, write, show).await
}

async fn edit(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    change(&call, IdempotencyRecorder::NONE, |persona, context| persona.patch(&body, context)).await
}

async fn set_attribute(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    let changed = change(&call, IdempotencyRecorder::NONE, |persona, context| {
        persona.set_attribute(body.clone(), context)
    })
    .await;
    changed.map_err(|error| match error {
        Error::NotUnique(_) => error.pointing(|_| Some("/value".to_owned())),
        error => error,
    })
}

async fn act(call: Call, edit: impl Fn(Persona) -> Persona + Send + Sync) -> HandlerResult {
    call.once(|record| change(&call, record, |persona, _| Ok(edit(persona.clone())))).await
}

async fn remove(call: Call) -> HandlerResult {
    let id: PersonaId = call.id("persona_id")?;
    let drop = |live: &StoredUser, _: &WriteContext<'_>| {
        let persona = found(&live.value, id)?;
        call.preconditions.check_write(&[&persona.tag, live.tag()])?;
        let mut user = live.value.clone();
        user.personas.retain(|persona| persona.id != id);
        Ok(user)
    };
    let (author, user) = (call.author().await?, call.user("user_id").await?);
    let gone = |user: &Versioned<User>, _: &Schema| Ok(Answer::nothing().with_user_tag(user.tag()));
    let target = WriteTarget::Persona(id);
    profile::change(&call, &author, user, target, IdempotencyRecorder::NONE, drop, gone).await
}
