//! Authorization codes in the table.

use shared::domain::people::{Code, Exchanged, Secret, SecretHash};
use shared::domain::versioned::Version;
use shared::store::people::exchange_code;
use shared::store::{CommitError, Table};
use tokio::task::JoinSet;

use super::{Home, tenant};

async fn put(home: &Home) -> SecretHash {
    let env = home.service.table.env();
    let (secret, now) = (Secret::new(&env.random), env.clock.now());
    let code = Code {
        client: home.crm.id.parse().unwrap(),
        redirect_uri: "https://app.example/callback".to_owned(),
        challenge: "x".repeat(43),
        nonce: None,
        scope: vec!["openid".to_owned()],
        claims: None,
        audience: Vec::new(),
        dpop_jkt: None,
        user: home.id,
        user_version: Version::FIRST,
        persona: None,
        sid: "sid".to_owned(),
        session: secret.hash(),
        session_ends_at: now.plus_seconds(3600),
        auth_time: now,
        amr: vec!["pwd".to_owned()],
        acr: None,
        created_at: now,
        exchanged: None,
    };
    home.service.table.put_code(&tenant(), &secret, &code).await.unwrap();
    secret.hash()
}

/// Exchanges a code that was read before; `false` if somebody else was faster.
async fn exchange(table: &Table, hash: &SecretHash, family: &str) -> bool {
    let stored = table.find_code(&tenant(), hash).await.unwrap().unwrap();
    if stored.value.exchanged.is_some() {
        return false;
    }
    let exchanged = Exchanged {
        family: Some(family.to_owned()),
        jti: family.to_owned(),
        token_ends_at: table.env().clock.now().plus_seconds(300),
    };
    match table.commit(vec![exchange_code(&tenant(), hash, &stored, exchanged)]).await {
        Ok(()) => true,
        Err(CommitError::Conditions(_) | CommitError::Contended) => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g6_of_fifty_exchanges_of_a_code_at_once_one_is_made() {
    let home = Home::start().await;
    let hash = put(&home).await;
    let mut running = JoinSet::new();
    for n in 0..50 {
        let (table, hash) = (home.service.table.clone(), hash.clone());
        running.spawn(async move { exchange(&table, &hash, &n.to_string()).await.then_some(n) });
    }
    let won: Vec<_> = running.join_all().await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    let stored = home.service.table.find_code(&tenant(), &hash).await.unwrap().unwrap();
    assert_eq!(stored.value.exchanged.unwrap().family, Some(won[0].to_string()));
}

#[tokio::test]
async fn g6_a_code_can_be_exchanged_for_sixty_seconds() {
    let home = Home::start().await;
    let hash = put(&home).await;
    home.service.clock.advance(59);
    assert!(home.service.table.find_code(&tenant(), &hash).await.unwrap().is_some());
    home.service.clock.advance(1);
    assert!(home.service.table.find_code(&tenant(), &hash).await.unwrap().is_none());
}

#[tokio::test]
async fn g7_an_exchanged_code_is_remembered_for_ten_minutes() {
    let home = Home::start().await;
    let (table, hash) = (&home.service.table, put(&home).await);
    assert!(exchange(table, &hash, "family").await);
    home.service.clock.advance(600);
    let stored = table.find_code(&tenant(), &hash).await.unwrap().unwrap();
    assert_eq!(stored.value.exchanged.unwrap().family.as_deref(), Some("family"));
    home.service.clock.advance(60);
    assert!(table.find_code(&tenant(), &hash).await.unwrap().is_none());
}
