//! `POST /identity/users/query`: users by a filter.
//!
//! The branches of the filter's plan are followed one after another. A branch gives nobody whom an
//! earlier one has given, which the user's own look-ups tell, so nothing has to be remembered
//! between pages; and the whole filter is compared with each user as it is in the table, so
//! what comes from a look-up sees every write that was acknowledged before (rule D4). The listing
//! alone may be behind by a moment.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use shared::domain::error::{Code, Error, Violations};
use shared::domain::field::Fields;
use shared::domain::id::UserId;
use shared::domain::json::Object;
use shared::domain::lookup::ValueHash;
use shared::domain::schema::Schema;
use shared::domain::{Json, Result};
use shared::http::Call;
use shared::http::answer::{Answer, Answered};
use shared::http::call::{MAX_PAGE, MAX_PAGE_BYTES, PAGE, page_size};
use shared::object;
use shared::store::keys::{SHARDS, listing_shard, owner_of_partition};
use shared::store::meter::Meter;
use shared::store::table::{self, Sorts};
use shared::store::users::LiveUser;

use super::filter::{Branch, Filter, Seen, Source};

/// The most candidates that are read at once.
const BATCH: usize = 100;
/// How many candidates one call reads at the most; the cursor goes on after them.
const MAX_READ: usize = 1000;
/// How many bytes of candidates one call reads at the most, near enough.
const MAX_READ_BYTES: usize = 20_000_000;
/// What sorts before every time. DynamoDB takes no empty text in a condition on a key.
const FIRST: &str = "0";

/// Where the next page starts.
#[derive(Serialize, Deserialize)]
struct Position {
    /// What the branches were when the page before was read.
    plan: String,
    branch: usize,
    place: Place,
}

/// A place in a branch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum Place {
    /// Its start.
    #[default]
    Start,
    /// After this position in its look-up.
    After(String),
    /// In this shard of the listing, after this position.
    Shard(u8, Option<table::Position>),
}

struct Question {
    filter: Json,
    size: usize,
    cursor: Option<String>,
    explain: bool,
}

fn question(body: Json) -> Result<Question> {
    let mut violations = Violations::default();
    let mut fields = Fields::new(body, "", &mut violations);
    let filter = fields.value("filter");
    if filter.is_none() {
        fields.refuse("filter", Code::Required, "`filter` is required");
    }
    let size = match fields.value("limit") {
        None => PAGE,
        Some(Json::Number(text)) if page_size(Some(&text)).is_ok() => page_size(Some(&text))?,
        Some(Json::Number(_)) => {
            fields.refuse(
                "limit",
                Code::WrongFormat,
                format!("a number from 1 to {MAX_PAGE} is due"),
            );
            PAGE
        }
        Some(other) => {
            fields.refuse(
                "limit",
                Code::WrongType,
                format!("a number from 1 to {MAX_PAGE} is due, not {}", other.kind()),
            );
            PAGE
        }
    };
    let cursor = fields.text("cursor", 4096);
    let explain = fields.boolean("explain").unwrap_or_default();
    fields.finish();
    violations.check(())?;
    Ok(Question { filter: filter.unwrap_or(Json::Null), size, cursor, explain })
}

/// Answers a query with a page of whole profiles.
pub async fn query(mut call: Call) -> Answered {
    let question = question(call.take_body())?;
    let bound = question.filter.to_text();
    let position = call.open_cursor::<Position>(&bound, question.cursor.as_deref()).await?;
    let (call, question, bound, position) = (&call, &question, &bound, &position);
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let mut filter = Filter::read(&question.filter, &schema)?;
            filter.name_users(call.app.table(), &call.caller.tenant).await?;
            let branches = filter.plan(&schema);
            let plan = digest(&branches);
            if position.as_ref().is_some_and(|position| position.plan != plan) {
                let detail =
                    "the filter is answered in another way since the cursor was made: start again";
                // Or the cursor is of a process that knows newer definitions.
                return Err(if schema.verified {
                    Error::Malformed(detail.to_owned())
                } else {
                    Error::Outdated
                });
            }
            let search = Search {
                call,
                filter: &filter,
                schema: &schema,
                branches: &branches,
                size: question.size,
            };
            let from =
                position.as_ref().map_or_else(Default::default, |p| (p.branch, p.place.clone()));
            let (page, next) = search.page(from).await?;
            let items: Vec<_> =
                page.users.iter().map(|user| Json::Object(user.value.show(&schema))).collect();
            let mut content = object! { "items" => items };
            if let Some((branch, place)) = next {
                let cursor = call.cursor(bound, &Position { plan, branch, place }).await?;
                content.insert("next_cursor".to_owned(), Json::from(cursor));
            }
            let walks =
                branches.iter().any(|branch| matches!(branch.source, Source::Listing { .. }));
            if walks || page.read > page.users.len() {
                content.insert("scanned".to_owned(), Json::from(page.read as u64));
            }
            if question.explain {
                content.insert("explain".to_owned(), Json::Object(explain(&branches, &page)));
            }
            Ok(Answer::content(content))
        })
        .await
}

