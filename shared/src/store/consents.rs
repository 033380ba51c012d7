//! Consents in the table: what people decided, and the texts that they read.
//!
//! A record and its history stand in the partition of their user, where a forget finds them. Every
//! write of a record passes [`Table::record_consent`]: the record under the version that was read,
//! and the next entry of its history.

use std::collections::BTreeSet;

use super::audit::UserRecord;
use super::index::{Position, SortRange};
use super::item::Item;
use super::keys::{self, Child, Key, NamedConsent};
use super::retry::Retry;
use super::table::{Range, Table};
use super::users::check_exists;
use super::write::{CommitError, Condition, Write};
use crate::domain::audit::{Operation, diff_consent};
use crate::domain::author::Author;
use crate::domain::consent::{
    Consent, ConsentEvent, ConsentRecord, ConsentText, HistoryKind, Withheld, governing,
};
use crate::domain::definition::DefinitionKind;
use crate::domain::error::{Error, Result};
use crate::domain::id::{PartyId, ProfileName, TenantId, UserId};
use crate::domain::schema::Schema;
use crate::domain::versioned::Versioned;
use crate::env::Timestamp;

/// How many records of which a grant has ended are found at once.
const ENDING: i32 = 100;

/// A record of a consent: whose, about which consent, and for which system.
#[derive(Clone, Copy, Debug)]
pub struct ConsentOf<'c> {
    /// The user.
    pub user: UserId,
    /// The consent.
    pub consent: &'c PartyId,
    /// The system; `None` for the controller.
    pub audience: Option<&'c PartyId>,
}

impl ConsentOf<'_> {
    /// The record of a person who decided nothing.
    #[must_use]
    pub fn empty(&self) -> ConsentRecord {
        ConsentRecord::empty(self.consent.clone(), self.audience.cloned())
    }

    fn key(&self, tenant: &TenantId) -> Key {
        Key::child(tenant, self.user, Child::Consent(self.consent, self.audience))
    }
}

