//! A hashed value is nowhere to be read: not in an answer, not in the log, not in the table (rule
//! A2).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use shared::domain::id::TenantId;
use shared::store::Key;
use tests::{Answer, Client, Service};

use super::{USERS, attribute};
use crate::edge::logs;

/// Words that occur nowhere else, in the order in which they are written.
const WORDS: [&str; 8] = [
    "Zwaardvis-1",
    "Zandloper-2",
    "Vuurtoren-3",
    "Kompasroos-4",
    "Windvaan-5",
    "Zeepaard-6",
    "Scheepsbel-7",
    "Ankerketting-8",
];

/// The forms in which a word could be given away: as it is, folded, encoded, as bytes, or as a hash
/// that everybody can make.
fn forms(word: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for text in [word.to_owned(), word.to_lowercase()] {
        let bytes = format!("{:?}", text.as_bytes());
        let hash = digest(&SHA256, text.as_bytes());
        let hex =
            hash.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        forms.extend([
            bytes.trim_matches(['[', ']']).to_owned(),
            STANDARD_NO_PAD.encode(&text),
            URL_SAFE_NO_PAD.encode(hash),
            hex,
            text,
        ]);
    }
    forms
}

/// The stored content of a user.
pub async fn stored(service: &Service, tenant: &str, user: &str) -> Value {
    let tenant: TenantId = tenant.parse().unwrap();
    let item = service
        .table
        .get(&Key::user(&tenant, user.parse().unwrap()))
        .await
        .unwrap()
        .expect("a user");
    serde_json::from_str(item.get_text("doc").expect("its content")).unwrap()
}

/// Every request that can carry a hashed value, and some that are refused.
async fn requests(crm: &Client, format: &str) -> Vec<Answer> {
    let search = if format == "HASH" { "none" } else { "exact" };
    let pin = crm.define("pin", json!({ "data_format": format, "search": search })).await;
    crm.define_persona("role", json!({ "attributes": [pin.id] })).await;
    let with = |word: &str| attribute("pin", &json!([word]));
    let mut body = with(WORDS[0]);
    body["username"] = json!("jan");
    body["personas"] = json!([{ "name": "role", "attributes": with(WORDS[1])["attributes"] }]);
    let made = crm.post(USERS, body.clone()).key("key-1").await;
    let path = made.clone().created().path;
    let persona = format!("{path}/personas/{}", made.json()["personas"][0]["id"].as_str().unwrap());
    let mut put = with(WORDS[2]);
    put["username"] = json!("jan");
    put["personas"] = made.json()["personas"].clone();
    let by_id = json!({ "attribute_definition_id": pin.id, "value": [WORDS[4]] });
    let by_name = json!({ "category": "common", "name": "pin", "value": [WORDS[6]] });
    let find = |word: &str| {
        crm.post(&format!("{USERS}/query"), json!({ "filter": { "attributes.common.pin": word } }))
    };
    let mut answers = vec![
        crm.post(USERS, body.clone()).key("key-1").await.is(201),
        crm.post(USERS, body).await.is(409),
        crm.put(&path, put).if_match("*").await.is(200),
        crm.patch(&path, with(WORDS[3])).if_match("*").await.is(200),
        crm.patch(&path, json!({ "attribute_values": [by_id] })).if_match("*").await.is(200),
        crm.patch(&persona, with(WORDS[5])).if_match("*").await.is(200),
        crm.patch(&format!("{persona}/attribute"), by_name).if_match("*").await.is(200),
        crm.post(
            USERS,
            json!({ "username": "els", "attributes": { "common": { "pin": [WORDS[7]] } } }),
        )
        .await
        .is(201),
        // Refused: a value of the wrong type beside a right one, a stale tag, a second time the
        // same, too long.
        crm.patch(&path, attribute("pin", &json!([WORDS[3], 7]))).if_match("*").await.is(422),
        crm.patch(&path, with(WORDS[4])).if_match("\"stale\"").await.is(412),
        crm.patch(&path, attribute("pin", &json!([WORDS[3], WORDS[3]])))
            .if_match("*")
            .await
            .is(422),
        crm.patch(&path, attribute("pin", &json!([WORDS[3].repeat(2000)])))
            .if_match("*")
            .await
            .is(422),
        crm.patch(&path, attribute("pin", &json!({ WORDS[3]: WORDS[4] })))
            .if_match("*")
            .await
            .is(422),
        crm.patch(&path, attribute("pin", &json!(WORDS[3]))).if_match("*").await.is(422),
        crm.get(&path).await.is(200),
        crm.get(&persona).await.is(200),
        crm.get(&format!("{path}/personas")).await.is(200),
        crm.act(&format!("{path}/block")).key("key-2").await.is(200),
        crm.post(
            &format!("{USERS}/query"),
            json!({ "filter": { "username": "jan" }, "explain": true }),
        )
        .await
        .is(200),
        crm.get(&pin.path).await.is(200),
        made,
    ];
    for word in WORDS {
        answers.push(find(word).await);
    }
    let text = format!("attributes.common.pin eq \"{}\"", WORDS[4]);
    answers.push(
        crm.post(&format!("{USERS}/query"), json!({ "filter": text, "limit": 1, "explain": true }))
            .await,
    );
    answers
}

