//! Cursors: the place where a list continues. They are sealed, so that a caller can neither read
//! nor forge one, and bound to tenant, client, route and filter (rule H7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{Answer, HandlerResult};
use super::call::Call;
use super::page::MAX_PAGE_BYTES;
use crate::domain::error::{Error, Result};
use crate::domain::json::{Json, Object};
use crate::object;
use crate::seal::{open, seal};

/// As many of the entries as a page takes, by number and by bytes, and the place of the last if
/// there are more.
fn fill<K>(entries: impl Iterator<Item = (K, Object)>, size: usize) -> (Vec<Json>, Option<K>) {
    let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
    for (place, content) in entries {
        let item = Json::Object(content);
        bytes += item.to_text().len();
        if items.len() == size || (bytes > MAX_PAGE_BYTES && !items.is_empty()) {
            return (items, last);
        }
        items.push(item);
        last = Some(place);
    }
    (items, None)
}

impl Call {
    /// A page of a list: the first `size` of these entries. Each has the place at which a next page
    /// would continue after it.
    pub async fn page<K: Serialize>(
        &self,
        filter: &str,
        size: usize,
        entries: impl Iterator<Item = (K, Object)>,
    ) -> HandlerResult {
        let (items, last) = fill(entries, size);
        let mut content = object! { "items" => items };
        if let Some(last) = last {
            content.insert("next_cursor".to_owned(), Json::from(self.cursor(filter, &last).await?));
        }
        Ok(Answer::content(content))
    }

    /// Makes the cursor of the next page.
    pub async fn cursor<T: Serialize>(&self, filter: &str, position: &T) -> Result<String> {
        let plain = serde_json::to_vec(position).map_err(Error::unexpected)?;
        let sealed =
            seal(self.app.cursor_key().await?, &self.bound_to(filter), plain, self.app.env())?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a cursor that this caller got for the same filter.
    pub async fn open_cursor<T: DeserializeOwned>(
        &self,
        filter: &str,
        cursor: Option<&str>,
    ) -> Result<Option<T>> {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let sealed = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        let plain = open(self.app.cursor_key().await?, &self.bound_to(filter), &sealed);
        let position = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
        let wrong = "this cursor is not from this list; send the `next_cursor` of the last page";
        position.map(Some).ok_or_else(|| Error::Malformed(wrong.to_owned()))
    }
}
