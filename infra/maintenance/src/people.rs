//! What an operator does for people who sign in: invites the first administrator, ends sessions,
//! takes credentials away, adopts imported hashes as passwords (rules G63 and G73).
//!
//! An operator has the rights on the table, so no scope is asked for. Each write leaves an audit
//! entry that names the operator.

mod adopt;

use shared::app::App;
use shared::domain::audit::Operation;
use shared::domain::author::{Author, Reason};
use shared::domain::definition::{BuiltInPersona, PersonaDefinition};
use shared::domain::error::{Code, Error, Result, Violations};
use shared::domain::hashing::Hashes;
use shared::domain::id::{PersonaId, TenantId, UserId};
use shared::domain::lookup::ValueHash;
use shared::domain::people::{Link, LinkKind, LinkName, LinkToken, LoginFacts, rights};
use shared::domain::persona::{Persona, PersonaStatus};
use shared::domain::schema::Schema;
use shared::domain::scope::Scope;
use shared::domain::text::{self, EXPECTED_EMAIL};
use shared::domain::user::{User, UserStatus};
use shared::domain::{Json, Versioned, WriteContext};
use shared::object;
use shared::store::listing::{ChangeWindow, WalkPosition};
use shared::store::users::StoredUser;
use shared::store::{Retry, Table, Write, people};
use shared::writing::{Account, AccountChange, AccountWriter, Policy, ProfileWriter};

pub use self::adopt::{Adoption, adopt};

/// How many users are read at once.
const PAGE: usize = 100;

/// The result of an invitation.
#[derive(Debug)]
pub struct Invited {
    /// The user.
    pub user: UserId,
    /// Whether the user was created.
    pub is_new: bool,
    /// The token of the link that sets the first password; `None` if the user can sign in already.
    pub token: Option<LinkToken>,
}

/// The address of a link with this token, below a base URL.
#[must_use]
pub fn link(base_url: &str, token: &LinkToken) -> String {
    format!("{}/idhub/login/link#{token}", base_url.trim_end_matches('/'))
}

/// The user with this id or username.
pub async fn find(table: &Table, tenant: &TenantId, name: &str) -> Result<Option<StoredUser>> {
    let id = match name.parse::<UserId>() {
        Ok(id) => Some(id),
        Err(_) => match text::username(name) {
            Some(username) => {
                let hash = ValueHash::of(&username).to_string();
                table.holder_of_username(tenant, &hash).await?
            }
            None => None,
        },
    };
    match id {
        Some(id) => table.find_user(tenant, id).await,
        None => Ok(None),
    }
}

/// Makes a user an administrator, and a link by which the person sets a password. Creates the user
/// if there is none. Sends no mail.
pub async fn invite(
    app: &App,
    tenant: &TenantId,
    username: &str,
    address: Option<&str>,
) -> Result<Invited> {
    let schema = app.schema_now(tenant).await?;
    let author = Author::service(tenant.clone(), Reason::Operator);
    let definition = administrator(&schema)?;
    let (user, is_new) = match find(app.table(), tenant, username).await? {
        Some(user) => {
            promote(app, &author, &schema, user.value.id, definition, address).await?;
            (user.value.id, false)
        }
        None => (create(app, &author, &schema, username, definition, address).await?, true),
    };
    let token = first_link(app, &author, &schema, user).await?;
    Ok(Invited { user, is_new, token })
}

/// The persona definition that makes administrators. A tenant's own definition of that name counts
/// if it grants the right.
fn administrator(schema: &Schema) -> Result<&PersonaDefinition> {
    let grants = |definition: &&PersonaDefinition| {
        let assignable = !definition.scoped && !definition.deprecated;
        assignable && definition.portal_scopes.allows(Scope::Administrator)
    };
    let built_in = schema.persona(BuiltInPersona::Administrator.id());
    built_in.into_iter().chain(schema.personas.values()).find(grants).ok_or_else(|| {
        Error::Conflict(
            "no persona definition grants the scope `administrator`: the tenant has its own \
             definition of that name; make another one whose `portal_scopes` have it"
                .to_owned(),
        )
    })
}

