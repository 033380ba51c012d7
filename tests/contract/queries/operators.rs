//! Every operator on every kind of field, and what is refused.

use serde_json::{Value, json};
use tests::{Client, Service, person};

use super::{QUERY, USERS, names, refused};

/// Jan, who has everything, and Els, who has a name only.
async fn two() -> (Service, Client) {
    let service = Service::start().await;
    let crm = service.crm().await;
    for (name, more) in [
        ("note", json!({})),
        ("badge", json!({ "unique": true })),
        ("tag", json!({ "search": "exact" })),
        ("title", json!({ "search": "prefix" })),
        ("code", json!({ "unique": true, "search": "prefix" })),
        ("size", json!({ "search": "exact", "data_format": "NUMERIC" })),
        ("account", json!({ "search": "prefix", "data_format": "NUMERIC" })),
        (
            "level",
            json!({
                "search": "exact", "data_format": "ENUMERATION",
                "enumeration_values": ["Low", "High"]
            }),
        ),
        ("mail", json!({ "search": "prefix", "data_format": "EMAIL" })),
        ("phone", json!({ "search": "prefix", "data_format": "SMS" })),
        ("pin", json!({ "search": "exact", "data_format": "SEARCHABLE_HASH" })),
        ("secret", json!({ "data_format": "HASH" })),
    ] {
        crm.define(name, more).await;
    }
    crm.define_persona("employee", json!({ "scoped": true })).await;
    crm.define_persona("guest", json!({})).await;
    let mut jan = person("Jan.J");
    for (field, value) in [
        ("id_at_customer", json!("CRM-42")),
        ("family_name", json!("van  den Berg")),
        ("preferred_email", json!("Jan@B\u{fc}cher.example")),
        ("email_verified", json!(true)),
        ("ui_locales", json!("fr-BE nl-BE")),
    ] {
        jan[field] = value;
    }
    jan["attributes"] = json!({ "common": {
        "badge": ["B 1"], "tag": ["Red", "Blue"], "title": ["Dr. No"], "code": ["Code 7"],
        "size": ["1.50", "-3"],
        "account": ["12345678901234567890123"], "level": ["High"], "mail": ["Info@Example.org"],
        "phone": ["+3225550123"],
        "pin": ["1234"],
    } });
    jan["personas"] = json!([
        {
            "name": "employee", "scope": ["chemco", "Other"], "valid_until": "2026-12-01T00:00:00Z",
            "preferred": true
        },
        { "name": "guest", "status": "SUSPENDED" },
    ]);
    crm.create(USERS, jan).await;
    service.clock.advance(60);
    let els = crm.create(USERS, json!({ "username": "els", "family_name": "Peeters" })).await;
    crm.act(&els.below("block")).await.is(200);
    (service, crm)
}

/// Each of these finds Jan and not Els.
const OF_JAN: &[&str] = &[
    "username eq \"JAN.J\"",
    "username ne \"els\"",
    "username co \"N.J\"",
    "username sw \"j\"",
    "username ew \".j\"",
    "username gt \"els\"",
    "USERNAME GE \"Jan.J\"",
    "not (username lt \"jan.j\")",
    "not(username le \"els\")",
    "id_at_customer pr",
    "id_at_customer ne null",
    "id_at_customer eq \"CRM-42\"",
    "id_at_customer sw \"CRM\" and id_at_customer ew \"42\" and id_at_customer co \"-\"",
    "family_name eq \"Van Den BERG\"",
    "family_name sw \"va\"",
    "family_name sw \" VAN  den \"",
    "family_name co \"N D\"",
    "family_name ew \"berg\"",
    "family_name gt \"peeters\"",
    "given_name pr",
    "not (given_name eq null)",
    "preferred_email eq \"jan@b\u{fc}cher.EXAMPLE\"",
    "preferred_email ew \"@B\u{fc}cher.example\"",
    "preferred_email sw \"JAN@\" and preferred_email co \"xn--\"",
    "email_verified eq true",
    "email_verified ne false",
    "ui_locales eq \"NL-be\"",
    "ui_locales sw \"fr\" and ui_locales ew \"be\" and ui_locales co \"-\"",
    "ui_locales gt \"g\" and ui_locales lt \"g\"",
    "status eq \"active\"",
    "status ne \"BLOCKED\"",
    "created_at lt \"2026-11-21T10:00:30Z\"",
    "created_at le \"2026-11-21T11:00:00+01:00\"",
    "created_at eq \"2026-11-21T10:00:00.000Z\"",
    "updated_at ge \"2026-11-21T10:00:00Z\" and updated_at le \"2026-11-21T10:00:10Z\"",
    "last_login_at eq null and attributes.common.badge eq \"b 1\"",
    "attributes.common.badge pr",
    "attributes.common.badge gt \"b\" and attributes.common.badge lt \"c\"",
    "attributes.common.tag eq \"BLUE\" and attributes.common.tag ne \"green\"",
    "attributes.common.tag gt \"blue\" and attributes.common.tag le \"blue\"",
    "attributes.common.title sw \"DR\"",
    "attributes.common.title co \". n\" and attributes.common.title ew \"no\"",
    "attributes.common.code sw \"code\"",
    "attributes.common.code eq \"code 7\"",
    "attributes.common.size eq 1.5",
    "attributes.common.size eq \"1.500\"",
    "attributes.common.size lt -2.99 and attributes.common.size gt 1.49",
    "attributes.common.account gt 12345678901234567890122",
    "attributes.common.account sw \"12345678901234567890123\"",
    "attributes.common.account ew 123",
    "attributes.common.level eq \"high\"",
    "attributes.common.mail sw \"info@\" and attributes.common.mail ew \"EXAMPLE.org\"",
    "attributes.common.phone eq \"+3225550123\"",
    "attributes.common.phone sw \"+32\"",
    "attributes.common.pin eq \"1234\"",
    "attributes.common.pin pr and attributes.common.pin ne \"0000\"",
    "personas pr",
    "personas ne null",
    "personas.name eq \"guest\"",
    "personas.scope co \"ther\"",
    "personas[name eq \"employee\" and scope eq \"chemco\"]",
    "personas[scope eq \"Other\"]",
    "personas[preferred eq true and status eq \"active\" and not (name eq \"guest\")]",
    "personas[valid_until gt \"2026-11-30T00:00:00Z\" and valid_from eq null]",
    "personas[name sw \"emp\" or name ew \"xx\"]",
];

