//! One entry as an item, and the head of its chain.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;

use super::key::AuditKey;
use crate::domain::audit::{AuditSettings, Chain, Detail, Entry, Level, Previous, Restart};
use crate::domain::error::{Error, Result};
use crate::domain::id::{TenantId, UserId};
use crate::domain::versioned::{Version, content};
use crate::env::{Env, Timestamp};
use crate::seal;
use crate::store::item::Item;
use crate::store::keys::{self, Key};

/// The end of what never ends: the last time that can be written.
pub(super) const NEVER: Timestamp = Timestamp::from_millis(253_402_300_799_999);
/// By how much an entry may end before the entry before it: clocks differ. Past it the retention is
/// shorter now.
const SKEW_SECONDS: i64 = 24 * 3600;

/// A code.
type Mac = [u8; 32];

/// The last entry of a chain, as the item that guards the chain names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its sequence.
    pub sequence: Version,
    /// The version of the guarding item in which the head was written.
    pub version: Version,
    /// The time from which it may be gone.
    pub ends: Timestamp,
    /// Its code.
    pub entry: Mac,
    /// The code of the head itself.
    mac: Mac,
}

impl Head {
    fn of(key: &AuditKey, place: Place<'_>, ends: Timestamp, entry: Mac) -> Self {
        let (sequence, version) = (place.sequence, place.sequence);
        let head = Self { sequence, version, ends, entry, mac: Mac::default() };
        head.signed(key, place.tenant, place.chain)
    }

    fn signed(mut self, key: &AuditKey, tenant: &TenantId, chain: Chain) -> Self {
        self.mac = self.code(key, tenant, chain);
        self
    }

    /// The same last entry, as the guarding item names it in a later version that has no entry.
    #[must_use]
    pub(super) fn carried_to(
        self,
        version: Version,
        key: &AuditKey,
        tenant: &TenantId,
        chain: Chain,
    ) -> Self {
        Self { version, ..self }.signed(key, tenant, chain)
    }

    fn code(&self, key: &AuditKey, tenant: &TenantId, chain: Chain) -> Mac {
        let chain = chain.to_string();
        key.authenticate(&[
            b"head",
            tenant.as_str().as_bytes(),
            chain.as_bytes(),
            &self.sequence.0.to_be_bytes(),
            &self.version.0.to_be_bytes(),
            &self.ends.millis().to_be_bytes(),
            &self.entry,
        ])
    }

    /// Reads the attribute; `None` if it is no head.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (sequence, rest) = bytes.split_first_chunk::<8>()?;
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (ends, rest) = rest.split_first_chunk::<8>()?;
        let (entry, rest) = rest.split_first_chunk::<32>()?;
        let mac = rest.try_into().ok()?;
        let [sequence, version] = [sequence, version].map(|n| Version(u64::from_be_bytes(*n)));
        let ends = Timestamp::from_millis(i64::from_be_bytes(*ends));
        Some(Self { sequence, version, ends, entry: *entry, mac })
    }

    /// The attribute.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.sequence.0.to_be_bytes().to_vec();
        bytes.extend(self.version.0.to_be_bytes());
        bytes.extend(self.ends.millis().to_be_bytes());
        bytes.extend(self.entry);
        bytes.extend(self.mac);
        bytes
    }

    /// Whether the service wrote it, of this chain.
    #[must_use]
    pub fn is_authentic(&self, key: &AuditKey, tenant: &TenantId, chain: Chain) -> bool {
        self.mac.ct_eq(&self.code(key, tenant, chain)).into()
    }

    /// What the next entry keeps of this one.
    pub(super) fn previous(&self) -> Previous {
        Previous {
            sequence: self.sequence,
            mac: URL_SAFE_NO_PAD.encode(self.entry),
            ends: self.ends,
        }
    }
}

/// Where an entry stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    tenant: &'p TenantId,
    chain: Chain,
    sequence: Version,
}

impl Place<'_> {
    /// What binds sealed values to their entry.
    fn text(self) -> String {
        format!("{}\n{}\n{}", self.tenant, self.chain, self.sequence.0)
    }

    /// The code of an entry.
    fn code(self, key: &AuditKey, doc: &str, sealed: &[u8], salt: &[u8]) -> Mac {
        let (chain, sealed) = (self.chain.to_string(), digest(&SHA256, sealed));
        key.authenticate(&[
            b"entry",
            self.tenant.as_str().as_bytes(),
            chain.as_bytes(),
            &self.sequence.0.to_be_bytes(),
            doc.as_bytes(),
            sealed.as_ref(),
            salt,
        ])
    }
}

/// An entry that is to be appended to a chain.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// What everybody sees who reads the audit; the link to the entry before is set here.
    pub entry: Entry,
    /// What is sealed.
    pub detail: Detail,
}