async fn create(
    app: &App,
    author: &Author,
    schema: &Schema,
    username: &str,
    definition: &PersonaDefinition,
    address: Option<&str>,
) -> Result<UserId> {
    let persona = object! { "persona_definition_id" => definition.id };
    let mut document =
        object! { "username" => username, "personas" => vec![Json::Object(persona)] };
    if let Some(address) = address {
        document.insert("preferred_email".to_owned(), Json::from(address));
    }
    let author = author.clone().doing(Operation::UserCreate);
    let hashes = Hashes::default();
    let writer = ProfileWriter::new(app, &author, schema, &hashes, Policy::approval());
    let read = |context: &WriteContext<'_>| User::create(Json::Object(document.clone()), context);
    let made = Box::pin(writer.create(read, |_| Ok(Vec::new()))).await?;
    Ok(made.value.id)
}

async fn promote(
    app: &App,
    author: &Author,
    schema: &Schema,
    id: UserId,
    definition: &PersonaDefinition,
    address: Option<&str>,
) -> Result<()> {
    let author = author.clone().doing(Operation::PersonaCreate);
    let fresh = PersonaId::new(app.env().new_uuid());
    let edit = |stored: &StoredUser, context: &WriteContext<'_>| {
        let user = &stored.value;
        check_invited(user, address)?;
        if rights::is_administrator(user, schema, app.env().clock.now()) {
            return Ok(user.clone());
        }
        let held = user.personas.iter().find(|persona| persona.definition == definition.id);
        user.with_persona(match held {
            Some(persona) => in_force(persona),
            None => persona(definition, fresh, context)?,
        })
    };
    let hashes = Hashes::default();
    let writer = ProfileWriter::new(app, &author, schema, &hashes, Policy::approval());
    Box::pin(writer.change(id, edit, |_| Ok(Vec::new()))).await?;
    Ok(())
}

/// Refuses to invite a user who is blocked or has another address.
fn check_invited(user: &User, address: Option<&str>) -> Result<()> {
    let name = &user.username;
    if user.status == UserStatus::Blocked {
        return Err(Error::Conflict(format!("the user `{name}` is blocked; unblock it first")));
    }
    let Some(address) = address else { return Ok(()) };
    let Some(comparable) = text::email(address) else {
        return Err(Error::invalid("/preferred_email", Code::WrongFormat, EXPECTED_EMAIL));
    };
    let own = user.preferred_email.as_deref().and_then(text::stored_email);
    if own != Some(comparable) {
        return Err(Error::Conflict(format!(
            "the user `{name}` has another e-mail address or none; omit --email, or change the \
             address first"
        )));
    }
    Ok(())
}

/// A persona that is in force from now on and without an end.
fn in_force(persona: &Persona) -> Persona {
    let mut persona = Persona {
        status: PersonaStatus::Active,
        valid_from: None,
        valid_until: None,
        rev: persona.rev + 1,
        ..persona.clone()
    };
    persona.update_tag();
    persona
}

fn persona(
    definition: &PersonaDefinition,
    id: PersonaId,
    context: &WriteContext<'_>,
) -> Result<Persona> {
    let document = Json::Object(object! { "persona_definition_id" => definition.id });
    let mut violations = Violations::default();
    let persona = Persona::create(document, "", Some(id), context, &mut violations);
    let made = violations.check(persona)?;
    made.ok_or_else(|| Error::unexpected("a persona without violations"))
}

/// Makes the link by which a person sets the first password; `None` if the person has a credential.
/// It was sent to no address, so it verifies none (rule G48).
async fn first_link(
    app: &App,
    author: &Author,
    schema: &Schema,
    user: UserId,
) -> Result<Option<LinkToken>> {
    let (table, writer) = (app.table(), AccountWriter::new(app, author, schema));
    let mut retry = Retry::of(table);
    loop {
        let previous = table.link_name(&author.tenant, user, LinkKind::Invitation).await?;
        let (token, writes) = new_link(app, author, user, LinkKind::Invitation, previous.as_ref());
        let change = |account: &Account| {
            let login = account.login.as_ref();
            if login.is_some_and(|login| login.value.has_credential()) {
                return Ok(None);
            }
            Ok(Some(AccountChange::default().writes(writes.clone())))
        };
        match writer.change(user, Operation::UserInvite, change).await {
            Ok(written) => return Ok(written.map(|_| token)),
            Err(Error::AlreadyRecorded) => retry.again().await?,
            Err(error) => return Err(error),
        }
    }
}

fn new_link(
    app: &App,
    author: &Author,
    user: UserId,
    kind: LinkKind,
    previous: Option<&Versioned<LinkName>>,
) -> (LinkToken, Vec<Write>) {
    let token = LinkToken::new(&author.tenant, &app.env().random);
    let ends_at = app.env().clock.now().plus_seconds(kind.seconds());
    let link = Link { user, kind, address: None, ends_at };
    let writes = people::link_writes(&token, &link, previous);
    (token, writes)
}

