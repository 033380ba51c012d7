//! Digests of the exported audit: one for each hour, signed, each naming the one before (rule
//! AU-15). `auth::audit_digest` signs and verifies them.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hour::Hour;
use crate::domain::id::TenantId;
use crate::domain::text::hex;
use crate::domain::versioned::Version;
use crate::env::Timestamp;

/// The version of the form of digests.
pub const FORM: u64 = 1;
/// The folder of a tenant's digests, beside those of the years.
const DIGESTS: &str = "digests";
/// How many digits of its hash the key of an object has.
const HASH_DIGITS: usize = 8;

/// What was exported of one hour of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The version of this form.
    pub version: u64,
    /// The tenant.
    pub tenant: TenantId,
    /// The hour.
    pub hour: Hour,
    /// The objects with the entries; none if there are no entries.
    pub objects: Vec<ExportedObject>,
    /// Whether entries of users are among them: without `search` they cannot be found by time.
    pub users: bool,
    /// How many entries could not be read, and are in no object.
    pub unreadable: u64,
    /// The last exported entry of each chain of the ledger.
    pub heads: Vec<ExportedHead>,
    /// The digest before; `None` for the first.
    pub previous: Option<DigestLink>,
    /// The public key that verifies the signature, as a JWK.
    pub jwk: Value,
}

/// An object of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedObject {
    /// Its key.
    pub key: String,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// How many entries it has.
    pub entries: u64,
}

/// The last entry of a chain of the ledger that an export has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedHead {
    /// The chain.
    pub chain: String,
    /// The sequence of the entry.
    pub sequence: Version,
    /// Its authentication code, in base64url.
    pub mac: String,
    /// The time from which it may be gone; `None` if it never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
}

/// The name of a digest, and what its content was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestLink {
    /// Its key.
    pub key: String,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

/// A digest as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedDigest {
    /// Its key.
    pub key: String,
    /// Its content.
    pub text: String,
}

impl SignedDigest {
    /// What the next digest says of it.
    #[must_use]
    pub fn link(&self) -> DigestLink {
        DigestLink { key: self.key.clone(), sha256: sha256(self.text.as_bytes()) }
    }
}

impl ExportedObject {
    /// The object with this part of the entries of an hour:
    /// `<tenant>/2026/11/21/10-0.9f86d081.ndjson` is the first. The start of its SHA-256 is in the
    /// key, so other content does not replace it.
    #[must_use]
    pub fn of(tenant: &TenantId, hour: Hour, part: usize, lines: &[u8]) -> Self {
        let entries = lines.split_inclusive(|byte| *byte == b'\n').count() as u64;
        let sha256 = sha256(lines);
        let start = sha256.get(..HASH_DIGITS).unwrap_or_default();
        let key = format!("{tenant}/{}-{part}.{start}.ndjson", hour.path());
        Self { key, sha256, entries }
    }

    /// The hour of the object with this key, if it is one of this tenant.
    #[must_use]
    pub fn hour_of(key: &str, tenant: &TenantId) -> Option<Hour> {
        let path = key.strip_prefix(tenant.as_str())?.strip_prefix('/')?;
        let (path, name) = path.strip_suffix(".ndjson")?.split_once('-')?;
        let (part, hash) = name.split_once('.')?;
        let is_hash =
            hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        part.parse::<usize>().ok().filter(|_| is_hash).and_then(|_| Hour::of_path(path))
    }
}

impl Digest {
    /// The key of the digest of an hour: `<tenant>/digests/2026/11/21/10.json`.
    #[must_use]
    pub fn key(tenant: &TenantId, hour: Hour) -> String {
        format!("{}{}.json", Self::folder(tenant), hour.path())
    }

    /// The start of the keys of a tenant's digests.
    #[must_use]
    pub fn folder(tenant: &TenantId) -> String {
        format!("{tenant}/{DIGESTS}/")
    }

    /// The hour of the digest with this key, if it is one of this tenant.
    #[must_use]
    pub fn hour_of(key: &str, tenant: &TenantId) -> Option<Hour> {
        Hour::of_path(key.strip_prefix(&Self::folder(tenant))?.strip_suffix(".json")?)
    }
}

/// The SHA-256 of some bytes in hexadecimal digits, as `sha256sum` prints it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn au15_keys_name_tenant_and_hour() {
        let tenant: TenantId = "acme".parse().unwrap();
        let hour: Hour = "2026-11-21T10".parse().unwrap();
        let object = |part| ExportedObject::of(&tenant, hour, part, b"{}\n{}\n");
        let start = object(0).sha256.get(..8).unwrap().to_owned();
        assert_eq!(object(0).key, format!("acme/2026/11/21/10-0.{start}.ndjson"));
        assert_eq!(object(1).key, format!("acme/2026/11/21/10-1.{start}.ndjson"));
        // Other content has another key.
        assert_ne!(ExportedObject::of(&tenant, hour, 0, b"{}\n").key, object(0).key);
        assert_eq!(object(0).entries, 2);
        for part in [0, 1, 12] {
            assert_eq!(ExportedObject::hour_of(&object(part).key, &tenant), Some(hour));
        }
        let key = Digest::key(&tenant, hour);
        assert_eq!(key, "acme/digests/2026/11/21/10.json");
        assert_eq!(Digest::hour_of(&key, &tenant), Some(hour));
        assert_eq!(ExportedObject::hour_of(&key, &tenant), None);
        assert_eq!(Digest::hour_of(&key, &"globex".parse().unwrap()), None);
        for wrong in ["10", "10-0", "10-x.9f86d081", "10-0.9f86", "10-0.9f86d08x", "10-extra"] {
            let key = format!("acme/2026/11/21/{wrong}.ndjson");
            assert_eq!(ExportedObject::hour_of(&key, &tenant), None, "{key}");
        }
    }

    #[test]
    fn a_hash_is_as_sha256sum_prints_it() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
    }
}
