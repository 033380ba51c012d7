//! The descriptions in the repository are what the code gives.

use std::path::Path;

use openapi::{LOCAL, Version};

#[test]
fn the_descriptions_are_what_the_code_gives() {
    for (name, version) in [("openapi.json", Version::V3_1), ("openapi-3.0.json", Version::V3_0)] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
        let generated =
            openapi::document(local::serve::functions(), version, LOCAL).unwrap() + "\n";
        assert!(
            std::fs::read_to_string(file).unwrap() == generated,
            "{name} is not up to date: `just openapi` writes it anew"
        );
    }
}
