use super::*;
use crate::domain::definition::BuiltInPersona::{self, Administrator, Auditor, Helpdesk};
use crate::domain::id::UserId;
use crate::domain::user::Origin;
use crate::domain::versioned::Tag;
use crate::env::Env;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn schema() -> Schema {
    Schema { verified: true, ..Schema::empty("acme".parse().unwrap()) }
}

fn user(personas: &[BuiltInPersona]) -> User {
    let env = Env::default();
    let mut user = User::new(UserId::new(env.new_uuid()), "jan".to_owned(), NOW);
    user.preferred_email = Some("jan@example.org".to_owned());
    user.personas = personas.iter().map(|persona| held(*persona)).collect();
    user
}

fn held(persona: BuiltInPersona) -> Persona {
    Persona {
        id: PersonaId::new(Env::default().new_uuid()),
        definition: persona.id(),
        status: PersonaStatus::Active,
        scope: Vec::new(),
        preferred: false,
        valid_from: None,
        valid_until: None,
        attributes: crate::domain::value::Values::new(),
        verified: crate::domain::value::VerifiedAddresses::new(),
        rev: 1,
        tag: Tag::default(),
    }
}

fn author(writer: Writer) -> Author {
    let reason = crate::domain::author::Reason::Request;
    Author { writer, ..Author::service("acme".parse().unwrap(), reason) }
}

fn client(scopes: &str) -> Author {
    let id = "acme.000102030405060708090a0b0c0d0e0f".parse().unwrap();
    author(Writer::Client(id, scopes.parse().unwrap()))
}

fn refused(result: &Result<()>) -> bool {
    matches!(result, Err(Error::NotAllowed(_)))
}

#[test]
fn g62_rights_are_those_of_personas_in_force() {
    let schema = schema();
    let one = |change: fn(&mut Persona)| {
        let mut user = user(&[Auditor]);
        change(&mut user.personas[0]);
        portal_scopes(&user, &schema, NOW).to_string()
    };
    let all = "users:read config:read audit:read";
    assert_eq!(one(|_| {}), all);
    assert_eq!(one(|p| p.status = PersonaStatus::Pending), "");
    assert_eq!(one(|p| p.status = PersonaStatus::Suspended), "");
    assert_eq!(one(|p| p.valid_from = Some(NOW)), all);
    assert_eq!(one(|p| p.valid_from = Some(NOW.next())), "");
    assert_eq!(one(|p| p.valid_until = Some(NOW)), "");
    assert_eq!(one(|p| p.valid_until = Some(NOW.next())), all);
    let blocked = User { status: UserStatus::Blocked, ..user(&[Administrator]) };
    assert!(portal_scopes(&blocked, &schema, NOW).is_empty());
    assert!(!is_administrator(&blocked, &schema, NOW));
    let both = user(&[Helpdesk, Auditor]);
    let scopes = portal_scopes(&both, &schema, NOW).to_string();
    assert_eq!(scopes, "users:read users:write config:read audit:read");
    assert!(is_administrator(&user(&[Administrator]), &schema, NOW));
    assert!(!is_administrator(&both, &schema, NOW));
}

type Edit = fn(&mut User);

#[test]
fn g62_whoever_changes_the_access_of_a_user_has_the_users_rights() {
    let (schema, boss) = (schema(), user(&[Administrator]));
    let mut suspended = boss.clone();
    suspended.personas[0].status = PersonaStatus::Suspended;
    let changes: [(&str, Edit); 6] = [
        ("username", |u| u.username = "eve".to_owned()),
        ("address", |u| u.preferred_email = Some("eve@example.org".to_owned())),
        ("no address", |u| u.preferred_email = None),
        ("verified", |u| u.email_verified = true),
        ("status", |u| u.status = UserStatus::Blocked),
        ("persona", |u| u.personas.clear()),
    ];
    for before in [&boss, &suspended] {
        for (what, change) in changes {
            let mut after = before.clone();
            change(&mut after);
            let check = |scopes| check_write(&client(scopes), Some(before), &after, &schema);
            assert!(refused(&check("users:read users:write config:write")), "{what}");
            assert!(check("administrator").is_ok(), "{what}");
        }
        let after = User { family_name: Some("Smit".to_owned()), ..before.clone() };
        assert!(check_write(&client("users:write"), Some(before), &after, &schema).is_ok());
    }
}

#[test]
fn g62_nobody_grants_more_than_they_have() {
    let (schema, nobody) = (schema(), user(&[]));
    for (persona, enough, too_few) in [
        (Administrator, "administrator", "users:read users:write config:read config:write"),
        (Helpdesk, "users:read users:write", "users:write"),
        (Auditor, "users:read config:read audit:read", "users:read config:read"),
    ] {
        let mut after = nobody.clone();
        for status in PersonaStatus::ALL {
            after.personas = vec![Persona { status, ..held(persona) }];
            for before in [None, Some(&nobody)] {
                assert!(refused(&check_write(&client(too_few), before, &after, &schema)));
                assert!(check_write(&client(enough), before, &after, &schema).is_ok());
            }
        }
        // Also one that is over: it could be made to last.
        after.personas = vec![Persona { valid_until: Some(NOW), ..held(persona) }];
        assert!(refused(&check_write(&client(too_few), Some(&nobody), &after, &schema)));
    }
}

