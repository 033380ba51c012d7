//! The route tables, with the names of their functions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use shared::http::Route;

/// The functions in the order of `local::serve::functions`.
const NAMES: [&str; 7] = ["token", "users", "personas", "definitions", "subjects", "login", "site"];

/// Every route with the name of its function.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static Route)> {
    NAMES
        .into_iter()
        .zip(local::serve::functions())
        .flat_map(|(name, routes)| routes.iter().map(move |route| (name, route)))
}

/// The route table of a function.
pub fn table_of(function: &str) -> &'static [Route] {
    let found =
        NAMES.into_iter().zip(local::serve::functions()).find(|(name, _)| *name == function);
    found.unwrap_or_else(|| panic!("there is no function `{function}`")).1
}

/// The path of a route as API Gateway knows it. AWS does not document whether a route of an HTTP
/// API may contain a colon. So a variable replaces the segment with a colon: `users:bulk-search` is
/// `{users}`.
pub fn gateway_path(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((before, last)) if last.contains(':') => {
            let name = last.split(':').next().unwrap();
            format!("{before}/{{{name}}}")
        }
        _ => path.to_owned(),
    }
}

/// Every path with its function.
pub fn paths() -> BTreeMap<String, String> {
    routes().map(|(function, route)| (route.path.to_owned(), function.to_owned())).collect()
}

/// A file of the repository.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The text of a file of the repository.
pub fn read(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn operation_ids_are_unique() {
    let ids: Vec<_> = routes().map(|(_, route)| route.name).collect();
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), distinct.len(), "{ids:?}");
}

#[test]
fn no_two_functions_claim_one_path() {
    let mut owners = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (function, route) in routes() {
        owners.entry(route.path).or_default().insert(function);
    }
    owners.retain(|_, functions| functions.len() > 1);
    assert_eq!(owners, BTreeMap::new());
}

#[test]
fn every_route_says_what_it_does() {
    for (_, route) in routes() {
        assert!(!route.summary.is_empty(), "{}", route.name);
    }
}
