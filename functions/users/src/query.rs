//! `POST /identity/users/query`: users by a filter, answered from strongly consistent look-ups.

use serde::{Deserialize, Serialize};
use shared::domain::error::{Code, Violations};
use shared::domain::field::Fields;
use shared::domain::schema::Schema;
use shared::domain::{Json, Result};
use shared::http::Call;
use shared::http::answer::{Answer, Answered};
use shared::http::call::{MAX_PAGE, MAX_PAGE_BYTES, PAGE, page_size};
use shared::object;
use shared::store::users::{Entries, LiveUser};

use super::filter::{Filter, Plan};

/// How many candidates are read at once where several terms must hold.
const BATCH: usize = 100;
/// How many candidates one call reads at the most; the cursor goes on after them.
const MAX_READ: usize = 1000;

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
    let size = match fields.value("limit") {
        None => PAGE,
        Some(Json::Number(text)) if page_size(Some(&text)).is_ok() => page_size(Some(&text))?,
        Some(Json::Number(_)) => {
            fields.refuse("limit", Code::WrongFormat, format!("a number from 1 to {MAX_PAGE} is due"));
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
            let (plan, by) = filter.plan(&schema)?;
            let mut page = Page { after: position.as_ref().map(|p| p.after.clone()), ..Page::default() };
            page.fill(call, &plan, question.size, &filter, &schema).await?;
            let schema = call.app.schema_of(&call.caller.tenant, page.users.iter().map(|user| &user.value)).await?;
            let items: Vec<_> = page.users.iter().map(|user| Json::Object(user.value.show(&schema))).collect();
            let mut content = object! { "items" => items };
            if let Some(after) = page.after {
                content.insert("next_cursor".to_owned(), Json::from(call.cursor(bound, &Position { after }).await?));
            }
            let read = u64::try_from(page.read).unwrap_or(u64::MAX);
            if page.read > page.users.len() {
                content.insert("scanned".to_owned(), Json::from(read));
            }
            if question.explain {
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
    bytes: usize,
}

impl Page {
    /// Reads along the plan until the page is full or nothing is left; `after` is then where the next page starts, if there is one.
    ///
    /// Where only one term is asked for, what the look-up finds is what is wanted; else candidates are read in batches, and so many
    /// of them in one call.
    async fn fill(&mut self, call: &Call, plan: &Plan, size: usize, filter: &Filter, schema: &Schema) -> Result<()> {
        let (tenant, table) = (&call.caller.tenant, call.app.table());
        loop {
            let entries = match plan {
                Plan::Nobody => Entries::default(),
                Plan::User(id) => Entries { users: vec![(*id, String::new())], next: None },
                Plan::Lookup(lookup) => {
                    let wanted = if filter.is_single() { size - self.users.len() } else { BATCH };
                    table.users_of(tenant, lookup, self.after.as_deref(), wanted).await?
                }
            };
            let ids: Vec<_> = entries.users.iter().map(|(id, _)| *id).collect();
            let mut found = match ids.as_slice() {
                [] => Vec::new(),
                [id] => table.find_user(tenant, *id).await?.into_iter().collect(),
                ids => table.find_users(tenant, ids).await?,
            }
            .into_iter()
            .peekable();
            for (id, position) in entries.users {
                if self.users.len() >= size {
                    return Ok(());
                }
                if let Some(user) = found.next_if(|user| user.value.id == id) {
                    self.read += 1;
                    if filter.matches(&user.value, schema) && !self.take(user) {
                        return Ok(());
                    }
                }
                self.after = Some(position);
            }
            self.after = entries.next;
            if self.after.is_none() || self.users.len() >= size || self.read >= MAX_READ {
                return Ok(());
            }
        }
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
