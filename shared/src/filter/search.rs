//! The search for the users who fulfil a filter, page by page.
//!
//! The branches of the filter's plan are followed one after another. A branch skips users that an
//! earlier branch has yielded. The look-ups that a user stores tell that, so a cursor need not
//! remember users between pages. The whole filter is compared with each user as it is in the table.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Branch, Candidate, CandidateSource, Filter};
use crate::domain::error::Result;
use crate::domain::id::UserId;
use crate::domain::lookup::ValueHash;
use crate::domain::schema::Schema;
use crate::store::Table;
use crate::store::index::Position;
use crate::store::listing::{ChangeWindow, WalkPosition};
use crate::store::users::StoredUser;

/// The most candidates that are read at once.
const BATCH: usize = 100;
/// How many candidates a call reads at the most; the next one continues after them.
const MAX_READ: usize = 1000;
/// How many bytes of candidates one call reads at the most, near enough.
const MAX_READ_BYTES: usize = 20_000_000;

/// The position at which the next page starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchPosition {
    /// The hash of the branches of the previous page.
    plan: String,
    branch: usize,
    place: BranchPosition,
}

/// A position in a branch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum BranchPosition {
    /// Its start.
    #[default]
    Start,
    /// After this position in its look-up.
    After(String),
    /// In this shard of the listing, after this position. Cursors hold it in this form.
    Shard(u8, Option<Position>),
}

impl BranchPosition {
    fn of_walk(walk: WalkPosition) -> Self {
        let (shard, position) = walk.into();
        Self::Shard(shard, position)
    }
}

/// The limits of a page.
#[derive(Clone, Copy, Debug)]
pub struct SearchLimits {
    /// The most users.
    pub users: usize,
    /// The most bytes of their stored content, near enough; one user always fits.
    pub bytes: usize,
}

/// A search for users by one filter.
#[derive(Debug)]
pub struct UserSearch<'s> {
    table: &'s Table,
    schema: &'s Schema,
    filter: &'s Filter,
    branches: Vec<Branch>,
}

/// Candidates, each with the position after it, and the position at which there may be more.
type CandidatePage = (Vec<(UserId, BranchPosition)>, Option<BranchPosition>);

impl<'s> UserSearch<'s> {
    /// Plans the search among the users of the schema's tenant.
    #[must_use]
    pub fn of(table: &'s Table, schema: &'s Schema, filter: &'s Filter) -> Self {
        Self { table, schema, filter, branches: filter.plan(schema) }
    }

    /// The branches that it follows.
    #[must_use]
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// Whether it walks the listing, which is behind the table by a moment.
    #[must_use]
    pub fn walks_listing(&self) -> bool {
        self.branches.iter().any(|branch| matches!(branch.source, CandidateSource::Listing(_)))
    }

    /// Whether a position is one of this search; it is not if the filter is planned in another way
    /// now.
    #[must_use]
    pub fn is_of_plan(&self, position: &SearchPosition) -> bool {
        position.plan == self.digest()
    }

    /// A hash that distinguishes plans.
    fn digest(&self) -> String {
        let sources: Vec<_> =
            self.branches.iter().map(|branch| branch.source.to_string()).collect();
        ValueHash::of(&sources.join("\n")).to_string()
    }

    /// Follows the branches from here on until the page is full, enough was read or no candidates
    /// remain. Also returns the start of the next page, if there is one.
    pub async fn page(
        &self,
        from: Option<&SearchPosition>,
        limits: SearchLimits,
    ) -> Result<(SearchPage, Option<SearchPosition>)> {
        let (first, mut place) =
            from.map_or_else(Default::default, |from| (from.branch, from.place.clone()));
        let mut page = SearchPage::of(limits);
        for (number, branch) in self.branches.iter().enumerate().skip(first) {
            let stopped =
                self.scan_branch(number, branch, std::mem::take(&mut place), &mut page).await?;
            if let Some(place) = stopped {
                let plan = self.digest();
                return Ok((page, Some(SearchPosition { plan, branch: number, place })));
            }
        }
        Ok((page, None))
    }

