//! The use cases of configuration: every kind of definition is created, listed, read, replaced,
//! patched and deleted the same way.

use axum::routing;

use super::answer::{Answer, HandlerResult};
use super::call::Call;
use super::route::{Conflict, Id, Route};
use crate::domain::Scope::{ConfigRead, ConfigWrite};
use crate::domain::definition::{Definition, DefinitionKind, Noun, Workflow};
use crate::domain::derive::{derivation_of, sample};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::patch::{merged, refuse_non_object};
use crate::domain::people::rights::check_definition;
use crate::domain::schema::{Schema, StoredDefinition};
use crate::domain::versioned::Versioned;
use crate::domain::{Json, Scopes};
use crate::store::Write;
use crate::store::definitions::DefinitionEdit;

fn location<T: Definition>(value: &T) -> String {
    format!("{}/{}", T::PATH, value.key())
}

/// The id of the definition that the call names. A kind with a single definition is named by its
/// path.
fn id_of<T: Definition>(call: &Call) -> Result<String> {
    T::ONLY.map_or_else(|| call.id("id"), |id| Ok(id.to_owned()))
}

fn created<T: Definition>(definition: &Versioned<T>) -> Answer {
    Answer::created(definition.value.show(), definition.tag(), location(&definition.value))
}

fn shown<T: Definition>(definition: Option<Versioned<T>>) -> HandlerResult {
    let definition = definition.ok_or(Error::NotFound)?;
    Ok(Answer::resource(definition.value.show(), definition.tag()))
}

/// A check of the body before a definition is read from it. It is a type parameter, so functions
/// without scripts contain no code that runs scripts.
pub trait BodyCheck: 'static {
    /// The violations of the body of the definition with this id, or of a new one.
    fn check(
        call: &Call,
        body: &Json,
        id: Option<&str>,
    ) -> impl Future<Output = Result<Violations>> + Send;
}

/// Nothing more than the definition itself checks.
pub struct Unchecked;

impl BodyCheck for Unchecked {
    async fn check(_call: &Call, _body: &Json, _id: Option<&str>) -> Result<Violations> {
        Ok(Violations::default())
    }
}

/// Checks the script of a workflow. The script must load. If attributes are linked to the workflow,
/// it must answer with them (rule A27).
pub struct ScriptCheck;

impl BodyCheck for ScriptCheck {
    async fn check(call: &Call, body: &Json, id: Option<&str>) -> Result<Violations> {
        let mut violations = Violations::default();
        let Some((field, script)) = Workflow::script(body) else { return Ok(violations) };
        let at = crate::domain::field::pointer("", field);
        let scripts = call.app.scripts().trials_of(&call.caller.tenant);
        if let Err(failure) = scripts.check(script).await {
            violations.add(at, Code::WrongFormat, failure.of_script()?);
            return Ok(violations);
        }
        let Some(id) = id else { return Ok(violations) };
        let schema = call.app.schema_now(&call.caller.tenant).await?;
        let Some(derivation) = derivation_of(&schema, id) else { return Ok(violations) };
        // A script may need more of a profile than the sample has: only its answer is judged.
        if let Ok(run) = scripts.run(script, &sample(&schema)).await {
            for wrong in derivation.always_wrong(&run.output, &call.write_context(&schema)) {
                violations.add(&*at, Code::DerivedFailed, format!("on a sample: {wrong}"));
            }
        }
        Ok(violations)
    }
}

/// Creates a definition.
pub async fn create<T: Definition, C: BodyCheck>(mut call: Call) -> HandlerResult {
    call.preconditions.check_collection()?;
    let body = call.take_body();
    let violations = C::check(&call, &body, None).await?;
    call.once(async |record| {
        let env = call.app.env();
        let decide = |_: Option<&_>, schema: &_| {
            violations
                .clone()
                .and(T::read(body.clone(), None, schema, env))
                .map(DefinitionEdit::Create)
        };
        let made = edited(&call, None, decide, |next| {
            Ok(record.of(&created(next))?.into_iter().collect())
        })
        .await?;
        Ok(created(&made.ok_or(Error::NotFound)?))
    })
    .await
}

