//! The schemas that the route tables name.
//!
//! What a caller sends and what the service answers are described apart, because they differ: an
//! answer always has every field, and a request may leave out most and may hold nothing that is not
//! known. A table that names one schema for both, as those of definitions do, means `<Name>` for
//! the answer and `<Name>Input` for the body.

mod changes;
mod clients;
mod definitions;
mod imports;
mod oauth;
mod personas;
mod principals;
mod problems;
mod queries;
mod site;
mod subjects;
mod system_profiles;
mod systems;
pub(super) mod users;
mod workflows;

use std::collections::BTreeMap;

use utoipa::openapi::Schema;

use super::shapes::{Record, list, named, string};

/// Schemas by their names.
pub(super) type Schemas = BTreeMap<&'static str, Schema>;

/// Every schema.
pub(super) fn all() -> Schemas {
    let mut all = Schemas::new();
    all.extend(users::schemas());
    all.extend(queries::schemas());
    all.extend(system_profiles::schemas());
    all.extend(personas::schemas());
    all.extend(changes::schemas());
    all.extend(definitions::schemas());
    all.extend(imports::schemas());
    all.extend(workflows::schemas());
    all.extend(systems::schemas());
    all.extend(principals::schemas());
    all.extend(subjects::schemas());
    all.extend(clients::schemas());
    all.extend(oauth::schemas());
    all.extend(problems::schemas());
    all.extend(site::schemas());
    all
}

/// A page of resources.
fn page(of: &str) -> Schema {
    let cursor = string(4096, "Where the next page starts; absent on the last one.");
    Record::new("One page of a list.").must("items", items(of)).may("next_cursor", cursor).schema()
}

/// A list that comes as a whole.
fn whole(of: &str) -> Schema {
    Record::new("The whole list.").must("items", items(of)).schema()
}

fn items(of: &str) -> utoipa::openapi::Array {
    list(named(of), None, "The resources, each as its own address shows it.")
}
