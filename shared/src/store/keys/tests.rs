use super::*;
use crate::domain::consent::HistoryKind;
use crate::domain::people::{LinkKind, SecretHash};
use crate::domain::sso::Side;
use crate::env::Timestamp;

#[test]
fn the_keys_at_rest_are_fixed() {
    let tenant: TenantId = "acme".parse().unwrap();
    let user: UserId = "0192f3c1-0000-7000-8000-000000000001".parse().unwrap();
    let client: ClientId = "acme.000102030405060708090a0b0c0d0e0f".parse().unwrap();
    let crm: PartyId = "crm".parse().unwrap();
    let hash = SecretHash::of(b"x");
    let lookups = [
        Lookup::unique("username", "jan"),
        Lookup::email("jan@example.org"),
        Lookup::exact("persona", "x"),
        Lookup::prefix("family_name", "janssen"),
    ];
    let mut keys = vec![
        Key::user(&tenant, user),
        Key::child(&tenant, user, Child::ApplicationSubject(&crm)),
        Key::subject(&tenant, SubjectId::new(uuid::Uuid::nil())),
        Key::definition(&tenant, DefinitionKind::Attribute, "x"),
        Key::definition(&tenant, DefinitionKind::Category, "x"),
        Key::definition(&tenant, DefinitionKind::Persona, "x"),
        Key::definition(&tenant, DefinitionKind::Server, "x"),
        Key::definition(&tenant, DefinitionKind::Application, "x"),
        Key::epoch(&tenant),
        Key::client(&client),
        Key::idempotency(&tenant, &ValueHash::of("x").to_string()),
        Key::refresh_family("x"),
        Key::single_use(&tenant, SingleUse::Assertion { client: &client, jti: "x" }),
        Key::single_use(&tenant, SingleUse::Proof { thumbprint: "x", jti: "y" }),
        Key::revoked(&tenant, "x"),
        Key::failures(29_000_000, "203.0.113.7", None),
        Key::failures(29_000_000, "203.0.113.7", Some("acme.x")),
        Key::public_keys(),
        Key::private_key("x"),
        Key::refresh_key(),
        Key::cursor_key(),
        Key::hash_key(),
        Key::change_request(&tenant, ChangeRequestId::new(uuid::Uuid::nil())),
        Key::progress(&tenant, Walk::Recomputation),
        Key::progress(&tenant, Walk::Migration),
        Key::progress(&tenant, Walk::Definitions),
        Key::progress(&tenant, Walk::Audit),
        Key::progress(&tenant, Walk::Export),
        Key::definition(&tenant, DefinitionKind::Profile, "x"),
        Key::definition(&tenant, DefinitionKind::Workflow, "x"),
        Key::tenant(&tenant),
        Key::health(),
        Key::definition(&tenant, DefinitionKind::System, "x"),
        Key::base(&tenant, &BaseId::of("x", "x", &tenant)),
        Key::profile(&tenant, &crm, ProfileId::new(uuid::Uuid::nil())),
        Key::trust("x", &tenant),
        Key::import(&tenant, ImportId::new(uuid::Uuid::nil())),
        Key::audit_key(),
        Key::digest_key(),
        Key::ledger_head(&tenant, LedgerChain::Configuration),
        Key::audit_entry(&tenant, Chain::Ledger(LedgerChain::Forgets(10)), Version(7)),
        Key::definition(&tenant, DefinitionKind::Audit, "x"),
        Key::import_rows(&tenant, ImportId::new(uuid::Uuid::nil()), 7),
        Key::import_report(&tenant, ImportId::new(uuid::Uuid::nil()), 7),
        Key::definition(&tenant, DefinitionKind::Consent, "x"),
        Key::consent_text(&tenant, &crm, 7),
        Key::consent_proof(&tenant, "x"),
        Key::session(&tenant, user, &hash),
        Key::family_name(&tenant, user, "x"),
        Key::password(&tenant, user),
        Key::passkey(&tenant, &hash),
        Key::link(&tenant, &hash),
        Key::code(&tenant, &hash),
        Key::administrators(&tenant),
        Key::mail(Timestamp::from_millis(0), uuid::Uuid::nil()),
        Key::attempts("x"),
        Key::mail_count(&tenant, user, "x"),
        Key::single_use(&tenant, SingleUse::Challenge("x")),
        Key::definition(&tenant, DefinitionKind::SignIn, "x"),
    ];
    keys.extend(LoginKey::ALL.map(Key::login_key));
    keys.extend(
        [
            Child::Principal(&crm),
            Child::SystemProfile(&crm),
            Child::ServerSubject(&crm, SubjectId::new(uuid::Uuid::nil())),
            Child::ChangeRequest(ChangeRequestId::new(uuid::Uuid::nil())),
            Child::ChangeRequestGuard,
            Child::AuditEntry(Version(7)),
            Child::Consent(&crm, None),
            Child::Consent(&crm, Some(&crm)),
            Child::ConsentHistory(&crm, None, 7, HistoryKind::Granted),
            Child::Login,
            Child::Link(LinkKind::Reset),
            Child::ClientConsent(&client),
        ]
        .map(|child| Key::child(&tenant, user, child)),
    );
    keys.extend(lookups.iter().map(|lookup| Key::lookup(&tenant, lookup, user)));
    let text: Vec<_> = keys.iter().map(|key| format!("{} / {}", key.pk, key.sk)).collect();
    insta::assert_snapshot!(text.join("\n"));
    insta::assert_snapshot!(listing(&tenant, user));
    insta::assert_snapshot!(audit_day(&tenant, "2026-11-21", user));
}

