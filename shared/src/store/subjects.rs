//! Subject mappings in the table.
//!
//! The mapping's content lives in the partition of its user, where a forget finds it; a look-up of
//! its id, which is a hash of server or application and subject, makes the subject unique and finds
//! the user. An application's mapping is named by the application in the user's partition, which
//! makes (application, user) unique as well.

use super::audit::{ChildGuard, UserRecord};
use super::item::Item;
use super::keys::{self, Child, Children, Key};
use super::retry::Retry;
use super::table::Table;
use super::users::{StoredUser, check_exists};
use super::write::{CommitError, Condition, MAX_SHARING, Write};
use crate::domain::audit::{Change, ChangeKind, Operation, diff_child};
use crate::domain::author::Author;
use crate::domain::definition::{DefinitionKind, Predefined};
use crate::domain::error::{Code, Error, Result, Violation};
use crate::domain::id::{BaseId, PartyId, SubjectId, TenantId, UserId};
use crate::domain::lookup::{self, Lookup};
use crate::domain::schema::Schema;
use crate::domain::sso::{
    Application, AuthenticationServer, SYSTEM, Side, SubjectMapping, SubjectType,
};
use crate::domain::text;
use crate::domain::user::Origin;
use crate::domain::versioned::Versioned;

/// The key of a mapping in its user's partition.
fn child_key(tenant: &TenantId, subject: &SubjectMapping) -> Key {
    let child = match subject.side {
        Side::Server => Child::ServerSubject(&subject.party, subject.id),
        Side::Application => Child::ApplicationSubject(&subject.party),
    };
    Key::child(tenant, subject.user, child)
}

/// What the audit tells of a mapping that comes or goes.
fn mapping_change(before: Option<&SubjectMapping>, after: Option<&SubjectMapping>) -> Vec<Change> {
    let Some(SubjectMapping { id, party, .. }) = after.or(before) else { return Vec::new() };
    diff_child(format!("/subjects/{party}/{id}"), before, after)
}

/// The base profile id of a server's subject, if the server issues tokens.
fn base_of(schema: &Schema, subject: &SubjectMapping) -> Option<BaseId> {
    let server = schema.servers.get(subject.party.as_str());
    let server = server.filter(|_| subject.side == Side::Server)?;
    let issuer = server.stored.value.issuer.as_deref()?;
    Some(BaseId::of(&subject.subject, issuer, &schema.tenant))
}

