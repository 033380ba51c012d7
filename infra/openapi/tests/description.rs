//! The descriptions and the collections in the repository are what the code gives.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use openapi::collection::{Tool, collection};
use openapi::{LOCAL, Version};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_descriptions_are_what_the_code_gives() {
    for (name, version) in [("openapi.json", Version::V3_1), ("openapi-3.0.json", Version::V3_0)] {
        let generated =
            openapi::document(local::serve::functions(), version, LOCAL).unwrap() + "\n";
        assert!(
            std::fs::read_to_string(root().join(name)).unwrap() == generated,
            "{name} is not up to date: run `just openapi`"
        );
    }
}

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for path in next.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            found.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

#[test]
fn ec17_the_collections_are_what_the_code_gives() {
    let generated = |tool| {
        let files = collection(local::serve::functions(), tool, LOCAL).unwrap();
        files.into_iter().map(|file| (file.path, file.text)).collect::<BTreeMap<_, _>>()
    };
    let postman = std::fs::read_to_string(root().join("collections/postman.json")).unwrap();
    let stale = "the collections are not up to date: run `just openapi`";
    assert!(generated(Tool::Postman).into_values().eq([postman]), "{stale}");
    assert!(generated(Tool::Bruno) == files(&root().join("collections/bruno")), "{stale}");
}

#[test]
fn ec17_a_collection_has_a_request_with_its_example_for_each_operation() {
    let postman = collection(local::serve::functions(), Tool::Postman, LOCAL).unwrap();
    let postman: Value = serde_json::from_str(&postman[0].text).unwrap();
    let bruno: BTreeMap<_, _> = collection(local::serve::functions(), Tool::Bruno, LOCAL)
        .unwrap()
        .into_iter()
        .map(|file| (file.path, file.text))
        .collect();
    let listed: Vec<_> =
        local::serve::functions().into_iter().flatten().filter(|route| route.listed).collect();
    let requests: Vec<_> = postman["item"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|folder| folder["item"].as_array().unwrap())
        .collect();
    assert_eq!(requests.len(), listed.len());
    assert_eq!(bruno.keys().filter(|path| !is_settings(path)).count(), listed.len());
    for route in listed {
        let request = requests.iter().find(|request| request["name"] == route.summary).unwrap();
        let request = &request["request"];
        assert_eq!(request["method"], route.method, "{}", route.name);
        let takes_body = !matches!(route.body, shared::http::Body::None);
        assert_eq!(request.get("body").is_some(), takes_body, "{}", route.name);
        // Each variable of a path has a value.
        for variable in request["url"]["variable"].as_array().unwrap() {
            let value = variable["value"].as_str().unwrap();
            assert!(value.starts_with("{{") && value.len() > 4, "{}: {value}", route.name);
        }
        let file = format!("/{}.bru", route.name);
        let (_, text) = bruno.iter().find(|(path, _)| path.ends_with(&file)).unwrap();
        assert!(text.contains(&format!("\n{} {{\n", route.method.to_lowercase())), "{text}");
        assert_eq!(text.contains("\nbody:"), takes_body, "{text}");
    }
}

fn is_settings(path: &str) -> bool {
    path.starts_with("environments/")
        || ["bruno.json", "collection.bru", "folder.bru"].iter().any(|name| path.ends_with(name))
}

#[test]
fn the_size_of_the_description_is_the_one_that_is_told() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let (description, page) = (read("openapi.json"), read("docs/explanation/calls-per-task.md"));
    let listed = local::serve::functions().into_iter().flatten().filter(|route| route.listed);
    let rounded = |number: usize, to: usize| (number + to / 2) / to * to;
    let due = format!(
        "`openapi.json`: {} operations, {} KB, {} lines.",
        listed.count(),
        rounded(description.len() / 1000, 10),
        rounded(description.lines().count(), 100)
    );
    assert!(page.contains(&due), "docs/explanation/calls-per-task.md: expected `{due}`");
}
