//! The audit over HTTP: the entries of a user, of the person who calls and of the tenant, and a
//! profile as it was.
//!
//! `audit:read` shows who changed what and when; values and reasons need `audit:values`. Who reads
//! them leaves an entry in the tenant's ledger, before the answer (rule AU-17).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Value, json};
use shared::axum::routing::get;
use shared::domain::Scope::{Administrator, AuditRead, AuditValues, ConfigRead};
use shared::domain::audit::{
    Actor, ActorKind, AttributeFilter, ChangeKind, Entry, LedgerChain, Operation, ReadEntry,
    Reader, diff_user, pointer_shown,
};
use shared::domain::error::{Error, Result};
use shared::domain::field::TIME;
use shared::domain::id::{BaseId, ClientId, UserId};
use shared::domain::schema::Schema;
use shared::domain::string_enum::expected_word;
use shared::domain::user::User;
use shared::domain::{Json, Version, View};
use shared::env::Timestamp;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::page::MAX_PAGE_BYTES;
use shared::http::route::Conflict::{AuditEnded, State};
use shared::http::{Call, Route};
use shared::object;
use shared::store::audit::{AuditFilter, AuditPosition, AuditSearch, Moment, Record};

/// The seconds of a day: what the audit of the tenant is searched for unless the query says more.
const DAY_SECONDS: i64 = 24 * 3600;
/// The longest time that one search covers, in days.
const MAX_DAYS: i64 = 31;

/// Routes of the audit.
pub(crate) const ROUTES: [Route; 4] = [
    Route::read("GET", "/identity/audit", "search_audit", (200, "AuditList"), || get(search))
        .scope(AuditRead)
        .query(&["actor", "operation", "from", "to", "limit", "cursor"])
        .summary("Search the audit")
        .description(
            "The entries of all users and of the configuration, newest first: of the last 24 \
             hours, or of at most 31 days.",
        ),
    Route::read(
        "GET",
        "/identity/users/{user_id}/audit",
        "get_user_audit",
        (200, "AuditList"),
        || get(of_user),
    )
    .scope(AuditRead)
    .query(&["attribute", "actor", "operation", "from", "to", "limit", "cursor"])
    .summary("Read the audit of a user")
    .description("Newest first. Values and reasons need `audit:values` too."),
    Route::read("GET", "/identity/users/{user_id}/at", "get_user_at", (200, "PastUser"), || {
        get(at)
    })
    .scope(AuditValues)
    .query(&["version", "time"])
    .conflicts(&[State, AuditEnded])
    .summary("Read a user as it was")
    .description("As of a version or a time: exactly one of both."),
    Route::read("GET", "/identity/me/audit", "get_own_audit", (200, "AuditList"), || get(of_me))
        .people()
        .query(&["attribute", "operation", "from", "to", "limit", "cursor"])
        .summary("Read the own audit")
        .description("With values. Without the ids of other people."),
];

/// What a request asks of entries.
struct AuditQuery {
    attribute: Option<AttributeFilter>,
    actor: Option<String>,
    operation: Option<Operation>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// What a cursor is bound to.
    bound: String,
}

impl AuditQuery {
    fn read(call: &Call, schema: &Schema) -> Result<Self> {
        let attribute = call.query("attribute");
        let attribute =
            attribute.map(|text| AttributeFilter::read(text, schema, call.view())).transpose()?;
        let actor = call.query("actor").map(actor_of).transpose()?;
        let operation = call.query("operation").map(|text| {
            let wrong = || wrong("operation", expected_word(&Operation::ALL, text));
            text.parse::<Operation>().map_err(|_| wrong())
        });
        let (from, to) = (time_of(call, "from")?, time_of(call, "to")?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(wrong("from", "expected a time that is not after `to`"));
        }
        let names = ["attribute", "actor", "operation", "from", "to"];
        let bound = format!("{:?}", names.map(|name| call.query(name)));
        Ok(Self { attribute, actor, operation: operation.transpose()?, from, to, bound })
    }

    fn wants(&self, reader: &Reader<'_>, entry: &Entry) -> bool {
        self.operation.is_none_or(|operation| entry.operation == operation)
            && self.actor.as_ref().is_none_or(|actor| is_actor(&entry.actor, actor))
            && self.attribute.as_ref().is_none_or(|attribute| attribute.matches(reader, entry))
    }