#[test]
fn g62_people_in_self_service_change_no_rights_and_not_the_address_behind_them() {
    let (schema, boss) = (schema(), user(&[Administrator]));
    let me = author(Writer::Person(Box::new(boss.clone())));
    let without = User { personas: Vec::new(), ..boss.clone() };
    assert!(refused(&check_write(&me, Some(&boss), &without, &schema)));
    let renamed = User { username: "boss".to_owned(), ..boss.clone() };
    let local = Author { confirms_address: true, ..me.clone() };
    assert!(check_write(&local, Some(&boss), &renamed, &schema).is_ok());
    let refusal = check_write(&me, Some(&boss), &renamed, &schema).unwrap_err();
    assert!(matches!(refusal, Error::Invalid(v) if v[0].pointer == "/username"));
    let moved = User { preferred_email: None, ..boss.clone() };
    let refusal = check_write(&me, Some(&boss), &moved, &schema).unwrap_err();
    let Error::Invalid(violations) = refusal else { panic!("{refusal}") };
    assert_eq!(violations[0].code, Code::NotEditable);
    // An approver in self-service is not the user.
    let approver = author(Writer::Person(Box::new(user(&[]))));
    assert!(refused(&check_write(&approver, Some(&boss), &moved, &schema)));
    assert!(check_write(&approver, Some(&user(&[])), &user(&[]), &schema).is_ok());
}

#[test]
fn g50_a_local_person_changes_the_address_on_the_account_page_alone() {
    let (schema, jan) = (schema(), user(&[]));
    let moved = User { preferred_email: Some("eve@example.org".to_owned()), ..jan.clone() };
    let external = author(Writer::Person(Box::new(jan.clone())));
    assert!(check_write(&external, Some(&jan), &moved, &schema).is_ok());
    let local = Author { confirms_address: true, ..external };
    assert!(matches!(check_write(&local, Some(&jan), &moved, &schema), Err(Error::Invalid(_))));
    assert!(check_write(&local, Some(&jan), &jan, &schema).is_ok());
}

#[test]
fn g62_acts_on_an_account_take_its_rights_unless_it_is_the_own() {
    let (schema, boss) = (schema(), user(&[Administrator]));
    assert!(refused(&check_account(&client("users:write"), &boss, &schema)));
    assert!(check_account(&client("administrator"), &boss, &schema).is_ok());
    assert!(check_account(&client("users:write"), &user(&[]), &schema).is_ok());
    let helper = user(&[Helpdesk]);
    let scopes: Scopes = "users:read users:write".parse().unwrap();
    let helpdesk = author(Writer::Administrator(Box::new(helper.clone()), scopes));
    assert!(refused(&check_account(&helpdesk, &boss, &schema)));
    assert!(check_account(&helpdesk, &helper, &schema).is_ok());
    assert!(check_account(&author(Writer::User(boss.id)), &boss, &schema).is_ok());
    assert!(refused(&check_account(&author(Writer::User(helper.id)), &boss, &schema)));
    assert!(check_account(&author(Writer::Service), &boss, &schema).is_ok());
}

#[test]
fn g62_a_cached_definition_refuses_nothing() {
    let cached = Schema { verified: false, ..schema() };
    let refusal = check_account(&client("users:write"), &user(&[Helpdesk]), &cached);
    assert!(matches!(refusal, Err(Error::Outdated)));
}

#[test]
fn g62_a_definition_is_edited_by_those_who_have_its_scopes() {
    let set = |text: &str| text.parse::<Scopes>().unwrap();
    let none = Scopes::default();
    let check =
        |scopes, before: &Scopes, after: &Scopes| check_definition(&client(scopes), before, after);
    for (before, after) in [(&none, &set("administrator")), (&set("administrator"), &none)] {
        assert!(refused(&check("config:write users:write", before, after)));
        assert!(check("administrator", before, after).is_ok());
    }
    assert!(refused(&check("config:write", &set("users:read"), &set("config:write"))));
    assert!(check("config:write", &none, &none).is_ok());
}

#[test]
fn g22_rights_change_after_a_recent_sign_in_alone() {
    let (schema, nobody, boss) = (schema(), user(&[]), user(&[Administrator]));
    let scopes: Scopes = "administrator".parse().unwrap();
    let mut by_cookie = author(Writer::Administrator(Box::new(boss), scopes.clone()));
    for is_recent in [true, false] {
        let sid = "s".to_owned();
        by_cookie.session = Some(crate::domain::author::AuthorSession { sid, is_recent });
        let after = User { personas: vec![held(Helpdesk)], ..nobody.clone() };
        let results = [
            check_write(&by_cookie, Some(&nobody), &after, &schema),
            check_write(&by_cookie, None, &after, &schema),
            check_definition(&by_cookie, &Scopes::default(), &scopes),
        ];
        for result in results {
            assert_eq!(matches!(result, Err(Error::Reauthenticate)), !is_recent);
            assert_eq!(result.is_ok(), is_recent);
        }
        let official = user(&[Helpdesk]);
        let moved = User { preferred_email: None, ..official.clone() };
        let result = check_write(&by_cookie, Some(&official), &moved, &schema);
        assert_eq!(matches!(result, Err(Error::Reauthenticate)), !is_recent);
        let renamed = User { username: "piet".to_owned(), ..nobody.clone() };
        assert!(check_write(&by_cookie, Some(&nobody), &renamed, &schema).is_ok());
    }
}

#[test]
fn g62_claims_do_not_touch_the_access_of_a_user_with_rights() {
    let schema = schema();
    let claims = |before: &User| {
        let mut after = before.clone();
        after.family_name = Some("Smit".to_owned());
        after.preferred_email = Some("eve@example.org".to_owned());
        after.email_verified = true;
        let server = Origin::Server("corp".parse().unwrap());
        after.provenance.insert(Predefined::PreferredEmail.to_string(), server);
        keep_access(before, &mut after, &schema);
        after
    };
    let boss = user(&[Administrator]);
    let kept = User { family_name: Some("Smit".to_owned()), ..boss.clone() };
    assert_eq!(claims(&boss), kept);
    assert!(claims(&user(&[])).email_verified);
}