/// Each of these finds Els and not Jan.
const OF_ELS: &[&str] = &[
    "given_name eq null",
    "given_name ne \"jan\"",
    "username sw \"E\"",
    "id_at_customer eq null",
    "email_verified eq false",
    "created_at gt \"2026-11-21T10:00:59.999Z\"",
    "attributes.common.tag ne \"red\"",
    "attributes.common.size eq null",
    "personas eq null",
    "personas.name ne \"guest\"",
    "not (personas[name eq \"employee\"])",
    "personas.scope eq null",
];

/// None of these finds anybody.
const OF_NOBODY: &[&str] = &[
    "attributes.common.size gt 1.5",
    "attributes.common.pin eq \"0000\"",
    "last_login_at pr",
    "last_login_at gt \"2000-01-01T00:00:00Z\"",
    "id_at_customer eq \"crm-42\"",
    "personas[name eq \"guest\" and scope pr]",
    "personas[name eq \"guest\" and scope eq \"chemco\"]",
    "family_name sw \"vandenberg\"",
    "preferred_email eq \"no address\"",
    "username eq \"jan j\"",
    "id co \"x\"",
];

#[tokio::test]
async fn every_operator_finds_by_every_kind_of_field() {
    let (_service, crm) = two().await;
    for (filters, due) in [(OF_JAN, &["Jan.J"][..]), (OF_ELS, &["els"]), (OF_NOBODY, &[])] {
        for filter in filters {
            assert_eq!(names(&crm, *filter).await, due, "{filter}");
        }
    }
}

#[tokio::test]
async fn and_binds_more_tightly_than_or_and_not_most() {
    let (_service, crm) = two().await;
    let both = ["Jan.J", "els"];
    for (filter, due) in [
        ("username eq \"els\" or username eq \"jan.j\" and given_name eq null", &both[1..]),
        ("(username eq \"els\" or username eq \"jan.j\") and given_name eq null", &both[1..]),
        ("username eq \"jan.j\" or username eq \"els\" and given_name eq null", &both[..]),
        ("(username eq \"jan.j\" or username eq \"els\") and given_name pr", &both[..1]),
        ("not (username eq \"els\") and not (username eq \"jan.j\")", &[]),
        ("not (username eq \"els\" and username eq \"jan.j\")", &both[..]),
        ("NOT (not (username eq \"els\"))", &both[1..]),
    ] {
        assert_eq!(names(&crm, filter).await, due, "{filter}");
    }
}

#[tokio::test]
async fn an_object_means_that_all_its_members_are_equal() {
    let (_service, crm) = two().await;
    for filter in [
        json!({ "username": "jan.j", "email_verified": true, "attributes.common.size": 1.5 }),
        json!({ "personas": { "name": "employee", "preferred": true } }),
        json!({ "personas.scope": "chemco" }),
        json!({ "family_name": "van den berg", "last_login_at": null }),
    ] {
        assert_eq!(names(&crm, filter.clone()).await, ["Jan.J"], "{filter}");
    }
    assert_eq!(names(&crm, json!({ "personas": null })).await, ["els"]);
}