    /// Follows one branch; returns the place at which it was left before its end.
    ///
    /// As many candidates are read as the page has room for, and twice as many after each time that
    /// some of them did not fit.
    async fn scan_branch(
        &self,
        number: usize,
        branch: &Branch,
        start: BranchPosition,
        page: &mut SearchPage,
    ) -> Result<Option<BranchPosition>> {
        let tenant = &self.schema.tenant;
        let earlier = self.branches.get(..number).unwrap_or_default();
        let mut place = start;
        let mut batch = 0;
        loop {
            if page.is_full() || page.visited >= MAX_READ || page.read_bytes >= MAX_READ_BYTES {
                return Ok(Some(place));
            }
            batch = page.room().max(batch * 2).min(BATCH).min(MAX_READ - page.visited);
            let (candidates, next) = self.candidates(&branch.source, &place, batch).await?;
            page.visited += candidates.len();
            let mut found = self.read(&candidates).await?;
            page.read += found.len();
            page.read_bytes += found.values().map(StoredUser::size).sum::<usize>();
            for (id, after) in candidates {
                if page.is_full() {
                    return Ok(Some(place));
                }
                let due = found.get(&id).is_some_and(|user| {
                    let led = match &after {
                        BranchPosition::After(position) => {
                            branch.source.finds_at(user, tenant, position)
                        }
                        BranchPosition::Start | BranchPosition::Shard(..) => {
                            branch.source.finds(user)
                        }
                    };
                    let given =
                        earlier.iter().any(|branch| branch.source.finds(user)) || page.contains(id);
                    led && !given && self.filter.matches(&Candidate::from(&user.value), self.schema)
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

    /// The candidates that exist; a candidate that several values find is read once.
    async fn read(
        &self,
        candidates: &[(UserId, BranchPosition)],
    ) -> Result<HashMap<UserId, StoredUser>> {
        let (tenant, table) = (&self.schema.tenant, self.table);
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
    async fn candidates(
        &self,
        source: &CandidateSource,
        place: &BranchPosition,
        limit: usize,
    ) -> Result<CandidatePage> {
        let (tenant, table) = (&self.schema.tenant, self.table);
        let after = match place {
            BranchPosition::After(position) => Some(position.as_str()),
            BranchPosition::Start | BranchPosition::Shard(..) => None,
        };
        let entries = match source {
            CandidateSource::Id(id) => {
                return Ok((
                    id.parse().map(|id| (id, BranchPosition::Start)).into_iter().collect(),
                    None,
                ));
            }
            CandidateSource::Listing(changed) => return self.listed(*changed, place, limit).await,
            CandidateSource::Lookup(lookup) => table.users_of(tenant, lookup, after, limit).await?,
            CandidateSource::Prefix { attribute, start } => {
                table.users_starting(tenant, attribute, start, after, limit).await?
            }
        };
        let users = entries
            .users
            .into_iter()
            .map(|(user, position)| (user, BranchPosition::After(position)));
        Ok((users.collect(), entries.next.map(BranchPosition::After)))
    }

    /// The next users of the listing.
    async fn listed(
        &self,
        changed: ChangeWindow,
        place: &BranchPosition,
        limit: usize,
    ) -> Result<CandidatePage> {
        let (tenant, table) = (&self.schema.tenant, self.table);
        let mut next = match place {
            BranchPosition::Shard(shard, position) => {
                WalkPosition::from((*shard, position.clone()))
            }
            BranchPosition::Start | BranchPosition::After(_) => WalkPosition::default(),
        };
        let mut users = Vec::new();
        while !next.is_end() && users.len() < limit {
            let page = table.walk_listing(tenant, changed, &next, limit - users.len()).await?;
            let found = page.users.into_iter();
            users.extend(found.map(|(user, position)| (user, BranchPosition::of_walk(position))));
            next = page.next;
        }
        Ok((users, (!next.is_end()).then(|| BranchPosition::of_walk(next))))
    }
}

/// A page of users who match the filter.
#[derive(Debug)]
pub struct SearchPage {
    /// The users.
    pub users: Vec<StoredUser>,
    /// How many users were read and compared.
    pub read: usize,
    limits: SearchLimits,
    /// How many candidates were looked for.
    visited: usize,
    /// How many bytes those have that were read.
    read_bytes: usize,
    bytes: usize,
}

impl SearchPage {
    const fn of(limits: SearchLimits) -> Self {
        Self { users: Vec::new(), read: 0, limits, visited: 0, read_bytes: 0, bytes: 0 }
    }

    const fn is_full(&self) -> bool {
        self.users.len() >= self.limits.users
    }

    /// How many more users there is room for.
    const fn room(&self) -> usize {
        self.limits.users.saturating_sub(self.users.len())
    }

    /// Whether the user is on the page already: a user who changes during the walk appears again.
    fn contains(&self, id: UserId) -> bool {
        self.users.iter().any(|user| user.value.id == id)
    }

    /// Takes a user onto the page unless it would grow too large; the first always fits.
    fn take(&mut self, user: StoredUser) -> bool {
        if self.bytes + user.size() > self.limits.bytes && !self.users.is_empty() {
            return false;
        }
        self.bytes += user.size();
        self.users.push(user);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h7_a_position_in_the_listing_keeps_the_form_that_cursors_hold() {
        let place = BranchPosition::of_walk(WalkPosition::from((3, None)));
        assert_eq!(serde_json::to_string(&place).unwrap(), r#"{"Shard":[3,null]}"#);
    }
}