/// What tells one plan from another.
fn digest(branches: &[Branch]) -> String {
    let sources: Vec<_> = branches.iter().map(|branch| branch.source.to_string()).collect();
    ValueHash::of(&sources.join("\n")).to_string()
}

fn explain(branches: &[Branch], page: &Page) -> Object {
    let branch = |branch: &Branch| {
        let mut shown = object! { "source" => branch.source.name() };
        if let Some((by, operator)) = branch.by.as_ref().zip(branch.operator) {
            shown.insert("by".to_owned(), Json::from(by));
            shown.insert("operator".to_owned(), Json::from(operator.name()));
        }
        Json::Object(shown)
    };
    let units = Meter::open_units();
    object! {
        "plan" => branches.iter().map(branch).collect::<Vec<_>>(),
        "read_units" => Json::Number(units.read.to_string()),
        "items_read" => units.items_read,
        "users_read" => page.read as u64,
    }
}

/// The search for one page.
struct Search<'s> {
    call: &'s Call,
    filter: &'s Filter,
    schema: &'s Schema,
    branches: &'s [Branch],
    size: usize,
}

/// Candidates, each with the place after it, and the place at which there may be more.
type Candidates = (Vec<(UserId, Place)>, Option<Place>);

impl Search<'_> {
    /// Follows the branches from here on until the page is full, enough was read or nothing is
    /// left; with where the next page starts, if there is one.
    async fn page(
        &self,
        (first, mut place): (usize, Place),
    ) -> Result<(Page, Option<(usize, Place)>)> {
        let mut page = Page::default();
        for (number, branch) in self.branches.iter().enumerate().skip(first) {
            let stopped =
                self.follow(number, branch, std::mem::take(&mut place), &mut page).await?;
            if let Some(place) = stopped {
                return Ok((page, Some((number, place))));
            }
        }
        Ok((page, None))
    }

    /// Follows one branch; returns the place at which it was left before its end.
    ///
    /// As many candidates are read as the page has room for, and twice as many after each time that
    /// some of them did not fit.
    async fn follow(
        &self,
        number: usize,
        branch: &Branch,
        start: Place,
        page: &mut Page,
    ) -> Result<Option<Place>> {
        let tenant = &self.call.caller.tenant;
        let earlier = self.branches.get(..number).unwrap_or_default();
        let mut place = start;
        let mut batch = 0;
        loop {
            if page.users.len() >= self.size
                || page.visited >= MAX_READ
                || page.read_bytes >= MAX_READ_BYTES
            {
                return Ok(Some(place));
            }
            batch = (self.size - page.users.len())
                .max(batch * 2)
                .min(BATCH)
                .min(MAX_READ - page.visited);
            let (candidates, next) = self.candidates(&branch.source, &place, batch).await?;
            page.visited += candidates.len();
            let mut found = self.read(&candidates).await?;
            page.read += found.len();
            page.read_bytes += found.values().map(LiveUser::size).sum::<usize>();
            for (id, after) in candidates {
                if page.users.len() >= self.size {
                    return Ok(Some(place));
                }
                let due = found.get(&id).is_some_and(|user| {
                    let led = match &after {
                        Place::After(position) => branch.source.leads_to_at(user, tenant, position),
                        Place::Start | Place::Shard(..) => branch.source.leads_to(user),
                    };
                    let given =
                        earlier.iter().any(|branch| branch.source.leads_to(user)) || page.holds(id);
                    led && !given && self.filter.matches(&Seen::from(&user.value), self.schema)
                });
                if due
                    && let Some(user) = found.remove(&id)
                    && !page.take(user)
                {
                    return Ok(Some(place));
                }
                place = after;
            }
            match next {
                Some(next) => place = next,
                None => return Ok(None),
            }
        }
    }

    /// The candidates who are there; one who is found by several values is read once.
    async fn read(&self, candidates: &[(UserId, Place)]) -> Result<HashMap<UserId, LiveUser>> {
        let (tenant, table) = (&self.call.caller.tenant, self.call.app.table());
        let ids: HashSet<_> = candidates.iter().map(|(id, _)| *id).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let found = match ids.as_slice() {
            [] => Vec::new(),
            [id] => table.find_user(tenant, *id).await?.into_iter().collect(),
            ids => table.find_users(tenant, ids).await?,
        };
        found.iter().try_for_each(|user| self.schema.check_covers(&user.value))?;
        Ok(found.into_iter().map(|user| (user.value.id, user)).collect())
    }

    /// The next candidates of a source.
    async fn candidates(&self, source: &Source, place: &Place, limit: usize) -> Result<Candidates> {
        let (tenant, table) = (&self.call.caller.tenant, self.call.app.table());
        let after = match place {
            Place::After(position) => Some(position.as_str()),
            Place::Start | Place::Shard(..) => None,
        };
        let entries = match source {
            Source::Id(id) => {
                return Ok((id.parse().map(|id| (id, Place::Start)).into_iter().collect(), None));
            }
            Source::Listing { from, until } => {
                let bounds =
                    (from.map(|time| time.to_string()), until.map(|time| time.to_string()));
                let sorts = match &bounds {
                    (None, None) => Sorts::All,
                    (Some(from), None) => Sorts::From(from),
                    (from, Some(until)) => Sorts::Between(from.as_deref().unwrap_or(FIRST), until),
                };
                return self.listed(sorts, place, limit).await;
            }
            Source::Lookup(lookup) => table.users_of(tenant, lookup, after, limit).await?,
            Source::Prefix { attribute, start } => {
                table.users_starting(tenant, attribute, start, after, limit).await?
            }
        };
        let users =
            entries.users.into_iter().map(|(user, position)| (user, Place::After(position)));
        Ok((users.collect(), entries.next.map(Place::After)))
    }

    /// The next users of the listing, shard after shard.
    async fn listed(&self, sorts: Sorts<'_>, place: &Place, limit: usize) -> Result<Candidates> {
        let (tenant, table) = (&self.call.caller.tenant, self.call.app.table());
        let (mut shard, mut after) = match place {
            Place::Shard(shard, after) => (*shard, after.clone()),
            Place::Start | Place::After(_) => (0, None),
        };
        let mut users = Vec::new();
        while shard < SHARDS {
            let left = i32::try_from(limit - users.len()).ok();
            let page = table
                .query_index(&listing_shard(tenant, shard), sorts, after.as_ref(), left)
                .await?;
            for (key, position) in page.keys.iter().zip(page.positions) {
                if let Some((_, user)) = owner_of_partition(key.pk()) {
                    users.push((user, Place::Shard(shard, Some(position))));
                }
            }
            after = page.next;
            if after.is_none() {
                shard += 1;
            }
            if users.len() >= limit {
                break;
            }
        }
        Ok((users, (shard < SHARDS).then_some(Place::Shard(shard, after))))
    }
}

#[derive(Default)]
struct Page {
    users: Vec<LiveUser>,
    /// How many candidates were looked for.
    visited: usize,
    /// How many of them were there, and were compared.
    read: usize,
    /// How many bytes these have.
    read_bytes: usize,
    bytes: usize,
}

impl Page {
    /// Whether the user is on the page: one who is changed while the listing is walked comes up
    /// again.
    fn holds(&self, id: UserId) -> bool {
        self.users.iter().any(|user| user.value.id == id)
    }

    /// Takes a user onto the page unless it would grow too large; the first always fits.
    fn take(&mut self, user: LiveUser) -> bool {
        if self.bytes + user.size() > MAX_PAGE_BYTES && !self.users.is_empty() {
            return false;
        }
        self.bytes += user.size();
        self.users.push(user);
        true
    }
}