    /// Whether entries that cannot be read may be among those that are asked for.
    const fn is_open(&self) -> bool {
        self.attribute.is_none() && self.actor.is_none() && self.operation.is_none()
    }

    /// The chains of the ledger in which the operation is told.
    fn chains(&self) -> Vec<LedgerChain> {
        let told = |chain: &LedgerChain| match (self.operation, chain) {
            (None, _) => true,
            (Some(operation), LedgerChain::Settings) => operation.is_of_settings(),
            (Some(operation), LedgerChain::Clients(_)) => operation.is_of_clients(),
            (Some(operation), LedgerChain::Configuration) => {
                let elsewhere = operation.is_of_settings() || operation.is_of_clients();
                operation.is_of_configuration() && !elsewhere
            }
            (Some(operation), LedgerChain::Forgets(_)) => operation == Operation::UserForget,
            (Some(operation), LedgerChain::Reads(_)) => {
                matches!(operation, Operation::AuditRead | Operation::Export)
            }
        };
        LedgerChain::all().filter(told).collect()
    }
}

fn wrong(name: &str, what: impl Display) -> Error {
    Error::Malformed(format!("query parameter `{name}`: {what}"))
}

fn time_of(call: &Call, name: &str) -> Result<Option<Timestamp>> {
    let read = |text| Timestamp::parse(text).ok_or_else(|| wrong(name, format!("expected {TIME}")));
    call.query(name).map(read).transpose()
}

/// An actor, by its id or by its kind where that has no ids.
fn actor_of(text: &str) -> Result<String> {
    let is = |kind: ActorKind| text == kind.name();
    let known = text.parse::<ClientId>().is_ok()
        || text.parse::<UserId>().is_ok()
        || text.parse::<BaseId>().is_ok()
        || is(ActorKind::Service)
        || is(ActorKind::Operator);
    let expected = "expected the id of a client or of a user, `service` or `operator`";
    if known { Ok(text.to_owned()) } else { Err(wrong("actor", expected)) }
}

fn is_actor(actor: &Actor, wanted: &str) -> bool {
    actor.id.as_ref().map_or(actor.kind.name() == wanted, |id| id.eq_ignore_ascii_case(wanted))
}

/// The audit as this caller reads it.
fn reader_of<'r>(
    call: &Call,
    schema: &'r Schema,
    names: &'r BTreeMap<String, String>,
) -> Reader<'r> {
    let scopes = &call.caller.grants.scopes;
    Reader {
        schema,
        view: View::Administrative,
        most: call.caller.grants.max_classifier,
        values: scopes.allows(AuditValues),
        configuration: scopes.allows(ConfigRead),
        clients: scopes.allows(Administrator),
        person: None,
        names,
    }
}

async fn of_user(call: Call) -> HandlerResult {
    let tenant = &call.caller.tenant;
    call.page_size()?;
    let asked = AuditQuery::read(&call, &*call.app.schema(tenant).await?)?;
    let user = call.user("user_id").await?;
    let current = call.app.table().get_user(tenant, user).await?;
    let schema = call.app.schema_of(tenant, [&current.value]).await?;
    let names = BTreeMap::new();
    let reader = reader_of(&call, &schema, &names);
    let (entries, next) = page(&call, &asked, &reader, user).await?;
    if let Some((newest, oldest)) = ends(&reader, &entries) {
        let facts = json!({ "from": oldest.0, "to": newest.0, "entries": entries.len() });
        record(&call, &schema, Some(user), facts).await?;
    }
    shown(&call, &asked.bound, &reader, &entries, next).await
}

async fn of_me(call: Call) -> HandlerResult {
    let tenant = &call.caller.tenant;
    let me = call.me().await?;
    let schema = call.app.schema_of(tenant, [&me.value]).await?;
    let asked = AuditQuery::read(&call, &schema)?;
    let (person, most) = (Some(me.value.id), call.caller.grants.max_classifier);
    let names = BTreeMap::new();
    let reader = Reader {
        schema: &schema,
        view: View::SelfService,
        most,
        values: true,
        configuration: false,
        clients: false,
        person,
        names: &names,
    };
    let (entries, next) = page(&call, &asked, &reader, me.value.id).await?;
    let names = client_names(&call, &entries).await?;
    let reader = Reader { names: &names, ..reader };
    shown(&call, &asked.bound, &reader, &entries, next).await
}