/// Edits a definition, and forgets the configuration from before. Nobody edits one that grants more
/// than they have (rule G62).
pub async fn edited<T: Definition>(
    call: &Call,
    id: Option<&str>,
    mut decide: impl FnMut(Option<&StoredDefinition<T>>, &Schema) -> Result<DefinitionEdit<T>>,
    record: impl FnMut(&Versioned<T>) -> Result<Vec<Write>>,
) -> Result<Option<Versioned<T>>> {
    let (tenant, author) = (&call.caller.tenant, call.author().await?);
    let decide = |entry: Option<&StoredDefinition<T>>, schema: &Schema| {
        let edit = decide(entry, schema)?;
        let before = entry.map(|entry| entry.stored.value.grants()).unwrap_or_default();
        let after = match &edit {
            DefinitionEdit::Create(value) | DefinitionEdit::Replace(value) => value.grants(),
            DefinitionEdit::Keep => return Ok(edit),
            DefinitionEdit::Delete | DefinitionEdit::Purge => Scopes::default(),
        };
        check_definition(&author, &before, &after)?;
        Ok(edit)
    };
    let edited = call.app.table().edit_definition(&author, id, decide, record).await;
    call.app.forget_schema(tenant);
    edited
}

/// Lists the definitions that match the query's filters.
pub async fn list<T: Definition>(call: Call) -> HandlerResult {
    let size = call.page_size()?;
    let mut filters: Vec<_> =
        T::FILTERS.iter().filter_map(|name| call.query(name).map(|value| (*name, value))).collect();
    filters.sort_unstable();
    let bound = format!("{filters:?}");
    let after = call.open_cursor::<String>(&bound, call.query("cursor")).await?.unwrap_or_default();
    let schema = call.app.schema_now(&call.caller.tenant).await?;
    let matching = T::collection(&schema).after(&after).filter(|(_, entry)| {
        filters.iter().all(|(name, value)| entry.stored.value.matches(name, value))
    });
    let shown = |entry: &StoredDefinition<T>| entry.stored.tag().with(entry.stored.value.show());
    call.page(&bound, size, matching.map(|(id, entry)| (id, shown(entry)))).await
}

/// Reads a definition.
pub async fn get<T: Definition>(call: Call) -> HandlerResult {
    let id = id_of::<T>(&call)?;
    let schema = call.app.schema_now(&call.caller.tenant).await?;
    let entry = T::collection(&schema).get(&id).ok_or(Error::NotFound)?;
    call.show(entry.stored.tag(), || entry.stored.value.show())
}

/// Replaces a definition.
pub async fn replace<T: Definition, C: BodyCheck>(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    let violations = C::check(&call, &body, Some(&id_of::<T>(&call)?)).await?;
    change::<T>(&call, &violations, |current| {
        let mut body = body.clone();
        if let Json::Object(members) = &mut body {
            let mut shown = current.show();
            for name in current.immutable_fields() {
                members
                    .entry((*name).to_owned())
                    .or_insert(shown.swap_remove(*name).unwrap_or(Json::Null));
            }
        }
        Ok(body)
    })
    .await
}

/// Patches a definition.
pub async fn patch<T: Definition, C: BodyCheck>(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    let violations = C::check(&call, &body, Some(&id_of::<T>(&call)?)).await?;
    change::<T>(&call, &violations, |current| {
        refuse_non_object(&body)?;
        let shown = current.show();
        let mut violations = Violations::default();
        let removed =
            |name: &&&str| body.as_object().and_then(|body| body.get(**name)) == Some(&Json::Null);
        for name in ["id", "system"]
            .iter()
            .chain(current.immutable_fields())
            .filter(removed)
            .filter(|n| shown.contains_key(**n))
        {
            let detail = format!("`{name}` cannot be removed");
            violations.add(crate::domain::field::pointer("", name), Code::Immutable, detail);
        }
        violations.check(merged(shown, body.clone()))
    })
    .await
}

async fn change<T: Definition>(
    call: &Call,
    violations: &Violations,
    document: impl Fn(&T) -> Result<Json>,
) -> HandlerResult {
    let id = id_of::<T>(call)?;
    let edit = |entry: Option<&StoredDefinition<T>>, schema: &_| {
        let current = &entry.ok_or(Error::NotFound)?.stored;
        call.preconditions.check_write(&[current.tag()])?;
        let value =
            T::read(document(&current.value)?, Some(&current.value), schema, call.app.env());
        let value = violations.clone().and(value)?;
        Ok(if value == current.value {
            DefinitionEdit::Keep
        } else {
            DefinitionEdit::Replace(value)
        })
    };
    shown(edited(call, Some(&id), edit, |_| Ok(Vec::new())).await?)
}

