//! Personas: the roles of a user, inside the user's own item and under its version.

use shared::axum::routing::{delete, get, patch, post};
use shared::domain::Scope::{UsersRead, UsersWrite};
use shared::domain::error::{Code, Error, Result, Violations};
use shared::domain::id::{PersonaId, UserId};
use shared::domain::persona::{Persona, PersonaStatus, TWIN};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::domain::{Json, Versioned};
use shared::http::answer::{Answer, Answered};
use shared::http::call::Recorder;
use shared::http::{Call, Route};
use shared::object;

const PERSONAS: &str = "/identity/users/{user_id}/personas";
const PERSONA: &str = "/identity/users/{user_id}/personas/{persona_id}";

/// The routes of this function.
pub static ROUTES: [Route; 9] = [
    Route::write("POST", PERSONAS, "create_persona", (201, "Persona"), || post(create))
        .scope(UsersWrite)
        .json("PersonaInput")
        .about("Adds a persona to a user"),
    Route::read("GET", PERSONAS, "list_personas", (200, "PersonaList"), || get(list))
        .scope(UsersRead)
        .about("Lists the personas of a user"),
    Route::read("GET", PERSONA, "get_persona", (200, "Persona"), || get(read))
        .scope(UsersRead)
        .about("Reads a persona"),
    Route::write("PATCH", PERSONA, "patch_persona", (200, "Persona"), || patch(edit))
        .scope(UsersWrite)
        .json("PersonaPatch")
        .about("Changes scope, validity, preference and attributes of a persona"),
    Route::write("DELETE", PERSONA, "delete_persona", (204, ""), || delete(remove))
        .scope(UsersWrite)
        .about("Removes a persona"),
    Route::write(
        "PATCH",
        "/identity/users/{user_id}/personas/{persona_id}/attribute",
        "set_persona_attribute",
        (200, "Persona"),
        || patch(set_attribute),
    )
    .scope(UsersWrite)
    .json("PersonaAttribute")
    .about("Sets the values of one attribute of a persona"),
    Route::write(
        "POST",
        "/identity/users/{user_id}/personas/{persona_id}/prefer",
        "prefer_persona",
        (200, "Persona"),
        || post(async |call| act(call, |p| Persona { preferred: true, ..p }).await),
    )
    .scope(UsersWrite)
    .about("Makes a persona the preferred one"),
    Route::write(
        "POST",
        "/identity/users/{user_id}/personas/{persona_id}/activate",
        "activate_persona",
        (200, "Persona"),
        || post(async |call| act(call, |p| Persona { status: PersonaStatus::Active, ..p }).await),
    )
    .scope(UsersWrite)
    .about("Puts a persona in force"),
    Route::write(
        "POST",
        "/identity/users/{user_id}/personas/{persona_id}/suspend",
        "suspend_persona",
        (200, "Persona"),
        || post(async |call| act(call, |p| Persona { status: PersonaStatus::Suspended, ..p }).await),
    )
    .scope(UsersWrite)
    .about("Takes a persona out of force"),
];

fn found(user: &User, id: PersonaId) -> Result<&Persona> {
    user.personas.iter().find(|persona| persona.id == id).ok_or(Error::NotFound)
}

fn shown(user: &Versioned<User>, id: PersonaId, schema: &Schema) -> Answered {
    let persona = found(&user.value, id)?;
    Ok(Answer::resource(persona.show(schema), &persona.tag).about(user.value.id))
}

/// The user with `persona` put in place of the one with its id, or added. At most one persona stays preferred, and none may
/// repeat another's definition and scope.
fn with_persona(user: &User, persona: Persona) -> Result<User> {
    let mut user = user.clone();
    let twin = |other: &&Persona| {
        other.id != persona.id && other.definition == persona.definition && other.scope == persona.scope
    };
    let mut violations = Violations::default();
    if user.personas.iter().any(|other| twin(&other)) {
        violations.taken("/scope", TWIN);
    }
    if persona.preferred {
        for other in user.personas.iter_mut().filter(|other| other.preferred && other.id != persona.id) {
            other.preferred = false;
            other.rev += 1;
            other.seal();
        }
    }
    match user.personas.iter_mut().find(|other| other.id == persona.id) {
        Some(place) => *place = persona,
        None => user.personas.push(persona),
    }
    if user.personas.len() > shared::domain::user::MAX_PERSONAS {
        let detail = format!("a user has at most {} personas", shared::domain::user::MAX_PERSONAS);
        violations.add("", Code::TooMany, detail);
    }
    violations.check(user)
}