#[test]
fn an_entry_names_its_user_whatever_the_value() {
    let tenant: TenantId = "acme".parse().unwrap();
    let user: UserId = "0192f3c1-0000-7000-8000-000000000001".parse().unwrap();
    for lookup in [Lookup::prefix("family_name", "a#b"), Lookup::exact("persona", "x")] {
        assert_eq!(user_of_entry(Key::lookup(&tenant, &lookup, user).sk()), Some(user));
    }
    assert_eq!(user_of_entry("short"), None);
}

#[test]
fn each_child_is_in_the_range_of_its_kind_alone() {
    let (tenant, user) = ("acme".parse().unwrap(), UserId::new(uuid::Uuid::nil()));
    let crm: PartyId = "crm".parse().unwrap();
    let client: ClientId = "acme.000102030405060708090a0b0c0d0e0f".parse().unwrap();
    let children = [
        (Children::Principals, Child::Principal(&crm)),
        (Children::SystemProfiles, Child::SystemProfile(&crm)),
        (
            Children::Subjects(Side::Server),
            Child::ServerSubject(&crm, SubjectId::new(uuid::Uuid::nil())),
        ),
        (Children::Subjects(Side::Application), Child::ApplicationSubject(&crm)),
        (Children::ChangeRequests, Child::ChangeRequest(ChangeRequestId::new(uuid::Uuid::nil()))),
        (Children::AuditEntries, Child::AuditEntry(Version(7))),
        (Children::Consents, Child::Consent(&crm, None)),
        (Children::ConsentHistory, Child::ConsentHistory(&crm, None, 7, HistoryKind::Denied)),
        (Children::Login, Child::Login),
        (Children::Links, Child::Link(LinkKind::Invitation)),
        (Children::ClientConsents, Child::ClientConsent(&client)),
    ];
    for (range, _) in children {
        for (own, child) in children {
            assert_eq!(range.include(&Key::child(&tenant, user, child)), range == own, "{child}");
        }
    }
    let guard = Key::child(&tenant, user, Child::ChangeRequestGuard);
    assert!(Children::ChangeRequestsWithGuard.include(&guard));
    assert!(!Children::ChangeRequests.include(&guard));
}

#[test]
fn a_key_of_a_consent_says_which() {
    let (tenant, user) = ("acme".parse().unwrap(), UserId::new(uuid::Uuid::nil()));
    let (news, crm): (PartyId, PartyId) = ("news".parse().unwrap(), "crm".parse().unwrap());
    for audience in [None, Some(&crm)] {
        let named = |child| NamedConsent::of(Key::child(&tenant, user, child).sk()).unwrap();
        let record = named(Child::Consent(&news, audience));
        assert_eq!((&record.consent, record.audience.as_ref()), (&news, audience));
        assert_eq!(record.entry, None);
        let entry = named(Child::ConsentHistory(&news, audience, 12, HistoryKind::Withdrawn));
        assert_eq!(entry.entry, Some((12, HistoryKind::Withdrawn)));
    }
    for other in ["PROFILE", "CR", "CR#x", "B#crm", "CO#news", "COH#news#-", "COH#news#-#x#granted"]
    {
        assert_eq!(NamedConsent::of(other), None, "{other}");
    }
}

#[test]
fn a_key_of_a_session_or_of_a_family_says_which() {
    let (tenant, user) = ("acme".parse().unwrap(), UserId::new(uuid::Uuid::nil()));
    let hash = SecretHash::of(b"x");
    let session = Key::session(&tenant, user, &hash);
    assert_eq!(session_of_key(session.sk()), Some(hash));
    assert_eq!(owner_of_sessions(session.pk()), Some((tenant.clone(), user)));
    let name = Key::family_name(&tenant, user, "f");
    assert_eq!(family_of_name(name.sk()), Some("f"));
    assert_eq!((session_of_key(name.sk()), family_of_name(session.sk())), (None, None));
    assert_eq!(owner_of_sessions(Key::user(&tenant, user).pk()), None);
}