#[tokio::test]
async fn a2_a_hashed_value_is_in_no_answer_no_line_of_the_log_and_no_item() {
    logs::keep();
    for format in ["HASH", "SEARCHABLE_HASH"] {
        let service = Service::start().await;
        let crm = service.crm().await;
        let answers = requests(&crm, format).await;
        let items = service.items().await.join("\n");
        for form in WORDS.iter().flat_map(|word| forms(word)) {
            for answer in &answers {
                let text = format!("{:?} {}", answer.headers, answer.text());
                assert!(!text.contains(&form), "{format} {form}: {text}");
                let lines = format!("{:?}", logs::lines(answer));
                assert!(!lines.contains(&form), "{format} {form}: {lines}");
            }
            assert!(!items.contains(&form), "{format}: an item holds {form}");
        }
        // And not the hash either: it could be attacked, or sent back.
        let id =
            answers.last().map(|_| crm.find(json!({ "username": "jan" }))).unwrap().await[0]["id"]
                .clone();
        let stored = stored(&service, "acme", id.as_str().unwrap()).await;
        let own = stored["attributes"].as_object().unwrap().values().next().unwrap()[0]
            .as_str()
            .unwrap()
            .to_owned();
        for answer in &answers {
            let text = format!("{:?} {} {:?}", answer.headers, answer.text(), logs::lines(answer));
            assert!(!text.contains(&own) && !text.contains("argon2"), "{format}: {text}");
        }
    }
}

#[tokio::test]
async fn a2_a_salted_hash_has_a_salt_of_its_own() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let pin = crm.define("pin", json!({ "data_format": "HASH" })).await;
    let code = crm.define("code", json!({ "data_format": "HASH" })).await;
    crm.define_persona("role", json!({ "scoped": true, "attributes": [pin.id, code.id] })).await;
    let both = json!({ "common": { "pin": ["secret"], "code": ["secret"] } });
    let persona = |scope: &str| json!({ "name": "role", "scope": [scope], "attributes": both });
    let body =
        json!({ "username": "jan", "attributes": both, "personas": [persona("a"), persona("b")] });
    let jan = crm.create(USERS, body).await;
    let other = crm.create(USERS, json!({ "username": "piet", "attributes": both })).await;

    let mut salted = Vec::new();
    for user in [&jan, &other] {
        let stored = stored(&service, "acme", &user.id).await.to_string();
        salted.extend(
            stored.split('"').filter(|text| text.starts_with("$argon2id$")).map(str::to_owned),
        );
    }
    assert_eq!(salted.len(), 8);
    assert!(
        salted.iter().all(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")),
        "{salted:?}"
    );
    salted.sort();
    salted.dedup();
    assert_eq!(salted.len(), 8, "equal values can be told from their hashes");
}

#[tokio::test]
async fn a2_a_searchable_hash_differs_by_tenant_and_attribute() {
    let service = Service::start().await;
    service.create_tenant("globex").await;
    let scopes = "users:read users:write config:read config:write";
    let mut hashes = Vec::new();
    for tenant in ["acme", "globex"] {
        let crm = service.client(tenant, scopes).await;
        let format = json!({ "data_format": "SEARCHABLE_HASH", "search": "exact" });
        crm.define("pin", format.clone()).await;
        crm.define("code", format).await;
        let both = json!({ "common": { "pin": ["Secret"], "code": [" secret"] } });
        let jan = crm.create(USERS, json!({ "username": "jan", "attributes": both })).await;
        let els = crm.create(USERS, json!({ "username": "els", "attributes": both })).await;
        let of = async |id: &str| stored(&service, tenant, id).await["attributes"].clone();
        let jans = of(&jan.id).await;
        assert_eq!(
            jans,
            of(&els.id).await,
            "within an attribute of a tenant equal values are found"
        );
        hashes.extend(jans.as_object().unwrap().values().map(Value::to_string));
        assert_eq!(crm.find(json!({ "attributes.common.pin": "SECRET" })).await.len(), 2);
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 4, "one key for several attributes or tenants: {hashes:?}");
    // An instance that starts later, or was restarted, has the same key.
    let later = service.instance().client("acme", scopes).await;
    assert_eq!(later.find(json!({ "attributes.common.pin": "secret" })).await.len(), 2);
}