/// A page of a user's entries.
async fn page(
    call: &Call,
    asked: &AuditQuery,
    reader: &Reader<'_>,
    user: UserId,
) -> Result<(Vec<ReadEntry>, Option<Version>)> {
    let (size, table) = (call.page_size()?, call.app.table());
    let before = call.open_cursor::<Version>(&asked.bound, call.query("cursor")).await?;
    let key = if reader.values { Some(table.audit_key().await?) } else { None };
    let wanted = |entry: &Entry| asked.wants(reader, entry);
    let (from, to, unreadable) = (asked.from, asked.to, asked.is_open());
    let filter = AuditFilter { from, to, wanted: &wanted, unreadable };
    let place = (&call.caller.tenant, user);
    let page = table.audit_of(place, key, filter, before, (size, MAX_PAGE_BYTES)).await?;
    Ok((page.entries, page.next))
}

async fn search(call: Call) -> HandlerResult {
    let (tenant, table) = (&call.caller.tenant, call.app.table());
    let size = call.page_size()?;
    let schema = call.app.schema(tenant).await?;
    let asked = AuditQuery::read(&call, &schema)?;
    let position = call.open_cursor::<AuditPosition>(&asked.bound, call.query("cursor")).await?;
    let to = asked.to.unwrap_or_else(|| call.app.env().clock.now());
    let position = position.unwrap_or_else(|| AuditPosition::start(to));
    let from = asked.from.unwrap_or_else(|| position.to.plus_seconds(-DAY_SECONDS));
    if from > position.to {
        return Err(wrong("from", "expected a time that is not after `to`, or after now"));
    }
    if from.plus_seconds(MAX_DAYS * DAY_SECONDS) < position.to {
        let most = format!("expected a time of at most {MAX_DAYS} days before `to`, or before now");
        return Err(wrong("from", most));
    }
    let names = BTreeMap::new();
    let reader = reader_of(&call, &schema, &names);
    let key = if reader.values { Some(table.audit_key().await?) } else { None };
    let wanted = |entry: &Entry| asked.wants(&reader, entry);
    let (from_time, to, unreadable) = (Some(from), Some(position.to), asked.is_open());
    let filter = AuditFilter { from: from_time, to, wanted: &wanted, unreadable };
    let chains = asked.chains();
    let users =
        schema.audit().search && asked.operation.is_none_or(|operation| !operation.is_of_ledger());
    let search = AuditSearch { from, filter, chains: &chains, users };
    let most = (size, MAX_PAGE_BYTES);
    let (entries, next) = table.search_audit(tenant, key, search, position, most).await?;
    if ends(&reader, &entries).is_some() {
        let range = entries.last().zip(entries.first()).and_then(|(oldest, newest)| {
            Some((oldest.entry.as_ref()?.at, newest.entry.as_ref()?.at))
        });
        let (from, to) = range.unzip();
        let facts = json!({ "from": from, "to": to, "entries": entries.len() });
        record(&call, &schema, None, facts).await?;
    }
    shown(&call, &asked.bound, &reader, &entries, next).await
}

/// The sequences of the newest and of the oldest entry if some of them show values. To read that
/// somebody read values is not told again.
fn ends(reader: &Reader<'_>, entries: &[ReadEntry]) -> Option<(Version, Version)> {
    let told = |read: &&ReadEntry| {
        let operation = read.entry.as_ref().map(|entry| entry.operation);
        operation != Some(Operation::AuditRead) && reader.shows_values_of(read)
    };
    entries.iter().find(told)?;
    Some((entries.first()?.sequence, entries.last()?.sequence))
}

/// Tells the ledger that the caller reads values.
async fn record(call: &Call, schema: &Schema, user: Option<UserId>, facts: Value) -> Result<()> {
    let author = call.author().await?;
    let chain = match user {
        Some(user) => LedgerChain::of_read(user.to_string().as_bytes()),
        None => LedgerChain::of_read(&call.app.env().random.bytes::<8>()),
    };
    let target = user.map(|user| user.to_string());
    let (operation, changes, facts) = (Operation::AuditRead, Vec::new(), Some(facts));
    let record = Record { operation, target, changes, facts };
    call.app.table().record(&author, &schema.audit(), chain, record).await
}