impl NewEntry {
    /// The item of the entry at `sequence` after `head`, and the head that names it. The caller has
    /// made sure that the service wrote `head`, or says in `restart` why it is not known.
    pub(super) fn link(
        mut self,
        (key, env): (&AuditKey, &Env),
        settings: &AuditSettings,
        (tenant, chain, sequence): (&TenantId, Chain, Version),
        (head, restart): (Option<&Head>, Option<Restart>),
    ) -> Result<(Item, Head)> {
        let place = Place { tenant, chain, sequence };
        if settings.level != Level::Values {
            self.detail.values.clear();
        }
        self.entry.previous = head.map(Head::previous);
        self.entry.restart = restart;
        let never = matches!(chain, Chain::Ledger(chain) if chain.never_ends());
        let wanted = if never || settings.legal_hold { NEVER } else { settings.end(self.entry.at) };
        let before = head.map_or(wanted, |head| head.ends);
        self.entry.shortened = before > wanted.plus_seconds(SKEW_SECONDS);
        let ends = if self.entry.shortened { wanted } else { wanted.max(before) };
        self.entry.ends = Some(ends).filter(|ends| *ends < NEVER);
        self.entry.listed = settings.search && matches!(chain, Chain::User(_));
        let doc = String::from_utf8(content(&self.entry)).map_err(Error::unexpected)?;
        let salt: [u8; 16] = env.random.bytes();
        let sealed = if self.detail.is_empty() {
            Vec::new()
        } else {
            let values = key.of_values(tenant, chain, &salt);
            seal::seal(&values, &place.text(), content(&self.detail), env)?
        };
        let mac = place.code(key, &doc, &sealed, &salt);
        let head = Head::of(key, place, ends, mac);
        let mut item = Item::at(&Key::audit_entry(tenant, chain, sequence)).text("doc", doc);
        if !sealed.is_empty() {
            item = item.bytes("sealed", sealed);
        }
        item = item.bytes("salt", salt.to_vec()).bytes("mac", mac.to_vec());
        if let Some(ends) = self.entry.ends {
            item = item.expiring(ends);
        }
        if let Chain::User(user) = chain {
            item = item.text("holder", user.to_string());
            if self.entry.listed {
                let (day, position) = listed_at(tenant, user, self.entry.at, sequence);
                item = item.listed(day, position);
            }
        }
        Ok((item, head))
    }
}

/// Where the entry of a user stands in the index.
pub(super) fn listed_at(
    tenant: &TenantId,
    user: UserId,
    at: Timestamp,
    sequence: Version,
) -> (String, String) {
    (keys::audit_day(tenant, &at.day(), user), format!("{at}#{user}#{:010}", sequence.0))
}

/// An entry as it was read.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// Its sequence.
    pub sequence: Version,
    /// The part that every reader of the audit sees; `None` if it cannot be read.
    pub entry: Option<Entry>,
    doc: String,
    sealed: Vec<u8>,
    salt: Vec<u8>,
    /// Its code, as stored.
    pub mac: Vec<u8>,
}

impl StoredEntry {
    /// Reads an item; `None` if its key is not that of an entry.
    #[must_use]
    pub fn read(item: &Item) -> Option<Self> {
        let sequence = keys::sequence_of_entry(item.key().sk())?;
        let doc = item.get_text("doc").unwrap_or_default().to_owned();
        let bytes = |name| item.get_bytes(name).unwrap_or_default().to_vec();
        let entry = serde_json::from_str(&doc).ok();
        let (sealed, salt, mac) = (bytes("sealed"), bytes("salt"), bytes("mac"));
        Some(Self { sequence, entry, doc, sealed, salt, mac })
    }

    /// Whether the service wrote it, at this place of this chain.
    #[must_use]
    pub fn is_authentic(&self, key: &AuditKey, tenant: &TenantId, chain: Chain) -> bool {
        let place = Place { tenant, chain, sequence: self.sequence };
        let code = place.code(key, &self.doc, &self.sealed, &self.salt);
        self.mac.ct_eq(&code).into()
    }

    /// Opens the sealed part; `None` if it cannot be opened. What has none is empty.
    #[must_use]
    pub fn open(&self, key: &AuditKey, tenant: &TenantId, chain: Chain) -> Option<Detail> {
        if self.sealed.is_empty() {
            return Some(Detail::default());
        }
        let place = Place { tenant, chain, sequence: self.sequence };
        let values = key.of_values(tenant, chain, &self.salt);
        let plain = seal::open(&values, &place.text(), &self.sealed)?;
        serde_json::from_slice(&plain).ok()
    }

    /// What the entry after this one is linked to, if no guarding item tells: this entry as a head.
    /// `None` if the service did not write it.
    pub(super) fn as_head(&self, key: &AuditKey, tenant: &TenantId, chain: Chain) -> Option<Head> {
        if !self.is_authentic(key, tenant, chain) {
            return None;
        }
        let ends = self.entry.as_ref()?.ends.unwrap_or(NEVER);
        let place = Place { tenant, chain, sequence: self.sequence };
        Some(Head::of(key, place, ends, self.mac.as_slice().try_into().ok()?))
    }
}
