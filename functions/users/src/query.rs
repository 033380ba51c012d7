//! `POST /identity/users/query`: users by a filter, answered from strongly consistent look-ups.

use serde::{Deserialize, Serialize};
use shared::domain::error::{Code, Violations};
use shared::domain::field::Fields;
use shared::domain::{Json, Result};
use shared::http::Call;
use shared::http::answer::{Answer, Answered};
use shared::http::call::page_size;
use shared::object;
use shared::store::users::LiveUser;

use super::filter::{Filter, Plan};

/// The most bytes of a page's profiles; a page ends early rather than grow past it.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Where the next page starts.
#[derive(Serialize, Deserialize)]
struct Position {
    after: String,
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
    let limit = match fields.value("limit") {
        Some(Json::Number(text) | Json::String(text)) => Some(text),
        Some(other) => Some(other.to_text()),
        None => None,
    };
    let cursor = fields.text("cursor", 4096);
    let explain = fields.boolean("explain").unwrap_or_default();
    fields.finish();
    violations.check(())?;
    Ok(Question { filter: filter.unwrap_or(Json::Null), size: page_size(limit.as_deref())?, cursor, explain })
}

/// Answers a query with a page of whole profiles.
pub async fn query(mut call: Call) -> Answered {
    let question = question(call.take_body())?;
    let bound = question.filter.to_text();
    let position = call.open_cursor::<Position>(&bound, question.cursor.as_deref()).await?;
    let (call, question, bound, position) = (&call, &question, &bound, &position);
    call.app
        .decide(&call.caller.tenant, move |schema| async move {
            let filter = Filter::read(&question.filter, &schema)?;
            let (plan, by) = filter.plan(&schema)?;
            let mut page = Page { after: position.as_ref().map(|p| p.after.clone()), ..Page::default() };
            page.fill(call, &plan, question.size, |user| filter.matches(&user.value, &schema)).await?;
            let schema = call.app.schema_of(&call.caller.tenant, page.users.iter().map(|user| &user.value)).await?;
            let items: Vec<_> = page.users.iter().map(|user| Json::Object(user.value.show(&schema))).collect();
            let mut content = object! { "items" => items };
            if let Some(after) = page.after {
                content.insert("next_cursor".to_owned(), Json::from(call.cursor(bound, &Position { after }).await?));
            }
            if question.explain {
                let read = u64::try_from(page.read).unwrap_or(u64::MAX);
                content.insert("explain".to_owned(), Json::Object(object! { "by" => by, "users_read" => read }));
            }
            Ok(Answer::content(content))
        })
        .await
}

#[derive(Default)]
struct Page {
    users: Vec<LiveUser>,
    after: Option<String>,
    read: usize,
}

impl Page {
    /// Reads along the plan until the page is full or nothing is left.
    async fn fill(&mut self, call: &Call, plan: &Plan, size: usize, matches: impl Fn(&LiveUser) -> bool) -> Result<()> {
        let tenant = &call.caller.tenant;
        let table = call.app.table();
        let mut bytes = 0;
        loop {
            let (ids, next) = match plan {
                Plan::Nobody => (Vec::new(), None),
                Plan::User(id) => (vec![*id], None),
                Plan::Lookup(lookup) => {
                    let left = i32::try_from(size - self.users.len()).unwrap_or(1);
                    table.users_of(tenant, lookup, self.after.as_deref(), left).await?
                }
            };
            let found = match ids.as_slice() {
                [] => Vec::new(),
                [id] => table.find_user(tenant, *id).await?.into_iter().collect(),
                ids => table.find_users(tenant, ids).await?,
            };
            self.read += found.len();
            for user in found.into_iter().filter(&matches) {
                bytes += user.size();
                self.users.push(user);
            }
            self.after = next;
            if self.after.is_none() || self.users.len() >= size || bytes >= MAX_BYTES {
                return Ok(());
            }
        }
    }
}
