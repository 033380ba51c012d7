//! Subject mappings in the table.
//!
//! The mapping's content lives in the partition of its user, where a forget finds it; a look-up of its id, which is a hash of
//! server or application and subject, makes the subject unique and finds the user. An application's mapping is named by the application in
//! the user's partition, which makes (application, user) unique as well.

use super::commit::{Condition, Failed, Write};
use super::item::Item;
use super::keys::{self, Key};
use super::table::{Range, Table};
use crate::domain::definition::Kind;
use crate::domain::error::{Code, Error, Result, Violation};
use crate::domain::id::{SubjectId, TenantId, UserId};
use crate::domain::schema::Schema;
use crate::domain::sso::{Side, Subject};
use crate::domain::versioned::Versioned;

const TURNS: u32 = 12;

/// The sort key of a mapping in its user's partition.
fn child_name(subject: &Subject) -> String {
    match subject.side {
        Side::Server => format!("S#{}#{}", subject.party, subject.id),
        Side::Application => format!("A#{}", subject.party),
    }
}

impl Table {
    /// Stores a new mapping while its user is live, and `record` in the same transaction.
    pub async fn create_subject(
        &self,
        schema: &Schema,
        subject: &Versioned<Subject>,
        record: Option<Write>,
    ) -> Result<()> {
        let tenant = &schema.tenant;
        let Subject { id, user, side, .. } = subject.value;
        let kind = match side {
            Side::Server => Kind::Server,
            Side::Application => Kind::Application,
        };
        self.mark_used(schema, [(kind, subject.value.party.to_string())]).await?;
        let forward = Key::subject(tenant, id);
        let child = Key::child(tenant, user, &child_name(&subject.value));
        let recorded = usize::from(record.is_some());
        let mut writes: Vec<_> = record.into_iter().collect();
        writes.push(Write::Check(Key::user(tenant, user), Condition::Live));
        writes.push(Write::Put(
            Item::at(&forward).text("holder", user.to_string()).text("child", child.sk()),
            Condition::Absent,
        ));
        let content = Item::at(&child)
            .versioned(subject)
            .text("holder", user.to_string())
            .text("forward", forward.pk())
            .text("mapping", id.to_string());
        writes.push(Write::Put(content, Condition::Absent));
        let write_id = self.write_id();
        for turn in 1..=TURNS {
            match self.commit_as(write_id, writes.clone()).await {
                Ok(()) => return Ok(()),
                Err(failed) if recorded == 1 && failed.at(0) => return Err(Error::AlreadyRecorded),
                Err(failed) if failed.at(recorded) => {
                    return Err(Error::invalid("/user_id", Code::NotFound, "there is no such user"));
                }
                Err(Failed::Contended) => self.pause(turn).await,
                Err(failed @ Failed::Conditions(_)) => {
                    let subject_taken = failed.at(recorded + 1);
                    return Err(Error::Taken(vec![if subject_taken {
                        Violation::taken("/subject", format!("the subject is mapped at this `{}`", side.field()))
                    } else {
                        Violation::taken("/user_id", "the user has a subject at this application".to_owned())
                    }]));
                }
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }

    /// Reads a mapping of a live user.
    pub async fn find_subject(&self, tenant: &TenantId, id: SubjectId) -> Result<Option<Versioned<Subject>>> {
        let Some(forward) = self.get(&Key::subject(tenant, id)).await? else {
            return Ok(None);
        };
        let (Some(user), Some(child)) =
            (forward.get_text("holder").and_then(|id| id.parse().ok()), forward.get_text("child"))
        else {
            return Ok(None);
        };
        if self.find_user(tenant, user).await?.is_none() {
            return Ok(None);
        }
        let child = self.get(&Key::child(tenant, user, child)).await?;
        let stored: Option<Versioned<Subject>> = child.map(|item| item.read()).transpose()?;
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
    ) -> Result<Vec<Versioned<Subject>>> {
        let prefix = match side {
            Side::Server => "S#",
            Side::Application => "A#",
        };
        let items = self.query_all(&keys::partition_of_user(tenant, user), Range::StartsWith(prefix)).await?;
        let subjects: Result<Vec<Versioned<Subject>>> = items.iter().map(Item::read).collect();
        Ok(subjects?.into_iter().filter(|s| party.is_none_or(|party| s.value.party.as_str() == party)).collect())
    }

    /// Deletes a mapping.
    pub async fn delete_subject(&self, tenant: &TenantId, subject: &Subject) -> Result<()> {
        let writes = vec![
            Write::Delete(Key::child(tenant, subject.user, &child_name(subject)), Condition::Mapping(subject.id)),
            Write::Delete(Key::subject(tenant, subject.id), Condition::Owner(subject.user)),
        ];
        for turn in 1..=TURNS {
            match self.commit(writes.clone()).await {
                Ok(()) => return Ok(()),
                Err(Failed::Contended) => self.pause(turn).await,
                // The mapping went and came back for somebody else: this one is gone.
                Err(Failed::Conditions(_)) => return Err(Error::NotFound),
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }
}
