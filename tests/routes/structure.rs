//! The structure of the code, where the compiler cannot hold it.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file of the crates that are deployed or served, with its path from the root of the
/// repository.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> =
        ["shared", "functions", "infra"].iter().map(|name| root.join(name)).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                sources.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources
}

/// The files that call `function`, each as often as it does; its definition is no call.
fn callers(function: &str) -> Vec<String> {
    let mut callers = Vec::new();
    for (name, source) in sources() {
        for (at, _) in source.match_indices(&format!("{function}(")) {
            let before = &source[..at];
            let part = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if !part && !before.ends_with("fn ") {
                callers.push(name.clone());
            }
        }
    }
    callers.sort();
    callers
}

/// Rules D1, A3 and A4 hold for every write of a profile because each passes the same stages.
#[test]
fn d1_profiles_are_approved_derived_and_committed_in_one_place() {
    let pipeline = ["shared/src/writing/pipeline.rs"];
    assert_eq!(callers("derive_attributes"), pipeline);
    assert_eq!(callers("unapproved"), pipeline);
    assert_eq!(callers("prepare_user"), pipeline);
    assert_eq!(callers("commit_user"), pipeline);
    let store = [
        "commit",
        "consents",
        "forget",
        "forget",
        "principals",
        "subjects",
        "subjects",
        "system_profiles",
        "system_profiles",
        "user_writes",
        "user_writes/exchange",
    ];
    let store = store.map(|name| format!("shared/src/store/{name}.rs"));
    assert_eq!(callers("commit_user_writes"), store);
}

/// The domain may use only the modules below it.
#[test]
fn the_rules_import_no_layer_above_them() {
    let below = ["domain", "object", "env"];
    for (file, source) in sources() {
        if !file.starts_with("shared/src/domain/") {
            continue;
        }
        for path in source.split("crate::").skip(1) {
            let name = path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            assert!(below.contains(&name), "{file} imports crate::{name}");
        }
    }
}

#[test]
fn messages_say_what_was_expected_and_not_what_is_due() {
    let told: Vec<_> = sources()
        .into_iter()
        .filter(|(_, source)| {
            let words = source.split_whitespace().collect::<Vec<_>>();
            words.windows(2).any(|pair| {
                let due = pair[1].trim_matches(|c: char| !c.is_alphanumeric());
                matches!(pair[0], "is" | "are") && due == "due"
            })
        })
        .map(|(name, _)| name)
        .collect();
    assert!(told.is_empty(), "{told:?}");
}
