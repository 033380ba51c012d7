//! Cursors: where a list goes on, sealed so that a caller can neither read nor forge one, and bound
//! to tenant, client, route and filter (rule H7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{Answer, Answered};
use super::call::{Call, MAX_PAGE_BYTES};
use crate::domain::error::{Error, Result};
use crate::domain::json::{Json, Object};
use crate::object;
use crate::world::World;

/// Seals `plain` under `key`, bound to `bound`: a random nonce, then ChaCha20-Poly1305 (RFC 8439).
pub(crate) fn seal(
    key: &[u8; 32],
    bound: &str,
    mut plain: Vec<u8>,
    world: &World,
) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = world.random.bytes();
    let key =
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).map_err(Error::unexpected)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut plain)
        .map_err(Error::unexpected)?;
    let mut sealed = nonce.to_vec();
    sealed.append(&mut plain);
    Ok(sealed)
}

/// Opens what [`seal`] made; `None` when it was made by somebody else, for something else, or
/// changed.
pub(crate) fn open(key: &[u8; 32], bound: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, cipher) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    let mut cipher = cipher.to_vec();
    let plain = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound), &mut cipher)
        .ok()?;
    Some(plain.to_vec())
}

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
    /// A page of a list: of these entries the first `size`, each with the place at which the next
    /// page would go on after it.
    pub async fn page<K: Serialize>(
        &self,
        filter: &str,
        size: usize,
        entries: impl Iterator<Item = (K, Object)>,
    ) -> Answered {
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
            seal(self.app.cursor_key().await?, &self.bound_to(filter), plain, self.app.world())?;
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
        let wrong = "the cursor is not one that this client got for this list";
        position.map(Some).ok_or_else(|| Error::Malformed(wrong.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h7_a_cursor_opens_only_for_what_it_was_made() {
        let world = World::default();
        let sealed = seal(&[1; 32], "acme", b"here".to_vec(), &world).unwrap();
        assert_eq!(open(&[1; 32], "acme", &sealed).unwrap(), b"here");
        assert_eq!(open(&[1; 32], "other", &sealed), None);
        assert_eq!(open(&[2; 32], "acme", &sealed), None);
        let mut bytes = sealed;
        for i in 0..bytes.len() {
            bytes[i] ^= 1;
            assert_eq!(open(&[1; 32], "acme", &bytes), None);
            bytes[i] ^= 1;
        }
        for length in 0..bytes.len() {
            assert_eq!(open(&[1; 32], "acme", &bytes[..length]), None);
        }
    }
}
