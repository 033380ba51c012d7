//! The last administrator of a tenant stays (rule G62).

use maintenance::forget::forget;
use serde_json::json;
use shared::domain::id::UserName;
use tests::{Call, Client, Resource, Service, TENANT};

use super::tenant;
use crate::races::{at_once, count};

/// A client that may do everything, and a user with the persona `administrator`.
struct Office {
    service: Service,
    boss: Client,
}

/// A user who is an administrator, and the persona by which it is.
struct Holder {
    user: Resource,
    persona: Resource,
}

impl Office {
    async fn open() -> Self {
        let service = Service::start().await;
        let boss = service.client(TENANT, "administrator users:write users:read").await;
        Self { service, boss }
    }

    async fn administrator(&self, name: &str) -> Holder {
        let user = self.boss.create_user(name).await;
        let persona = self.boss.add_persona(&user, json!({ "name": "administrator" })).await;
        Holder { user, persona }
    }

    async fn administrators(&self) -> usize {
        let schema = self.service.table.schema(&tenant()).await.unwrap();
        self.service.table.administrators(&schema).await.unwrap().len()
    }

    /// The ways in which a user loses the right.
    fn ways(&self, holder: &Holder) -> Vec<Call> {
        let (boss, Holder { user, persona }) = (&self.boss, holder);
        let until = json!({ "valid_until": "2027-01-01T00:00:00Z" });
        vec![
            boss.delete(&persona.path),
            boss.act(&format!("{}/suspend", persona.path)),
            boss.patch(&persona.path, until).if_match("*"),
            boss.act(&user.below("block")),
            boss.act(&user.below("principals/system/unlink")),
            boss.delete(&user.path),
        ]
    }
}

#[tokio::test]
async fn g62_the_last_administrator_loses_the_right_in_no_way() {
    let office = Office::open().await;
    let only = office.administrator("only").await;
    let ways = office.ways(&only).len();
    for n in 0..ways {
        let answer = office.ways(&only).swap_remove(n).await;
        assert_eq!(answer.code(), 409, "way {n}: {}", answer.text());
        assert!(answer.text().contains("last-administrator"), "way {n}: {}", answer.text());
        assert_eq!(office.administrators().await, 1, "way {n}");
    }
}

#[tokio::test]
async fn g62_an_administrator_beside_another_one_loses_the_right_in_every_way() {
    let office = Office::open().await;
    let stays = office.administrator("stays").await;
    for n in 0..6 {
        let leaves = office.administrator(&format!("leaves{n}")).await;
        let answer = office.ways(&leaves).swap_remove(n).await;
        assert!(answer.status.is_success(), "way {n}: {}", answer.text());
        // With an end, the right holds until then.
        let due = if n == 2 { 2 } else { 1 };
        assert_eq!(office.administrators().await, due, "way {n}");
        if n == 2 {
            office.boss.delete(&leaves.user.path).await.is(204);
        }
    }
    office.boss.delete(&stays.user.path).await.is(409);
}

#[tokio::test]
async fn g62_who_cannot_sign_in_is_no_other_administrator() {
    let office = Office::open().await;
    let only = office.administrator("only").await;
    let unlinked = office.administrator("unlinked").await;
    office.boss.act(&unlinked.user.below("principals/system/unlink")).await.is(200);
    office.boss.delete(&only.user.path).await.is(409);
    // And who may not sign in takes nothing away.
    office.boss.delete(&unlinked.user.path).await.is(204);
    let blocked = office.administrator("blocked").await;
    office.boss.act(&blocked.user.below("block")).await.is(200);
    office.boss.delete(&only.user.path).await.is(409);
    office.boss.act(&blocked.user.below("unblock")).await.is(200);
    office.boss.delete(&only.user.path).await.is(204);
}

#[tokio::test]
async fn g62_a_tenant_without_administrators_and_an_operator_are_not_affected() {
    let office = Office::open().await;
    let user = office.boss.create_user("jan").await;
    office.boss.act(&user.below("block")).await.is(200);
    office.boss.delete(&user.path).await.is(204);
    let only = office.administrator("only").await;
    let name: UserName = only.user.id.parse().unwrap();
    forget(&office.service.table, &tenant(), &name).await.unwrap().unwrap();
    assert_eq!(office.administrators().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g62_of_two_administrators_who_lose_the_right_at_once_one_stays() {
    for (one, other) in [(0, 0), (0, 3), (1, 4), (2, 5), (3, 5), (4, 5), (5, 5)] {
        let office = Office::open().await;
        let first = office.administrator("first").await;
        let second = office.administrator("second").await;
        let calls = [office.ways(&first).swap_remove(one), office.ways(&second).swap_remove(other)];
        let answers = at_once(calls).await;
        assert_eq!(count(&answers, &[409]), [1], "ways {one} and {other}");
        assert!(office.administrators().await >= 1, "ways {one} and {other}");
        office.service.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g62_of_twenty_administrators_who_leave_at_once_one_stays() {
    let office = Office::open().await;
    let mut calls = Vec::new();
    for n in 0..20 {
        let holder = office.administrator(&format!("user{n}")).await;
        calls.push(office.boss.delete(&holder.persona.path));
    }
    let answers = at_once(calls).await;
    let left = office.administrators().await;
    assert!(left >= 1, "nobody is left");
    // Some gave up because so many were writing; none was told that it is done and is not.
    let done = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(done + left, 20);
}
