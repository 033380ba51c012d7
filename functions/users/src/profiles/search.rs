//! `GET …/users?filter=`: exactly one profile of a system, by its effective view.
//!
//! A person who matches is found in one of two places: by the look-ups of base profiles, where the
//! value that is looked up is inherited, or by those of the system's overrides. Each candidate is
//! compared with the filter by its effective view. So an inherited value that this system overrides
//! does not count, and a person without a profile in this system is not found.

use std::collections::HashSet;

use shared::domain::Json;
use shared::domain::consent::governed;
use shared::domain::error::{Error, Result};
use shared::domain::id::UserId;
use shared::filter::{Candidate, CandidateSource, Filter};
use shared::http::Call;
use shared::http::answer::HandlerResult;
use shared::store::system_profiles::EffectiveProfile;

use super::super::system_context::SystemContext;
use super::show;

/// How many candidates are read at once.
const BATCH: usize = 100;
/// How many people one call looks at. Whether one of more is the only one is not found out: the
/// filter has to name something rarer.
const MAX_CANDIDATES: usize = 1000;

/// Finds exactly one profile.
pub async fn search(call: Call) -> HandlerResult {
    const REQUIRED: &str = "the query parameter `filter` is required, e.g. `preferred_email eq \
                            \"jan@example.org\"`";
    let filter = call.query("filter").ok_or_else(|| Error::Malformed(REQUIRED.to_owned()))?;
    let filter = Json::from(filter);
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let filter = Filter::of_profiles(&filter, &schema)?;
            let context = SystemContext::of(&call, &schema)?;
            let mut search = ProfileSearch {
                call: &call,
                context: &context,
                filter: &filter,
                seen: HashSet::new(),
                found: None,
                count: 0,
            };
            for branch in filter.plan_profiles(&context.system.id, &schema)? {
                search.follow(branch.source).await?;
            }
            match (search.found, search.count) {
                (Some(found), 1) => show(&call, &context, &found),
                (None, _) => Err(Error::NotFound),
                (_, several) => Err(Error::Several(several)),
            }
        })
        .await
}

struct ProfileSearch<'s> {
    call: &'s Call,
    context: &'s SystemContext<'s>,
    filter: &'s Filter,
    seen: HashSet<UserId>,
    found: Option<EffectiveProfile>,
    count: usize,
}

impl ProfileSearch<'_> {
    /// Compares the filter with each candidate of a source.
    async fn follow(&mut self, source: CandidateSource) -> Result<()> {
        let (table, tenant, system) =
            (self.call.app.table(), self.context.tenant, &self.context.system.id);
        let lookup = match source {
            CandidateSource::Lookup(lookup) => lookup,
            CandidateSource::Id(id) => {
                let Ok(id) = id.parse() else { return Ok(()) };
                let schema = self.context.viewer().schema;
                let profile = table.find_profile(schema, system, id).await?;
                let new = profile.filter(|profile| self.seen.insert(profile.base.value.id));
                return self.compare(new.into_iter().collect());
            }
            CandidateSource::Prefix { .. } | CandidateSource::Listing(_) => {
                return Err(Error::unexpected(
                    "a filter of system profiles was planned by parts of values",
                ));
            }
        };
        let mut after = None;
        loop {
            let entries = table.users_of(tenant, &lookup, after.as_deref(), BATCH).await?;
            let users: HashSet<_> = entries
                .users
                .into_iter()
                .map(|(user, _)| user)
                .filter(|user| self.seen.insert(*user))
                .collect();
            if self.seen.len() > MAX_CANDIDATES {
                // How many people have a value is not told where the system may not know it.
                if governed(self.context.viewer().schema).next().is_some() {
                    return Err(Error::NotFound);
                }
                let detail = format!(
                    "more than {MAX_CANDIDATES} people have this value; add a term that fewer \
                     people \
                     fulfil"
                );
                return Err(Error::UnsupportedFilter(detail));
            }
            let schema = self.context.viewer().schema;
            self.compare(table.find_profiles_of(schema, system, &users).await?)?;
            after = entries.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn compare(&mut self, profiles: Vec<EffectiveProfile>) -> Result<()> {
        let schema = self.context.viewer().schema;
        for profile in profiles {
            let (own, user) = (&profile.profile.value, profile.user());
            schema.check_covers(&user)?;
            let candidate = Candidate {
                id: own.id.to_string(),
                user: &user,
                created_at: own.created_at,
                updated_at: own.updated_at.max(profile.base.value.updated_at),
            };
            if self.filter.matches(&candidate, schema) {
                self.count += 1;
                self.found.get_or_insert(profile);
            }
        }
        Ok(())
    }
}
