//! `kith check` finds every way in which rule D1 can be broken: each fault is planted, and told.

use maintenance::check;
use shared::domain::id::{PartyId, ProfileId, UserId};
use shared::domain::lookup::Lookup;
use shared::store::keys::{Child, partition_of_user};
use shared::store::{Condition, Item, Key, Write};
use tests::{Everything, Service, Setting, TENANT};

async fn problems(service: &Service) -> Vec<String> {
    check::verify(&service.table, &TENANT.parse().unwrap()).await.unwrap().problems
}

/// Puts or takes away what the store never would.
async fn plant(service: &Service, write: Write) {
    service.table.commit(vec![write]).await.unwrap();
}

async fn child(setting: &Setting, person: &Everything, name: &str) -> Item {
    let id = person.user.id.parse().unwrap();
    let key = Key::stored(&partition_of_user(&TENANT.parse().unwrap(), id), name);
    setting.service.table.get(&key).await.unwrap().expect("the child")
}

fn look_up(pk: &str, holder: UserId) -> Write {
    Write::Put(
        Item::at(&Key::stored(pk, "-")).text("holder", holder.to_string()),
        Condition::Absent,
    )
}

#[tokio::test]
async fn d1_a_person_with_everything_is_whole() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    let report = setting.service.check().await;
    assert_eq!((report.users, report.unfinished), (1, 0));
    // Its own, three subjects, two principals, three requests, and three look-ups for each of three
    // system profiles.
    let id = person.user.id.parse().unwrap();
    let own =
        setting.service.table.get_user(&TENANT.parse().unwrap(), id).await.unwrap().lookups().len();
    assert_eq!(report.lookups, own + 3 + 2 + 3 + 9);
}

#[tokio::test]
async fn d1_a_look_up_that_is_gone_is_told_of_each_kind() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    let (tenant, id): (_, UserId) = (TENANT.parse().unwrap(), person.user.id.parse().unwrap());
    let corp = person.subject.rsplit('/').next().unwrap();
    let mut due = 0;
    for (name, kind) in
        [("B#corp", "B"), ("SYS#web", "P web"), ("A#shop", "S"), (&*format!("S#corp#{corp}"), "S")]
    {
        let forward = child(&setting, &person, name).await.get_text("forward").unwrap().to_owned();
        plant(&setting.service, Write::Delete(Key::stored(&forward, "-"), Condition::Owner(id)))
            .await;
        due += 1;
        let told = problems(&setting.service).await;
        assert_eq!(told.len(), due, "{told:?}");
        let line = format!("user {id} lists an index entry that does not exist: {kind}");
        assert!(told.contains(&line), "{line}: {told:?}");
    }
    let request = person.request.rsplit('/').next().unwrap();
    plant(
        &setting.service,
        Write::Delete(Key::change_request(&tenant, request.parse().unwrap()), Condition::Owner(id)),
    )
    .await;
    let lookup: Lookup =
        child(&setting, &person, "SYS#app").await.get_texts("ix")[0].parse().unwrap();
    plant(&setting.service, Write::Delete(Key::lookup(&tenant, &lookup, id), Condition::Owner(id)))
        .await;
    let told = problems(&setting.service).await;
    for kind in ["not exist: R", "not exist: X app.nick0"] {
        assert!(told.iter().any(|line| line.ends_with(kind)), "{kind}: {told:?}");
    }
    assert_eq!(told.len(), due + 2);
}

#[tokio::test]
async fn d1_a_look_up_that_nobody_owns_is_told_of_each_kind() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    let (id, nobody) =
        (person.user.id.parse().unwrap(), UserId::new(setting.service.table.env().new_uuid()));
    let tenant = TENANT.parse().unwrap();
    let web: PartyId = "web".parse().unwrap();
    let profile = ProfileId::new(setting.service.table.env().new_uuid());
    let mut due = 0;
    for holder in [id, nobody] {
        for pk in [
            Key::subject(&tenant, holder.to_string().parse().unwrap()),
            Key::change_request(&tenant, holder.to_string().parse().unwrap()),
            Key::stored(&format!("T#{TENANT}#B#{holder}"), "-"),
            Key::stored(&format!("{}{holder}", Key::profile(&tenant, &web, profile).pk()), "-"),
            Key::stored(&format!("T#{TENANT}#Q#username#{holder}"), "-"),
            Key::stored(&format!("T#{TENANT}#X#web.nick#{holder}"), "-"),
        ] {
            plant(&setting.service, look_up(pk.pk(), holder)).await;
            due += 1;
            let told = problems(&setting.service).await;
            assert_eq!(told.len(), due, "{}: {told:?}", pk.pk());
            assert!(
                told.iter().any(
                    |line| line.contains(&format!("names user {holder}, who does not list it"))
                ),
                "{told:?}"
            );
        }
    }
}

#[tokio::test]
async fn d1_what_is_left_of_somebody_who_is_gone_is_told() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    setting.crm.delete(&person.user.path).await.is(204);
    setting.service.check().await;
    let nobody = UserId::new(setting.service.table.env().new_uuid());
    for holder in [person.user.id.parse().unwrap(), nobody] {
        let before = problems(&setting.service).await.len();
        // Without any look-up: nothing else would tell of it.
        let web = Child::SystemProfile(&"web".parse().unwrap());
        let left = Item::at(&Key::child(&TENANT.parse().unwrap(), holder, web))
            .text("holder", holder.to_string());
        plant(&setting.service, Write::Put(left, Condition::Absent)).await;
        let told = problems(&setting.service).await;
        assert_eq!(told.len(), before + 1);
        assert!(
            told.contains(&format!("user {holder} is deleted and still has an item: U SYS")),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn d1_a_child_of_another_owner_a_dangling_look_up_and_a_wrong_mark_are_told() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    let (tenant, id) = (TENANT.parse().unwrap(), person.user.id.parse().unwrap());
    let nobody = UserId::new(setting.service.table.env().new_uuid());
    let plain = Item::at(&Key::stored(&partition_of_user(&tenant, id), "NEW#x"));
    plant(
        &setting.service,
        Write::Put(plain.text("holder", nobody.to_string()), Condition::Absent),
    )
    .await;
    let shop = child(&setting, &person, "A#shop").await;
    let forward = Key::stored(shop.get_text("forward").unwrap(), "-");
    let there = setting.service.table.get(&forward).await.unwrap().unwrap();
    plant(&setting.service, Write::Put(there.text("child", "A#blog"), Condition::Owner(id))).await;
    for (base, unlinked) in [(&person.bases[0], true), (&person.bases[1], false)] {
        let item = Item::at(&Key::base(&tenant, base))
            .text("holder", id.to_string())
            .marked("unlinked", unlinked);
        plant(&setting.service, Write::Put(item, Condition::Owner(id))).await;
    }
    let mut told = problems(&setting.service).await;
    told.sort();
    let due = [
        format!("user {id} has a child that names another owner: U NEW"),
        format!("user {id} has a principal that disagrees with its index entry: U B"),
        format!("user {id} has a principal that disagrees with its index entry: U B"),
        format!("user {id} has an index entry for a child that does not exist: S"),
    ];
    assert_eq!(told, due);
}

#[tokio::test]
async fn d1_d8_what_is_past_its_time_and_not_yet_removed_is_no_fault() {
    let (setting, _) = Service::start().await.person_with_everything().await;
    setting.service.clock.advance(200 * 24 * 3600);
    setting.service.check().await;
}
