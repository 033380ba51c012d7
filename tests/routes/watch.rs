//! The router of `cargo lambda watch`: which function it sends each path to on one local port.

use std::collections::BTreeMap;

use crate::tables::{paths, read};

#[test]
fn cargo_lambda_sends_each_path_to_the_function_that_serves_it() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let router = &manifest["workspace"]["metadata"]["lambda"]["watch"]["router"];
    let mapped: BTreeMap<_, _> = router
        .as_table()
        .unwrap()
        .iter()
        .map(|(path, function)| (path.clone(), function.as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(mapped, paths());
}