async fn shown(
    call: &Call,
    bound: &str,
    reader: &Reader<'_>,
    entries: &[ReadEntry],
    next: Option<impl serde::Serialize>,
) -> HandlerResult {
    let items: Vec<_> = entries.iter().map(|entry| Json::Object(reader.show(entry))).collect();
    let mut content = object! { "items" => items };
    if let Some(next) = next {
        content.insert("next_cursor".to_owned(), Json::from(call.cursor(bound, &next).await?));
    }
    Ok(Answer::content(content))
}

/// The names of the clients that are actors of these entries, as far as they are there.
async fn client_names(call: &Call, entries: &[ReadEntry]) -> Result<BTreeMap<String, String>> {
    let actors = entries.iter().filter_map(|read| Some(&read.entry.as_ref()?.actor));
    let clients = actors.filter(|actor| actor.kind == ActorKind::Client);
    let ids: BTreeSet<&String> = clients.filter_map(|actor| actor.id.as_ref()).collect();
    let mut names = BTreeMap::new();
    for id in ids {
        let Ok(client) = id.parse::<ClientId>() else { continue };
        if let Some(client) = call.app.table().find_client(&client).await? {
            names.insert(id.clone(), client.value.name);
        }
    }
    Ok(names)
}

/// Reads a user as it was.
async fn at(call: Call) -> HandlerResult {
    let (tenant, table) = (&call.caller.tenant, call.app.table());
    let moment = match (call.query("version"), time_of(&call, "time")?) {
        (Some(version), None) => Moment::Version(Version(whole_number(version)?)),
        (None, Some(time)) => Moment::Time(time),
        _ => {
            let detail = "send exactly one of the query parameters `version` and `time`";
            return Err(Error::Malformed(detail.to_owned()));
        }
    };
    let user = table.get_user(tenant, call.user("user_id").await?).await?;
    let key = table.audit_key().await?;
    let past = table.profile_at(tenant, key, &user, moment).await?;
    let schema = call.app.schema_of(tenant, [&past.user]).await?;
    let facts = json!({ "version": past.version.0 });
    record(&call, &schema, Some(user.value.id), facts).await?;
    let mut shown = Json::Object(past.user.show(&schema));
    let hidden = hidden_now(&past.user, &user.value, &schema);
    let unknown = past.unknown.iter().chain(&hidden);
    let unknown: BTreeSet<_> =
        unknown.filter_map(|stored| pointer_shown(stored, &schema)).collect();
    for pointer in &unknown {
        remove(&mut shown, pointer);
    }
    let Json::Object(mut shown) = shown else { return Err(Error::unexpected("no profile")) };
    shown.insert("version".to_owned(), Json::from(past.version.0));
    shown.insert("unknown".to_owned(), unknown.into_iter().collect::<Vec<_>>().into());
    Ok(Answer::content(shown))
}

/// The stored pointers of what a profile had then and what nobody is shown any more: values of
/// attributes that are hidden now or whose definition is gone, and names of such personas.
fn hidden_now(past: &User, current: &User, schema: &Schema) -> Vec<String> {
    let changes = diff_user(Some(past), Some(current), schema).into_iter();
    let hidden = changes.filter(|change| change.secret && change.kind != ChangeKind::Added);
    let personas = past.personas.iter();
    let unnamed = personas.filter(|persona| schema.persona(persona.definition).is_none());
    let names = unnamed.map(|persona| format!("/personas/{}/name", persona.id));
    hidden.map(|change| change.pointer).chain(names).collect()
}

fn whole_number<N: FromStr>(text: &str) -> Result<N> {
    text.parse().map_err(|_| wrong("version", "expected a whole number, e.g. 12"))
}

/// Takes out what a pointer names, personas by their ids.
fn remove(shown: &mut Json, pointer: &str) {
    let mut parts: Vec<_> = pointer.split('/').skip(1).collect();
    let Some(last) = parts.pop() else { return };
    let mut at = shown;
    for part in parts {
        let next = match at {
            Json::Object(members) => members.get_mut(part),
            Json::Array(items) => items.iter_mut().find(|item| is_named(item, part)),
            _ => None,
        };
        let Some(next) = next else { return };
        at = next;
    }
    match at {
        Json::Object(members) => {
            members.shift_remove(last);
        }
        Json::Array(items) => items.retain(|item| !is_named(item, last)),
        _ => {}
    }
}

fn is_named(item: &Json, id: &str) -> bool {
    item.as_object().and_then(|item| item.get("id")).and_then(Json::as_str) == Some(id)
}
