//! Imported hashes of passwords become credentials, so that people keep their passwords.
//!
//! A hash moves: it leaves the attribute in the write that seals it as the person's password. So no
//! hash stays in a profile.

use shared::app::App;
use shared::domain::audit::Operation;
use shared::domain::author::{Author, Reason};
use shared::domain::definition::{AttributeDefinition, DataFormat};
use shared::domain::error::{Error, Result};
use shared::domain::hashing::adoptable;
use shared::domain::id::{TenantId, UserId};
use shared::domain::people::rights::held_scopes;
use shared::domain::people::{LoginFacts, PasswordFacts, SetBy};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::store::listing::{ChangeWindow, WalkPosition};
use shared::writing::{Account, AccountChange, AccountWriter};

use super::PAGE;

/// The result of an adoption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adoption {
    /// How many people have the hash as their password now, or would have it after a dry run.
    pub adopted: usize,
    /// How many have a password already; they keep the password and the value.
    pub kept: usize,
    /// The users whose value cannot be a password, and why; they keep the value.
    pub refused: Vec<(UserId, &'static str)>,
}

/// What becomes of the value of one user.
enum Step {
    Adopted,
    HasPassword,
    Refused(&'static str),
    Nothing,
}

/// Adopts the hashes of an attribute, `category.name`. A dry run writes nothing.
pub async fn adopt(
    app: &App,
    tenant: &TenantId,
    attribute: &str,
    dry_run: bool,
) -> Result<Adoption> {
    let schema = app.schema_now(tenant).await?;
    let definition = named(&schema, attribute)?;
    let (mut adoption, mut at) = (Adoption::default(), WalkPosition::default());
    while !at.is_end() {
        let page = app.table().walk_listing(tenant, ChangeWindow::default(), &at, PAGE).await?;
        let ids: Vec<_> = page.users.iter().map(|(user, _)| *user).collect();
        for user in app.table().find_users(tenant, &ids).await? {
            if !user.value.attributes.contains_key(&definition.id) {
                continue;
            }
            match adopt_one(app, &schema, definition, &user.value, dry_run).await? {
                Step::Adopted => adoption.adopted += 1,
                Step::HasPassword => adoption.kept += 1,
                Step::Refused(why) => adoption.refused.push((user.value.id, why)),
                Step::Nothing => {}
            }
        }
        at = page.next;
    }
    // A user who is written during the walk appears again later in the listing.
    adoption.refused.sort_unstable();
    adoption.refused.dedup();
    Ok(adoption)
}

/// The definition of an attribute of hashes.
fn named<'s>(schema: &'s Schema, attribute: &str) -> Result<&'s AttributeDefinition> {
    let definition = attribute
        .split_once('.')
        .and_then(|(category, name)| schema.attribute_named(category, name))
        .ok_or_else(|| Error::Conflict(format!("there is no attribute `{attribute}`")))?;
    if definition.data_format != DataFormat::Hash {
        let format = definition.data_format;
        let detail = format!("expected an attribute of HASH, but `{attribute}` is of {format}");
        return Err(Error::Conflict(detail));
    }
    Ok(definition)
}

async fn adopt_one(
    app: &App,
    schema: &Schema,
    definition: &AttributeDefinition,
    user: &User,
    dry_run: bool,
) -> Result<Step> {
    let (tenant, id) = (&schema.tenant, user.id);
    let Some(hash) = user.attributes.get(&definition.id).and_then(|values| match &**values {
        [only] => Some(only.clone()),
        _ => None,
    }) else {
        return Ok(Step::Refused("expected one value, found several"));
    };
    if let Err(why) = adoptable(&hash) {
        return Ok(Step::Refused(why));
    }
    // A client that may write profiles may have written the value, and would get the rights (rule
    // G62).
    let has_rights = |user: &User| !held_scopes(user, schema).is_empty();
    if has_rights(user) {
        return Ok(Step::Refused("the user has rights over others; invite the person instead"));
    }
    if dry_run {
        let login = app.table().login_facts(tenant, id).await?;
        let has_password = login.is_some_and(|login| login.value.password.is_some());
        return Ok(if has_password { Step::HasPassword } else { Step::Adopted });
    }
    let password = app.table().password_write(tenant, id, &hash).await?;
    let now = app.env().clock.now();
    let change = |account: &Account| {
        let facts = account.facts(&app.env().random);
        let holds = account.user.value.attributes.get(&definition.id);
        // Somebody set a password meanwhile, changed the value, or gave the user rights.
        if facts.password.is_some()
            || holds.is_none_or(|values| **values != [hash.clone()])
            || has_rights(&account.user.value)
        {
            return Ok(None);
        }
        let mut user = account.user.value.clone();
        user.attributes.remove(&definition.id);
        let password_facts = Some(PasswordFacts::lasting(SetBy::Import, now));
        let facts = LoginFacts { password: password_facts, ..facts };
        let change = AccountChange::default().user(user).login(facts);
        Ok(Some(change.writes(vec![password.clone()])))
    };
    let author = Author::service(tenant.clone(), Reason::Operator);
    let writer = AccountWriter::new(app, &author, schema);
    let written = match writer.change(id, Operation::UserPasswordSet, change).await {
        Err(Error::NotFound) => return Ok(Step::Nothing),
        written => written?,
    };
    Ok(if written.is_some() { Step::Adopted } else { Step::HasPassword })
}
