//! `POST …/users:bulk-search`: the profiles that are named, or the selected parts of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use shared::domain::Json;
use shared::domain::error::{Code, Result, Violations};
use shared::domain::field::Fields;
use shared::domain::id::{ProfileName, UserId};
use shared::domain::json::Object;
use shared::domain::suggest::did_you_mean;
use shared::domain::system_profile::Viewer;
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};
use shared::store::system_profiles::EffectiveProfile;

use super::super::batch::{BATCH, BatchAnswer, MAX_IDS};
use super::super::system_context::SystemContext;

/// The most paths that one call selects.
pub const MAX_PATHS: usize = 300;
/// The longest id or path, in bytes.
pub const MAX_TEXT: usize = 256;
/// The fields of a profile that a call selects as a whole.
const FIELDS: [&str; 13] = [
    "id",
    "tenant_id",
    "system_id",
    "family_name",
    "given_name",
    "ui_locales",
    "preferred_email",
    "email_verified",
    "attributes",
    "system_attributes",
    "overrides",
    "created_at",
    "updated_at",
];

/// Answers with the profiles that are named, in that order.
pub async fn bulk(mut call: Call) -> HandlerResult {
    let body = call.take_body();
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let context = SystemContext::of(&call, &schema)?;
            let question = BulkQuery::read(body.clone(), context.viewer())?;
            let mut batch = BatchAnswer::new("profiles, or select less");
            for ids in question.ids.chunks(BATCH) {
                let found = find(&call, &context, ids).await?;
                for id in ids {
                    let profile = id.parse().ok().and_then(|name: ProfileName| found.get(&name));
                    let shown = profile.map(|profile| context.show(profile)).transpose()?;
                    let shown = profile
                        .zip(shown)
                        .map(|(profile, shown)| profile.tag().with(question.select(shown)));
                    batch.take(id, shown)?;
                }
            }
            Ok(Answer::content(batch.show()))
        })
        .await
}

/// The profiles that these ids name.
async fn find(
    call: &Call,
    context: &SystemContext<'_>,
    ids: &[String],
) -> Result<HashMap<ProfileName, EffectiveProfile>> {
    let (table, tenant, system) = (call.app.table(), context.tenant, &context.system.id);
    let names: HashSet<ProfileName> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let holders = table.holders_of(tenant, system, &names).await?;
    let users: HashSet<UserId> = holders.values().copied().collect();
    let found = table.find_profiles_of(context.viewer().schema, system, &users).await?;
    let found: HashMap<UserId, EffectiveProfile> =
        found.into_iter().map(|found| (found.base.value.id, found)).collect();
    let named = holders.into_iter().filter_map(|(name, user)| {
        let profile = found.get(&user)?;
        // The user may have come back with another profile since the look-up was read.
        let stands = !matches!(name, ProfileName::Profile(id) if id != profile.profile.value.id);
        stands.then(|| (name, profile.clone()))
    });
    Ok(named.collect())
}

struct BulkQuery {
    ids: Vec<String>,
    select: Option<Selection>,
}

impl BulkQuery {
    fn read(body: Json, viewer: Viewer<'_>) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(body, "", &mut violations);
        let ids = fields.required_texts("ids", MAX_IDS, MAX_TEXT).unwrap_or_default();
        let paths = fields.texts("select", MAX_PATHS, MAX_TEXT);
        let select = paths.map(|paths| Selection::read(&paths, viewer, &mut fields));
        fields.finish();
        violations.check(Self { ids, select })
    }

    /// The selected fields of a profile, and always its id.
    fn select(&self, shown: Object) -> Object {
        match &self.select {
            None => shown,
            Some(selection) => selection.of(shown),
        }
    }
}

/// Parts of profiles.
#[derive(Default)]
struct Selection {
    /// Fields as a whole.
    fields: BTreeSet<&'static str>,
    /// Attributes of the system.
    own: BTreeSet<String>,
    /// Inherited custom attributes, by category and name.
    inherited: BTreeMap<String, BTreeSet<String>>,
}

impl Selection {
    fn read(paths: &[String], viewer: Viewer<'_>, fields: &mut Fields<'_>) -> Self {
        let mut selection = Self { fields: BTreeSet::from(["id"]), ..Self::default() };
        for (i, path) in paths.iter().enumerate() {
            if !selection.add(path, viewer) {
                let meant = did_you_mean(path, FIELDS);
                let detail = format!(
                    "expected a field of system profiles, `system_attributes.<name>` or \
                     `attributes.<category>.<name>`{meant}"
                );
                fields.refuse_item("select", i, Code::Unknown, detail);
            }
        }
        selection
    }

    /// Adds a path, if there is such a one for these eyes.
    fn add(&mut self, path: &str, viewer: Viewer<'_>) -> bool {
        if let Some(field) = FIELDS.into_iter().find(|field| *field == path) {
            self.fields.insert(field);
            return true;
        }
        if let Some(name) =
            path.strip_prefix("system_attributes.").filter(|name| viewer.declares(name))
        {
            self.own.insert(name.to_owned());
            return true;
        }
        let named = path.strip_prefix("attributes.").and_then(|path| path.split_once('.'));
        let known = named
            .filter(|(category, name)| viewer.schema.attribute_named(category, name).is_some());
        if let Some((category, name)) = known {
            self.inherited.entry(category.to_owned()).or_default().insert(name.to_owned());
        }
        known.is_some()
    }

    fn of(&self, mut shown: Object) -> Object {
        if !self.fields.contains("system_attributes") {
            narrow(&mut shown, "system_attributes", !self.own.is_empty(), |name, _| {
                self.own.contains(name)
            });
        }
        if !self.fields.contains("attributes") {
            narrow(&mut shown, "attributes", !self.inherited.is_empty(), |category, members| {
                let (Some(names), Json::Object(members)) = (self.inherited.get(category), members)
                else {
                    return false;
                };
                members.retain(|name, _| names.contains(name));
                !members.is_empty()
            });
        }
        let in_part = |name: &str| matches!(name, "attributes" | "system_attributes");
        shown.retain(|name, _| in_part(name) || self.fields.contains(name.as_str()));
        shown
    }
}

/// Keeps the selected members of the field `name`, or removes the whole field if none is selected.
fn narrow(shown: &mut Object, name: &str, asked: bool, keep: impl Fn(&str, &mut Json) -> bool) {
    if !asked {
        shown.shift_remove(name);
    } else if let Some(Json::Object(members)) = shown.get_mut(name) {
        members.retain(|name, value| keep(name, value));
    }
}