impl Table {
    /// Writes what a person decided: the record, and one more entry of its history. `decide` says
    /// which, given the record as it is then and those of the same consent for other audiences;
    /// `None` writes nothing. Returns the record as it is then, if there is one, and whether it was
    /// written.
    ///
    /// A record that exists is written only while it exists, and an erasure deletes it, so the first
    /// entry alone checks that the user is not deleted (ADR 0061).
    pub async fn record_consent(
        &self,
        author: &Author,
        schema: &Schema,
        of: ConsentOf<'_>,
        mut decide: impl FnMut(
            Option<&Versioned<ConsentRecord>>,
            &[ConsentRecord],
        ) -> Result<Option<ConsentEvent>>
        + Send,
    ) -> Result<(Option<Versioned<ConsentRecord>>, bool)> {
        let tenant = &author.tenant;
        let write_id = self.write_id();
        let mut retry = Retry::of(self);
        loop {
            let (stored, others) = self.consent_among_others(tenant, of).await?;
            if stored.as_ref().is_some_and(|stored| stored.log.contains(write_id)) {
                return Ok((stored, true));
            }
            let Some(event) = decide(stored.as_ref(), &others)? else {
                return Ok((stored, false));
            };
            if event.grants() {
                self.check_current(schema).await?;
            }
            let systems = of.audience.map(|system| (DefinitionKind::System, system.to_string()));
            self.mark_used(schema, systems).await?;
            let (next, condition) = if let Some(stored) = &stored {
                stored.value.check_room(&event)?;
                let next = stored.changed_to(stored.value.clone().with(&event));
                (next, Condition::Version(stored.version))
            } else {
                (Versioned::first(of.empty().with(&event)), Condition::Absent)
            };
            let mut writes = Vec::new();
            let audited = Self::is_audited(schema);
            if audited {
                let user = self.find_user(tenant, of.user).await?.ok_or(Error::NotFound)?;
                let changes =
                    diff_consent(stored.as_ref().map(|stored| &stored.value), &next.value);
                let record = UserRecord { operation: Some(operation(event.kind)), changes };
                let usual = check_exists(tenant, of.user);
                let guard = self.guard_child(author, schema, &user, record, usual).await?;
                writes.push(guard.user);
                writes.extend(guard.entry);
            } else if stored.is_none() {
                writes.push(check_exists(tenant, of.user));
            }
            let entry = self.history_item(schema, of, event, &next.value.digest);
            writes.push(Write::Put(record_item(tenant, of, &next), condition));
            writes.push(Write::Put(entry, Condition::Absent));
            match self.commit_user_writes(write_id, writes).await {
                Ok(()) => return Ok((Some(next), true)),
                Err(failed) if !audited && stored.is_none() && failed.at(0) => {
                    return Err(Error::NotFound);
                }
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// The record, and those of the same consent for other audiences.
    async fn consent_among_others(
        &self,
        tenant: &TenantId,
        of: ConsentOf<'_>,
    ) -> Result<(Option<Versioned<ConsentRecord>>, Vec<ConsentRecord>)> {
        let (mut own, mut others) = (None, Vec::new());
        for record in self.consents_of(tenant, of.user, Some(of.consent)).await? {
            if record.value.audience.as_ref() == of.audience {
                own = Some(record);
            } else {
                others.push(record.value);
            }
        }
        Ok((own, others))
    }

    /// Refuses to decide by a remembered configuration that has changed: nobody agrees to what is
    /// not in effect any more.
    async fn check_current(&self, schema: &Schema) -> Result<()> {
        if schema.verified {
            return Ok(());
        }
        let now = self.epoch(&schema.tenant).await?.map(|epoch| epoch.version);
        if now == schema.epoch.as_ref().map(|epoch| epoch.version) {
            Ok(())
        } else {
            Err(Error::Outdated)
        }
    }

    /// The item of an entry. Where proofs are kept, it has the digest of the history up to it, as
    /// receipts have it.
    fn history_item(
        &self,
        schema: &Schema,
        of: ConsentOf<'_>,
        event: ConsentEvent,
        digest: &str,
    ) -> Item {
        let (tenant, now) = (&schema.tenant, self.env.clock.now());
        let at = event.at.to_string();
        let entry = Child::ConsentHistory(of.consent, of.audience, event.sequence, event.kind);
        let item = Item::at(&Key::child(tenant, of.user, entry))
            .versioned(&Versioned::first(event))
            .text("holder", of.user.to_string());
        let proves = |consent: &Consent| consent.content_at(now).keep_proof;
        if schema.consent(of.consent).is_some_and(proves) {
            item.text("proof", digest).text("proof_at", at)
        } else {
            item
        }
    }

    /// Reads a record.
    pub async fn consent_of(
        &self,
        tenant: &TenantId,
        of: ConsentOf<'_>,
    ) -> Result<Option<Versioned<ConsentRecord>>> {
        self.get(&of.key(tenant)).await?.map(|item| item.read()).transpose()
    }

    /// All records of a user, or those about one consent, in the order of consents and systems.
    pub async fn consents_of(
        &self,
        tenant: &TenantId,
        user: UserId,
        consent: Option<&PartyId>,
    ) -> Result<Vec<Versioned<ConsentRecord>>> {
        let pk = keys::partition_of_user(tenant, user);
        let items = self.query_all(&pk, Range::StartsWith(&keys::consents(consent))).await?;
        items.iter().map(Item::read).collect()
    }

    /// The history of a record, oldest entry first.
    pub async fn consent_history(
        &self,
        tenant: &TenantId,
        of: ConsentOf<'_>,
    ) -> Result<Vec<ConsentEvent>> {
        let pk = keys::partition_of_user(tenant, of.user);
        let start = keys::consent_history(of.consent, of.audience);
        let items = self.query_all(&pk, Range::StartsWith(&start)).await?;
        items.iter().map(|item| Ok(item.read()?.value)).collect()
    }

    /// Some entries of the history of a record after the one of this number, at most `limit`.
    pub async fn consent_events(
        &self,
        tenant: &TenantId,
        of: ConsentOf<'_>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ConsentEvent>> {
        let pk = keys::partition_of_user(tenant, of.user);
        let start = keys::consent_history(of.consent, of.audience);
        let mut after = keys::after_consent_entry(of.consent, of.audience, after);
        let mut events = Vec::new();
        while events.len() < limit {
            let left = i32::try_from(limit - events.len()).ok();
            let page = self.query(&pk, Range::StartsWith(&start), Some(&after), left).await?;
            for item in &page.items {
                events.push(item.read()?.value);
            }
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        Ok(events)
    }

    /// What a system does not get of a user, or the controller's own applications. Reads nothing for
    /// a tenant without attributes that consents govern.
    pub async fn withheld(
        &self,
        schema: &Schema,
        user: UserId,
        audience: Option<&PartyId>,
    ) -> Result<Withheld> {
        let keys = governing_keys(schema, user, audience);
        let items = if keys.is_empty() { Vec::new() } else { self.get_many(&keys).await? };
        self.withheld_in(schema, &items, audience)
    }

    /// What is withheld, going by the records among these items of one user.
    pub(super) fn withheld_in(
        &self,
        schema: &Schema,
        items: &[Item],
        audience: Option<&PartyId>,
    ) -> Result<Withheld> {
        let records = items.iter().filter(|item| is_record(item));
        let records = records.map(|item| Ok(item.read::<ConsentRecord>()?.value));
        let records = records.collect::<Result<Vec<_>>>()?;
        Ok(Withheld::of(schema, &records, audience, self.env.clock.now()))
    }

    /// Some records of one shard of which a grant has ended, and whose subscribers do not know yet;
    /// and where the next ones start.
    pub async fn ended_consents(
        &self,
        tenant: &TenantId,
        shard: u8,
        after: Option<&Position>,
    ) -> Result<(Vec<(UserId, NamedConsent)>, Option<Position>)> {
        let now = self.env.clock.now().next().to_string();
        let index = keys::ending_consents_shard(tenant, shard);
        let page = self.query_index(&index, SortRange::Before(&now), after, Some(ENDING)).await?;
        let named = |key: &Key| {
            let (_, user) = keys::owner_of_partition(key.pk())?;
            Some((user, NamedConsent::of(key.sk())?))
        };
        Ok((page.keys.iter().filter_map(named).collect(), page.next))
    }

    /// The user whom a system knows by this name, by reads of single items alone.
    pub async fn find_holder(
        &self,
        tenant: &TenantId,
        system: &PartyId,
        name: &ProfileName,
    ) -> Result<Option<UserId>> {
        let Some(user) = self.owner_of(tenant, system, name).await? else { return Ok(None) };
        let profile = self.profile_of(tenant, user, system).await?;
        // The user may have come back with another profile since the look-up was read.
        let known = profile.is_some_and(|profile| match name {
            ProfileName::Profile(id) => *id == profile.value.id,
            ProfileName::Base(_) => true,
        });
        Ok(known.then_some(user))
    }

    /// Reads the texts of a version.
    pub async fn consent_text(
        &self,
        tenant: &TenantId,
        consent: &PartyId,
        number: u32,
    ) -> Result<Option<Versioned<ConsentText>>> {
        let item = self.get(&Key::consent_text(tenant, consent, number)).await?;
        item.map(|item| item.read()).transpose()
    }

    /// When the last entry was made of the history with this digest, if a proof of it is kept.
    pub async fn consent_proof(
        &self,
        tenant: &TenantId,
        digest: &str,
    ) -> Result<Option<Timestamp>> {
        let item = self.get(&Key::consent_proof(tenant, digest)).await?;
        Ok(item.and_then(|item| item.get_text("at").and_then(Timestamp::parse)))
    }
}

/// The write that stores the texts of a new version. The epoch of the definitions guards it.
#[must_use]
pub fn put_consent_text(tenant: &TenantId, consent: &PartyId, text: &ConsentText) -> Write {
    let key = Key::consent_text(tenant, consent, text.number);
    let text = Versioned::first(text.clone());
    Write::Put(Item::at(&key).versioned(&text), Condition::Guarded)
}

/// The write that keeps the proof of an entry which is about to be deleted, if it is to be kept: no
/// more than digest and time.
pub(super) fn keep_proof(tenant: &TenantId, child: &Item) -> Option<Write> {
    let (digest, at) = (child.get_text("proof")?, child.get_text("proof_at")?);
    let proof = Item::at(&Key::consent_proof(tenant, digest)).text("at", at);
    Some(Write::Put(proof, Condition::Guarded))
}

/// The keys of the records that decide what an audience gets of a user.
pub(super) fn governing_keys(
    schema: &Schema,
    user: UserId,
    audience: Option<&PartyId>,
) -> Vec<Key> {
    let audiences: BTreeSet<_> = [None, audience].into();
    let mut keys = Vec::new();
    for consent in governing(schema) {
        for audience in &audiences {
            keys.push(Key::child(&schema.tenant, user, Child::Consent(consent, *audience)));
        }
    }
    keys
}

/// The operation of an entry of a history, as the audit names it.
const fn operation(kind: HistoryKind) -> Operation {
    match kind {
        HistoryKind::Granted => Operation::ConsentGrant,
        HistoryKind::Denied => Operation::ConsentDeny,
        HistoryKind::Withdrawn => Operation::ConsentWithdraw,
        HistoryKind::Expired => Operation::ConsentExpire,
    }
}

fn is_record(item: &Item) -> bool {
    NamedConsent::of(item.key().sk()).is_some_and(|named| named.entry.is_none())
}

fn record_item(tenant: &TenantId, of: ConsentOf<'_>, record: &Versioned<ConsentRecord>) -> Item {
    let item = Item::at(&of.key(tenant)).versioned(record).text("holder", of.user.to_string());
    match record.value.next_end() {
        Some(end) => item.listed(keys::ending_consents(tenant, of.user), end.to_string()),
        None => item,
    }
}