/// Ends all sessions of a user, and what was granted to applications in them. Whether there is such
/// a user.
pub async fn end_sessions(app: &App, tenant: &TenantId, user: UserId) -> Result<bool> {
    let schema = app.schema_now(tenant).await?;
    let author = Author::service(tenant.clone(), Reason::Operator);
    let writer = AccountWriter::new(app, &author, &schema);
    let end = |_: &Account| Ok(Some(AccountChange::default().sign_out()));
    let ended = writer.change(user, Operation::UserSessionsEnd, end).await;
    let ended = match ended {
        Ok(ended) => ended.is_some(),
        Err(Error::NotFound) => false,
        Err(error) => return Err(error),
    };
    // They are over already; this takes them out of the table.
    app.table().delete_sessions(tenant, user, None).await?;
    Ok(ended)
}

/// Ends the sessions of all users of a tenant who ever signed in; returns their number.
pub async fn end_all_sessions(app: &App, tenant: &TenantId) -> Result<usize> {
    let (mut ended, mut at) = (0, WalkPosition::default());
    while !at.is_end() {
        let page = app.table().walk_listing(tenant, ChangeWindow::default(), &at, PAGE).await?;
        let ids: Vec<_> = page.users.iter().map(|(user, _)| *user).collect();
        for user in app.table().find_users(tenant, &ids).await? {
            if user.value.last_login_at.is_some() {
                ended += usize::from(end_sessions(app, tenant, user.value.id).await?);
            }
        }
        at = page.next;
    }
    Ok(ended)
}

/// Sends mail to a user's address again after it bounced or complained (rule G72). Whether it did.
pub async fn resume_mail(app: &App, tenant: &TenantId, user: UserId) -> Result<bool> {
    let schema = app.schema_now(tenant).await?;
    let author = Author::service(tenant.clone(), Reason::Operator);
    let writer = AccountWriter::new(app, &author, &schema);
    let resume = |account: &Account| {
        let bounced = account.login.as_ref().is_some_and(|login| login.value.bounced.is_some());
        let facts = LoginFacts { bounced: None, ..account.facts(&app.env().random) };
        Ok(bounced.then(|| AccountChange::default().login(facts)))
    };
    let written = writer.change(user, Operation::UserChange, resume).await?;
    Ok(written.is_some())
}

/// Takes the password, the passkeys and the links of a user away and ends the sessions. Makes a
/// link by which the person sets another password; `None` if there is no such user.
pub async fn reset_credentials(
    app: &App,
    tenant: &TenantId,
    user: UserId,
) -> Result<Option<LinkToken>> {
    let schema = app.schema_now(tenant).await?;
    let author = Author::service(tenant.clone(), Reason::Operator);
    let (table, writer) = (app.table(), AccountWriter::new(app, &author, &schema));
    let mut retry = Retry::of(table);
    loop {
        let (token, links) = only_link(app, &author, user).await?;
        let change = |account: &Account| {
            let facts = account.facts(&app.env().random);
            let mut writes = links.clone();
            writes.push(people::delete_password(tenant, user));
            let passkeys = facts.passkeys.iter();
            writes.extend(passkeys.map(|key| people::delete_passkey(tenant, &key.id, user)));
            let facts =
                LoginFacts { password: None, passkeys: Vec::new(), pending_address: None, ..facts };
            Ok(Some(AccountChange::default().login(facts).writes(writes).sign_out()))
        };
        match writer.change(user, Operation::UserPasswordReset, change).await {
            Ok(written) => {
                table.delete_sessions(tenant, user, None).await?;
                return Ok(written.map(|_| token));
            }
            Err(Error::NotFound) => return Ok(None),
            Err(Error::AlreadyRecorded) => retry.again().await?,
            Err(error) => return Err(error),
        }
    }
}

/// A new link for another password, and the writes that withdraw the links of all kinds.
async fn only_link(app: &App, author: &Author, user: UserId) -> Result<(LinkToken, Vec<Write>)> {
    let (table, tenant) = (app.table(), &author.tenant);
    let previous = table.link_name(tenant, user, LinkKind::Reset).await?;
    let (token, mut writes) = new_link(app, author, user, LinkKind::Reset, previous.as_ref());
    for kind in LinkKind::ALL.into_iter().filter(|kind| *kind != LinkKind::Reset) {
        if let Some(name) = table.link_name(tenant, user, kind).await? {
            writes.extend(people::delete_link(tenant, user, kind, &name));
        }
    }
    Ok((token, writes))
}
