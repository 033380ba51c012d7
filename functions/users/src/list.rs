//! `GET /identity/users`: users by when they were last changed, for systems that keep in step.

use serde::{Deserialize, Serialize};
use shared::domain::Json;
use shared::domain::error::{Error, Result};
use shared::domain::field::TIME;
use shared::domain::id::UserId;
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::env::Timestamp;
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::page::MAX_PAGE_BYTES;
use shared::object;
use shared::store::listing::{ListedUser, ShardPositions};
use shared::store::users::StoredUser;

/// How far the index may be behind the table, in seconds: what was written before that is in it.
const SETTLED_SECONDS: i64 = 60;
/// How many entries are read at once behind which nothing was found to show.
const BATCH: usize = 100;

/// The position of the next page, as its cursor holds it.
#[derive(Serialize, Deserialize)]
struct ListPosition {
    place: ShardPositions,
    /// The time of the last entry that was passed.
    last: Option<Timestamp>,
    /// From when on something may have been missed by the pages so far.
    missed_from: Option<Timestamp>,
    /// How many users the pages so far have shown.
    #[serde(default)]
    passed: u64,
}

/// Lists users, the one first whose last change is the oldest.
pub(crate) async fn list(call: Call) -> HandlerResult {
    let size = call.page_size()?;
    let since =
        call.query("updated_since").map(|text| Timestamp::parse(text).ok_or(text)).transpose();
    let wrong = |_| Error::Malformed(format!("query parameter `updated_since`: expected {TIME}"));
    let since = since.map_err(wrong)?;
    // A system that is ahead of the clock would miss what is written until the clock has caught up.
    if since.is_some_and(|since| since > call.app.env().clock.now()) {
        let detail = "query parameter `updated_since`: the time is in the future, so the clock was set \
                      back or the time is not from this list; read the list without it and go on from \
                      `next_updated_since`";
        return Err(Error::Malformed(detail.to_owned()));
    }
    let bound = since.map(|since| since.to_string()).unwrap_or_default();
    let next = call.open_cursor::<ListPosition>(&bound, call.query("cursor")).await?;
    let settled = call.app.env().clock.now().plus_seconds(-SETTLED_SECONDS);
    // Without `updated_since` no deleted user is listed. A poll from this time lists users that
    // were deleted after their page was read.
    let start = || ListPosition {
        place: ShardPositions::default(),
        last: None,
        missed_from: since.is_none().then_some(settled),
        passed: 0,
    };
    let ListPosition { place, last, missed_from, passed: before } = next.unwrap_or_else(start);
    let mut page = UserPage { place, last, with_forgotten: since.is_some(), ..UserPage::default() };
    let more = page.fill(&call, since, size).await?;

    let passed = page.last.or(since);
    let complete =
        [passed, missed_from, Some(settled)].into_iter().flatten().min().unwrap_or(settled);
    // The time from which the pages so far may have missed changes. Every earlier change was in the
    // index when its place was passed.
    let missed = missed_from.or((passed > Some(settled)).then_some(settled));
    let shown = before + page.members.len() as u64;
    let by = || since.map(|_| "updated_since".to_owned()).into_iter().collect();
    call.record_pages(before, shown, by).await?;
    let mut content = object! { "items" => page.show(&call).await? };
    if more {
        let (place, last) = (page.place, page.last);
        let next = ListPosition { place, last, missed_from: missed, passed: shown };
        content.insert("next_cursor".to_owned(), Json::from(call.cursor(&bound, &next).await?));
    }
    content.insert("next_updated_since".to_owned(), Json::from(complete));
    Ok(Answer::content(content))
}

/// A member of a page.
enum Member {
    User(Box<StoredUser>),
    Forgotten(UserId, Timestamp),
}

impl Member {
    fn user(&self) -> Option<&User> {
        if let Self::User(user) = self { Some(&user.value) } else { None }
    }

    fn show(&self, schema: &Schema) -> Json {
        Json::Object(match self {
            Self::User(user) => user.tag().with(user.value.show(schema)),
            Self::Forgotten(id, at) => object! { "id" => *id, "deleted_at" => *at },
        })
    }
}

#[derive(Default)]
struct UserPage {
    members: Vec<Member>,
    bytes: usize,
    place: ShardPositions,
    /// The time of the last entry that was passed: the entries come in the order of their times.
    last: Option<Timestamp>,
    with_forgotten: bool,
}

impl UserPage {
    /// Takes members from the listing until the page is full or the listing ends; whether there may
    /// be more. A page that is not the last has a member, however many entries there are
    /// without.
    async fn fill(&mut self, call: &Call, since: Option<Timestamp>, size: usize) -> Result<bool> {
        let (tenant, table) = (&call.caller.tenant, call.app.table());
        let mut listing = table.listing(tenant, since, &self.place, size);
        let mut batch = size;
        loop {
            let entries = listing.take(batch).await?;
            if entries.is_empty() {
                return Ok(false);
            }
            let mut found = table.read_listed(tenant, &entries).await?;
            for entry in entries {
                let member =
                    found.remove(&entry.user).and_then(|listed| self.member(entry.user, listed));
                if member.is_some_and(|member| !self.take(member, size)) {
                    return Ok(true);
                }
                self.place.advance(&entry);
                self.last = self.last.max(Some(entry.at));
            }
            listing.advance_past_skipped(&mut self.place);
            if self.members.len() >= size {
                return Ok(!listing.is_at_end().await?);
            }
            batch = BATCH;
        }
    }

    fn member(&self, user: UserId, listed: ListedUser) -> Option<Member> {
        match listed {
            ListedUser::User(user) => Some(Member::User(user)),
            ListedUser::Forgotten(at) => self.with_forgotten.then_some(Member::Forgotten(user, at)),
        }
    }

    /// Takes a member unless the page would grow too large; the first always fits.
    fn take(&mut self, member: Member, size: usize) -> bool {
        self.bytes += if let Member::User(user) = &member { user.size() } else { 0 };
        let fits =
            self.members.is_empty() || self.members.len() < size && self.bytes <= MAX_PAGE_BYTES;
        if fits {
            self.members.push(member);
        }
        fits
    }

    async fn show(&self, call: &Call) -> Result<Vec<Json>> {
        let users = self.members.iter().filter_map(Member::user);
        let schema = call.app.schema_of(&call.caller.tenant, users).await?;
        Ok(self.members.iter().map(|member| member.show(&schema)).collect())
    }
}
