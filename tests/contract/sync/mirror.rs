//! A system that keeps in step while others create, change and forget: at the end its copy is the
//! tenant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tests::{Client, Service, person};
use tokio::sync::RwLock;
use tokio::task::JoinSet;

use super::{USERS, page};

/// Numbers that are the same for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// A tenant with what its writers share.
struct Tenant {
    service: Service,
    crm: Client,
    /// The paths of all users that were created.
    made: Mutex<Vec<String>>,
    /// The users whose erasure was interrupted.
    interrupted: Mutex<Vec<String>>,
    /// The time moves while nobody writes: a write is stamped and done in one moment.
    moment: RwLock<()>,
}

impl Tenant {
    async fn pass(&self, seconds: u64) {
        let _still = self.moment.write().await;
        self.service.clock.advance(i64::try_from(seconds).unwrap());
    }

    fn any(&self, dice: &mut Dice) -> Option<String> {
        let made = self.made.lock().unwrap();
        let most = u64::try_from(made.len()).unwrap();
        (most > 0).then(|| made[usize::try_from(dice.below(most)).unwrap()].clone())
    }

    /// Does one thing that a system or a person might do.
    async fn write(&self, name: &str, dice: &mut Dice) {
        let _moment = self.moment.read().await;
        let crm = self.crm.clone().with_token().await;
        let user = self.any(dice);
        match (dice.below(20), user) {
            (0..=6, _) | (_, None) => {
                let user = crm.create(USERS, person(name)).await;
                self.made.lock().unwrap().push(user.path);
            }
            (7..=13, Some(user)) => {
                let patch = json!({ "given_name": format!("Given {name}"), "ui_locales": "nl" });
                let answer = crm.patch(&user, patch).if_match("*").await;
                assert!([200, 404].contains(&answer.code()), "{}", answer.text());
            }
            (14..=16, Some(user)) => {
                let answer = crm.delete(&user).await;
                assert!([204, 404, 503].contains(&answer.code()), "{}", answer.text());
            }
            (17..=18, Some(user)) => {
                let id = user.rsplit('/').next().unwrap().to_owned();
                self.service.faults.cut("PutItem", &id);
                let answer = crm.delete(&user).await;
                // Another task may have completed the erasure meanwhile.
                assert!([204, 404, 503].contains(&answer.code()), "{}", answer.text());
                self.interrupted.lock().unwrap().push(user);
            }
            (_, Some(_)) => {
                let interrupted = self.interrupted.lock().unwrap().pop();
                if let Some(user) = interrupted {
                    let code = self.finish(&crm, &user).await;
                    // Another writer may have interrupted it again, and keeps it for later.
                    assert!([204, 404, 503].contains(&code), "{code}");
                }
            }
        }
    }

    /// Repeats an interrupted erasure, and tells the status.
    async fn finish(&self, crm: &Client, user: &str) -> u16 {
        self.service.faults.mend(user.rsplit('/').next().unwrap());
        crm.delete(user).await.code()
    }
}

/// The copy of a system that polls.
#[derive(Default)]
struct Mirror {
    users: BTreeMap<String, Value>,
    gone: BTreeMap<String, String>,
    since: Option<String>,
    pages: usize,
}

impl Mirror {
    fn apply(&mut self, item: &Value) {
        let id = item["id"].as_str().unwrap().to_owned();
        if let Some(deleted_at) = item["deleted_at"].as_str() {
            self.users.remove(&id);
            self.gone.insert(id, deleted_at.to_owned());
        } else {
            assert!(!self.gone.contains_key(&id), "somebody who was forgotten is shown again");
            self.users.insert(id, item.clone());
        }
    }

    /// A poll: follows the pages, at times slowly, and at times stops in the middle.
    async fn poll(&mut self, tenant: &Tenant, dice: &mut Dice, patient: bool) {
        let mut cursor = None;
        loop {
            let limit = usize::try_from(1 + dice.below(8)).unwrap();
            let crm = tenant.crm.clone().with_token().await;
            let page = page(&crm, self.since.as_deref(), limit, cursor.as_deref()).await;
            self.pages += 1;
            page.items.iter().for_each(|item| self.apply(item));
            if page.cursor.is_none() || (!patient && dice.below(10) == 0) {
                self.since = Some(page.next);
                return;
            }
            cursor = page.cursor;
            if dice.below(8) == 0 {
                tenant.pass(dice.below(180)).await;
            }
        }
    }
}

/// How many things each writer does.
const STEPS: usize = 40;
const WRITERS: u64 = 3;

async fn keeps_in_step(seed: u64, whole: bool) {
    let service = Service::start().await;
    service.faults.lag(&service.clock, seed, 0..60_000);
    let crm = service.crm().await;
    let tenant = Arc::new(Tenant {
        service,
        crm,
        made: Mutex::default(),
        interrupted: Mutex::default(),
        moment: RwLock::default(),
    });
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let tenant = tenant.clone();
        writers.spawn(async move {
            let mut dice = Dice(seed * 1000 + writer + 1);
            for step in 0..STEPS {
                tenant.write(&format!("w{writer}s{step}"), &mut dice).await;
                if dice.below(3) == 0 {
                    tenant.pass(dice.below(20)).await;
                }
            }
        });
    }
    let mut mirror =
        Mirror { since: whole.then(|| "2026-11-21T10:00:00Z".to_owned()), ..Mirror::default() };
    let mut dice = Dice(seed + 77);
    while !writers.is_empty() {
        mirror.poll(&tenant, &mut dice, false).await;
        while let Some(done) = writers.try_join_next() {
            done.unwrap();
        }
        tenant.pass(dice.below(30)).await;
    }
    let crm = tenant.crm.clone().with_token().await;
    let interrupted: Vec<_> = tenant.interrupted.lock().unwrap().drain(..).collect();
    for user in interrupted {
        let code = tenant.finish(&crm, &user).await;
        assert!([204, 404].contains(&code), "{code}");
    }
    tenant.pass(60).await;
    mirror.poll(&tenant, &mut dice, true).await;

    let crm = crm.with_token().await;
    let (mut users, mut gone) = (BTreeMap::new(), BTreeSet::new());
    let made = tenant.made.lock().unwrap().clone();
    for path in made {
        let id = path.rsplit('/').next().unwrap().to_owned();
        let answer = crm.get(&path).await;
        match answer.code() {
            200 => drop(users.insert(id, answer.json())),
            _ => drop(gone.insert(id)),
        }
    }
    assert!(users.len() > 5 && gone.len() > 2 && mirror.pages > 5, "too little happened");
    assert_eq!(mirror.users, users, "seed {seed}");
    let told: BTreeSet<_> = mirror.gone.keys().cloned().collect();
    if whole {
        assert_eq!(told, gone, "seed {seed}");
    } else {
        assert!(told.is_subset(&gone), "seed {seed}");
    }
    assert_eq!(tenant.service.check().await.unfinished, 0);
}

macro_rules! for_each_seed {
    ($($name:ident: $seed:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            keeps_in_step($seed, true).await;
            keeps_in_step($seed + 100, false).await;
        }
    )*};
}

for_each_seed! {
    h7_a_copy_that_polls_is_the_tenant_at_the_end_with_seed_1: 1;
    h7_a_copy_that_polls_is_the_tenant_at_the_end_with_seed_2: 2;
    h7_a_copy_that_polls_is_the_tenant_at_the_end_with_seed_3: 3;
    h7_a_copy_that_polls_is_the_tenant_at_the_end_with_seed_4: 4;
}