#[tokio::test]
async fn what_a_field_does_not_take_is_refused_with_what_it_does() {
    let (_service, crm) = two().await;
    for (filter, part) in [
        ("email_verified sw \"t\"", "`eq`, `ne` and `pr`"),
        ("email_verified gt true", "`eq`, `ne` and `pr`"),
        ("email_verified eq \"true\"", "expected true or false, found a string"),
        ("email_verified eq 1", "expected true or false, found a number"),
        ("created_at co \"2026\"", "`gt`, `ge`, `lt`, `le`"),
        ("created_at gt \"yesterday\"", "a time of RFC 3339"),
        ("created_at eq \"2026-11-21\"", "a time of RFC 3339"),
        ("last_login_at ge 5", "a time of RFC 3339"),
        ("last_login_at gt null", "found null"),
        ("username eq 5", "expected a string, found a number"),
        ("username eq true", "expected a string, found a boolean"),
        ("username co 5", "expected a string, found a number"),
        ("family_name sw \"v\"", "at least 2 characters"),
        ("family_name sw \" v \"", "at least 2 characters"),
        ("not (given_name sw \"\")", "at least 2 characters"),
        ("attributes.common.title sw \"D\"", "at least 2 characters"),
        ("attributes.common.note eq \"x\"", "cannot filter by `attributes.common.note`"),
        ("attributes.common.note pr", "has `search` `none`"),
        ("attributes.common.secret pr", "cannot filter by `attributes.common.secret`"),
        ("attributes.common.unheard eq \"x\"", "cannot filter by `attributes.common.unheard`"),
        ("attributes.common.badge sw \"B \"", "cannot compare `attributes.common.badge` by `sw`"),
        ("attributes.common.tag co \"x\"", "by `co`; it takes"),
        ("attributes.common.tag eq 5", "expected a string"),
        ("attributes.common.pin gt \"0\"", "by `gt`; it takes `eq`, `ne` and `pr`"),
        ("attributes.common.pin ew \"4\"", "by `ew`; it takes"),
        ("attributes.common.pin eq 1234", "expected a string"),
        ("attributes.common.size eq \"big\"", "a decimal number"),
        ("attributes.common.size gt true", "a decimal number"),
        ("attributes.common.size eq 1e99", "38 significant digits"),
        ("attributes.common.size sw \"1.\"", "by `sw`; it takes"),
        ("attributes.common.level co \"ig\"", "by `co`; it takes"),
        ("personas eq \"employee\"", "use `personas pr` or `personas["),
        (
            "personas[preferred eq \"true\"]",
            "cannot compare `personas.preferred`: expected true or false",
        ),
        ("personas[valid_from sw \"2026\"]", "by `sw`; it takes"),
        ("personas[family eq \"x\"]", "cannot filter personas by `family`"),
        ("personas.attributes pr", "cannot filter personas by `attributes`"),
        ("emails[type eq \"x\"]", "`emails[…]`"),
        ("nickname pr", "cannot filter by `nickname`"),
        ("name.family eq \"x\"", "cannot filter by `name.family`"),
        ("attributes pr", "cannot filter by `attributes`"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:username eq \"x\"", "cannot filter by"),
        ("username eq \"jan.j\" or attributes.common.note eq \"x\"", "cannot filter by"),
    ] {
        let detail = refused(&crm, filter).await;
        assert!(detail.contains(part), "{filter}: {detail}");
    }
    for filter in [
        json!({ "username": ["x"] }),
        json!({ "created_at": {} }),
        json!({ "attributes.common.size": [1] }),
    ] {
        refused(&crm, filter).await;
    }
}

#[tokio::test]
async fn p1_what_is_not_the_grammar_is_malformed() {
    let (_service, crm) = two().await;
    let deep = format!("{}username pr{}", "(".repeat(300), ")".repeat(300));
    let not = format!("{}username pr{}", "not (".repeat(200), ")".repeat(200));
    let open = "(".repeat(2000);
    let within = format!("personas[{}name pr{}]", "not (".repeat(150), ")".repeat(150));
    for filter in [
        "",
        " ",
        "username",
        "username eq",
        "eq \"x\"",
        "username is \"x\"",
        "username eq x",
        "username eq \"x",
        "(username pr",
        "username pr)",
        "username pr and",
        "username pr username pr",
        "personas[]",
        "personas[name eq \"x\"].scope eq \"y\"",
        "not username pr",
        "attributes.common.a.b eq \"x\"",
        "username eq \"\\ud800\"",
        &deep,
        &not,
        &open,
        &within,
    ] {
        let answer = crm.post(QUERY, json!({ "filter": filter })).await;
        assert_eq!((answer.code(), answer.slug().as_str()), (400, "malformed-request"), "{filter}");
    }
}

#[tokio::test]
async fn an_id_is_compared_as_an_id_and_a_base_profile_id_stands_for_its_user() {
    let (service, crm) = two().await;
    let jan = crm.find(json!("username eq \"jan.j\"")).await.remove(0);
    let id = jan["id"].as_str().unwrap();
    service.system("desk", &[]).await;
    assert_eq!(names(&crm, format!("id eq \"{}\"", id.to_uppercase())).await, ["Jan.J"]);
    assert_eq!(
        names(&crm, format!("id sw \"{}\" and id ew \"{}\"", &id[..20].to_uppercase(), &id[20..]))
            .await,
        ["Jan.J"]
    );
    assert_eq!(names(&crm, format!("id ne \"{id}\"")).await, ["els"]);
    let unknown = format!("id eq \"{}\"", "A".repeat(43));
    assert_eq!(names(&crm, unknown).await, [""; 0]);
    let found: Value = crm.post(QUERY, json!({ "filter": { "id": "x" } })).await.is(200).json();
    assert_eq!(found, json!({ "items": [] }));
}