impl Table {
    /// Stores a new mapping while its user is live, and `record` in the same transaction.
    pub async fn create_subject(
        &self,
        author: &Author,
        schema: &Schema,
        subject: &Versioned<SubjectMapping>,
        record: Option<Write>,
    ) -> Result<()> {
        let tenant = &author.tenant;
        let SubjectMapping { id, user, side, .. } = subject.value;
        let kind = match side {
            Side::Server => DefinitionKind::Server,
            Side::Application => DefinitionKind::Application,
        };
        self.mark_used(schema, [(kind, subject.value.party.to_string())]).await?;
        let forward = Key::subject(tenant, id);
        let child = child_key(tenant, &subject.value);
        let recorded = usize::from(record.is_some());
        let mut writes = vec![Write::Put(
            Item::at(&forward).text("holder", user.to_string()).text("child", child.sk()),
            Condition::Absent,
        )];
        let content = Item::at(&child)
            .versioned(subject)
            .text("holder", user.to_string())
            .text("forward", forward.pk())
            .text("mapping", id.to_string());
        writes.push(Write::Put(content, Condition::Absent));
        // A mapping must not wait in vain behind a sign-in that made the subject another user's.
        if let Some(base) = base_of(schema, &subject.value) {
            writes.push(Write::Check(Key::base(tenant, &base), Condition::Owner(user)));
        }
        let write_id = self.write_id();
        let mut retry = Retry::of(self);
        loop {
            let changes = mapping_change(None, Some(&subject.value));
            let guard = self.guard_subject(author, schema, user, changes).await?;
            let guard = guard.ok_or_else(deleted)?;
            let audited = guard.puts_user();
            let mut all: Vec<_> = record.clone().into_iter().collect();
            all.push(guard.user);
            all.extend(writes.iter().cloned());
            all.extend(guard.entry);
            match self.commit_user_writes(write_id, all).await {
                Ok(()) => return Ok(()),
                Err(failed) if recorded == 1 && failed.at(0) => return Err(Error::AlreadyRecorded),
                Err(failed) if failed.at(recorded) && audited => retry.again().await?,
                Err(failed) if failed.at(recorded) => return Err(deleted()),
                Err(CommitError::Contended) => retry.again().await?,
                Err(failed @ CommitError::Conditions(_)) => {
                    let taken = if failed.at(recorded + 1) {
                        let detail = format!(
                            "this subject is mapped at this `{}` already; delete that mapping first",
                            side.field()
                        );
                        Violation::taken("/subject", detail)
                    } else if failed.at(recorded + 2) {
                        let detail = "the user has a subject at this application already; delete \
                                      that mapping first";
                        Violation::taken("/user_id", detail)
                    } else {
                        let detail = "another user signed in with this subject before; delete \
                                      that user first";
                        Violation::taken("/subject", detail)
                    };
                    return Err(Error::NotUnique(vec![taken]));
                }
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Reads a mapping of a live user.
    pub async fn find_subject(
        &self,
        tenant: &TenantId,
        id: SubjectId,
    ) -> Result<Option<Versioned<SubjectMapping>>> {
        let Some(forward) = self.get(&Key::subject(tenant, id)).await? else {
            return Ok(None);
        };
        let (Some(user), Some(child)) = (forward.owner(), forward.get_text("child")) else {
            return Ok(None);
        };
        if self.find_user(tenant, user).await?.is_none() {
            return Ok(None);
        }
        let child = Key::stored(&keys::partition_of_user(tenant, user), child);
        let child = self.get(&child).await?;
        let stored: Option<Versioned<SubjectMapping>> =
            child.map(|item| item.read()).transpose()?;
        // Another mapping may stand there by now: the user's next one at the same application.
        Ok(stored.filter(|stored| stored.value.id == id))
    }

    /// Lists the mappings of a user on one side, those of one server or application if it is named.
    pub async fn subjects(
        &self,
        tenant: &TenantId,
        user: UserId,
        side: Side,
        party: Option<&str>,
    ) -> Result<Vec<Versioned<SubjectMapping>>> {
        let items = self.children(tenant, user, Children::Subjects(side)).await?;
        let subjects: Result<Vec<Versioned<SubjectMapping>>> =
            items.iter().map(Item::read).collect();
        Ok(subjects?
            .into_iter()
            .filter(|s| party.is_none_or(|party| s.value.party.as_str() == party))
            .collect())
    }

    /// The live user that a mapping of a subject names.
    async fn mapped_user(
        &self,
        tenant: &TenantId,
        side: Side,
        party: &PartyId,
        subject: &str,
    ) -> Result<Option<StoredUser>> {
        let key = Key::subject(tenant, SubjectMapping::id(tenant, side, party, subject));
        match self.get(&key).await?.as_ref().and_then(Item::owner) {
            Some(user) => self.find_user(tenant, user).await,
            None => Ok(None),
        }
    }

    /// The users that a subject of a server may belong to: the user that a mapping names, else
    /// those that the subject type finds. That is at most one user, except for an e-mail address,
    /// which several users may share. Sees every write that was acknowledged before (rule D4).
    pub async fn users_by_subject(
        &self,
        tenant: &TenantId,
        server: &AuthenticationServer,
        subject: &str,
    ) -> Result<Vec<StoredUser>> {
        if server.id.as_str() != SYSTEM
            && let Some(user) = self.mapped_user(tenant, Side::Server, &server.id, subject).await?
        {
            return self.linked(tenant, server, vec![user]).await;
        }
        let mut users = match server.subject_type {
            SubjectType::Email => self.owners_of_address(tenant, subject).await?,
            SubjectType::Username => match text::username(subject) {
                Some(username) => {
                    self.owners(tenant, &Lookup::unique("username", &username)).await?
                }
                None => Vec::new(),
            },
            SubjectType::Userid => match subject.parse() {
                Ok(user) => self.find_user(tenant, user).await?.into_iter().collect(),
                Err(_) => Vec::new(),
            },
            SubjectType::Predefined => Vec::new(),
        };
        if server.id.as_str() == SYSTEM {
            users.retain(|user| server.subject_is(subject, &user.value.username));
            return Ok(users);
        }
        // Only users that a sign-in of the subject would reach are found.
        users.retain(|user| match server.subject_type {
            SubjectType::Email => user.value.owns_address(),
            SubjectType::Username => {
                user.value.owns_username() && server.subject_is(subject, &user.value.username)
            }
            SubjectType::Userid | SubjectType::Predefined => true,
        });
        self.linked(tenant, server, users).await
    }

    /// The users that a sign-in at the server would reach: a single user is left out if unlinked.
    async fn linked(
        &self,
        tenant: &TenantId,
        server: &AuthenticationServer,
        mut users: Vec<StoredUser>,
    ) -> Result<Vec<StoredUser>> {
        if let [user] = users.as_slice() {
            let principal = self.find_principal(tenant, user.value.id, &server.id).await?;
            users.retain(|_| principal.as_ref().is_none_or(|principal| principal.value.linked));
        }
        Ok(users)
    }

    /// The subject by which an application knows a user, if it knows the user: the mapped subject,
    /// else the subject by its subject type.
    pub async fn subject_of(
        &self,
        tenant: &TenantId,
        application: &Application,
        user: &StoredUser,
    ) -> Result<Option<String>> {
        let child = Child::ApplicationSubject(&application.id);
        let child = self.get(&Key::child(tenant, user.value.id, child)).await?;
        if let Some(item) = child {
            let mapping: Versioned<SubjectMapping> = item.read()?;
            return Ok(Some(mapping.value.subject));
        }
        let Some(subject) = self.subject_by_type(tenant, application, user).await? else {
            return Ok(None);
        };
        // A subject that is mapped to another user belongs to no user by the subject type.
        let other = self.mapped_user(tenant, Side::Application, &application.id, &subject).await?;
        Ok(other.is_none().then_some(subject))
    }

    /// The subject of a user at an application that maps none to the user. A shared e-mail address
    /// is no subject.
    async fn subject_by_type(
        &self,
        tenant: &TenantId,
        application: &Application,
        user: &StoredUser,
    ) -> Result<Option<String>> {
        let user = &user.value;
        match application.subject_type {
            SubjectType::Userid => Ok(Some(user.id.to_string())),
            // An application trusts the username. So a username that the person chose is not passed
            // on.
            SubjectType::Username => {
                let chosen =
                    user.provenance.get(Predefined::Username.name()) == Some(&Origin::Person);
                Ok(Some(user.username.clone()).filter(|_| !chosen))
            }
            SubjectType::Predefined => Ok(None),
            SubjectType::Email => {
                let address = user.preferred_email.as_deref().filter(|_| user.owns_address());
                let Some(address) = address else { return Ok(None) };
                let mut owners = self.owners_of_address(tenant, address).await?;
                owners.retain(|owner| owner.value.owns_address());
                match owners.len() {
                    0 | 1 => Ok(user.preferred_email.clone()),
                    several => Err(Error::Several(several)),
                }
            }
        }
    }

    /// The live users with an e-mail address.
    async fn owners_of_address(&self, tenant: &TenantId, address: &str) -> Result<Vec<StoredUser>> {
        let mut owners: Vec<StoredUser> = Vec::new();
        for lookup in lookup::of_email(address) {
            let found = self.owners(tenant, &lookup).await?;
            let known: Vec<_> = owners.iter().map(|owner| owner.value.id).collect();
            owners.extend(found.into_iter().filter(|owner| !known.contains(&owner.value.id)));
        }
        Ok(owners)
    }

    /// The live users who own a look-up of a unique value or of an e-mail address.
    async fn owners(&self, tenant: &TenantId, lookup: &Lookup) -> Result<Vec<StoredUser>> {
        let entries = self.users_of(tenant, lookup, None, MAX_SHARING).await?;
        let ids: Vec<_> = entries.users.into_iter().map(|(id, _)| id).collect();
        let mut users: Vec<_> = match ids.as_slice() {
            [] => Vec::new(),
            [id] => self.find_user(tenant, *id).await?.into_iter().collect(),
            ids => self.find_users(tenant, ids).await?,
        };
        // The value may have moved on between the two reads.
        users.retain(|user| user.lookups().contains(lookup));
        Ok(users)
    }

    /// Deletes a mapping.
    pub async fn delete_subject(
        &self,
        author: &Author,
        schema: &Schema,
        subject: &SubjectMapping,
    ) -> Result<()> {
        let tenant = &author.tenant;
        let writes = vec![
            Write::Delete(child_key(tenant, subject), Condition::Mapping(subject.id)),
            Write::Delete(Key::subject(tenant, subject.id), Condition::Owner(subject.user)),
        ];
        let write_id = self.write_id();
        let mut retry = Retry::of(self);
        loop {
            let changes = mapping_change(Some(subject), None);
            let mut all = writes.clone();
            if Self::is_audited(schema) {
                let guard = self.guard_subject(author, schema, subject.user, changes).await?;
                let guard = guard.ok_or(Error::NotFound)?;
                // The user was read before: what is gone now was deleted by a write that is told.
                if self.get(&child_key(tenant, subject)).await?.is_none() {
                    return Ok(());
                }
                all.push(guard.user);
                all.extend(guard.entry);
            }
            match self.commit_user_writes(write_id, all).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Contended) => retry.again().await?,
                // The user was written meanwhile.
                Err(failed) if failed.at(writes.len()) && !failed.at(0) => retry.again().await?,
                // The mapping was deleted and created again for another user, so this one is gone.
                Err(CommitError::Conditions(_)) => return Err(Error::NotFound),
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// What a change of a mapping writes of its user; `None` if an audit has to read the user and it
    /// is gone.
    async fn guard_subject(
        &self,
        author: &Author,
        schema: &Schema,
        user: UserId,
        changes: Vec<Change>,
    ) -> Result<Option<ChildGuard>> {
        let tenant = &author.tenant;
        let usual = check_exists(tenant, user);
        if !Self::is_audited(schema) {
            return Ok(Some(ChildGuard { user: usual, entry: None }));
        }
        let Some(stored) = self.find_user(tenant, user).await? else { return Ok(None) };
        let created = changes.iter().any(|change| change.kind == ChangeKind::Added);
        let operation = if created { Operation::SubjectCreate } else { Operation::SubjectDelete };
        let record = UserRecord { operation: Some(operation), changes };
        self.guard_child(author, schema, &stored, record, usual).await.map(Some)
    }
}

/// Why a mapping of a user who is gone is not stored.
fn deleted() -> Error {
    Error::invalid("/user_id", Code::NotFound, "the user has been deleted")
}
