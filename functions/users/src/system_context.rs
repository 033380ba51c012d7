//! The system that a request is about, as the caller may see it.

use shared::domain::error::{Error, Result};
use shared::domain::id::{PartyId, ProfileId, TenantId};
use shared::domain::json::Object;
use shared::domain::schema::Schema;
use shared::domain::system::System;
use shared::domain::system_profile::{ProfileWriteContext, Viewer};
use shared::domain::user::User;
use shared::domain::{View, WriteContext};
use shared::http::Call;
use shared::http::answer::Answer;
use shared::store::system_profiles::EffectiveProfile;

/// The path of the profiles of a system.
pub(crate) const PROFILES: &str = "/api/v1/tenants/{tenant_id}/systems/{system_id}/users";

/// The tenant and the system that the path names, and what the caller may see there.
pub(crate) struct SystemContext<'p> {
    /// The tenant, which is the token's.
    pub tenant: &'p TenantId,
    /// The system.
    pub system: &'p System,
    viewer: Viewer<'p>,
}

impl<'p> SystemContext<'p> {
    /// Reads tenant and system from the path. Another tenant, a system that does not exist and a
    /// system that the client is not bound to are all not found.
    pub(crate) fn of(call: &'p Call, schema: &'p Schema) -> Result<Self> {
        let tenant = &call.caller.tenant;
        let system: PartyId = call.id("system_id")?;
        let grants = &call.caller.grants;
        let bound_elsewhere = !grants.systems.is_empty() && !grants.systems.contains(&system);
        if call.id::<TenantId>("tenant_id")? != *tenant || bound_elsewhere {
            return Err(Error::NotFound);
        }
        let Some(entry) = schema.systems.get(system.as_str()) else {
            // The cache may not have a system that was just declared.
            return Err(if schema.verified { Error::NotFound } else { Error::Outdated });
        };
        let system = &entry.stored.value;
        let most = grants.max_classifier;
        Ok(Self { tenant, system, viewer: Viewer { schema, system, view: call.view(), most } })
    }

    /// Where a profile is.
    pub(crate) fn location(&self, id: ProfileId) -> String {
        format!("/api/v1/tenants/{}/systems/{}/users/{id}", self.tenant, self.system.id)
    }

    /// A profile as the caller sees it.
    pub(crate) fn show(&self, found: &EffectiveProfile) -> Result<Object> {
        self.viewer.schema.check_covers(&found.user())?;
        Ok(found.visible_profile().show(&found.visible_base(), self.viewer))
    }

    /// The answer that shows a profile.
    pub(crate) fn shown(&self, found: &EffectiveProfile) -> Result<Answer> {
        Ok(Answer::resource(self.show(found)?, &found.tag())
            .replay_while_exists(found.base.value.id))
    }

    /// The viewer as which the caller sees profiles here.
    pub(crate) const fn viewer(&self) -> Viewer<'p> {
        self.viewer
    }

    /// The context in which the caller's change of a profile is read.
    pub(crate) fn write_context(
        &self,
        call: &'p Call,
        base: &'p User,
    ) -> Result<ProfileWriteContext<'p>> {
        let write_context =
            WriteContext { view: View::SystemOverride, ..call.write_context(self.viewer.schema) };
        Ok(ProfileWriteContext {
            base,
            viewer: self.viewer,
            write_context,
            writer: call.policy_subject(None)?,
        })
    }
}