/// Deletes a definition that nothing holds.
pub async fn delete<T: Definition>(call: Call) -> HandlerResult {
    let id = id_of::<T>(&call)?;
    let decide = |entry: Option<&StoredDefinition<T>>, schema: &_| {
        let current = &entry.ok_or(Error::NotFound)?.stored;
        call.preconditions.check_write(&[current.tag()])?;
        current.value.check_removable(schema)?;
        Ok(DefinitionEdit::Delete)
    };
    edited::<T>(&call, Some(&id), decide, |_| Ok(Vec::new())).await?;
    Ok(Answer::nothing())
}

/// The routes of one kind of definition, under its path and under its older path if it has one.
#[must_use]
pub fn routes<T: Definition>() -> Vec<Route> {
    routes_with::<T, Unchecked>()
}

/// The same, with a check of the body.
#[must_use]
pub fn routes_with<T: Definition, C: BodyCheck>() -> Vec<Route> {
    let mut routes = routes_at::<T, C>(T::PATH, T::NOUN);
    if let Some((path, noun)) = T::ALIAS {
        let older = routes_at::<T, C>(path, noun).into_iter();
        let older = older.zip(&routes).map(|(older, route)| older.alias_of(route.name));
        routes.extend(older.collect::<Vec<_>>());
    }
    routes
}

fn routes_at<T: Definition, C: BodyCheck>(path: &'static str, noun: Noun) -> Vec<Route> {
    let item = leak(format!("{path}/{{id}}"));
    let name = |verb: &str| leak(format!("{verb}_{}", noun.one));
    let summary = |verb: &str| leak(format!("{verb} {}", noun.title));
    let schema = |suffix: &str| leak(format!("{}{suffix}", T::SCHEMA));
    let id = if T::CHOSEN_ID { Id::Chosen } else { Id::Made };
    let many = noun.many.replace('_', " ");
    let one = (200, T::SCHEMA);
    let conflicts: &'static [Conflict] = if T::KIND == DefinitionKind::Persona {
        &[Conflict::AlreadyExists, Conflict::InUse, Conflict::LastAdministrator]
    } else {
        &[Conflict::AlreadyExists, Conflict::InUse]
    };
    let mut routes = vec![
        Route::write("POST", path, name("create"), (201, T::SCHEMA), || {
            routing::post(create::<T, C>)
        })
        .scope(ConfigWrite)
        .json(schema("Input"))
        .conflicts(&[Conflict::AlreadyExists])
        .summary(summary("Create"))
        .description("All functions know it within 30 seconds."),
        Route::read(
            "GET",
            path,
            leak(format!("list_{}", noun.many)),
            (200, schema("List")),
            || routing::get(list::<T>),
        )
        .scope(ConfigRead)
        .query(list_query(T::FILTERS))
        .summary(leak(format!("List {many}")))
        .description("In the order of their ids. Filters compare whole values."),
        Route::read("GET", item, name("get"), one, || routing::get(get::<T>))
            .scope(ConfigRead)
            .tagged()
            .summary(summary("Read")),
        Route::write("PATCH", item, name("patch"), one, || routing::patch(patch::<T, C>))
            .scope(ConfigWrite)
            .json(schema("Patch"))
            .conflicts(conflicts)
            .summary(summary("Change"))
            .description("Fields that are left out stay. `null` removes a field."),
        Route::write("DELETE", item, name("delete"), (204, ""), || routing::delete(delete::<T>))
            .scope(ConfigWrite)
            .conflicts(&[Conflict::InUse])
            .summary(summary("Delete"))
            .description("Only if nothing refers to it."),
    ];
    if T::REPLACEABLE {
        let route =
            Route::write("PUT", item, name("replace"), one, || routing::put(replace::<T, C>));
        routes.push(
            route
                .scope(ConfigWrite)
                .json(schema("Input"))
                .conflicts(conflicts)
                .summary(summary("Replace"))
                .description("Fields that never change may be left out."),
        );
    }
    routes.into_iter().map(|route| route.id(id)).collect()
}

/// A text of a route table, which is made once and lives as long as the process.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// The query parameters of a list: those of its page and the kind's filters.
fn list_query(filters: &[&'static str]) -> &'static [&'static str] {
    Vec::leak(["limit", "cursor"].into_iter().chain(filters.iter().copied()).collect())
}
