//! Thousands of random filters over generated people: the service finds the same users as a
//! brute-force search, each once, with every page size.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tests::Service;

use super::brute_force::{Filter, terms};
use super::crowd::{Dice, people};
use super::maker::Maker;
use super::{follow, text};

/// The filter as an object, where it says that some members are equal.
fn as_object(filter: &Filter) -> Option<Value> {
    let Filter::And(members) = filter else { return None };
    let mut object = Map::new();
    for member in members {
        let Filter::Term(path, "eq", value) = member else { return None };
        if object.insert(path.clone(), serde_json::from_str(value).ok()?).is_some() {
            return None;
        }
    }
    Some(Value::Object(object))
}

/// Tries so many random filters, others for each seed.
async fn random_filters_find_whom_a_brute_force_finds(seed: u64) {
    const PEOPLE: usize = 100;
    const FILTERS: usize = 500;
    let crm = Service::start().await.crm().await;
    let mut dice = Dice(seed);
    let people = people(&crm, PEOPLE, &mut dice).await;
    let (mut found_some, mut objects, mut tried) = (0, 0, 0);
    let mut maker = Maker { dice, people: &people };
    while tried < FILTERS {
        let depth = maker.dice.roll(4);
        let mut filter = maker.filter(depth);
        // A walk of the listing takes longest: most filters have something that is looked up.
        if maker.dice.chance(85) {
            filter = Filter::And(vec![maker.indexed(), filter]);
        }
        let written = filter.to_string();
        if terms(&filter) > 10 || written.len() > 2048 {
            continue;
        }
        tried += 1;
        let asked = as_object(&filter).filter(|_| maker.dice.chance(50));
        objects += usize::from(asked.is_some());
        let asked = asked.unwrap_or_else(|| json!(written));
        let due: BTreeSet<_> =
            people.iter().filter(|user| filter.holds(user)).map(|user| text(user, "id")).collect();
        let small = maker.dice.chance(30);
        let limit = || if small { 1 + due.len() / 4 + maker.dice.roll(9) } else { 100 }.min(100);
        let users = follow(&crm, &asked, limit).await;
        let found: BTreeSet<_> = users.iter().map(|user| text(user, "id")).collect();
        assert_eq!(found.len(), users.len(), "somebody comes twice: {asked}");
        let names = |ids: BTreeSet<String>| -> Vec<&Value> {
            people.iter().filter(|user| ids.contains(user["id"].as_str().unwrap())).collect()
        };
        assert!(
            found == due,
            "{asked}\nmissed: {:?}\nextra: {:?}",
            names(&due - &found),
            names(&found - &due)
        );
        found_some += usize::from(!found.is_empty() && found.len() < PEOPLE);
    }
    assert!(found_some > FILTERS / 3, "{found_some} of the filters tell somebody from others");
    eprintln!("{found_some} of {FILTERS} filters find some and not all, {objects} are objects");
    assert!(objects > 2, "{objects} filters were objects");
}

macro_rules! seeds {
    ($($name:ident: $seed:literal,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                random_filters_find_whom_a_brute_force_finds($seed).await;
            }
        )*
    };
}

seeds! {
    h7_random_filters_find_each_of_those_whom_a_brute_force_finds_once: 6,
    h7_random_filters_of_another_seed_do: 7,
    h7_random_filters_of_a_third_seed_do: 8,
    h7_random_filters_of_a_fourth_seed_do: 9,
}