async fn create(mut call: Call) -> Answered {
    let user_id: UserId = call.id("user_id")?;
    let body = call.take_body();
    let (call, body) = (&call, &body);
    call.once(|record| {
        call.app.decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            // The id is the same in every turn of a contended write.
            let fresh = PersonaId::new(call.app.world().new_uuid());
            let made = |user: &Versioned<User>| {
                let location = format!("/identity/users/{user_id}/personas/{fresh}");
                shown(user, fresh, schema).map(|answer| answer.created_at(location))
            };
            let add = |live: &shared::store::users::LiveUser| {
                call.guard(&[live.tag()])?;
                let mut violations = Violations::default();
                let world = call.app.world();
                let persona = Persona::create(body.clone(), "", Some(fresh), schema, world, &mut violations);
                let persona =
                    violations.check(persona)?.ok_or_else(|| Error::unexpected("a persona without violations"))?;
                with_persona(&live.value, persona).map(Some)
            };
            let user = call.app.table().change_user(schema, user_id, add, |next| record.of(&made(next)?)).await?;
            made(&user)
        })
    })
    .await
}

async fn list(call: Call) -> Answered {
    let tenant = &call.caller.tenant;
    let user = call.app.table().find_user(tenant, call.id("user_id")?).await?.ok_or(Error::NotFound)?;
    let schema = call.app.schema_of(tenant, [&user.value]).await?;
    let items: Vec<_> = user.value.personas.iter().map(|persona| Json::Object(persona.show(&schema))).collect();
    Ok(Answer::content(object! { "items" => items }))
}

async fn read(call: Call) -> Answered {
    let tenant = &call.caller.tenant;
    let user = call.app.table().find_user(tenant, call.id("user_id")?).await?.ok_or(Error::NotFound)?;
    let persona = found(&user.value, call.id("persona_id")?)?;
    let schema = call.app.schema_of(tenant, [&user.value]).await?;
    call.show(&persona.tag, || persona.show(&schema))
}

/// Changes one persona. Its write is conditional on the persona's own tag or on that of the user, which contains it.
async fn change(
    call: &Call,
    record: Option<Recorder<'_>>,
    edit: impl Fn(&Persona, &Schema) -> Result<Persona>,
) -> Answered {
    let user_id: UserId = call.id("user_id")?;
    let id: PersonaId = call.id("persona_id")?;
    let edit = &edit;
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            let write = |live: &shared::store::users::LiveUser| {
                let before = found(&live.value, id)?;
                call.guard(&[&before.tag, live.tag()])?;
                let mut after = edit(before, schema)?;
                if !after.differs(before) {
                    return Ok(None);
                }
                after.rev += 1;
                after.seal();
                with_persona(&live.value, after).map(Some)
            };
            let kept = |next: &Versioned<User>| match &record {
                Some(record) => record.of(&shown(next, id, schema)?),
                None => Ok(None),
            };
            let user = call.app.table().change_user(schema, user_id, write, kept).await?;
            shown(&user, id, schema)
        })
        .await
}

async fn edit(mut call: Call) -> Answered {
    let body = call.take_body();
    change(&call, None, |persona, schema| persona.patch(&body, schema)).await
}

async fn set_attribute(mut call: Call) -> Answered {
    let body = call.take_body();
    change(&call, None, |persona, schema| persona.set_attribute(body.clone(), schema)).await
}

async fn act(call: Call, edit: impl Fn(Persona) -> Persona) -> Answered {
    call.once(|record| change(&call, Some(record), |persona, _| Ok(edit(persona.clone())))).await
}

async fn remove(call: Call) -> Answered {
    let user_id: UserId = call.id("user_id")?;
    let id: PersonaId = call.id("persona_id")?;
    let call = &call;
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let schema = &*schema;
            let drop = |live: &shared::store::users::LiveUser| {
                let persona = found(&live.value, id)?;
                call.guard(&[&persona.tag, live.tag()])?;
                let mut user = live.value.clone();
                user.personas.retain(|persona| persona.id != id);
                Ok(Some(user))
            };
            call.app.table().change_user(schema, user_id, drop, |_| Ok(None)).await
        })
        .await?;
    Ok(Answer::nothing())
}
